package pypi

import (
	"cmp"
	"strings"

	"github.com/google/osv-scalibr/semantic"
)

// compare orders two versions after PEP 440. What is no such version ("2004d") is older than all that
// are, as pip held while it took them; that order is osv-scalibr's, for it is rarely asked.
func compare(a, b string) (int, error) {
	v, ok1 := parseVersion(a)
	w, ok2 := parseVersion(b)
	if ok1 && ok2 {
		return v.compare(w), nil
	}
	old, err := semantic.Parse(strings.TrimSpace(a), "PyPI")
	if err != nil {
		return 0, err
	}
	return old.CompareStr(strings.TrimSpace(b))
}

// version is a public version of PEP 440 and its local part. Numbers stay decimal strings, for they
// may be of any length.
type version struct {
	epoch, release string
	phase          phase
	pre            string
	post, dev      string // "" when there is none
	local          string
}

// phase orders what comes before a release: PEP 440 sets 1.0.dev1 before 1.0a1.
type phase int

const (
	onlyDev phase = iota
	alpha
	beta
	candidate
	final
)

var (
	preWords = []struct {
		word  string
		phase phase
	}{{"alpha", alpha}, {"beta", beta}, {"preview", candidate}, {"pre", candidate}, {"rc", candidate}, {"a", alpha}, {"b", beta}, {"c", candidate}}
	postWords = []string{"post", "rev", "r"}
)

func (v version) compare(w version) int {
	return cmp.Or(
		compareNumbers(v.epoch, w.epoch),
		compareReleases(v.release, w.release),
		cmp.Compare(v.phase, w.phase),
		compareNumbers(v.pre, w.pre),
		cmp.Compare(given(v.post), given(w.post)), compareNumbers(v.post, w.post),
		cmp.Compare(given(w.dev), given(v.dev)), compareNumbers(v.dev, w.dev),
		compareLocals(v.local, w.local),
	)
}

func given(number string) int { return min(1, len(number)) }

func compareReleases(a, b string) int {
	for a != "" || b != "" {
		var x, y string
		x, a, _ = strings.Cut(a, ".")
		y, b, _ = strings.Cut(b, ".")
		if c := compareNumbers(x, y); c != 0 {
			return c
		}
	}
	return 0
}

// compareLocals orders local versions: numbers by value, and above words; more parts above fewer.
func compareLocals(a, b string) int {
	for a != "" && b != "" {
		var x, y string
		x, a = cutLocal(a)
		y, b = cutLocal(b)
		m, n := len(leading(x)) == len(x), len(leading(y)) == len(y)
		c := cmp.Compare(x, y)
		switch {
		case m && n:
			c = compareNumbers(x, y)
		case m:
			c = 1
		case n:
			c = -1
		}
		if c != 0 {
			return c
		}
	}
	return cmp.Compare(len(a), len(b))
}

func cutLocal(s string) (part, rest string) {
	if i := strings.IndexAny(s, "._-"); i >= 0 {
		return s[:i], s[i+1:]
	}
	return s, ""
}

// compareNumbers compares decimal numbers of any length; none counts as 0.
func compareNumbers(a, b string) int {
	a, b = strings.TrimLeft(a, "0"), strings.TrimLeft(b, "0")
	return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a, b))
}

// parseVersion reads a version by the grammar of PEP 440, appendix B, with its other spellings.
func parseVersion(s string) (version, bool) {
	s = strings.TrimPrefix(strings.ToLower(strings.TrimSpace(s)), "v")
	v := version{phase: final}
	if n := leading(s); n != "" && strings.HasPrefix(s[len(n):], "!") {
		v.epoch, s = n, s[len(n)+1:]
	}
	if v.release = leadingRelease(s); v.release == "" {
		return v, false
	}
	s = s[len(v.release):]
	for _, w := range preWords {
		if number, rest, ok := cutWord(s, w.word); ok {
			v.phase, v.pre, s = w.phase, number, rest
			break
		}
	}
	if n := leading(strings.TrimPrefix(s, "-")); n != "" && s[0] == '-' {
		v.post, s = n, s[1+len(n):]
	} else {
		for _, w := range postWords {
			if number, rest, ok := cutWord(s, w); ok {
				v.post, s = number, rest
				break
			}
		}
	}
	if number, rest, ok := cutWord(s, "dev"); ok {
		if v.dev, s = number, rest; v.phase == final && v.post == "" {
			v.phase = onlyDev
		}
	}
	if s != "" {
		if v.local = s[1:]; s[0] != '+' || !isLocal(v.local) {
			return v, false
		}
	}
	return v, true
}

// cutWord cuts "[-_.]word[-_.]number" from the front; without a number it is 0.
func cutWord(s, word string) (number, rest string, ok bool) {
	rest = s
	if rest != "" && strings.IndexByte("-_.", rest[0]) >= 0 {
		rest = rest[1:]
	}
	if rest, ok = strings.CutPrefix(rest, word); !ok {
		return "", s, false
	}
	if rest != "" && strings.IndexByte("-_.", rest[0]) >= 0 && leading(rest[1:]) != "" {
		rest = rest[1:]
	}
	number = leading(rest)
	return cmp.Or(number, "0"), rest[len(number):], true
}

// leading is the digits at the beginning.
func leading(s string) string {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return s[:i]
		}
	}
	return s
}

// leadingRelease is the dotted numbers at the beginning.
func leadingRelease(s string) string {
	n := len(leading(s))
	for n > 0 && n < len(s) && s[n] == '.' {
		more := len(leading(s[n+1:]))
		if more == 0 {
			break
		}
		n += 1 + more
	}
	return s[:n]
}

func isLocal(s string) bool {
	for s != "" {
		part, rest := cutLocal(s)
		if part == "" || len(rest) == 0 && len(part) < len(s) {
			return false
		}
		for _, c := range []byte(part) {
			if (c < '0' || c > '9') && (c < 'a' || c > 'z') {
				return false
			}
		}
		if s = rest; rest == "" {
			return true
		}
	}
	return false
}
