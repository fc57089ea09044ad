package policy

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/expr"
)

// The bounds on what one policy may do to one target.
const (
	maxCost     = 30_000_000 // of all its evaluations together
	maxFindings = 1000       // beyond which the rest is told in one
	maxMessage  = 1000
)

// Input is what policies are held against. Facts are by the id of the target.
type Input struct {
	Report   *finding.Report
	Facts    map[string]*Facts
	Policies []*Policy
	Now      time.Time
	// Seen is told of each expression that gave true or false: of a match condition, or else of a validation,
	// by its place in the policy. Nil: nobody wants to know.
	Seen func(p *Policy, condition bool, at int, result bool)
}

// GapUnbuilt is the class of what policies ask of the image of a Dockerfile and only its build decides.
const GapUnbuilt = "unbuilt-image"

// Evaluate gives the findings of all policies on all targets, with fingerprints, and what they ask and nobody
// can know yet. The report is not changed.
func Evaluate(ctx context.Context, in Input) ([]finding.Finding, []finding.Gap) {
	var all []finding.Finding
	var gaps []finding.Gap
	if len(in.Policies) == 0 {
		return nil, nil
	}
	for i := range in.Report.Targets {
		t := &in.Report.Targets[i]
		w := worldOf(in.Report, t, in.Facts[t.ID], in.Now)
		for _, p := range in.Policies {
			r := &run{ctx: ctx, in: &in, policy: p, world: w}
			r.policyOn()
			all, gaps = append(all, r.findings...), append(gaps, r.gaps...)
		}
	}
	return all, gaps
}

// run is one policy on one target.
type run struct {
	ctx      context.Context //nolint:containedctx // it lives as long as one call does
	in       *Input
	policy   *Policy
	world    *world
	cost     uint64
	findings []finding.Finding
	gaps     []finding.Gap
	more     int
	hidden   finding.Action // the worst of what more counts
	stopped  bool
}

func (r *run) policyOn() {
	w := r.world
	switch r.policy.Subject {
	case subjectImage, subjectConfig:
		if r.policy.Subject == subjectConfig {
			for _, b := range w.facts.Builds {
				r.decide(subject{build: b})
			}
		}
		if w.isImage() || r.policy.Subject == subjectConfig && w.facts.Config != nil {
			r.decide(subject{})
		}
	case subjectPackage:
		for _, p := range w.packages {
			r.decide(subject{pkg: p})
		}
	case subjectFinding:
		for _, f := range w.findings {
			r.decide(subject{found: f, pkg: f.pkg})
		}
	case subjectManifest:
		for i := range w.facts.Objects {
			if o := &w.facts.Objects[i]; r.policy.About(o.kind()) {
				r.decide(subject{object: o})
			}
		}
	case subjectFile:
		if w.facts.Files == nil && w.isImage() {
			r.undecided(subject{}, errFiles)
		}
		for _, f := range w.files {
			r.decide(subject{file: f})
		}
	}
	if r.more > 0 {
		r.findings = append(r.findings, r.finding(subject{}, fmt.Sprintf("%d more that this policy does not let pass", r.more), r.hidden))
	}
}

// subject is what a policy looks at: nothing but the target itself, or one thing of it.
type subject struct {
	pkg    *pkg
	found  *found
	file   *File
	build  *Build
	object *Object
}

// decide holds one subject against the policy.
func (r *run) decide(s subject) {
	if r.stopped {
		return
	}
	sc := &scope{run: r, subject: s}
	applies, err := sc.applies()
	if err != nil {
		r.undecided(s, err)
		return
	}
	if !applies {
		return
	}
	var said []string
	for i := range r.policy.validations {
		v := &r.policy.validations[i]
		ok, err := sc.bool(v.step, false, i)
		if err != nil {
			r.undecided(s, fmt.Errorf("validation %d (%s): %w", i+1, v.text.At(1), err))
			return
		}
		if !ok {
			said = append(said, sc.message(v))
		}
	}
	if len(said) > 0 {
		r.add(s, strings.Join(said, "; "), r.policy.Action)
	}
}

// undecided is a finding that denies, whatever the policy's action is.
func (r *run) undecided(s subject, err error) {
	var unknown *expr.Unknown
	if errors.As(err, &unknown) && s.build != nil && r.ctx.Err() == nil {
		g := finding.Gap{Class: GapUnbuilt, Blocking: true, Target: r.world.target.ID, Count: 1, What: short(fmt.Sprintf("policy %s asks what nobody knows yet: %s", r.policy.Name, unknown.Why))}
		if len(s.build.At) > 0 {
			g.Path = s.build.At[0].Path
		}
		r.gaps = append(r.gaps, g)
		return
	}
	if r.ctx.Err() != nil {
		err, r.stopped = errors.New("the scan was interrupted"), true
	}
	r.add(s, fmt.Sprintf("policy %s could not be decided: %v", r.policy.Name, err), finding.Deny)
}

// errTotal ends a policy that costs too much on all subjects together.
var errTotal = fmt.Errorf("it costs more than %d on all packages, findings, files or objects together", maxCost)

func (r *run) spend(cost uint64) error {
	if r.cost += cost; r.cost > maxCost {
		r.stopped = true
		return errTotal
	}
	return nil
}

func (r *run) add(s subject, message string, action finding.Action) {
	if len(r.findings) >= maxFindings {
		r.more++
		r.hidden = r.hidden.Worse(action)
		return
	}
	r.findings = append(r.findings, r.finding(s, message, action))
}

// scope gives one evaluation its variables.
type scope struct {
	*run
	subject
	values []result
}

type result struct {
	done  bool
	value any
	err   error
}

// Value gives a variable of the declared ones its value.
func (s *scope) Value(name string) (any, error) {
	w := s.world
	if s.build != nil {
		switch name {
		case "config":
			return s.build, nil
		case "image":
			return unbuiltOf(w), nil
		case "packages", "findings", "accepted", "files":
			return nil, notBuilt(name, "")
		}
	}
	switch name {
	case "pkg":
		return s.pkg, nil
	case "finding":
		return s.found, nil
	case "file":
		return s.file, nil
	case "object":
		return s.object.Fields, nil
	case "namespaceObject":
		if s.object.Namespace == nil {
			return nil, s.object.NoNamespace
		}
		return s.object.Namespace, nil
	case "pods":
		return s.object.Pods, nil
	case "containers":
		return pointers(s.object.Containers), nil
	case "images":
		return pointers(slices.Concat(s.object.Containers, s.object.Images)), nil
	case "params":
		return s.policy.params, nil
	case "variables":
		return s, nil
	case "image":
		return w, nil
	case "now":
		return w.now, nil
	case "packages":
		return w.packages, nil
	case "findings":
		return w.findings, nil
	case "accepted":
		return w.accepted, nil
	case "config":
		if w.facts.Config == nil {
			return nil, errConfig
		}
		return &Build{Config: *w.facts.Config}, nil
	case "files":
		if w.facts.Files == nil {
			return nil, errFiles
		}
		return w.files, nil
	}
	return nil, fmt.Errorf("there is no variable %s", name)
}

// variable works out a variable of the policy's own when it is first asked for.
func (s *scope) variable(i int) any {
	if s.values == nil {
		s.values = make([]result, len(s.policy.variables))
	}
	r := &s.values[i]
	if !r.done {
		v := s.policy.variables[i]
		r.done = true
		var cost uint64
		r.value, cost, r.err = v.run.Value(s.ctx, s)
		if err := s.spend(cost); r.err == nil {
			r.err = err
		}
		if r.err != nil {
			r.err = fmt.Errorf("variable %s (%s): %w", v.name, v.text.At(1), r.err)
		}
	}
	if r.err != nil {
		return r.err
	}
	return r.value
}

// applies asks the conditions, of which one that is false goes before one that fails.
func (s *scope) applies() (bool, error) {
	var failed error
	for i, c := range s.policy.conditions {
		ok, err := s.bool(c, true, i)
		if err != nil && failed == nil {
			failed = fmt.Errorf("match condition %s (%s): %w", c.name, c.text.At(1), err)
		}
		if err == nil && !ok {
			return false, nil
		}
	}
	return failed == nil, failed
}

func (s *scope) bool(of step, condition bool, at int) (bool, error) {
	ok, cost, err := of.run.Bool(s.ctx, s)
	if total := s.spend(cost); err == nil {
		err = total
	}
	if err == nil && s.in.Seen != nil {
		s.in.Seen(s.policy, condition, at, ok)
	}
	return ok, err
}

// message is what a validation says when it does not hold.
func (s *scope) message(v *validation) string {
	text := v.message
	if v.words != nil {
		made, cost, err := v.words.Text(s.ctx, s)
		if err == nil {
			err = s.spend(cost)
		}
		switch made = strings.TrimSpace(made); {
		case err == nil && made != "":
			text = made
		case text == "" && err != nil:
			text = fmt.Sprintf("not true: %s (its message could not be made: %v)", flat(v.text.Value), err)
		}
	}
	if text == "" {
		text = "not true: " + flat(v.text.Value)
	}
	return short(text)
}

func flat(s string) string { return strings.Join(strings.Fields(s), " ") }

// short cuts what could be long: it may hold foreign text.
func short(s string) string {
	if s = strings.ToValidUTF8(s, "?"); len(s) > maxMessage {
		return strings.ToValidUTF8(s[:maxMessage], "") + "…"
	}
	return s
}

var _ expr.Scope = (*scope)(nil)
