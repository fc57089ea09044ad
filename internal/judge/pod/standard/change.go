package standard

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/pod-security-admission/api"
)

// Change is a setting for which another version of the standard decides otherwise about a pod.
type Change struct {
	Blame
	Check  string
	Reason string  // the library's words for what the check forbids
	At     Version // that brings the change
}

// Changes are what turns the verdict on a pod between the two versions of a span, and whether the later one
// admits it; none where both say the same.
func Changes(span Span, meta *metav1.ObjectMeta, spec *corev1.PodSpec) (all []Change, admits bool) {
	admits = Admits(span.Line(), meta, spec)
	if admits == Admits(span.Before(), meta, spec) {
		return nil, admits
	}
	// What forbids the pod at one end is looked for from there on, until it forbids no more.
	forbidding, step, end := span.To, -1, span.From
	if admits {
		forbidding, step, end = span.From, 1, span.To
	}
	for _, v := range Evaluate(Line{Level: span.Level, Version: forbidding}, meta, spec) {
		for _, b := range v.Blame(meta, spec) {
			at := forbidding.Minor()
			for at != end.Minor() && Forbids(Line{Level: span.Level, Version: api.MajorMinorVersion(1, at)}, b.Field, meta, spec) {
				at += step
			}
			if !admits {
				at++ // the last one that does not forbid it was found
			}
			all = append(all, Change{Blame: b, Check: v.Check, Reason: v.Reason, At: api.MajorMinorVersion(1, at)})
		}
	}
	return all, admits
}

// Forbids says that a line forbids a pod for one of its settings.
func Forbids(line Line, field string, meta *metav1.ObjectMeta, spec *corev1.PodSpec) bool {
	for _, v := range Evaluate(line, meta, spec) {
		for _, b := range v.Blame(meta, spec) {
			if b.Field == field {
				return true
			}
		}
	}
	return false
}
