package inventory

import "fmt"

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
