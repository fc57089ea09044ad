package least

import (
	"fmt"
	"testing"
	"time"

	"github.com/plimsoll/plimsoll/internal/judge/rbac"
	"github.com/plimsoll/plimsoll/internal/read/kube"
)

// TestInBounds has a rule of 40,000 verbs, groups, resources and names used: what is told of it is the rule, and of another one by one.
func TestInBounds(t *testing.T) {
	role := map[string]any{"apiVersion": group + "/v1", "kind": "ClusterRole", "metadata": map[string]any{"name": "wide"}}
	list := func(first string) (all []any) {
		for i := range 40_000 {
			all = append(all, fmt.Sprint("x", i), first)
		}
		return all[:40_000]
	}
	role["rules"] = []any{
		map[string]any{"verbs": list("get"), "apiGroups": list(""), "resources": list("pods"), "resourceNames": list("a")},
		map[string]any{"verbs": []any{"get", "list", "*"}, "apiGroups": []any{""}, "resources": []any{"secrets", "*"}},
	}
	binding := map[string]any{
		"apiVersion": group + "/v1", "kind": "ClusterRoleBinding", "metadata": map[string]any{"name": "wide"}, "roleRef": map[string]any{"apiGroup": group, "kind": "ClusterRole", "name": "wide"},
		"subjects": []any{map[string]any{"apiGroup": group, "kind": "User", "name": "ann"}},
	}
	objects := []*kube.Object{
		{APIVersion: group + "/v1", Kind: "ClusterRole", Name: "wide", Fields: role}, {APIVersion: group + "/v1", Kind: "ClusterRoleBinding", Name: "wide", Fields: binding},
	}
	u := New(rbac.New(kube.NewSnapshot(objects, nil), rbac.Options{Whole: true}), false)
	u.Add(rbac.Identity{User: "ann"}, rbac.Request{Verb: "get", Resource: "pods", Namespace: "shop", Name: "a"}, time.Unix(1, 0), true)
	u.Add(rbac.Identity{User: "ann"}, rbac.Request{Verb: "get", Resource: "secrets", Namespace: "shop", Name: "b"}, time.Unix(2, 0), true)
	if kept := len(u.of[rbac.NewSubject(rbac.User, "", "ann")].last); kept != 5 {
		t.Errorf("%d rights are marked as used", kept)
	}
	used := 0
	rights := u.Rights()
	for _, r := range rights {
		if !r.Last.IsZero() {
			used++
		}
	}
	if len(rights) != 7 || used != 5 {
		t.Errorf("%d rights, %d used", len(rights), used)
	}
}
