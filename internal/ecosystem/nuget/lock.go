package nuget

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"maps"
	"slices"

	"github.com/plimsoll/plimsoll/internal/ecosystem"
)

// locked is one dependency of a packages.lock.json.
type locked struct {
	Type         string            `json:"type"` // Direct, Transitive, CentralTransitive, Project
	Resolved     string            `json:"resolved"`
	Dependencies map[string]string `json:"dependencies"`
}

// readLock reads a packages.lock.json
// (https://learn.microsoft.com/en-us/nuget/consume-packages/package-references-in-project-files#locking-dependencies).
// A package that several frameworks resolve to one version is told once.
func readLock(f *ecosystem.File) (ecosystem.Found, error) {
	data, err := f.ReadAll(maxFile)
	if err != nil {
		return ecosystem.Found{}, fmt.Errorf("read packages.lock.json: %w", err)
	}
	var lock struct {
		Dependencies map[string]map[string]locked `json:"dependencies"` // framework, then name
	}
	if err := json.Unmarshal(data, &lock); err != nil {
		return ecosystem.Found{}, fmt.Errorf("read packages.lock.json: %w", err)
	}
	var found ecosystem.Found
	seen := map[[2]string]bool{}
	for _, framework := range slices.Sorted(maps.Keys(lock.Dependencies)) {
		packages := lock.Dependencies[framework]
		for _, name := range slices.Sorted(maps.Keys(packages)) {
			d := packages[name]
			if seen[[2]string{name, d.Resolved}] {
				continue
			}
			if len(seen) == maxPackages {
				return found, fmt.Errorf("read packages.lock.json: %w", ecosystem.Limit("more than %d packages", maxPackages))
			}
			seen[[2]string{name, d.Resolved}] = true
			found.Packages = append(found.Packages, ecosystem.Package{
				Type: "nuget", Name: name, Version: d.Resolved, Declared: true, Main: d.Type == "Project",
				Depends: slices.Sorted(maps.Keys(d.Dependencies)),
			})
		}
	}
	return found, nil
}

// readConfig reads a packages.config
// (https://learn.microsoft.com/en-us/nuget/reference/packages-config).
func readConfig(f *ecosystem.File) (ecosystem.Found, error) {
	data, err := f.ReadAll(maxFile)
	if err != nil {
		return ecosystem.Found{}, fmt.Errorf("read packages.config: %w", err)
	}
	var config struct {
		XMLName  xml.Name `xml:"packages"`
		Packages []struct {
			ID          string `xml:"id,attr"`
			Version     string `xml:"version,attr"`
			Development bool   `xml:"developmentDependency,attr"`
		} `xml:"package"`
	}
	if err := xml.Unmarshal(bytes.TrimPrefix(data, []byte("\ufeff")), &config); err != nil {
		return ecosystem.Found{}, fmt.Errorf("read packages.config: %w", err)
	}
	var found ecosystem.Found
	for _, p := range config.Packages[:min(len(config.Packages), maxPackages)] {
		found.Packages = append(found.Packages, ecosystem.Package{
			Type: "nuget", Name: p.ID, Version: p.Version, Declared: true, Dev: p.Development,
		})
	}
	if len(config.Packages) > maxPackages {
		return found, fmt.Errorf("read packages.config: %w", ecosystem.Limit("more than %d packages", maxPackages))
	}
	return found, nil
}
