package scan

import (
	"cmp"
	"fmt"
	"hash/maphash"
	"maps"
	"slices"
	"sync"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/read/image/inventory"
)

// passed are the files that were passed over, by the pattern that asked for it. A file counts once,
// however often it was asked about and in how many layers it stands.
type passed map[string]map[uint64]bool

// passedBy is what every layer of a run passed over. Layers that images share are read once.
type passedBy struct {
	mu   sync.Mutex
	seed maphash.Seed
	of   map[*inventory.Contents]passed
}

// skipper asks the caller about paths of one layer, and remembers what is passed over; nil when nothing
// is to be.
func (s *scan) skipper(into passed) func(string) bool {
	if s.o.Skip == nil {
		return nil
	}
	return func(path string) bool {
		pattern := s.o.Skip(path)
		if pattern == "" {
			return false
		}
		if into[pattern] == nil {
			into[pattern] = map[uint64]bool{}
		}
		into[pattern][maphash.String(s.passed.seed, path)] = true
		return true
	}
}

func (p *passedBy) put(c *inventory.Contents, what passed) {
	if len(what) == 0 {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.of == nil {
		p.of = map[*inventory.Contents]passed{}
	}
	p.of[c] = what
}

// drop forgets the layers of an image, but for those that the run holds on to for the next.
func (p *passedBy) drop(held *memo) {
	p.mu.Lock()
	defer p.mu.Unlock()
	maps.DeleteFunc(p.of, func(c *inventory.Contents, _ passed) bool { return !held.holds(c) })
}

// skipped says what of an image was passed over because the caller asked for it: a note of each pattern.
func (s *scan) skipped(id string, contents []*inventory.Contents) []finding.Gap {
	all := passed{}
	for _, c := range contents {
		for pattern, files := range s.passed.of[c] {
			if all[pattern] == nil {
				all[pattern] = map[uint64]bool{}
			}
			maps.Copy(all[pattern], files)
		}
	}
	var gaps []finding.Gap
	for pattern, files := range all {
		gaps = append(gaps, finding.Gap{
			Class: finding.GapSkipped, Target: id, Count: len(files),
			What: fmt.Sprintf("%s passed over, as --skip %s asks", plural(len(files), "file"), pattern),
		})
	}
	slices.SortFunc(gaps, func(a, b finding.Gap) int { return cmp.Compare(a.What, b.What) })
	return gaps
}
