package deb

import (
	"fmt"
	"strings"
)

// Compare orders two versions as dpkg does (deb-version(7)): epoch, upstream version, revision. It
// returns an error where dpkg refuses the version: nothing there, blanks in it, an epoch that is no
// number, an empty part.
func Compare(a, b string) (int, error) {
	x, err := split(a)
	if err != nil {
		return 0, err
	}
	y, err := split(b)
	if err != nil {
		return 0, err
	}
	if x.epoch != y.epoch {
		if x.epoch < y.epoch {
			return -1, nil
		}
		return 1, nil
	}
	if c := comparePart(x.upstream, y.upstream); c != 0 {
		return c, nil
	}
	return comparePart(x.revision, y.revision), nil
}

type version struct {
	epoch              int64
	upstream, revision string // no revision equals revision 0
}

func split(s string) (v version, err error) {
	v.upstream = strings.Trim(s, " \t\n\r\f\v")
	if v.upstream == "" || strings.ContainsAny(v.upstream, " \t\n\r\f\v") {
		return v, fmt.Errorf("%q is no Debian version", s)
	}
	if i := strings.IndexByte(v.upstream, ':'); i >= 0 {
		if v.epoch, err = epoch(v.upstream[:i]); err != nil {
			return v, fmt.Errorf("%q is no Debian version: %w", s, err)
		}
		v.upstream = v.upstream[i+1:]
	}
	if i := strings.LastIndexByte(v.upstream, '-'); i >= 0 {
		v.upstream, v.revision = v.upstream[:i], v.upstream[i+1:]
		if v.revision == "" {
			return v, fmt.Errorf("%q is no Debian version: its revision is empty", s)
		}
	}
	if v.upstream == "" {
		return v, fmt.Errorf("%q is no Debian version: nothing but epoch and revision", s)
	}
	return v, nil
}

func epoch(s string) (n int64, err error) {
	if s == "" {
		return 0, fmt.Errorf("its epoch is empty")
	}
	for i := range len(s) {
		if !isDigit(s[i]) || n > 1<<31-1 {
			return 0, fmt.Errorf("its epoch is no number that dpkg takes")
		}
		n = n*10 + int64(s[i]-'0')
	}
	if n > 1<<31-1 {
		return 0, fmt.Errorf("its epoch is no number that dpkg takes")
	}
	return n, nil
}

// comparePart goes through runs of other characters and of digits in turn. Numbers are compared by
// their digits, so that no length overflows.
func comparePart(a, b string) int {
	for a != "" || b != "" {
		for a != "" && !isDigit(a[0]) || b != "" && !isDigit(b[0]) {
			x, y := weight(a), weight(b)
			if x != y {
				return x - y
			}
			a, b = a[1:], b[1:]
		}
		a, b = trimZeros(a), trimZeros(b)
		first := 0
		for a != "" && b != "" && isDigit(a[0]) && isDigit(b[0]) {
			if first == 0 {
				first = int(a[0]) - int(b[0])
			}
			a, b = a[1:], b[1:]
		}
		switch {
		case a != "" && isDigit(a[0]):
			return 1
		case b != "" && isDigit(b[0]):
			return -1
		case first != 0:
			return first
		}
	}
	return 0
}

// weight sorts "~" before the end, the end (and a digit, which ends the run) before letters, and
// letters before all else.
func weight(s string) int {
	switch {
	case s == "" || isDigit(s[0]):
		return 0
	case s[0] == '~':
		return -1
	case s[0]|0x20 >= 'a' && s[0]|0x20 <= 'z':
		return int(s[0])
	}
	return int(s[0]) + 256
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

func trimZeros(s string) string {
	for s != "" && s[0] == '0' {
		s = s[1:]
	}
	return s
}
