package pypi

import (
	"bufio"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"

	"github.com/plimsoll/plimsoll/internal/ecosystem"
)

// isRequirements says whether a file is pip's list of requirements, by the names that people give it
// or the folder that they keep several in.
func isRequirements(folder, base string) bool {
	stem, ok := strings.CutSuffix(base, ".txt")
	return ok && (folder == "requirements" || strings.HasPrefix(stem, "requirements") || strings.HasSuffix(stem, "requirements"))
}

func isRequirementsPath(path string) bool {
	rest, base := cutLast(path)
	_, folder := cutLast(rest)
	return isRequirements(folder, base)
}

// eachLine visits the lines of a text.
func eachLine(r io.Reader, visit func(number int, line string) error) error {
	limited := &io.LimitedReader{R: r, N: maxFile}
	lines := bufio.NewScanner(limited)
	lines.Buffer(make([]byte, 0, 8<<10), maxLine)
	for number := 1; lines.Scan(); number++ {
		line := strings.TrimRight(lines.Text(), " \t\r")
		if number == 1 {
			line = strings.TrimPrefix(line, "\ufeff")
		}
		if err := visit(number, line); err != nil {
			return err
		}
	}
	switch err := lines.Err(); {
	case err == bufio.ErrTooLong:
		return ecosystem.Limit("a line of more than %d bytes", maxLine)
	case err != nil:
		return err
	case limited.N <= 0:
		return ecosystem.Limit("more than %d bytes", maxFile)
	}
	return nil
}

// A requirements file that another includes is read under its own name with one of these behind it.
const (
	includedAs    = "#requirements"
	includedDev   = "#dev-requirements"
	constrainedAs = "#constraints"
)

// readRequirements reads a requirements file. "name==version" says what would be installed; other wishes
// are asked for, and answered by what is installed or pinned elsewhere. Those of a file for development
// are counted in a note that does not block.
func readRequirements(f *ecosystem.File) (ecosystem.Found, error) {
	base := strings.ToLower(f.Base())
	dev := strings.Contains(base, "dev") || strings.Contains(base, "test")
	if strings.HasSuffix(base, includedAs) {
		dev = false // what another includes is meant as that one is
	}
	w := wishes{dev: dev}
	err := eachRequirement(f.Reader, func(line int, text string) error {
		if file, constraint, ok := included(text); ok {
			return w.include(f.Path, file, constraint)
		}
		return w.requirement(line, text)
	})
	if open := w.asks.Names; dev && len(open)+len(w.asks.Maybe) > 0 {
		w.found.Notes = append(w.found.Notes, openNote(append(open, w.asks.Maybe...)))
	} else if !ecosystem.IsManifestOfOthers(f.Path) {
		w.ask(nil)
	}
	return w.found, err
}

// readConstraints reads a file of constraints: it asks for nothing, and says which versions are taken.
func readConstraints(f *ecosystem.File) (ecosystem.Found, error) {
	var w wishes
	err := eachRequirement(f.Reader, func(line int, text string) error {
		if pinned(text).Name == "" {
			return nil
		}
		return w.requirement(line, text)
	})
	return w.found, err
}

// wishes gathers what a file asks for.
type wishes struct {
	found ecosystem.Found
	asks  ecosystem.Asks
	dev   bool
}

const maxIncludes = 100 // of one file

// include takes the file of an option -r or -c.
func (w *wishes) include(from, file string, constraint bool) error {
	at := strings.TrimPrefix(file, "/")
	if at == file {
		at = path.Join(path.Dir(from), file)
	}
	as := at + includedAs
	switch {
	case constraint:
		as = at + constrainedAs
	case w.dev:
		as = at + includedDev
	}
	if isRequirementsPath(at) && !constraint {
		as = at // it is read by its own name
	}
	if len(w.found.Includes) == maxIncludes {
		return ecosystem.Limit("more than %d files are included", maxIncludes)
	}
	if strings.Contains(file, "://") || at == ".." || strings.HasPrefix(at, "../") || len(at) > maxPath {
		at, as = file, file // not to be had: no such path can be in it
	}
	w.found.Includes = append(w.found.Includes, ecosystem.Include{Path: at, As: as, Only: constraint})
	return nil
}

const maxPath = 4096

// requirement takes one requirement: a package where it names one version, and else a wish.
func (w *wishes) requirement(line int, text string) error {
	p := pinned(text)
	if p.Name == "" {
		return w.wish(text)
	}
	return w.declare(p, line)
}

func (w *wishes) declare(p ecosystem.Package, line int) error {
	if len(w.found.Packages) == maxPackages {
		return ecosystem.Limit("more than %d packages in one file", maxPackages)
	}
	p.Line, p.Declared, p.Dev = line, true, w.dev
	w.found.Packages = append(w.found.Packages, p)
	return nil
}

// wish notes what is asked for, by its name.
func (w *wishes) wish(text string) error {
	if len(w.asks.Names)+len(w.asks.Maybe) >= maxPackages {
		return ecosystem.Limit("more than %d requirements in one file", maxPackages)
	}
	name, sure := wishName(text)
	_, marker, _ := strings.Cut(text, ";")
	switch {
	case strings.Contains(marker, "extra"):
	case name == "":
		own := strings.HasPrefix(text, "-e") || strings.HasPrefix(text, "--e") || text[0] == '.' || text[0] == '/'
		w.asks.More = w.asks.More || !own // it is no requirement, or one that we cannot read
	case sure && !strings.ContainsAny(marker, "<>=!"):
		w.asks.Names = append(w.asks.Names, name)
	default:
		w.asks.Maybe = append(w.asks.Maybe, name)
	}
	return nil
}

// ask closes the list; locks are the files that answer it.
func (w *wishes) ask(locks []string) {
	if len(w.asks.Names)+len(w.asks.Maybe) > 0 || w.asks.More {
		w.asks.Locks = locks
		w.found.Asks = &w.asks
	}
}

// wishName is the name of what a requirement asks for; not sure where an address only hints at it. It is
// empty for a folder, whose own manifest is read.
func wishName(text string) (name string, sure bool) {
	text, _, _ = strings.Cut(text, ";")
	for _, option := range []string{"--editable", "-e"} {
		if rest, ok := strings.CutPrefix(text, option); ok {
			text = strings.TrimLeft(rest, "= \t")
			if !strings.Contains(text, "://") {
				return "", false
			}
		}
	}
	if n := nameLength(text); n > 0 && n <= maxField && !strings.Contains(text[:min(n+3, len(text))], ":/") && !strings.HasPrefix(text[n:], "/") && !strings.HasPrefix(text[n:], "+") {
		return canonical(text[:n]), true
	}
	address, hash, _ := strings.Cut(text, "#")
	if _, egg, ok := strings.Cut(hash, "egg="); ok {
		return canonical(egg[:nameLength(egg)]), true
	}
	_, last := cutLast(strings.TrimRight(address, "/ "))
	last, _, _ = strings.Cut(last, "@")
	for _, c := range []string{"-", ".git"} { // NAME-VERSION-….whl, NAME.git
		last, _, _ = strings.Cut(last, c)
	}
	if last = strings.Trim(last, ". "); isName(last) {
		return canonical(last), false
	}
	return "", false
}

// options that ask for packages, or for files that do.
var options = []string{"-e", "--editable", "-r", "--requirement", "-c", "--constraint"}

// included is the file of an option -r or -c, which counts as well.
func included(text string) (file string, constraint, ok bool) {
	for _, option := range []string{"--requirement", "-r", "--constraint", "-c"} {
		if rest, is := strings.CutPrefix(text, option); is {
			file = strings.Trim(rest, "= \t\"'")
			return file, strings.HasSuffix(option, "c") || option == "--constraint", file != ""
		}
	}
	return "", false, false
}

// eachRequirement visits the requirements of a file and its options -r, without comments, other options
// and continuations.
func eachRequirement(r io.Reader, visit func(line int, text string) error) error {
	begun := 0
	var joined strings.Builder
	return eachLine(r, func(number int, line string) error {
		if joined.Len() == 0 {
			begun = number
		}
		line, _ = cutComment(line)
		start, goesOn := strings.CutSuffix(line, `\`)
		joined.WriteString(start)
		if goesOn && joined.Len() < maxLine {
			joined.WriteByte(' ')
			return nil
		}
		text := strings.TrimSpace(joined.String())
		joined.Reset()
		if text == "" || text[0] == '-' && !slices.ContainsFunc(options, func(o string) bool { return strings.HasPrefix(text, o) }) {
			return nil
		}
		return visit(begun, text)
	})
}

// cutComment cuts a comment: a hash at the beginning or behind white space.
func cutComment(line string) (text, comment string) {
	for i := range len(line) {
		if line[i] == '#' && (i == 0 || line[i-1] == ' ' || line[i-1] == '\t') {
			return line[:i], line[i:]
		}
	}
	return line, ""
}

// pinned is the package of "name[extra]==version; marker --hash=…", and empty for any other wish.
func pinned(text string) ecosystem.Package {
	text, _, _ = strings.Cut(text, ";")
	text, _, _ = strings.Cut(text, " --")
	n := nameLength(text)
	name, rest := text[:n], strings.TrimSpace(text[n:])
	if strings.HasPrefix(rest, "[") {
		_, rest, _ = strings.Cut(rest, "]")
		rest = strings.TrimSpace(rest)
	}
	version, ok := strings.CutPrefix(rest, "==")
	version = strings.TrimSpace(strings.TrimPrefix(version, "="))
	if !ok || version == "" || strings.ContainsAny(version, ",*<>~ ") || strings.Contains(version, "!=") {
		return ecosystem.Package{}
	}
	return named(name, version)
}

func openNote(names []string) ecosystem.Note {
	slices.Sort(names)
	names = slices.Compact(names)
	what := fmt.Sprintf("%d requirements without one version", len(names))
	if n := min(len(names), 8); n > 0 {
		what += ": " + strings.Join(names[:n], ", ")
		if n < len(names) {
			what += " …"
		}
	}
	return ecosystem.Note{Class: "unknown-version", What: what}
}

// readVendored reads the list of the copies inside pip or setuptools.
func readVendored(f *ecosystem.File) (ecosystem.Found, error) {
	var found ecosystem.Found
	err := eachRequirement(f.Reader, func(line int, text string) error {
		p := pinned(text)
		if p.Name == "" {
			return nil
		}
		if len(found.Packages) == maxPackages {
			return ecosystem.Limit("more than %d packages in one file", maxPackages)
		}
		p.Line, p.Heuristic = line, true
		found.Packages = append(found.Packages, p)
		return nil
	})
	return found, err
}
