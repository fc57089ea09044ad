package license

import (
	"strings"

	"github.com/github/go-spdx/v2/spdxexp"
)

// leaf is one licence, with the exception under which it is granted.
type leaf struct {
	id    string // as it is to be compared: lower case, without "+" and exception
	class Class
}

func (l leaf) in(list []string) bool {
	for _, word := range list {
		if word == string(l.class) || l.id != "" && plain(word) == l.id {
			return true
		}
	}
	return false
}

// term is an expression: a licence, or several of which one (or) or all (and) hold.
type term struct {
	leaf
	or, and []term
}

func (t term) holds(ok func(leaf) bool) bool {
	for _, one := range t.or {
		if one.holds(ok) {
			return true
		}
	}
	for _, one := range t.and {
		if !one.holds(ok) {
			return false
		}
	}
	return len(t.and) > 0 || len(t.or) == 0 && ok(t.leaf)
}

func (t term) class() Class {
	for _, c := range Classes() {
		if t.holds(func(l leaf) bool { return worse(l.class, c) == c }) {
			return c
		}
	}
	return Unknown
}

// The bounds on one text: expressions of real packages are far shorter.
const (
	maxText  = 2000
	maxDepth = 20
)

// parse reads one text: a name that is known, or an expression that SPDX's grammar and list allow. The
// expression that it comes to is empty where it is neither.
func (t *Table) parse(text string) (one term, expression string) {
	unknown := term{leaf: leaf{class: Unknown}}
	name := strings.ToLower(strings.Join(strings.Fields(text), " "))
	if id, ok := t.names[name]; ok {
		if class, ok := strings.CutPrefix(id, "class:"); ok {
			return term{leaf: leaf{class: Class(class)}}, text
		}
		text = id
	}
	if len(text) > maxText || depth(text) > maxDepth {
		return unknown, ""
	}
	if ok, _ := spdxexp.ValidateLicenses([]string{text}); !ok {
		return unknown, ""
	}
	p := parser{t: t, words: strings.Fields(strings.NewReplacer("(", " ( ", ")", " ) ").Replace(text))}
	one = p.any()
	if p.at < len(p.words) {
		return unknown, ""
	}
	return one, text
}

func depth(s string) (deepest int) {
	now := 0
	for _, c := range s {
		switch c {
		case '(':
			now++
		case ')':
			now--
		}
		deepest = max(deepest, now)
	}
	return deepest
}

// parser reads an expression whose grammar was found to be right (SPDX specification 2.3, annex D).
type parser struct {
	t     *Table
	words []string
	at    int
}

func (p *parser) word() string {
	if p.at < len(p.words) {
		return p.words[p.at]
	}
	return ""
}

func (p *parser) next(word string) bool {
	if !strings.EqualFold(p.word(), word) {
		return false
	}
	p.at++
	return true
}

func (p *parser) any() term {
	all := []term{p.all()}
	for p.next("OR") {
		all = append(all, p.all())
	}
	if len(all) == 1 {
		return all[0]
	}
	return term{or: all}
}

func (p *parser) all() term {
	all := []term{p.one()}
	for p.next("AND") {
		all = append(all, p.one())
	}
	if len(all) == 1 {
		return all[0]
	}
	return term{and: all}
}

func (p *parser) one() term {
	if p.next("(") {
		in := p.any()
		p.next(")")
		return in
	}
	id := p.word()
	p.at++
	l := leaf{id: plain(id), class: p.t.class(id)}
	if p.next("WITH") {
		exception := strings.ToLower(p.word())
		p.at++
		for _, known := range p.t.linking {
			prefix, wild := strings.CutSuffix(known, "*")
			if (known == exception || wild && strings.HasPrefix(exception, prefix)) && l.class == StrongCopyleft {
				l.class = WeakCopyleft
			}
		}
	}
	return term{leaf: l}
}

// class looks a licence up: by its own name, then by the longest beginning that the table has.
func (t *Table) class(id string) Class {
	id = strings.ToLower(strings.TrimSuffix(id, "+"))
	if c, ok := t.exact[id]; ok {
		return c
	}
	for n := len(id); n > 0; n-- {
		if c, ok := t.begins[id[:n]]; ok {
			return c
		}
	}
	return Unknown
}

// plain is an id without case, and without the words by which SPDX's newer ids differ from its older ones:
// a list that says GPL-3.0 means GPL-3.0-only and GPL-3.0-or-later.
func plain(id string) string {
	id = strings.TrimSuffix(strings.ToLower(id), "+")
	return strings.TrimSuffix(strings.TrimSuffix(id, "-only"), "-or-later")
}
