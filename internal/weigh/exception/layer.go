package exception

import (
	"iter"
	"slices"
	"time"

	"github.com/plimsoll/plimsoll/internal/read/exceptionfile"
)

// With is the set with more files in it. What it holds is shared, and not compiled again.
func (s *Set) With(files []*exceptionfile.File) (*Set, error) {
	more := *s
	more.under, more.first = s, s.count()
	more.files, more.entries, more.byKey, more.wide = nil, nil, map[string][]*entry{}, nil
	more.owners = slices.Clip(s.owners)
	for _, f := range files {
		more.file(f)
	}
	return &more, more.contradiction()
}

// At is the set on another day.
func (s *Set) At(now time.Time) *Set {
	at := *s
	at.now = now
	return &at
}

// layers are the sets that it is made of, the lowest first.
func (s *Set) layers() []*Set {
	if s.under == nil {
		return []*Set{s}
	}
	return append(s.under.layers(), s)
}

// all are the entries, by number.
func (s *Set) all() iter.Seq[*entry] {
	return each(s, func(layer *Set) []*entry { return layer.entries })
}

// eachFile are the files, as they came.
func (s *Set) eachFile() iter.Seq[*exceptionfile.File] {
	return each(s, func(layer *Set) []*exceptionfile.File { return layer.files })
}

// each is what the sets that one is made of hold, that of the lowest first.
func each[T any](s *Set, of func(layer *Set) []T) iter.Seq[T] {
	return func(yield func(T) bool) {
		for _, layer := range s.layers() {
			for _, one := range of(layer) {
				if !yield(one) {
					return
				}
			}
		}
	}
}

func (s *Set) count() int { return s.first + len(s.entries) }
