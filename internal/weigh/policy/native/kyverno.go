package native

import (
	"slices"
	"strings"

	v1 "k8s.io/api/admissionregistration/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/plimsoll/plimsoll/internal/read/kube"
)

const kyverno = "policies.kyverno.io"

// validatingPolicy is one of Kyverno's: a ValidatingAdmissionPolicy with its actions in it, and with more that does not
// map.
type validatingPolicy struct {
	APIVersion string         `json:"apiVersion"`
	Kind       string         `json:"kind"`
	Metadata   map[string]any `json:"metadata"`
	Spec       struct {
		v1.ValidatingAdmissionPolicySpec
		Actions    []v1.ValidationAction `json:"validationActions"`
		Webhook    map[string]any        `json:"webhookConfiguration"`
		Evaluation struct {
			Mode      string `json:"mode"`
			Admission struct {
				Enabled *bool `json:"enabled"`
			} `json:"admission"`
			Background map[string]any `json:"background"`
		} `json:"evaluation"`
		Autogen struct {
			Native         map[string]any `json:"validatingAdmissionPolicy"`
			PodControllers struct {
				Controllers *[]string `json:"controllers"`
			} `json:"podControllers"`
		} `json:"autogen"`
	} `json:"spec"`
	Status map[string]any `json:"status"`
}

// kyverno turns a ValidatingPolicy into what an API server would evaluate. What it asks of a cluster or a registry
// (resource, http, images …) are names that do not compile.
func (c *compiler) kyverno(o *kube.Object) {
	var written validatingPolicy
	if !c.read(o, &written) {
		return
	}
	s := &written.Spec
	switch on := s.Evaluation.Admission.Enabled; {
	case s.Evaluation.Mode != "" && s.Evaluation.Mode != "Kubernetes":
		c.fault(o, "spec.evaluation.mode", "mode %q is about no Kubernetes object, and is not evaluated here (%s)", s.Evaluation.Mode, Migration)
		return
	case on != nil && !*on:
		c.fault(o, "spec.evaluation.admission", "the policy is not for admission, and is not evaluated here (%s)", Migration)
		return
	}
	if len(s.Actions) == 0 {
		s.Actions = []v1.ValidationAction{v1.Audit} // Kyverno's default
	}
	before := len(c.wrong)
	c.bound(o, o.Name, &s.ValidatingAdmissionPolicySpec, s.Actions)
	if alone(s.MatchConstraints) {
		wanted := s.Autogen.PodControllers.Controllers
		for _, g := range generated {
			c.generate(o, &s.ValidatingAdmissionPolicySpec, s.Actions, g, wanted)
		}
	}
	if len(c.wrong) > before {
		c.fault(o, "kind", "ValidatingPolicy %s is evaluated as far as it says what a ValidatingAdmissionPolicy can: %s", o.Name, Migration)
	}
}

// bound adds a policy that is in force by its own actions.
func (c *compiler) bound(o *kube.Object, name string, spec *v1.ValidatingAdmissionPolicySpec, actions []v1.ValidationAction) {
	of := *o
	of.Name = name
	if p := c.add(&of, spec); p != nil {
		b := &binding{Name: name, object: o, spec: &v1.ValidatingAdmissionPolicyBindingSpec{PolicyName: name, ValidationActions: actions}}
		c.checkBinding(b)
		p.bindings = append(p.bindings, b)
	}
}

// generator is what Kyverno makes of a policy about pods: the same about what makes pods, with their fields' names
// changed in the text of the expressions.
type generator struct {
	name, group, under string
	resources          []string
}

var generated = []generator{
	{"autogen-defaults-", "apps", "spec.template.", []string{"daemonsets", "deployments", "replicasets", "statefulsets"}},
	{"autogen-jobs-", "batch", "spec.template.", []string{"jobs"}},
	{"autogen-cronjobs-", "batch", "spec.jobTemplate.spec.template.", []string{"cronjobs"}},
}

// alone says that a policy is about pods and nothing else, without selectors: of others Kyverno generates nothing.
func alone(m *v1.MatchResources) bool {
	if m == nil || len(m.ResourceRules) != 1 || len(m.ExcludeResourceRules) > 0 {
		return false
	}
	for _, s := range []*metav1.LabelSelector{m.NamespaceSelector, m.ObjectSelector} {
		if s != nil && len(s.MatchLabels)+len(s.MatchExpressions) > 0 {
			return false
		}
	}
	r := m.ResourceRules[0]
	return len(r.ResourceNames) == 0 && slices.Equal(r.APIGroups, []string{""}) && slices.Equal(r.APIVersions, []string{"v1"}) && slices.Equal(r.Resources, []string{"pods"})
}

func (c *compiler) generate(o *kube.Object, of *v1.ValidatingAdmissionPolicySpec, actions []v1.ValidationAction, g generator, wanted *[]string) {
	var resources []string
	for _, r := range g.resources {
		if wanted == nil || slices.Contains(*wanted, r) {
			resources = append(resources, r)
		}
	}
	if len(resources) == 0 {
		return
	}
	spec := of.DeepCopy()
	rule := &spec.MatchConstraints.ResourceRules[0]
	rule.APIGroups, rule.Resources = []string{g.group}, resources
	for i := range spec.MatchConditions {
		g.move(&spec.MatchConditions[i].Expression)
	}
	for i := range spec.Variables {
		g.move(&spec.Variables[i].Expression)
	}
	for i := range spec.Validations {
		g.move(&spec.Validations[i].Expression)
		g.move(&spec.Validations[i].MessageExpression)
	}
	for i := range spec.AuditAnnotations {
		g.move(&spec.AuditAnnotations[i].ValueExpression)
	}
	c.bound(o, g.name+o.Name, spec, actions)
}

// move changes names as Kyverno does: by their letters, and not the object's own name and namespace.
func (g generator) move(text *string) {
	for _, object := range []string{"object.", "oldObject."} {
		for _, field := range []string{"spec", "metadata"} {
			var out strings.Builder
			parts := strings.Split(*text, object+field)
			for i, rest := range parts {
				if i > 0 {
					if own(rest) {
						out.WriteString(object + field)
					} else {
						out.WriteString(object + g.under + field)
					}
				}
				out.WriteString(rest)
			}
			*text = out.String()
		}
	}
}

// own says that what follows is a name or a namespace.
func own(rest string) bool {
	for _, suffix := range []string{".namespace", ".name"} {
		after, ok := strings.CutPrefix(rest, suffix)
		if ok && (after == "" || !identifier().MatchString("_"+after[:1])) {
			return true
		}
	}
	return false
}
