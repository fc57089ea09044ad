package apk

import (
	"fmt"
	"slices"
	"strings"

	"github.com/plimsoll/plimsoll/internal/ecosystem"
)

// repositories is where apk keeps the addresses that packages come from (apk-repositories(5)).
const repositories = "etc/apk/repositories"

const maxRepositories = 1 << 20

// readRepositories tells of packages from another branch than the one that the image names, edge most
// often: apk does not remember where a package came from, so that advisories of one branch are compared
// with packages of all.
func readRepositories(f *ecosystem.File) (found ecosystem.Found, err error) {
	text, err := f.ReadAll(maxRepositories)
	if err != nil {
		return found, fmt.Errorf("read apk's repositories: %w", err)
	}
	var branches []string
	for line := range strings.Lines(string(text)) {
		if b := branch(line); b != "" && !slices.Contains(branches, b) {
			branches = append(branches, b)
		}
	}
	if len(branches) > 1 {
		slices.Sort(branches)
		found.Notes = []ecosystem.Note{{Class: "other-release", What: fmt.Sprintf(
			"packages come from several branches of Alpine (%s), and which from which is not recorded: all are compared with the advisories of one",
			strings.Join(branches, ", "))}}
	}
	return found, nil
}

// branch is the folder of an address that names a branch: https://dl-cdn.alpinelinux.org/alpine/v3.19/main,
// also with a tag before it.
func branch(line string) string {
	line = strings.TrimSpace(line)
	if line == "" || line[0] == '#' {
		return ""
	}
	words := strings.Split(line, "/")
	for _, w := range slices.Backward(words) {
		major, minor, ok := strings.Cut(strings.TrimPrefix(w, "v"), ".")
		isNumber := func(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }
		if w == "edge" || w == "latest-stable" || ok && strings.HasPrefix(w, "v") && isNumber(major) && isNumber(minor) {
			return w
		}
	}
	return ""
}
