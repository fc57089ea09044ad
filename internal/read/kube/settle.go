package kube

import (
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"
)

// wideKinds are the kinds of Kubernetes' own whose objects belong to no namespace (genclient:nonNamespaced in k8s.io/api v0.37,
// and k8s.io/apiextensions-apiserver and k8s.io/kube-aggregator), and those of the API groups beside it that are read here.
var wideKinds = []string{
	"APIService", "AdminNetworkPolicy", "BaselineAdminNetworkPolicy", "CSIDriver", "CSINode", "CertificateSigningRequest", "ClusterNetworkPolicy",
	"ClusterRole", "ClusterRoleBinding", "ClusterTrustBundle", "ComponentStatus", "CustomResourceDefinition", "DeviceClass", "DeviceTaintRule",
	"FlowSchema", "GatewayClass", "IPAddress", "ImageReview", "IngressClass", "MutatingAdmissionPolicy", "MutatingAdmissionPolicyBinding",
	"MutatingWebhookConfiguration", "Namespace", "Node", "PersistentVolume", "PodSecurityPolicy", "PriorityClass", "PriorityLevelConfiguration",
	"ResourcePoolStatusRequest", "ResourceSlice", "RuntimeClass", "SelfSubjectAccessReview", "SelfSubjectReview", "SelfSubjectRulesReview",
	"ServiceCIDR", "StorageClass", "StorageVersion", "StorageVersionMigration", "SubjectAccessReview", "TokenReview", "ValidatingAdmissionPolicy",
	"ValidatingAdmissionPolicyBinding", "ValidatingWebhookConfiguration", "VolumeAttachment", "VolumeAttributesClass",
}

// Settle has objects that name no namespace, of kinds that belong to one, lie in the one that they are installed into: Helm puts
// them in that of the release. Of kinds that are not Kubernetes' own a definition among the objects tells whether they do; where
// there is none, those whose names begin with Cluster or Global do not.
func Settle(objects []*Object, namespace string) {
	defined := map[schema.GroupKind]bool{} // whether it belongs to one
	for _, o := range objects {
		if o.Is("apiextensions.k8s.io", "CustomResourceDefinition") {
			spec, _ := o.Fields["spec"].(map[string]any)
			names, _ := spec["names"].(map[string]any)
			group, _ := spec["group"].(string)
			kind, _ := names["kind"].(string)
			defined[schema.GroupKind{Group: group, Kind: kind}] = spec["scope"] != "Cluster"
		}
	}
	for _, o := range objects {
		settled, known := defined[schema.GroupKind{Group: o.Group(), Kind: o.Kind}]
		switch {
		case known:
		case builtIn(o.Group()):
			settled = !slices.Contains(wideKinds, o.Kind)
		default:
			settled = !strings.HasPrefix(o.Kind, "Cluster") && !strings.HasPrefix(o.Kind, "Global")
		}
		meta, ok := o.Fields["metadata"].(map[string]any)
		if !settled || !ok || o.Namespace != "" {
			continue
		}
		o.Namespace, meta["namespace"] = namespace, namespace
	}
}
