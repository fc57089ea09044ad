package webhook

import (
	"context"
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"

	"github.com/plimsoll/plimsoll/internal/deck/admit"
)

const group = "admissionregistration.k8s.io"

// Apply writes the configurations that fit a line into the cluster, in place of those of their name, and returns what it
// did, in words. Authorities that are trusted already stay so unless the place names some. Owner is the ClusterRole that
// they go with when it is deleted; empty: none.
func Apply(ctx context.Context, c dynamic.Interface, l *admit.Line, p Place, owner string) (did []string, err error) {
	var owners []metav1.OwnerReference
	if owner != "" {
		role, err := c.Resource(schema.GroupVersionResource{Group: "rbac.authorization.k8s.io", Version: "v1", Resource: "clusterroles"}).Get(ctx, owner, metav1.GetOptions{})
		if err != nil {
			return nil, fmt.Errorf("read the owner, ClusterRole %s: %w", owner, err)
		}
		owners = []metav1.OwnerReference{{APIVersion: role.GetAPIVersion(), Kind: role.GetKind(), Name: owner, UID: role.GetUID()}}
	}
	validation, err := Fields(Configuration(l, p))
	if err != nil {
		return nil, err
	}
	var mutation map[string]any
	if m := Mutation(l, p); m != nil {
		if mutation, err = Fields(m); err != nil {
			return nil, err
		}
	}
	for _, one := range []struct {
		resource string
		fields   map[string]any
	}{{"validatingwebhookconfigurations", validation}, {"mutatingwebhookconfigurations", mutation}} {
		of := c.Resource(schema.GroupVersionResource{Group: group, Version: "v1", Resource: one.resource})
		done, err := put(ctx, of, p.Name, one.fields, owners)
		if err != nil {
			return did, fmt.Errorf("write %s %s: %w", one.resource, p.Name, err)
		}
		if done != "" {
			did = append(did, fmt.Sprintf("%s %s: %s", one.resource, p.Name, done))
		}
	}
	return did, nil
}

// put writes one configuration; without fields there is to be none.
func put(ctx context.Context, of dynamic.ResourceInterface, name string, fields map[string]any, owners []metav1.OwnerReference) (string, error) {
	had, err := of.Get(ctx, name, metav1.GetOptions{})
	if err != nil && !apierrors.IsNotFound(err) {
		return "", err
	}
	missing := err != nil
	if fields == nil {
		if missing || had.GetLabels()[label] != ours {
			return "", nil
		}
		return "deleted: the line has nothing for it", of.Delete(ctx, name, metav1.DeleteOptions{})
	}
	o := &unstructured.Unstructured{Object: fields}
	if err := Unsafe(fields); err != nil {
		return "", err
	}
	if owners != nil {
		o.SetOwnerReferences(owners)
	} else if !missing {
		o.SetOwnerReferences(had.GetOwnerReferences())
	}
	if missing {
		_, err := of.Create(ctx, o, metav1.CreateOptions{})
		return "created", err
	}
	if had.GetLabels()[label] != ours {
		return "", fmt.Errorf("there is one of this name that is not ours (it has no label %s=%s): give another --name", label, ours)
	}
	o.SetResourceVersion(had.GetResourceVersion())
	keepTrust(had.Object, fields)
	_, err = of.Update(ctx, o, metav1.UpdateOptions{})
	return "updated", err
}

// keepTrust has the webhooks of a configuration trust what those before them did, where they name no authority.
func keepTrust(before, now map[string]any) {
	var trusted string
	each(before, func(client map[string]any) {
		if bundle, _ := client["caBundle"].(string); bundle != "" {
			trusted = bundle
		}
	})
	each(now, func(client map[string]any) {
		if bundle, _ := client["caBundle"].(string); bundle == "" && trusted != "" {
			client["caBundle"] = trusted
		}
	})
}

// each calls for how each webhook of a configuration is reached.
func each(configuration map[string]any, call func(client map[string]any)) {
	webhooks, _ := configuration["webhooks"].([]any)
	for _, w := range webhooks {
		fields, _ := w.(map[string]any)
		if client, _ := fields["clientConfig"].(map[string]any); client != nil {
			call(client)
		}
	}
}

// Wait waits until the configurations are there.
func (r *Registration) Wait(ctx context.Context, note func(error)) error {
	for {
		missing := false
		for _, of := range r.resources() {
			_, err := r.read(ctx, of)
			if err != nil && !apierrors.IsNotFound(err) {
				return err
			}
			if err != nil && !missing {
				note(err)
			}
			missing = missing || err != nil
		}
		if !missing {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(2 * time.Second):
		}
	}
}
