package policy

import (
	"embed"
	"fmt"
	"strings"

	"github.com/plimsoll/plimsoll/internal/read/policyfile"
)

// LibraryPrefix goes before the name of a policy that Plimsoll ships.
const LibraryPrefix = "lib:"

//go:embed library
var libraryFiles embed.FS

// Library is what Plimsoll ships: policies, and the cases that test them.
func Library() (*policyfile.Set, error) {
	set, err := policyfile.Load(libraryFiles, "library", "")
	if err != nil {
		return nil, fmt.Errorf("the library in this program: %w", err)
	}
	return set, nil
}

func shipped(name string) (policyfile.Policy, bool) {
	set, err := Library()
	if err != nil {
		return policyfile.Policy{}, false
	}
	for _, p := range set.Policies {
		if p.Name.Value == name {
			return p, true
		}
	}
	return policyfile.Policy{}, false
}

// Source is the file of a policy of the library, without its cases.
func Source(name string) (string, bool) {
	b, err := libraryFiles.ReadFile("library/" + name + ".yaml")
	if err != nil {
		return "", false
	}
	text, _, _ := strings.Cut(string(b), "\n---\n")
	return strings.TrimRight(text, "\n") + "\n", true
}
