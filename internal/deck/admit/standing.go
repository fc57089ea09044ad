package admit

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	admissionv1 "k8s.io/api/admission/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	utiljson "k8s.io/apimachinery/pkg/util/json"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/judge/admission"
	"github.com/plimsoll/plimsoll/internal/read/admissionfile"
	"github.com/plimsoll/plimsoll/internal/read/kube"
	"github.com/plimsoll/plimsoll/internal/weigh/policy/native"
)

// Becomes is how far a finding on an object of a cluster goes.
func (l *Line) Becomes(o *kube.Object, f *finding.Finding) admissionfile.Mode {
	mode, _ := (&judgement{Line: l, rules: l.rules(namespaceOf(o))}).becomes(f)
	return mode
}

// Exempts says that nothing is judged in a namespace.
func (l *Line) Exempts(namespace string) bool { return l.rules(namespace).cap == admissionfile.Off }

// Beside are the kinds that count, beside those of checks, for what is in their namespace.
func (l *Line) Beside() (all []schema.GroupVersionKind) {
	for _, n := range l.Needs() {
		if n == networkPolicies {
			all = append(all, n.Kind)
		}
	}
	return all
}

// namespaceOf is where an object is, as the API server has it: a namespace is in itself.
func namespaceOf(o *kube.Object) string {
	if o.Is("", "Namespace") {
		return o.Name
	}
	return o.Namespace
}

// Standing holds an object that is in a cluster already against what of the line is no check and no policy of our own: the
// lists of images and the rules about them, NetworkPolicies, and Kubernetes' own policies, as if somebody created it
// now. Unknown is what would have to be known, by rule: who asks is not any more, nor what registries have. Made is
// the object as it makes pods, with what these are given.
func (l *Line) Standing(ctx context.Context, o *kube.Object, around *kube.Snapshot, now time.Time) (made *kube.Object, found []finding.Finding, unknown map[string][]string) {
	of := *l
	of.Cluster, of.Resolve, of.Proven = surroundings{around}, nil, nil
	j := &judgement{Line: &of, told: told{why: errAtTheDoor}, rules: l.rules(namespaceOf(o)), stage: All, now: now, report: &finding.Report{}}
	if o.Is("", "Namespace") {
		of.Cluster = surroundings{kube.NewSnapshot([]*kube.Object{o}, nil)}
	}
	unknown = map[string][]string{}
	r, err := created(o)
	if err == nil {
		var s *subject
		if s, err = subjectOf(r); err == nil {
			made, found = j.stands(ctx, r, s, unknown)
		}
	}
	if err != nil { // whoever judges the object says so, too
		unknown["object"] = append(unknown["object"], err.Error())
		return o, nil, unknown
	}
	for _, d := range j.doubts {
		unknown[d.rule] = append(unknown[d.rule], d.what)
	}
	return made, found, unknown
}

func (j *judgement) stands(ctx context.Context, r *admissionv1.AdmissionRequest, s *subject, unknown map[string][]string) (*kube.Object, []finding.Finding) {
	if err := j.asMade(s, admissionv1.Update); err != nil { // a pod that is there is as it was made
		unknown["object"] = append(unknown["object"], err.Error())
	}
	if j.Native != nil {
		var asks []string
		if q, err := requestOf(r, s); err == nil { // else none is asked
			asks = j.Native.AsksWho(q)
		}
		for _, name := range asks {
			unknown["policy/"+name] = append(unknown["policy/"+name], "who asked for it")
		}
		j.Line.Native = j.Native.Part(func(name string) bool { return !slices.Contains(asks, name) })
		j.native(ctx, r, s)
	}
	if j.File.Default == "deny" {
		for i := range s.Workloads {
			for _, h := range admission.NotListed(&s.Workloads[i], j.allowed(j.rules.namespace)) {
				j.add(admission.Unlisted, h)
			}
		}
	}
	j.network(s)
	j.images(s)
	doubtful := map[string]bool{} // what could not be decided is unknown, and no finding
	for _, d := range j.doubts {
		doubtful[d.rule] = true
	}
	return s.Object, slices.DeleteFunc(j.report.Findings, func(f finding.Finding) bool {
		return doubtful[f.Rule]
	})
}

var errAtTheDoor = errors.New("registries are asked at the door alone")

// created is the request by which somebody nobody knows would create an object.
func created(o *kube.Object) (*admissionv1.AdmissionRequest, error) {
	raw, err := utiljson.Marshal(o.Fields)
	kind := o.GroupVersionKind()
	resource, _ := native.Served(nil, kind)
	return &admissionv1.AdmissionRequest{
		Operation: admissionv1.Create, Namespace: namespaceOf(o), Name: o.Name, Object: runtime.RawExtension{Raw: raw},
		Kind: metav1.GroupVersionKind{Group: kind.Group, Version: kind.Version, Kind: kind.Kind}, Resource: metav1.GroupVersionResource(resource),
	}, err
}

// surroundings are a cluster of which some objects were read.
type surroundings struct{ all *kube.Snapshot }

// Of are the NetworkPolicies of a namespace; others were not read.
func (s surroundings) Of(n kube.Need, namespace string) ([]*kube.Object, error) {
	if n == networkPolicies {
		return s.all.Of(n.Kind.Group, n.Kind.Kind, namespace), nil
	}
	return nil, fmt.Errorf("what %s there is, which is asked at the door alone", n.Kind.Kind)
}

// Namespaced says that nobody knows it.
func (s surroundings) Namespaced(n kube.Need) (bool, error) {
	return false, fmt.Errorf("what %s there is, which is asked at the door alone", n.Kind.Kind)
}

// Namespace is the one of a name, where it was read.
func (s surroundings) Namespace(_ context.Context, name string) (*kube.Object, error) {
	if o := s.all.Find("", "Namespace", "", name); o != nil {
		return o, nil
	}
	return nil, fmt.Errorf("what namespace %s is like is not known", name)
}

// Review says that nobody is asked.
func (s surroundings) Review(context.Context, *authorizationv1.SubjectAccessReview) (a authorizationv1.SubjectAccessReviewStatus, err error) {
	return a, errors.New("who may do what is asked at the door alone")
}
