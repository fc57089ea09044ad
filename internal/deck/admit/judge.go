package admit

import (
	"cmp"
	"context"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	admissionv1 "k8s.io/api/admission/v1"
	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/check"
	"github.com/plimsoll/plimsoll/internal/judge/admission"
	"github.com/plimsoll/plimsoll/internal/judge/pod"
	"github.com/plimsoll/plimsoll/internal/read/admissionfile"
	"github.com/plimsoll/plimsoll/internal/read/kube"
	"github.com/plimsoll/plimsoll/internal/weigh/exception"
	"github.com/plimsoll/plimsoll/internal/weigh/policy"
	"github.com/plimsoll/plimsoll/internal/weigh/statute"
)

// judgement is one request before one stage.
type judgement struct {
	*Line
	told
	rules   rules
	stage   Stage
	now     time.Time
	report  *finding.Report
	unknown []string
	doubts  []doubt
	unasked map[string]bool // fingerprints of findings that stand for what a cluster would have to be asked
	missing bool            // some of that would be known if the objects around were whole
	letPass []string        // what could not be decided, and passes
	notes   map[string]string
	looked  bool          // something was judged
	given   []pod.Default // that pods were given before they were judged
	patch   []Operation
}

const target = "t1"

// fewFindings are as many as most pods have at most.
const fewFindings = 16

// doubt is what would have to be known for a rule to be decided.
type doubt struct{ rule, what string }

// doubtful notes one.
func (j *judgement) doubtful(rule, what string) { j.doubts = append(j.doubts, doubt{rule, what}) }

// around are no objects: the door sees one at a time.
var around = &kube.Snapshot{}

// look finds all that is wrong, and what becomes of it at this stage.
func (j *judgement) look(ctx context.Context, r *admissionv1.AdmissionRequest, s *subject) []Judged {
	j.report = &finding.Report{Findings: make([]finding.Finding, 0, fewFindings), Targets: []finding.Target{{ID: target, Kind: "manifest", Name: s.Kind + "/" + s.Namespace + "/" + s.Name}}}
	j.native(ctx, r, s)
	if s.passed == "" {
		j.looked = true
		for _, h := range admission.Into(s.Object) {
			j.add(admission.Connect, h)
		}
		for i := range s.Workloads {
			j.pod(&s.Workloads[i])
		}
		if s.runs != nil {
			j.forget(&s.Workloads[0], s.runs)
		}
		j.network(s)
		j.images(s)
	} else if s.relabelled {
		j.network(s)
	}
	j.own(ctx, r, s)
	if err := j.except(r.UserInfo); err != nil {
		return []Judged{{Finding: finding.Finding{Rule: "exceptions", Title: err.Error()}, Mode: admissionfile.Deny}}
	}
	return j.judged()
}

// own holds an object against policies of our own.
func (j *judgement) own(ctx context.Context, r *admissionv1.AdmissionRequest, s *subject) {
	var run []*policy.Policy
	for _, p := range j.Policies {
		if j.says(p.Name, j.rules, j.stage) && s.concerns(p) {
			run = append(run, p)
		}
	}
	for _, b := range j.broken() {
		if j.says(b.Name, j.rules, j.stage) && s.passed == "" && len(s.Workloads) > 0 {
			j.unsure(b.Name, s.Object, fmt.Sprintf("the cluster's Policy is wrong, and what it said before is not known: mend or delete it: %v", b.Err))
		}
	}
	if len(run) == 0 {
		return
	}
	j.looked = true
	var makes []*kube.Workload
	for i := range s.Workloads {
		makes = append(makes, &s.Workloads[i])
	}
	in := r.Namespace
	if s.Is("", "Namespace") {
		in = "" // it is in none
	}
	namespace, unknown := j.namespace(ctx, in)
	seen := policy.ObjectOf(s.Object, namespace, makes)
	seen.NoNamespace = unknown
	facts := map[string]*policy.Facts{target: {Objects: []policy.Object{seen}}}
	unsure := map[string]error{}
	may := func(ctx context.Context, p *policy.Policy, _ *policy.Object) (bool, error) {
		ok, err := j.mayUse(ctx, r, s, p)
		if err != nil {
			unsure[p.Name] = err
		}
		return ok || err != nil, nil
	}
	found, gaps := policy.Evaluate(ctx, policy.Input{Report: j.report, Facts: facts, Policies: run, Now: j.now, May: may})
	n := len(j.report.Findings)
	for _, p := range run {
		if err := unsure[p.Name]; err != nil {
			j.unsure(p.Name, s.Object, err.Error())
		}
	}
	j.unaskedSince(n)
	j.report.Findings = append(j.report.Findings, found...)
	for _, g := range gaps {
		j.unknown = append(j.unknown, g.What)
	}
}

// judged says what becomes of what was found, the gravest first.
func (j *judgement) judged() (all []Judged) {
	all = make([]Judged, 0, len(j.report.Findings))
	for i := range j.report.Findings {
		f := &j.report.Findings[i]
		if mode, otherwise := j.becomes(f); mode != admissionfile.Off && j.atFailing(j.stage, mode, otherwise) {
			all = append(all, Judged{Finding: *f, Mode: mode, Unasked: j.unasked[f.Fingerprint], Generation: j.generation(f)})
		}
	}
	slices.SortStableFunc(all, func(a, b Judged) int {
		return cmp.Or(int(b.Mode-a.Mode), b.Severity.Rank()-a.Severity.Rank(), cmp.Compare(a.Rule, b.Rule))
	})
	return all
}

// generation is that of the object of the cluster by which a finding is there, or is let pass.
func (l *Line) generation(f *finding.Finding) int64 {
	if l.book == nil {
		return 0
	}
	if len(f.Suppressed) > 0 {
		return l.book.Generations[f.Suppressed[0].Where]
	}
	name, _ := strings.CutPrefix(f.Rule, "policy/")
	return l.book.Generations[statute.PlaceOf(name)]
}

// becomes says how far a finding goes, and what happens when it cannot be decided.
func (j *judgement) becomes(f *finding.Finding) (admissionfile.Mode, admissionfile.OnFailure) {
	switch name, byPolicy := strings.CutPrefix(f.Rule, "policy/"); {
	case byPolicy:
		mode := min(j.rules.cap, j.mode(name))
		if j.said[name].native {
			mode = min(mode, map[finding.Action]admissionfile.Mode{finding.Deny: admissionfile.Deny, finding.Warn: admissionfile.Warn, finding.Pass: admissionfile.Audit}[f.Action])
		}
		return mode, j.onFailure(name)
	case f.Rule == admission.Connect.ID:
		return min(j.rules.cap, j.rules.connect), j.onFailure("")
	case f.Rule == admission.NoNetworkPolicy.ID:
		return min(j.rules.cap, j.rules.noNetwork), j.onFailure("")
	case f.Rule == admission.Unlisted.ID:
		return j.rules.cap, j.onFailure("")
	case f.Rule == admission.Unproven.ID || f.Rule == admission.Unpinned.ID:
		return j.becomesOf(f)
	}
	return j.rules.becomes(f), j.onFailure("")
}

// pod holds one pod against all checks, and against the list of images.
func (j *judgement) pod(w *kube.Workload) {
	facts := &pod.Facts{Workload: w, Around: around, Image: j.Image, Secret: j.Secret}
	for i := range j.checks {
		hits, unknown := j.checks[i].Look(facts)
		for _, h := range hits {
			j.add(j.checks[i].Card, h)
		}
		j.unknown = append(j.unknown, unknown...)
	}
	if j.File.Default != "deny" {
		return
	}
	for _, h := range admission.NotListed(w, j.allowed(j.rules.namespace)) {
		j.add(admission.Unlisted, h)
	}
}

func (j *judgement) add(c check.Card, h check.Hit) {
	f := c.Finding(target, h)
	f.Deck = finding.Admit
	f.Fingerprint = finding.Fingerprint(f, "")
	j.report.Findings = append(j.report.Findings, f)
}

// forget drops what was found in a running pod before it was changed: it runs, and a debugger that is let in, say,
// makes nothing else of it. Of a container that is new or another, everything counts.
func (j *judgement) forget(now, was *kube.Workload) {
	before := &judgement{Line: j.Line, rules: j.rules, report: &finding.Report{}}
	before.pod(was)
	known := map[string]bool{}
	for _, f := range before.report.Findings {
		known[f.Fingerprint] = true
	}
	same := unchanged(&now.Spec, &was.Spec)
	j.report.Findings = slices.DeleteFunc(j.report.Findings, func(f finding.Finding) bool {
		return known[f.Fingerprint] && (f.Subject == nil || f.Subject.Container == "" || same[f.Subject.Container])
	})
}

// unchanged are the names of the containers that are as they were.
func unchanged(now, was *corev1.PodSpec) map[string]bool {
	containers := func(s *corev1.PodSpec) map[string]any {
		all := map[string]any{}
		for _, c := range slices.Concat(s.InitContainers, s.Containers) {
			all[c.Name] = c
		}
		for _, c := range s.EphemeralContainers {
			all[c.Name] = c
		}
		return all
	}
	old, same := containers(was), map[string]bool{}
	for name, c := range containers(now) {
		same[name] = reflect.DeepEqual(c, old[name])
	}
	return same
}

// except lets pass what exceptions do.
func (j *judgement) except(by authenticationv1.UserInfo) error {
	if j.Exceptions == nil {
		return nil
	}
	set := j.Exceptions(j.rules.namespace, j.now)
	if set == nil {
		return nil
	}
	pass := set.Use(j.report)
	pass.By = &exception.User{Name: by.Username, Groups: by.Groups}
	return pass.Apply()
}
