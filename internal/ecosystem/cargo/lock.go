package cargo

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"github.com/plimsoll/plimsoll/internal/ecosystem"
)

const maxLock = 16 << 20

// readLock reads a Cargo.lock of version 1 to 4. Cargo itself writes the file, one key a line, so it
// is read line by line and each crate keeps the line that it stands on.
func readLock(f *ecosystem.File) (ecosystem.Found, error) {
	data, err := f.ReadAll(maxLock)
	if err != nil {
		return ecosystem.Found{}, fmt.Errorf("read Cargo.lock: %w", err)
	}
	var l lock
	for line := range bytes.Lines(data) {
		l.number++
		if err := l.line(strings.TrimSpace(string(line))); err != nil {
			return l.found, fmt.Errorf("read Cargo.lock: line %d: %w", l.number, err)
		}
	}
	if err := l.flush(); err != nil {
		return l.found, fmt.Errorf("read Cargo.lock: %w", err)
	}
	if l.text && !l.known {
		return l.found, errors.New("read Cargo.lock: it has neither a version nor a crate: it is no lock file of Cargo's")
	}
	return l.found, nil
}

// lock is what was read so far: the crates, and the table that is open.
type lock struct {
	found   ecosystem.Found
	number  int
	start   int // line of the open [[package]], 0 when another table is open
	name    string
	version string
	source  string
	depends []string
	inList  bool
	text    bool // there is something in the file
	known   bool // and something that Cargo writes
}

func (l *lock) line(s string) error {
	switch {
	case s == "" || s[0] == '#':
		return nil
	case l.inList:
		l.list(s)
		return nil
	case s[0] == '[':
		if err := l.flush(); err != nil {
			return err
		}
		l.text, l.known = true, l.known || s == "[[package]]" || s == "[root]" || s == "[metadata]" || s == "[[patch.unused]]"
		if s == "[[package]]" || s == "[root]" { // the latter in files before Cargo 0.19
			l.start = l.number
		}
		return nil
	case l.start == 0:
		key, _, _ := strings.Cut(s, "=")
		l.text, l.known = true, l.known || strings.TrimSpace(key) == "version"
		return nil
	}
	key, value, ok := strings.Cut(s, "=")
	if !ok {
		return fmt.Errorf("%.80q is no key and value", s)
	}
	value = strings.TrimSpace(value)
	switch strings.TrimSpace(key) {
	case "name":
		l.name = unquote(value)
	case "version":
		l.version = unquote(value)
	case "source":
		l.source = unquote(value)
	case "dependencies":
		l.inList = true
		l.list(strings.TrimPrefix(value, "["))
	}
	return nil
}

// list takes the elements of a list from one line of it: "name", "name version" or, before version 2,
// "name version (source)".
func (l *lock) list(s string) {
	s, closed := strings.CutSuffix(strings.TrimSpace(s), "]")
	l.inList = !closed
	for element := range strings.SplitSeq(s, ",") {
		if name, _, _ := strings.Cut(unquote(strings.TrimSpace(element)), " "); name != "" {
			l.depends = append(l.depends, name)
		}
	}
}

func unquote(s string) string { return strings.Trim(s, `"'`) }

// flush makes a package of the open table.
func (l *lock) flush() error {
	defer func() { *l = lock{found: l.found, number: l.number, text: l.text, known: l.known} }()
	if l.start == 0 {
		return nil
	}
	if l.name == "" || l.version == "" {
		return fmt.Errorf("the crate on line %d lacks name or version", l.start)
	}
	if len(l.found.Packages) == maxPackages {
		return ecosystem.Limit("more than %d crates", maxPackages)
	}
	p, notes := crate(l.name, l.version, l.source)
	p.Declared, p.Line, p.Depends = true, l.start, l.depends
	l.found.Packages = append(l.found.Packages, p)
	l.found.Notes = append(l.found.Notes, notes...)
	return nil
}
