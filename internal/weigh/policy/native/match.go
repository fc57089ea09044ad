package native

import (
	"fmt"
	"slices"
	"strings"

	v1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
)

// match is what a policy or a binding is about. Nil is about everything.
type match struct {
	*v1.MatchResources
	namespace, object labels.Selector
}

func matchOf(m *v1.MatchResources) (*match, error) {
	if m == nil {
		return nil, nil
	}
	namespace, err := metav1.LabelSelectorAsSelector(m.NamespaceSelector)
	if err != nil {
		return nil, err
	}
	object, err := metav1.LabelSelectorAsSelector(m.ObjectSelector)
	return &match{m, namespace, object}, err
}

// matches says whether a policy or a binding is about the request: by the same steps as
// k8s.io/apiserver/pkg/admission/plugin/policy/matching, which links client-go.
func (j *judging) matches(m *match) (bool, error) {
	if m == nil {
		return true, nil
	}
	matches, errNamespace := j.inNamespace(m.namespace)
	if !matches && errNamespace == nil {
		return false, nil
	}
	if !m.object.Empty() && !matchesLabels(m.object, j.request.Object) && !matchesLabels(m.object, j.request.OldObject) {
		return false, nil
	}
	if excluded, err := j.ruled(m.ExcludeResourceRules, m.MatchPolicy); excluded || err != nil {
		return false, err
	}
	if len(m.ResourceRules) > 0 {
		if matches, err := j.ruled(m.ResourceRules, m.MatchPolicy); !matches || err != nil {
			return false, err
		}
	}
	return errNamespace == nil, errNamespace
}

// inNamespace holds the labels of the object's namespace against a selector; of a Namespace its own. What is in no
// namespace matches.
func (j *judging) inNamespace(selector labels.Selector) (matches bool, err error) {
	r := j.request
	switch isNamespace := r.Kind.Group == "" && r.Kind.Kind == "Namespace"; {
	case isNamespace && r.Object != nil:
		return selector.Empty() || matchesLabels(selector, r.Object), nil
	case isNamespace:
		return selector.Empty() || matchesLabels(selector, r.OldObject), nil
	case r.Namespace == "", selector.Empty():
		return true, nil
	case j.missing:
		return false, apierrors.NewNotFound(corev1.Resource("namespaces"), r.Namespace)
	case !j.unknown:
		return selector.Matches(labels.Set(j.labels)), nil
	}
	needs, _ := selector.Requirements()
	for _, n := range needs {
		switch {
		case n.Key() != corev1.LabelMetadataName:
			err = &unsure{fmt.Sprintf("which labels namespace %s has (%s)", r.Namespace, selector), true}
		case !n.Matches(labels.Set(j.labels)):
			return false, nil
		}
	}
	return err == nil, err
}

// matchesLabels holds an object's labels against a selector; of no object they do not match.
func matchesLabels(s labels.Selector, o runtime.Object) bool {
	if o == nil {
		return false
	}
	of, err := meta.Accessor(o)
	return err == nil && s.Matches(labels.Set(of.GetLabels()))
}

// ruled says whether one of the rules is about the request.
func (j *judging) ruled(rules []v1.NamedRuleWithOperations, policy *v1.MatchPolicyType) (bool, error) {
	r := j.request
	other := ""
	for i := range rules {
		rule := &rules[i]
		if !j.scoped(rule.Scope) || !has(rule.Operations, v1.OperationAll, v1.OperationType(r.Operation)) || !j.resource(rule.Resources) ||
			len(rule.ResourceNames) > 0 && !slices.Contains(rule.ResourceNames, r.Name) {
			continue
		}
		if !has(rule.APIGroups, "*", r.Resource.Group) {
			continue
		}
		if has(rule.APIVersions, "*", r.Resource.Version) {
			return true, nil
		}
		other = strings.Join(rule.APIVersions, ", ")
	}
	if other != "" && (policy == nil || *policy == v1.Equivalent) {
		return false, &unsure{what: fmt.Sprintf("what this %s is like in version %s, which the policy names", r.Kind.Kind, other)}
	}
	return false, nil
}

func has[T comparable](items []T, any, one T) bool {
	return slices.Contains(items, any) || slices.Contains(items, one)
}

// scoped says whether the object is of the whole cluster or of a namespace, as a rule wants it.
func (j *judging) scoped(s *v1.ScopeType) bool {
	cluster := j.request.Namespace == "" || j.request.Resource.Group == "" && j.request.Resource.Resource == "namespaces"
	return s == nil || *s == v1.AllScopes || (*s == v1.ClusterScope) == cluster
}

// resource is a name, with a subresource behind a slash, each of which may be *.
func (j *judging) resource(of []string) bool {
	for _, name := range of {
		resource, sub, _ := strings.Cut(name, "/")
		if (resource == "*" || resource == j.request.Resource.Resource) && (sub == "*" || sub == j.request.Subresource) {
			return true
		}
	}
	return false
}
