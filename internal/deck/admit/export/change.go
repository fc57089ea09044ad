package export

import (
	"fmt"
	"slices"
	"strings"

	v1 "k8s.io/api/admissionregistration/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/plimsoll/plimsoll/internal/deck/admit"
	"github.com/plimsoll/plimsoll/internal/judge/pod"
)

// changeOf is what the pods of a scope are given; nil: nothing.
func changeOf(s admit.Scope) *pod.NativeChange {
	w, _, ok := s.Change()
	if !ok {
		return nil
	}
	c := pod.NativeHarden(w)
	return &c
}

// changes writes what gives pods secure defaults when they are made: for each scope that has some, a policy. They are small
// steps, and not the spec as it will be: an API server that has looked at a match condition cannot write an object's own
// values into a patch any more.
func (e *exporter) changes() error {
	fail, equivalent := v1.Ignore, v1.Equivalent
	if e.Fails(admit.Change) {
		fail = v1.Fail
	}
	for i, s := range e.Scopes() {
		change := changeOf(s)
		if change == nil {
			continue
		}
		if w, digests, _ := s.Change(); len(digests) > 0 && !slices.Contains(w.Except, pod.Digest) {
			e.left("change: digests for tags, and what images say of their users and folders: no expression asks a registry")
		}
		d := &draft{known: append(withPrefix("", "pod.?spec.orValue({})", change.Variables), pod.NativeVariable{Name: "steps", Expression: change.Steps})}
		d.known = append([]pod.NativeVariable{{Name: "pod", Expression: "dyn(object)"}}, d.known...)
		if err := d.uses("steps"); err != nil {
			return fmt.Errorf("change: %w", err)
		}
		match := about(admit.ChangeRule())
		match.MatchPolicy = &equivalent
		conditions := e.frame(match, e.in(s), nil)
		name := strings.TrimSuffix(e.Name+"-change-"+scopeName(s, i), "-")
		const version = "admissionregistration.k8s.io/v1"
		e.out.Objects = append(e.out.Objects,
			&v1.MutatingAdmissionPolicy{TypeMeta: metav1.TypeMeta{APIVersion: version, Kind: "MutatingAdmissionPolicy"}, ObjectMeta: meta(name), Spec: v1.MutatingAdmissionPolicySpec{
				FailurePolicy: &fail, MatchConstraints: match, MatchConditions: conditions, Variables: d.spec.Variables, ReinvocationPolicy: v1.IfNeededReinvocationPolicy,
				Mutations: []v1.Mutation{{PatchType: v1.PatchTypeJSONPatch, JSONPatch: &v1.JSONPatch{
					Expression: `variables.steps.map(s, JSONPatch{op: s.op, path: s.path, value: s.value})`,
				}}},
			}},
			&v1.MutatingAdmissionPolicyBinding{TypeMeta: metav1.TypeMeta{APIVersion: version, Kind: "MutatingAdmissionPolicyBinding"}, ObjectMeta: meta(name), Spec: v1.MutatingAdmissionPolicyBindingSpec{PolicyName: name}})
	}
	return nil
}
