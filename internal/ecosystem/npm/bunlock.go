package npm

import (
	"strings"

	"github.com/plimsoll/plimsoll/internal/ecosystem"
)

// readBunLock reads Bun's text lock file: JSON with trailing commas, whose "packages" gives for each
// place in the tree an array that begins with "name@version" and holds, somewhere behind, an object
// with the dependencies.
func readBunLock(b []byte, _ bool) (ecosystem.Found, error) {
	r := lockReader{scanner: newScanner(b), declared: true}
	r.lax = true
	if r.peek() != '{' {
		r.fail("no object")
	}
	r.object(func(key []byte) {
		if string(key) == "packages" {
			r.object(r.bunEntry)
			return
		}
		r.skip()
	})
	return r.found, r.err
}

func (r *lockReader) bunEntry([]byte) {
	var e lockEntry
	line, where := r.lineNumber(), ""
	r.array(func() {
		switch c := r.peek(); {
		case c == '"' && e.name == "":
			e.name, where = splitLocator(r.text())
		case c == '{':
			r.object(func(key []byte) { r.bunField(&e, key) })
		default:
			r.skip()
		}
	})
	if isLocal(where) || where == "root:" {
		return
	}
	e.version = where
	r.entry(e, line)
}

// bunField takes the dependencies alone: a name or version in the same object would be another's.
func (r *lockReader) bunField(e *lockEntry, key []byte) {
	switch string(key) {
	case "dependencies", "optionalDependencies":
		r.field(e, key)
	default:
		r.skip()
	}
}

// splitLocator parts "name@rest" and "@scope/name@rest".
func splitLocator(locator string) (name, rest string) {
	if i := strings.IndexByte(locator[min(1, len(locator)):], '@'); i >= 0 {
		return locator[:i+1], locator[i+2:]
	}
	return locator, ""
}
