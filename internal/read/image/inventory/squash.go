package inventory

import (
	"slices"
	"strings"

	"github.com/plimsoll/plimsoll/internal/ecosystem"
)

// stack is the layers of one image over each other, bottom first.
type stack struct {
	layers []*Contents
	hash   hasher
	links  map[string][]linkAt
	sets   []*layerSets // made when a link must be held against a layer
	work   int          // what following links has cost
	tired  bool         // maxWork was reached: links are no longer followed
	gaps   [][]Gap      // by layer, of what can be seen
	system System
	seen   []Seen // what inspectors found
}

// linkAt is a symbolic link of one layer.
type linkAt struct {
	layer  int
	target string
}

// layerSets answers quickly what one layer does to paths.
type layerSets struct{ names, folders, whiteouts, opaques map[uint64]struct{} }

func newStack(layers []*Contents) *stack {
	s := &stack{layers: layers, links: map[string][]linkAt{}, sets: make([]*layerSets, len(layers)), gaps: make([][]Gap, len(layers))}
	for i, c := range layers {
		for _, l := range c.Links {
			s.links[l.Path] = append(s.links[l.Path], linkAt{i, l.Target})
		}
	}
	return s
}

func (s *stack) set(i int) *layerSets {
	if s.sets[i] == nil {
		c := s.layers[i]
		sets := &layerSets{names: setOf(c.Names), folders: setOf(c.Folders), whiteouts: map[uint64]struct{}{}, opaques: map[uint64]struct{}{}}
		for _, p := range c.Whiteouts {
			sets.whiteouts[s.hash.path(p)] = struct{}{}
		}
		for _, p := range c.Opaques {
			sets.opaques[s.hash.path(p)] = struct{}{}
		}
		s.sets[i] = sets
	}
	return s.sets[i]
}

func setOf(hashes []uint64) map[uint64]struct{} {
	m := make(map[uint64]struct{}, len(hashes))
	for _, h := range hashes {
		m[h] = struct{}{}
	}
	return m
}

// resolve follows the symbolic links of a path to its end, as the container sees them. False when they
// lead in a circle.
func (s *stack) resolve(p string) (string, bool) { return follow(p, true, s.link) }

// link is the target of the link at p, if the container sees one there.
func (s *stack) link(p string) (string, bool) {
	candidates := s.links[p]
	if len(candidates) == 0 {
		return "", false
	}
	l := candidates[len(candidates)-1]
	for i := l.layer + 1; i < len(s.layers); i++ {
		if s.work += 1 + (1+strings.Count(p, "/"))*(1+len(p)/16); s.work > maxWork {
			s.tired = true
			return "", false
		}
		if hides(s.set(i), &s.hash, p) {
			return "", false
		}
	}
	return l.target, true
}

// hides says whether a layer with these sets hides what layers below it have at p: it has something
// else there, removes it or a folder above it, or puts something that is no folder in that place.
func hides(of *layerSets, h *hasher, p string) bool {
	key := h.path(p)
	if has(of.names, key) || has(of.folders, key) || has(of.whiteouts, key) {
		return true
	}
	return hidesFrom(of, h, p)
}

// hidesFrom says whether a layer hides what layers below it have in the folders on the way to p.
func hidesFrom(of *layerSets, h *hasher, p string) bool {
	for p != "" {
		if i := strings.LastIndexByte(p, '/'); i >= 0 {
			p = p[:i]
		} else {
			p = ""
		}
		key := h.path(p)
		if has(of.opaques, key) || has(of.names, key) || has(of.whiteouts, key) {
			return true
		}
	}
	return false
}

func has(set map[uint64]struct{}, key uint64) bool {
	_, ok := set[key]
	return ok
}

// seen is one read of one layer, under the names by which the container sees it.
type seen struct {
	*Read
	layer int
	paths []string // visible; empty when all are hidden
}

// visible decides for every read under which of its names it can be seen through the layers above.
// It goes from the top down and gathers what hides, so that the cost follows the number of entries.
func (s *stack) visible() []seen {
	names, folders, reads := 0, 0, 0
	for i, c := range s.layers {
		reads += len(c.Reads)
		if i > 0 {
			names, folders = names+len(c.Names), folders+len(c.Folders)
		}
	}
	above := &layerSets{
		names: make(map[uint64]struct{}, names), folders: make(map[uint64]struct{}, folders),
		whiteouts: map[uint64]struct{}{}, opaques: map[uint64]struct{}{},
	}
	all := make([]seen, 0, reads)
	for i := len(s.layers) - 1; i >= 0; i-- {
		c := s.layers[i]
		for n := range c.Reads {
			r := &c.Reads[n]
			one := seen{Read: r, layer: i}
			for _, p := range r.Paths {
				if !hides(above, &s.hash, p) {
					one.paths = append(one.paths, p)
				}
			}
			all = append(all, one)
		}
		s.gaps[i] = s.shown(c.Gaps, above)
		s.special(i, above)
		s.sighted(i, above)
		s.cover(above, i)
	}
	slices.Reverse(all)
	return all
}

// cover adds one layer to what hides the layers below it.
func (s *stack) cover(above *layerSets, i int) {
	if i == 0 {
		return
	}
	c := s.layers[i]
	for _, h := range c.Names {
		above.names[h] = struct{}{}
	}
	for _, h := range c.Folders {
		above.folders[h] = struct{}{}
	}
	for _, p := range c.Whiteouts {
		above.whiteouts[s.hash.path(p)] = struct{}{}
	}
	for _, p := range c.Opaques {
		above.opaques[s.hash.path(p)] = struct{}{}
	}
}

// keepFirst hides the places and forms of a database that are out of date: a system that was moved to
// a newer form in one layer may still have the old one from another.
func keepFirst(all []seen, e *ecosystem.Ecosystem) {
	rank := func(r *seen) int {
		best := len(e.Fixed)
		for _, p := range r.paths {
			if at := slices.Index(e.Fixed, p); at >= 0 {
				best = min(best, at)
			}
		}
		return best
	}
	first := len(e.Fixed)
	for i := range all {
		if all[i].Ecosystem == e.Name && len(all[i].Packages) > 0 {
			first = min(first, rank(&all[i]))
		}
	}
	for i := range all {
		if all[i].Ecosystem == e.Name && rank(&all[i]) > first {
			all[i].paths = nil
		}
	}
}

// keepBetter hides the files beside which a better one can be seen.
func keepBetter(all []seen, e *ecosystem.Ecosystem) {
	there := map[string]bool{}
	for i := range all {
		if all[i].Ecosystem == e.Name {
			for _, p := range all[i].paths {
				there[p] = true
			}
		}
	}
	for i := range all {
		if r := &all[i]; r.Ecosystem == e.Name {
			r.paths = slices.DeleteFunc(r.paths, func(p string) bool { return there[e.Better(p)] })
		}
	}
}

// Need is a file that must be read again under another name: a fixed path of an ecosystem is a link
// to it.
type Need struct {
	Layer    int
	Path, As string
}

// needs finds the fixed paths that no read stands for because a link leads to them.
func (s *stack) needs(of []ecosystem.Ecosystem, reads []seen) []Need {
	isRead := func(kind, path string) bool {
		return slices.ContainsFunc(reads, func(r seen) bool { return r.Ecosystem == kind && slices.Contains(r.paths, path) })
	}
	var all []Need
	for _, e := range of {
		for _, fixed := range e.Fixed {
			at, ok := s.resolve(fixed)
			if !ok || at == fixed || isRead(e.Name, at) || isRead(e.Name, fixed) {
				continue
			}
			if i, ok := s.holder(at); ok {
				all = append(all, Need{Layer: i, Path: at, As: fixed})
			}
		}
	}
	return all
}

// holder is the topmost layer whose file the container sees at p.
func (s *stack) holder(p string) (int, bool) {
	key := s.hash.path(p)
	for i := len(s.layers) - 1; i >= 0; i-- {
		if sets := s.set(i); has(sets.names, key) {
			return i, true
		} else if hides(sets, &s.hash, p) {
			return 0, false
		}
	}
	return 0, false
}
