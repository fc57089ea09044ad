package least

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/plimsoll/plimsoll/internal/judge/rbac"
	"github.com/plimsoll/plimsoll/internal/read/audit"
	"github.com/plimsoll/plimsoll/internal/read/kube"
	"github.com/plimsoll/plimsoll/testbed/cluster"
)

func ask(t *testing.T, c *http.Client, method, url string, body any, want int) map[string]any {
	t.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	var status int
	for began := time.Now(); ; time.Sleep(50 * time.Millisecond) { // what was written a moment ago is known a moment later
		req, err := http.NewRequest(method, url, bytes.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/json")
		res, err := c.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		answer, err := io.ReadAll(res.Body)
		res.Body.Close()
		if err != nil {
			t.Fatal(err)
		}
		_ = json.Unmarshal(answer, &got)
		if status = res.StatusCode; status == want {
			return got
		}
		if time.Since(began) > 30*time.Second {
			t.Fatalf("%s %s: %d, want %d: %s", method, url, status, want, answer)
		}
	}
}

const group = "rbac.authorization.k8s.io"

// TestRealLog makes the smallest roles from the audit log of a real API server, puts them there in the place of the wide ones, and
// has the same done again.
func TestRealLog(t *testing.T) {
	dir := t.TempDir()
	policy, log := filepath.Join(dir, "policy.yaml"), filepath.Join(dir, "audit.log")
	if err := os.WriteFile(policy, []byte("apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: [{level: Metadata}]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c := cluster.Start(t, "--audit-policy-file="+policy, "--audit-log-path="+log)
	admin, ann := c.Client("admin", "system:masters"), c.Client("ann", "devs")
	make := func(path string, o map[string]any) {
		t.Helper()
		ask(t, admin, http.MethodPost, c.URL+path, o, http.StatusCreated)
	}
	const at = "/apis/" + group + "/v1"
	make("/api/v1/namespaces", map[string]any{"metadata": map[string]any{"name": "shop"}})
	make(at+"/clusterroles", map[string]any{"metadata": map[string]any{"name": "wide"}, "rules": []any{map[string]any{"verbs": []any{"*"}, "apiGroups": []any{"", "apps"}, "resources": []any{"*"}}, map[string]any{"verbs": []any{"get"}, "nonResourceURLs": []any{"/metrics"}}}})
	make(at+"/clusterrolebindings", map[string]any{"metadata": map[string]any{"name": "wide"}, "roleRef": map[string]any{"apiGroup": group, "kind": "ClusterRole", "name": "wide"}, "subjects": []any{map[string]any{"apiGroup": group, "kind": "Group", "name": "devs"}}})

	configMap := map[string]any{"metadata": map[string]any{"name": "a"}}
	deeds := func(made int) {
		t.Helper()
		ask(t, ann, http.MethodPost, c.URL+"/api/v1/namespaces/shop/configmaps", configMap, made)
		ask(t, ann, http.MethodGet, c.URL+"/api/v1/namespaces/shop/configmaps/a", nil, http.StatusOK)
		ask(t, ann, http.MethodGet, c.URL+"/api/v1/nodes", nil, http.StatusOK)
		ask(t, ann, http.MethodGet, c.URL+"/apis/apps/v1/deployments", nil, http.StatusOK)
	}
	deeds(http.StatusCreated)
	ask(t, ann, http.MethodGet, c.URL+at+"/roles", nil, http.StatusForbidden)

	m := rbac.New(snapshot(t, admin, c.URL), rbac.Options{Whole: true})
	u := New(m, true)
	f, err := os.Open(log)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	events, broken, err := audit.Read(f, func(e audit.Event) {
		if e.User == "ann" {
			u.Add(rbac.Identity{User: e.User, Groups: e.Groups}, rbac.Request{Verb: e.Verb, Group: e.Group, Resource: e.Resource, Subresource: e.Subresource, Namespace: e.Namespace, Name: e.Name, URL: e.URL}, e.At, e.Allowed)
		}
	})
	if err != nil || broken > 1 || events < 10 { // the last line may be on its way
		t.Fatalf("%d events, %d broken, %v", events, broken, err)
	}
	if u.Events < 4 || u.Refused < 1 || u.Foreign > 0 {
		t.Fatalf("%d let through, %d refused, %d foreign", u.Events, u.Refused, u.Foreign)
	}
	var got []string
	for _, r := range u.Roles() {
		for _, rule := range r.Rules {
			got = append(got, fmt.Sprintf("%s in %q: %s", r.Subject, r.Namespace, rule.String()))
		}
	}
	want := `Group devs in "": list deployments of apps
Group devs in "": list nodes
Group devs in "shop": create configmaps
Group devs in "shop": get configmaps named a`
	// A create and a get of one resource are apart where names are told.
	if text := strings.Join(got, "\n"); text != want {
		t.Errorf("%s\nwant\n%s", text, want)
	}
	unused := 0
	for _, r := range u.Rights() {
		if r.Last.IsZero() {
			unused++
		}
	}
	if rights := u.Rights(); len(rights) != 3 || unused != 1 || rights[0].What != "get /metrics" {
		t.Errorf("rights: %+v", rights)
	}
	// The small ones in the place of the wide one, on the server itself.
	ask(t, admin, http.MethodDelete, c.URL+at+"/clusterrolebindings/wide", nil, http.StatusOK)
	for _, r := range u.Roles() {
		role, binding := "/clusterroles", "/clusterrolebindings"
		kind := "ClusterRole"
		if r.Namespace != "" {
			role, binding, kind = "/namespaces/"+r.Namespace+"/roles", "/namespaces/"+r.Namespace+"/rolebindings", "Role"
		}
		make(at+role, map[string]any{"metadata": map[string]any{"name": r.Name}, "rules": r.Rules})
		make(at+binding, map[string]any{"metadata": map[string]any{"name": r.Name}, "roleRef": map[string]any{"apiGroup": group, "kind": kind, "name": r.Name}, "subjects": []any{map[string]any{"apiGroup": group, "kind": "Group", "name": "devs"}}})
	}
	if refused := replayed(t, u, snapshot(t, admin, c.URL)); len(refused) > 0 {
		t.Errorf("the replay refuses %v", refused)
	}
	ask(t, ann, http.MethodGet, c.URL+"/api/v1/namespaces/shop/secrets", nil, http.StatusForbidden)
	ask(t, admin, http.MethodDelete, c.URL+"/api/v1/namespaces/shop/configmaps/a", nil, http.StatusOK)
	deeds(http.StatusCreated)
}

func replayed(t *testing.T, u *Use, s *kube.Snapshot) []string {
	t.Helper()
	deeds, refused := u.Replay(rbac.New(s, rbac.Options{Whole: true}))
	if deeds < 4 {
		t.Errorf("%d deeds", deeds)
	}
	return refused
}

// snapshot is what the server has of RBAC.
func snapshot(t *testing.T, admin *http.Client, url string) *kube.Snapshot {
	t.Helper()
	var all []*kube.Object
	for _, kind := range []string{"ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding"} {
		got := ask(t, admin, http.MethodGet, url+"/apis/"+group+"/v1/"+strings.ToLower(kind)+"s", nil, http.StatusOK)
		got["apiVersion"], got["kind"] = "v1", "List"
		for _, o := range got["items"].([]any) {
			o.(map[string]any)["apiVersion"], o.(map[string]any)["kind"] = group+"/v1", kind
		}
		text, err := json.Marshal(got)
		if err != nil {
			t.Fatal(err)
		}
		objects, problems := kube.Manifest("list.json", text)
		if len(problems) > 0 {
			t.Fatal(problems[0])
		}
		all = append(all, objects...)
	}
	return kube.NewSnapshot(all, nil)
}
