// Package migration turns PodSecurityPolicies into what took their place: labels of the Pod Security Standards, a
// ValidatingAdmissionPolicy that admits what they admitted, and a MutatingAdmissionPolicy that fills in what they did.
//
// Who may use which of them stays where it was: in RBAC. The policies ask the API server's authorizer for the verb use
// on podsecuritypolicies, which may be granted though nothing is served under that name any more. So a service account,
// a user or a binding that is made later counts as it would have.
package migration

import (
	"fmt"
	"strings"

	v1 "k8s.io/api/admissionregistration/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/plimsoll/plimsoll/internal/judge/pod/psp"
)

// Name is that of the policies, and of their bindings.
const Name = "pod-security-policies"

// common are variables that every expression may use. Those of a pod and its containers have no types, so that fields of
// all three kinds of containers can be compared.
func common() []v1.Variable {
	return []v1.Variable{
		{Name: "spec", Expression: "dyn(object.spec)"},
		{Name: "annotations", Expression: "object.metadata.?annotations.orValue({})"},
		{
			Name: "containers",
			Expression: "variables.spec.?containers.orValue([]) + variables.spec.?initContainers.orValue([]) + " +
				"variables.spec.?ephemeralContainers.orValue([])",
		},
		{Name: "seccomp", Expression: word(ofPod("seccompProfile"))},
		{Name: "seccomp_written", Expression: "variables.annotations[?" + quote(psp.SeccompPod) + "].orValue('')"},
	}
}

// variable is the beginning of the names of a policy's variables.
func variable(i int, p *psp.Policy) string {
	var b strings.Builder
	fmt.Fprintf(&b, "p%d_", i+1)
	for _, r := range p.Name {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			b.WriteRune(r)
		} else {
			b.WriteByte('_')
		}
	}
	return b.String()
}

// usable are the policies by which a pod could be admitted.
func usable(s *psp.Set) (all []*psp.Policy) {
	for _, p := range s.Policies {
		if p.Inert() == "" {
			all = append(all, p)
		}
	}
	return all
}

// uses are variables that say who may use a policy: the pod's service account, or who creates it. An expression may ask
// an authorizer twice, by what that costs.
func uses(s *psp.Set, name, policy string) (all []v1.Variable, both string) {
	groups := []string{"policy"}
	if s.Grants.Extensions {
		groups = append(groups, "extensions")
	}
	var any []string
	for _, group := range groups {
		ask := fmt.Sprintf(".group('%s').resource('podsecuritypolicies').namespace(request.namespace).name(%s).check('use').allowed()", group, quote(policy))
		v := v1.Variable{Name: name + "_use_" + group, Expression: "variables.spec.?serviceAccountName.orValue('') != '' &&\n" +
			"  authorizer.serviceAccount(request.namespace, variables.spec.serviceAccountName)" + ask + " ||\nauthorizer" + ask}
		all, any = append(all, v), append(any, "variables."+v.Name)
	}
	return all, "(" + strings.Join(any, " || ") + ")"
}

// faults is a variable that lists what a policy does not admit: of the pod as it is, or with what it would fill in.
func faults(name string, v view) v1.Variable {
	name += "_faults"
	if v.filled {
		name += "_filled"
	}
	all := []string{"''"}
	for _, c := range v.conditions() {
		all = append(all, "("+c.want+") ? '' : "+quote(c.field))
	}
	return v1.Variable{Name: name, Expression: "[\n  " + strings.Join(all, ",\n  ") + "\n].filter(f, f != '')"}
}

// Validating admits the pods that one of the policies admits which somebody may use.
func Validating(s *psp.Set) *v1.ValidatingAdmissionPolicy {
	p := &v1.ValidatingAdmissionPolicy{TypeMeta: meta("ValidatingAdmissionPolicy"), ObjectMeta: metav1.ObjectMeta{Name: Name}}
	p.Spec.FailurePolicy = ptr(v1.Fail)
	p.Spec.MatchConstraints = &v1.MatchResources{ResourceRules: []v1.NamedRuleWithOperations{
		rule("pods", v1.Create, v1.Update), rule("pods/ephemeralcontainers", v1.Update),
	}}
	p.Spec.MatchConditions = []v1.MatchCondition{{
		Name: "more-than-owners-change",
		Expression: "request.operation != 'UPDATE' || object.spec != oldObject.spec || object.metadata.?labels != oldObject.metadata.?labels || " +
			"object.metadata.?annotations != oldObject.metadata.?annotations",
	}}
	p.Spec.Variables = append(p.Spec.Variables, common()...)
	var any, told []string
	for i, one := range usable(s) {
		name := variable(i, one)
		use, may := uses(s, name, one.Name)
		p.Spec.Variables = append(append(p.Spec.Variables, faults(name, view{one, false}), faults(name, view{one, true})), use...)
		any = append(any, "variables."+name+"_faults.size() == 0 && "+may)
		// Told is what nobody fills in. Who may use what is not known to messages.
		told = append(told, fmt.Sprintf("(variables.%s_faults_filled.size() == 0 ? %s : %s + variables.%[1]s_faults_filled.join(', '))",
			name, quote("; it may not use "+one.Name), quote("; "+one.Name+" refuses ")))
	}
	if len(any) == 0 {
		any = []string{"false"}
	}
	v := v1.Validation{Expression: strings.Join(any, " ||\n"), Message: "no PodSecurityPolicy that may be used admits the pod", Reason: ptr(metav1.StatusReasonForbidden)}
	if len(told) > 0 {
		v.MessageExpression = quote(v.Message) + " +\n" + strings.Join(told, " +\n")
	}
	p.Spec.Validations = []v1.Validation{v}
	return p
}

// Binding puts the validating policy in force in all namespaces.
func Binding(action v1.ValidationAction) *v1.ValidatingAdmissionPolicyBinding {
	return &v1.ValidatingAdmissionPolicyBinding{
		TypeMeta: meta("ValidatingAdmissionPolicyBinding"), ObjectMeta: metav1.ObjectMeta{Name: Name},
		Spec: v1.ValidatingAdmissionPolicyBindingSpec{PolicyName: Name, ValidationActions: []v1.ValidationAction{action}},
	}
}

// Mutating fills in what the policy does that is chosen for a pod, and says which that is in the annotation
// kubernetes.io/psp.
func Mutating(s *psp.Set) *v1.MutatingAdmissionPolicy {
	p := &v1.MutatingAdmissionPolicy{TypeMeta: meta("MutatingAdmissionPolicy"), ObjectMeta: metav1.ObjectMeta{Name: Name}}
	p.Spec.FailurePolicy, p.Spec.ReinvocationPolicy = ptr(v1.Fail), v1.IfNeededReinvocationPolicy
	p.Spec.MatchConstraints = &v1.MatchResources{ResourceRules: []v1.NamedRuleWithOperations{rule("pods", v1.Create)}}
	p.Spec.Variables = append(p.Spec.Variables, common()...)
	var asItIs, filled []string
	for i, one := range usable(s) {
		name := variable(i, one)
		use, may := uses(s, name, one.Name)
		p.Spec.Variables = append(append(p.Spec.Variables, faults(name, view{one, true}), v1.Variable{Name: name + "_fills", Expression: fills(one)}), use...)
		admits := "variables." + name + "_faults_filled.size() == 0 && "
		asItIs = append(asItIs, admits+"!variables."+name+"_fills && "+may+" ? "+quote(one.Name)+" :")
		filled = append(filled, admits+may+" ? "+quote(one.Name)+" :")
		p.Spec.Mutations = append(p.Spec.Mutations, v1.Mutation{PatchType: v1.PatchTypeJSONPatch, JSONPatch: &v1.JSONPatch{Expression: patch(one)}})
	}
	p.Spec.Variables = append(p.Spec.Variables, v1.Variable{Name: "chosen", Expression: strings.Join(append(append(asItIs, filled...), "''"), "\n")})
	return p
}

// MutatingBinding puts the mutating policy in force in all namespaces.
func MutatingBinding() *v1.MutatingAdmissionPolicyBinding {
	return &v1.MutatingAdmissionPolicyBinding{
		TypeMeta: meta("MutatingAdmissionPolicyBinding"), ObjectMeta: metav1.ObjectMeta{Name: Name},
		Spec: v1.MutatingAdmissionPolicyBindingSpec{PolicyName: Name},
	}
}

func meta(kind string) metav1.TypeMeta {
	return metav1.TypeMeta{APIVersion: "admissionregistration.k8s.io/v1", Kind: kind}
}

func rule(resource string, operations ...v1.OperationType) v1.NamedRuleWithOperations {
	r := v1.NamedRuleWithOperations{}
	r.Operations, r.APIGroups, r.APIVersions, r.Resources = operations, []string{""}, []string{"v1"}, []string{resource}
	return r
}

func ptr[T any](v T) *T { return &v }
