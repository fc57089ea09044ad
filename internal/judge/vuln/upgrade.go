package vuln

import (
	"cmp"
	"slices"
	"sort"

	"github.com/plimsoll/plimsoll/internal/ecosystem"
	"github.com/plimsoll/plimsoll/internal/read/advisory"
)

// maxCandidates bounds the versions that are tried for an upgrade, the highest ones.
const maxCandidates = 5000

// upgrade finds the least version above the present one that is free of everything the rows know; where
// none is, the one that leaves least. The fix of one vulnerability may lie in the range of another, so
// the latest of all fixes is not always the answer. Empty: no fix is known.
func (f *folding) upgrade(p *ecosystem.Package, version string, rows []advisory.Row, compare func(a, b string) (int, error)) (string, error) {
	counted, err := f.counted(p, rows)
	if err != nil {
		return "", err
	}
	candidates, branched := fixesAbove(version, counted, compare)
	if len(candidates) == 0 {
		return "", nil
	}
	if !branched {
		return candidates[len(candidates)-1], nil // every range begins at the first version
	}
	left := make([]int, len(candidates))
	hit := make([]bool, len(candidates))
	for _, row := range counted {
		clear(hit)
		mark(hit, row, candidates, compare)
		for i := range hit {
			if hit[i] && (row.Module == "" || sameMajor(candidates[i], version)) {
				left[i]++
			}
		}
	}
	best := 0
	for i := range left {
		if left[i] < left[best] {
			best = i
		}
	}
	return candidates[best], nil
}

// mark finds which of the candidates, which are in order, a row affects: as affected does for one, but
// a bound is looked for among all of them at once. Some packages have a thousand rows and as many fixes.
func mark(hit []bool, row *advisory.Row, candidates []string, compare func(a, b string) (int, error)) {
	for _, r := range row.Ranges {
		s := search{candidates: candidates, compare: compare}
		from, to := 0, len(candidates)
		if r.Introduced != "" && r.Introduced != "0" {
			from = s.first(r.Introduced, 0)
		}
		for _, end := range []string{r.Fixed, r.Limit} {
			if end != "" {
				to = min(to, s.first(end, 0))
			}
		}
		if r.LastAffected != "" {
			to = min(to, s.first(r.LastAffected, 1))
		}
		for i := from; i < to && !s.failed; i++ {
			hit[i] = true
		}
	}
	for _, v := range row.Versions { // equal by order, as listed has it for one version
		if i := slices.Index(candidates, v); i >= 0 {
			hit[i] = true
		}
		s := search{candidates: candidates, compare: compare}
		for i, end := s.first(v, 0), s.first(v, 1); i < end && !s.failed; i++ {
			hit[i] = true
		}
	}
}

// search looks for bounds among candidates; failed says that one of them could not be compared.
type search struct {
	candidates []string
	compare    func(a, b string) (int, error)
	failed     bool
}

// first is the first candidate that is at least the bound, or above it where beyond is 1.
func (s *search) first(bound string, beyond int) int {
	return sort.Search(len(s.candidates), func(i int) bool {
		c, err := s.compare(s.candidates[i], bound)
		s.failed = s.failed || err != nil
		return cmp.Compare(c, 0) >= beyond
	})
}

// counted are the rows whose word counts for a package.
func (f *folding) counted(p *ecosystem.Package, rows []advisory.Row) ([]*advisory.Row, error) {
	var counted []*advisory.Row
	best := 3
	for i := range rows {
		best = min(best, rank(rows[i].ID))
	}
	for i := range rows {
		row := &rows[i]
		if row.Unaffected || !concerns(row, p) {
			continue
		}
		if rank(row.ID) > best {
			v, err := f.vulnerability(row.ID)
			if err != nil {
				return nil, err
			}
			if out, err := f.outranked(row, v.ID, rows); err != nil {
				return nil, err
			} else if out {
				continue
			}
		}
		counted = append(counted, row)
	}
	return counted, nil
}

// fixesAbove lists the fixes above a version, in order; branched says that some range begins later
// than at the first version.
func fixesAbove(version string, rows []*advisory.Row, compare func(a, b string) (int, error)) (fixes []string, branched bool) {
	seen := map[string]bool{}
	for _, row := range rows {
		for _, r := range row.Ranges {
			branched = branched || r.Introduced != ""
			if r.Fixed == "" || seen[r.Fixed] {
				continue
			}
			seen[r.Fixed] = true
			if c, err := compare(r.Fixed, version); err == nil && c > 0 {
				fixes = append(fixes, r.Fixed)
			}
		}
	}
	slices.SortStableFunc(fixes, func(a, b string) int {
		c, _ := compare(a, b)
		return c
	})
	if branched && len(fixes) > maxCandidates {
		fixes = fixes[len(fixes)-maxCandidates:]
	}
	return fixes, branched
}
