package psp

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/plimsoll/plimsoll/internal/expr/admission"
	"github.com/plimsoll/plimsoll/internal/read/kube"
)

const rbac = "rbac.authorization.k8s.io"

// resource is what policies are to roles: that still can be granted, though nothing is served under the name.
const resource = "podsecuritypolicies"

// Groups of the API are those in which policies were looked for.
var apiGroups = []string{"policy", "extensions"}

// Grants are who may use which policy, by RBAC.
type Grants struct {
	grants []grant
	// Missing are the bindings whose roles were not read: what they grant is not known.
	Missing []string
	// Extensions says that a role grants policies in their older group alone.
	Extensions bool
}

// grant is what a binding gives to somebody in a namespace; in all, if it names none.
type grant struct {
	namespace string
	subjects  []rbacv1.Subject
	rules     []rbacv1.PolicyRule
}

// NewGrants takes the roles and bindings among objects.
func NewGrants(objects []*kube.Object) *Grants {
	g, roles, all := &Grants{}, map[string][]rbacv1.PolicyRule{}, []*rbacv1.ClusterRole(nil)
	for _, o := range objects {
		switch r := typed(o).(type) {
		case *rbacv1.Role:
			roles[r.Namespace+"/"+r.Name] = about(r.Rules)
		case *rbacv1.ClusterRole:
			roles["/"+r.Name], all = about(r.Rules), append(all, r)
		}
	}
	for _, r := range all {
		roles["/"+r.Name] = append(roles["/"+r.Name], aggregated(r, all)...)
	}
	bind := func(name, namespace string, ref rbacv1.RoleRef, subjects []rbacv1.Subject) {
		key := "/" + ref.Name
		if ref.Kind == "Role" {
			key = namespace + key
		}
		rules, ok := roles[key]
		if !ok {
			g.Missing = append(g.Missing, fmt.Sprintf("%s: %s %s was not read", name, ref.Kind, ref.Name))
		}
		if len(rules) > 0 {
			g.grants = append(g.grants, grant{namespace, subjects, rules})
		}
		g.Extensions = g.Extensions || slices.ContainsFunc(rules, func(r rbacv1.PolicyRule) bool { return !has(r.APIGroups, "policy") })
	}
	for _, o := range objects {
		switch b := typed(o).(type) {
		case *rbacv1.RoleBinding:
			bind("RoleBinding "+b.Namespace+"/"+b.Name, b.Namespace, b.RoleRef, b.Subjects)
		case *rbacv1.ClusterRoleBinding:
			bind("ClusterRoleBinding "+b.Name, "", b.RoleRef, b.Subjects)
		}
	}
	slices.Sort(g.Missing)
	return g
}

// typed is an object of RBAC; the older versions of the group had the same fields.
func typed(o *kube.Object) any {
	if o.Group() != rbac {
		return nil
	}
	of := *o
	of.APIVersion = rbac + "/v1"
	t, _, err := of.Typed()
	if err != nil {
		return nil
	}
	return t
}

// about keeps the rules that grant the use of policies.
func about(rules []rbacv1.PolicyRule) (kept []rbacv1.PolicyRule) {
	for _, r := range rules {
		if has(r.Verbs, "use") && has(r.Resources, resource) && (has(r.APIGroups, "policy") || has(r.APIGroups, "extensions")) {
			kept = append(kept, r)
		}
	}
	return kept
}

// aggregated are the rules that the controller manager puts into a role that collects others.
func aggregated(r *rbacv1.ClusterRole, all []*rbacv1.ClusterRole) (rules []rbacv1.PolicyRule) {
	if r.AggregationRule == nil {
		return nil
	}
	for i := range r.AggregationRule.ClusterRoleSelectors {
		s, err := metav1.LabelSelectorAsSelector(&r.AggregationRule.ClusterRoleSelectors[i])
		if err != nil {
			continue
		}
		for _, other := range all {
			if other != r && s.Matches(labels.Set(other.Labels)) {
				rules = append(rules, about(other.Rules)...)
			}
		}
	}
	return rules
}

func has(words []string, one string) bool {
	return slices.Contains(words, "*") || slices.Contains(words, one)
}

// Use says that somebody may use a policy in a namespace.
func (g *Grants) Use(who admission.User, policy, namespace string) bool {
	return slices.ContainsFunc(apiGroups, func(group string) bool { return g.may(who, group, policy, namespace) })
}

func (g *Grants) may(who admission.User, group, policy, namespace string) bool {
	if slices.Contains(who.Groups, "system:masters") {
		return true
	}
	return slices.ContainsFunc(g.grants, func(of grant) bool {
		return of.in(namespace) && of.to(who) && of.of(group, policy)
	})
}

// May answers as an API server's authorizer does, of policies; of all else nobody can say here.
func (g *Grants) May(_ context.Context, a admission.Access) (allowed bool, why string, known bool, err error) {
	if a.Verb != "use" || a.Resource != resource || !slices.Contains(apiGroups, a.Group) {
		return false, "", false, nil
	}
	return g.may(a.User, a.Group, a.Name, a.Namespace), "", true, nil
}

func (of grant) in(namespace string) bool { return of.namespace == "" || of.namespace == namespace }

func (of grant) of(group, policy string) bool {
	return slices.ContainsFunc(of.rules, func(r rbacv1.PolicyRule) bool {
		return has(r.APIGroups, group) && (len(r.ResourceNames) == 0 || slices.Contains(r.ResourceNames, policy))
	})
}

func (of grant) to(who admission.User) bool {
	return slices.ContainsFunc(of.subjects, func(s rbacv1.Subject) bool {
		switch s.Kind {
		case rbacv1.UserKind:
			return s.Name == who.Name
		case rbacv1.GroupKind:
			return slices.Contains(who.Groups, s.Name)
		case rbacv1.ServiceAccountKind:
			from := cmp.Or(s.Namespace, of.namespace)
			return from != "" && admission.ServiceAccount(from, s.Name).Name == who.Name
		}
		return false
	})
}
