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

func (r *reader) wrong(where, want string) {
	if r.err == nil {
		r.err = fmt.Errorf("%s is no %s", where, want)
	}
}

func (r *reader) list(where string, v any) []any {
	list, ok := v.([]any)
	if v != nil && !ok {
		r.wrong(where, "list")
	}
	if len(list) > maxEntries {
		if r.err == nil {
			r.err = fmt.Errorf("%s has more than %d entries", where, maxEntries)
		}
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
	for i, v := range r.list("subjects", o.Fields["subjects"]) {
		at := fmt.Sprintf("subjects[%d]", i)
		m := r.fields(at, v)
		kind, namespace, name := r.text(at+".kind", m["kind"]), r.text(at+".namespace", m["namespace"]), r.text(at+".name", m["name"])
		if kind == ServiceAccount && namespace == "" {
			namespace = b.Namespace // and where there is none either, it means nobody
		}
		b.Subjects = append(b.Subjects, NewSubject(kind, namespace, name))
	}
	return b, r.err
}

// home is the namespace of an object: the one that kubectl takes where a manifest does not say.
func home(o *kube.Object) string {
	if o.Kind == clusterRole || o.Kind == clusterRoleBinding {
		return ""
	}
	if o.Namespace == "" {
		return "default"
	}
	return o.Namespace
}
