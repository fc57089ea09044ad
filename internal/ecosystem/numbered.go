package ecosystem

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// CompareNumbered orders the versions of upstream projects that follow no stricter rule, as the
// Bitnami feed speaks of them: dotted numbers of any count, where missing ones are zero; then, before
// the release, words that announce it (rc1, -beta.2, a1), and after it what follows it: a packager's
// revision (-3), a patch level (p1) or a letter (OpenSSL's 1.1.1w). Revision 0 is the release; what
// stands behind a plus sign does not count.
func CompareNumbered(a, b string) (int, error) {
	va, err := parseNumbered(a)
	if err != nil {
		return 0, err
	}
	vb, err := parseNumbered(b)
	if err != nil {
		return 0, err
	}
	for i := range max(len(va.numbers), len(vb.numbers)) {
		if n := compareDigits(at(va.numbers, i), at(vb.numbers, i)); n != 0 {
			return n, nil
		}
	}
	if n := cmp.Compare(va.rank, vb.rank); n != 0 {
		return n, nil
	}
	return compareNatural(va.suffix, vb.suffix), nil
}

// maxNumbered bounds a version.
const maxNumbered = 256

type numbered struct {
	numbers []string // without leading zeros
	rank    int      // -1 before the release, 0 the release, 1 after it
	suffix  string
}

func parseNumbered(s string) (numbered, error) {
	v, _, _ := strings.Cut(strings.TrimPrefix(strings.TrimSpace(s), "v"), "+")
	end := 0
	for end < len(v) && (isDigit(v[end]) || v[end] == '.' && end+1 < len(v) && isDigit(v[end+1])) {
		end++
	}
	if end == 0 || len(v) > maxNumbered || !isDigit(v[0]) {
		return numbered{}, fmt.Errorf("%.80q is no version of dotted numbers", s)
	}
	var n numbered
	for number := range strings.SplitSeq(v[:end], ".") {
		n.numbers = append(n.numbers, strings.TrimLeft(number, "0"))
	}
	n.suffix = strings.ToLower(strings.TrimLeft(v[end:], "-_.~"))
	switch {
	case strings.Trim(n.suffix, "0") == "":
		n.suffix = ""
	case announces(n.suffix):
		n.rank = -1
	default:
		n.rank = 1
	}
	return n, nil
}

// announces says whether a suffix belongs to a version before the release. The letters a and b do so
// when a number follows (Python's 3.13.0a1); alone they are patch letters (OpenSSL's 1.1.1b).
func announces(suffix string) bool {
	end := 0
	for end < len(suffix) && suffix[end] >= 'a' && suffix[end] <= 'z' {
		end++
	}
	word := suffix[:end]
	if len(word) == 1 {
		return strings.Contains("abm", word) && end < len(suffix)
	}
	return slices.Contains([]string{
		"alpha", "beta", "rc", "cr", "pre", "preview", "dev", "devel", "milestone", "snapshot", "nightly", "canary", "ea", "next", "unstable",
	}, word)
}

// compareNatural orders texts with the numbers in them by value.
func compareNatural(a, b string) int {
	for a != "" && b != "" {
		var x, y string
		x, a = cutRun(a)
		y, b = cutRun(b)
		n := strings.Compare(x, y)
		if isDigit(x[0]) && isDigit(y[0]) {
			n = compareDigits(strings.TrimLeft(x, "0"), strings.TrimLeft(y, "0"))
		}
		if n != 0 {
			return n
		}
	}
	return cmp.Compare(len(a), len(b))
}

// cutRun cuts off the digits, or what is no digit, at the beginning.
func cutRun(s string) (run, rest string) {
	end := 1
	for end < len(s) && isDigit(s[end]) == isDigit(s[0]) {
		end++
	}
	return s[:end], s[end:]
}

func compareDigits(a, b string) int {
	if n := cmp.Compare(len(a), len(b)); n != 0 {
		return n
	}
	return strings.Compare(a, b)
}

func at(list []string, i int) string {
	if i < len(list) {
		return list[i]
	}
	return ""
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }
