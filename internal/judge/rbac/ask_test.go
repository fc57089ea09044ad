package rbac

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/plimsoll/plimsoll/internal/read/kube"
)

func modelOf(t *testing.T, text string) *Model {
	t.Helper()
	objects, problems := kube.Manifest("a.yaml", []byte(text))
	if len(problems) > 0 {
		t.Fatal(problems[0])
	}
	return New(kube.NewSnapshot(objects, nil), Options{})
}

// TestLacks subtracts what is held, verb by verb and resource by resource.
func TestLacks(t *testing.T) {
	m := modelOf(t, `
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: a, namespace: shop}
rules:
- {apiGroups: [""], resources: [pods, secrets], verbs: [get, list]}
- {apiGroups: [""], resources: [configmaps], resourceNames: [a], verbs: [get]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: a, namespace: shop}
roleRef: {kind: Role, name: a}
subjects: [{kind: User, name: ann}]
`)
	for _, c := range []struct {
		rule Rule
		want string
	}{
		{Rule{Verbs: []string{"list", "get"}, Groups: []string{""}, Resources: []string{"pods"}}, ""},
		{Rule{Verbs: []string{"get", "list", "delete"}, Groups: []string{""}, Resources: []string{"pods", "secrets"}}, "delete pods,secrets"},
		{Rule{Verbs: []string{"get"}, Groups: []string{"", "apps"}, Resources: []string{"pods", "pods/log"}}, "get pods/log; get pods,pods/log of apps"},
		{Rule{Verbs: []string{"get"}, Groups: []string{""}, Resources: []string{"configmaps"}, Names: []string{"a", "b"}}, "get configmaps named b"},
		{Rule{Verbs: []string{"*"}, Groups: []string{""}, Resources: []string{"pods"}}, "* pods"},
	} {
		var got []string
		for _, r := range m.Lacks(Subject{Kind: User, Name: "ann"}, "shop", &c.rule) {
			got = append(got, r.String())
		}
		if s := strings.Join(got, "; "); s != c.want {
			t.Errorf("%s: %q is not held, want %q", c.rule.String(), s, c.want)
		}
	}
}

// TestOrder wants the same answer each time it is asked for.
func TestOrder(t *testing.T) {
	said := func() (all []string) {
		for _, g := range modelOf(t, "").Rights(Subject{Kind: ServiceAccount, Namespace: "ci", Name: "builder"}.Identity()) {
			all = append(all, g.Namespace+" "+g.String())
		}
		return all
	}
	first := said()
	if len(first) < 3 || !slices.IsSorted(first) {
		t.Fatalf("not by namespace and binding: %q", first)
	}
	for range 20 {
		if again := said(); !slices.Equal(first, again) {
			t.Fatalf("%q, and then %q", first, again)
		}
	}
}

// TestIdle says what a RoleBinding does not give.
func TestIdle(t *testing.T) {
	r := Rule{Verbs: []string{"get"}, Groups: []string{"", "example.com"}, Resources: []string{"pods", "nodes", "namespaces"}}
	if got := r.Idle(); len(got) != 0 { // nodes.example.com may be in namespaces
		t.Errorf("%v", got)
	}
	r.Groups = r.Groups[:1]
	if got := fmt.Sprint(r.Idle()); got != "[nodes]" {
		t.Error(got)
	}
	r = Rule{Verbs: []string{"get"}, URLs: []string{"/metrics"}}
	if got := fmt.Sprint(r.Idle()); got != "[/metrics]" {
		t.Error(got)
	}
}

// TestNotValid tells of what the API server refuses, where it stands, and counts what stands beside it.
func TestNotValid(t *testing.T) {
	m := modelOf(t, `apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: a}
roleRef: {kind: ClusterRole, name: view}
subjects:
- {kind: User, name: ann}
- {kind: user, name: low}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: b}
roleRef: {kind: ClusterRole, name: view}
subjects:
- {kind: ServiceAccount, name: a}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: c}
roleRef: {kind: Role, name: view}
`)
	var got []string
	for _, p := range m.Problems {
		got = append(got, p.Error())
	}
	for i, want := range []string{`a.yaml:7: ClusterRoleBinding a: subjects[1].kind "user" is not valid`, "a.yaml:14: ClusterRoleBinding b: subjects[0].namespace is not valid", "a.yaml:19: ClusterRoleBinding c: roleRef.kind is not valid"} {
		if i >= len(got) || !strings.HasPrefix(got[i], want) {
			t.Errorf("%q, want %q", got, want)
		}
	}
	if len(m.Of(Subject{Kind: User, Name: "ann"})) != 1 || len(m.Of(Subject{Kind: "user", Name: "low"})) != 0 {
		t.Error("ann has the right, and the kind user is nobody")
	}
}
