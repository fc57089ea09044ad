package kube

import (
	"slices"

	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Maker is a kind of Kubernetes' own whose objects make pods, or are one (k8s.io/api v0.37).
type Maker struct {
	schema.GroupVersionKind
	Template   string // where the pod stands in the object; empty: the object is one
	Makes      string // of which kind the objects are that its controller makes of it; empty: it has none
	Controller string // the account, in kube-system, that makes the pods in the end
}

// makers are all of them. What makes others stands before these.
var makers = []Maker{
	{kind("batch", "CronJob"), "spec.jobTemplate.spec.template", "Job", "job-controller"},
	{kind("apps", "Deployment"), "spec.template", "ReplicaSet", "replicaset-controller"},
	{kind("batch", "Job"), "spec.template", "Pod", "job-controller"},
	{kind("apps", "ReplicaSet"), "spec.template", "Pod", "replicaset-controller"},
	{kind("apps", "StatefulSet"), "spec.template", "Pod", "statefulset-controller"},
	{kind("apps", "DaemonSet"), "spec.template", "Pod", "daemon-set-controller"},
	{kind("", "ReplicationController"), "spec.template", "Pod", "replication-controller"},
	{kind("", "PodTemplate"), "template", "", ""},
	{kind("", "Pod"), "", "", ""},
}

// Makers lists the kinds of Kubernetes' own that make pods.
func Makers() []Maker { return slices.Clone(makers) }

// MakerOf is what a kind is among these, in whatever version. Deployments and what they make were of the group extensions
// once.
func MakerOf(group, kind string) (m Maker, ok bool) {
	if group == "extensions" {
		group = "apps"
	}
	for _, m := range makers {
		if m.Group == group && m.Kind == kind {
			return m, true
		}
	}
	return m, false
}

// IsMade says that controllers make objects of a kind.
func IsMade(group, kind string) bool {
	of, known := MakerOf(group, kind)
	return known && slices.ContainsFunc(makers, func(m Maker) bool { return m.Makes == of.Kind })
}

func kind(group, kind string) schema.GroupVersionKind {
	return schema.GroupVersionKind{Group: group, Version: "v1", Kind: kind}
}

// Judged are the kinds of a cluster that are judged. What makes others stands before these.
func Judged() []schema.GroupVersionKind {
	all := []schema.GroupVersionKind{kind("", "Namespace")}
	for _, m := range makers {
		all = append(all, m.GroupVersionKind)
	}
	return append(all, kind("", "Service"), kind("networking.k8s.io", "Ingress"), kind("networking.k8s.io", "NetworkPolicy"))
}

// Around are the kinds that count for what is judged in their namespace. They are few and small.
func Around() []schema.GroupVersionKind {
	return []schema.GroupVersionKind{
		kind("", "LimitRange"), kind("", "ResourceQuota"), kind("", "PersistentVolumeClaim"), kind("", "ServiceAccount"),
	}
}

// Access are the kinds that say who may do what.
func Access() []schema.GroupVersionKind {
	const group = "rbac.authorization.k8s.io"
	return []schema.GroupVersionKind{
		kind(group, "ClusterRole"), kind(group, "ClusterRoleBinding"), kind(group, "Role"), kind(group, "RoleBinding"),
		kind("certificates.k8s.io", "CertificateSigningRequest"),
	}
}

// Read are all kinds that are read of a cluster, in the order in which they are.
func Read() []schema.GroupVersionKind {
	return slices.Concat(Judged(), Around(), []schema.GroupVersionKind{Volume()}, Access())
}

// Network are the kinds that say who reaches whom, beside those that are judged. A cluster may not have those that are not
// Kubernetes' own.
func Network() (own, optional []schema.GroupVersionKind) {
	const policies, gateways = "policy.networking.k8s.io", "gateway.networking.k8s.io"
	const admission = "admissionregistration.k8s.io" // whom the API server calls
	return []schema.GroupVersionKind{kind("", "Node"), kind(admission, "ValidatingWebhookConfiguration"), kind(admission, "MutatingWebhookConfiguration")}, []schema.GroupVersionKind{
		{Group: policies, Version: "v1alpha2", Kind: "ClusterNetworkPolicy"},
		{Group: policies, Version: "v1alpha1", Kind: "AdminNetworkPolicy"},
		{Group: policies, Version: "v1alpha1", Kind: "BaselineAdminNetworkPolicy"},
		kind(gateways, "Gateway"), kind(gateways, "HTTPRoute"), kind(gateways, "GRPCRoute"),
		{Group: gateways, Version: "v1beta1", Kind: "ReferenceGrant"},
		{Group: gateways, Version: "v1alpha2", Kind: "TCPRoute"},
		{Group: gateways, Version: "v1alpha2", Kind: "TLSRoute"},
		{Group: gateways, Version: "v1alpha2", Kind: "UDPRoute"},
		{Group: "cilium.io", Version: "v2", Kind: "CiliumNetworkPolicy"},
		{Group: "cilium.io", Version: "v2", Kind: "CiliumClusterwideNetworkPolicy"},
		kind("crd.projectcalico.org", "NetworkPolicy"), kind("crd.projectcalico.org", "GlobalNetworkPolicy"),
		{Group: "projectcalico.org", Version: "v3", Kind: "NetworkPolicy"},
		{Group: "projectcalico.org", Version: "v3", Kind: "GlobalNetworkPolicy"},
		{Group: "crd.antrea.io", Version: "v1beta1", Kind: "NetworkPolicy"},
		{Group: "crd.antrea.io", Version: "v1beta1", Kind: "ClusterNetworkPolicy"},
		kind("k8s.ovn.org", "EgressFirewall"),
	}
}

// Named is one object of a kind.
type Named struct {
	schema.GroupVersionKind
	Namespace, Name string
}

// Server is the object that says where the API server takes connections, which it keeps itself.
func Server() Named {
	return Named{GroupVersionKind: kind("discovery.k8s.io", "EndpointSlice"), Namespace: "default", Name: "kubernetes"}
}

// Volume is the kind of what claims are bound to.
func Volume() schema.GroupVersionKind { return kind("", "PersistentVolume") }

// Wide says of one of these kinds that its objects belong to no namespace.
func Wide(k schema.GroupVersionKind) bool {
	return slices.Contains([]string{"Namespace", "ClusterRole", "ClusterRoleBinding", "CertificateSigningRequest", "Node", "ValidatingWebhookConfiguration", "MutatingWebhookConfiguration"}, k.Kind) || k == Volume()
}
