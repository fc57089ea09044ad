package cli

import (
	"cmp"
	"path"
	"strings"
	"sync/atomic"
)

// skips are the patterns of --skip, and which of them something matched.
type skips struct {
	patterns []string
	matched  []atomic.Bool
}

func (o *readOptions) skips() (*skips, error) {
	s := &skips{matched: make([]atomic.Bool, len(o.skip))}
	for _, p := range o.skip {
		p = strings.Trim(p, "/")
		if _, err := path.Match(p, ""); err != nil {
			return nil, usage("--skip %q: %v", p, err)
		}
		s.patterns = append(s.patterns, p)
	}
	return s, nil
}

// question asks which pattern a path matches; nil when there are none.
func (s *skips) question() func(string) string {
	if len(s.patterns) == 0 {
		return nil
	}
	return func(name string) (first string) {
		for i, p := range s.patterns {
			if ok, _ := path.Match(p, firstElements(name, strings.Count(p, "/")+1)); ok {
				s.matched[i].Store(true)
				first = cmp.Or(first, p)
			}
		}
		return first
	}
}

// idle are the patterns that nothing matched.
func (s *skips) idle() (patterns []string) {
	for i, p := range s.patterns {
		if !s.matched[i].Load() {
			patterns = append(patterns, p)
		}
	}
	return patterns
}

// firstElements is the first n elements of a path.
func firstElements(name string, n int) string {
	for i := range len(name) {
		if name[i] == '/' {
			if n--; n == 0 {
				return name[:i]
			}
		}
	}
	return name
}
