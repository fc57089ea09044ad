package exceptionfile

import (
	"strings"

	"github.com/plimsoll/plimsoll/internal/tree"
)

// APIVersion is that of exceptions as objects of a cluster. Each is one entry of the file's form, with the name that its
// metadata give it:
//
//	apiVersion: plimsoll.io/v1alpha1
//	kind: Exception                  # or ClusterException, which may name namespaces
//	metadata: {name: agent, namespace: shop}
//	spec:
//	  rule: [pod/host-path]
//	  image: [registry.example/agent]
//	  reason: it reads the node's logs
//	  owner: platform
//	  until: 2027-02-28
const APIVersion = "plimsoll.io/v1alpha1"

// The kinds of exceptions in a cluster.
const (
	Namespaced = "Exception"        // holds for its own namespace alone, whatever it says
	Wide       = "ClusterException" // holds where it says
)

// inCluster are the keys of an exception that is about what is in a cluster.
var inCluster = []string{"rule", "fingerprint", "kind", "name", "image", "user", "group", "serviceAccount", "reason", "owner", "ticket", "until"}

// object reads an exception that is an object of a cluster, or will be one.
func (r *reader) object(doc *tree.Value) {
	r.Map(doc, "an exception of a cluster", []string{"apiVersion", "kind", "metadata", "spec"}, []string{"status"})
	if r.Err != nil {
		return
	}
	meta, spec, kind := doc.Get("metadata"), doc.Get("spec"), doc.Get("kind")
	r.Free(meta, "metadata")
	namespace := r.word(meta, "namespace", maxWord)
	version := doc.Get("apiVersion")
	switch {
	case version.String() != APIVersion:
		r.Wrong(version.Line, "apiVersion %q is not known: write %s", tree.Cut(version.String()), APIVersion)
	case kind.String() == Wide:
		r.entry(spec, append(inCluster[:len(inCluster):len(inCluster)], "namespace")...)
	case kind.String() != Namespaced:
		r.Wrong(kind.Line, "kind %q is no exception: use %s or %s", tree.Cut(kind.String()), Namespaced, Wide)
	case namespace == "" || strings.ContainsAny(namespace, "*?[]{}/"):
		r.Wrong(meta.Line, "an %s holds for its own namespace: name it in the metadata, or use kind %s", Namespaced, Wide)
	default:
		r.entry(spec, inCluster...)
		if r.Err == nil {
			r.file.Exceptions[len(r.file.Exceptions)-1].Namespaces = []string{namespace}
		}
	}
}
