package kube

import (
	"strconv"
	"strings"
	"sync"

	"github.com/plimsoll/plimsoll/internal/tree"
)

// Source is where an object comes from.
type Source struct {
	Path string // of the file; empty for what comes of a cluster

	line   int    // of the file, where the object's document begins
	prefix string // where the object stands in its document: items[3]. of a List
	values func() *tree.Value
}

// written gives the values of a document with their lines, read only when somebody asks.
func written(path string, d part) func() *tree.Value {
	return sync.OnceValue(func() *tree.Value {
		all, err := tree.Parse(path, d.mapping())
		if err != nil || len(all) == 0 {
			return nil
		}
		return all[0]
	})
}

// position is the line and column of a field, or of the closest one above it that is written.
func (s Source) position(field string) (line, column int) {
	line, column = s.line, 1
	if s.values == nil {
		return line, column
	}
	v := s.values()
	for _, step := range steps(s.prefix + field) {
		at, next := within(v, step)
		if next == nil {
			break
		}
		v, line, column = next, s.line+at.Line-1, at.Column
	}
	return line, column
}

// within goes one step down: to the value, and to where it is said to stand, which is its key where it has one.
func within(v *tree.Value, step string) (at tree.Entry, next *tree.Value) {
	if v == nil {
		return at, nil
	}
	if n, err := strconv.Atoi(step); err == nil && n >= 0 && n < len(v.List) {
		next = v.List[n]
		return tree.Entry{Line: next.Line, Column: next.Column}, next
	}
	for _, e := range v.Map {
		if e.Key == step {
			return e, e.Value
		}
	}
	return at, nil
}

// steps parts spec.containers[0].image and metadata.annotations["a.b/c"] into keys and numbers.
func steps(field string) (all []string) {
	for field != "" {
		switch {
		case strings.HasPrefix(field, `["`):
			key, rest, _ := strings.Cut(field[2:], `"]`)
			all, field = append(all, key), rest
		case field[0] == '[':
			n, rest, _ := strings.Cut(field[1:], "]")
			all, field = append(all, n), rest
		case field[0] == '.':
			field = field[1:]
		default:
			end := strings.IndexAny(field, ".[")
			if end < 0 {
				end = len(field)
			}
			all, field = append(all, field[:end]), field[end:]
		}
	}
	return all
}
