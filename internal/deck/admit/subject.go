package admit

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	admissionv1 "k8s.io/api/admission/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	utiljson "k8s.io/apimachinery/pkg/util/json"

	"github.com/plimsoll/plimsoll/internal/read/kube"
	"github.com/plimsoll/plimsoll/internal/weigh/policy"
)

// subject is what a request is about.
type subject struct {
	*kube.Object
	Workloads []kube.Workload
	// runs are the pods that run already, when they are changed: what was wrong with them before is not news. Nil
	// where pods are made of what is judged.
	runs *kube.Workload
	// made says that a controller of the cluster made it, of what was judged when somebody made that.
	made bool
	// passed says why its pods are not judged.
	passed string
	// relabelled says that a pod has other labels than before: other policies, of ours and of the network, may be about it.
	relabelled bool
	// fixed says that a policy has nothing to say of it, whatever its kind: it goes, or is as it was.
	fixed bool
}

// concerns says whether a policy of our own has to look at it: by its kind where it names kinds, and else at what makes
// pods. What is as it was is not looked at again.
func (s *subject) concerns(p *policy.Policy) bool {
	if len(p.Kinds) == 0 || s.Is("", "Pod") && !s.relabelled {
		return s.passed == "" && len(s.Workloads) > 0 && p.About(s.GroupVersionKind().GroupKind())
	}
	return !s.fixed && p.About(s.GroupVersionKind().GroupKind())
}

// typed is the object as an API server has it before it is admitted. A pod was read already.
func (s *subject) typed() (runtime.Object, error) {
	if s.Is("", "Pod") && len(s.Workloads) == 1 {
		return s.Workloads[0].TypedPod()
	}
	o, _, err := s.Typed()
	return o, err
}

// subjectOf reads what is asked about; of what goes, what it was.
func subjectOf(r *admissionv1.AdmissionRequest) (*subject, error) {
	raw := r.Object
	if r.Operation == admissionv1.Delete {
		if raw = r.OldObject; len(raw.Raw) == 0 {
			raw.Raw = []byte("{}")
		}
	}
	o, err := objectOf(r, raw)
	if err != nil {
		return nil, err
	}
	s := &subject{Object: o}
	switch r.Operation {
	case admissionv1.Delete:
		s.passed, s.fixed = "what goes is not judged", true
		return s, nil
	case admissionv1.Connect:
		s.fixed = true
		return s, nil
	case admissionv1.Update:
		s.fixed = same(r, o)
	}
	if s.Workloads, err = kube.Workloads(o); err != nil {
		return nil, fmt.Errorf("read %s %s: %w", o.Kind, o.Name, err)
	}
	if len(s.Workloads) == 0 {
		s.passed = "it makes no pods"
		return s, nil
	}
	if r.Operation == admissionv1.Update && len(r.OldObject.Raw) > 0 {
		s.passed, err = s.changed(r)
	}
	for i := range s.Workloads {
		s.made = byOwner(&s.Workloads[i], r.UserInfo.Username)
	}
	if s.runs != nil {
		byOwner(s.runs, r.UserInfo.Username)
	}
	return s, err
}

// changed compares with what was there. What says of its pods what it said before is never denied: it must be
// possible to scale down, to finalize and to delete what would not be let in today.
func (s *subject) changed(r *admissionv1.AdmissionRequest) (passed string, err error) {
	was, err := objectOf(r, r.OldObject)
	if err != nil {
		return "", err
	}
	s.relabelled = s.Is("", "Pod") && !maps.Equal(s.Metadata("labels"), was.Metadata("labels"))
	old, err := kube.Workloads(was)
	if err != nil {
		return "", nil // it could not be read before: it is judged as what is new
	}
	if s.Is("", "Pod") && len(old) == 1 {
		s.runs = &old[0]
	}
	if slices.EqualFunc(s.Workloads, old, samePod) {
		return "its pods are as they were", nil
	}
	return "", nil
}

// same says that an object is as it was, but for what others than its owner write.
func same(r *admissionv1.AdmissionRequest, now *kube.Object) bool {
	was, err := objectOf(r, r.OldObject)
	if err != nil {
		return false // it could not be read before: it is judged as what is new
	}
	said := func(o *kube.Object) map[string]any {
		fields := maps.Clone(o.Fields)
		delete(fields, "metadata")
		delete(fields, "status")
		return fields
	}
	return maps.Equal(now.Metadata("labels"), was.Metadata("labels")) && maps.Equal(now.Metadata("annotations"), was.Metadata("annotations")) &&
		reflect.DeepEqual(said(now), said(was))
}

// samePod says whether two templates make the same pods. Of a pod itself, labels and notes do not count: they change
// all the time, and nothing that runs changes with them. What of it may change without a container is no matter either.
func samePod(a, b kube.Workload) bool {
	if a.Field != b.Field {
		return false
	}
	x, y := a.Spec, b.Spec
	if a.Kind != "Pod" {
		return reflect.DeepEqual(a.Meta.Labels, b.Meta.Labels) && reflect.DeepEqual(a.Meta.Annotations, b.Meta.Annotations) && reflect.DeepEqual(x, y)
	}
	for _, spec := range []*corev1.PodSpec{&x, &y} {
		spec.ActiveDeadlineSeconds, spec.TerminationGracePeriodSeconds, spec.SchedulingGates, spec.NodeName = nil, nil, nil, ""
	}
	return reflect.DeepEqual(x, y)
}

func objectOf(r *admissionv1.AdmissionRequest, raw runtime.RawExtension) (*kube.Object, error) {
	o := &kube.Object{APIVersion: r.Kind.Version, Kind: r.Kind.Kind, Namespace: r.Namespace, Name: r.Name}
	if r.Kind.Group != "" {
		o.APIVersion = r.Kind.Group + "/" + r.Kind.Version
	}
	if len(raw.Raw) == 0 {
		return nil, fmt.Errorf("the request has no object: the webhook's rules ask about what has none")
	}
	if err := utiljson.Unmarshal(raw.Raw, &o.Fields); err != nil {
		return nil, fmt.Errorf("read %s %s: %w", o.Kind, o.Name, err)
	}
	if o.Name == "" { // one that the API server names by generateName, which it has not done yet
		meta, _ := o.Fields["metadata"].(map[string]any)
		o.Name, _ = meta["name"].(string)
		if o.Name == "" {
			o.Name, _ = meta["generateName"].(string)
		}
	}
	return o, nil
}

// byOwner names what a controller of the cluster made by what it was made of: a ReplicaSet's pod by its Deployment,
// so that it is found what is found in the Deployment's manifest, and exceptions for the one hold for the other.
// Anybody can write who the owner of a pod is; only when the cluster's own controllers do is it true.
func byOwner(w *kube.Workload, user string) (made bool) {
	name, ours := strings.CutPrefix(user, "system:serviceaccount:kube-system:")
	if !(ours && strings.HasSuffix(name, "-controller")) && user != "system:kube-controller-manager" {
		return false
	}
	above := w.Controllers()
	if len(above) == 0 {
		return false
	}
	version, kind, of := above[0].APIVersion, above[0].Kind, above[0].Name
	hash := w.Metadata("labels")["pod-template-hash"]
	if deployment, ok := strings.CutSuffix(of, "-"+hash); ok && hash != "" && kind == "ReplicaSet" && version == "apps/v1" {
		kind, of = "Deployment", deployment
	}
	o := *w.Object
	o.APIVersion, o.Kind, o.Name = version, kind, of
	m, known := kube.MakerOf(o.Group(), kind)
	if !known || m.Makes == "" || of == "" {
		return false
	}
	w.Object, w.Field = &o, m.Template
	return true
}
