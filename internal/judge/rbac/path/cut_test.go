package path

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/bits"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/plimsoll/plimsoll/internal/judge/rbac"
	"github.com/plimsoll/plimsoll/internal/read/kube"
)

func nobody(rbac.Subject) bool { return false }

// pieces are rules of which random roles are made: alone they do little or much.
var pieces = []string{
	`{"verbs":["*"],"apiGroups":["*"],"resources":["*"]}`,
	`{"verbs":["create"],"apiGroups":[""],"resources":["pods"]}`,
	`{"verbs":["create"],"apiGroups":[""],"resources":["pods"]}`,
	`{"verbs":["get"],"apiGroups":[""],"resources":["secrets"]}`,
	`{"verbs":["create"],"apiGroups":[""],"resources":["secrets"]}`,
	`{"verbs":["create"],"apiGroups":[""],"resources":["serviceaccounts/token"],"resourceNames":["x"]}`,
	`{"verbs":["create"],"apiGroups":[""],"resources":["serviceaccounts/token"]}`,
	`{"verbs":["escalate"],"apiGroups":["*"],"resources":["clusterroles"]}`,
	`{"verbs":["update"],"apiGroups":["*"],"resources":["clusterroles"]}`,
	`{"verbs":["bind"],"apiGroups":["*"],"resources":["clusterroles"]}`,
	`{"verbs":["create"],"apiGroups":["*"],"resources":["clusterrolebindings","rolebindings"]}`,
	`{"verbs":["impersonate"],"apiGroups":[""],"resources":["users"],"resourceNames":["u1"]}`,
	`{"verbs":["impersonate"],"apiGroups":[""],"resources":["groups"]}`,
	`{"verbs":["create"],"apiGroups":[""],"resources":["persistentvolumes","persistentvolumeclaims"]}`,
	`{"verbs":["impersonate"],"apiGroups":[""],"resources":["users","groups"]}`,
	`{"verbs":["bind","create"],"apiGroups":["*"],"resources":["clusterroles","clusterrolebindings"]}`,
	`{"verbs":["create"],"apiGroups":[""],"resources":["persistentvolumes","persistentvolumeclaims","pods"]}`,
	`{"verbs":["patch"],"apiGroups":[""],"resources":["namespaces"]}`,
	`{"verbs":["patch"],"apiGroups":[""],"resources":["nodes"]}`,
	`{"verbs":["escalate","update"],"apiGroups":["*"],"resources":["clusterroles"],"resourceNames":["r1","r3"]}`,
	`{"verbs":["impersonate:serviceaccount"],"apiGroups":["authentication.k8s.io"],"resources":["serviceaccounts"]}`,
	`{"verbs":["impersonate-on:serviceaccount:create","impersonate-on:serviceaccount:get"],"apiGroups":[""],"resources":["pods","secrets"]}`,
	`{"verbs":["delete"],"apiGroups":["admissionregistration.k8s.io"],"resources":["validatingadmissionpolicies"]}`,
}

// fenced forbids pods in the namespace a, by a policy, and labels b.
func fenced(pod *kube.Object) []Denial {
	if pod.Namespace == "a" {
		return []Denial{{"p", "p"}}
	}
	return nil
}

type made struct {
	role, namespace string
	subject         string
}

// random makes roles and up to so many grants.
func random(r *rand.Rand, most int) (roles []string, grants []made) {
	for i := range 6 {
		rules := pieces[r.IntN(len(pieces))] + "," + pieces[1+r.IntN(len(pieces)-1)]
		if r.IntN(2) == 0 {
			rules += "," + pieces[1+r.IntN(len(pieces)-1)]
		}
		roles = append(roles, fmt.Sprintf(`{"apiVersion":"rbac.authorization.k8s.io/v1","kind":"ClusterRole","metadata":{"name":"r%d"},"rules":[%s]}`, i, rules))
	}
	subjects := []string{
		`{"kind":"User","name":"u1"}`, `{"kind":"User","name":"u2"}`, `{"kind":"ServiceAccount","namespace":"a","name":"x"}`, `{"kind":"ServiceAccount","namespace":"a","name":"y"}`,
		`{"kind":"ServiceAccount","namespace":"b","name":"x"}`, `{"kind":"ServiceAccount","namespace":"b","name":"z"}`, `{"kind":"Group","name":"system:serviceaccounts:a"}`, `{"kind":"Group","name":"g"}`,
	}
	for range 1 + r.IntN(most) {
		m := made{role: fmt.Sprint("r", r.IntN(6)), subject: subjects[r.IntN(len(subjects))]}
		if r.IntN(2) == 0 {
			m.namespace = []string{"a", "b"}[r.IntN(2)]
		}
		grants = append(grants, m)
	}
	return roles, grants
}

func modelOf(t testing.TB, roles []string, grants []made, without uint) (*rbac.Model, *kube.Snapshot) {
	t.Helper()
	var items []json.RawMessage
	for _, r := range roles {
		items = append(items, json.RawMessage(r))
	}
	for i, g := range grants {
		if without&(1<<i) != 0 {
			continue
		}
		kind, meta := "ClusterRoleBinding", fmt.Sprintf(`{"name":"b%d"}`, i)
		if g.namespace != "" {
			kind, meta = "RoleBinding", fmt.Sprintf(`{"name":"b%d","namespace":%q}`, i, g.namespace)
		}
		items = append(items, json.RawMessage(fmt.Sprintf(`{"apiVersion":"rbac.authorization.k8s.io/v1","kind":%q,"metadata":%s,"roleRef":{"kind":"ClusterRole","name":%q},"subjects":[%s]}`, kind, meta, g.role, g.subject)))
	}
	for ns, level := range map[string]string{"a": "privileged", "b": "restricted"} {
		items = append(items, json.RawMessage(fmt.Sprintf(`{"apiVersion":"v1","kind":"Namespace","metadata":{"name":%q,"labels":{"pod-security.kubernetes.io/enforce":%q}}}`, ns, level)))
	}
	for _, a := range []string{"a/x", "a/y", "b/x", "b/z"} {
		items = append(items, json.RawMessage(fmt.Sprintf(`{"apiVersion":"v1","kind":"ServiceAccount","metadata":{"namespace":%q,"name":%q}}`, a[:1], a[2:])))
	}
	text, err := json.Marshal(map[string]any{"apiVersion": "v1", "kind": "List", "items": items})
	if err != nil {
		t.Fatal(err)
	}
	objects, problems := kube.Manifest("a.json", text)
	if len(problems) > 0 {
		t.Fatal(problems[0])
	}
	s := kube.NewSnapshot(objects, nil)
	return rbac.New(s, rbac.Options{Whole: true}), s
}

// open says that somebody gets to the end, by a graph that is built anew.
func open(t testing.TB, roles []string, grants []made, without uint, to string) bool {
	m, s := modelOf(t, roles, grants, without)
	return len(Build(m, s, fenced).From(to, "", nobody, 1)) > 0
}

// TestCutByBruteForce holds the cut of 200 random graphs against all sets of grants there are, each tried by building the graph
// without them.
func TestCutByBruteForce(t *testing.T) {
	r := rand.New(rand.NewPCG(6, 2))
	exact, greedy, larger, closed := 0, 0, 0, 0
	for n := range 200 {
		roles, grants := random(r, 12)
		to := []string{ToAdmin, ToNode, ToSecrets}[n%3]
		m, s := modelOf(t, roles, grants, 0)
		c := Build(m, s, fenced).Cut(to, "", nobody)
		if len(c.Kept) > 0 {
			t.Fatalf("%v %v: no cut, though people made all grants", roles, grants)
		}
		var own uint
		for _, g := range c.Grants {
			i := slices.IndexFunc(m.Bindings, func(b *rbac.Binding) bool { return b == g.Binding })
			var at int
			if _, err := fmt.Sscanf(m.Bindings[i].Name, "b%d", &at); err != nil {
				t.Fatal(err)
			}
			own |= 1 << at
		}
		if open(t, roles, grants, own, to) {
			t.Fatalf("%v %v: a path is left after the cut %v", roles, grants, c.Grants)
		}
		least := smallest(t, roles, grants, to, bits.OnesCount(own))
		switch {
		case least == 0:
			closed++
		case c.Exact:
			exact++
		default:
			greedy++
		}
		if c.Exact && least != len(c.Grants) || least > len(c.Grants) {
			t.Fatalf("%v %v: the cut has %d grants, and %d do", roles, grants, len(c.Grants), least)
		}
		if least < len(c.Grants) {
			larger++
		}
	}
	t.Logf("%d exact, %d greedy, of which %d are larger than they had to be; %d have no path", exact, greedy, larger, closed)
	if exact < 40 || greedy < 10 {
		t.Errorf("%d exact and %d greedy cuts: the graphs tell little", exact, greedy)
	}
}

// smallest is how few grants do it, of at most so many.
func smallest(t *testing.T, roles []string, grants []made, to string, most int) int {
	for size := range most {
		for without := range uint(1) << len(grants) {
			if bits.OnesCount(without) == size && !open(t, roles, grants, without, to) {
				return size
			}
		}
	}
	return most
}

// TestSpare holds what is left of a cut, all grants of random graphs to begin with, against putting each of them back and looking
// from the sources anew.
func TestSpare(t *testing.T) {
	r := rand.New(rand.NewPCG(6, 3))
	stayed, spared, several := 0, 0, 0
	for n := range 400 {
		roles, grants := random(r, 30)
		m, s := modelOf(t, roles, grants, 0)
		g := Build(m, s, fenced)
		end := g.end([]string{ToAdmin, ToNode, ToSecrets}[n%3], "")
		if end < 0 {
			continue
		}
		all := gone{}
		for i, v := range g.vertices {
			if v.kind == grant {
				all[i] = true
			}
		}
		var from []int
		for _, at := range g.sources() {
			if at != end {
				from = append(from, at)
			}
		}
		if g.forward(from, all)[end] {
			t.Fatalf("%v %v: a path needs no grant", roles, grants)
		}
		want, got := maps.Clone(all), maps.Clone(all)
		for _, i := range slices.Sorted(maps.Keys(all)) {
			delete(want, i)
			if g.forward(from, want)[end] {
				want[i] = true
			}
		}
		g.spare(got, from, end)
		if !maps.Equal(got, want) {
			t.Fatalf("%v %v: %v is left, and %v has to be", roles, grants, slices.Sorted(maps.Keys(got)), slices.Sorted(maps.Keys(want)))
		}
		stayed, spared = stayed+len(got), spared+len(all)-len(got)
		for i := range got {
			if len(g.opens(gone{i: true})[i]) > len(g.in[i])+len(g.out[i]) {
				several++
			}
		}
	}
	t.Logf("%d stayed, %d of which others' steps need, %d were put back", stayed, several, spared)
	if stayed < 200 || spared < 200 || several < 50 {
		t.Error("the graphs tell little")
	}
}
