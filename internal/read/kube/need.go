package kube

import "k8s.io/apimachinery/pkg/runtime/schema"

// Need names objects of a cluster that somebody has to know: those of a kind, in one namespace or in all (empty), of one
// name or of any, with labels that a selector takes or with any.
type Need struct {
	Kind                    schema.GroupVersionKind
	Namespace, Name, Labels string
}

// Namespaces are all namespaces of a cluster.
func Namespaces() Need {
	return Need{Kind: schema.GroupVersionKind{Version: "v1", Kind: "Namespace"}}
}
