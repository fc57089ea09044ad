package operator

import (
	"context"
	"fmt"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/plimsoll/plimsoll/internal/read/kube"
)

func kind(group, version, kind string) schema.GroupVersionKind {
	return schema.GroupVersionKind{Group: group, Version: version, Kind: kind}
}

// Objects are asked for one by one as long as they are few; else all of their kind, a page at a time.
const (
	few  = 20
	page = 500
)

// reader reads a cluster: what is watched from memory, and all else of the API server.
type reader struct {
	watched client.Reader
	live    client.Reader
	also    []schema.GroupVersionKind // further kinds that count for what is in their namespace
}

// Heads are the metadata of what is judged.
func (r *reader) Heads(ctx context.Context, namespace string) (heads []*kube.Object, err error) {
	for _, k := range kube.Judged() {
		if kube.Wide(k) != (namespace == "") {
			continue
		}
		list := &metav1.PartialObjectMetadataList{}
		list.SetGroupVersionKind(k.GroupVersion().WithKind(k.Kind + "List"))
		if err := r.watched.List(ctx, list, client.InNamespace(namespace), client.UnsafeDisableDeepCopy); err != nil {
			return nil, fmt.Errorf("list %s: %w", k.Kind, err)
		}
		for i := range list.Items {
			fields, err := runtime.DefaultUnstructuredConverter.ToUnstructured(&list.Items[i].ObjectMeta)
			if err != nil {
				return nil, fmt.Errorf("read the metadata of %s %s: %w", k.Kind, list.Items[i].Name, err)
			}
			heads = append(heads, object(k, map[string]any{"metadata": fields}))
		}
	}
	return heads, nil
}

// object is one as the readers of manifests know it.
func object(k schema.GroupVersionKind, fields map[string]any) *kube.Object {
	fields["apiVersion"], fields["kind"] = k.GroupVersion().String(), k.Kind
	o := &kube.Object{APIVersion: k.GroupVersion().String(), Kind: k.Kind, Fields: fields}
	meta, _ := fields["metadata"].(map[string]any)
	o.Namespace, _ = meta["namespace"].(string)
	o.Name, _ = meta["name"].(string)
	return o
}

func objectOf(u *unstructured.Unstructured) *kube.Object {
	return object(u.GroupVersionKind(), u.Object)
}

// list reads all watched objects of a kind, whole.
func (r *reader) list(ctx context.Context, k schema.GroupVersionKind, namespace string) (all []*kube.Object, err error) {
	list := &unstructured.UnstructuredList{}
	list.SetGroupVersionKind(k.GroupVersion().WithKind(k.Kind + "List"))
	if err := r.watched.List(ctx, list, client.InNamespace(namespace)); err != nil {
		return nil, fmt.Errorf("list %s: %w", k.Kind, err)
	}
	for i := range list.Items {
		all = append(all, object(k, list.Items[i].Object))
	}
	return all, nil
}

// Around are what counts for the objects of a namespace, and the namespace itself.
func (r *reader) Around(ctx context.Context, namespace string) (all []*kube.Object, err error) {
	if namespace == "" {
		return nil, nil
	}
	ns := &unstructured.Unstructured{}
	ns.SetGroupVersionKind(kind("", "v1", "Namespace"))
	switch err := r.live.Get(ctx, client.ObjectKey{Name: namespace}, ns); {
	case apierrors.IsNotFound(err):
	case err != nil:
		return nil, fmt.Errorf("read namespace %s: %w", namespace, err)
	default:
		all = append(all, objectOf(ns))
	}
	bound := map[string]bool{}
	for _, k := range kube.Around() {
		of, err := r.list(ctx, k, namespace)
		if err != nil {
			return nil, err
		}
		for _, o := range of {
			if name, _, _ := unstructured.NestedString(o.Fields, "spec", "volumeName"); name != "" {
				bound[name] = true
			}
		}
		all = append(all, of...)
	}
	for _, k := range r.also {
		err := r.pages(ctx, k, namespace, nil, func(o *kube.Object) error {
			all = append(all, o)
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	volumes, err := r.list(ctx, kube.Volume(), "")
	for _, v := range volumes {
		// Volumes that other namespaces claim count there.
		if in, _, _ := unstructured.NestedString(v.Fields, "spec", "claimRef", "namespace"); in == "" || in == namespace || bound[v.Name] {
			all = append(all, v)
		}
	}
	return all, err
}

// Fetch hands over what heads stand for, whole.
func (r *reader) Fetch(ctx context.Context, namespace string, heads []*kube.Object, each func(*kube.Object) error) error {
	for _, k := range kube.Judged() {
		wanted := map[string]bool{}
		for _, h := range heads {
			if h.Is(k.Group, k.Kind) {
				wanted[h.Name] = true
			}
		}
		var err error
		if len(wanted) <= few {
			err = r.one(ctx, k, namespace, wanted, each)
		} else {
			err = r.pages(ctx, k, namespace, wanted, each)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (r *reader) one(ctx context.Context, k schema.GroupVersionKind, namespace string, wanted map[string]bool, each func(*kube.Object) error) error {
	for name := range wanted {
		u := &unstructured.Unstructured{}
		u.SetGroupVersionKind(k)
		err := r.live.Get(ctx, client.ObjectKey{Namespace: namespace, Name: name}, u)
		switch {
		case apierrors.IsNotFound(err):
			continue
		case err != nil:
			return fmt.Errorf("read %s %s: %w", k.Kind, name, err)
		}
		if err := each(objectOf(u)); err != nil {
			return err
		}
	}
	return nil
}

// pages lists what is wanted; nil is all.
func (r *reader) pages(ctx context.Context, k schema.GroupVersionKind, namespace string, wanted map[string]bool, each func(*kube.Object) error) error {
	next := ""
	for {
		list := &unstructured.UnstructuredList{}
		list.SetGroupVersionKind(k.GroupVersion().WithKind(k.Kind + "List"))
		if err := r.live.List(ctx, list, client.InNamespace(namespace), client.Limit(page), client.Continue(next)); err != nil {
			return fmt.Errorf("list %s: %w", k.Kind, err)
		}
		for i := range list.Items {
			u := &list.Items[i]
			if wanted != nil && !wanted[u.GetName()] {
				continue
			}
			if err := each(object(k, u.Object)); err != nil { // a list need not name the kind in each
				return err
			}
		}
		if next = list.GetContinue(); next == "" {
			return nil
		}
	}
}

// lean drops of watched objects what nobody asks: who wrote which field, the second copy that kubectl keeps, and of what
// is kept whole its status.
func lean(in any) (any, error) {
	o, ok := in.(client.Object)
	if !ok {
		return in, nil
	}
	o.SetManagedFields(nil)
	if notes := o.GetAnnotations(); notes[kube.LastApplied] != "" {
		delete(notes, kube.LastApplied)
		o.SetAnnotations(notes)
	}
	if u, ok := in.(*unstructured.Unstructured); ok && slices.Contains(append(kube.Around(), kube.Volume()), u.GroupVersionKind()) {
		delete(u.Object, "status")
	}
	return in, nil
}
