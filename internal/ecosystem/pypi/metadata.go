package pypi

import (
	"bufio"
	"errors"
	"io"
	"slices"
	"strings"

	"github.com/plimsoll/plimsoll/internal/ecosystem"
)

const (
	maxHeader  = 4 << 20 // bytes of METADATA that are read; what follows the header is a description
	maxDepends = 10_000
)

// readMetadata reads the header of METADATA or PKG-INFO, lines in the manner of e-mail, as the core
// metadata specification of packaging.python.org describes it. A header without a name or a version is
// no package: older tools left such files behind.
func readMetadata(f *ecosystem.File) (ecosystem.Found, error) {
	found, err := parseMetadata(f.Reader)
	for i := range found.Packages {
		found.Packages[i].Main = isSource(f.Path)
	}
	return found, err
}

// isSource says whether metadata lies in a project's own folder, where setuptools leaves NAME.egg-info
// when it builds or installs in place; that of something installed has the version in its name.
func isSource(path string) bool {
	rest, _ := cutLast(path)
	_, folder := cutLast(rest)
	name, ok := strings.CutSuffix(folder, ".egg-info")
	return ok && !strings.Contains(name, "-") && insideLibrary(path) == ""
}

func parseMetadata(r io.Reader) (ecosystem.Found, error) {
	var m metadata
	if err := eachField(r, m.field); err != nil {
		return ecosystem.Found{}, err
	}
	p := named(m.name, m.version)
	if p.Name == "" || p.Version == "" {
		return ecosystem.Found{}, nil
	}
	slices.Sort(m.depends)
	p.Licenses, p.Depends = m.licenses(), slices.Compact(m.depends)
	return ecosystem.Found{Packages: []ecosystem.Package{p}}, nil
}

// eachField visits the fields of a header, each with its first line; those that follow say no more
// that we want.
func eachField(r io.Reader, visit func(key, value string) error) error {
	limited := &io.LimitedReader{R: r, N: maxHeader}
	lines := bufio.NewReader(limited)
	for {
		line, more, err := lines.ReadLine()
		if err == io.EOF {
			if limited.N <= 0 {
				return ecosystem.Limit("a header of more than %d bytes", maxHeader)
			}
			return nil
		}
		if err != nil {
			return err
		}
		text := string(line)
		for more && err == nil { // a line beyond the buffer is no name and no version
			_, more, err = lines.ReadLine()
		}
		if text == "" {
			return nil
		}
		if text[0] == ' ' || text[0] == '\t' {
			continue
		}
		key, value, ok := strings.Cut(strings.TrimPrefix(text, "\ufeff"), ":")
		if !ok {
			continue
		}
		if err := visit(key, strings.TrimSpace(value)); err != nil {
			return err
		}
	}
}

type metadata struct {
	name, version       string
	expression, license string
	classifiers         []string
	depends             []string
}

var errTooManyDepends = errors.New("too many dependencies")

func (m *metadata) field(key, value string) error {
	switch {
	case strings.EqualFold(key, "Name") && m.name == "":
		m.name = value
	case strings.EqualFold(key, "Version") && m.version == "":
		m.version = value
	case strings.EqualFold(key, "License-Expression"):
		m.expression = value
	case strings.EqualFold(key, "License") && m.license == "":
		m.license = value
	case strings.EqualFold(key, "Classifier"):
		if after, ok := strings.CutPrefix(value, "License :: "); ok && len(m.classifiers) < 20 {
			m.classifiers = append(m.classifiers, after[strings.LastIndex(after, ":: ")+1:])
		}
	case strings.EqualFold(key, "Requires-Dist"):
		if len(m.depends) == maxDepends {
			return ecosystem.Limit("%w", errTooManyDepends)
		}
		if name := requirementName(value); name != "" {
			m.depends = append(m.depends, name)
		}
	}
	return nil
}

// licenses prefers the expression, then the free text if it is a name and not the licence itself,
// then the classifiers.
func (m *metadata) licenses() []string {
	switch {
	case m.expression != "":
		return []string{m.expression}
	case m.license != "" && m.license != "UNKNOWN" && len(m.license) <= 80:
		return []string{m.license}
	}
	var all []string
	for _, c := range m.classifiers {
		if c = strings.TrimLeft(c, ": "); c != "OSI Approved" {
			all = append(all, c)
		}
	}
	return all
}

// requirementName is the name at the beginning of a requirement after PEP 508, "" if it is asked for
// only with an extra.
func requirementName(requirement string) string {
	n := nameLength(requirement)
	if n == 0 || n > maxField {
		return ""
	}
	if _, marker, ok := strings.Cut(requirement, ";"); ok && strings.Contains(marker, "extra") {
		return ""
	}
	return purlName(requirement[:n])
}
