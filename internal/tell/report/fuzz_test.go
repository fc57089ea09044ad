package report

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

// FuzzClean makes foreign text fit for a terminal: nothing in it steers one, it is UTF-8, and what is
// clean stays as it is. Lines keep to their width.
func FuzzClean(f *testing.F) {
	f.Add("a\x1b[2Jb\n\u202e\xff\u200d日本", 10)
	f.Add("plain text with several words, and averyveryverylongone", 12)
	f.Add("\ufffd\xef\xbf", 1)
	f.Fuzz(func(t *testing.T, s string, width int) {
		c := clean(s)
		for _, r := range c {
			if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) {
				t.Fatalf("%q lets %U out", s, r)
			}
		}
		if !utf8.ValidString(c) || clean(c) != c {
			t.Fatalf("%q → %q → %q", s, c, clean(c))
		}
		width = min(max(width, 2), 500)
		for _, line := range wrap(c, width) {
			if cells(line) > width {
				t.Errorf("%q is wider than %d", line, width)
			}
		}
		if got := strings.ReplaceAll(strings.Join(wrap(c, width), ""), " ", ""); got != strings.ReplaceAll(c, " ", "") {
			t.Errorf("%q loses text: %q", c, got)
		}
		for _, short := range []string{cut(c, width), cutFront(c, width)} {
			if cells(short) > width {
				t.Errorf("%q is wider than %d", short, width)
			}
		}
	})
}
