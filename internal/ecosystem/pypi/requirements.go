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

// readRequirements reads a requirements file. Only "name==version" says what would be installed; the
// other wishes are counted in a note that does not block, for nothing shows that they were installed.
func readRequirements(f *ecosystem.File) (ecosystem.Found, error) {
	var found ecosystem.Found
	var open []string
	base := strings.ToLower(f.Base())
	dev := strings.Contains(base, "dev") || strings.Contains(base, "test")
	err := eachRequirement(f.Reader, func(line int, text string) error {
		if file, ok := included(text); ok {
			if other := path.Join(path.Dir(f.Path), file); readerOf(other) == nil {
				found.Notes = append(found.Notes, ecosystem.Note{
					Class: "unreadable-package", What: fmt.Sprintf("the requirements of %.200q are not read: it is known by no name for such a file", other),
				})
			}
			return nil
		}
		p := pinned(text)
		switch {
		case p.Name == "":
			open = append(open, wish(text))
		case len(found.Packages) == maxPackages:
			return ecosystem.Limit("more than %d packages in one file", maxPackages)
		default:
			p.Line, p.Declared, p.Dev = line, true, dev
			found.Packages = append(found.Packages, p)
		}
		return nil
	})
	if len(open) > 0 {
		found.Notes = append(found.Notes, openNote(open))
	}
	return found, err
}

// wishes are the options that ask for packages.
var wishes = []string{"-e", "--editable", "-r", "--requirement"}

// included is the file of an option -r, whose requirements count as well.
func included(text string) (file string, ok bool) {
	for _, option := range []string{"--requirement", "-r"} {
		if rest, is := strings.CutPrefix(text, option); is {
			file = strings.Trim(rest, "= \t")
			return file, file != "" && !strings.Contains(file, "://")
		}
	}
	return "", false
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
		if text == "" || text[0] == '-' && !slices.ContainsFunc(wishes, func(o string) bool { return strings.HasPrefix(text, o) }) {
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

// wish is the short name of a requirement, for the eye.
func wish(text string) string {
	if n := nameLength(text); n > 0 && n <= maxField && !strings.Contains(text, "://") {
		return text[:n]
	}
	if len(text) > 60 {
		text = text[:60] + "…"
	}
	return fmt.Sprintf("%q", text)
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
