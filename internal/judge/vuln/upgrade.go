package vuln

import (
	"slices"

	"github.com/plimsoll/plimsoll/internal/ecosystem"
	"github.com/plimsoll/plimsoll/internal/read/advisory"
)

// maxCandidates bounds the versions that are tried for an upgrade.
const maxCandidates = 200

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
	best, least := "", len(counted)+1
	for _, c := range candidates {
		left := 0
		for _, row := range counted {
			if _, hit, err := affected(row, c, compare); err == nil && hit && (row.Module == "" || sameMajor(c, version)) {
				left++
			}
		}
		if left < least {
			best, least = c, left
		}
		if left == 0 {
			break
		}
	}
	return best, nil
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
	for _, row := range rows {
		for _, r := range row.Ranges {
			branched = branched || r.Introduced != ""
			if c, err := compare(r.Fixed, version); r.Fixed != "" && err == nil && c > 0 && !slices.Contains(fixes, r.Fixed) {
				fixes = append(fixes, r.Fixed)
			}
		}
	}
	slices.SortFunc(fixes, func(a, b string) int {
		c, _ := compare(a, b)
		return c
	})
	if branched && len(fixes) > maxCandidates {
		fixes = fixes[len(fixes)-maxCandidates:]
	}
	return fixes, branched
}
