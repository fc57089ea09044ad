package pypi

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/plimsoll/plimsoll/internal/ecosystem"
)

// readPipfile reads Pipfile.lock: JSON with pinned requirements by name, those for development apart.
func readPipfile(f *ecosystem.File) (ecosystem.Found, error) {
	b, err := f.ReadAll(maxFile)
	if err != nil {
		return ecosystem.Found{}, err
	}
	type locked struct {
		Version string `json:"version"`
		Git     string `json:"git"`
		Ref     string `json:"ref"`
		Path    string `json:"path"`
	}
	var lock struct {
		Default map[string]locked `json:"default"`
		Develop map[string]locked `json:"develop"`
	}
	if err := json.Unmarshal(b, &lock); err != nil {
		return ecosystem.Found{}, err
	}
	var found ecosystem.Found
	add := func(dev bool, all map[string]locked) {
		for _, name := range slices.Sorted(maps.Keys(all)) {
			entry := all[name]
			p := named(name, strings.TrimLeft(entry.Version, "= "))
			if p.Name == "" || entry.Path != "" || dev && lock.Default[name].Version == entry.Version && entry.Version != "" {
				continue
			}
			if p.Declared, p.Dev = true, dev; entry.Git != "" {
				p.Qualifiers = []string{ecosystem.Repository(entry.Git + "#" + entry.Ref)}
			}
			found.Packages = append(found.Packages, p)
		}
	}
	add(false, lock.Default)
	add(true, lock.Develop)
	return found, nil
}

// readConda reads conda's record of one package. Those with Python metadata of their own are told by
// it, and not a second time here.
func readConda(f *ecosystem.File) (ecosystem.Found, error) {
	b, err := f.ReadAll(maxFile)
	if err != nil {
		return ecosystem.Found{}, err
	}
	var record struct {
		Name    string   `json:"name"`
		Version string   `json:"version"`
		Build   string   `json:"build"`
		Subdir  string   `json:"subdir"`
		License string   `json:"license"`
		Depends []string `json:"depends"`
		Files   []string `json:"files"`
	}
	if err := json.Unmarshal(b, &record); err != nil {
		return ecosystem.Found{}, err
	}
	p := named(record.Name, record.Version)
	if p.Name == "" || p.Version == "" || slices.ContainsFunc(record.Files, func(path string) bool {
		return strings.HasSuffix(path, ".dist-info/METADATA") || strings.Contains(path, ".egg-info")
	}) {
		return ecosystem.Found{}, nil
	}
	p.Type, p.Name = "conda", strings.ToLower(record.Name)
	for _, q := range [][2]string{{"build", record.Build}, {"subdir", record.Subdir}} {
		if q[1] != "" && len(q[1]) <= maxField {
			p.Qualifiers = append(p.Qualifiers, q[0]+"="+q[1])
		}
	}
	if record.License != "" {
		p.Licenses = []string{record.License}
	}
	for _, d := range record.Depends {
		if name, _, _ := strings.Cut(d, " "); name != "" && len(p.Depends) < maxDepends && !strings.HasPrefix(name, "__") {
			p.Depends = append(p.Depends, name)
		}
	}
	return ecosystem.Found{Packages: []ecosystem.Package{p}}, nil
}
