package scan

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/ecosystem"
	"github.com/plimsoll/plimsoll/internal/ecosystem/purl"
	"github.com/plimsoll/plimsoll/internal/judge/vuln"
	"github.com/plimsoll/plimsoll/internal/read/advisory"
	"github.com/plimsoll/plimsoll/internal/read/image"
	"github.com/plimsoll/plimsoll/internal/read/image/inventory"
	"github.com/plimsoll/plimsoll/internal/weigh/risk"
)

// target adds an image to the report.
func (s *scan) target(ctx context.Context, id string, img *image.Image, contents []*inventory.Contents, inv inventory.Inventory) {
	t := finding.Target{
		ID: id, Kind: "image", Name: img.Name, Origin: img.Origin, Digest: img.Digest, IndexDigest: img.IndexDigest,
		Platform: img.Platform, Verified: true, OS: s.os(inv.Release),
	}
	if img.Origin == "rootfs" || img.Origin == sourceFolder {
		t.Kind = img.Origin
	}
	for i, l := range img.Layers {
		c := contents[i]
		t.Size += c.Size
		t.Verified = t.Verified && c.Verified
		t.Layers = append(t.Layers, finding.Layer{
			Index: i, Digest: l.Digest, DiffID: cmp.Or(c.DiffID, l.DiffID), Size: l.Size, CreatedBy: s.plain(l.CreatedBy), Verified: c.Verified,
		})
	}
	t.Base = s.baseOf(ctx, img, &t)
	for i := range t.Layers {
		t.Layers[i].Base = t.Base != nil && i < t.Base.Layers
	}
	s.report.Targets = append(s.report.Targets, t)
	s.excepted.image(id, img)
}

// bill adds an inventory that somebody else made.
func (s *scan) bill(id string, b *Bill) {
	t := finding.Target{ID: id, Kind: b.Kind, Name: b.Name, Origin: b.Origin, Digest: b.Digest, OS: s.os(b.Release)}
	s.report.Targets = append(s.report.Targets, t)
	for _, g := range b.Gaps {
		g.Target = id
		s.report.Coverage = append(s.report.Coverage, g)
	}
	s.vouch(b)
}

// vouch settles for which owned packages the distribution does not speak, as a layer's inventory does.
func (s *scan) vouch(b *Bill) {
	kinds := s.byName()
	for i := range b.Packages {
		p := &b.Packages[i]
		if p.Owner < 0 {
			continue
		}
		owner := &b.Packages[p.Owner]
		if kind := kinds[owner.Ecosystem]; kind != nil && kind.ThirdParty != nil {
			var on ecosystem.Release
			if b.Release != nil {
				on = *b.Release
			}
			p.Unvouched = kind.ThirdParty(owner.Package, on)
		}
	}
}

// byName are the ecosystems by their names.
func (s *scan) byName() map[string]*ecosystem.Ecosystem {
	kinds := map[string]*ecosystem.Ecosystem{}
	for i := range s.o.Kinds {
		kinds[s.o.Kinds[i].Name] = &s.o.Kinds[i]
	}
	return kinds
}

func (s *scan) os(r *ecosystem.Release) *finding.OS {
	if r == nil {
		return nil
	}
	os := &finding.OS{ID: r.ID, Version: r.Version, Codename: r.Codename}
	if s.o.EndOfLife != nil {
		if day, ok := s.o.EndOfLife(*r); ok {
			os.EndOfLife = day.Format("2006-01-02")
			os.Ended = day.Before(s.o.Now)
		}
	}
	return os
}

// judge lists the packages of a target and matches them against the advisories.
func (s *scan) judge(id string, packages []inventory.Package, on *ecosystem.Release) error {
	var release ecosystem.Release
	if on != nil {
		release = *on
	}
	t := &s.report.Targets[len(s.report.Targets)-1]
	if !s.room(id, packages) {
		return nil
	}
	first := len(s.report.Packages)
	s.list(t, packages, release)
	s.licenses(t, first)
	if !s.o.runs("vuln") {
		return nil
	}
	subjects, of := s.subjects(packages)
	matches, gaps, err := vuln.Judge(subjects, release, s.o.Lookup)
	if err != nil {
		return err
	}
	s.report.Findings = room(s.report.Findings, len(matches))
	for i := range matches {
		m := &matches[i]
		n := of[m.Subject]
		s.finding(t, &packages[n], &s.report.Packages[first+n], m)
	}
	s.listed += int64(len(matches)) * costFinding
	s.packageGaps(id, subjects, gaps)
	s.kindGaps(id, packages)
	return nil
}

// room has a list take n more. It at least doubles: by the quarter that append adds, a report on a thousand
// SBOMs would be copied four times over.
func room[T any](list []T, n int) []T {
	if cap(list)-len(list) >= n {
		return list
	}
	return slices.Grow(list, max(n, len(list)))
}

// list adds packages to the report, under ids that follow their order.
func (s *scan) list(t *finding.Target, packages []inventory.Package, release ecosystem.Release) {
	first := len(s.report.Packages)
	s.report.Packages = room(s.report.Packages, len(packages))
	name := func(i int) string { return fmt.Sprintf("p%d", first+i+1) }
	byName := map[string][]int{}
	for i := range packages {
		k := packages[i].Ecosystem + " " + packages[i].FullName()
		byName[k] = append(byName[k], i)
	}
	for i := range packages {
		p := &packages[i]
		out := finding.Package{
			ID: name(i), Target: t.ID, PURL: purl.Of(p.Package, release), Type: p.Type, Namespace: p.Namespace, Name: p.Name, Version: p.Version,
			Arch: p.Arch, Module: p.Module, Vendor: p.Vendor, Licenses: p.Licenses, Digests: p.Digests,
			Declared: p.Declared, Dev: p.Dev, Data: p.Data, Heuristic: p.Heuristic, Main: p.Main, Maintainer: p.Maintainer,
		}
		if p.SourceName != "" || p.SourceVer != "" {
			out.Source = &finding.SourcePackage{Name: cmp.Or(p.SourceName, p.Name), Version: cmp.Or(p.SourceVer, p.Version)}
		}
		for _, at := range p.Places {
			l := finding.Location{Path: at.Path, Inner: at.Inner, StartLine: at.Line}
			if len(t.Layers) > 0 {
				l.Layer = &at.Layer
				l.Instruction = t.Layers[at.Layer].CreatedBy
			}
			out.Locations = append(out.Locations, l)
		}
		s.kinds[out.ID] = p.Ecosystem
		out.Base = inBase(t, p.Places)
		if p.Owner >= 0 {
			out.OwnedBy = name(p.Owner)
		}
		for _, d := range p.Depends {
			if of := byName[p.Ecosystem+" "+d]; len(of) == 1 && of[0] != i {
				out.DependsOn = append(out.DependsOn, name(of[0]))
			}
		}
		slices.Sort(out.DependsOn)
		out.DependsOn = slices.Compact(out.DependsOn)
		s.report.Packages = append(s.report.Packages, out)
	}
}

func inBase(t *finding.Target, places []inventory.Place) bool {
	if t.Base == nil || t.Base.Layers == 0 || len(places) == 0 {
		return false
	}
	return !slices.ContainsFunc(places, func(p inventory.Place) bool { return p.Layer >= t.Base.Layers })
}

// subjects are the packages to judge: all but those that are an OS package's own files. Of says
// which package each is.
func (s *scan) subjects(packages []inventory.Package) (subjects []vuln.Subject, of []int) {
	kinds := s.byName()
	for i := range packages {
		p := &packages[i]
		if p.Owner >= 0 && !p.Unvouched || kinds[p.Ecosystem] == nil {
			continue
		}
		subjects = append(subjects, vuln.Subject{Package: &p.Package, Kind: kinds[p.Ecosystem]})
		of = append(of, i)
	}
	return subjects, of
}

// finding adds one match to the report.
func (s *scan) finding(t *finding.Target, p *inventory.Package, listed *finding.Package, m *vuln.Match) {
	v := &m.Vulnerability
	s.upgrades[listed.ID] = m.Upgrade
	f := finding.Finding{
		Deck: finding.Build, Kind: finding.KindVulnerability, Rule: v.ID, Aliases: aliases(v, m.Advisories),
		Severity: m.Severity, SeverityFrom: m.SeverityFrom, Ratings: v.Ratings,
		Target: t.ID, Package: listed.ID, Status: m.Status, Fixed: m.Fixed, Locations: listed.Locations,
		Risk: &finding.Risk{EPSS: v.EPSS, EPSSPercentile: v.EPSSRank, KEV: !v.KEV.IsZero()},
	}
	if f.Severity == "" {
		f.Severity = finding.Unknown
	}
	if v.Malware {
		f.Kind, f.Severity = finding.KindMalware, finding.Critical
	}
	if !v.Published.IsZero() {
		f.Published = v.Published.UTC().Format("2006-01-02")
	}
	f.Title, f.Fix = words(p, m, v.Malware)
	f.Evidence = functions(m.Symbols)
	f.References = references(v.ID, m.Advisories)
	if why := notRun(p); why != "" {
		f.Suppressed = []finding.Suppression{{By: "plimsoll", Reason: why, VEX: &finding.VEX{Status: "not_affected", Justification: "vulnerable_code_not_present"}}}
	}
	risk.Of(&f)
	f.Fingerprint = finding.Fingerprint(f, listed.PURL)
	s.report.Findings = append(s.report.Findings, f)
}

// notRun says why a package's code cannot run in the container; empty when it could.
func notRun(p *inventory.Package) string {
	switch {
	case p.Data:
		return "the package holds headers or data only: none of the vulnerable code is there"
	case p.Declared && p.Dev:
		return "declared for development only, and not installed"
	}
	return ""
}

func words(p *inventory.Package, m *vuln.Match, malware bool) (title, fix string) {
	name, id := p.FullName(), m.Vulnerability.ID
	titled := strings.TrimSpace(name + " " + p.Version)
	if malware {
		return fmt.Sprintf("%s: %s, the package is malicious", titled, id), fmt.Sprintf("remove %s, and treat what ran with it as compromised", name)
	}
	switch m.Status {
	case finding.StatusFixed:
		return fmt.Sprintf("%s: %s, fixed in %s", titled, id, m.Fixed), "" // the upgrade is told when all findings are known
	case finding.StatusWillNotFix:
		return fmt.Sprintf("%s: %s, will not be fixed", titled, id), ""
	case finding.StatusDeferred:
		return fmt.Sprintf("%s: %s, fix deferred", titled, id), ""
	case finding.StatusEndOfLife:
		return fmt.Sprintf("%s: %s, the release gets no more fixes", titled, id), "move to a supported release"
	case finding.StatusUnimportant:
		return fmt.Sprintf("%s: %s, unimportant to its maintainers", titled, id), ""
	}
	return fmt.Sprintf("%s: %s, no fix yet", titled, id), ""
}

// maxFunctions bounds how many are named.
const maxFunctions = 5

// functions names where in a module the fault lies, as far as its advisories tell. Whether a program
// calls them, or holds them at all, is not looked at.
func functions(symbols []string) string {
	if len(symbols) == 0 {
		return ""
	}
	text := "vulnerable functions: " + strings.Join(symbols[:min(len(symbols), maxFunctions)], ", ")
	if more := len(symbols) - maxFunctions; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}

func aliases(v *advisory.Vulnerability, advisories []string) []string {
	all := append(slices.Clone(v.Aliases), advisories...)
	slices.Sort(all)
	all = slices.Compact(all)
	return slices.DeleteFunc(all, func(id string) bool { return id == v.ID })
}

// references are where a person reads on. They are composed from ids; nothing is fetched.
func references(id string, advisories []string) []string {
	var urls []string
	for _, id := range append([]string{id}, advisories...) {
		u := ""
		switch prefix, _, _ := strings.Cut(id, "-"); prefix {
		case "CVE":
			u = "https://nvd.nist.gov/vuln/detail/" + id
		case "GHSA":
			u = "https://github.com/advisories/" + id
		case "GO":
			u = "https://pkg.go.dev/vuln/" + id
		case "RUSTSEC":
			u = "https://rustsec.org/advisories/" + id
		case "DSA", "DLA":
			u = "https://security-tracker.debian.org/tracker/" + id
		case "PYSEC", "BIT", "MAL":
			u = "https://osv.dev/vulnerability/" + id
		}
		if u != "" && !slices.Contains(urls, u) {
			urls = append(urls, u)
		}
	}
	return urls
}
