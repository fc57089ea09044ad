package composer

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// compare orders two versions as Composer does: brought into its normal form of four numbers and a
// stability (composer/semver, VersionParser), then compared as PHP's version_compare. osv-scalibr leaves out
// the first half, so that it sets 1.0 before 1.0.0.
func compare(a, b string) (int, error) {
	var spaceA, spaceB [8]string
	v, err := normalize(spaceA[:0], a)
	if err != nil {
		return 0, err
	}
	w, err := normalize(spaceB[:0], b)
	if err != nil {
		return 0, err
	}
	for i := range max(len(v), len(w)) {
		if i < len(v) && i < len(w) {
			if c := compareParts(v[i], w[i]); c != 0 {
				return c, nil
			}
			continue
		}
		return compareRest(v[min(i, len(v)):], w[min(i, len(w)):]), nil
	}
	return 0, nil
}

// compareRest decides when one version goes on: a number makes it newer, a word what it means.
func compareRest(v, w []string) int {
	switch {
	case len(v) > 0 && isDigit(v[0][0]):
		return 1
	case len(v) > 0:
		return cmp.Compare(rank(v[0]), number)
	case isDigit(w[0][0]):
		return -1
	}
	return cmp.Compare(number, rank(w[0]))
}

func compareParts(a, b string) int {
	if isDigit(a[0]) && isDigit(b[0]) {
		a, b = strings.TrimLeft(a, "0"), strings.TrimLeft(b, "0")
		return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a, b))
	}
	return cmp.Compare(rank(a), rank(b))
}

// The stabilities in their order; a number stands between candidates and patches.
const (
	dev = iota
	alpha
	beta
	candidate
	number
	patch
)

func rank(part string) int {
	switch part[0] {
	case 'd':
		return dev
	case 'a':
		return alpha
	case 'b':
		return beta
	case 'r':
		return candidate
	case 'p':
		return patch
	}
	return number
}

var (
	errBranch   = errors.New("a branch has no place among versions")
	stabilities = []string{"stable", "beta", "b", "rc", "alpha", "a", "patch", "pl", "p"}
)

// isBranch says whether a version names a branch: "dev-main", "2.x-dev".
func isBranch(version string) bool {
	var space [8]string
	_, err := normalize(space[:0], version)
	return errors.Is(err, errBranch)
}

// normalize appends the parts of a version: numbers (four of them, unless it is a date), a word and its
// numbers, and "dev".
func normalize(into []string, version string) ([]string, error) {
	s := strings.ToLower(strings.TrimSpace(version))
	s, _, _ = strings.Cut(s, " as ")
	if at := strings.IndexByte(s, '@'); at >= 0 {
		s = s[:at]
	}
	s = strings.TrimSpace(s)
	if strings.HasPrefix(s, "dev-") || s == "master" || s == "trunk" || s == "default" {
		return nil, fmt.Errorf("%q: %w", version, errBranch)
	}
	plain, _, _ := strings.Cut(s, "+")
	plain = strings.TrimPrefix(plain, "v")
	if parts, rest := classical(into, plain); len(parts) > 0 {
		if parts, ok := modifier(parts, rest); ok {
			return parts, nil
		}
	}
	if parts, rest := date(into, plain); len(parts) > 0 {
		if parts, ok := modifier(parts, rest); ok {
			return parts, nil
		}
	}
	if strings.HasSuffix(s, "dev") {
		return nil, fmt.Errorf("%q: %w", version, errBranch)
	}
	return nil, fmt.Errorf("%q is no Composer version", version)
}

// classical cuts one to four numbers, the first of at most five digits, and fills them up to four.
func classical(into []string, s string) (parts []string, rest string) {
	n := digits(s)
	if n == 0 || n > 5 {
		return nil, s
	}
	parts, rest = append(into, s[:n]), s[n:]
	for len(parts) < 4 && rest != "" && rest[0] == '.' {
		n := digits(rest[1:])
		if n == 0 {
			break
		}
		parts, rest = append(parts, rest[1:1+n]), rest[1+n:]
	}
	for len(parts) < 4 {
		parts = append(parts, "0")
	}
	return parts, rest
}

// date cuts a date, and perhaps a time: 20100102, 2010-01-02, 2010-01-02.5.
func date(into []string, s string) (parts []string, rest string) {
	if digits(s) < 4 {
		return nil, s
	}
	parts, rest = into, s
	for len(parts) < 8 {
		n := digits(rest)
		parts, rest = append(parts, rest[:n]), rest[n:]
		if rest == "" || strings.IndexByte(".:-", rest[0]) < 0 || digits(rest[1:]) == 0 {
			break
		}
		rest = rest[1:]
	}
	return parts, rest
}

// modifier appends what follows the numbers: "-beta.2", "RC1", "-p3-dev". It is false if there is
// anything else.
func modifier(parts []string, s string) ([]string, bool) {
	if s != "" && strings.IndexByte("._-", s[0]) >= 0 {
		s = s[1:]
	}
	release := parts
	i := slices.IndexFunc(stabilities, func(word string) bool { return strings.HasPrefix(s, word) })
	if i >= 0 {
		parts, s = append(parts, stabilities[i]), s[len(stabilities[i]):]
		parts, s = modifierNumbers(parts, s)
	}
	switch s {
	case "dev", "-dev", ".dev":
		parts, s = append(parts, "dev"), ""
	}
	if i == 0 { // "stable" says nothing, nor does Composer look at what follows it
		parts = release
	}
	return parts, s == ""
}

// modifierNumbers appends numbers parted by dots or hyphens, or by nothing before the first.
func modifierNumbers(parts []string, s string) ([]string, string) {
	for s != "" && len(parts) < 32 {
		tail := s
		if s[0] == '.' || s[0] == '-' {
			tail = s[1:]
		}
		n := digits(tail)
		if n == 0 {
			break
		}
		parts, s = append(parts, tail[:n]), tail[n:]
	}
	return parts, s
}

// digits counts the digits at the beginning.
func digits(s string) int {
	for i := range len(s) {
		if !isDigit(s[i]) {
			return i
		}
	}
	return len(s)
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }
