// Package admit decides what may enter a cluster: it holds what the API server asks about against the line that a
// file draws, and says why not. The decision is pure: it reads nothing but what it is given, and the time is given, too.
package admit

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/judge/pod"
	"github.com/plimsoll/plimsoll/internal/read/admissionfile"
	"github.com/plimsoll/plimsoll/internal/read/kube"
	"github.com/plimsoll/plimsoll/internal/weigh/exception"
	"github.com/plimsoll/plimsoll/internal/weigh/policy"
	"github.com/plimsoll/plimsoll/internal/weigh/policy/native"
	"github.com/plimsoll/plimsoll/internal/weigh/statute"
)

// Stage is what one webhook is for. They are apart so that nothing which only tells can stop anything: what may not
// pass unjudged, what may when nobody can be asked, and what is told.
type Stage string

// The stages.
const (
	Fail   Stage = "fail"
	Ignore Stage = "ignore"
	Tell   Stage = "tell"
	Change Stage = "change" // before the others: pods are given secure defaults
	All    Stage = ""       // for who tries a line out
)

// Stages lists those that have validating webhooks.
func Stages() []Stage { return []Stage{Fail, Ignore, Tell} }

// Options are what a line is made of.
type Options struct {
	File     *admissionfile.File // nil: the defaults
	Policies []*policy.Policy
	// Native are policies of Kubernetes' own; nil: there are none.
	Native *native.Set
	// Cluster is asked what they need to know. Nil: it is among the objects around, which are all that there are where
	// they are whole.
	Cluster Cluster
	Around  *kube.Snapshot
	Whole   bool
	// Exceptions are those that hold in a namespace at a time; nil: there are none.
	Exceptions func(namespace string, now time.Time) *exception.Set
	// Image tells what is known of an image; nil: nothing is.
	Image func(reference string) (pod.Image, bool)
	// Resolve asks what an image is now, its digest included, in time; nil: nobody can.
	Resolve func(ctx context.Context, reference string) (pod.Image, error)
	// Proven asks what is signed of an image, which is named by its digest, and by whom, in time; nil: nobody can.
	Proven func(ctx context.Context, p admissionfile.Proof, reference string) (Proofs, error)
	// Secret tells what secret a setting or a command holds; nil: nobody looks.
	Secret func(text string) (what string, severity finding.Severity)

	book *statute.Book // what a cluster has in force, the policies and exceptions above among it
}

// With is the line with what a cluster has in force, in the place of the policies and exceptions that it was made of.
func (l *Line) With(b *statute.Book) (*Line, error) {
	o := l.Options
	o.Policies, o.Exceptions, o.book = b.Policies, b.Allow, b
	return New(o)
}

// Line is what may not be crossed. It does not change, once it was asked something.
type Line struct {
	Options
	checks []pod.Check
	said   map[string]said // of policies, by name
	access *answers
	spaces *spaces
}

// said is what a policy says of itself.
type said struct {
	modes     []admissionfile.Mode // how far it goes; by several bindings, each by its own
	onFailure admissionfile.OnFailure
	native    bool                                         // it is one of Kubernetes' own
	rules     []admissionregistrationv1.RuleWithOperations // what it is about; none: what makes pods
}

// The defaults, where a file says nothing.
const (
	defaultFailOn    = admissionfile.Severity(finding.High)
	defaultOnFailure = admissionfile.OnFailure("fail")
	defaultConnect   = admissionfile.Audit
)

// New makes a line. An error says what the file names and is not there.
func New(o Options) (*Line, error) {
	if o.File == nil {
		o.File = &admissionfile.File{}
	}
	l := &Line{Options: o, checks: pod.Checks(), said: map[string]said{}, access: &answers{all: map[string]answer{}}, spaces: &spaces{}}
	if err := l.hear(); err != nil {
		return nil, err
	}
	for _, name := range slices.Sorted(maps.Keys(o.File.Policies)) {
		if _, ok := l.said[name]; !ok && !o.File.Follow { // else it may come
			return nil, fmt.Errorf("%s: policies: no policy %q is in force: name its file, too", o.File.Name, name)
		}
	}
	if err := checkChange(o.File); err != nil {
		return nil, err
	}
	return l, checkImages(o.File)
}

// hear has each policy say what it says of itself.
func (l *Line) hear() error {
	for _, p := range l.Policies {
		l.said[p.Name] = said{modes: []admissionfile.Mode{modeOf(p.Action)}, rules: RulesOf(p)}
	}
	for _, p := range l.broken() {
		l.said[p.Name] = said{modes: []admissionfile.Mode{modeOf(p.Action)}}
	}
	if l.Native == nil {
		return nil
	}
	for _, p := range l.Native.Said() {
		if _, twice := l.said[p.Name]; twice {
			return fmt.Errorf("policy %s stands twice, as one of Plimsoll's own and as one of Kubernetes': rename one", p.Name)
		}
		one := said{onFailure: "fail", native: true, rules: p.Rules}
		if p.Ignores {
			one.onFailure = "ignore"
		}
		for _, a := range p.Actions {
			one.modes = append(one.modes, map[native.Action]admissionfile.Mode{native.Deny: admissionfile.Deny, native.Warn: admissionfile.Warn, native.Audit: admissionfile.Audit}[a])
		}
		l.said[p.Name] = one
	}
	return nil
}

// broken are the Policies of a cluster of which nobody knows what they say.
func (l *Line) broken() []statute.Broken {
	if l.book == nil {
		return nil
	}
	return l.book.Broken
}

func modeOf(a finding.Action) admissionfile.Mode {
	if a == finding.Warn {
		return admissionfile.Warn
	}
	return admissionfile.Deny
}

// RulesOf are the objects that one of our policies is about, where it says so. How kinds that are not Kubernetes' own are
// called in the plural is not known here: all of their group are asked about, and the policy looks at its kinds.
func RulesOf(p *policy.Policy) (all []admissionregistrationv1.RuleWithOperations) {
	for _, k := range p.Kinds {
		resource := "*"
		if (&kube.Object{APIVersion: k.Group + "/v1"}).Known() || k.Group == "" {
			served, _ := native.Served(nil, k.WithVersion(""))
			resource = served.Resource
		}
		all = append(all, admissionregistrationv1.RuleWithOperations{
			Operations: []admissionregistrationv1.OperationType{admissionregistrationv1.Create, admissionregistrationv1.Update},
			Rule:       admissionregistrationv1.Rule{APIGroups: []string{k.Group}, APIVersions: []string{"*"}, Resources: []string{resource}},
		})
	}
	return all
}

// Judged is a finding, and what becomes of it.
type Judged struct {
	finding.Finding
	Mode admissionfile.Mode
	// Unasked says that it stands for what a cluster would have to be asked, where none is.
	Unasked bool
	// Generation is that of the cluster's Exception that lets it pass, or of its Policy that found it; 0: neither did.
	Generation int64
}

// Decision is the answer to one request.
type Decision struct {
	Allowed  bool
	Message  string   // why not
	Warnings []string // that kubectl shows
	// Findings are all of the stage, those that were let pass included, the gravest first.
	Findings []Judged
	// Notes are what policies have for the audit log, by POLICY/KEY.
	Notes map[string]string
	// Unknown is what would have to be known, in words. Undecided is so much of it as keeps something that was to be
	// judged from being judged at all.
	Unknown, Undecided []string
	// Missing says that some of that would be known if the objects around were all that there are.
	Missing bool
	// Passed says why nothing was judged; empty where it was.
	Passed string
	// Failed says why it could not be decided; then nobody was asked, and it is as onFailure says.
	Failed string
	// Given are the defaults that a pod was given, or will be whose template this is; Patch is how the pod was.
	Given []pod.Default
	Patch []Operation
}

// Unable is the answer when nothing could be decided: what may not pass unjudged does not.
func (l *Line) Unable(stage Stage, why string) *Decision {
	d := &Decision{Allowed: !l.Fails(stage), Failed: why}
	if !d.Allowed {
		d.Message = "plimsoll could not judge this: " + short(why, mostDetail)
	} else {
		d.Warnings = []string{short("plimsoll could not judge this, and lets it pass: "+why, mostWarning)}
	}
	return d
}

// Has says whether there is anything to judge, or to change, at a stage, in any namespace.
func (l *Line) Has(stage Stage) bool {
	if stage == Tell || stage == All {
		return true
	}
	all := append([]rules{l.with(nil)}, l.named()...)
	return slices.ContainsFunc(all, func(r rules) bool { return l.denies(r, stage) })
}

// Denies says whether anything can be denied, or changed, at a stage in the namespaces of an entry of the file.
func (l *Line) Denies(stage Stage, n *admissionfile.Namespace) bool {
	return l.denies(l.with(n), stage)
}

// Connects says whether what is opened into running containers is of a stage, in any namespace.
func (l *Line) Connects(stage Stage) bool {
	return slices.ContainsFunc(append([]rules{l.with(nil)}, l.named()...), func(r rules) bool {
		mode := min(r.cap, r.connect)
		if mode == admissionfile.Deny {
			return stage == stageOf(l.onFailure(""))
		}
		return mode != admissionfile.Off && stage == Tell
	})
}

// Fails says whether nothing passes a stage while nobody can be asked.
func (l *Line) Fails(stage Stage) bool {
	switch stage {
	case Change:
		return l.onFailureOfChange() == "fail"
	case Fail, All:
		return true
	}
	return false
}

func (l *Line) denies(r rules, stage Stage) bool {
	if stage == Change {
		return r.changes()
	}
	if r.cap < admissionfile.Deny {
		return false
	}
	ours := func(o admissionfile.OnFailure) bool { return stage == stageOf(o) }
	if ours(l.onFailure("")) && (r.failOn != "" || r.level.Name == "baseline" || r.level.Name == "restricted" || r.connect == admissionfile.Deny || r.noNetwork == admissionfile.Deny || l.File.Default == "deny") {
		return true
	}
	for name := range l.said {
		if l.says(name, r, stage) {
			return true
		}
	}
	// A policy that may come does what is said of all, or of it.
	of := func(p admissionfile.Policy) bool { return p.OnFailure != "" && ours(p.OnFailure) }
	if l.File.Follow && (ours(l.onFailure("")) || slices.ContainsFunc(slices.Collect(maps.Values(l.File.Policies)), of)) {
		return true
	}
	return slices.ContainsFunc(l.File.Images, func(i admissionfile.ImageRule) bool {
		return i.Goes() == admissionfile.Deny && ours(l.onFailureOf(&i))
	})
}

// Rules are what the policies of a stage are about, where they say so themselves.
func (l *Line) Rules(stage Stage) (all []admissionregistrationv1.RuleWithOperations) {
	for _, name := range slices.Sorted(maps.Keys(l.said)) {
		if slices.ContainsFunc(append(l.named(), l.with(nil)), func(r rules) bool { return l.says(name, r, stage) }) {
			all = append(all, l.said[name].rules...)
		}
	}
	return all
}

func (l *Line) named() (all []rules) {
	for i := range l.File.Namespaces {
		all = append(all, l.with(&l.File.Namespaces[i]))
	}
	return all
}

func stageOf(o admissionfile.OnFailure) Stage {
	if o == "ignore" {
		return Ignore
	}
	return Fail
}
