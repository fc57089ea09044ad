package client

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	authorizationv1 "k8s.io/api/authorization/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"

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

// TestTooMuch wants a namespace that holds more than is kept not to be known, and all others to be.
func TestTooMuch(t *testing.T) {
	need := kube.Need{Kind: configMap}
	one := newFollower(nil, need, slog.New(slog.DiscardHandler))
	one.sizes = map[string]int{}
	one.found(&known{objects: map[string][]*kube.Object{}})
	f := &Followed{all: map[kube.Need]*follower{need: one}}
	object := func(namespace, name string, size int) *kube.Object {
		return &kube.Object{Kind: "ConfigMap", Name: name, Namespace: namespace, Fields: map[string]any{"data": map[string]any{"x": strings.Repeat("x", size)}}}
	}
	one.change(object("honest", "a", mostBytes/4), false)
	big := object("greedy", "a", mostBytes/2)
	one.change(big, false)
	one.change(big, false) // the same again is no more than it was
	if all, err := f.Of(need, "greedy"); err != nil || len(all) != 1 {
		t.Fatalf("%d %v", len(all), err)
	}
	one.change(object("greedy", "b", mostBytes/2), false)
	if _, err := f.Of(need, "greedy"); !errors.Is(err, errTooMuch) {
		t.Errorf("%v", err)
	}
	if _, err := f.Of(need, ""); !errors.Is(err, errTooMuch) {
		t.Errorf("all are said to be known: %v", err)
	}
	if all, err := f.Of(need, "honest"); err != nil || len(all) != 1 {
		t.Errorf("others suffer: %d %v", len(all), err)
	}
	one.change(object("greedy", "c", 1), false) // it is not known, and stays so until all is listed again
	if _, err := f.Of(need, "greedy"); !errors.Is(err, errTooMuch) {
		t.Errorf("%v", err)
	}
	k := &known{objects: map[string][]*kube.Object{"few": make([]*kube.Object, 10), "many": make([]*kube.Object, mostObjects)}}
	one.sizes = map[string]int{}
	one.bound(k)
	if !k.over["many"] || k.over["few"] {
		t.Errorf("%v", k.over)
	}
}

// watching is an API server that lists nothing, and of which a test says how it is watched.
func watching(t *testing.T, watch http.HandlerFunc) (c *Cluster, lists, watches *atomic.Int64) {
	lists, watches = new(atomic.Int64), new(atomic.Int64)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		switch {
		case r.URL.Path == "/api/v1":
			fmt.Fprint(w, `{"kind":"APIResourceList","resources":[{"name":"configmaps","kind":"ConfigMap","namespaced":true}]}`)
		case r.URL.Query().Get("watch") == "":
			lists.Add(1)
			fmt.Fprint(w, `{"kind":"ConfigMapList","apiVersion":"v1","metadata":{"resourceVersion":"1"},"items":[]}`)
		default:
			watches.Add(1)
			watch(w, r)
		}
	}))
	t.Cleanup(server.Close)
	c, err := newCluster(&rest.Config{Host: server.URL})
	if err != nil {
		t.Fatal(err)
	}
	return c, lists, watches
}

// TestShortWatch wants an API server that ends each watch at once to be asked ever more seldom, and listed again: what it
// said before a watch that was none is not what holds now.
func TestShortWatch(t *testing.T) {
	c, lists, watches := watching(t, func(http.ResponseWriter, *http.Request) {})
	ctx, cancel := context.WithCancel(t.Context())
	f, wait := c.Follow(ctx, []kube.Need{{Kind: configMap}}, slog.New(slog.DiscardHandler))
	if err := f.Read(ctx); err != nil {
		t.Fatal(err)
	}
	time.Sleep(2 * time.Second)
	if n := watches.Load(); n > 5 || n != lists.Load() {
		t.Errorf("%d watches, %d lists in two seconds", n, lists.Load())
	}
	cancel()
	wait()
}

// silent is watched without a word, or with one at the beginning.
type silent struct {
	dynamic.ResourceInterface
	first *unstructured.Unstructured
}

func (s silent) Watch(context.Context, metav1.ListOptions) (watch.Interface, error) {
	w := watch.NewFakeWithChanSize(1, false)
	if s.first != nil {
		w.Action(watch.Bookmark, s.first)
	}
	return w, nil
}

// TestSilentWatch wants what was heard long ago to count no more, though the connection stands.
func TestSilentWatch(t *testing.T) {
	bookmark := &unstructured.Unstructured{Object: map[string]any{"metadata": map[string]any{"resourceVersion": "2"}}}
	for name, first := range map[string]*unstructured.Unstructured{"no word": nil, "one word": bookmark} {
		synctest.Test(t, func(t *testing.T) {
			f := newFollower(nil, kube.Need{Kind: configMap}, slog.New(slog.DiscardHandler))
			f.found(&known{objects: map[string][]*kube.Object{}})
			f.heard = time.Now()
			_, err := f.watch(t.Context(), silent{first: first}, "1")
			if err == nil || !strings.Contains(err.Error(), "said nothing") || time.Since(f.heard) < longWatch {
				t.Fatalf("%s: %v, %s", name, err, time.Since(f.heard))
			}
			f.lost.Store(&loss{f.heard, err})
			time.Sleep(staleAfter - longWatch)
			if _, err := f.known(); err == nil {
				t.Errorf("%s: it counts still", name)
			}
		})
	}
}
