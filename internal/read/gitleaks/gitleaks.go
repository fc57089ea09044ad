// Package gitleaks reads files of rules in the form of Gitleaks 8 (github.com/gitleaks/gitleaks, README,
// "Configuration"): what a secret looks like, and what lets one pass. It compiles their patterns; judging is
// another's.
package gitleaks

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"regexp"
	"strings"

	"github.com/plimsoll/plimsoll/internal/ecosystem/toml"
)

// Rules is one file of rules.
type Rules struct {
	File     string
	Digest   string // "sha256:HEX" of the file
	Extend   bool   // the rules stand beside the built-in ones, not in their place
	Disabled []string
	Rules    []Rule
	Allow    []Allow // for all rules
}

// Rule is one kind of secret. A rule without Regex is about the path alone.
type Rule struct {
	ID          string
	Description string
	Regex       *regexp.Regexp
	Path        *regexp.Regexp
	Group       int     // of Regex, that is the secret; 0: the first that is not empty, or all
	Entropy     float64 // the secret's must be more than that
	Keywords    []string
	Tags        []string
	Allow       []Allow
	Required    []Required
	Silent      bool // it is there for those that require it
}

// Required is another rule that must find something near. A nil bound is none.
type Required struct {
	ID      string
	Lines   *int
	Columns *int
}

// Allow lets findings pass that meet one of its conditions, or with All every one that it has.
type Allow struct {
	All     bool
	Target  string // what Regexes are held against: secret, match or line
	Regexes []*regexp.Regexp
	Paths   []*regexp.Regexp
	Words   []string // in lower case; in the secret
	Rules   []string // the rules that it is for; empty: all
}

// Bounds on a file; Gitleaks' own has 222 rules in 100 kB.
const (
	MaxFile    = 4 << 20
	maxRules   = 5000
	maxPattern = 64 << 10
)

// Parse reads a file. Errors name it, the rule and the line.
func Parse(file string, b []byte) (*Rules, error) {
	sum := sha256.Sum256(b)
	r := &Rules{File: file, Digest: "sha256:" + hex.EncodeToString(sum[:])}
	if len(b) > MaxFile {
		return nil, fmt.Errorf("read rules %s: %d bytes, at most %d are read", file, len(b), MaxFile)
	}
	doc, err := toml.Parse(b)
	if err != nil {
		return nil, fmt.Errorf("read rules %s: %w", file, err)
	}
	p := &parser{rules: r, text: string(b)}
	if err := p.document(table(doc)); err != nil {
		return nil, fmt.Errorf("read rules %s: %w", file, err)
	}
	return r, nil
}

type parser struct {
	rules *Rules
	text  string
}

// value is what a key has; keys are taken in any case, as Gitleaks does.
type value map[string]any

func table(of map[string]any) value {
	t := value{}
	for k, v := range of {
		t[strings.ToLower(k)] = v
	}
	return t
}

func (p *parser) document(doc value) error {
	if extend, ok := doc["extend"].(map[string]any); ok {
		if err := p.extend(table(extend)); err != nil {
			return err
		}
	}
	var err error
	if p.rules.Allow, err = p.allows(doc, "the file"); err != nil {
		return err
	}
	rules, err := tables(doc, "rules")
	if err != nil {
		return err
	}
	if len(rules) > maxRules {
		return fmt.Errorf("%d rules, at most %d are read", len(rules), maxRules)
	}
	ids := map[string]bool{}
	for n, t := range rules {
		id, _ := t["id"].(string)
		if id == "" {
			return fmt.Errorf("rule %d has no id", n+1)
		}
		where := fmt.Sprintf("line %d: rule %q", p.line(id), id)
		if ids[id] {
			return fmt.Errorf("%s stands twice", where)
		}
		ids[id] = true
		one, err := p.rule(id, where, t)
		if err != nil {
			return err
		}
		p.rules.Rules = append(p.rules.Rules, one)
	}
	if len(p.rules.Rules) == 0 && !p.rules.Extend {
		return fmt.Errorf("it has no rules; [extend] useDefault = true adds to the built-in ones")
	}
	return p.known(ids)
}

// known wants the rules that others speak of to be there.
func (p *parser) known(ids map[string]bool) error {
	for _, r := range p.rules.Rules {
		for _, need := range r.Required {
			if !ids[need.ID] {
				return fmt.Errorf("line %d: rule %q requires %q, which is not there", p.line(r.ID), r.ID, need.ID)
			}
		}
	}
	for _, a := range p.rules.Allow {
		for _, id := range a.Rules {
			if !ids[id] && !p.rules.Extend {
				return fmt.Errorf("an allowlist is for rule %q, which is not there", id)
			}
		}
	}
	return nil
}

func (p *parser) extend(t value) error {
	if path, _ := t["path"].(string); path != "" {
		return fmt.Errorf("extend.path %q: other files are not read; name the one that is meant, or join them", path)
	}
	p.rules.Extend = t["usedefault"] == toml.Word("true")
	var err error
	p.rules.Disabled, err = list(t, "disabledrules")
	return err
}

// line finds where a rule stands.
func (p *parser) line(id string) int {
	for n, line := range strings.Split(p.text, "\n") {
		key, val, ok := strings.Cut(line, "=")
		if ok && strings.EqualFold(strings.TrimSpace(key), "id") && strings.Contains(val, id) && strings.Trim(strings.TrimSpace(val), `"'`) == id {
			return n + 1
		}
	}
	return 1
}

func (p *parser) rule(id, where string, t value) (Rule, error) {
	r := Rule{ID: id}
	r.Description, _ = t["description"].(string)
	r.Silent = t["skipreport"] == toml.Word("true")
	var err error
	if r.Regex, err = pattern(t, "regex"); err != nil {
		return r, fmt.Errorf("%s: %w", where, err)
	}
	if r.Path, err = pattern(t, "path"); err != nil {
		return r, fmt.Errorf("%s: %w", where, err)
	}
	if r.Regex == nil && r.Path == nil {
		return r, fmt.Errorf("%s has neither regex nor path", where)
	}
	if r.Group, err = number[int](t, "secretgroup"); err != nil {
		return r, fmt.Errorf("%s: %w", where, err)
	}
	if r.Group < 0 || r.Regex != nil && r.Group > r.Regex.NumSubexp() || r.Regex == nil && r.Group > 0 {
		return r, fmt.Errorf("%s: secretGroup %d is no group of its regex", where, r.Group)
	}
	if r.Entropy, err = number[float64](t, "entropy"); err != nil {
		return r, fmt.Errorf("%s: %w", where, err)
	}
	if r.Keywords, err = list(t, "keywords"); err != nil {
		return r, fmt.Errorf("%s: %w", where, err)
	}
	if r.Tags, err = list(t, "tags"); err != nil {
		return r, fmt.Errorf("%s: %w", where, err)
	}
	for i, k := range r.Keywords {
		r.Keywords[i] = strings.ToLower(k)
	}
	if r.Allow, err = p.allows(t, where); err != nil {
		return r, err
	}
	r.Required, err = required(t, where)
	return r, err
}

func required(t value, where string) (all []Required, err error) {
	needs, err := tables(t, "required")
	if err != nil {
		return nil, fmt.Errorf("%s: %w", where, err)
	}
	for _, n := range needs {
		id, _ := n["id"].(string)
		if id == "" {
			return nil, fmt.Errorf("%s requires a rule without an id", where)
		}
		one := Required{ID: id}
		for key, into := range map[string]**int{"withinlines": &one.Lines, "withincolumns": &one.Columns} {
			if n[key] == nil {
				continue
			}
			v, err := number[int](n, key)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", where, err)
			}
			*into = &v
		}
		all = append(all, one)
	}
	return all, nil
}

// allows reads allowlists: [[allowlists]], and the older [allowlist].
func (p *parser) allows(t value, where string) (all []Allow, err error) {
	lists, err := tables(t, "allowlists")
	if err != nil {
		return nil, fmt.Errorf("%s: %w", where, err)
	}
	if old, ok := t["allowlist"].(map[string]any); ok {
		if len(lists) > 0 {
			return nil, fmt.Errorf("%s: allowlist and allowlists do not stand beside each other", where)
		}
		lists = append(lists, table(old))
	}
	for _, l := range lists {
		a, err := allow(l)
		if err != nil {
			return nil, fmt.Errorf("%s: allowlist: %w", where, err)
		}
		all = append(all, a)
	}
	return all, nil
}

func allow(t value) (a Allow, err error) {
	condition, _ := t["condition"].(string)
	switch strings.ToUpper(condition) {
	case "AND", "&&":
		a.All = true
	case "", "OR", "||":
	default:
		return a, fmt.Errorf("condition %q: use AND or OR", condition)
	}
	a.Target, _ = t["regextarget"].(string)
	switch a.Target {
	case "":
		a.Target = "secret"
	case "secret", "match", "line":
	default:
		return a, fmt.Errorf("regexTarget %q: use secret, match or line", a.Target)
	}
	if a.Regexes, err = patterns(t, "regexes"); err != nil {
		return a, err
	}
	if a.Paths, err = patterns(t, "paths"); err != nil {
		return a, err
	}
	if a.Words, err = list(t, "stopwords"); err != nil {
		return a, err
	}
	for i, w := range a.Words {
		a.Words[i] = strings.ToLower(w)
	}
	if a.Rules, err = list(t, "targetrules"); err != nil {
		return a, err
	}
	commits, err := list(t, "commits")
	if err == nil && len(a.Regexes)+len(a.Paths)+len(a.Words)+len(commits) == 0 {
		err = fmt.Errorf("it has none of regexes, paths, stopwords and commits")
	}
	return a, err
}
