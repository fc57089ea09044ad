package gem

import (
	"errors"
	"io"
	"slices"
	"strings"

	"github.com/plimsoll/plimsoll/internal/ecosystem"
)

// readLock reads Gemfile.lock, which Bundler writes: sections without indentation, in GEM, GIT and PATH
// a list "specs:" of gems at four blanks, below each what it depends on at six. It does not tell what is
// for development. A gem of a PATH section is the project's own.
func readLock(r io.Reader) (ecosystem.Found, error) {
	var l lockReader
	err := eachLine(r, l.line)
	if err == nil && l.text && !l.known {
		err = errors.New("none of its sections is one of Bundler's: it is no lock file of gems")
	}
	return l.found, err
}

type lockReader struct {
	found            ecosystem.Found
	section          string
	remote, revision string
	current          bool // dependencies belong to the last package
	text, known      bool // there is something in the file, and a section of Bundler's
}

func (l *lockReader) line(number int, line string) error {
	text := strings.TrimLeft(line, " ")
	indent := len(line) - len(text)
	if text == "" {
		return nil
	}
	l.text = true
	if indent == 0 {
		l.known = l.known || slices.Contains([]string{"GEM", "GIT", "PATH", "PLUGIN SOURCE", "PLATFORMS", "DEPENDENCIES", "CHECKSUMS", "BUNDLED WITH"}, text)
		l.section, l.remote, l.revision, l.current = text, "", "", false
		return nil
	}
	if l.section != "GEM" && l.section != "GIT" && l.section != "PATH" {
		return nil
	}
	switch indent {
	case 2:
		key, value, _ := strings.Cut(text, ": ")
		switch key {
		case "remote":
			l.remote = value
		case "revision":
			l.revision = value
		}
	case 4:
		return l.gem(number, text)
	case 6:
		name, _, _ := strings.Cut(text, " ")
		name = strings.TrimSuffix(name, "!")
		if !l.current || named(name, "", "").Name == "" {
			return nil
		}
		if p := &l.found.Packages[len(l.found.Packages)-1]; len(p.Depends) < maxDepends {
			p.Depends = append(p.Depends, name)
		}
	}
	return nil
}

// gem reads "name (version-platform)". A version in a lock file has no hyphen of its own.
func (l *lockReader) gem(number int, text string) error {
	name, rest, ok := strings.Cut(text, " (")
	full, closed := strings.CutSuffix(rest, ")")
	version, platform, _ := strings.Cut(full, "-")
	p := named(name, version, platform)
	if l.current = ok && closed && p.Name != ""; !l.current {
		return nil
	}
	if len(l.found.Packages) == maxPackages {
		return ecosystem.Limit("more than %d gems in one lock file", maxPackages)
	}
	p.Line, p.Declared, p.Main = number, true, l.section == "PATH"
	if l.section == "GIT" && l.remote != "" && len(l.remote) < 1024 {
		url := "vcs_url=git+" + l.remote
		if l.revision != "" && len(l.revision) <= maxField {
			url += "@" + l.revision
		}
		p.Qualifiers = append(p.Qualifiers, url)
	}
	l.found.Packages = append(l.found.Packages, p)
	return nil
}
