package pypi

import (
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/plimsoll/plimsoll/internal/ecosystem"
)

// readTables reads the lock files that are TOML: of Poetry, uv and PDM, and pylock.toml (PEP 751). All
// are written by programs, one key on a line, each package in a table "[[package]]" ("[[packages]]" in
// pylock.toml). Of TOML that is all we need: to read it by lines keeps the line numbers, holds one line in
// memory, and has no nesting that could be too deep.
func readTables(f *ecosystem.File) (ecosystem.Found, error) {
	var t tables
	err := eachLine(f.Reader, t.line)
	if err == nil {
		err = t.flush()
	}
	if err == nil && t.text && !t.known {
		err = errors.New("it has neither a version nor a package: it is no lock file")
	}
	return t.found, err
}

type tables struct {
	found   ecosystem.Found
	in      bool   // inside a package
	section string // the table below the package: dependencies, source …; "" is its own
	key     string // of an array or text that goes on
	until   string // what ends it
	entry   lockEntry
	text    bool // there is something in the file
	known   bool // and something that lock files have
}

type lockEntry struct {
	line          int
	name, version string
	groups        []string // in which it is asked for
	category      string   // older Poetry's word for it
	local         bool     // a folder of the project
	vcs, commit   string
	depends       []string
}

func (t *tables) line(number int, line string) error {
	text := strings.TrimSpace(line)
	switch {
	case text == "[[package]]" || text == "[[packages]]": // also ends an array that was left open
		t.until, t.text, t.known = "", true, true
		err := t.flush()
		t.in, t.section, t.entry = true, "", lockEntry{line: number}
		return err
	case t.until != "":
		t.goOn(text)
	case text == "" || text[0] == '#':
	case text[0] == '[':
		name := strings.Trim(text, "[]")
		t.text, t.known = true, t.known || name == "metadata"
		below, ok := strings.CutPrefix(name, "package.")
		if !ok {
			below, ok = strings.CutPrefix(name, "packages.")
		}
		if t.section = below; !ok {
			err := t.flush()
			t.in = false
			return err
		}
		if t.in && below == "directory" {
			t.entry.local = true
		}
	case t.in:
		key, value, _ := strings.Cut(text, "=")
		t.pair(strings.Trim(key, `" `), strings.TrimSpace(value))
	default:
		key, _, _ := strings.Cut(text, "=")
		t.text, t.known = true, t.known || slices.Contains([]string{"version", "lock-version", "package", "packages"}, strings.TrimSpace(key))
	}
	return nil
}

// goOn takes one more line of an array or a text of several lines.
func (t *tables) goOn(text string) {
	if t.until == "]" && text != "" && text[0] == ']' || t.until != "]" && strings.Contains(text, t.until) {
		t.until = ""
		return
	}
	t.element(t.key, text)
}

func (t *tables) pair(key, value string) {
	switch {
	case strings.HasPrefix(value, `"""`) && !strings.Contains(value[3:], `"""`):
		t.key, t.until = "", `"""`
		return
	case strings.HasPrefix(value, "'''") && !strings.Contains(value[3:], "'''"):
		t.key, t.until = "", "'''"
		return
	}
	if t.section == "" {
		t.field(key, value)
	} else if t.section == "dependencies" && len(t.entry.depends) < maxDepends && isName(key) {
		t.entry.depends = append(t.entry.depends, purlName(key))
	} else if t.section == "source" {
		t.source(key, value)
	} else if t.section == "vcs" && key == "url" {
		t.entry.vcs = quoted(value)
	} else if t.section == "vcs" && key == "commit-id" {
		t.entry.commit = quoted(value)
	}
	if strings.HasPrefix(value, "[") && !strings.HasSuffix(value, "]") {
		t.key, t.until = key, "]"
		if t.section != "" {
			t.key = ""
		}
	}
}

func (t *tables) field(key, value string) {
	e := &t.entry
	switch key {
	case "name":
		e.name = quoted(value)
	case "version":
		e.version = quoted(value)
	case "category":
		e.category = quoted(value)
	case "path": // PDM: a folder of the project
		e.local = true
	case "git": // PDM
		e.vcs = quoted(value)
	case "revision":
		e.commit = quoted(value)
	case "source", "vcs", "directory": // inline tables of uv and pylock.toml
		for _, pair := range strings.Split(strings.Trim(value, "{} "), ",") {
			k, v, _ := strings.Cut(pair, "=")
			t.source(strings.TrimSpace(k), strings.TrimSpace(v))
		}
		e.local = e.local || key == "directory"
	case "dependencies", "groups":
		for _, element := range splitArray(value) {
			t.element(key, element)
		}
	}
}

// source takes what says where a package comes from: Poetry's "type", or uv's key itself.
func (t *tables) source(key, value string) {
	switch kind := quoted(value); {
	case key == "type" && kind == "directory", key == "editable", key == "virtual", key == "directory":
		t.entry.local = true
	case key == "git", key == "type" && kind == "git":
		t.entry.vcs = kind
	case key == "url" && t.entry.vcs != "":
		t.entry.vcs = kind
	case key == "resolved_reference", key == "commit-id":
		t.entry.commit = kind
	}
}

// element takes one element of an array: a requirement, an inline table that names one, or a group.
func (t *tables) element(key, text string) {
	e := &t.entry
	switch key {
	case "groups":
		e.groups = append(e.groups, quoted(text))
	case "dependencies":
		if _, after, ok := strings.Cut(text, "name ="); ok {
			text = after
		}
		if name := requirementName(quoted(text)); name != "" && len(e.depends) < maxDepends {
			e.depends = append(e.depends, name)
		}
	}
}

// splitArray parts what stands on one line between brackets; commas inside inline tables don't matter,
// for their first pair is the name.
func splitArray(value string) []string {
	inner, ok := strings.CutPrefix(value, "[")
	if inner = strings.TrimSuffix(inner, "]"); !ok || strings.TrimSpace(inner) == "" {
		return nil
	}
	if strings.Contains(inner, "{") {
		return strings.Split(inner, "},")
	}
	return strings.Split(inner, ",")
}

// quoted is the first string in a value.
func quoted(value string) string {
	value = strings.TrimSpace(value)
	if value == "" || value[0] != '"' && value[0] != '\'' {
		return ""
	}
	end := strings.IndexByte(value[1:], value[0])
	if end < 0 {
		return ""
	}
	if inner := value[1 : end+1]; value[0] == '\'' || !strings.Contains(inner, `\`) {
		return inner
	}
	text, _ := strconv.QuotedPrefix(value)
	text, _ = strconv.Unquote(text)
	return text
}

// flush adds the package that has ended.
func (t *tables) flush() error {
	e := t.entry
	t.entry = lockEntry{}
	p := named(e.name, e.version)
	if !t.in || p.Name == "" || e.local {
		return nil
	}
	if len(t.found.Packages) == maxPackages {
		return ecosystem.Limit("more than %d packages in one lock file", maxPackages)
	}
	p.Line, p.Declared, p.Depends = e.line, true, e.depends
	p.Dev = e.category == "dev" || len(e.groups) > 0 && !slices.ContainsFunc(e.groups, isMain)
	if e.vcs != "" {
		if !strings.Contains(e.vcs, "#") {
			e.vcs += "#" + e.commit
		}
		p.Qualifiers = []string{ecosystem.Repository(e.vcs)}
	}
	t.found.Packages = append(t.found.Packages, p)
	return nil
}

// isMain says that a group is no group for development, as far as its name tells: Poetry calls the
// project's own "main", PDM "default", and both let the user name others.
func isMain(group string) bool {
	return !slices.Contains([]string{"dev", "develop", "development", "test", "tests", "lint", "docs", "doc", "typing"}, group)
}
