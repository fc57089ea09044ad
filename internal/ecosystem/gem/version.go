package gem

import (
	"cmp"
	"fmt"
	"strings"
)

// compare orders two versions as Gem::Version does (docs.ruby-lang.org, Gem::Version): numbers by value,
// a word is older than any number, zeros at the end of the numbers and of the rest do not count, and a
// hyphen stands for ".pre.". osv-scalibr's order does not know that hyphen.
func compare(a, b string) (int, error) {
	var spaceA, spaceB [16]string
	v, err := segments(spaceA[:0], a)
	if err != nil {
		return 0, err
	}
	w, err := segments(spaceB[:0], b)
	if err != nil {
		return 0, err
	}
	for i := range max(len(v), len(w)) {
		if c := compareSegments(at(v, i), at(w, i)); c != 0 {
			return c, nil
		}
	}
	return 0, nil
}

func at(s []string, i int) string {
	if i < len(s) {
		return s[i]
	}
	return "0"
}

func compareSegments(a, b string) int {
	m, n := isDigit(a[0]), isDigit(b[0])
	switch {
	case m && n:
		a, b = strings.TrimLeft(a, "0"), strings.TrimLeft(b, "0")
		return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a, b))
	case m:
		return 1
	case n:
		return -1
	}
	return cmp.Compare(a, b)
}

// maxSegments is far beyond any version; Ruby has no bound.
const maxSegments = 256

// segments appends the runs of digits and of letters in a version, without the zeros that don't count.
func segments(into []string, version string) ([]string, error) {
	text := strings.TrimSpace(version)
	if text == "" {
		return into, nil // Ruby takes it for 0
	}
	if !isDigit(text[0]) {
		return nil, fmt.Errorf("%q is no gem version", version)
	}
	words := -1 // where the words begin
	for i := 0; i < len(text); {
		start := i
		switch c := text[i]; {
		case c == '.':
			i++
			continue
		case isDigit(c):
			for i < len(text) && isDigit(text[i]) {
				i++
			}
		case isLetter(c):
			for i < len(text) && isLetter(text[i]) {
				i++
			}
		case c != '-':
			return nil, fmt.Errorf("%q is no gem version", version)
		}
		segment := text[start:i]
		if segment == "" {
			segment = "pre"
			i++
		}
		if words < 0 && !isDigit(segment[0]) {
			into = withoutZeros(into, 0)
			words = len(into)
		}
		if into = append(into, segment); len(into) > maxSegments {
			return nil, fmt.Errorf("a gem version of more than %d parts", maxSegments)
		}
	}
	return withoutZeros(into, max(words, 0)), nil
}

// withoutZeros cuts the zeros at the end, down to from.
func withoutZeros(s []string, from int) []string {
	for len(s) > from && strings.Trim(s[len(s)-1], "0") == "" {
		s = s[:len(s)-1]
	}
	return s
}

func isDigit(c byte) bool  { return c >= '0' && c <= '9' }
func isLetter(c byte) bool { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' }
