package client

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/rest"
)

// TestRead reads an API server that gives pages, forgets once where a list stood, and lets not all be listed.
func TestRead(t *testing.T) {
	expired, pages := false, 0
	pod := func(name, owner string) string {
		return fmt.Sprintf(`{"metadata":{"name":%q,"namespace":"n","uid":%[1]q,"resourceVersion":"7","managedFields":[],"annotations":{"kubectl.kubernetes.io/last-applied-configuration":"x"}%s},"spec":{"containers":[]},"status":{"phase":"Running"}}`, name, owner)
	}
	owned := func(version, kind, name string) string {
		return fmt.Sprintf(`,"ownerReferences":[{"apiVersion":%q,"kind":%q,"name":%q,"uid":%[3]q,"controller":true}]`, version, kind, name)
	}
	list := func(w http.ResponseWriter, next string, items ...string) {
		fmt.Fprintf(w, `{"kind":"List","apiVersion":"v1","metadata":{"continue":%q},"items":[%s]}`, next, strings.Join(items, ","))
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		switch r.URL.Path {
		case "/version":
			fmt.Fprint(w, `{"gitVersion":"v1.99.0"}`)
		case "/apis":
			fmt.Fprint(w, `{"kind":"APIGroupList","groups":[{"name":"apps"},{"name":"argoproj.io"},{"name":"cert-manager.io"}]}`)
		case "/apis/argoproj.io/v1alpha1":
			fmt.Fprint(w, `{"kind":"APIResourceList","resources":[{"name":"rollouts","kind":"Rollout","namespaced":true}]}`)
		case "/apis/argoproj.io/v1alpha1/rollouts":
			list(w, "", `{"apiVersion":"argoproj.io/v1alpha1","kind":"Rollout","metadata":{"name":"roll","namespace":"n","uid":"roll"},"spec":{"template":{"spec":{"containers":[{"name":"a","image":"a"}]}}}}`)
		case "/apis/apps/v1/replicasets":
			list(w, "", pod("rs", owned("argoproj.io/v1alpha1", "Rollout", "roll")))
		case "/api/v1/pods":
			pages++
			switch next := r.URL.Query().Get("continue"); {
			case next == "":
				ofRS := strings.Replace(pod("of-rs", owned("apps/v1", "ReplicaSet", "rs")), `"phase"`, `"podIP":"10.0.0.7","podIPs":[{"ip":"10.0.0.7"},{"ip":"fd00::7"}],"phase"`, 1)
				list(w, "two", ofRS, pod("alone", ""))
			case !expired:
				expired = true
				w.WriteHeader(http.StatusGone)
				fmt.Fprint(w, `{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"Expired","code":410,"message":"too old"}`)
			default:
				list(w, "", pod("liar", owned("apps/v1", "ReplicaSet", "gone")))
			}
		default:
			w.WriteHeader(http.StatusForbidden)
			fmt.Fprint(w, `{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"Forbidden","code":403,"message":"no"}`)
		}
	}))
	defer server.Close()
	c, err := newCluster(&rest.Config{Host: server.URL})
	if err != nil {
		t.Fatal(err)
	}
	got, err := c.Read(t.Context(), Selection{Also: []schema.GroupVersionKind{{Group: "argoproj.io", Version: "v1alpha1", Kind: "Rollout"}}})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, o := range got.Objects {
		names = append(names, o.Kind+" "+o.Name)
		meta, _ := o.Fields["metadata"].(map[string]any)
		if o.Fields["status"] != nil || meta["annotations"] != nil || meta["resourceVersion"] != nil || o.Fields["kind"] != o.Kind {
			t.Errorf("%+v", o.Fields)
		}
	}
	if want := []string{"Rollout roll", "Pod alone", "Pod liar"}; !slices.Equal(names, want) || pages != 4 || got.Version != "v1.99.0" {
		t.Errorf("%v in %d pages of %s", names, pages, got.Version)
	}
	if all := got.Addresses.Of(got.Objects[0]); !slices.Equal(all, []string{"10.0.0.7", "fd00::7"}) || len(got.Addresses) != 1 {
		t.Errorf("addresses of its pods: %v", got.Addresses)
	}
	said := fmt.Sprintf("%+v", got.Missing)
	for _, want := range []string{"itself: cert-manager.io}", "right to list deployments.apps,", "right to list networkpolicies.networking.k8s.io,", "right to list ingresses.networking.k8s.io,"} {
		if !strings.Contains(said, want) {
			t.Errorf("it does not say %q: %s", want, said)
		}
	}
	if strings.Contains(said, "list pods") || strings.Contains(said, "argoproj") {
		t.Errorf("%s", said)
	}
	server.Close()
	if _, err := c.Read(t.Context(), Selection{}); err == nil {
		t.Error("a cluster that is away was read")
	}
}
