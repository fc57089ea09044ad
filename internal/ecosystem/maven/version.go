package maven

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// maxVersion bounds a version.
const maxVersion = 512

// compare orders versions as Maven does
// (https://maven.apache.org/pom.html#version-order-specification). It follows Maven's
// ComparableVersion where the specification is silent, which the tests hold it against.
func compare(a, b string) (int, error) {
	if len(a) > maxVersion || len(b) > maxVersion {
		return 0, fmt.Errorf("a Maven version of more than %d bytes", maxVersion)
	}
	return compareItems(parseVersion(a), parseVersion(b)), nil
}

// item is a part of a version. A version is a list; a hyphen, or the change between digits and
// letters, begins a list inside the list.
type item struct {
	kind   itemKind
	word   string // a qualifier, or the word of a combination, after aliases
	number string // digits without leading zeros; zero is empty
	list   []*item
}

type itemKind int

const (
	number      itemKind = iota
	word                 // rc, final
	combination          // rc1, rc-1
	list
)

// qualifiers in their order; "" is the release itself. Unknown words come after them all.
var qualifiers = [...]string{"alpha", "beta", "milestone", "rc", "snapshot", "", "sp"}

func parseVersion(s string) *item {
	p := versionParser{text: strings.ToLower(s)}
	p.root = &item{kind: list}
	p.open = p.root
	p.opened = []*item{p.root}
	for i := 0; i < len(p.text); i++ {
		p.step(i)
	}
	if p.start < len(p.text) {
		if !p.digits {
			p.descend() // 1.x is 1-x
		}
		p.add(p.text[p.start:])
	}
	for _, l := range slices.Backward(p.opened) {
		l.normalize()
	}
	return p.root
}

type versionParser struct {
	text     string
	root     *item
	open     *item   // the list that takes the next item
	opened   []*item // all lists, outer ones first
	start    int     // where the next item begins
	digits   bool    // the item so far ends in digits
	combined bool    // the item so far is a word with digits
}

func (p *versionParser) step(i int) {
	switch c := p.text[i]; {
	case c == '.':
		p.add(p.text[p.start:i])
		p.start, p.combined = i+1, false
	case c == '-':
		if i > p.start && !p.digits && i+1 < len(p.text) && isDigit(p.text[i+1]) {
			p.combined = true // rc-1 is rc1
			return
		}
		p.add(p.text[p.start:i])
		p.start, p.combined = i+1, false
		p.descend()
	case isDigit(c):
		if !p.digits && i > p.start {
			p.combined = true
			p.descend()
		}
		p.digits = true
	default:
		if p.digits && i > p.start {
			p.add(p.text[p.start:i])
			p.start, p.combined = i, false
			p.descend()
		}
		p.digits = false
	}
}

// descend begins a list inside the open one, unless that is still empty.
func (p *versionParser) descend() {
	if len(p.open.list) == 0 {
		return
	}
	l := &item{kind: list}
	p.open.list = append(p.open.list, l)
	p.open = l
	p.opened = append(p.opened, l)
}

func (p *versionParser) add(s string) {
	var it item
	switch {
	case s == "":
		it = item{kind: number}
	case p.combined:
		s = strings.ReplaceAll(s, "-", "")
		i := strings.IndexFunc(s, func(r rune) bool { return r >= '0' && r <= '9' })
		it = item{kind: combination, word: alias(s[:i], true), number: strings.TrimLeft(s[i:], "0")}
	case p.digits:
		it = item{kind: number, number: strings.TrimLeft(s, "0")}
	default:
		it = item{kind: word, word: alias(s, false)}
	}
	p.open.list = append(p.open.list, &it)
}

func alias(s string, beforeDigits bool) string {
	switch s {
	case "ga", "final", "release":
		return ""
	case "cr":
		return "rc"
	}
	if beforeDigits {
		switch s {
		case "a":
			return "alpha"
		case "b":
			return "beta"
		case "m":
			return "milestone"
		}
	}
	return s
}

// isNull says whether an item adds nothing: 1.0 is 1.
func (it *item) isNull() bool {
	switch it.kind {
	case number:
		return it.number == ""
	case word:
		return it.word == ""
	case list:
		return len(it.list) == 0
	}
	return false
}

// normalize drops what adds nothing from the end, and before qualifiers.
func (it *item) normalize() {
	for i := len(it.list) - 1; i >= 0; i-- {
		if !it.list[i].isNull() {
			continue
		}
		drop := i == len(it.list)-1 || it.list[i+1].kind == word
		if !drop && it.list[i+1].kind == list && len(it.list[i+1].list) > 0 {
			first := it.list[i+1].list[0].kind
			drop = first == word || first == combination
		}
		if drop {
			it.list = slices.Delete(it.list, i, i+1)
		}
	}
}

// compareItems orders two parts; a nil one is missing. Parts of different kinds order as
// word < combination < list < number.
func compareItems(a, b *item) int {
	switch {
	case a == nil && b == nil:
		return 0
	case a == nil:
		return -compareItems(b, nil)
	case b == nil:
		return a.compareMissing()
	case a.kind == list && b.kind == list:
		return compareLists(a.list, b.list)
	case a.kind == number || b.kind == number || a.kind == list || b.kind == list:
		if a.kind != b.kind {
			return cmp.Compare(rank(a.kind), rank(b.kind))
		}
		return compareDigits(a.number, b.number)
	}
	if n := compareWords(a.word, b.word); n != 0 {
		return n
	}
	if a.kind != b.kind {
		return cmp.Compare(rank(a.kind), rank(b.kind))
	}
	return compareDigits(a.number, b.number)
}

func rank(k itemKind) int {
	return [...]int{number: 3, list: 2, combination: 1, word: 0}[k]
}

func (it *item) compareMissing() int {
	switch it.kind {
	case number:
		return compareDigits(it.number, "")
	case list:
		for _, inner := range it.list {
			if n := inner.compareMissing(); n != 0 {
				return n
			}
		}
		return 0
	}
	return compareWords(it.word, "")
}

func compareLists(a, b []*item) int {
	at := func(l []*item, i int) *item {
		if i < len(l) {
			return l[i]
		}
		return nil
	}
	for i := range max(len(a), len(b)) {
		if n := compareItems(at(a, i), at(b, i)); n != 0 {
			return n
		}
	}
	return 0
}

func compareDigits(a, b string) int {
	if n := cmp.Compare(len(a), len(b)); n != 0 {
		return n
	}
	return strings.Compare(a, b)
}

func compareWords(a, b string) int {
	i, j := slices.Index(qualifiers[:], a), slices.Index(qualifiers[:], b)
	switch {
	case i < 0 && j < 0:
		return strings.Compare(a, b)
	case i < 0:
		return 1
	case j < 0:
		return -1
	}
	return cmp.Compare(i, j)
}
