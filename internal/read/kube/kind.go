package kube

import (
	"slices"

	"k8s.io/apimachinery/pkg/runtime/schema"
)

func kind(group, version, kind string) schema.GroupVersionKind {
	return schema.GroupVersionKind{Group: group, Version: version, Kind: kind}
}

// Judged are the kinds of a cluster that are judged. What makes others stands before these.
func Judged() []schema.GroupVersionKind {
	return []schema.GroupVersionKind{
		kind("", "v1", "Namespace"),
		kind("batch", "v1", "CronJob"), kind("apps", "v1", "Deployment"),
		kind("batch", "v1", "Job"), kind("apps", "v1", "ReplicaSet"), kind("apps", "v1", "StatefulSet"), kind("apps", "v1", "DaemonSet"),
		kind("", "v1", "ReplicationController"), kind("", "v1", "PodTemplate"), kind("", "v1", "Pod"),
		kind("", "v1", "Service"), kind("networking.k8s.io", "v1", "Ingress"), kind("networking.k8s.io", "v1", "NetworkPolicy"),
	}
}

// Around are the kinds that count for what is judged in their namespace. They are few and small.
func Around() []schema.GroupVersionKind {
	return []schema.GroupVersionKind{
		kind("", "v1", "LimitRange"), kind("", "v1", "ResourceQuota"), kind("", "v1", "PersistentVolumeClaim"), kind("", "v1", "ServiceAccount"),
	}
}

// Access are the kinds that say who may do what.
func Access() []schema.GroupVersionKind {
	const group = "rbac.authorization.k8s.io"
	return []schema.GroupVersionKind{
		kind(group, "v1", "ClusterRole"), kind(group, "v1", "ClusterRoleBinding"), kind(group, "v1", "Role"), kind(group, "v1", "RoleBinding"),
		kind("certificates.k8s.io", "v1", "CertificateSigningRequest"),
	}
}

// Read are all kinds that are read of a cluster, in the order in which they are.
func Read() []schema.GroupVersionKind {
	return slices.Concat(Judged(), Around(), []schema.GroupVersionKind{Volume()}, Access())
}

// Volume is the kind of what claims are bound to.
func Volume() schema.GroupVersionKind { return kind("", "v1", "PersistentVolume") }

// Wide says of one of these kinds that its objects belong to no namespace.
func Wide(k schema.GroupVersionKind) bool {
	return slices.Contains([]string{"Namespace", "ClusterRole", "ClusterRoleBinding", "CertificateSigningRequest"}, k.Kind) || k == Volume()
}
