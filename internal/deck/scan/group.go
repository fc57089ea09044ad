package scan

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/ecosystem"
)

// group gathers the findings that one upgrade clears. A distribution ships the packages of one source
// together, so they make one group.
func (s *scan) group() {
	packages := map[string]*finding.Package{}
	for i := range s.report.Packages {
		packages[s.report.Packages[i].ID] = &s.report.Packages[i]
	}
	type deed struct {
		target, kind, name string
		base               bool
	}
	groups := map[deed]*finding.Group{}
	latest := map[deed]string{}
	for i := range s.report.Findings {
		f := &s.report.Findings[i]
		p := packages[f.Package]
		if f.Fixed == "" || len(f.Suppressed) > 0 || p == nil {
			continue
		}
		d := deed{target: f.Target, kind: p.Type, name: fullName(p), base: p.Base}
		if p.Source != nil {
			d.name = p.Source.Name
		}
		g := groups[d]
		if g == nil {
			g = &finding.Group{Target: f.Target, Package: p.ID, Base: p.Base, Severity: finding.Unknown}
			groups[d] = g
		}
		if f.Severity.Rank() > g.Severity.Rank() {
			g.Severity = f.Severity
		}
		if !slices.Contains(g.Fingerprints, f.Fingerprint) {
			g.Fingerprints = append(g.Fingerprints, f.Fingerprint)
		}
		latest[d] = later(s.kindOf(p), latest[d], cmp.Or(s.upgrades[p.ID], f.Fixed))
	}
	for d, g := range groups {
		g.Title = fmt.Sprintf("upgrade %s to %s", d.name, latest[d])
		slices.Sort(g.Fingerprints)
		s.report.Groups = append(s.report.Groups, *g)
	}
	slices.SortFunc(s.report.Groups, func(a, b finding.Group) int {
		return cmp.Or(cmp.Compare(a.Target, b.Target), cmp.Compare(b.Severity.Rank(), a.Severity.Rank()),
			cmp.Compare(len(b.Fingerprints), len(a.Fingerprints)), cmp.Compare(a.Title, b.Title), cmp.Compare(a.Package, b.Package))
	})
}

// kindOf is the ecosystem that a listed package came from.
func (s *scan) kindOf(p *finding.Package) *ecosystem.Ecosystem {
	for i := range s.o.Kinds {
		if k := &s.o.Kinds[i]; k.Name == s.kinds[p.ID] {
			return k
		}
	}
	return nil
}

func later(kind *ecosystem.Ecosystem, a, b string) string {
	if a == "" {
		return b
	}
	if kind == nil || kind.Compare == nil {
		return max(a, b)
	}
	if c, err := kind.Compare(a, b); err == nil && c >= 0 {
		return a
	}
	return b
}

func fullName(p *finding.Package) string {
	return ecosystem.Package{Type: p.Type, Namespace: p.Namespace, Name: p.Name}.FullName()
}
