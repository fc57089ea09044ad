// Package export writes a line as what an API server enforces by itself, for clusters that are to ask no webhook:
// ValidatingAdmissionPolicies with their bindings, and the labels of the Pod Security Standards. They are made so that
// they decide as the webhook would. What only the webhook can decide is left out, and said.
package export

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"time"

	v1 "k8s.io/api/admissionregistration/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/plimsoll/plimsoll/internal/deck/admit"
	"github.com/plimsoll/plimsoll/internal/read/admissionfile"
	"github.com/plimsoll/plimsoll/internal/read/exceptionfile"
)

// Options say what is written, beside the line.
type Options struct {
	Name       string // with which the names of all that is written begin
	Exceptions []exceptionfile.File
	Now        time.Time
}

// Native is a line as an API server enforces it.
type Native struct {
	Objects []any    // in the order in which they are to be applied
	Left    []string // what only the webhook can do, in words
}

// exporter is one line on its way.
type exporter struct {
	*admit.Line
	Options
	out        Native
	exceptions []excepted
}

// Export writes a line.
func Export(l *admit.Line, o Options) (*Native, error) {
	e := &exporter{Line: l, Options: o}
	if err := e.except(); err != nil {
		return nil, err
	}
	e.labels()
	for _, write := range []func() error{e.changes, e.pods, e.connects, e.policies} {
		if err := write(); err != nil {
			return nil, err
		}
	}
	e.leave()
	return &e.out, nil
}

// left notes what only the webhook can do.
func (e *exporter) left(what string) {
	if !slices.Contains(e.out.Left, what) {
		e.out.Left = append(e.out.Left, what)
	}
}

// leave says what no policy of an API server can do, whatever the line is.
func (e *exporter) leave() {
	e.left("pods that custom resources make: the webhook knows them by their shape, and the pods themselves are judged here, too")
	e.left("how to mend what is denied, and each field that is to blame: what is said here are the check and the containers")
	for i, r := range e.File.Images {
		if r.Goes() != admissionfile.Off {
			e.left(fmt.Sprintf("images, rule %d: no policy of an API server asks a registry what a tag means or what is signed", i+1))
		}
	}
	if e.noNetwork() {
		e.left("noNetworkPolicy: no policy of an API server sees other objects than the one that it is asked about")
	}
	if e.File.OnFailure != "" {
		e.left("onFailure: these policies stand in the API server itself, which is never away from itself; an expression that fails denies")
	}
}

// noNetwork says that somewhere a pod is looked at for NetworkPolicies that select it.
func (e *exporter) noNetwork() bool {
	says := func(m *admissionfile.Mode) bool { return m != nil && *m != admissionfile.Off }
	return says(e.File.NoNetwork) || slices.ContainsFunc(e.File.Namespaces, func(n admissionfile.Namespace) bool { return says(n.NoNetwork) })
}

var modes = map[admissionfile.Mode][]v1.ValidationAction{
	admissionfile.Deny: {v1.Deny}, admissionfile.Warn: {v1.Warn, v1.Audit}, admissionfile.Audit: {v1.Audit},
}

// meta is that of an object of ours.
func meta(name string) metav1.ObjectMeta {
	return metav1.ObjectMeta{Name: name, Labels: map[string]string{"app.kubernetes.io/managed-by": "plimsoll", "app.kubernetes.io/part-of": "plimsoll"}}
}

// add writes a policy and what binds it.
func (e *exporter) add(name, where string, mode admissionfile.Mode, spec v1.ValidatingAdmissionPolicySpec) {
	fail, equivalent := v1.Fail, v1.Equivalent
	spec.FailurePolicy = &fail
	forbidden := metav1.StatusReasonForbidden // as the webhook says; an API server would say that the object is invalid
	for i := range spec.Validations {
		spec.Validations[i].Reason = &forbidden
	}
	spec.MatchConstraints.MatchPolicy = &equivalent
	spec.MatchConditions = e.frame(spec.MatchConstraints, where, spec.MatchConditions)
	name = e.Name + "-" + name
	e.out.Objects = append(e.out.Objects,
		&v1.ValidatingAdmissionPolicy{TypeMeta: metav1.TypeMeta{APIVersion: "admissionregistration.k8s.io/v1", Kind: "ValidatingAdmissionPolicy"}, ObjectMeta: meta(name), Spec: spec},
		&v1.ValidatingAdmissionPolicyBinding{
			TypeMeta: metav1.TypeMeta{APIVersion: "admissionregistration.k8s.io/v1", Kind: "ValidatingAdmissionPolicyBinding"}, ObjectMeta: meta(name),
			Spec: v1.ValidatingAdmissionPolicyBindingSpec{PolicyName: name, ValidationActions: modes[mode]},
		})
}

// frame keeps a policy from what a cluster needs to start, and to where it holds.
func (e *exporter) frame(m *v1.MatchResources, where string, more []v1.MatchCondition) []v1.MatchCondition {
	m.NamespaceSelector = &metav1.LabelSelector{MatchExpressions: []metav1.LabelSelectorRequirement{
		{Key: "kubernetes.io/metadata.name", Operator: metav1.LabelSelectorOpNotIn, Values: admit.Closed()},
	}}
	conditions := []v1.MatchCondition{admit.NotOfANode()}
	if where != "" {
		conditions = append(conditions, v1.MatchCondition{Name: "namespace", Expression: where})
	}
	return append(conditions, more...)
}

// in is the expression of one scope's namespaces.
func (e *exporter) in(s admit.Scope) string {
	return e.Where(func(n *admissionfile.Namespace) bool { return n == s.Entry })
}

// about are the objects that a policy looks at.
func about(rules ...v1.RuleWithOperations) *v1.MatchResources {
	m := &v1.MatchResources{}
	for _, r := range rules {
		m.ResourceRules = append(m.ResourceRules, v1.NamedRuleWithOperations{RuleWithOperations: r})
	}
	return m
}

// scopeName is a word for a scope in names of policies: the first of its patterns, as far as it fits into a name.
func scopeName(s admit.Scope, number int) string {
	if s.Entry == nil {
		return "all"
	}
	word := ""
	for _, r := range string(s.Entry.Names[0]) {
		if r != '*' && r != '?' {
			word += string(r)
		}
	}
	for len(word) > 0 && word[len(word)-1] == '-' {
		word = word[:len(word)-1]
	}
	for len(word) > 0 && word[0] == '-' {
		word = word[1:]
	}
	return cmp.Or(word, "some") + "-" + strconv.Itoa(number+1)
}
