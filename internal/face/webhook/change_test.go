package webhook

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/plimsoll/plimsoll/internal/deck/admit"
	pods "github.com/plimsoll/plimsoll/internal/judge/pod"
	"github.com/plimsoll/plimsoll/internal/tell/certificate"
	"github.com/plimsoll/plimsoll/testbed/cluster"
)

const changing = "podSecurity: restricted\nchange: {requests: {cpu: 10m, memory: 32Mi}, digests: ['good.example/*']}\n"

// TestChangeReview asks for a change over the wire.
func TestChangeReview(t *testing.T) {
	l := lineOf(t, changing, nil)
	l.Resolve = func(context.Context, string) (pods.Image, error) { return pods.Image{}, errors.New("it hangs") }
	r := serve(t, Options{Line: l, Queue: 10})
	a := r.ask(t, "/admit/change", reviewOf(evil))
	var steps []admit.Operation
	if err := json.Unmarshal(a.Patch, &steps); err != nil || *a.PatchType != "JSONPatch" || len(steps) == 0 || !a.Allowed {
		t.Errorf("%+v %v", a, err)
	}
	if a := r.ask(t, "/admit/change", reviewOf(good)); a.Allowed || a.Result.Code != http.StatusServiceUnavailable || !strings.Contains(a.Result.Message, "digest of image good.example/cart is not known: it hangs") {
		t.Errorf("a registry that is away: %+v", a)
	}
	if a := r.ask(t, "/admit/fail", reviewOf(evil)); a.Allowed || a.Patch != nil {
		t.Errorf("a pod as it came: %+v", a)
	}
	if err := r.stop(); err != nil {
		t.Error(err)
	}
	if log := r.log.String(); !strings.Contains(log, `"stage":"change"`) || !strings.Contains(log, `"changed":["automountServiceAccountToken",`) {
		t.Errorf("the log has %s", log)
	}
}

// TestRegistryHangs wants pods that wait for a registry to hold nobody else up.
func TestRegistryHangs(t *testing.T) {
	l := lineOf(t, changing, nil)
	l.Resolve = func(ctx context.Context, _ string) (pods.Image, error) { <-ctx.Done(); return pods.Image{}, ctx.Err() }
	r := serve(t, Options{Line: l, Queue: 100, Timeout: 3 * time.Second})
	var hanging sync.WaitGroup
	for range mostChanges {
		hanging.Go(func() {
			if a := r.ask(t, "/admit/change", reviewOf(good)); a.Allowed {
				t.Error("a pod without a digest is let in")
			}
		})
	}
	await(t, func() bool { return len(r.changes.slots) == mostChanges })
	begin := time.Now()
	for range 20 {
		r.ask(t, "/admit/fail", reviewOf(evil))
	}
	if took := time.Since(begin); took > 2*time.Second {
		t.Errorf("twenty others took %s", took)
	}
	hanging.Wait()
}

// TestClusterChanges has a real API server ask: first what a pod is given, then whether it may enter.
func TestClusterChanges(t *testing.T) {
	d := newDoor(t, cluster.WithAccounts) // which put a token into each pod before any webhook is asked
	ctx := context.Background()
	d.must(d.create("serviceaccounts", "{apiVersion: v1, kind: ServiceAccount, metadata: {name: default, namespace: shop}}"))
	own := &certificate.Own{Store: &certificate.Secret{Client: d.client, Namespace: "guard", Name: "tls"}, Names: []string{"localhost"}}
	keeper, err := certificate.Open(ctx, own, time.Now())
	d.must(err)
	l := lineOf(t, changing, nil)
	l.Resolve = func(context.Context, string) (pods.Image, error) {
		return pods.Image{User: "10001", Volumes: []string{"/data"}, Digest: "sha256:" + strings.Repeat("ab", 32)}, nil
	}
	r := serve(t, Options{Line: l, Certificates: keeper, Queue: 100})
	plain := func(name string) string { return fmt.Sprintf(pod1, name, "good.example/cart:1", "") }
	if err := d.create("pods", plain("before"), metav1.DryRunAll); err != nil {
		t.Fatal(err) // nobody is asked yet
	}
	d.must(d.create("pods", plain("token")))
	o, err := d.resource("pods", "v1", "shop").Get(ctx, "token", metav1.GetOptions{})
	d.must(err)
	if got := stored(t, o, "containers.volumeMounts"); !strings.Contains(got, "kube-api-access-") {
		t.Errorf("the API server puts no token in: %s", got)
	}
	d.register(l, r)
	privileged := fmt.Sprintf(pod1, "privileged", "good.example/cart:1", ", securityContext: {privileged: true}")
	await(t, func() bool { return d.create("pods", privileged, metav1.DryRunAll) != nil })
	if err := d.create("pods", privileged); err == nil || !strings.Contains(err.Error(), "pod/privileged") {
		t.Errorf("privileged: %v", err)
	}
	all := d.resource("pods", "v1", "shop")
	if err := d.create("pods", plain("dry"), metav1.DryRunAll); err != nil {
		t.Errorf("a dry run: %v", err)
	}
	if _, err := all.Get(ctx, "dry", metav1.GetOptions{}); err == nil {
		t.Error("a dry run is stored")
	}
	d.must(d.create("pods", plain("plain")))
	o, err = all.Get(ctx, "plain", metav1.GetOptions{})
	d.must(err)
	if got := o.GetAnnotations()[pods.Changed]; got != "automountServiceAccountToken, runAsNonRoot, seccompProfile, allowPrivilegeEscalation, capabilities, readOnlyRootFilesystem, requests, digest" {
		t.Errorf("it says it was given %q", got)
	}
	for field, want := range map[string]string{
		"securityContext":              `{"runAsNonRoot":true,"seccompProfile":{"type":"RuntimeDefault"}}`,
		"automountServiceAccountToken": "false",
		"volumes":                      `[{"emptyDir":{},"name":"plimsoll-0"},{"emptyDir":{},"name":"plimsoll-1"}]`,
		"containers.securityContext":   `{"allowPrivilegeEscalation":false,"capabilities":{"drop":["ALL"]},"readOnlyRootFilesystem":true}`,
		"containers.resources":         `{"requests":{"cpu":"10m","memory":"32Mi"}}`,
		"containers.volumeMounts":      `[{"mountPath":"/tmp","name":"plimsoll-0"},{"mountPath":"/data","name":"plimsoll-1"}]`,
		"containers.image":             `"good.example/cart:1@sha256:` + strings.Repeat("ab", 32) + `"`,
	} {
		if got := stored(t, o, field); got != want {
			t.Errorf("%s is stored as %s", field, got)
		}
	}
	// What makes pods is let in, as its pods will be, and stays as it was written.
	deployment := strings.Replace(cart, "evil.example/miner", "good.example/cart:1", 1)
	d.must(d.create("deployments", deployment))
	made, err := d.resource("deployments", "apps/v1", "shop").Get(ctx, "cart", metav1.GetOptions{})
	d.must(err)
	if b, _ := json.Marshal(made.Object); strings.Contains(string(b), "runAsNonRoot") {
		t.Errorf("a Deployment was changed: %s", b)
	}
	if err := r.stop(); err != nil {
		t.Error(err)
	}
	if err := d.create("pods", plain("late"), metav1.DryRunAll); err == nil || !strings.Contains(err.Error(), `failed calling webhook "change.admission.plimsoll.io"`) {
		t.Errorf("nobody there to change it: %v", err)
	}
}

const pod1 = "{apiVersion: v1, kind: Pod, metadata: {name: %s, namespace: shop}, spec: {containers: [{name: a, image: '%s'%s}]}}"

// stored is a field of a pod, or of its first container, in JSON.
func stored(t *testing.T, o *unstructured.Unstructured, field string) string {
	t.Helper()
	spec, _ := o.Object["spec"].(map[string]any)
	if of, ok := strings.CutPrefix(field, "containers."); ok {
		spec, _ = spec["containers"].([]any)[0].(map[string]any)
		field = of
	}
	b, err := json.Marshal(spec[field])
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
