package webhook

import (
	"context"
	"slices"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// TestClusterApply writes configurations into a real API server: anew, over those that are trusted already, without the
// one that a line has no use for any more, and bound to a role with which the garbage collector takes them away.
func TestClusterApply(t *testing.T) {
	d := newDoor(t)
	d.StartManager()
	ctx := context.Background()
	d.must(d.create("clusterroles", "{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole, metadata: {name: plimsoll}}"))
	p := Place{Name: "plimsoll", Namespace: "guard", Service: "plimsoll", Seconds: 3}
	changes, plain := lineOf(t, "change: on\n", nil), lineOf(t, "failOn: none\npodSecurity: baseline\n", nil)
	apply := func(of string, want ...string) {
		t.Helper()
		l := plain
		if of == "changes" {
			l = changes
		}
		did, err := Apply(ctx, d.client, l, p, "plimsoll")
		d.must(err)
		if !slices.Equal(did, want) {
			t.Fatalf("%q, want %q", did, want)
		}
	}
	validating := d.resource("validatingwebhookconfigurations", group+"/v1", "")
	mutating := d.resource("mutatingwebhookconfigurations", group+"/v1", "")

	if _, err := Apply(ctx, d.client, plain, p, "nobody"); !apierrors.IsNotFound(err) {
		t.Fatalf("an owner that is not there: %v", err)
	}
	apply("changes", "validatingwebhookconfigurations plimsoll: created", "mutatingwebhookconfigurations plimsoll: created")
	r := &Registration{Client: d.client, Name: "plimsoll", Changes: true}
	d.must(r.Trust(ctx, []byte("-----BEGIN CERTIFICATE-----\n")))
	apply("changes", "validatingwebhookconfigurations plimsoll: updated", "mutatingwebhookconfigurations plimsoll: updated")
	o, err := validating.Get(ctx, "plimsoll", metav1.GetOptions{})
	d.must(err)
	each(o.Object, func(client map[string]any) {
		if client["caBundle"] == nil {
			t.Error("an update lost the authority that was trusted")
		}
	})
	apply("plain", "validatingwebhookconfigurations plimsoll: updated", "mutatingwebhookconfigurations plimsoll: deleted: the line has nothing for it")

	foreign := &unstructured.Unstructured{Object: map[string]any{"apiVersion": group + "/v1", "kind": "MutatingWebhookConfiguration", "metadata": map[string]any{"name": "plimsoll"}}}
	_, err = mutating.Create(ctx, foreign, metav1.CreateOptions{})
	d.must(err)
	apply("plain", "validatingwebhookconfigurations plimsoll: updated")

	d.must(d.resource("clusterroles", "rbac.authorization.k8s.io/v1", "").Delete(ctx, "plimsoll", metav1.DeleteOptions{}))
	for range 300 {
		if _, err = validating.Get(ctx, "plimsoll", metav1.GetOptions{}); apierrors.IsNotFound(err) {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Fatalf("the configuration outlives its owner: %v", err)
}
