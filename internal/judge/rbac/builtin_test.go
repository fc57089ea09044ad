package rbac

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/plimsoll/plimsoll/internal/read/kube"
	"github.com/plimsoll/plimsoll/testbed/cluster"
)

var update = flag.Bool("update", false, "write the files anew")

// server is an API server that a test asks.
type server struct {
	t      testing.TB
	url    string
	client *http.Client
}

func start(t testing.TB, flags ...string) *server {
	t.Helper()
	c := cluster.Start(t, flags...)
	c.StartManager()
	return &server{t, c.URL, c.Client("admin", masters)}
}

func (s *server) ask(method, path string, body, into any) error {
	var sent io.Reader
	if body != nil {
		b, err := json.Marshal(body)
		if err != nil {
			return err
		}
		sent = bytes.NewReader(b)
	}
	req, err := http.NewRequest(method, s.url+path, sent)
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := s.client.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		return err
	}
	if res.StatusCode >= 300 {
		return fmt.Errorf("%s %s: %s: %s", method, path, res.Status, text)
	}
	if into == nil {
		return nil
	}
	return json.Unmarshal(text, into)
}

// objects lists all RBAC objects of the server.
func (s *server) objects() (all []map[string]any) {
	s.t.Helper()
	for _, kind := range []string{clusterRole, clusterRoleBinding, role, roleBinding} {
		var list struct{ Items []map[string]any }
		if err := s.ask(http.MethodGet, "/apis/"+group+"/v1/"+strings.ToLower(kind)+"s", nil, &list); err != nil {
			s.t.Fatal(err)
		}
		for _, o := range list.Items {
			o["apiVersion"], o["kind"] = group+"/v1", kind
			all = append(all, o)
		}
	}
	return all
}

// snapshot is what the server has, as it would be read.
func (s *server) snapshot() *kube.Snapshot {
	s.t.Helper()
	text, err := json.Marshal(map[string]any{"apiVersion": "v1", "kind": "List", "items": s.objects()})
	if err != nil {
		s.t.Fatal(err)
	}
	objects, problems := kube.Manifest("list.json", text)
	if len(problems) > 0 {
		s.t.Fatal(problems[0])
	}
	return kube.NewSnapshot(objects, nil)
}

// TestBuiltin holds what is known of every cluster against a real one: objects, what its controller gathers, and resources.
func TestBuiltin(t *testing.T) {
	s := start(t, "--authorization-mode=Node")
	want := func(role string) bool {
		for _, o := range s.objects() {
			meta, _ := o["metadata"].(map[string]any)
			rules, _ := o["rules"].([]any)
			if o["kind"] == clusterRole && meta["name"] == role {
				return len(rules) > 10
			}
		}
		return false
	}
	for began := time.Now(); !want("admin") || !want("edit") || !want("view"); time.Sleep(200 * time.Millisecond) {
		if time.Since(began) > time.Minute {
			t.Fatal("the controller never fills in admin, edit and view")
		}
	}
	var lines []string
	for _, o := range s.objects() {
		meta, _ := o["metadata"].(map[string]any)
		kept := map[string]any{"name": meta["name"], "labels": meta["labels"]}
		if meta["namespace"] != nil {
			kept["namespace"] = meta["namespace"]
		}
		one := map[string]any{"apiVersion": o["apiVersion"], "kind": o["kind"], "metadata": kept}
		for _, key := range []string{"rules", "aggregationRule", "roleRef", "subjects"} {
			if o[key] != nil {
				one[key] = o[key]
			}
		}
		b, err := json.Marshal(one)
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, string(b))
	}
	slices.Sort(lines)
	golden(t, "builtin.json", `{"apiVersion":"v1","kind":"List","items":[`+"\n"+strings.Join(lines, ",\n")+"\n]}\n")
	golden(t, "resources.txt", s.resources())
	if *update {
		return
	}
	// What was read from the server is known by its content, and gathered as its controller did.
	m := New(s.snapshot(), Options{Whole: true})
	for _, r := range m.Roles {
		if !r.Builtin {
			t.Errorf("%s is not known", r)
		}
		if !r.Aggregates() {
			continue
		}
		known := builtins().rulesOf(r.Name)
		for _, rule := range slices.Concat(r.Rules, known) {
			left := effort(mostCompared)
			if !covers(r.Rules, &rule, &left) || !covers(known, &rule, &left) {
				t.Errorf("%s: %s is gathered by one of us alone", r, rule.String())
			}
		}
		if len(known) != len(r.Rules) {
			t.Errorf("%s: the controller gathers %d rules, and we %d", r, len(r.Rules), len(known))
		}
	}
	for _, b := range m.Bindings {
		if !b.Builtin {
			t.Errorf("%s is not known", b)
		}
	}
}

// resources are those that the server serves: its preferred versions, by group, core first.
func (s *server) resources() string {
	var groups struct {
		Groups []struct {
			Name     string
			Versions []struct{ GroupVersion string }
		}
	}
	if err := s.ask(http.MethodGet, "/apis", nil, &groups); err != nil {
		s.t.Fatal(err)
	}
	paths := []string{"/api/v1"}
	for _, g := range groups.Groups {
		for _, v := range g.Versions {
			paths = append(paths, "/apis/"+v.GroupVersion)
		}
	}
	found := map[string]*Resource{}
	var order []string
	for _, p := range paths {
		var list struct {
			Resources []struct {
				Name       string
				Namespaced bool
			}
		}
		if err := s.ask(http.MethodGet, p, nil, &list); err != nil {
			s.t.Fatal(err)
		}
		group := ""
		if rest, ok := strings.CutPrefix(p, "/apis/"); ok {
			group, _, _ = strings.Cut(rest, "/")
		}
		slices.SortFunc(list.Resources, func(a, b struct {
			Name       string
			Namespaced bool
		},
		) int {
			return strings.Compare(a.Name, b.Name)
		})
		for _, r := range list.Resources {
			name, sub, isSub := strings.Cut(r.Name, "/")
			key := group + "/" + name
			if found[key] == nil {
				found[key] = &Resource{Group: group, Name: name, Namespaced: r.Namespaced}
				order = append(order, key)
			}
			if isSub && !slices.Contains(found[key].Subs, sub) {
				found[key].Subs = append(found[key].Subs, sub)
			}
		}
	}
	var b strings.Builder
	for _, key := range order {
		r := found[key]
		scope, group, subs := "cluster", "-", "-"
		if r.Namespaced {
			scope = "namespaced"
		}
		if r.Group != "" {
			group = r.Group
		}
		if len(r.Subs) > 0 {
			slices.Sort(r.Subs)
			subs = strings.Join(r.Subs, ",")
		}
		fmt.Fprintln(&b, r.Name, group, scope, subs)
	}
	return b.String()
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(name, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if string(want) != got {
		t.Errorf("%s is not as the API server says: go generate writes it anew", name)
	}
}

// TestKnown wants what the program carries to be read without an error.
func TestKnown(t *testing.T) {
	for name, text := range map[string][]byte{"builtin.json": builtinObjects, "addons.yaml": addonObjects} {
		objects, problems := kube.Manifest(name, text)
		if len(problems) > 0 || len(objects) == 0 {
			t.Errorf("%s: %v", name, problems)
		}
		if m := New(kube.NewSnapshot(objects, nil), Options{Whole: true}); len(m.Problems) > 0 {
			t.Errorf("%s: %v", name, m.Problems)
		}
	}
	for _, want := range []string{"pods", "deployments.apps", "nodes", "secrets"} {
		if _, ok := Find(want); !ok {
			t.Errorf("%s is not known among %v", want, slices.Sorted(maps.Keys(map[string]bool{})))
		}
	}
}
