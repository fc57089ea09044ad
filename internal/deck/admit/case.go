package admit

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	admissionv1 "k8s.io/api/admission/v1"

	"github.com/plimsoll/plimsoll/internal/judge/admission"
	"github.com/plimsoll/plimsoll/internal/judge/pod"
	"github.com/plimsoll/plimsoll/internal/read/admissionfile"
	"github.com/plimsoll/plimsoll/internal/read/image"
)

// Case is a request before a stage, in three steps: it is opened, registries are asked where they have to be, and it is
// decided. The step between is the only one that waits for anybody, so that who has few places to judge at can give
// one to others meanwhile.
type Case struct {
	line    *Line
	rules   rules
	stage   Stage
	request *admissionv1.AdmissionRequest
	subject *subject
	settled *Decision // nothing is left to decide
	uses    []use     // images that registries are asked about
	told
}

// use is an image, and what is asked of it.
type use struct {
	name    string
	resolve bool // what its tag means
	rule    *admissionfile.ImageRule
}

// told are what registries said.
type told struct {
	means  map[string]meaning // of tags, by the image's name
	proofs map[proofOf]proven
	why    error // they said nothing; nil: of more images than are asked about
}

// nothing is why a registry said nothing of an image.
func (t *told) nothing() error {
	if t.why != nil {
		return t.why
	}
	return errMany
}

type meaning struct {
	pod.Image
	err error
}

type proofOf struct {
	by          *admissionfile.Signed
	name, means string // the image's name and the digest that it means
}

type proven struct {
	Proofs
	err error
}

// Open reads a request.
func (l *Line) Open(stage Stage, r *admissionv1.AdmissionRequest) *Case {
	c := &Case{line: l, rules: l.rules(r.Namespace), stage: stage, request: r}
	if c.rules.cap == admissionfile.Off {
		c.settled = &Decision{Allowed: true, Passed: "the namespace is exempt"}
		return c
	}
	if stage == Change {
		c.settled = unchangeable(c.rules, r)
	}
	if c.settled != nil {
		return c
	}
	var err error
	if c.subject, err = subjectOf(r); err != nil {
		c.settled = l.Unable(stage, err.Error())
		return c
	}
	c.uses = c.questions()
	return c
}

// Asks says whether registries have to be asked.
func (c *Case) Asks() bool { return len(c.uses) > 0 }

// Bounds on what registries are asked for one request.
const (
	mostImages  = 100
	mostAtATime = 8
)

// Ask asks them, for nine tenths of the time that there is: what is to be said of those that did not answer needs some, too.
func (c *Case) Ask(ctx context.Context) {
	if len(c.uses) == 0 {
		return
	}
	if end, ok := ctx.Deadline(); ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, time.Until(end)*9/10)
		defer cancel()
	}
	c.means, c.proofs = map[string]meaning{}, map[proofOf]proven{}
	var mu sync.Mutex
	var all errgroup.Group
	all.SetLimit(mostAtATime)
	for _, u := range c.uses[:min(len(c.uses), mostImages)] {
		all.Go(func() error {
			c.ask(ctx, u, &mu)
			return nil
		})
	}
	_ = all.Wait()
}

var (
	errNobody = errors.New("no registry is asked here")
	errMany   = fmt.Errorf("an object is asked about for %d images at most", mostImages)
)

func (c *Case) ask(ctx context.Context, u use, mu *sync.Mutex) {
	r, err := image.ParseReference(u.name)
	if err != nil {
		return // it is judged as what nobody can pull
	}
	digest := r.Digest
	if digest == "" {
		var m meaning
		if m.err = errNobody; c.line.Resolve != nil {
			m.Image, m.err = c.line.Resolve(ctx, u.name)
		}
		mu.Lock()
		c.means[u.name] = m
		mu.Unlock()
		digest = m.Digest
	}
	if digest == "" || u.rule == nil {
		return
	}
	for _, p := range u.rule.Proofs() {
		var is proven
		if is.err = errNobody; c.line.Proven != nil {
			is.Proofs, is.err = c.line.Proven(ctx, p, r.Name()+"@"+digest)
		}
		mu.Lock()
		c.proofs[proofOf{p.Signed, r.Name(), digest}] = is
		mu.Unlock()
	}
}

// questions are what registries have to be asked.
func (c *Case) questions() (all []use) {
	if c.subject.passed != "" {
		return nil
	}
	seen := map[string]bool{}
	for i := range c.subject.Workloads {
		for _, i := range c.subject.news(i) {
			if seen[i.Image] {
				continue
			}
			seen[i.Image] = true
			u := use{name: i.Image, resolve: c.line.Resolve != nil && c.makes() && c.line.resolves(c.rules, i.Image)}
			if rule := c.line.ruleOf(c.rules, i.Image); rule != nil && c.stage != Change && c.line.asks(c.rules, rule, c.stage) {
				u.rule, u.resolve = rule, u.resolve || !hasDigest(i.Image)
			}
			if u.resolve || u.rule != nil {
				all = append(all, u)
			}
		}
	}
	return all
}

// makes says that what is judged is given what its namespace gives: a pod when it is made, and by then it was, unless
// somebody tries it out; and the pods of what makes pods, always.
func (c *Case) makes() bool {
	made := c.request.Operation == admissionv1.Create && (c.stage == Change || c.stage == All)
	return c.rules.changes() && (made || !c.subject.Is("", "Pod"))
}

func hasDigest(name string) bool {
	r, err := image.ParseReference(name)
	return err != nil || r.Digest != ""
}

// news are the images of a pod that it did not run before.
func (s *subject) news(i int) []admission.Use {
	all := admission.Images(&s.Workloads[i])
	if s.runs == nil {
		return all
	}
	same := unchanged(&s.Workloads[i].Spec, &s.runs.Spec)
	return slices.DeleteFunc(all, func(u admission.Use) bool { return u.Container == "" || same[u.Container] })
}

// Decide holds the request against the line, as far as it is the stage's.
func (c *Case) Decide(ctx context.Context, now time.Time) *Decision {
	switch {
	case c.settled != nil:
		return c.settled
	case c.stage == Change:
		return c.change()
	}
	j := &judgement{Line: c.line, told: c.told, rules: c.rules, stage: c.stage, now: now}
	if err := j.asMade(c.subject, c.request.Operation); err != nil {
		return c.line.Unable(c.stage, err.Error())
	}
	found := j.look(ctx, c.request, c.subject)
	if err := ctx.Err(); err != nil {
		return c.line.Unable(c.stage, "it took longer than the API server waits")
	}
	d := j.decide(found)
	if !j.looked {
		d.Passed = c.subject.passed
	}
	return d
}

// Decide does all three steps.
func (l *Line) Decide(ctx context.Context, stage Stage, r *admissionv1.AdmissionRequest, now time.Time) *Decision {
	c := l.Open(stage, r)
	c.Ask(ctx)
	return c.Decide(ctx, now)
}

// meaning is what a tag means, as far as it was asked.
func (t told) meaning(name string) (pod.Image, error) {
	m, asked := t.means[name]
	if !asked {
		return pod.Image{}, t.nothing()
	}
	return m.Image, m.err
}
