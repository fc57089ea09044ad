package inventory

import (
	"fmt"
	"slices"
)

// maxGaps bounds the gaps of one class that a layer lists; one more counts those that are not listed.
const maxGaps = 1000

// gapKind is what gaps are counted by.
type gapKind struct {
	class    string
	blocking bool
}

// gapCount says how many gaps of a kind are listed, and where the others are counted.
type gapCount struct {
	listed int
	rest   int // index of the gap that counts them; -1: there are none yet
}

func (w *layerRead) gap(g Gap) {
	kind := gapKind{g.Class, g.Blocking}
	if w.gaps == nil {
		w.gaps = map[gapKind]*gapCount{}
	}
	of := w.gaps[kind]
	if of == nil {
		of = &gapCount{rest: -1}
		w.gaps[kind] = of
	}
	g.Count = max(g.Count, 1)
	if of.listed == 0 || g.Count == 1 && of.listed < maxGaps && w.spend(costOfGap(&g)) {
		of.listed++
		if g.Path != "" {
			w.gapAt[g.Path] = append(w.gapAt[g.Path], spot{len(w.c.Gaps), 0})
		}
		w.c.Gaps = append(w.c.Gaps, g)
		return
	}
	if of.rest < 0 {
		of.rest = len(w.c.Gaps)
		w.c.Gaps = append(w.c.Gaps, Gap{Class: g.Class, Blocking: g.Blocking})
	}
	rest := &w.c.Gaps[of.rest]
	rest.Count += g.Count
	rest.What = fmt.Sprintf("%d more of the same", rest.Count)
}

// nameGaps says that gaps of a file are those of one more of its names. False when it has none.
func (w *layerRead) nameGaps(file, at string) bool {
	of := w.gapAt[file]
	if len(of) == 0 || !w.spend(int64(len(of))*costOf(at)) {
		return false
	}
	mine := make([]spot, len(of))
	for n, s := range of {
		g := &w.c.Gaps[s.read]
		g.Also = append(g.Also, at)
		mine[n] = spot{s.read, len(g.Also)}
	}
	w.gapAt[at] = mine
	return true
}

// forgetGaps takes a name from the gaps of a file that something else replaces.
func (w *layerRead) forgetGaps(at string) {
	for _, s := range w.gapAt[at] {
		if g := &w.c.Gaps[s.read]; s.name > 0 {
			g.Also[s.name-1] = ""
		} else {
			g.Path = ""
			w.moved = append(w.moved, s.read)
		}
	}
	delete(w.gapAt, at)
}

// endGaps drops the names that were forgotten, and gaps that are about none any more.
func (w *layerRead) endGaps() {
	for i := range w.c.Gaps {
		g := &w.c.Gaps[i]
		g.Also = slices.DeleteFunc(g.Also, func(p string) bool { return p == "" })
	}
	for _, i := range w.moved {
		if g := &w.c.Gaps[i]; len(g.Also) > 0 {
			g.Path, g.Also = g.Also[0], g.Also[1:]
		} else {
			g.Count = 0
		}
	}
	w.c.Gaps = slices.DeleteFunc(w.c.Gaps, func(g Gap) bool { return g.Count == 0 })
}

// shown are the gaps of a layer that are about what the container sees through the layers above.
func (s *stack) shown(of []Gap, above *layerSets) []Gap {
	var all []Gap
	for _, g := range of {
		names := append([]string{g.Path}, g.Also...)
		if at := slices.IndexFunc(names, func(p string) bool { return p == "" || !hides(above, &s.hash, p) }); at >= 0 {
			g.Path = names[at]
			all = append(all, g)
		} else if g.Class == "unreadable-database" && has(above.names, s.hash.path(g.Path)) {
			// Which layer brought a package is told by all versions of its database.
			g.Blocking = false
			g.What += "; a layer above replaces it, and counts as the one that brought what it lists"
			all = append(all, g)
		}
	}
	return all
}
