package cargo

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/plimsoll/plimsoll/internal/ecosystem"
	"github.com/plimsoll/plimsoll/internal/ecosystem/toml"
)

const maxManifest = 4 << 20 // bytes

func isManifest(s ecosystem.Stat) bool {
	return s.Base() == "Cargo.toml" && !ecosystem.IsManifestOfOthers(s.Path)
}

// readManifest reads a Cargo.toml (https://doc.rust-lang.org/cargo/reference/manifest.html): what goes into
// the program, for any platform; not what builds or tests it. "1.2" is a range; "=1.2.3" names a version.
func readManifest(f *ecosystem.File) (ecosystem.Found, error) {
	b, err := f.ReadAll(maxManifest)
	if err != nil {
		return ecosystem.Found{}, fmt.Errorf("read Cargo.toml: %w", err)
	}
	doc, err := toml.Parse(b)
	if err != nil {
		err = fmt.Errorf("read Cargo.toml: %w", err)
	}
	m := manifest{seen: map[string]bool{}, asks: ecosystem.Asks{Locks: []string{"Cargo.lock"}}}
	m.table(doc["dependencies"])
	workspace, _ := doc["workspace"].(map[string]any)
	m.table(workspace["dependencies"])
	targets, _ := doc["target"].(map[string]any)
	for _, name := range slices.Sorted(maps.Keys(targets)) {
		target, _ := targets[name].(map[string]any)
		m.table(target["dependencies"])
	}
	if len(m.asks.Names) > 0 {
		m.found.Asks = &m.asks
	}
	return m.found, err
}

type manifest struct {
	found ecosystem.Found
	asks  ecosystem.Asks
	seen  map[string]bool
}

func (m *manifest) table(v any) {
	table, _ := v.(map[string]any)
	for _, name := range slices.Sorted(maps.Keys(table)) {
		wanted := ""
		switch v := table[name].(type) {
		case string:
			wanted = v
		case map[string]any:
			if v["path"] != nil {
				continue // a folder of the project
			}
			wanted, _ = v["version"].(string)
			if renamed, ok := v["package"].(string); ok {
				name = renamed
			}
		}
		if name == "" || len(name) > 256 || m.seen[name] {
			continue
		}
		m.seen[name] = true
		m.asks.Names = append(m.asks.Names, name)
		version, ok := strings.CutPrefix(strings.TrimSpace(wanted), "=")
		version = strings.TrimSpace(version)
		if _, err := compare(version, version); ok && err == nil && strings.Count(version, ".") >= 2 {
			m.found.Packages = append(m.found.Packages, ecosystem.Package{Type: "cargo", Name: name, Version: version, Declared: true})
		}
	}
}
