package tree

import (
	"fmt"
	"slices"
	"strings"
)

// Strict reads a file of a language of our own, in which what is not understood is an error. The first one is
// kept in Err, and all that is read after it may be dropped: it is enough to look at the end.
type Strict struct {
	Path string
	Err  error // an *Error
}

// Wrong says what is wrong in a line.
func (s *Strict) Wrong(line int, format string, args ...any) {
	if s.Err == nil {
		s.Err = &Error{s.Path, line, fmt.Sprintf(format, args...)}
	}
}

// Map wants a map that has all the keys of must, and no others than those and the keys of may.
func (s *Strict) Map(v *Value, what string, must, may []string) {
	if v.Map == nil {
		s.Wrong(v.Line, "%s is to be a map of keys and values", what)
	}
	known := append(slices.Clip(must), may...)
	for _, e := range v.Map {
		if !slices.Contains(known, e.Key) {
			s.Wrong(e.Line, "%q is no key of %s: use %s", Cut(e.Key), what, strings.Join(known, ", "))
		}
	}
	for _, key := range must {
		if v.Get(key) == nil {
			s.Wrong(v.Line, "%s lacks the key %q", what, key)
		}
	}
}

// List are the items of a list; a nil value and null have none.
func (s *Strict) List(v *Value, what string) []*Value {
	if v == nil || v.Null {
		return nil
	}
	if v.List == nil {
		s.Wrong(v.Line, "%s is to be a list: begin each item with \"- \"", what)
	}
	return v.List
}

// Free are the entries of a map whose keys the user chooses; a nil value and null have none.
func (s *Strict) Free(v *Value, what string) []Entry {
	if v == nil || v.Null {
		return nil
	}
	if v.Map == nil {
		s.Wrong(v.Line, "%s is to be a map of keys and values", what)
	}
	return v.Map
}
