package client

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	authorizationv1 "k8s.io/api/authorization/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/plimsoll/plimsoll/internal/read/kube"
	"github.com/plimsoll/plimsoll/testbed/cluster"
)

var configMap = schema.GroupVersionKind{Version: "v1", Kind: "ConfigMap"}

func await(t *testing.T, what string, is func() bool) {
	t.Helper()
	for began := time.Now(); !is(); time.Sleep(20 * time.Millisecond) {
		if time.Since(began) > time.Minute {
			t.Fatal(what)
		}
	}
}

// TestFollow follows a real API server, through changes, and while it is away.
func TestFollow(t *testing.T) {
	server := cluster.Start(t)
	c, err := OpenCluster(server.Kubeconfig("admin", "system:masters"))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	maps := c.Interface.Resource(configMap.GroupVersion().WithResource("configmaps"))
	put := func(namespace, name, label string) {
		t.Helper()
		o := &unstructured.Unstructured{Object: map[string]any{
			"apiVersion": "v1", "kind": "ConfigMap",
			"metadata": map[string]any{"name": name, "namespace": namespace, "labels": map[string]any{"for": label}},
		}}
		if _, err := maps.Namespace(namespace).Create(ctx, o, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	for i := range pageSize + 5 { // more than one page
		put("default", fmt.Sprintf("m%03d", i), "all")
	}
	labelled := kube.Need{Kind: configMap, Labels: "for=all"}
	named := kube.Need{Kind: configMap, Namespace: "default", Name: "m001"}
	f, wait := c.Follow(ctx, []kube.Need{labelled, named, kube.Namespaces(), named}, slog.New(slog.DiscardHandler))
	if err := f.Read(ctx); err != nil {
		t.Fatal(err)
	}
	count := func(n kube.Need, namespace string) int {
		t.Helper()
		all, err := f.Of(n, namespace)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.IsSortedFunc(all, order) {
			t.Fatal("they are in no order")
		}
		return len(all)
	}
	if n, m, other := count(labelled, ""), count(named, "default"), count(labelled, "default"); n != pageSize+5 || m != 1 || other != n {
		t.Fatalf("%d labelled, %d named, %d in default", n, m, other)
	}
	if all, _ := f.Of(named, "default"); all[0].Fields["metadata"].(map[string]any)["managedFields"] != nil {
		t.Error("who wrote which field is kept")
	}
	put("kube-system", "other", "all")
	await(t, "what is new is not heard of", func() bool { return count(labelled, "") == pageSize+6 })
	if err := maps.Namespace("default").Delete(ctx, "m000", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	await(t, "what is gone is not heard of", func() bool { return count(labelled, "default") == pageSize+4 })
	if in, err := f.Namespaced(kube.Namespaces()); in || err != nil {
		t.Errorf("namespaces are in namespaces: %v", err)
	}
	if o, err := f.Namespace(ctx, "kube-system"); err != nil || o == nil || o.Name != "kube-system" {
		t.Errorf("%v %v", o, err)
	}
	if o, err := f.Namespace(ctx, "nowhere"); err != nil || o != nil {
		t.Errorf("%v %v", o, err)
	}
	may := func(user string) bool {
		s, err := f.Review(ctx, &authorizationv1.SubjectAccessReview{Spec: authorizationv1.SubjectAccessReviewSpec{
			User: user, ResourceAttributes: &authorizationv1.ResourceAttributes{Verb: "get", Resource: "pods"},
		}})
		if err != nil {
			t.Fatal(err)
		}
		return s.Allowed
	}
	if may("nobody") || !may("system:kube-scheduler") {
		t.Error("it does not say who may do what")
	}

	server.StopServer()
	await(t, "it does not see that the server is away", func() bool { return f.all[labelled].lost.Load() != nil })
	if count(labelled, "default") != pageSize+4 {
		t.Error("what was known is forgotten")
	}
	if _, err := f.Namespace(ctx, "nowhere"); err == nil {
		t.Error("what nobody knows is known not to be")
	}
	lost := f.all[labelled].lost.Load()
	f.all[labelled].lost.Store(&loss{lost.since.Add(-staleAfter), lost.err})
	if _, err := f.Of(labelled, ""); err == nil || !strings.Contains(err.Error(), "ConfigMap of the cluster is not known since") {
		t.Errorf("what was known long ago still counts: %v", err)
	}
	server.StartServer()
	await(t, "it does not come back", func() bool { return f.all[labelled].lost.Load() == nil })
	put("default", "late", "all")
	await(t, "after an absence it hears nothing", func() bool { return count(labelled, "default") == pageSize+5 })
	cancel()
	wait()
}

// TestTooMuch wants nothing to be known where there is more than is kept.
func TestTooMuch(t *testing.T) {
	f := newFollower(nil, kube.Need{Kind: configMap}, slog.New(slog.DiscardHandler))
	f.found(&known{objects: map[string][]*kube.Object{}})
	big := &kube.Object{Kind: "ConfigMap", Name: "a", Namespace: "b", Fields: map[string]any{"data": map[string]any{"x": strings.Repeat("x", mostBytes/2)}}}
	if err := f.change(big, false); err != nil {
		t.Fatal(err)
	}
	if err := f.change(big, false); err != nil { // the same again is no more than it was
		t.Fatal(err)
	}
	other := *big
	other.Name = "c"
	err := f.change(&other, false)
	if err == nil {
		t.Fatal("it keeps all")
	}
	f.lost.Store(&loss{time.Now(), err})
	if _, known := f.known(); known == nil || !errors.Is(known, err) {
		t.Errorf("%v", known)
	}
}
