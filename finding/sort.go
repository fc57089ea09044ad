package finding

import (
	"cmp"
	"slices"
)

// Sort brings a report into its one order, so that two runs on the same input are byte-identical:
// targets and packages as they are, findings worst first within their target, all else by content.
func Sort(r *Report) {
	place := map[string]int{}
	for i := range r.Targets {
		place[r.Targets[i].ID] = i
	}
	slices.SortStableFunc(r.Findings, func(a, b Finding) int {
		return cmp.Or(
			cmp.Compare(place[a.Target], place[b.Target]),
			cmp.Compare(score(b), score(a)),
			cmp.Compare(b.Severity.Rank(), a.Severity.Rank()),
			cmp.Compare(a.Rule, b.Rule),
			cmp.Compare(a.Title, b.Title),
			cmp.Compare(a.Fingerprint, b.Fingerprint),
			cmp.Compare(a.Package, b.Package))
	})
	slices.SortStableFunc(r.Coverage, func(a, b Gap) int {
		return cmp.Or(
			cmp.Compare(place[a.Target], place[b.Target]),
			compareBool(b.Blocking, a.Blocking),
			cmp.Compare(a.Class, b.Class),
			cmp.Compare(layerOf(a.Layer), layerOf(b.Layer)),
			cmp.Compare(a.Path, b.Path),
			cmp.Compare(a.What, b.What))
	})
	slices.SortStableFunc(r.Checks, func(a, b Check) int {
		return cmp.Or(cmp.Compare(place[a.Target], place[b.Target]), cmp.Compare(a.Rule, b.Rule))
	})
}

func score(f Finding) int {
	if f.Risk == nil {
		return 0
	}
	return f.Risk.Score
}

func layerOf(l *int) int {
	if l == nil {
		return -1
	}
	return *l
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	}
	return -1
}
