// Package native weighs Kubernetes objects against Kubernetes' own admission policies: ValidatingAdmissionPolicies with
// their bindings and parameters, unmodified, as the API server would, and Kyverno's ValidatingPolicies, as far as
// they say the same ([Compile] names what they cannot).
//
// An API server knows all: the namespace of an object, each parameter, who asks and what they may do. Here a [World]
// says what is known. What a policy would have to know beyond it is neither a pass nor a denial: its outcome is
// [NotAssessed].
package native

import (
	"context"
	"fmt"
	"slices"
	"strings"

	v1 "k8s.io/api/admissionregistration/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/plimsoll/plimsoll/internal/expr/admission"
	"github.com/plimsoll/plimsoll/internal/read/kube"
)

// Set is policies that compile, with what binds them.
type Set struct {
	policies []*policy
	params   []*kube.Object
	changes  []string
}

type policy struct {
	Name     string
	object   *kube.Object // as it is written
	spec     *v1.ValidatingAdmissionPolicySpec
	compiled *admission.Policy
	about    *match
	bindings []*binding
	// named says which of the expressions name the namespace's object, by field; whole, that a variable does, and
	// so all may.
	named map[string]bool
	whole bool
}

type binding struct {
	Name   string
	object *kube.Object
	spec   *v1.ValidatingAdmissionPolicyBindingSpec
	about  *match
	params labels.Selector // of paramRef
}

// Unbound names the policies that nothing binds: they do nothing.
func (s *Set) Unbound() (names []string) {
	for _, p := range s.policies {
		if len(p.bindings) == 0 {
			names = append(names, p.Name)
		}
	}
	return names
}

// Changes names the policies that give pods what admit export wrote into them. They are not evaluated: pods are judged as
// they are written, which denies more and never less.
func (s *Set) Changes() []string { return s.changes }

// Len is how many policies there are.
func (s *Set) Len() int { return len(s.policies) }

// World is what is known around an object.
type World struct {
	// Around are the objects among which namespaces and parameters are looked for.
	Around *kube.Snapshot
	// Whole says that what is not around is nowhere: it is a cluster, or all of one.
	Whole bool
	// Written says that objects are as somebody wrote them, and not as an API server has them.
	Written bool
	// Params finds parameters in a cluster that is followed; nil: they are among the objects around. An error says why
	// they are not known.
	Params Params
}

// Params are the objects of a cluster that policies need.
type Params interface {
	// Of are those of a need in a namespace, or in all.
	Of(n kube.Need, namespace string) ([]*kube.Object, error)
	// Namespaced says whether they are in namespaces at all.
	Namespaced(n kube.Need) (bool, error)
}

// Action is what becomes of an object.
type Action string

// The actions. What is not assessed is never a pass.
const (
	Deny        Action = "deny"
	Warn        Action = "warn"
	Audit       Action = "audit"
	NotAssessed Action = "not-assessed"
)

// Outcome is one thing that one policy says of one object by one binding. Of what is admitted there is none.
type Outcome struct {
	Action     Action
	Policy     string
	Binding    string // empty: the policy itself could not be held against the object
	Param      string // KIND NAMESPACE/NAME
	Field      string // of the policy: spec.validations[0].expression
	At         string // FILE:LINE of that
	Expression string
	Message    string
	Reason     metav1.StatusReason
	Failed     bool // it could not be evaluated, and failurePolicy says that it denies
	Missing    bool // it is not assessed, and would be if what is around were whole
}

// Text is what an API server says of it.
func (o *Outcome) Text() string {
	switch {
	case o.Action == Warn:
		return fmt.Sprintf("Validation failed for ValidatingAdmissionPolicy '%s' with binding '%s': %s", o.Policy, o.Binding, o.Message)
	case o.Binding == "":
		return fmt.Sprintf("ValidatingAdmissionPolicy '%s' denied request: %s", o.Policy, o.Message)
	}
	return fmt.Sprintf("ValidatingAdmissionPolicy '%s' with binding '%s' denied request: %s", o.Policy, o.Binding, o.Message)
}

// Judgement is all that the policies say of one object.
type Judgement struct {
	Outcomes []Outcome
	// Annotations are for the audit log, by POLICY/KEY.
	Annotations map[string]string
	// Looked names the policies that looked at the object by a binding.
	Looked []string
}

// Denied is the first denial, which is the one that an API server tells; nil: there is none.
func (j *Judgement) Denied() *Outcome {
	if i := slices.IndexFunc(j.Outcomes, func(o Outcome) bool { return o.Action == Deny }); i >= 0 {
		return &j.Outcomes[i]
	}
	return nil
}

// Judge holds a request against all policies, in the order of their names.
func (s *Set) Judge(ctx context.Context, r *admission.Request, w World) *Judgement {
	j := &judging{Judgement: &Judgement{Annotations: map[string]string{}}, set: s, request: r, world: w}
	if exempt(r) {
		return j.Judgement
	}
	j.place()
	for _, p := range s.policies {
		if len(p.bindings) > 0 {
			j.policy(ctx, p)
		}
	}
	return j.Judgement
}

// exempt are the objects about which an API server asks no policy: else nobody could repair one.
func exempt(r *admission.Request) bool {
	switch r.Kind.Group {
	case "admissionregistration.k8s.io":
		return slices.Contains([]string{
			"ValidatingWebhookConfiguration", "MutatingWebhookConfiguration", "ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding",
			"MutatingAdmissionPolicy", "MutatingAdmissionPolicyBinding",
		}, r.Kind.Kind)
	case "authentication.k8s.io", "authorization.k8s.io":
		return strings.HasSuffix(r.Kind.Kind, "Review")
	}
	return false
}
