package token

import (
	"os"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/plimsoll/plimsoll/internal/read/kube"
	"github.com/plimsoll/plimsoll/internal/read/kube/client"
	"github.com/plimsoll/plimsoll/testbed/cluster"
)

// TestSecret has two servers share the Secret of deploy/directory on a real API server, with the rights that are given there.
func TestSecret(t *testing.T) {
	server := cluster.Start(t)
	admin, err := client.Open(server.Kubeconfig("admin", "system:masters"))
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile("../../../../deploy/directory/plimsoll.yaml")
	if err != nil {
		t.Fatal(err)
	}
	objects, problems := kube.Manifest("plimsoll.yaml", text)
	if len(problems) > 0 {
		t.Fatal(problems[0])
	}
	plurals := map[string]string{
		"Namespace": "namespaces", "ConfigMap": "configmaps", "Secret": "secrets", "ServiceAccount": "serviceaccounts", "Role": "roles", "RoleBinding": "rolebindings",
		"Deployment": "deployments", "Service": "services", "PodDisruptionBudget": "poddisruptionbudgets", "NetworkPolicy": "networkpolicies",
	}
	strict := metav1.CreateOptions{FieldValidation: metav1.FieldValidationStrict}
	for _, o := range objects {
		gv, err := schema.ParseGroupVersion(o.APIVersion)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := admin.Resource(gv.WithResource(plurals[o.Kind])).Namespace(o.Namespace).Create(ctx, &unstructured.Unstructured{Object: o.Fields}, strict); err != nil {
			t.Fatalf("%s %s: %v", o.Kind, o.Name, err)
		}
	}
	c, err := client.Open(server.Kubeconfig("system:serviceaccount:people:directory", "system:serviceaccounts"))
	if err != nil {
		t.Fatal(err)
	}
	store := &Secret{Client: c, Namespace: "people", Name: "directory-keys"}
	at := noon()
	opened := make(chan *Mint, 4)
	for range 4 { // all find no key, and one is written
		go func() {
			m, err := Open(ctx, store, time.Minute, at.now)
			if err != nil {
				t.Error(err)
			}
			opened <- m
		}()
	}
	one, other := <-opened, <-opened
	<-opened
	<-opened
	if one == nil || other == nil {
		t.FailNow()
	}
	token, claims := sign(t, one)
	if _, err := other.Verify(ctx, token, []string{here}); err != nil {
		t.Fatal(err)
	}
	if err := one.Revoke(ctx, claims); err != nil {
		t.Fatal(err)
	}
	refresh(t, other)
	if _, err := other.Verify(ctx, token, []string{here}); err == nil {
		t.Error("it was revoked")
	}
	token, _ = sign(t, other)
	at.at = at.at.Add(time.Second)
	if err := RevokePerson(ctx, store, "ldap:alice", at.now()); err != nil {
		t.Fatal(err)
	}
	refresh(t, one)
	if _, err := one.Verify(ctx, token, []string{here}); err == nil {
		t.Error("all that alice has was revoked")
	}
	at.at = at.at.Add(24 * time.Hour)
	refresh(t, one)
	at.at = at.at.Add(time.Hour)
	refresh(t, other)
	if items, err := store.Read(ctx); err != nil || len(items) != 1 {
		t.Errorf("%d items are kept: %v", len(items), err)
	}
	// It may read no other Secret.
	if _, err := (&Secret{Client: c, Namespace: "people", Name: "directory-password"}).Read(ctx); err == nil {
		t.Error("it reads another")
	}
}
