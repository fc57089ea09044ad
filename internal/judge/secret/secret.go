// Package secret finds secrets in text: in files, environments and commands. It knows some hundred kinds
// by what they look like and, where they have one, by their structure: a token's own checksum, a key that
// parses, a web token that decodes. Nothing is asked of anybody.
//
// One pass of an automaton finds the words at which a secret could stand; only there is a pattern tried, on
// a bounded piece of the text. What is written to be replaced, or to be shown, is no secret.
//
// A [Hit] never holds the secret, nor anything from which one that people think of could be found out.
package secret

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/read/gitleaks"
)

// Hit is one secret in a text.
type Hit struct {
	Rule     string // the id of a check, or gitleaks/ID of a rule of the user's
	Title    string
	Severity finding.Severity
	Line     int       // from 1
	Column   int       // from 1, in characters
	Name     string    // what it is assigned to, when that is plain
	Shown    string    // what may be shown of it: the beginning that all of its kind share, and its length
	ID       string    // names the secret one way; empty for those that could be guessed
	Until    time.Time // when it expires; zero: never, or nobody knows
	Note     string    // what lowers its severity
	Allowed  bool      // a comment on its line lets it pass
}

// Result is what was found in one text.
type Result struct {
	Hits []Hit
	Cut  string // what was not looked at, and why; empty: nothing
}

// Bounds on one text.
const (
	maxHits = 100
	maxRaw  = 2000
	maxWork = 64 << 20 // bytes that patterns are tried on
)

// version changes with whatever changes what is found.
const version = 2

// Engine searches. It is safe for concurrent use.
type Engine struct {
	rules  []*rule
	words  *automaton
	tries  [][]try // by word
	whole  []*rule // tried on whole files
	media  map[string]bool
	custom *custom
	key    string
}

// rule is a kind made ready.
type rule struct {
	kind
	order int
	once  sync.Once
	re    *regexp.Regexp
	look  func(*search, *rule, int, int) // instead of a pattern
}

// try is a rule to be tried at a word.
type try struct {
	*rule
	exact string // how the word must stand there; empty: in any case
}

// New makes an engine of our own rules, or of those of a file and, where that says so, ours.
func New(of *gitleaks.Rules) (*Engine, error) {
	e := &Engine{media: media(), key: fmt.Sprintf("secret%d", version)}
	var off map[string]bool
	if of != nil {
		e.key += " " + of.Digest
		off = map[string]bool{}
		for _, id := range of.Disabled {
			off[id] = true
		}
		var err error
		if e.custom, err = compileCustom(of); err != nil {
			return nil, err
		}
	}
	if of == nil || of.Extend {
		e.build(off)
	}
	return e, nil
}

// build compiles our rules, but for those that are switched off by their own name or one of Gitleaks'.
func (e *Engine) build(off map[string]bool) {
	index := map[string]int{}
	var words []string
	for i, k := range kinds() {
		if off[k.name] || off["secret/"+k.name] || slices.ContainsFunc(k.aliases, func(a string) bool {
			id, ok := strings.CutPrefix(a, "gitleaks/")
			return ok && off[id]
		}) {
			continue
		}
		r := &rule{kind: k, order: i}
		if r.after == 0 {
			r.after = 256
		}
		e.rules = append(e.rules, r)
		switch k.name {
		case "url-password":
			r.look = lookURL
		case "generic-secret":
			r.look = lookAssignment
		}
		if k.only != nil {
			e.whole = append(e.whole, r)
		}
		fold := k.fold()
		for _, w := range k.words {
			low := strings.ToLower(w)
			n, ok := index[low]
			if !ok {
				n = len(words)
				index[low] = n
				words = append(words, low)
				e.tries = append(e.tries, nil)
			}
			t := try{rule: r, exact: w}
			if fold {
				t.exact = ""
			}
			e.tries[n] = append(e.tries[n], t)
		}
	}
	e.words = compile(words)
}

// Key names what the engine finds: hits of an engine with another key are stale.
func (e *Engine) Key() string { return e.key }

// named finds one of our rules.
func (e *Engine) named(name string) *rule {
	for _, r := range e.rules {
		if r.name == name {
			return r
		}
	}
	return nil
}

func (r *rule) regexp() *regexp.Regexp {
	r.once.Do(func() {
		p := r.pattern
		if r.before == 0 && r.only == nil {
			p = `\A(?:` + p + `)`
		}
		r.re = regexp.MustCompile(p)
	})
	return r.re
}

// search is the look through one text.
type search struct {
	e    *Engine
	text []byte
	path string
	nature
	environments []span
	raw          []raw
	seen         map[seen]bool
	work         int
	cut          string
}

// raw is a hit before what overlaps is settled.
type raw struct {
	*rule
	rank     int // the order of the pattern that found it, which may not be its kind's
	from, to int // all that the pattern took
	found
}

type seen struct{ rule, at int }

// Scan searches a file's text.
func (e *Engine) Scan(path string, text []byte) Result { return e.run(path, natureOf(path), text) }

// Settings searches lines of NAME=VALUE, and commands, as the configuration of an image has them.
func (e *Engine) Settings(text string) Result {
	return e.run("", nature{config: true, env: true, shipped: true}, []byte(text))
}

// Worst tells what the worst secret in one setting, NAME=VALUE, or in a command is, and how bad; empty: none.
func (e *Engine) Worst(text string) (what string, severity finding.Severity) {
	for _, h := range e.Settings(text).Hits {
		if !h.Allowed && (what == "" || h.Severity.Rank() > severity.Rank()) {
			what, severity = h.Title, h.Severity
		}
	}
	return what, severity
}

func (e *Engine) run(path string, n nature, text []byte) Result {
	s := e.find(path, n, text)
	res := Result{Cut: s.cut}
	line, at := 1, 0
	for i := range s.raw {
		h := &s.raw[i]
		line += bytes.Count(s.text[at:h.start], []byte("\n"))
		at = h.start
		if len(res.Hits) == maxHits {
			res.Cut = fmt.Sprintf("more than %d secrets in one text", maxHits)
			break
		}
		hit := h.hit(s)
		hit.Line = line
		res.Hits = append(res.Hits, hit)
	}
	if e.custom != nil {
		e.custom.scan(s, &res)
	}
	return res
}

// find gives the hits of our rules by place; where several overlap, the most exact.
func (e *Engine) find(path string, n nature, text []byte) *search {
	s := &search{e: e, text: decoded(text), path: path, nature: n}
	s.environments = environments(path, s.text)
	if e.words != nil {
		e.words.find(s.text, s.word)
		for _, r := range e.whole {
			if r.only(path) {
				s.everywhere(r)
			}
		}
	}
	slices.SortStableFunc(s.raw, func(a, b raw) int { return cmp.Or(cmp.Compare(a.rank, b.rank), cmp.Compare(a.start, b.start)) })
	var kept []raw
	for _, h := range s.raw {
		if !slices.ContainsFunc(kept, func(k raw) bool { return h.from < k.to && k.from < h.to }) {
			if kept = append(kept, h); len(kept) > maxHits {
				break
			}
		}
	}
	slices.SortFunc(kept, func(a, b raw) int { return cmp.Compare(a.start, b.start) })
	s.raw = kept
	return s
}

// word is called for each word that stands in the text.
func (s *search) word(word, at int) {
	for _, t := range s.e.tries[word] {
		n := len(s.e.words.words[word])
		if t.exact != "" && string(s.text[at:at+n]) != t.exact || s.cut != "" {
			continue
		}
		if t.look != nil {
			t.look(s, t.rule, at, n)
			continue
		}
		if t.before == 0 && !s.begins(at) && t.exact != "" {
			continue
		}
		from, to := max(0, at-t.before), min(len(s.text), at+t.after)
		s.spend(to - from)
		if m := t.regexp().FindSubmatchIndex(s.text[from:to]); m != nil {
			s.candidate(t.rule, from, m)
		}
	}
}

func (s *search) spend(n int) {
	if s.work += n; s.work > maxWork {
		s.cut = "it holds so many words at which a secret could stand that not all were looked at"
	}
}

// begins says whether a token may begin at a place: not within a longer one. The letter of an escape, as in
// "\nghp_…", is none.
func (s *search) begins(at int) bool {
	if at == 0 || !isWord(s.text[at]) {
		return true
	}
	return !isWord(s.text[at-1]) || at > 1 && s.text[at-2] == '\\'
}

func isWord(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
}

func (s *search) everywhere(r *rule) {
	s.spend(len(s.text))
	for _, m := range r.regexp().FindAllSubmatchIndex(s.text, maxRaw) {
		s.candidate(r, 0, m)
	}
}

// candidate takes what a pattern found at offset from.
func (s *search) candidate(r *rule, from int, m []int) {
	a, b := m[0], m[1]
	for g := 2; g+1 < len(m); g += 2 {
		if m[g] >= 0 {
			a, b = m[g], m[g+1]
			break
		}
	}
	s.add(r, from+m[0], from+m[1], found{text: s.text, start: from + a, end: from + b, nature: s.nature, path: s.path})
}

// add settles whether a candidate is a secret.
func (s *search) add(r *rule, from, to int, f found) {
	k := seen{r.order, f.start}
	if s.seen[k] || f.end <= f.start {
		return
	}
	if s.seen == nil {
		s.seen = map[seen]bool{}
	}
	s.seen[k] = true
	if r.pattern != "" && r.class != keys && isExample(f.secret()) || r.entropy > 0 && entropy(f.secret()) < r.entropy {
		return
	}
	if r.check != nil && !r.check(&f) {
		return
	}
	if f.kind != "" {
		if better := s.e.named(f.kind); better != nil {
			r = better
		}
	}
	if s.raw = append(s.raw, raw{rule: r, rank: k.rule, from: from, to: to, found: f}); len(s.raw) >= maxRaw {
		s.cut = fmt.Sprintf("more than %d places that look like secrets", maxRaw)
	}
}

// hit is what may be told.
func (h *raw) hit(s *search) Hit {
	out := Hit{
		Rule: "secret/" + h.rule.name, Title: h.title, Severity: cmp.Or(h.found.severity, h.rule.severity), Until: h.until, Note: h.note,
		Name: h.found.name, Shown: h.shown(),
	}
	if h.look == nil && h.rule.pattern != "" && out.Name == "" {
		out.Name = nameBefore(s.text, h.start)
	}
	lineStart := bytes.LastIndexByte(s.text[:h.start], '\n') + 1
	out.Column = utf8.RuneCount(s.text[lineStart:h.start]) + 1
	out.Allowed = allowed(s.text, h.start, h.end)
	if !h.guess {
		of := h.id
		if of == nil {
			of = h.secret()
		}
		out.ID = idOf(h.rule.name, of)
	}
	return out
}

// idOf is a hash of a secret that has too many bits to be guessed.
func idOf(rule string, of []byte) string {
	if len(of) < 20 {
		return ""
	}
	sum := sha256.Sum256(slices.Concat([]byte("plimsoll/secret/1\x00"+rule+"\x00"), of))
	return hex.EncodeToString(sum[:8])
}

// shown is the part of a secret that its whole kind shares, and the length of the rest.
func (h *raw) shown() string {
	if h.guess {
		return "(not shown)"
	}
	secret := h.secret()
	for _, w := range h.words {
		if len(w) >= 3 && len(w) <= 16 && bytes.HasPrefix(secret, []byte(w)) {
			return fmt.Sprintf("%s… (%d characters)", strings.TrimSpace(w), len(secret))
		}
	}
	return fmt.Sprintf("(%d characters)", len(secret))
}

// allowed says whether a comment on the lines of a secret lets it pass.
func allowed(text []byte, start, end int) bool {
	from := bytes.LastIndexByte(text[max(0, start-4096):start], '\n') + 1 + max(0, start-4096)
	to := min(len(text), end+4096)
	if i := bytes.IndexByte(text[end:to], '\n'); i >= 0 {
		to = end + i
	}
	line := text[from:to]
	return bytes.Contains(line, []byte("plimsoll:allow")) || bytes.Contains(line, []byte("gitleaks:allow"))
}
