package npm

import (
	"strings"

	"github.com/plimsoll/plimsoll/internal/ecosystem"
)

// readPackageLock reads package-lock.json and npm-shrinkwrap.json of version 1 (a tree under
// "dependencies"), 2 (both forms, of which the flat one is whole) and 3 (a flat list under "packages").
// See docs.npmjs.com, "package-lock.json". The project itself and the folders of its workspaces are
// its own code, and left out.
func readPackageLock(b []byte, installed bool) (ecosystem.Found, error) {
	r := lockReader{scanner: newScanner(b), declared: !installed}
	flat := false
	if r.peek() != '{' {
		r.fail("no object")
	}
	r.object(func(key []byte) {
		switch {
		case string(key) == "packages":
			flat = true
			r.list = list{}
			r.object(r.flatEntry)
		case string(key) == "dependencies" && !flat:
			r.object(r.treeEntry)
		default:
			r.skip()
		}
	})
	return r.found, r.err
}

type lockReader struct {
	*scanner
	list
	declared bool
}

// lockEntry is one package of a lock file, in either form.
type lockEntry struct {
	name, version, resolved string
	dev, link               bool
	depends                 []string
}

// flatEntry reads "node_modules/a/node_modules/b": {…}. A name inside says that the folder is an alias.
func (r *lockReader) flatEntry(key []byte) {
	path, line := string(key), r.lineNumber()
	var e lockEntry
	r.object(func(key []byte) { r.field(&e, key) })
	i := strings.LastIndex("/"+path, "/node_modules/")
	if i < 0 || e.link {
		return
	}
	if e.name == "" {
		e.name = path[i+len("node_modules/"):]
	}
	r.entry(e, line)
}

// treeEntry reads "a": {"version": "1.0.0", "dependencies": {…}}.
func (r *lockReader) treeEntry(key []byte) {
	e, line := lockEntry{name: string(key)}, r.lineNumber()
	r.object(func(key []byte) {
		if string(key) == "dependencies" {
			r.object(r.treeEntry)
			return
		}
		r.field(&e, key)
	})
	if isLocal(e.version) && !strings.HasSuffix(e.version, ".tgz") {
		return
	}
	if real := realName(e.name, e.version); real != e.name {
		e.name, e.version = real, e.version[strings.LastIndexByte(e.version, '@')+1:]
	}
	r.entry(e, line)
}

func (r *lockReader) field(e *lockEntry, key []byte) {
	switch string(key) {
	case "name":
		e.name = r.text()
	case "version":
		e.version = r.text()
	case "resolved":
		e.resolved = r.text()
	case "dev":
		e.dev = r.truth()
	case "link":
		e.link = r.truth()
	case "dependencies", "optionalDependencies", "requires":
		e.depends = append(e.depends, names(r.dependencies())...)
	default:
		r.skip()
	}
}

// entry adds a package. Where version 1 names a place instead of a version, the version is unknown.
func (r *lockReader) entry(e lockEntry, line int) {
	if strings.ContainsAny(e.version, ":/#") {
		e.version, e.resolved = "", e.version
	}
	p := named(e.name, e.version)
	p.Line, p.Declared, p.Dev, p.Depends = line, r.declared, e.dev, e.depends
	p.Qualifiers = originOf(e.resolved)
	if err := r.add(p); err != nil && r.err == nil {
		r.err = err
	}
}

// originOf is the purl qualifier of a package that comes from a repository and not from a registry.
func originOf(resolved string) []string {
	if strings.HasPrefix(resolved, "git+") || strings.HasPrefix(resolved, "git:") || strings.HasPrefix(resolved, "github:") {
		return []string{ecosystem.Repository(resolved)}
	}
	return nil
}
