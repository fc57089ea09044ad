package npm

import (
	"cmp"
	"fmt"
	"strings"
)

// compare orders two versions as Semantic Versioning 2.0.0 does (section 11). Like node-semver it
// passes over a leading "v" or "=", and as advisories write "0" and "1.2", numbers that are missing
// count as 0. What does not begin with a number is no version.
func compare(a, b string) (int, error) {
	v, err := parseVersion(a)
	if err != nil {
		return 0, err
	}
	w, err := parseVersion(b)
	if err != nil {
		return 0, err
	}
	if c := comparePoints(v.release, w.release, compareNumbers, "0"); c != 0 {
		return c, nil
	}
	switch {
	case v.pre == w.pre:
		return 0, nil
	case v.pre == "":
		return 1, nil
	case w.pre == "":
		return -1, nil
	}
	return comparePoints(v.pre, w.pre, compareIdentifiers, ""), nil
}

// version is a version split into its release and its prerelease; build metadata does not count.
type version struct{ release, pre string }

func parseVersion(s string) (version, error) {
	text, _, _ := strings.Cut(cleanVersion(s), "+")
	end := strings.IndexFunc(text, func(c rune) bool { return c != '.' && (c < '0' || c > '9') })
	if end < 0 {
		end = len(text)
	}
	v := version{release: text[:end], pre: strings.TrimPrefix(text[end:], "-")}
	if v.release == "" || v.release[0] == '.' {
		return version{}, fmt.Errorf("%q is no npm version", s)
	}
	return v, nil
}

// comparePoints compares two dotted strings element by element; one that ends first is filled up with
// missing, or is the smaller if that is "".
func comparePoints(a, b string, element func(a, b string) int, missing string) int {
	for a != "" || b != "" {
		if missing == "" && (a == "" || b == "") {
			return cmp.Compare(len(a), len(b))
		}
		var x, y string
		x, a, _ = strings.Cut(a, ".")
		y, b, _ = strings.Cut(b, ".")
		if c := element(cmp.Or(x, missing), cmp.Or(y, missing)); c != 0 {
			return c
		}
	}
	return 0
}

// compareIdentifiers orders the identifiers of a prerelease: numbers by value, words by their bytes, a
// number before a word.
func compareIdentifiers(a, b string) int {
	x, y := isNumber(a), isNumber(b)
	switch {
	case x && y:
		return compareNumbers(a, b)
	case x:
		return -1
	case y:
		return 1
	}
	return cmp.Compare(a, b)
}

func isNumber(s string) bool {
	for _, c := range []byte(s) {
		if c < '0' || c > '9' {
			return false
		}
	}
	return s != ""
}

// compareNumbers compares decimal numbers of any length.
func compareNumbers(a, b string) int {
	a, b = strings.TrimLeft(a, "0"), strings.TrimLeft(b, "0")
	return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a, b))
}
