// Package kube turns Kubernetes objects, wherever they are written, into values that know the way back to
// their source: a file and a line for what a person wrote, a name for what a cluster holds.
package kube

import (
	"cmp"
	"strings"

	"github.com/plimsoll/plimsoll/finding"
)

// Object is one object as it was written or as the API server gave it.
type Object struct {
	APIVersion string
	Kind       string
	Namespace  string // empty: of the whole cluster, or not said
	Name       string // or generateName, which ends in a dash
	// Fields are the whole object in the form that encoding/json decodes into, as in
	// k8s.io/apimachinery/pkg/apis/meta/v1/unstructured, with int64 for whole numbers.
	Fields map[string]any
	Source Source
}

// Group is the API group: empty for the core group.
func (o *Object) Group() string {
	group, _, ok := strings.Cut(o.APIVersion, "/")
	if !ok {
		return ""
	}
	return group
}

// Home is the namespace of an object of a namespaced kind: the one that kubectl takes where a manifest does not say.
func (o *Object) Home() string { return cmp.Or(o.Namespace, "default") }

// Is says that the object is of a kind of a group, in whatever version.
func (o *Object) Is(group, kind string) bool { return o.Kind == kind && o.Group() == group }

// Subject names the object, and in it a field, as in spec.template.spec.containers[0].image.
func (o *Object) Subject(field string) *finding.Subject {
	return &finding.Subject{APIVersion: o.APIVersion, Kind: o.Kind, Namespace: o.Namespace, Name: o.Name, Field: field}
}

// At is where a field stands, or the closest field above it that is written; nil for what no file holds. Of what was
// rendered it is where that was written: in a template, say, and in the values that it shows.
func (o *Object) At(field string) []finding.Location {
	if o.Source.Path == "" {
		return nil
	}
	line, column := o.Source.position(field)
	if o.Source.made != nil {
		var all []finding.Location
		for _, p := range o.Source.made(line) {
			all = append(all, p.location())
		}
		return all
	}
	return []finding.Location{{Path: o.Source.Path, StartLine: line, EndLine: line, Column: column}}
}

// LastApplied is the annotation in which kubectl keeps all of an object once more. It changes only with the rest of it.
const LastApplied = "kubectl.kubernetes.io/last-applied-configuration"

// Metadata is a map of texts of the metadata: labels or annotations.
func (o *Object) Metadata(of string) map[string]string {
	meta, _ := o.Fields["metadata"].(map[string]any)
	fields, _ := meta[of].(map[string]any)
	texts := make(map[string]string, len(fields))
	for k, v := range fields {
		if s, ok := v.(string); ok {
			texts[k] = s
		}
	}
	return texts
}
