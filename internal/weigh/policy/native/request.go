package native

import (
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/plimsoll/plimsoll/internal/expr/admission"
	"github.com/plimsoll/plimsoll/internal/read/kube"
)

// clusterWide are the kinds of Kubernetes that are in no namespace, by group.
var clusterWide = map[string]string{
	"":                             "Namespace Node PersistentVolume ComponentStatus",
	"rbac.authorization.k8s.io":    "ClusterRole ClusterRoleBinding",
	"storage.k8s.io":               "StorageClass CSIDriver CSINode VolumeAttachment VolumeAttributesClass",
	"scheduling.k8s.io":            "PriorityClass",
	"networking.k8s.io":            "IngressClass IPAddress ServiceCIDR",
	"node.k8s.io":                  "RuntimeClass",
	"certificates.k8s.io":          "CertificateSigningRequest ClusterTrustBundle",
	"apiextensions.k8s.io":         "CustomResourceDefinition",
	"apiregistration.k8s.io":       "APIService",
	"flowcontrol.apiserver.k8s.io": "FlowSchema PriorityLevelConfiguration",
	"resource.k8s.io":              "DeviceClass ResourceSlice DeviceTaintRule",
	"internal.apiserver.k8s.io":    "StorageVersion",
	"storagemigration.k8s.io":      "StorageVersionMigration",
	group: "ValidatingAdmissionPolicy ValidatingAdmissionPolicyBinding MutatingAdmissionPolicy MutatingAdmissionPolicyBinding " +
		"ValidatingWebhookConfiguration MutatingWebhookConfiguration",
}

// definition is the CustomResourceDefinition of a kind, if it was read.
func definition(around *kube.Snapshot, kind schema.GroupVersionKind) map[string]any {
	if around == nil {
		return nil
	}
	for _, o := range around.Of("apiextensions.k8s.io", "CustomResourceDefinition", "") {
		spec, _ := o.Fields["spec"].(map[string]any)
		names, _ := spec["names"].(map[string]any)
		if spec["group"] == kind.Group && names["kind"] == kind.Kind {
			return spec
		}
	}
	return nil
}

// namespaced says whether objects of a kind are in namespaces; of a custom kind its definition does, and if that was
// not read, they are taken to be.
func (j *judging) namespaced(kind schema.GroupVersionKind) bool {
	return namespaced(j.world.Around, kind)
}

func namespaced(around *kube.Snapshot, kind schema.GroupVersionKind) bool {
	if d := definition(around, kind); d != nil {
		return d["scope"] != "Cluster"
	}
	for _, name := range strings.Fields(clusterWide[kind.Group]) {
		if name == kind.Kind {
			return false
		}
	}
	return true
}

// resourceOf is the plural under which an API server serves a kind.
func resourceOf(around *kube.Snapshot, kind schema.GroupVersionKind) schema.GroupVersionResource {
	names, _ := definition(around, kind)["names"].(map[string]any)
	if plural, ok := names["plural"].(string); ok {
		return kind.GroupVersion().WithResource(plural)
	}
	plural, _ := meta.UnsafeGuessKindToResource(kind)
	return plural
}

// Served says under which name objects of a kind are served, and whether they are in namespaces.
func Served(around *kube.Snapshot, kind schema.GroupVersionKind) (r schema.GroupVersionResource, inNamespaces bool) {
	return resourceOf(around, kind), namespaced(around, kind)
}

// Creation is the request by which somebody creates an object. Of an object that names no namespace, and is in one,
// it is the one that is given.
func Creation(o *kube.Object, namespace string, by admission.User, w World) (*admission.Request, error) {
	kind := o.GroupVersionKind()
	in := ""
	if namespaced(w.Around, kind) {
		in = namespaceOf(o, namespace)
	}
	of := *o
	if in != o.Namespace && in != "" {
		of.Fields = within(o.Fields, in)
	}
	typed, _, err := of.Typed()
	if err != nil {
		return nil, err
	}
	named, err := meta.Accessor(typed)
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", o.Kind, o.Name, err)
	}
	r := &admission.Request{
		Operation: "CREATE", Kind: kind, Resource: resourceOf(w.Around, kind), Namespace: in, Name: named.GetName(), Object: typed, User: by,
		Options: &metav1.CreateOptions{TypeMeta: metav1.TypeMeta{APIVersion: "meta.k8s.io/v1", Kind: "CreateOptions"}},
	}
	if kind.Group == "" && kind.Kind == "Namespace" {
		r.Namespace = r.Name // as the API server has it
	}
	return r, nil
}

// within is an object as it is in a namespace that it does not name.
func within(fields map[string]any, namespace string) map[string]any {
	copied := map[string]any{}
	for k, v := range fields {
		copied[k] = v
	}
	meta := map[string]any{}
	old, _ := fields["metadata"].(map[string]any)
	for k, v := range old {
		meta[k] = v
	}
	meta["namespace"] = namespace
	copied["metadata"] = meta
	return copied
}
