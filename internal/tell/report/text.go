package report

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/width"

	"github.com/plimsoll/plimsoll/internal/tell/report/page"
)

func clean(s string) string { return page.Clean(s) }

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
