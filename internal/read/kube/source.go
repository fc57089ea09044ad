package kube

import (
	"sync"
	"weak"

	"github.com/plimsoll/plimsoll/internal/tree"
)

// Source is where an object comes from.
type Source struct {
	Path string // of the file; empty for what comes of a cluster

	line    int    // of the file, where the object's document begins
	prefix  string // where the object stands in its document: items[3]. of a List
	written *written
	made    func(line int) []Place // where a line of what was rendered was written; nil: it was written so
}

// written is a document as it stands in its file. Its values with their lines take twenty times its bytes:
// they are read only when somebody asks, and are held weakly, since who asks does so many times in a row and
// then never again. Those of a long document would take long to read again: the shelf keeps some.
type written struct {
	path  string
	part  part
	shelf *shelf

	mutex sync.Mutex
	read  bool // once at least
	last  weak.Pointer[tree.Value]
}

// shelf keeps the values of the long documents that were asked for last: one for each of those who may ask at a time.
type shelf struct {
	mutex sync.Mutex
	kept  [8]*tree.Value
	next  int
}

func (s *shelf) keep(v *tree.Value) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.kept[s.next] = v
	s.next = (s.next + 1) % len(s.kept)
}

// longText is from where on, in bytes, a document is long.
const longText = 64 << 10

// values are nil where the document cannot be read as a tree.
func (w *written) values() *tree.Value {
	if w == nil {
		return nil
	}
	w.mutex.Lock()
	defer w.mutex.Unlock()
	if v := w.last.Value(); v != nil || w.read && w.last == (weak.Pointer[tree.Value]{}) {
		return v
	}
	w.read = true
	all, err := tree.Parse(w.path, w.part.mapping())
	if err != nil || len(all) == 0 {
		return nil
	}
	w.last = weak.Make(all[0])
	if len(w.part.text) > longText {
		w.shelf.keep(all[0])
	}
	return all[0]
}

// position is the line and column of a field, or of the closest one above it that is written.
func (s Source) position(field string) (line, column int) {
	line, column = s.line, 1
	if s.written == nil {
		return line, column
	}
	if at, col, _ := s.written.values().At(s.prefix + field); at > 0 {
		return s.line + at - 1, col
	}
	return line, column
}
