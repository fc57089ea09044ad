package rbac

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"
	authorizationv1 "k8s.io/api/authorization/v1"

	"github.com/plimsoll/plimsoll/internal/read/kube"
)

// random makes RBAC and questions out of few words, so that they meet.
type random struct{ *rand.Rand }

func (r random) of(words ...string) string { return words[r.IntN(len(words))] }

func (r random) some(words ...string) []any {
	n := 1 + r.IntN(2)
	var all []any
	for range n {
		all = append(all, r.of(words...))
	}
	return all
}

var (
	someVerbs      = []string{"get", "list", "create", "delete", "impersonate", "bind", "escalate", "impersonate:user-info", "*"}
	someGroups     = []string{"", "apps", "rbac.authorization.k8s.io", "*"}
	someResources  = []string{"pods", "pods/exec", "pods/log", "secrets", "deployments", "deployments/scale", "*", "*/scale", "*/exec", "clusterroles", "pods/*", "users"}
	someNames      = []string{"a", "b", "c"}
	someURLs       = []string{"/metrics", "/healthz", "/healthz/*", "/debug/*", "*", "/a", "/deb*"}
	someNamespaces = []string{"one", "two", "three"}
	someSubjects   = []map[string]any{
		{"kind": "User", "name": "ann", "apiGroup": group},
		{"kind": "User", "name": "bob", "apiGroup": group},
		{"kind": "Group", "name": "devs", "apiGroup": group},
		{"kind": "Group", "name": "ops", "apiGroup": group},
		{"kind": "Group", "name": "system:authenticated", "apiGroup": group},
		{"kind": "Group", "name": "system:serviceaccounts", "apiGroup": group},
		{"kind": "Group", "name": "system:serviceaccounts:one", "apiGroup": group},
		{"kind": "ServiceAccount", "namespace": "one", "name": "a"},
		{"kind": "ServiceAccount", "namespace": "two", "name": "a"},
		{"kind": "ServiceAccount", "namespace": "two", "name": "b"},
		{"kind": "User", "name": "system:serviceaccount:three:c", "apiGroup": group},
		{"kind": "User", "name": "system:node:n1", "apiGroup": group},
		{"kind": "Group", "name": "system:nodes", "apiGroup": group},
		{"kind": "User", "name": "*", "apiGroup": group},
	}
)

func (r random) rules(wide bool) []any {
	var all []any
	for range 1 + r.IntN(3) {
		if wide && r.IntN(4) == 0 {
			all = append(all, map[string]any{"verbs": r.some(someVerbs...), "nonResourceURLs": r.some(someURLs...)})
			continue
		}
		rule := map[string]any{"verbs": r.some(someVerbs...), "apiGroups": r.some(someGroups...), "resources": r.some(someResources...)}
		if r.IntN(4) == 0 {
			rule["resourceNames"] = r.some(someNames...)
		}
		all = append(all, rule)
	}
	return all
}

func (r random) request() *Request {
	q := &Request{Verb: r.of(someVerbs...)}
	if r.IntN(10) == 0 {
		q.URL = r.of(append([]string{"/healthz/x", "/debug/pprof", "/debug", "/other", "/healthz/"}, someURLs...)...)
		return q
	}
	q.Group = r.of(someGroups...)
	q.Resource, q.Subresource, _ = strings.Cut(r.of(append([]string{"nodes", "services", "leases", "configmaps"}, someResources...)...), "/")
	if r.IntN(3) > 0 {
		q.Namespace = r.of(someNamespaces...)
	}
	if r.IntN(3) == 0 {
		q.Name = r.of(someNames...)
	}
	return q
}

func (r random) identity() Identity {
	switch r.IntN(8) {
	case 0:
		return Subject{ServiceAccount, r.of(someNamespaces...), r.of(someNames...)}.Identity()
	case 1:
		return Subject{User, "", "system:node:n1"}.Identity()
	case 2:
		return Identity{"cara", []string{r.of("devs", "ops", masters, "system:authenticated")}}
	case 3:
		return Subject{User, "", anonymous}.Identity()
	case 4:
		return Identity{"system:serviceaccount:three:c", nil}
	case 5:
		return Identity{"*", []string{"*"}}
	}
	return Subject{User, "", r.of("ann", "bob")}.Identity(r.of("devs", "ops", "others"))
}

// sar is what the API server says of a request.
func (s *server) sar(id Identity, q *Request) (bool, error) {
	ask := authorizationv1.SubjectAccessReview{Spec: authorizationv1.SubjectAccessReviewSpec{User: id.User, Groups: id.Groups}}
	if q.URL != "" {
		ask.Spec.NonResourceAttributes = &authorizationv1.NonResourceAttributes{Verb: q.Verb, Path: q.URL}
	} else {
		ask.Spec.ResourceAttributes = &authorizationv1.ResourceAttributes{
			Verb: q.Verb, Group: q.Group, Resource: q.Resource, Subresource: q.Subresource, Namespace: q.Namespace, Name: q.Name,
		}
	}
	err := s.ask(http.MethodPost, "/apis/authorization.k8s.io/v1/subjectaccessreviews", &ask, &ask)
	return ask.Status.Allowed, err
}

// TestOracle asks a real API server 10,000 random questions about random RBAC, some of it gathered in circles, and 2,000 about its
// own roles, and wants the same answers. All of who-can's answers are asked, too.
func TestOracle(t *testing.T) {
	s := start(t, "--authorization-mode=Node")
	questions := 10_000
	if os.Getenv("PLIMSOLL_TEST") == "" {
		questions = 2_000
	}
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	r := random{rand.New(rand.NewPCG(seed, 1))}
	own := New(s.snapshot(), Options{Whole: true})
	s.agree(t, r, own, questions/5)
	s.fill(t, r)
	m := New(s.snapshot(), Options{Whole: true})
	s.agree(t, r, m, questions)
	s.gathered(t, m)
}

// gathered wants aggregation as a manifest has it to come out as the controller's.
func (s *server) gathered(t *testing.T, m *Model) {
	computed := New(s.snapshot(), Options{})
	n := 0
	for _, role := range m.Roles {
		if !role.Aggregates() {
			continue
		}
		n++
		ours := computed.roles[[3]string{clusterRole, "", role.Name}]
		for _, rule := range role.Rules {
			if !slices.ContainsFunc(ours.Rules, func(r Rule) bool { return r.key() == rule.key() }) {
				t.Errorf("%s: the controller has %s", role, rule.String())
			}
		}
		if len(ours.Rules) != len(role.Rules) {
			t.Errorf("%s: the controller has %d rules, and we %d", role, len(role.Rules), len(ours.Rules))
		}
	}
	if n < 8 {
		t.Errorf("%d roles are gathered", n)
	}
}

// fill makes random roles and bindings.
func (s *server) fill(t *testing.T, r random) {
	make := func(path string, o map[string]any) {
		t.Helper()
		if err := s.ask(http.MethodPost, path, o, nil); err != nil {
			t.Fatal(err)
		}
	}
	for _, n := range someNamespaces {
		make("/api/v1/namespaces", map[string]any{"apiVersion": "v1", "kind": "Namespace", "metadata": map[string]any{"name": n}})
	}
	const base = "/apis/" + group + "/v1"
	for i := range 30 {
		name := fmt.Sprint("role-", i)
		make(base+"/clusterroles", map[string]any{"metadata": map[string]any{"name": name, "labels": map[string]any{"of": r.of("x", "y", "z")}}, "rules": r.rules(true)})
		make(base+"/namespaces/"+someNamespaces[i%3]+"/roles", map[string]any{"metadata": map[string]any{"name": name}, "rules": r.rules(false)})
	}
	// Three that gather, the last two of them each other and the first.
	for i, gather := range []map[string]any{{"of": "x"}, {"in": "circle"}, {"in": "circle"}, {"of": "x"}} {
		make(base+"/clusterroles", map[string]any{
			"metadata":        map[string]any{"name": fmt.Sprint("gather-", i), "labels": map[string]any{"in": "circle"}},
			"aggregationRule": map[string]any{"clusterRoleSelectors": []any{map[string]any{"matchLabels": gather}}},
		})
	}
	make(base+"/clusterroles", map[string]any{
		"metadata":        map[string]any{"name": "gather-4"},
		"aggregationRule": map[string]any{"clusterRoleSelectors": []any{map[string]any{"matchExpressions": []any{map[string]any{"key": "of", "operator": "In", "values": []any{"y", "z"}}}}}},
		"rules":           r.rules(true), // which the controller writes over
	})
	for i := range 60 {
		subjects := []any{someSubjects[r.IntN(len(someSubjects))], someSubjects[r.IntN(len(someSubjects))]}
		name := r.of(fmt.Sprint("role-", r.IntN(32)), fmt.Sprint("role-", r.IntN(32)), fmt.Sprint("gather-", r.IntN(5))) // some of them are not there
		if i%4 == 0 {
			make(base+"/clusterrolebindings", map[string]any{"metadata": map[string]any{"name": fmt.Sprint("b-", i)}, "subjects": subjects, "roleRef": map[string]any{"apiGroup": group, "kind": clusterRole, "name": name}})
			continue
		}
		make(base+"/namespaces/"+r.of(someNamespaces...)+"/rolebindings", map[string]any{"metadata": map[string]any{"name": fmt.Sprint("b-", i)}, "subjects": subjects, "roleRef": map[string]any{"apiGroup": group, "kind": r.of(role, clusterRole), "name": name}})
	}
	settled := func() bool {
		var list struct {
			Items []struct {
				Metadata        struct{ Name string }
				AggregationRule any
				Rules           []any
			}
		}
		if err := s.ask(http.MethodGet, base+"/clusterroles", nil, &list); err != nil {
			t.Fatal(err)
		}
		computed := New(s.snapshot(), Options{})
		for _, one := range list.Items {
			if one.AggregationRule != nil && len(one.Rules) != len(computed.roles[[3]string{clusterRole, "", one.Metadata.Name}].Rules) {
				return false
			}
		}
		return true
	}
	for began := time.Now(); !settled(); time.Sleep(200 * time.Millisecond) {
		if time.Since(began) > time.Minute {
			t.Fatal("the controller does not gather the roles as computed, within a minute")
		}
	}
}

// agree asks the server and the model the same, and wants one answer; then it asks for each whom who-can names.
func (s *server) agree(t *testing.T, r random, m *Model, n int) {
	t.Helper()
	type question struct {
		id Identity
		q  *Request
	}
	asked := make([]question, n)
	for i := range asked {
		asked[i] = question{r.identity(), r.request()}
	}
	for _, q := range asked[:n/20] {
		for _, h := range m.WhoCan(q.q, false) {
			if h.Only == "" && !strings.HasSuffix(h.Subject.Name, nodes) {
				asked = append(asked, question{h.Subject.Identity(), q.q})
			}
		}
	}
	var allowed, wrong atomic.Int64
	var all errgroup.Group
	all.SetLimit(16)
	began := time.Now()
	for i, one := range asked {
		all.Go(func() error {
			want, err := s.sar(one.id, one.q)
			if err != nil {
				return err
			}
			why := m.Can(one.id, one.q)
			got := slices.ContainsFunc(why, func(r Reason) bool { return r.Only != ofItsPods })
			if want {
				allowed.Add(1)
			}
			if got != want || i >= n && !want {
				if wrong.Add(1) < 10 {
					t.Errorf("%+v %+v: the API server says %v, and the model %v", one.id, *one.q, want, why)
				}
			}
			return nil
		})
	}
	if err := all.Wait(); err != nil {
		t.Fatal(err)
	}
	t.Logf("%d questions, %d allowed, %d wrong, %.1f s", len(asked), allowed.Load(), wrong.Load(), time.Since(began).Seconds())
	if share := float64(allowed.Load()) / float64(len(asked)); share < 0.05 || share > 0.95 {
		t.Errorf("%.0f%% are allowed: the questions tell little", share*100)
	}
}

// TestNode is what the node authorizer holds for a node and not for others.
func TestNode(t *testing.T) {
	m := New(kube.NewSnapshot(nil, nil), Options{})
	n1 := Subject{User, "", "system:node:n1"}
	for _, c := range []struct {
		q    Request
		only string
		want bool
	}{
		{Request{Verb: "get", Resource: "secrets", Namespace: "a", Name: "b"}, ofItsPods, true},
		{Request{Verb: "list", Resource: "secrets", Namespace: "a"}, "", false},
		{Request{Verb: "get", Resource: "nodes", Name: "n1"}, itself, true},
		{Request{Verb: "get", Resource: "nodes", Name: "n2"}, "", false},
		{Request{Verb: "create", Resource: "serviceaccounts", Subresource: "token", Namespace: "a", Name: "b"}, ofItsPods, true},
		{Request{Verb: "list", Resource: "services"}, "", true},
		{Request{Verb: "delete", Resource: "services"}, "", false},
	} {
		why := m.Can(n1.Identity(), &c.q)
		if (len(why) > 0) != c.want || len(why) > 0 && why[0].Only != c.only {
			t.Errorf("%+v: %+v", c.q, why)
		}
	}
}
