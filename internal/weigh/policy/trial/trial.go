// Package trial runs the cases that stand beside policies, and says which of their expressions no case has
// seen to hold, or to fail: such an expression is not tested.
package trial

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/read/kube"
	"github.com/plimsoll/plimsoll/internal/read/policyfile"
	"github.com/plimsoll/plimsoll/internal/read/savedreport"
	"github.com/plimsoll/plimsoll/internal/weigh/policy"
)

// Result is how one case went.
type Result struct {
	Policy string `json:"policy"`
	Case   string `json:"case"`
	Place  string `json:"place"` // FILE:LINE
	Failed string `json:"failed,omitempty"`
}

// Coverage is one expression of a policy, and what the cases saw it give.
type Coverage struct {
	Policy     string `json:"policy"`
	Place      string `json:"place"` // FILE:LINE
	Kind       string `json:"kind"`  // validation, matchCondition
	Expression string `json:"expression"`
	True       int    `json:"true"`
	False      int    `json:"false"`
}

// Covered says whether both were seen.
func (c Coverage) Covered() bool { return c.True > 0 && c.False > 0 }

// Outcome is all that a run of cases says.
type Outcome struct {
	Results  []Result   `json:"results"`
	Coverage []Coverage `json:"coverage"`
}

// Failed counts the cases that went another way than they should.
func (o *Outcome) Failed() int {
	n := 0
	for _, r := range o.Results {
		if r.Failed != "" {
			n++
		}
	}
	return n
}

// Run runs the cases of a set on its policies. Now is the day of cases that name none. An error is one in the
// files: a policy that does not compile, a case for a policy that is not there.
func Run(ctx context.Context, set *policyfile.Set, now time.Time) (*Outcome, error) {
	c, err := policy.NewCompiler()
	if err != nil {
		return nil, err
	}
	if _, err := c.Compile(set); err != nil { // all of them, also those without a case
		return nil, err
	}
	t := &tester{out: &Outcome{}, seen: map[string][2]int{}}
	var errs []error
	for i := range set.Tests {
		errs = append(errs, t.test(ctx, c, set, &set.Tests[i], now))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	t.coverage(set)
	return t.out, nil
}

type tester struct {
	out  *Outcome
	seen map[string][2]int // by policy, kind and place in it: how often true, how often false
}

func key(name string, condition bool, at int) string {
	return fmt.Sprintf("%s %t %d", name, condition, at)
}

func (t *tester) test(ctx context.Context, c *policy.Compiler, set *policyfile.Set, test *policyfile.Test, now time.Time) error {
	named, ok := find(set, test.Policy.Value)
	if !ok {
		return fmt.Errorf("%s: there is no policy %q in these files", test.Policy.At(1), test.Policy.Value)
	}
	changed, err := policy.With(named, test.Params, nil)
	if err != nil {
		return fmt.Errorf("%s: %w", test.Name.At(1), err)
	}
	one, err := c.Compile(&policyfile.Set{Policies: []policyfile.Policy{changed}})
	if err != nil {
		return err
	}
	if test.Now.Value != "" {
		if now, err = time.Parse(time.RFC3339, test.Now.Value); err != nil {
			return fmt.Errorf("%s: now %q: write it as 2026-11-01T00:00:00Z", test.Now.At(1), test.Now.Value)
		}
	}
	for i := range test.Cases {
		cs := &test.Cases[i]
		r, facts, err := given(cs)
		if err != nil {
			return err
		}
		findings, _ := policy.Evaluate(ctx, policy.Input{Report: r, Facts: facts, Policies: one, Now: now, May: nobody, Seen: func(_ *policy.Policy, condition bool, at int, result bool) {
			k := key(test.Policy.Value, condition, at)
			n := t.seen[k]
			if result {
				n[0]++
			} else {
				n[1]++
			}
			t.seen[k] = n
		}})
		t.out.Results = append(t.out.Results, Result{Policy: test.Policy.Value, Case: cs.Name.Value, Place: cs.Name.At(1), Failed: judge(cs, findings)})
	}
	return nil
}

// nobody may use a policy, so that a case shows what it is about.
func nobody(context.Context, *policy.Policy, *policy.Object) (bool, error) { return false, nil }

// find is a policy of the set by its name, or the one that a binding of that name makes.
func find(set *policyfile.Set, name string) (policyfile.Policy, bool) {
	for _, p := range set.Policies {
		if p.Name.Value == name {
			return p, true
		}
	}
	all, err := policy.Bound(set)
	i := slices.IndexFunc(all, func(p policyfile.Policy) bool { return p.Name.Value == name })
	if err != nil || i < 0 {
		return policyfile.Policy{}, false
	}
	return all[i], true
}

// judge says what is other than the case wants; empty when nothing is.
func judge(c *policyfile.Case, findings []finding.Finding) string {
	got := "pass"
	var messages []string
	for _, f := range findings {
		messages = append(messages, f.Title)
		switch {
		case strings.Contains(f.Title, " could not be decided: "):
			got = "error"
		case f.Action == finding.Deny && got != "error":
			got = "deny"
		case f.Action == finding.Warn && got == "pass":
			got = "warn"
		}
	}
	said := "nothing"
	if len(messages) > 0 {
		said = strings.Join(messages, " | ")
	}
	switch {
	case got != c.Expect.Value:
		return fmt.Sprintf("expected %s, got %s: %s", c.Expect.Value, got, said)
	case c.Count >= 0 && c.Count != len(findings):
		return fmt.Sprintf("expected %d findings, got %d: %s", c.Count, len(findings), said)
	case c.Message != "" && !slices.ContainsFunc(messages, func(m string) bool { return strings.Contains(m, c.Message) }):
		return fmt.Sprintf("no message has %q: %s", c.Message, said)
	}
	return ""
}

// coverage lists the expressions of all policies that any case could see.
func (t *tester) coverage(set *policyfile.Set) {
	add := func(name, kind string, at int, text policyfile.Text) {
		n := t.seen[key(name, kind == "matchCondition", at)]
		t.out.Coverage = append(t.out.Coverage, Coverage{
			Policy: name, Place: text.At(1), Kind: kind, Expression: strings.Join(strings.Fields(text.Value), " "), True: n[0], False: n[1],
		})
	}
	for _, p := range set.Policies {
		for i, c := range p.Conditions {
			add(p.Name.Value, "matchCondition", i, c.Expression)
		}
		for i, v := range p.Validations {
			add(p.Name.Value, "validation", i, v.Expression)
		}
	}
}

// written is what a case gives: parts of a report, and facts.
type written struct {
	Image      finding.Target      `json:"image"`
	Packages   []finding.Package   `json:"packages"`
	Findings   []finding.Finding   `json:"findings"`
	Config     *policy.Config      `json:"config"`
	Files      *[]policy.File      `json:"files"`
	Signatures *[]policy.Signature `json:"signatures"`
	Object     json.RawMessage     `json:"object"`
	Namespace  json.RawMessage     `json:"namespaceObject"`
}

var unknownField = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`unknown field "([^"]*)"`) })

func given(c *policyfile.Case) (*finding.Report, map[string]*policy.Facts, error) {
	if c.Report != nil {
		r, err := savedreport.Parse(c.Report)
		if err != nil {
			return nil, nil, fmt.Errorf("%s: the report of this case: %w", c.Name.At(1), err)
		}
		return r, nil, nil
	}
	if c.Manifest != nil {
		objects, problems := kube.Manifest("manifest", c.Manifest)
		all, err := manifestFacts(objects, problems, func(string) bool { return true })
		if err != nil {
			return nil, nil, fmt.Errorf("%s: the manifest of this case: %w", c.Name.At(1), err)
		}
		w := written{Image: finding.Target{Kind: "manifest"}}
		return w.report(), map[string]*policy.Facts{"t1": {Objects: all}}, nil
	}
	var w written
	d := json.NewDecoder(bytes.NewReader(c.Given))
	d.DisallowUnknownFields()
	err := d.Decode(&w)
	if err != nil {
		place, what := c.Name.At(1), strings.TrimPrefix(err.Error(), "json: ")
		if m := unknownField().FindStringSubmatch(err.Error()); m != nil && c.Place[m[1]] != "" {
			place, what = c.Place[m[1]], fmt.Sprintf("there is no field %q here", m[1])
		}
		return nil, nil, fmt.Errorf("%s: given: %s", place, what)
	}
	facts := &policy.Facts{Config: w.Config, Files: w.Files, Signatures: w.Signatures}
	if w.Object != nil {
		w.Image.Kind = cmp.Or(w.Image.Kind, "manifest")
		objects, problems := kube.Manifest("object", w.Object)
		around, more := kube.Manifest("namespaceObject", w.Namespace)
		if facts.Objects, err = manifestFacts(append(objects, around...), append(problems, more...), func(path string) bool { return path == "object" }); err != nil {
			return nil, nil, fmt.Errorf("%s: given: %w", c.Name.At(1), err)
		}
	}
	return w.report(), map[string]*policy.Facts{"t1": facts}, nil
}

// manifestFacts are objects as policies see them. All of them must be such.
func manifestFacts(objects []*kube.Object, problems []*kube.Problem, own func(string) bool) ([]policy.Object, error) {
	around := kube.NewSnapshot(objects, problems)
	if len(around.Problems) > 0 {
		return nil, around.Problems[0]
	}
	all := policy.Objects(around, own)
	if len(all) == 0 {
		return nil, errors.New("it is no Kubernetes object: one has apiVersion and kind")
	}
	return all, nil
}

// report fills in what a case need not say.
func (w *written) report() *finding.Report {
	r := &finding.Report{Schema: finding.Schema, Packages: w.Packages, Findings: w.Findings}
	w.Image.ID = "t1"
	if w.Image.Kind == "" {
		w.Image.Kind = "image"
	}
	r.Targets = []finding.Target{w.Image}
	ids := map[string]string{}
	for i := range r.Packages {
		p := &r.Packages[i]
		p.Target, p.ID = "t1", fmt.Sprintf("p%d", i+1)
		if p.PURL == "" {
			p.PURL = fmt.Sprintf("pkg:%s/%s@%s", p.Type, p.Name, p.Version)
		}
		ids[p.Name] = p.ID
	}
	for i := range r.Findings {
		f := &r.Findings[i]
		f.Target = "t1"
		if f.Kind == "" {
			f.Kind = finding.KindVulnerability
		}
		if id := ids[f.Package]; id != "" {
			f.Package = id
		}
		if f.Fingerprint == "" {
			f.Fingerprint = finding.Fingerprint(*f, f.Package)
		}
	}
	return r
}
