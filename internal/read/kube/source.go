package kube

import (
	"sync"

	"github.com/plimsoll/plimsoll/internal/tree"
)

// Source is where an object comes from.
type Source struct {
	Path string // of the file; empty for what comes of a cluster

	line   int    // of the file, where the object's document begins
	prefix string // where the object stands in its document: items[3]. of a List
	values func() *tree.Value
	made   func(line int) []Place // where a line of what was rendered was written; nil: it was written so
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
	if at, col, _ := s.values().At(s.prefix + field); at > 0 {
		return s.line + at - 1, col
	}
	return line, column
}
