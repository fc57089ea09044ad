package secret

import (
	"bytes"
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/read/gitleaks"
)

// custom is the user's rules.
type custom struct {
	rules  []gitleaks.Rule
	allow  map[string][]gitleaks.Allow // by rule; "" is for all
	words  *automaton
	users  [][]int // word → rules
	always []int   // rules without a word
	cards  map[string]*kind
}

func compileCustom(of *gitleaks.Rules) (*custom, error) {
	c := &custom{rules: of.Rules, allow: map[string][]gitleaks.Allow{}, cards: map[string]*kind{}}
	for _, a := range of.Allow {
		for _, id := range a.Rules {
			c.allow[id] = append(c.allow[id], a)
		}
		if len(a.Rules) == 0 {
			c.allow[""] = append(c.allow[""], a)
		}
	}
	words := c.keywords()
	if total(words) > maxLetters {
		return nil, fmt.Errorf("read rules %s: its keywords have more than %d letters", of.File, maxLetters)
	}
	c.words = compile(words)
	ours := kinds()
	for i := range ours {
		for _, a := range ours[i].aliases {
			if id, ok := strings.CutPrefix(a, "gitleaks/"); ok {
				c.cards[id] = &ours[i]
			}
		}
	}
	return c, nil
}

// keywords notes which rules are tried at which word, and gives the words.
func (c *custom) keywords() (words []string) {
	index := map[string]int{}
	for i := range c.rules {
		r := &c.rules[i]
		c.allow[r.ID] = append(c.allow[r.ID], r.Allow...)
		if len(r.Keywords) == 0 {
			c.always = append(c.always, i)
		}
		for _, w := range r.Keywords {
			n, ok := index[w]
			if w == "" {
				c.always = append(c.always, i)
				continue
			}
			if !ok {
				n = len(words)
				index[w] = n
				words = append(words, w)
				c.users = append(c.users, nil)
			}
			c.users[n] = append(c.users[n], i)
		}
	}
	return words
}

// maxLetters bounds the automaton: a state is a number of 16 bits.
const maxLetters = 60_000

func total(words []string) (n int) {
	for _, w := range words {
		n += len(w)
	}
	return n
}

// piece is how much of a text the user's patterns see at a time, and overlap what two have in common.
const (
	piece   = 64 << 10
	overlap = 8 << 10
)

// match is what one of the user's rules found.
type match struct {
	rule       int
	from, to   int
	start, end int
	line       int
	column     int
}

// scan adds what the user's rules find, but for what ours found already.
func (c *custom) scan(s *search, res *Result) {
	defer func() {
		slices.SortStableFunc(res.Hits, func(a, b Hit) int { return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column)) })
	}()
	var all []match
	paths := c.pathAllowed(s.path)
	if !paths {
		all = c.matches(s, res)
	}
	for i := range c.rules {
		if r := &c.rules[i]; r.Regex == nil && !paths && s.path != "" && r.Path.MatchString(s.path) && !anyAllowed(c.allow[r.ID], s, &match{}, s.path) {
			all = append(all, match{rule: i, line: 1, column: 1})
		}
	}
	res.Hits = slices.DeleteFunc(res.Hits, func(h Hit) bool { return paths || c.hitAllowed(&h, s) })
	slices.SortFunc(all, func(a, b match) int { return cmp.Or(cmp.Compare(a.start, b.start), cmp.Compare(a.rule, b.rule)) })
	for _, m := range all {
		if c.rules[m.rule].Silent || !c.has(m, all) || slices.ContainsFunc(s.raw, func(h raw) bool { return m.start < h.to && h.from < m.end }) {
			continue
		}
		if len(res.Hits) >= maxHits {
			res.Cut = fmt.Sprintf("more than %d secrets in one text", maxHits)
			return
		}
		res.Hits = append(res.Hits, c.hit(s, m))
	}
}

// matches tries the rules on each piece of the text that holds one of their words.
func (c *custom) matches(s *search, res *Result) (all []match) {
	seen := map[[2]int]bool{}
	for from := 0; ; from += piece - overlap {
		to := min(len(s.text), from+piece)
		wanted := slices.Clone(c.always)
		c.words.find(s.text[from:to], func(word, _ int) {
			for _, i := range c.users[word] {
				if !slices.Contains(wanted, i) {
					wanted = append(wanted, i)
				}
			}
		})
		for _, i := range wanted {
			r := &c.rules[i]
			if r.Regex == nil || r.Path != nil && !r.Path.MatchString(s.path) {
				continue
			}
			for _, m := range r.Regex.FindAllSubmatchIndex(s.text[from:to], maxRaw) {
				one := groups(r, m, from)
				one.rule = i
				if k := [2]int{i, one.start}; !seen[k] && c.counts(s, &one) {
					seen[k] = true
					all = append(all, one)
				}
			}
		}
		if len(all) > maxRaw {
			res.Cut = fmt.Sprintf("more than %d places that look like secrets", maxRaw)
			return all
		}
		if to == len(s.text) {
			return all
		}
	}
}

// groups picks the secret out of a match.
func groups(r *gitleaks.Rule, m []int, from int) match {
	one := match{from: from + m[0], to: from + m[1], start: from + m[0], end: from + m[1]}
	pick := r.Group
	for g := 1; pick == 0 && 2*g < len(m); g++ {
		if m[2*g] >= 0 && m[2*g+1] > m[2*g] {
			pick = g
		}
	}
	if pick > 0 && m[2*pick] >= 0 {
		one.start, one.end = from+m[2*pick], from+m[2*pick+1]
	}
	return one
}

// counts says whether a match is one: it is random enough, and nothing allows it.
func (c *custom) counts(s *search, m *match) bool {
	r := &c.rules[m.rule]
	if m.end <= m.start || r.Entropy > 0 && entropy(s.text[m.start:m.end]) <= r.Entropy {
		return false
	}
	if anyAllowed(c.allow[""], s, m, s.path) || anyAllowed(c.allow[r.ID], s, m, s.path) {
		return false
	}
	at := bytes.LastIndexByte(s.text[:m.start], '\n') + 1
	m.line, m.column = 1+bytes.Count(s.text[:m.start], []byte("\n")), 1+utf8.RuneCount(s.text[at:m.start])
	return true
}

// pathAllowed says that nothing is looked for in a file.
func (c *custom) pathAllowed(path string) bool {
	return path != "" && slices.ContainsFunc(c.allow[""], func(a gitleaks.Allow) bool {
		return len(a.Paths) > 0 && matches(a.Paths, []byte(path)) && (!a.All || len(a.Regexes) == 0 && len(a.Words) == 0)
	})
}

// hitAllowed holds what our own rules found against the user's allowlists.
func (c *custom) hitAllowed(h *Hit, s *search) bool {
	for i := range s.raw {
		one := &s.raw[i]
		if "secret/"+one.rule.name != h.Rule || 1+bytes.Count(s.text[:one.start], []byte("\n")) != h.Line {
			continue
		}
		m := &match{from: one.from, to: one.to, start: one.start, end: one.end}
		lists := slices.Concat(c.allow[""], c.allow[one.rule.name], c.allow[h.Rule])
		for _, a := range one.aliases {
			if id, ok := strings.CutPrefix(a, "gitleaks/"); ok {
				lists = append(lists, c.allow[id]...)
			}
		}
		return anyAllowed(lists, s, m, s.path)
	}
	return false
}

func anyAllowed(lists []gitleaks.Allow, s *search, m *match, path string) bool {
	return slices.ContainsFunc(lists, func(a gitleaks.Allow) bool { return allows(a, s.text, m, path) })
}

func allows(a gitleaks.Allow, text []byte, m *match, path string) bool {
	var met []bool
	if len(a.Paths) > 0 {
		met = append(met, matches(a.Paths, []byte(path)))
	}
	if len(a.Regexes) > 0 {
		of := text[m.start:m.end]
		switch a.Target {
		case "match":
			of = text[m.from:m.to]
		case "line":
			of = line(text, m.from, m.to)
		}
		met = append(met, matches(a.Regexes, of))
	}
	if len(a.Words) > 0 {
		low := bytes.ToLower(text[m.start:m.end])
		met = append(met, slices.ContainsFunc(a.Words, func(w string) bool { return bytes.Contains(low, []byte(w)) }))
	}
	if a.All {
		return len(met) > 0 && !slices.Contains(met, false)
	}
	return slices.Contains(met, true)
}

func matches(any []*regexp.Regexp, b []byte) bool {
	return slices.ContainsFunc(any, func(re *regexp.Regexp) bool { return re.Match(b) })
}

// line is the lines that a part of a text stands on.
func line(text []byte, from, to int) []byte {
	from = bytes.LastIndexByte(text[:from], '\n') + 1
	if i := bytes.IndexByte(text[to:], '\n'); i >= 0 {
		return text[from : to+i]
	}
	return text[from:]
}

// has says whether all is found that a match requires.
func (c *custom) has(m match, all []match) bool {
	for _, need := range c.rules[m.rule].Required {
		if !slices.ContainsFunc(all, func(o match) bool {
			return c.rules[o.rule].ID == need.ID && within(need.Lines, o.line-m.line) && within(need.Columns, o.column-m.column)
		}) {
			return false
		}
	}
	return true
}

func within(bound *int, n int) bool { return bound == nil || max(n, -n) <= *bound }

// hit is what may be told of a match. What it opens is not known, unless one of our own kinds is the same.
func (c *custom) hit(s *search, m match) Hit {
	r := &c.rules[m.rule]
	h := Hit{
		Rule: "gitleaks/" + r.ID, Title: cmp.Or(r.Description, r.ID), Severity: finding.High, Line: m.line, Column: m.column,
		Name: nameBefore(s.text, m.start), Shown: "(not shown)", Allowed: allowed(s.text, m.start, m.end),
	}
	if k := c.cards[r.ID]; k != nil {
		h.Severity = k.severity
	}
	if r.Regex == nil {
		h.Shown = "(the file)"
	}
	return h
}
