package native

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"

	v1 "k8s.io/api/admissionregistration/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	metav1validation "k8s.io/apimachinery/pkg/apis/meta/v1/validation"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/plimsoll/plimsoll/internal/read/kube"
)

// The API server's own bounds (k8s.io/kubernetes/pkg/apis/admissionregistration/validation).
const (
	mostConditions  = 64
	mostAnnotations = 20
	mostValue       = 5 * 1024
)

// identifier is what CEL takes for a name that follows a dot.
var identifier = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[_a-zA-Z][_a-zA-Z0-9]*$`) })

// check refuses what an API server would refuse, expressions aside.
func (c *compiler) check(p *policy) {
	s, o := p.spec, p.object
	wrong := func(at, format string, args ...any) { c.fault(o, "spec."+at, format, args...) }
	if *s.FailurePolicy != v1.Fail && *s.FailurePolicy != v1.Ignore {
		wrong("failurePolicy", "failurePolicy %q: write Fail or Ignore", *s.FailurePolicy)
	}
	if k := s.ParamKind; k != nil && (k.APIVersion == "" || k.Kind == "") {
		wrong("paramKind", "paramKind has an apiVersion and a kind")
	}
	if s.MatchConstraints == nil || len(s.MatchConstraints.ResourceRules) == 0 {
		wrong("matchConstraints", "matchConstraints.resourceRules: say which resources the policy is about")
	}
	c.checkMatch(o, "spec.matchConstraints", s.MatchConstraints)
	if len(s.Validations)+len(s.AuditAnnotations) == 0 {
		wrong("validations", "it has neither validations nor auditAnnotations: such a policy would pass everything")
	}
	if len(s.MatchConditions) > mostConditions {
		wrong("matchConditions", "it has more than %d matchConditions", mostConditions)
	}
	seen := map[string]bool{}
	for i, m := range s.MatchConditions {
		if bad := validation.IsQualifiedName(m.Name); len(bad) > 0 || seen[m.Name] {
			wrong(fmt.Sprintf("matchConditions[%d]", i), "name %q stands twice or is none: %s", m.Name, strings.Join(bad, "; "))
		}
		seen[m.Name] = true
	}
	for i, v := range s.Variables {
		if !identifier().MatchString(v.Name) {
			wrong(fmt.Sprintf("variables[%d].name", i), "variable %q: a name has letters, digits and underscores", v.Name)
		}
	}
	for i, v := range s.Validations {
		at := fmt.Sprintf("validations[%d]", i)
		switch {
		case strings.ContainsAny(strings.TrimSpace(v.Message), "\r\n"):
			wrong(at+".message", "a message is one line")
		case v.Message != "" && strings.TrimSpace(v.Message) == "":
			wrong(at+".message", "the message is empty")
		case v.Reason != nil && !slices.Contains([]metav1.StatusReason{metav1.StatusReasonForbidden, metav1.StatusReasonInvalid, metav1.StatusReasonRequestEntityTooLarge}, *v.Reason):
			wrong(at+".reason", "reason %q: write Forbidden, Invalid or RequestEntityTooLarge", *v.Reason)
		}
	}
	if len(s.AuditAnnotations) > mostAnnotations {
		wrong("auditAnnotations", "it has more than %d auditAnnotations", mostAnnotations)
	}
	seen = map[string]bool{}
	for i, a := range s.AuditAnnotations {
		if bad := validation.IsQualifiedName(p.Name + "/" + a.Key); len(bad) > 0 || seen[a.Key] {
			wrong(fmt.Sprintf("auditAnnotations[%d]", i), "key %q stands twice or is none: %s", a.Key, strings.Join(bad, "; "))
		}
		if seen[a.Key] = true; len(strings.TrimSpace(a.ValueExpression)) > mostValue {
			wrong(fmt.Sprintf("auditAnnotations[%d].valueExpression", i), "it is longer than %d bytes", mostValue)
		}
	}
}

func (c *compiler) checkMatch(o *kube.Object, at string, m *v1.MatchResources) {
	if m == nil {
		return
	}
	if m.MatchPolicy != nil && *m.MatchPolicy != v1.Exact && *m.MatchPolicy != v1.Equivalent {
		c.fault(o, at+".matchPolicy", "matchPolicy %q: write Exact or Equivalent", *m.MatchPolicy)
	}
	for name, s := range map[string]*metav1.LabelSelector{"namespaceSelector": m.NamespaceSelector, "objectSelector": m.ObjectSelector} {
		for _, e := range metav1validation.ValidateLabelSelector(s, metav1validation.LabelSelectorValidationOptions{}, field.NewPath(name)) {
			c.fault(o, at+"."+name, "%v", e)
		}
	}
	for name, rules := range map[string][]v1.NamedRuleWithOperations{"resourceRules": m.ResourceRules, "excludeResourceRules": m.ExcludeResourceRules} {
		for i, r := range rules {
			here := fmt.Sprintf("%s.%s[%d]", at, name, i)
			if len(r.APIGroups) == 0 || len(r.APIVersions) == 0 || len(r.Resources) == 0 || len(r.Operations) == 0 {
				c.fault(o, here, "a rule has apiGroups, apiVersions, operations and resources")
			}
			for _, op := range r.Operations {
				if !slices.Contains([]v1.OperationType{v1.OperationAll, v1.Create, v1.Update, v1.Delete, v1.Connect}, op) {
					c.fault(o, here+".operations", "operation %q: write CREATE, UPDATE, DELETE, CONNECT or *", op)
				}
			}
			if s := r.Scope; s != nil && *s != v1.ClusterScope && *s != v1.NamespacedScope && *s != v1.AllScopes {
				c.fault(o, here+".scope", "scope %q: write Cluster, Namespaced or *", *s)
			}
		}
	}
}

func (c *compiler) checkBinding(b *binding) {
	o := b.object
	seen := map[v1.ValidationAction]bool{}
	for i, a := range b.spec.ValidationActions {
		if seen[a] || a != v1.Deny && a != v1.Warn && a != v1.Audit {
			c.fault(o, fmt.Sprintf("spec.validationActions[%d]", i), "validation action %q stands twice or is none: write Deny, Warn or Audit", a)
		}
		seen[a] = true
	}
	if len(seen) == 0 || seen[v1.Deny] && seen[v1.Warn] {
		c.fault(o, "spec.validationActions", "validationActions has one of Deny and Warn, or Audit, or Audit with one of them")
	}
	c.checkMatch(o, "spec.matchResources", b.spec.MatchResources)
	ref := b.spec.ParamRef
	if ref == nil {
		return
	}
	if (ref.Name == "") == (ref.Selector == nil) {
		c.fault(o, "spec.paramRef", "paramRef has either a name or a selector")
	}
	if a := ref.ParameterNotFoundAction; a == nil || *a != v1.AllowAction && *a != v1.DenyAction {
		c.fault(o, "spec.paramRef", "paramRef has a parameterNotFoundAction: Allow or Deny")
	}
	for _, e := range metav1validation.ValidateLabelSelector(ref.Selector, metav1validation.LabelSelectorValidationOptions{}, field.NewPath("selector")) {
		c.fault(o, "spec.paramRef.selector", "%v", e)
	}
}
