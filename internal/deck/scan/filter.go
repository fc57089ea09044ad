package scan

import (
	"slices"

	"github.com/plimsoll/plimsoll/finding"
)

// Filter shapes what a report shows. The gate has judged before it is applied.
type Filter struct {
	Severities []finding.Severity // empty: all
	OnlyFixed  bool
	BaseOnly   bool
	AppOnly    bool
	Since      []finding.Since // empty: all; findings that no baseline was held against are always shown
}

// Apply drops the findings that are not asked for, and what of groups spoke of them. It returns how many
// were dropped. The verdict's reasons name them still: it was given on all.
func (f Filter) Apply(r *finding.Report) int {
	base := baseLayers(r)
	inBase := map[string]bool{}
	for i := range r.Packages {
		inBase[r.Packages[i].ID] = r.Packages[i].Base
	}
	gone := map[string]bool{}
	before := len(r.Findings)
	r.Findings = slices.DeleteFunc(r.Findings, func(one finding.Finding) bool {
		hidden := !f.shows(&one, inBase[one.Package] || ofBase(&one, base))
		if hidden {
			gone[one.Fingerprint] = true
		}
		return hidden
	})
	dropped := before - len(r.Findings)
	r.Tool.Hidden += dropped
	var groups []finding.Group
	for _, g := range r.Groups {
		var left []string
		for _, fp := range g.Fingerprints {
			if !gone[fp] {
				left = append(left, fp)
			}
		}
		if g.Fingerprints = left; len(left) > 0 {
			groups = append(groups, g)
		}
	}
	r.Groups = groups
	return dropped
}

func (f Filter) shows(one *finding.Finding, base bool) bool {
	if f.OnlyFixed && one.Kind == finding.KindVulnerability && one.Fixed == "" {
		return false
	}
	if f.BaseOnly && !base || f.AppOnly && base {
		return false
	}
	if len(f.Since) > 0 && one.Since != "" && !slices.Contains(f.Since, one.Since) {
		return false
	}
	if len(f.Severities) == 0 {
		return true
	}
	for _, s := range f.Severities {
		if one.Severity == s {
			return true
		}
	}
	return false
}
