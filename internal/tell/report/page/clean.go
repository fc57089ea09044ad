package page

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Clean makes foreign text fit for a terminal: what steers it (escape sequences, C1 controls, turns of
// the writing direction), what cannot be seen and what is no UTF-8 is written as an escape.
func Clean(s string) string {
	if !strings.ContainsFunc(s, Unfit) && utf8.ValidString(s) {
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
		case Unfit(r) && r < 0x100:
			fmt.Fprintf(&b, `\x%02x`, r)
		case Unfit(r):
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// Unfit are controls, formats (bidi marks, joiners), private use, surrogates, separators other than a
// plain space, and what Unicode has not assigned.
func Unfit(r rune) bool { return r != ' ' && (!unicode.IsGraphic(r) || unicode.IsSpace(r)) }
