package npm

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/plimsoll/plimsoll/internal/ecosystem"
)

// place says what a package.json can be from where it lies.
type place int

const (
	nowhere   place = iota // inside a package: a fixture, an example, a marker for a folder of modules
	installed              // the root of an installed package
	project                // outside node_modules: somebody's own project
)

// isModules says whether an element of a path, which ends at end, is a folder that holds packages by
// their names: Node's own, or those in which Debian's packages of Node modules lie.
func isModules(element, path string, end int) bool {
	switch element {
	case "node_modules":
		return true
	case "nodejs":
		return strings.HasPrefix(path[:end], "usr/share/") || strings.HasPrefix(path[:end], "usr/lib/")
	}
	return false
}

// asides are folders of a package or project whose package.json files are material, not software.
var asides = []string{"test", "tests", "__tests__", "testdata", "fixture", "fixtures", "__fixtures__", "example", "examples", "template", "templates"}

// manifestOf walks the elements of a path to a package.json. Below each folder of modules the next
// element (or two, with a scope) names the package; whatever else lies on the way must not be an aside.
func manifestOf(path string) place {
	seen, start := nowhere, 0
	for start < len(path) {
		element, end := elementAt(path, start)
		switch {
		case end == len(path): // package.json itself
			if seen == nowhere {
				return project
			}
			return nowhere
		case isModules(element, path, end):
			end = afterName(path, end+1)
			if path[min(end+1, len(path)):] == "package.json" {
				return installed
			}
			seen = installed
		case slices.Contains(asides, element):
			if seen == installed || !strings.Contains(path[end:], "/node_modules/") {
				return nowhere
			}
		}
		start = end + 1
	}
	return nowhere
}

// elementAt is the path's element that begins at start, and where it ends.
func elementAt(path string, start int) (string, int) {
	if n := strings.IndexByte(path[start:], '/'); n >= 0 {
		return path[start : start+n], start + n
	}
	return path[start:], len(path)
}

// afterName is the end of the package name that begins at start. Folders such as .pnpm, whose elements
// hold a node_modules of their own, and .bin are no names, and end before they begin.
func afterName(path string, start int) int {
	if start >= len(path) {
		return len(path)
	}
	name, end := elementAt(path, start)
	switch {
	case name == "" || name[0] == '.' || name == "node_modules":
		return start - 1
	case name[0] == '@' && end < len(path):
		_, end = elementAt(path, end+1)
	}
	return end
}

// manifest is what we want of a package.json.
type manifest struct {
	name, version string
	licenses      []string
	depends       []string
	needed        []dependency // without the optional ones
	optional      []string
}

// dependency is one name with the version, range or address that is asked for.
type dependency struct{ name, wanted string }

// readManifest reads one package.json. One without a name or a version is no package. A project's own asks
// for others.
func readManifest(f *ecosystem.File) (ecosystem.Found, error) {
	where := manifestOf(f.Path)
	b, err := content(f, maxManifest)
	if err == nil {
		var m manifest
		if m, err = parseManifest(b); err == nil {
			found := m.found(where)
			if where == project && !ecosystem.IsManifestOfOthers(f.Path) {
				m.ask(&found)
			}
			return found, nil
		}
	}
	if where == project && (ecosystem.IsManifestOfOthers(f.Path) || isTemplate(b)) {
		return ecosystem.Found{}, nil
	}
	return ecosystem.Found{}, fmt.Errorf("read package.json: %w", err)
}

// isTemplate says that a program makes a manifest of it, and no client of npm's would take it.
func isTemplate(b []byte) bool {
	return bytes.Contains(b, []byte("<%")) || bytes.Contains(b, []byte("{{"))
}

func (m manifest) found(where place) ecosystem.Found {
	p := named(m.name, m.version)
	if p.Name == "" || p.Version == "" {
		return ecosystem.Found{}
	}
	p.Licenses, p.Depends, p.Main = m.licenses, m.depends, where == project
	return ecosystem.Found{Packages: []ecosystem.Package{p}}
}

func parseManifest(b []byte) (manifest, error) {
	var m manifest
	s := newScanner(b)
	if s.peek() != '{' {
		s.fail("no object")
	}
	s.object(func(key []byte) {
		switch string(key) {
		case "name":
			m.name = s.text()
		case "version":
			m.version = s.text()
		case "license", "licenses":
			m.licenses = append(m.licenses, s.licenses()...)
		case "dependencies":
			m.needed = append(m.needed, s.dependencies()...)
			m.depends = append(m.depends, names(m.needed)...)
		case "optionalDependencies":
			m.optional = append(m.optional, names(s.dependencies())...)
			m.depends = append(m.depends, m.optional...)
		default:
			s.skip()
		}
	})
	slices.Sort(m.depends) // npm lists optional ones among both
	m.depends = slices.Compact(m.depends)
	return m, s.err
}

// licenses reads a licence in the three ways in which people write it: "MIT", {"type": "MIT"}, and an
// array of either.
func (s *scanner) licenses() (all []string) {
	switch s.peek() {
	case '"':
		if text := strings.TrimSpace(s.text()); text != "" {
			all = append(all, text)
		}
	case '{':
		s.object(func(key []byte) {
			if k := string(key); k == "type" || k == "name" {
				if text := strings.TrimSpace(s.text()); text != "" {
					all = append(all, text)
				}
				return
			}
			s.skip()
		})
	case '[':
		s.array(func() {
			all = append(all, s.licenses()...)
		})
	default:
		s.skip()
	}
	return all
}

// dependencies reads {"name": "range"} and gives the real names. Folders of the project are left out.
func (s *scanner) dependencies() (all []dependency) {
	s.object(func(key []byte) {
		name := string(key)
		wanted := s.text()
		if !isLocal(wanted) {
			all = append(all, dependency{realName(name, wanted), wanted})
		}
	})
	return all
}

func names(of []dependency) []string {
	all := make([]string, len(of))
	for i, d := range of {
		all[i] = d.name
	}
	return all
}

// answering are the lock files that say what a project gets.
var answering = []string{"package-lock.json", "yarn.lock", "pnpm-lock.yaml", "bun.lock", "npm-shrinkwrap.json", "bun.lockb"}

// ask adds what a project needs to run. A dependency of one version is declared; what comes with it
// only a lock file says, or the folder of installed packages.
func (m manifest) ask(found *ecosystem.Found) {
	asks := ecosystem.Asks{Locks: answering, Local: []string{"node_modules", ".yarn"}}
	passed := map[string]bool{}
	for _, name := range m.optional {
		passed[name] = true
	}
	for _, d := range m.needed[:min(len(m.needed), maxPackages)] {
		p := named(d.name, exact(d.wanted))
		if p.Name == "" || passed[d.name] {
			continue
		}
		passed[d.name] = true
		asks.Names = append(asks.Names, d.name)
		if p.Version != "" {
			p.Declared = true
			found.Packages = append(found.Packages, p)
		}
	}
	if len(asks.Names) > 0 {
		found.Asks = &asks
	}
}

// exact is the version that a dependency asks for, empty when it is a range or an address.
func exact(wanted string) string {
	if alias, ok := strings.CutPrefix(wanted, "npm:"); ok {
		_, wanted, _ = strings.Cut(strings.TrimPrefix(alias, "@"), "@")
	}
	v := cleanVersion(wanted)
	core, _, _ := strings.Cut(strings.ReplaceAll(v, "+", "-"), "-")
	parts := strings.Split(core, ".")
	for _, part := range parts {
		if part == "" || strings.Trim(part, "0123456789") != "" {
			return ""
		}
	}
	if len(parts) != 3 || strings.ContainsAny(v, " |") {
		return ""
	}
	return v
}
