package kube

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	kjson "sigs.k8s.io/json"
)

// Workload is an object that makes pods, reduced to the pod it makes.
type Workload struct {
	*Object
	// Field is where the pod stands in the object: spec.template of a Deployment, empty for a Pod.
	Field string
	// bare says that what stands there is the pod's spec itself, as in some custom resources.
	bare bool
	// Meta are the labels and annotations that the pod will have.
	Meta metav1.ObjectMeta
	Spec corev1.PodSpec
	// Written is the pod as it is written: a map with metadata and spec.
	Written map[string]any
	// Unknown are fields of the pod that this version of Kubernetes does not have, in words: the API server
	// drops them, or refuses the object.
	Unknown []string
}

// Path is a field of the pod as a field of the object: spec.hostPID to spec.template.spec.hostPID.
func (w *Workload) Path(field string) string {
	if w.bare {
		rest, ok := strings.CutPrefix(field, "spec")
		if !ok {
			return w.Field // it has no metadata
		}
		return w.Field + rest
	}
	if w.Field == "" {
		return field
	}
	return w.Field + "." + field
}

// Put writes the pod anew into the object.
func (w *Workload) Put(written map[string]any) {
	of := w.Written
	if w.bare {
		of, _ = of["spec"].(map[string]any)
		written, _ = written["spec"].(map[string]any)
	}
	written = maps.Clone(written)
	clear(of)
	maps.Copy(of, written)
}

// Workloads reduces an object to the pods that it makes: none for a Service, several for a custom resource
// that holds several templates. A custom resource's templates are known by their shape: a map with a spec whose
// containers each have a name, or such a spec alone, whose containers each have an image, too.
func Workloads(o *Object) (all []Workload, err error) {
	if m, known := MakerOf(o.Group(), o.Kind); known {
		fields, ok := dig(o.Fields, m.Template)
		if !ok {
			return nil, nil
		}
		w, err := workload(o, m.Template, fields)
		if err != nil {
			return nil, err
		}
		return []Workload{w}, nil
	}
	if builtIn(o.Group()) {
		return nil, nil
	}
	shaped(o.Fields, "", func(at string, fields map[string]any, bare bool) {
		w, wrong := workload(o, at, fields)
		w.bare = bare
		if wrong != nil {
			err = wrong
			return
		}
		all = append(all, w)
	})
	return all, err
}

// builtIn says that a group is Kubernetes' own, whose kinds are all known.
func builtIn(group string) bool {
	if !strings.Contains(group, ".") {
		return true
	}
	return strings.HasSuffix(group, ".k8s.io") && !strings.HasSuffix(group, ".x-k8s.io")
}

func workload(o *Object, at string, fields map[string]any) (w Workload, err error) {
	w = Workload{Object: o, Field: at, Written: fields}
	if err := decode(fields["metadata"], &w.Meta, nil); err != nil {
		return w, fmt.Errorf("%s: %w", w.Path("metadata"), err)
	}
	if err := decode(fields["spec"], &w.Spec, &w.Unknown); err != nil {
		return w, fmt.Errorf("%s: %w", w.Path("spec"), err)
	}
	return w, nil
}

// decode reads fields as the API server would, into its own types.
func decode(fields, into any, unknown *[]string) error {
	if fields == nil {
		return nil
	}
	text, err := json.Marshal(fields)
	if err != nil {
		return err
	}
	strict, err := kjson.UnmarshalStrict(text, into)
	if err != nil {
		return mistyped(err)
	}
	for _, s := range strict {
		if unknown != nil {
			*unknown = append(*unknown, s.Error())
		}
	}
	return nil
}

// mistyped is an error of the library's in the words of who wrote the field. Its type is internal to the library.
func mistyped(err error) error {
	what, where, ok := strings.Cut(strings.TrimPrefix(err.Error(), "json: cannot unmarshal "), " into Go struct field ")
	_, field, _ := strings.Cut(where, ".")
	field, _, _ = strings.Cut(field, " of type ")
	switch {
	case !ok || field == "":
		return err
	case what == "bool":
		return fmt.Errorf("%s cannot be true or false, as which YAML reads n, y, on, off, yes and no: put it in quotes", field)
	}
	article := "a"
	if strings.HasPrefix(what, "object") || strings.HasPrefix(what, "array") {
		article = "an"
	}
	return fmt.Errorf("%s cannot be %s %s", field, article, what)
}

// dig follows keys down to a map.
func dig(fields map[string]any, at string) (map[string]any, bool) {
	if at == "" {
		return fields, true
	}
	for step := range strings.SplitSeq(at, ".") {
		inner, ok := fields[step].(map[string]any)
		if !ok {
			return nil, false
		}
		fields = inner
	}
	return fields, true
}

// shaped calls found for each map within fields that has the shape of a pod template, or of the spec of a pod, in the
// order of their names.
func shaped(fields map[string]any, at string, found func(at string, fields map[string]any, bare bool)) {
	if spec, ok := fields["spec"].(map[string]any); ok && at != "" && holdContainers(spec, "name") {
		found(at, fields, false)
		return
	}
	if at != "" && holdContainers(fields, "name", "image") {
		found(at, map[string]any{"spec": fields}, true)
		return
	}
	keys := make([]string, 0, len(fields))
	for k := range fields {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	for _, k := range keys {
		if at == "" && k == "status" {
			continue // what a controller says makes nothing
		}
		under := Join(at, k)
		switch v := fields[k].(type) {
		case map[string]any:
			shaped(v, under, found)
		case []any:
			for i, one := range v {
				if inner, ok := one.(map[string]any); ok {
					shaped(inner, under+"["+strconv.Itoa(i)+"]", found)
				}
			}
		}
	}
}

// Join names a field within a field.
func Join(at, key string) string {
	if strings.ContainsAny(key, ".[") {
		return at + "[" + key + "]"
	}
	if at == "" {
		return key
	}
	return at + "." + key
}

// holdContainers says that a map lists containers, each of which says so much of itself.
func holdContainers(spec map[string]any, say ...string) bool {
	list, _ := spec["containers"].([]any)
	return len(list) > 0 && !slices.ContainsFunc(list, func(c any) bool {
		fields, ok := c.(map[string]any)
		return !ok || slices.ContainsFunc(say, func(key string) bool {
			text, _ := fields[key].(string)
			return text == ""
		})
	})
}
