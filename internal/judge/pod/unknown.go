package pod

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"

	"github.com/agext/levenshtein"

	corev1 "k8s.io/api/core/v1"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/check"
)

// unknownField finds fields that Kubernetes does not have: securtyContext secures nothing.
func unknownField() Check {
	return Check{
		Card: check.Card{
			ID: "pod/unknown-field", Title: "a field of the pod is none that Kubernetes knows", Kind: finding.KindMisconfiguration,
			Severity: finding.Medium, Decks: []string{finding.Ship, finding.Admit, finding.Run}, Since: "0.1",
			Page: check.Page{
				Why: "What is written under a name that Kubernetes does not know does nothing: the API server refuses the object, or, " +
					"where the client asks for no validation of fields, drops the field without a word. A securtyContext or a " +
					"readOnlyRootFileSystem reads as if the pod were confined, and it is not.",
				Fix: "Write the name as Kubernetes does, and see that the field stands in its right place; `kubectl explain pod.spec` lists them.",
				Bad: "apiVersion: v1\nkind: Pod\nmetadata: {name: cart}\nspec:\n  containers:\n  - name: cart\n    image: shop/cart:1.4\n" +
					"    securtyContext:\n      runAsNonRoot: true\n",
				Good: "apiVersion: v1\nkind: Pod\nmetadata: {name: cart}\nspec:\n  containers:\n  - name: cart\n    image: shop/cart:1.4\n" +
					"    securityContext:\n      runAsNonRoot: true\n",
			},
		},
		beyond: "the API server drops such fields before any policy sees them",
		look: func(f *Facts) (hits []hit) {
			for _, said := range f.Unknown {
				field, ok := unknownPath(said)
				if !ok {
					hits = append(hits, hit{field: "spec", detail: said})
					continue
				}
				name, near := nearest(field)
				h := hit{container: f.containerAt(field), field: "spec." + field, detail: fmt.Sprintf("%q", name)}
				if near != "" {
					h.detail += fmt.Sprintf(", perhaps %q is meant", near)
					h.fix = fmt.Sprintf("Write %q in place of %q.", near, name)
				}
				hits = append(hits, h)
			}
			return hits
		},
	}
}

// unknownPath is the field in sigs.k8s.io/json's words: unknown field "containers[0].securtyContext".
func unknownPath(said string) (string, bool) {
	quoted, ok := strings.CutPrefix(said, "unknown field ")
	if !ok {
		return "", false
	}
	field, err := strconv.Unquote(quoted)
	return field, err == nil
}

// nearest is the last name of a path within a pod's spec, and the name that Kubernetes has in its place, if one
// is like it.
func nearest(field string) (name, near string) {
	at := reflect.TypeFor[corev1.PodSpec]()
	steps := strings.Split(field, ".")
	for _, step := range steps[:len(steps)-1] {
		key, _, _ := strings.Cut(step, "[")
		at = inner(fields(at)[key])
		if at == nil {
			break
		}
	}
	name = steps[len(steps)-1]
	least := len(name)/3 + 2
	for known := range fields(at) {
		d := levenshtein.Distance(strings.ToLower(name), strings.ToLower(known), nil)
		if d < least || d == least && near != "" && known < near {
			near, least = known, d
		}
	}
	return name, near
}

// fields are the names that a type has in JSON.
func fields(of reflect.Type) map[string]reflect.Type {
	all := map[string]reflect.Type{}
	if of == nil || of.Kind() != reflect.Struct {
		return all
	}
	for _, f := range reflect.VisibleFields(of) {
		if name, _, _ := strings.Cut(f.Tag.Get("json"), ","); name != "" && name != "-" {
			all[name] = f.Type
		}
	}
	return all
}

// inner is the type of what a pointer leads to, or a list or a map holds.
func inner(t reflect.Type) reflect.Type {
	for t != nil && (t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice || t.Kind() == reflect.Map) {
		t = t.Elem()
	}
	return t
}

// containerAt is the name of the container that a field of the pod's spec is in; empty for the pod's own.
func (f *Facts) containerAt(field string) string {
	for _, c := range f.containers() {
		if strings.HasPrefix("spec."+field, c.field+".") {
			return c.Name
		}
	}
	return ""
}
