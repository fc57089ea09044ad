package kube

import (
	"fmt"
	"strings"
	"sync"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	appsv1 "k8s.io/api/apps/v1"
	autoscalingv1 "k8s.io/api/autoscaling/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	batchv1 "k8s.io/api/batch/v1"
	certificatesv1 "k8s.io/api/certificates/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	networkingv1 "k8s.io/api/networking/v1"
	nodev1 "k8s.io/api/node/v1"
	policyv1 "k8s.io/api/policy/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	schedulingv1 "k8s.io/api/scheduling/v1"
	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

var scheme = sync.OnceValues(func() (*runtime.Scheme, error) {
	s := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{
		admissionregistrationv1.AddToScheme, appsv1.AddToScheme, autoscalingv1.AddToScheme, autoscalingv2.AddToScheme, batchv1.AddToScheme,
		certificatesv1.AddToScheme, coordinationv1.AddToScheme, corev1.AddToScheme, discoveryv1.AddToScheme, networkingv1.AddToScheme,
		nodev1.AddToScheme, policyv1.AddToScheme, rbacv1.AddToScheme, schedulingv1.AddToScheme, storagev1.AddToScheme,
	} {
		if err := add(s); err != nil {
			return nil, fmt.Errorf("register the kinds of Kubernetes: %w", err)
		}
	}
	return s, nil
})

// Serves says whether an API server has a kind of one of Kubernetes' own groups, and whether all kinds of the group are
// known here. A group without a dot is Kubernetes' own, or none.
func Serves(kind schema.GroupKind) (served, all bool) {
	s, err := scheme()
	if err != nil {
		return false, false
	}
	all = !strings.Contains(kind.Group, ".") || kind.Group == networkingv1.GroupName || kind.Group == rbacv1.GroupName
	return len(s.VersionsForGroupKind(kind)) > 0, all
}

// GroupVersionKind names the object's kind as Kubernetes' libraries do.
func (o *Object) GroupVersionKind() schema.GroupVersionKind {
	return schema.FromAPIVersionAndKind(o.APIVersion, o.Kind)
}

// Typed is the object as an API server has it before it is admitted: of its own type, without fields that it does not
// know, and with the values that it fills in ([Default]). Filled says that these are known for the kind; of custom kinds,
// which remain Unstructured, and of some of its own they are not.
func (o *Object) Typed() (typed runtime.Object, filled bool, err error) {
	s, err := scheme()
	if err != nil {
		return nil, false, err
	}
	kind := o.GroupVersionKind()
	if !s.Recognizes(kind) {
		return &unstructured.Unstructured{Object: o.Fields}, false, nil
	}
	if typed, err = s.New(kind); err != nil {
		return nil, false, err
	}
	if err := decode(o.Fields, typed, nil); err != nil {
		return nil, false, fmt.Errorf("read %s %s as the API server would: %w", o.Kind, o.Name, err)
	}
	typed.GetObjectKind().SetGroupVersionKind(kind)
	return typed, Default(typed), nil
}

// TypedPod is [Object.Typed] of a Pod that was read already.
func (w *Workload) TypedPod() (*corev1.Pod, error) {
	p := &corev1.Pod{ObjectMeta: *w.Meta.DeepCopy(), Spec: *w.Spec.DeepCopy()}
	if err := decode(w.Written["status"], &p.Status, nil); err != nil {
		return nil, fmt.Errorf("read the pod's status as the API server would: %w", err)
	}
	p.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("Pod"))
	defaultPod(p)
	return p, nil
}

// Decode reads the object into a type of its kind, as an API server would. Unknown are fields that the type does not
// have, in words: an object of a newer version of its API, or one that is written wrongly.
func (o *Object) Decode(into any) (unknown []string, err error) {
	err = decode(o.Fields, into, &unknown)
	return unknown, err
}
