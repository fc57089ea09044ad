package admit

import (
	"context"
	"fmt"
	"slices"
	"sync"

	admissionv1 "k8s.io/api/admission/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	utiljson "k8s.io/apimachinery/pkg/util/json"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/expr/admission"
	"github.com/plimsoll/plimsoll/internal/read/admissionfile"
	"github.com/plimsoll/plimsoll/internal/read/kube"
	"github.com/plimsoll/plimsoll/internal/weigh/policy"
	"github.com/plimsoll/plimsoll/internal/weigh/policy/native"
)

// Cluster is what can be asked around an object. An error says why that is not known.
type Cluster interface {
	native.Params
	// Namespace is the one of a name; nil: there is none.
	Namespace(ctx context.Context, name string) (*kube.Object, error)
	// Review answers what somebody may do.
	Review(ctx context.Context, question *authorizationv1.SubjectAccessReview) (authorizationv1.SubjectAccessReviewStatus, error)
}

// Needs are what a line has to know of a cluster.
func (l *Line) Needs() (all []kube.Need) {
	if l.Native != nil {
		all = l.Native.Needs()
	}
	if l.File.Follow || l.Native != nil || slices.ContainsFunc(l.Policies, func(p *policy.Policy) bool { return p.Asks("namespaceObject") || len(p.Use) > 0 }) {
		all = append(all, kube.Namespaces())
	}
	if slices.ContainsFunc(append(l.named(), l.with(nil)), func(r rules) bool { return min(r.cap, r.noNetwork) != admissionfile.Off }) {
		all = append(all, networkPolicies)
	}
	return all
}

// native holds a request against Kubernetes' own policies, those that have something to say at this stage.
func (j *judgement) native(ctx context.Context, r *admissionv1.AdmissionRequest, s *subject) {
	if j.Native == nil {
		return
	}
	part := j.Native.Part(func(name string) bool { return j.says(name, j.rules, j.stage) })
	if part.Len() == 0 {
		return
	}
	var err error
	if of := s.Object; len(j.given) > 0 && !of.Is("", "Pod") { // what makes pods stays as it was written
		if of, err = objectOf(r, r.Object); err == nil {
			s = &subject{Object: of}
		}
	}
	of := s.Object
	var q *admission.Request
	if err == nil {
		q, err = requestOf(r, s)
	}
	if err != nil {
		for _, p := range part.Said() {
			j.unsure(p.Name, of, err.Error())
		}
		return
	}
	world := native.World{Around: j.Around, Whole: j.Whole, Written: true}
	if j.Cluster != nil {
		world = j.ask(ctx, q)
	}
	judged := part.Judge(ctx, q, world)
	j.looked = j.looked || len(judged.Looked) > 0
	found, _ := judged.Findings(of, target, "")
	j.report.Findings = append(j.report.Findings, found...)
	for _, o := range judged.Outcomes {
		if o.Action == native.NotAssessed {
			n := len(j.report.Findings)
			j.unsure(o.Policy, of, o.Message)
			j.unaskedSince(n)
			j.missing = j.missing || o.Missing
		}
	}
	j.notes = judged.Annotations
}

// unsure is what becomes of a policy that could not be held against an object: where it may deny, it does, unless it may
// be passed over.
func (j *judgement) unsure(name string, of *kube.Object, why string) {
	j.looked = true
	j.doubtful("policy/"+name, fmt.Sprintf("policy %s: %s", name, why))
	if min(j.rules.cap, j.mode(name)) != admissionfile.Deny || j.onFailure(name) == "ignore" {
		return
	}
	f := finding.Finding{
		Deck: finding.Admit, Kind: finding.KindPolicy, Rule: "policy/" + name, Severity: finding.High, SeverityFrom: "policy", Action: finding.Deny,
		Title: fmt.Sprintf("%s %s: it could not be decided: %s", of.Kind, of.Name, why), Target: target, Subject: of.Subject(""),
	}
	f.Fingerprint = finding.Fingerprint(f, "")
	j.report.Findings = append(j.report.Findings, f)
}

// unaskedSince notes that findings from a place on stand for what nobody can be asked here, where that is so.
func (j *judgement) unaskedSince(n int) {
	if j.Cluster != nil {
		return
	}
	if j.unasked == nil {
		j.unasked = map[string]bool{}
	}
	for _, f := range j.report.Findings[n:] {
		j.unasked[f.Fingerprint] = true
	}
}

// ask has the policies ask the cluster.
func (j *judgement) ask(ctx context.Context, q *admission.Request) native.World {
	world := native.World{Whole: true, Params: j.Cluster}
	switch o, err := j.namespace(ctx, q.Namespace); {
	case err != nil:
		world.Whole = false // what policies make of it is not decided
		j.doubtful("policy", err.Error())
	case o != nil:
		q.NamespaceObject = j.spaces.typed(o)
	}
	type answer struct {
		allowed bool
		why     string
		err     error
	}
	asked := map[string]answer{} // in one review the same is the same
	q.May = func(ctx context.Context, a admission.Access) (bool, string, bool, error) {
		key := fmt.Sprintf("%#v", a)
		said, again := asked[key]
		if !again {
			status, err := j.review(ctx, a)
			said = answer{status.Allowed, status.Reason, err}
			asked[key] = said
		}
		if said.err != nil {
			return false, said.err.Error(), false, nil
		}
		return said.allowed, said.why, true, nil
	}
	return world
}

// spaces are the namespaces of a cluster as policies see them, by name. Each is read once, until the cluster has another.
type spaces struct{ all sync.Map }

type space struct {
	of    *kube.Object
	typed *corev1.Namespace
}

// typed is a namespace in its own type; nil where it cannot be read.
func (s *spaces) typed(o *kube.Object) *corev1.Namespace {
	if kept, ok := s.all.Load(o.Name); ok && kept.(space).of == o {
		return kept.(space).typed
	}
	read, _, _ := o.Typed()
	typed, _ := read.(*corev1.Namespace)
	s.all.Store(o.Name, space{o, typed})
	return typed
}

// namespace is what is known of one; nil: there is none, or nothing is in one.
func (l *Line) namespace(ctx context.Context, name string) (*kube.Object, error) {
	switch {
	case name == "":
		return nil, nil
	case l.Cluster != nil:
		return l.Cluster.Namespace(ctx, name)
	case l.Around == nil:
		return nil, fmt.Errorf("what namespace %s is like is not known", name)
	}
	o := l.Around.Find("", "Namespace", "", name)
	if o == nil && !l.Whole {
		return nil, fmt.Errorf("what namespace %s is like is not known: it is not among what was read", name)
	}
	return o, nil
}

// requestOf is what the API server asks, as its own policies see it.
func requestOf(r *admissionv1.AdmissionRequest, s *subject) (*admission.Request, error) {
	q := &admission.Request{
		Operation: string(r.Operation), Kind: schema.GroupVersionKind(r.Kind), Resource: schema.GroupVersionResource(r.Resource), Subresource: r.SubResource,
		Namespace: r.Namespace, Name: r.Name, DryRun: r.DryRun != nil && *r.DryRun,
		User: userOf(r),
	}
	var err error
	if len(r.Object.Raw) > 0 {
		if q.Object, err = s.typed(); err != nil {
			return nil, err
		}
	}
	if len(r.OldObject.Raw) > 0 {
		was := s.Object
		if len(r.Object.Raw) > 0 {
			if was, err = objectOf(r, r.OldObject); err != nil {
				return nil, err
			}
		}
		if q.OldObject, _, err = was.Typed(); err != nil {
			return nil, err
		}
	}
	q.Options, err = optionsOf(r)
	return q, err
}

// optionsOf are those of the operation.
func optionsOf(r *admissionv1.AdmissionRequest) (runtime.Object, error) {
	var o runtime.Object
	switch r.Operation {
	case admissionv1.Create:
		o = &metav1.CreateOptions{}
	case admissionv1.Update:
		o = &metav1.UpdateOptions{}
	case admissionv1.Delete:
		o = &metav1.DeleteOptions{}
	}
	if o == nil || len(r.Options.Raw) == 0 {
		return nil, nil
	}
	if err := utiljson.Unmarshal(r.Options.Raw, o); err != nil {
		return nil, fmt.Errorf("read the request's options: %w", err)
	}
	return o, nil
}
