package webhook

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/judge/admission"
	"github.com/plimsoll/plimsoll/internal/read/kube"
)

// Registration is the configuration by which the API server knows the server.
type Registration struct {
	Client dynamic.Interface
	Name   string
	// Changes says that there is one by which it is asked to change pods, too, of the same name.
	Changes bool
}

// resources are the kinds of configurations that there are to be.
func (r *Registration) resources() (all []dynamic.ResourceInterface) {
	names := []string{"validatingwebhookconfigurations"}
	if r.Changes {
		names = append(names, "mutatingwebhookconfigurations")
	}
	for _, name := range names {
		all = append(all, r.Client.Resource(schema.GroupVersionResource{Group: "admissionregistration.k8s.io", Version: "v1", Resource: name}))
	}
	return all
}

// Inspect says what is unsafe about the configuration: nil when a stopped cluster can start again with it.
func (r *Registration) Inspect(ctx context.Context) (unsafe, err error) {
	var all []error
	for _, of := range r.resources() {
		o, err := r.read(ctx, of)
		if err != nil {
			return nil, err
		}
		all = append(all, Unsafe(o.Object))
	}
	return errors.Join(all...), nil
}

func (r *Registration) read(ctx context.Context, of dynamic.ResourceInterface) (*unstructured.Unstructured, error) {
	o, err := of.Get(ctx, r.Name, metav1.GetOptions{})
	if err != nil {
		return nil, fmt.Errorf("read the webhook configuration %s (plimsoll admit export --to webhook writes it): %w", r.Name, err)
	}
	return o, nil
}

// Unsafe says what about a webhook configuration could keep a cluster from starting.
func Unsafe(fields map[string]any) error {
	kind, _ := fields["kind"].(string)
	o := &kube.Object{APIVersion: "admissionregistration.k8s.io/v1", Kind: kind, Fields: fields}
	meta, _ := fields["metadata"].(map[string]any)
	o.Name, _ = meta["name"].(string)
	var all []error
	for _, c := range admission.Checks() {
		hits, err := c.Look(o, nil)
		if err != nil {
			return err
		}
		for _, h := range hits {
			if c.Severity.Rank() >= finding.High.Rank() {
				all = append(all, fmt.Errorf("%s: %s (%s)", c.ID, h.Detail, c.Page.Fix))
			}
		}
	}
	return errors.Join(all...)
}

// Trust has the API server trust the authorities, in every webhook of the configuration. Of several servers that do
// so, those that come late find it done, or find it done when they look again.
func (r *Registration) Trust(ctx context.Context, bundle []byte) error {
	for _, of := range r.resources() {
		if err := r.trust(ctx, of, bundle); err != nil {
			return err
		}
	}
	return nil
}

func (r *Registration) trust(ctx context.Context, of dynamic.ResourceInterface, bundle []byte) error {
	o, err := r.read(ctx, of)
	if err != nil {
		return err
	}
	changed := false
	each(o.Object, func(client map[string]any) {
		had, _ := client["caBundle"].(string)
		if now, _ := base64.StdEncoding.DecodeString(had); !bytes.Equal(now, bundle) {
			client["caBundle"], changed = base64.StdEncoding.EncodeToString(bundle), true
		}
	})
	if !changed {
		return nil
	}
	if _, err := of.Update(ctx, o, metav1.UpdateOptions{}); err != nil {
		return fmt.Errorf("write the authority into the webhook configuration %s: %w", r.Name, err)
	}
	return nil
}

// Fields are a configuration as an object's fields.
func Fields(of any) (map[string]any, error) {
	return runtime.DefaultUnstructuredConverter.ToUnstructured(of)
}
