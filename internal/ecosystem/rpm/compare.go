package rpm

import (
	"fmt"
	"strings"
)

// Compare orders two versions EPOCH:VERSION-RELEASE as rpm does (rpm-version(7)); no epoch is epoch
// 0, and no release is older than any. An empty version is an error.
func Compare(a, b string) (int, error) {
	x, y := split(a), split(b)
	if x.version == "" || y.version == "" {
		return 0, fmt.Errorf("%q and %q: one is no rpm version", a, b)
	}
	if c := comparePart(x.epoch, y.epoch); c != 0 {
		return c, nil
	}
	if c := comparePart(x.version, y.version); c != 0 {
		return c, nil
	}
	return comparePart(x.release, y.release), nil
}

type version struct{ epoch, version, release string }

func split(s string) version {
	v := version{epoch: "0", version: s}
	if i := strings.IndexByte(s, ':'); i >= 0 && strings.Trim(s[:i], "0123456789") == "" {
		v.epoch, v.version = s[:i], s[i+1:]
		if i == 0 {
			v.epoch = "0"
		}
	}
	if i := strings.LastIndexByte(v.version, '-'); i >= 0 {
		v.version, v.release = v.version[:i], v.version[i+1:]
	}
	return v
}

// comparePart goes through runs of digits and runs of letters, whatever parts them. "~" sorts before
// all, also before the end; "^" after the end and before all else.
func comparePart(a, b string) int {
	if a == b {
		return 0
	}
	for a != "" || b != "" {
		a, b = trimOther(a), trimOther(b)
		if x, y := begins(a, '~'), begins(b, '~'); x || y {
			if x != y {
				return older(x)
			}
			a, b = a[1:], b[1:]
			continue
		}
		if x, y := begins(a, '^'), begins(b, '^'); x || y {
			switch {
			case x && y:
				a, b = a[1:], b[1:]
				continue
			case x:
				return older(b != "")
			}
			return older(a == "")
		}
		if a == "" || b == "" {
			break
		}
		digits := isDigit(a[0])
		x, y := run(a, digits), run(b, digits)
		if y == 0 { // a number is newer than letters
			return older(!digits)
		}
		if c := compareRun(a[:x], b[:y], digits); c != 0 {
			return c
		}
		a, b = a[x:], b[y:]
	}
	if a == "" && b == "" {
		return 0
	}
	return older(a == "")
}

// older is -1 where the first version is the older one.
func older(first bool) int {
	if first {
		return -1
	}
	return 1
}

func compareRun(a, b string, digits bool) int {
	if digits {
		a, b = strings.TrimLeft(a, "0"), strings.TrimLeft(b, "0")
		if len(a) != len(b) {
			return older(len(a) < len(b))
		}
	}
	return strings.Compare(a, b)
}

// run is the length of the digits, or of the letters, that s begins with.
func run(s string, digits bool) int {
	i := 0
	for i < len(s) && (digits && isDigit(s[i]) || !digits && isLetter(s[i])) {
		i++
	}
	return i
}

func trimOther(s string) string {
	for s != "" && !isDigit(s[0]) && !isLetter(s[0]) && s[0] != '~' && s[0] != '^' {
		s = s[1:]
	}
	return s
}

func begins(s string, c byte) bool { return s != "" && s[0] == c }
func isDigit(c byte) bool          { return c >= '0' && c <= '9' }
func isLetter(c byte) bool         { return c|0x20 >= 'a' && c|0x20 <= 'z' }
