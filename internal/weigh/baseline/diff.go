package baseline

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/plimsoll/plimsoll/finding"
)

// Diff is what changed from one report to another.
type Diff struct {
	Schema    string     `json:"schema"`              // plimsoll/diff/v1
	Added     []Entry    `json:"added,omitempty"`     // what the change brought
	Disclosed []Entry    `json:"disclosed,omitempty"` // what the world learned since
	Fixed     []Entry    `json:"fixed,omitempty"`     // what is found no more
	Passed    []Entry    `json:"passed,omitempty"`    // what somebody let pass since
	Severity  []Entry    `json:"severity,omitempty"`  // what is held to be of another severity
	Surface   []Measure  `json:"surface,omitempty"`   // how the attack surface changed
	Verdict   [2]string  `json:"verdict"`             // before and after
	Notes     []string   `json:"notes,omitempty"`     // what keeps the comparison from telling more
	Counts    DiffCounts `json:"counts"`
}

// DiffCounts counts findings that nobody let pass.
type DiffCounts struct {
	Before int `json:"before"`
	After  int `json:"after"`
}

// DiffSchema names the version of a diff.
const DiffSchema = "plimsoll/diff/v1"

// Entry is one finding of a diff, with its target and package by name.
type Entry struct {
	Fingerprint string           `json:"fingerprint"`
	Kind        finding.Kind     `json:"kind"`
	Rule        string           `json:"rule"`
	Severity    finding.Severity `json:"severity"`
	Was         finding.Severity `json:"was,omitempty"` // its severity before, where that changed
	Title       string           `json:"title"`
	Target      string           `json:"target,omitempty"`
	Package     string           `json:"package,omitempty"` // purl
	Fixed       string           `json:"fixed,omitempty"`
	Why         string           `json:"why,omitempty"` // what became of it, or lets it pass
}

// Measure is one number of a target's attack surface, before and after.
type Measure struct {
	Target string `json:"target"`
	What   string `json:"what"`
	Was    int64  `json:"was"`
	Is     int64  `json:"is"`
}

// Compare says what changed from a report to a later one. Both are left as they are, but for the classes of
// the later one's findings.
func Compare(before, after *finding.Report) (*Diff, error) {
	b, err := Of(before)
	if err != nil {
		return nil, fmt.Errorf("the first report: %w", err)
	}
	if _, err := Of(after); err != nil {
		return nil, fmt.Errorf("the second report: %w", err)
	}
	b.Class(after, 0)
	d := &Diff{Schema: DiffSchema, Verdict: [2]string{string(before.Verdict.Action), string(after.Verdict.Action)}, Notes: b.Notes(after)}
	c := comparison{b: b, d: d, before: newNames(before), after: newNames(after), seen: map[*finding.Finding]bool{}}
	for i := range after.Findings {
		c.later(&after.Findings[i])
	}
	for i := range before.Findings {
		c.earlier(&before.Findings[i])
	}
	for i := range after.Targets {
		if k := b.of(&after.Targets[i]); k != nil {
			c.surface(k.Target, &after.Targets[i])
		}
	}
	for _, all := range [][]Entry{d.Added, d.Disclosed, d.Fixed, d.Passed, d.Severity} {
		slices.SortStableFunc(all, func(a, b Entry) int {
			return cmp.Or(cmp.Compare(a.Target, b.Target), cmp.Compare(b.Severity.Rank(), a.Severity.Rank()), cmp.Compare(a.Rule, b.Rule), cmp.Compare(a.Package, b.Package), cmp.Compare(a.Fingerprint, b.Fingerprint))
		})
	}
	return d, nil
}

type comparison struct {
	b             *Baseline
	d             *Diff
	before, after *names
	seen          map[*finding.Finding]bool // findings of the earlier report that the later one has
}

// names are the targets and packages of a report by their ids.
type names struct {
	targets  map[string]*finding.Target
	packages map[string]*finding.Package
	versions map[string][]string // target and purl without version → versions
}

func newNames(r *finding.Report) *names {
	n := &names{targets: map[string]*finding.Target{}, packages: map[string]*finding.Package{}, versions: map[string][]string{}}
	for i := range r.Targets {
		n.targets[r.Targets[i].ID] = &r.Targets[i]
	}
	for i := range r.Packages {
		p := &r.Packages[i]
		n.packages[p.ID] = p
		key := p.Target + " " + p.Type + " " + p.Namespace + "/" + p.Name
		if !slices.Contains(n.versions[key], p.Version) {
			n.versions[key] = append(n.versions[key], p.Version)
		}
	}
	return n
}

func (n *names) entry(f *finding.Finding) Entry {
	e := Entry{Fingerprint: f.Fingerprint, Kind: f.Kind, Rule: f.Rule, Severity: f.Severity, Title: f.Title, Fixed: f.Fixed}
	if t := n.targets[f.Target]; t != nil {
		e.Target = t.Name
	}
	if p := n.packages[f.Package]; p != nil {
		e.Package = p.PURL
	}
	return e
}

// later sorts a finding of the later report in.
func (c *comparison) later(f *finding.Finding) {
	e := c.after.entry(f)
	var before *finding.Finding
	if t := c.after.targets[f.Target]; t != nil {
		if k := c.b.of(t); k != nil {
			before = k.before(f, e.Package)
		}
	}
	if before != nil {
		c.seen[before] = true
	}
	passes := len(f.Suppressed) > 0
	if !passes {
		c.d.Counts.After++
	}
	switch {
	case passes && before != nil && len(before.Suppressed) == 0:
		e.Why = why(f.Suppressed[0])
		c.d.Passed = append(c.d.Passed, e)
	case passes:
	case f.Since == finding.SinceNew:
		c.d.Added = append(c.d.Added, e)
	case f.Since == finding.SinceDisclosed && before == nil:
		c.d.Disclosed = append(c.d.Disclosed, e)
	case before != nil && before.Severity != f.Severity:
		e.Was = before.Severity
		c.d.Severity = append(c.d.Severity, e)
	case f.Since == finding.SinceDisclosed:
		e.Why = "known to be exploited since"
		c.d.Disclosed = append(c.d.Disclosed, e)
	}
}

func why(s finding.Suppression) string {
	text := s.By + ": " + s.Reason
	if s.Until != "" {
		text += ", until " + s.Until
	}
	return text
}

// earlier takes a finding that the later report has not got. What that one did not look at is not mended.
func (c *comparison) earlier(f *finding.Finding) {
	if len(f.Suppressed) > 0 {
		return
	}
	c.d.Counts.Before++
	if c.seen[f] {
		return
	}
	e := c.before.entry(f)
	t := c.match(f.Target)
	if t == nil {
		return // its target was not looked at
	}
	p := c.before.packages[f.Package]
	if p == nil {
		e.Why = "no longer found"
		c.d.Fixed = append(c.d.Fixed, e)
		return
	}
	now := c.after.versions[t.ID+" "+p.Type+" "+p.Namespace+"/"+p.Name]
	switch {
	case len(now) == 0:
		e.Why = "the package is gone"
	case slices.Contains(now, p.Version):
		e.Why = "no longer reported of this version"
	default:
		e.Why = "now " + strings.Join(now, ", ")
	}
	c.d.Fixed = append(c.d.Fixed, e)
}

// match is the later report's target for one of the earlier's.
func (c *comparison) match(id string) *finding.Target {
	for _, t := range c.after.targets {
		if k := c.b.of(t); k != nil && k.ID == id {
			return t
		}
	}
	return nil
}

// surface compares what an attacker finds to work with, as far as both reports count it.
func (c *comparison) surface(before, after *finding.Target) {
	measure := func(what string, was, is int64) {
		if was != is {
			c.d.Surface = append(c.d.Surface, Measure{Target: after.Name, What: what, Was: was, Is: is})
		}
	}
	measure("size", before.Size, after.Size)
	if before.Surface == nil || after.Surface == nil {
		return
	}
	a, b := before.Surface, after.Surface
	measure("packages", int64(a.Packages), int64(b.Packages))
	measure("executables", int64(a.Executables), int64(b.Executables))
	measure("shells", int64(a.Shells), int64(b.Shells))
	measure("interpreters", int64(a.Interpreters), int64(b.Interpreters))
	measure("package managers", int64(a.PackageManagers), int64(b.PackageManagers))
	measure("setuid files", int64(a.SUID), int64(b.SUID))
	measure("ports", int64(len(a.Ports)), int64(len(b.Ports)))
}
