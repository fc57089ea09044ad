package certificate

import (
	"context"
	"encoding/base64"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
)

// Secret keeps a state in a Secret of the cluster, which all replicas of a server share.
type Secret struct {
	Client          dynamic.Interface
	Namespace, Name string
}

func (s *Secret) resource() dynamic.ResourceInterface {
	return s.Client.Resource(schema.GroupVersionResource{Version: "v1", Resource: "secrets"}).Namespace(s.Namespace)
}

// Load reads the state.
func (s *Secret) Load(ctx context.Context) (state State, version string, err error) {
	o, err := s.resource().Get(ctx, s.Name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return state, "", nil
	}
	if err != nil {
		return state, "", fmt.Errorf("read secret %s/%s: %w", s.Namespace, s.Name, err)
	}
	data, _, _ := unstructured.NestedStringMap(o.Object, "data")
	for _, p := range state.parts() {
		if *p.text, err = base64.StdEncoding.DecodeString(data[p.name]); err != nil {
			return state, "", fmt.Errorf("read secret %s/%s: %s: %w", s.Namespace, s.Name, p.name, err)
		}
	}
	return state, o.GetResourceVersion(), nil
}

// Save writes the state over the version that was read.
func (s *Secret) Save(ctx context.Context, state State, version string) error {
	data := map[string]any{}
	for _, p := range state.parts() {
		data[p.name] = base64.StdEncoding.EncodeToString(*p.text)
	}
	o := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls", "data": data,
		"metadata": map[string]any{"namespace": s.Namespace, "name": s.Name},
	}}
	var err error
	if version == "" {
		_, err = s.resource().Create(ctx, o, metav1.CreateOptions{})
	} else {
		o.SetResourceVersion(version)
		_, err = s.resource().Update(ctx, o, metav1.UpdateOptions{})
	}
	switch {
	case apierrors.IsAlreadyExists(err), apierrors.IsConflict(err):
		return ErrConflict
	case err != nil:
		return fmt.Errorf("write secret %s/%s: %w", s.Namespace, s.Name, err)
	}
	return nil
}
