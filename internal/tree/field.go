package tree

import (
	"strconv"
	"strings"
)

// At is where a field stands, as Kubernetes writes its path: spec.containers[0].image, and
// metadata.labels[app.kubernetes.io/name] where a key is no word. That is the field's key, or the item of a list. Of what
// is not there it is where the nearest does that would hold it, and found is false.
func (v *Value) At(path string) (line, column int, found bool) {
	_, line, column, found = v.walk(path)
	return line, column, found
}

// Find is the value of a field by its path; nil of what is not there.
func (v *Value) Find(path string) *Value {
	if at, _, _, found := v.walk(path); found {
		return at
	}
	return nil
}

func (v *Value) walk(path string) (at *Value, line, column int, found bool) {
	if v == nil {
		return nil, 0, 0, false
	}
	line, column = v.Line, v.Column
	for path != "" {
		var step string
		if rest, ok := strings.CutPrefix(path, "["); ok {
			if step, path, ok = strings.Cut(rest, "]"); !ok {
				return v, line, column, false
			}
		} else {
			path = strings.TrimPrefix(path, ".")
			end := strings.IndexAny(path, ".[")
			if end < 0 {
				end = len(path)
			}
			step, path = path[:end], path[end:]
		}
		var next Entry
		for _, e := range v.Map {
			if e.Key == step {
				next = e
			}
		}
		if i, err := strconv.Atoi(step); err == nil && i >= 0 && i < len(v.List) {
			next = Entry{Line: v.List[i].Line, Column: v.List[i].Column, Value: v.List[i]}
		}
		if next.Value == nil {
			return v, line, column, false
		}
		v, line, column = next.Value, next.Line, next.Column
	}
	return v, line, column, true
}
