package rbac

import (
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/plimsoll/plimsoll/internal/read/kube"
)

// Bounds on one object. An API server takes 3 MiB of one, which is some tens of thousands.
const maxEntries = 50_000

// reader reads the fields of one object, and keeps the first thing that is wrong in it.
type reader struct{ err error }

// wrongError is what is wrong with a field.
type wrongError struct{ where, what string }

func (e wrongError) Error() string { return e.where + " " + e.what }

func (r *reader) wrong(where, want string) { r.refuse(where, "is no "+want) }

func (r *reader) refuse(where, what string) {
	if r.err == nil {
		r.err = wrongError{where, what}
	}
}

func (r *reader) list(where string, v any) []any {
	list, ok := v.([]any)
	if v != nil && !ok {
		r.wrong(where, "list")
	}
	if len(list) > maxEntries {
		r.refuse(where, fmt.Sprintf("has more than %d entries", maxEntries))
		return nil
	}
	return list
}

func (r *reader) fields(where string, v any) map[string]any {
	m, ok := v.(map[string]any)
	if v != nil && !ok {
		r.wrong(where, "map")
	}
	return m
}

func (r *reader) text(where string, v any) string {
	s, ok := v.(string)
	if v != nil && !ok {
		r.wrong(where, "text")
	}
	return s
}

func (r *reader) texts(where string, v any) []string {
	list := r.list(where, v)
	if len(list) == 0 {
		return nil
	}
	all := make([]string, len(list))
	for i := range list {
		s, ok := list[i].(string)
		if !ok {
			r.wrong(fmt.Sprintf("%s[%d]", where, i), "text")
		}
		all[i] = s
	}
	return all
}

func readRole(o *kube.Object) (*Role, error) {
	var r reader
	role := &Role{Object: o, Kind: o.Kind, Namespace: home(o), Name: o.Name}
	for i, v := range r.list("rules", o.Fields["rules"]) {
		at := fmt.Sprintf("rules[%d]", i)
		m := r.fields(at, v)
		role.Rules = append(role.Rules, Rule{
			Verbs: r.texts(at+".verbs", m["verbs"]), Groups: r.texts(at+".apiGroups", m["apiGroups"]), Resources: r.texts(at+".resources", m["resources"]),
			Names: r.texts(at+".resourceNames", m["resourceNames"]), URLs: r.texts(at+".nonResourceURLs", m["nonResourceURLs"]),
		})
	}
	if o.Kind == clusterRole {
		for i, v := range r.list("aggregationRule.clusterRoleSelectors", r.fields("aggregationRule", o.Fields["aggregationRule"])["clusterRoleSelectors"]) {
			s, err := selector(&r, fmt.Sprintf("aggregationRule.clusterRoleSelectors[%d]", i), v)
			if err != nil && r.err == nil {
				r.err = err
			}
			role.selects = append(role.selects, s)
		}
	}
	return role, r.err
}

func selector(r *reader, where string, v any) (labels.Selector, error) {
	m := r.fields(where, v)
	var of metav1.LabelSelector
	for key, value := range r.fields(where+".matchLabels", m["matchLabels"]) {
		if of.MatchLabels == nil {
			of.MatchLabels = map[string]string{}
		}
		of.MatchLabels[key] = r.text(where+".matchLabels", value)
	}
	for _, one := range r.list(where+".matchExpressions", m["matchExpressions"]) {
		e := r.fields(where+".matchExpressions", one)
		of.MatchExpressions = append(of.MatchExpressions, metav1.LabelSelectorRequirement{
			Key: r.text("key", e["key"]), Operator: metav1.LabelSelectorOperator(r.text("operator", e["operator"])), Values: r.texts("values", e["values"]),
		})
	}
	s, err := metav1.LabelSelectorAsSelector(&of)
	if err != nil {
		return labels.Nothing(), fmt.Errorf("%s: %w", where, err)
	}
	return s, nil
}

func readBinding(o *kube.Object) (*Binding, error) {
	var r reader
	ref := r.fields("roleRef", o.Fields["roleRef"])
	b := &Binding{Object: o, Kind: o.Kind, Namespace: home(o), Name: o.Name, RoleKind: r.text("roleRef.kind", ref["kind"]), RoleName: r.text("roleRef.name", ref["name"])}
	switch {
	case b.RoleKind == role && o.Kind == clusterRoleBinding:
		r.refuse("roleRef.kind", "is not valid: a ClusterRoleBinding gives ClusterRoles alone")
	case b.RoleKind != role && b.RoleKind != clusterRole:
		r.refuse("roleRef.kind", fmt.Sprintf("%q is not valid: use Role or ClusterRole", b.RoleKind))
	}
	for i, v := range r.list("subjects", o.Fields["subjects"]) {
		at := fmt.Sprintf("subjects[%d]", i)
		m := r.fields(at, v)
		kind, namespace, name := r.text(at+".kind", m["kind"]), r.text(at+".namespace", m["namespace"]), r.text(at+".name", m["name"])
		if kind == ServiceAccount && namespace == "" {
			namespace = b.Namespace
		}
		if !valid(&r, at, kind, namespace, name, r.text(at+".apiGroup", m["apiGroup"])) {
			b.Subjects = append(b.Subjects, Subject{}) // nobody; the others have the right as soon as this one is mended
			continue
		}
		b.Subjects = append(b.Subjects, NewSubject(kind, namespace, name))
	}
	return b, r.err
}

// valid refuses a subject that the API server refuses (ValidateRoleBindingSubject of kubernetes/pkg/apis/rbac/validation).
func valid(r *reader, at, kind, namespace, name, apiGroup string) bool {
	switch {
	case kind != User && kind != Group && kind != ServiceAccount:
		r.refuse(at+".kind", fmt.Sprintf("%q is not valid: use User, Group or ServiceAccount", kind))
	case name == "":
		r.refuse(at+".name", "is not valid: it is empty")
	case kind == ServiceAccount && namespace == "":
		r.refuse(at+".namespace", "is not valid: a ClusterRoleBinding has to name the account's")
	case kind == ServiceAccount && apiGroup != "", kind != ServiceAccount && apiGroup != "" && apiGroup != group:
		r.refuse(at+".apiGroup", fmt.Sprintf("%q is not valid for a %s", apiGroup, kind))
	default:
		return true
	}
	return false
}

// home is the namespace of an object; empty of what belongs to none.
func home(o *kube.Object) string {
	if o.Kind == clusterRole || o.Kind == clusterRoleBinding {
		return ""
	}
	return o.Home()
}
