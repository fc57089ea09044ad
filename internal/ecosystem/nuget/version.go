package nuget

import (
	"cmp"
	"fmt"
	"strings"
)

// compare orders versions as NuGet does
// (https://learn.microsoft.com/en-us/nuget/concepts/package-versioning): up to four numbers, then a
// prerelease by semantic versioning 2.0.0 in any case; build metadata does not count.
func compare(a, b string) (int, error) {
	va, err := parse(a)
	if err != nil {
		return 0, err
	}
	vb, err := parse(b)
	if err != nil {
		return 0, err
	}
	for i := range va.numbers {
		if n := compareNumbers(va.numbers[i], vb.numbers[i]); n != 0 {
			return n, nil
		}
	}
	return comparePrereleases(va.prerelease, vb.prerelease), nil
}

type version struct {
	numbers    [4]string // without leading zeros
	prerelease string    // lower case; empty for a release
}

func parse(s string) (version, error) {
	var v version
	plain, _, _ := strings.Cut(strings.TrimPrefix(strings.TrimSpace(s), "v"), "+")
	release, prerelease, _ := strings.Cut(plain, "-")
	v.prerelease = strings.ToLower(prerelease)
	i := 0
	for number := range strings.SplitSeq(release, ".") {
		if i == len(v.numbers) || !isNumber(number) {
			return version{}, fmt.Errorf("%.80q is no NuGet version", s)
		}
		v.numbers[i] = strings.TrimLeft(number, "0")
		i++
	}
	return v, nil
}

func isNumber(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}

func compareNumbers(a, b string) int {
	if n := cmp.Compare(len(a), len(b)); n != 0 {
		return n
	}
	return strings.Compare(a, b)
}

// comparePrereleases orders dotted identifiers: numbers by value and before words; fewer before more;
// none at all, the release, after any.
func comparePrereleases(a, b string) int {
	if a == "" || b == "" {
		return cmp.Compare(boolToInt(a == ""), boolToInt(b == ""))
	}
	for a != "" && b != "" {
		var x, y string
		x, a, _ = strings.Cut(a, ".")
		y, b, _ = strings.Cut(b, ".")
		if n := compareIdentifiers(x, y); n != 0 {
			return n
		}
	}
	return cmp.Compare(len(a), len(b))
}

func compareIdentifiers(x, y string) int {
	switch nx, ny := isNumber(x), isNumber(y); {
	case nx && ny:
		return compareNumbers(strings.TrimLeft(x, "0"), strings.TrimLeft(y, "0"))
	case nx != ny:
		return cmp.Compare(boolToInt(ny), boolToInt(nx))
	}
	return strings.Compare(x, y)
}

func boolToInt(b bool) int {
	if b {
		return 1
	}
	return 0
}
