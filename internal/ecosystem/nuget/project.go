package nuget

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"strings"

	"github.com/plimsoll/plimsoll/internal/ecosystem"
)

const maxProject = 4 << 20

// isProject knows MSBuild's project files for C#, F# and Visual Basic.
func isProject(s ecosystem.Stat) bool {
	base := s.Base()
	return (strings.HasSuffix(base, ".csproj") || strings.HasSuffix(base, ".fsproj") || strings.HasSuffix(base, ".vbproj")) &&
		!ecosystem.IsManifestOfOthers(s.Path)
}

// project is what matters of a project file.
type project struct {
	XMLName xml.Name `xml:"Project"`
	Groups  []struct {
		References []struct {
			Include string `xml:"Include,attr"`
			Version string `xml:"Version,attr"`
			Element string `xml:"Version"`
			Private string `xml:"PrivateAssets,attr"`
		} `xml:"PackageReference"`
	} `xml:"ItemGroup"`
}

// readProject reads the PackageReferences of a project
// (https://learn.microsoft.com/en-us/nuget/consume-packages/package-references-in-project-files). A version there
// is the lowest that will do, and as a rule the one that is taken.
func readProject(f *ecosystem.File) (ecosystem.Found, error) {
	data, err := f.ReadAll(maxProject)
	if err != nil {
		return ecosystem.Found{}, fmt.Errorf("read project: %w", err)
	}
	var project project
	if err := xml.Unmarshal(bytes.TrimPrefix(data, []byte("\ufeff")), &project); err != nil {
		return ecosystem.Found{}, fmt.Errorf("read project: %w", err)
	}
	var found ecosystem.Found
	asks := ecosystem.Asks{Locks: []string{"packages.lock.json"}}
	for _, group := range project.Groups {
		for _, r := range group.References {
			name, version := strings.TrimSpace(r.Include), strings.Trim(r.Version+r.Element, " []")
			if name == "" || strings.EqualFold(r.Private, "all") { // a tool of the build
				continue
			}
			if len(asks.Names) == maxPackages {
				return found, fmt.Errorf("read project: %w", ecosystem.Limit("more than %d packages", maxPackages))
			}
			asks.Names = append(asks.Names, strings.ToLower(name))
			if _, err := compare(version, version); err == nil && version != "" && !strings.ContainsAny(version, "*,($") {
				found.Packages = append(found.Packages, ecosystem.Package{Type: "nuget", Name: name, Version: version, Declared: true})
			}
		}
	}
	if len(asks.Names) > 0 {
		found.Asks = &asks
	}
	return found, nil
}
