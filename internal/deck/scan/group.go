package scan

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/ecosystem"
)

// deed is one thing to do: what is upgraded, and in which package it stands where it cannot be upgraded
// by itself.
type deed struct {
	target, kind, name, holder string
	base                       bool
}

// upgrade is what a deed comes to: from which versions to which, and the findings that it clears.
type upgrade struct {
	kind      *ecosystem.Ecosystem
	holder    *finding.Package
	installed []string
	to        string
	group     *finding.Group // nil as long as all findings were let pass
	findings  []*finding.Finding
}

// group gathers the findings that one upgrade clears, and has each name it. A distribution ships the
// packages of one source together, so they make one group.
func (s *scan) group() {
	packages := map[string]*finding.Package{}
	for i := range s.report.Packages {
		packages[s.report.Packages[i].ID] = &s.report.Packages[i]
	}
	held := holdersOf(s.report.Packages)
	upgrades := map[deed]*upgrade{}
	for i := range s.report.Findings {
		f := &s.report.Findings[i]
		p := packages[f.Package]
		if f.Fixed == "" || p == nil || f.Kind != finding.KindVulnerability {
			continue
		}
		d := deed{target: f.Target, kind: p.Type, name: fullName(p), base: p.Base}
		if p.Source != nil {
			d.name = p.Source.Name
		}
		holder := held.of(p)
		if holder != nil {
			d.holder = holder.ID
		}
		if len(f.Suppressed) > 0 { // nothing to do, and so no reason to name a later version to others
			alone := upgrade{kind: s.kindOf(p), holder: holder}
			alone.add(f, p, s.upgrades[p.ID])
			f.Fix = alone.words(d.name)
			continue
		}
		u := upgrades[d]
		if u == nil {
			u = &upgrade{kind: s.kindOf(p), holder: holder, group: &finding.Group{Target: f.Target, Package: p.ID, Base: p.Base, Severity: finding.Unknown}}
			upgrades[d] = u
		}
		u.add(f, p, s.upgrades[p.ID])
		u.gather(f)
	}
	for d, u := range upgrades {
		u.group.Title = u.words(d.name)
		for _, f := range u.findings {
			f.Fix = u.group.Title
		}
		slices.Sort(u.group.Fingerprints)
		s.report.Groups = append(s.report.Groups, *u.group)
	}
	slices.SortFunc(s.report.Groups, func(a, b finding.Group) int {
		return cmp.Or(cmp.Compare(a.Target, b.Target), cmp.Compare(b.Severity.Rank(), a.Severity.Rank()),
			cmp.Compare(len(b.Fingerprints), len(a.Fingerprints)), cmp.Compare(a.Title, b.Title), cmp.Compare(a.Package, b.Package))
	})
}

// add takes a finding of a package, which a version clears together with all else that is known of it.
func (u *upgrade) add(f *finding.Finding, p *finding.Package, clear string) {
	version := p.Version
	if p.Source != nil {
		version = cmp.Or(p.Source.Version, version)
	}
	if version != "" && !slices.Contains(u.installed, version) {
		u.installed = append(u.installed, version)
	}
	u.to = later(u.kind, u.to, cmp.Or(clear, f.Fixed))
}

func (u *upgrade) gather(f *finding.Finding) {
	u.findings = append(u.findings, f)
	if f.Severity.Rank() > u.group.Severity.Rank() {
		u.group.Severity = f.Severity
	}
	if !slices.Contains(u.group.Fingerprints, f.Fingerprint) {
		u.group.Fingerprints = append(u.group.Fingerprints, f.Fingerprint)
	}
}

// words are the deed in words: "upgrade axios from 0.21.1 to 1.18.0".
func (u *upgrade) words(name string) string {
	slices.SortFunc(u.installed, func(a, b string) int { return order(u.kind, a, b) })
	installed, to := u.installed, u.to
	if len(installed) > 0 && strings.HasPrefix(installed[0], "v") && !strings.HasPrefix(to, "v") {
		to = "v" + to // as Go writes versions, and advisories do not
	}
	from := ""
	if n := len(installed); n > maxInstalled {
		from = fmt.Sprintf("%s and %d more", strings.Join(installed[:maxInstalled], ", "), n-maxInstalled)
	} else if n > 1 {
		from = strings.Join(installed[:n-1], ", ") + " and " + installed[n-1]
	} else if n == 1 {
		from = installed[0]
	}
	if u.holder != nil {
		return fmt.Sprintf("upgrade %s from %s to one that brings %s %s (now %s)", fullName(u.holder), u.holder.Version, name, to, from)
	}
	if from != "" {
		from = " from " + from
	}
	return fmt.Sprintf("upgrade %s%s to %s", name, from, to)
}

// maxInstalled bounds how many versions a deed names that it upgrades from.
const maxInstalled = 3

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
	if a == "" || order(kind, a, b) < 0 {
		return b
	}
	return a
}

// order is that of an ecosystem's versions. What it cannot order is ordered by its letters, so that it
// is the same in every run.
func order(kind *ecosystem.Ecosystem, a, b string) int {
	if kind != nil && kind.Compare != nil {
		if c, err := kind.Compare(a, b); err == nil {
			return c
		}
	}
	return cmp.Compare(a, b)
}

func fullName(p *finding.Package) string {
	return ecosystem.Package{Type: p.Type, Namespace: p.Namespace, Name: p.Name}.FullName()
}
