package report

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/width"
)

// clean makes foreign text fit for a terminal: what steers it (escape sequences, C1 controls, turns of
// the writing direction), what cannot be seen and what is no UTF-8 is written as an escape.
func clean(s string) string {
	if !strings.ContainsFunc(s, unfit) && utf8.ValidString(s) {
		return s
	}
	var b strings.Builder
	for i, r := range s {
		switch {
		case r == utf8.RuneError && !strings.HasPrefix(s[i:], "\ufffd"):
			fmt.Fprintf(&b, `\x%02x`, s[i])
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\t':
			b.WriteString(`\t`)
		case unfit(r) && r < 0x100:
			fmt.Fprintf(&b, `\x%02x`, r)
		case unfit(r):
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// unfit are controls, formats (bidi marks, joiners), private use, surrogates, separators other than a
// plain space, and what Unicode has not assigned.
func unfit(r rune) bool { return r != ' ' && (!unicode.IsGraphic(r) || unicode.IsSpace(r)) }

// cells is how many columns of a terminal cleaned text takes: East Asian wide characters take two
// (UAX #11), combining marks none.
func cells(s string) int {
	n := 0
	for _, r := range s {
		n += runeCells(r)
	}
	return n
}

func runeCells(r rune) int {
	switch {
	case r < 0x300:
		return 1
	case unicode.In(r, unicode.Mn, unicode.Me):
		return 0
	}
	if k := width.LookupRune(r).Kind(); k == width.EastAsianWide || k == width.EastAsianFullwidth {
		return 2
	}
	return 1
}

// cut shortens text to so many columns, with an ellipsis in place of its end.
func cut(s string, columns int) string {
	if cells(s) <= columns {
		return s
	}
	n := 0
	for i, r := range s {
		if n += runeCells(r); n > columns-1 {
			return s[:i] + "…"
		}
	}
	return s
}

// cutFront shortens text to so many columns from the front, at a slash where one is near: of a path the
// end says most.
func cutFront(s string, columns int) string {
	if cells(s) <= columns {
		return s
	}
	tail := s[len(s)-lastBytes(s, columns-1):]
	if at := strings.IndexByte(tail, '/'); at > 0 && at < len(tail)/2 {
		tail = tail[at:]
	}
	return "…" + tail
}

// lastBytes is the length of the longest end of s that takes at most so many columns.
func lastBytes(s string, columns int) int {
	n, bytes := 0, 0
	for bytes < len(s) {
		r, size := utf8.DecodeLastRuneInString(s[:len(s)-bytes])
		if n += runeCells(r); n > columns {
			break
		}
		bytes += size
	}
	return bytes
}

// wrap breaks text at spaces into lines of at most so many columns; a word that is longer is broken.
func wrap(s string, columns int) []string {
	columns = max(columns, 2)
	var lines []string
	line, n := "", 0
	for word := range strings.SplitSeq(s, " ") {
		size := cells(word)
		if line != "" && n+1+size <= columns {
			line, n = line+" "+word, n+1+size
			continue
		}
		if line != "" {
			lines = append(lines, line)
		}
		for size > columns {
			at := breakAt(word, columns)
			lines = append(lines, word[:at])
			word = word[at:]
			size = cells(word)
		}
		line, n = word, size
	}
	return append(lines, line)
}

// breakAt is the length of the longest beginning of a word that takes at most so many columns.
func breakAt(word string, columns int) int {
	n := 0
	for i, r := range word {
		if n += runeCells(r); n > columns {
			return i
		}
	}
	return len(word)
}

// plural is "1 package" or "3 packages".
func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
