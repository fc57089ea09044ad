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
}

func (r *Registration) resource() dynamic.ResourceInterface {
	return r.Client.Resource(schema.GroupVersionResource{Group: "admissionregistration.k8s.io", Version: "v1", Resource: "validatingwebhookconfigurations"})
}

// Inspect says what is unsafe about the configuration: nil when a stopped cluster can start again with it.
func (r *Registration) Inspect(ctx context.Context) (unsafe, err error) {
	o, err := r.read(ctx)
	if err != nil {
		return nil, err
	}
	return Unsafe(o.Object), nil
}

func (r *Registration) read(ctx context.Context) (*unstructured.Unstructured, error) {
	o, err := r.resource().Get(ctx, r.Name, metav1.GetOptions{})
	if err != nil {
		return nil, fmt.Errorf("read the webhook configuration %s (plimsoll admit export --to webhook writes it): %w", r.Name, err)
	}
	return o, nil
}

// Unsafe says what about a webhook configuration could keep a cluster from starting.
func Unsafe(fields map[string]any) error {
	o := &kube.Object{APIVersion: "admissionregistration.k8s.io/v1", Kind: "ValidatingWebhookConfiguration", Fields: fields}
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
	o, err := r.read(ctx)
	if err != nil {
		return err
	}
	webhooks, _, err := unstructured.NestedSlice(o.Object, "webhooks")
	if err != nil {
		return fmt.Errorf("read the webhook configuration %s: %w", r.Name, err)
	}
	changed := false
	for _, w := range webhooks {
		config, _ := w.(map[string]any)["clientConfig"].(map[string]any)
		had, _ := config["caBundle"].(string)
		now, _ := base64.StdEncoding.DecodeString(had)
		if config != nil && !bytes.Equal(now, bundle) {
			config["caBundle"], changed = base64.StdEncoding.EncodeToString(bundle), true
		}
	}
	if !changed {
		return nil
	}
	if err := unstructured.SetNestedSlice(o.Object, webhooks, "webhooks"); err != nil {
		return err
	}
	if _, err := r.resource().Update(ctx, o, metav1.UpdateOptions{}); err != nil {
		return fmt.Errorf("write the authority into the webhook configuration %s: %w", r.Name, err)
	}
	return nil
}

// Fields are a configuration as an object's fields.
func Fields(of any) (map[string]any, error) {
	return runtime.DefaultUnstructuredConverter.ToUnstructured(of)
}
