package apk

import (
	"fmt"
	"strings"
)

// Compare orders two versions as apk does (apk-package(5)):
//
//	number{.number}...{letter}{_suffix{number}}...{~hash}{-r#}
//
// The versions are taken apart in step. Where both have the same kind of part next, the parts are
// compared; otherwise the one whose part comes earlier in that form is newer (1.0.1 > 1.0-r1), unless
// it is the suffix of a release to come (1.0_rc1 < 1.0). What is not of that form is an error.
func Compare(a, b string) (int, error) {
	if err := check(a); err != nil {
		return 0, err
	}
	if err := check(b); err != nil {
		return 0, err
	}
	x, y := parts{rest: a}, parts{rest: b}
	x.next()
	y.next()
	for x.kind == y.kind && x.kind != end {
		if c := compareParts(&x, &y); c != 0 {
			return c, nil
		}
		x.next()
		y.next()
	}
	switch {
	case x.kind == y.kind:
		return 0, nil
	case x.kind == suffix && x.rank < 0:
		return -1, nil
	case y.kind == suffix && y.rank < 0:
		return 1, nil
	}
	return int(y.kind) - int(x.kind), nil
}

func check(v string) error {
	p := parts{rest: v}
	for p.next(); p.kind != end; p.next() {
		if p.kind == invalid {
			return fmt.Errorf("%q is no apk version", v)
		}
	}
	return nil
}

// kind is the kind of a part, in the order of the form.
type kind int

const (
	start kind = iota
	firstNumber
	number
	letter
	suffix
	suffixNumber
	hash
	revision
	end
	invalid
)

// suffixes in their order; those of releases to come are below zero.
var suffixes = []struct {
	name string
	rank int
}{{"alpha", -4}, {"beta", -3}, {"pre", -2}, {"rc", -1}, {"cvs", 1}, {"svn", 2}, {"git", 3}, {"hg", 4}, {"p", 5}}

// parts goes through a version: kind, text and rank are those of the part it stands at.
type parts struct {
	rest string
	kind kind
	text string
	rank int // of a suffix
}

func (p *parts) next() {
	switch {
	case p.kind == start:
		p.digits(firstNumber, 0, false)
	case p.rest == "":
		p.kind = end
	case p.rest[0] == '.' && p.kind <= number:
		p.digits(number, 1, false)
	case isLower(p.rest[0]) && p.kind <= number:
		p.kind, p.text, p.rest = letter, p.rest[:1], p.rest[1:]
	case p.rest[0] == '_' && p.kind <= suffixNumber:
		p.suffix()
	case isDigit(p.rest[0]) && p.kind == letter: // 6.6.2p1, which apk 2 took
		p.digits(number, 0, false)
	case isDigit(p.rest[0]) && p.kind == suffix:
		p.digits(suffixNumber, 0, false)
	case p.rest[0] == '~' && p.kind < hash:
		p.hash()
	case strings.HasPrefix(p.rest, "-r") && p.kind < revision:
		p.digits(revision, 2, true)
	default:
		p.kind = invalid
	}
}

// digits takes a number that stands after skip bytes. Revisions may lack it ("-r" is -r0).
func (p *parts) digits(k kind, skip int, optional bool) {
	i := skip
	for i < len(p.rest) && isDigit(p.rest[i]) {
		i++
	}
	p.kind, p.text, p.rest = k, p.rest[skip:i], p.rest[i:]
	if p.text == "" && !optional {
		p.kind = invalid
	}
}

func (p *parts) suffix() {
	i := 1
	for i < len(p.rest) && isLower(p.rest[i]) {
		i++
	}
	name := p.rest[1:i]
	p.rest = p.rest[i:]
	for _, s := range suffixes {
		if s.name == name {
			p.kind, p.text, p.rank = suffix, name, s.rank
			return
		}
	}
	p.kind = invalid
}

func (p *parts) hash() {
	i := 1
	for i < len(p.rest) && (isDigit(p.rest[i]) || p.rest[i] >= 'a' && p.rest[i] <= 'f') {
		i++
	}
	p.kind, p.text, p.rest = hash, p.rest[1:i], p.rest[i:]
	if p.text == "" {
		p.kind = invalid
	}
}

// compareParts compares two parts of one kind. Numbers after the first are read as decimal fractions
// where one begins with a zero: 1.05 < 1.1, and 1.06 < 1.1.
func compareParts(x, y *parts) int {
	switch {
	case x.kind == suffix:
		return x.rank - y.rank
	case x.kind == letter || x.kind == hash:
		return strings.Compare(x.text, y.text)
	case x.kind == number && (x.text[0] == '0' || y.text[0] == '0'):
		return strings.Compare(x.text, y.text)
	}
	a, b := strings.TrimLeft(x.text, "0"), strings.TrimLeft(y.text, "0")
	if len(a) != len(b) {
		return len(a) - len(b)
	}
	return strings.Compare(a, b)
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }
func isLower(c byte) bool { return c >= 'a' && c <= 'z' }
