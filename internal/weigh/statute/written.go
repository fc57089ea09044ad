package statute

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/plimsoll/plimsoll/internal/read/exceptionfile"
	"github.com/plimsoll/plimsoll/internal/read/kube"
	"github.com/plimsoll/plimsoll/internal/tree"
)

// written is an object as a file would hold it: what an API server adds is not looked at. Each field has a line of its
// own, so that a line tells which it is.
type written struct {
	of     *kube.Object
	text   []byte
	fields []string // by line
}

func write(o *kube.Object) (*written, error) {
	meta := map[string]any{"name": o.Name}
	if o.Kind == exceptionfile.Namespaced {
		meta["namespace"] = o.Namespace
	}
	w := &written{of: o, fields: []string{""}}
	return w, w.value("", map[string]any{"apiVersion": o.APIVersion, "kind": o.Kind, "metadata": meta, "spec": o.Fields["spec"]})
}

// value writes a value that stands in a field.
func (w *written) value(field string, v any) error {
	switch v := v.(type) {
	case map[string]any:
		w.text = append(w.text, '{')
		for i, key := range slices.Sorted(maps.Keys(v)) {
			name, err := json.Marshal(key)
			if err != nil {
				return err
			}
			inner := kube.Join(field, key)
			w.line(i, inner)
			w.text = append(append(w.text, name...), ": "...)
			if err := w.value(inner, v[key]); err != nil {
				return err
			}
		}
		w.text = append(w.text, '}')
	case []any:
		w.text = append(w.text, '[')
		for i, item := range v {
			inner := fmt.Sprintf("%s[%d]", field, i)
			w.line(i, inner)
			if err := w.value(inner, item); err != nil {
				return err
			}
		}
		w.text = append(w.text, ']')
	default:
		text, err := json.Marshal(v)
		if err != nil {
			return err
		}
		w.text = append(w.text, text...)
	}
	return nil
}

// line begins the line of a field, behind as many others.
func (w *written) line(behind int, field string) {
	if behind > 0 {
		w.text = append(w.text, ',')
	}
	w.text, w.fields = append(w.text, '\n'), append(w.fields, field)
}

// at is where what stands in a line is written: FILE:LINE, or the field of what no file holds.
func (w *written) at(line int) string {
	if line < 1 || line > len(w.fields) {
		return Place(w.of)
	}
	field := w.fields[line-1]
	if at := w.of.At(field); len(at) > 0 {
		return fmt.Sprintf("%s:%d", at[0].Path, at[0].StartLine)
	}
	if field == "" {
		return Place(w.of)
	}
	return field
}

// placed is an error with the place that its writer knows.
func (w *written) placed(err error) error {
	var of *tree.Error
	if !errors.As(err, &of) {
		return err
	}
	return fmt.Errorf("%s: %s", w.at(of.Line), of.What)
}
