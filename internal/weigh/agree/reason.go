package agree

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/check"
	"github.com/plimsoll/plimsoll/internal/ecosystem"
	"github.com/plimsoll/plimsoll/internal/judge/vuln"
	"github.com/plimsoll/plimsoll/internal/read/opinion"
)

// tell adds a disagreement.
func (m *merge) tell(d finding.Disagreement) {
	d.Engine, d.Target = m.their.Engine, m.target.ID
	m.out = append(m.out, d)
}

// onlyTheirs tells of what the engine found and we did not, and why.
func (m *merge) onlyTheirs(o *opinion.Opinion) error {
	d := finding.Disagreement{What: finding.OnlyTheirs, Rule: o.IDs[0], Aliases: o.IDs[1:], Kind: o.Kind, Theirs: string(o.Severity), Path: o.Path}
	if len(d.Aliases) == 0 {
		d.Aliases = nil
	}
	if o.Package == nil {
		return m.withoutPackage(d, o)
	}
	d.Name, d.Version = nameOf(o.Package.Package), o.Package.Version
	ours := m.candidates(o.Package)
	if len(ours) == 0 {
		d.Reason, d.Detail = notInInventory, "the report lists no such package"
		var versions []string
		for _, p := range m.byName[m.key(o.Package.Package)] {
			versions = append(versions, cmp.Or(p.Version, "no version"))
		}
		if len(versions) > 0 {
			d.Reason, d.Detail = otherVersion, "the report lists it as "+strings.Join(versions[:min(len(versions), 5)], ", ")
		}
		m.tell(d)
		return nil
	}
	d.Package = ours[0].ID
	answer, err := m.why(ours[0], o)
	if err != nil {
		return err
	}
	d.Reason, d.Detail = answer.Reason, answer.Detail
	m.tell(d)
	return nil
}

// nameOf is a package's name as people know it: that of an OS package alone, whatever its distribution.
func nameOf(p ecosystem.Package) string {
	switch p.Type {
	case "deb", "apk", "rpm":
		return p.Name
	}
	return p.FullName()
}

// why asks the database why it does not report on one of our packages what the engine does.
func (m *merge) why(p *finding.Package, o *opinion.Opinion) (vuln.Answer, error) {
	kind := m.kind(p.Type)
	switch {
	case m.o.Lookup == nil:
		return vuln.Answer{Reason: unknown, Detail: "no database was asked"}, nil
	case kind == nil:
		return vuln.Answer{Reason: vuln.GapNoFeed, Detail: "no advisories are known for packages of its kind"}, nil
	case p.OwnedBy != "" && !m.unvouched(p):
		return vuln.Answer{Reason: ownedFiles, Detail: "its files are those of an OS package, and the distribution's advisories speak for them"}, nil
	}
	ids, err := m.meaning(o.IDs)
	if err != nil {
		return vuln.Answer{}, err
	}
	of := packageOf(p)
	return vuln.Why(vuln.Subject{Package: &of, Kind: kind}, m.on, m.o.Lookup, vuln.Claim{IDs: ids, Fixed: o.Fixed})
}

// unvouched says whether the OS package that brought a package is a third party's, so that the distribution
// does not speak for what it brings.
func (m *merge) unvouched(p *finding.Package) bool {
	owner := m.byID[p.OwnedBy]
	if owner == nil {
		return false
	}
	k := m.kind(owner.Type)
	return k != nil && k.ThirdParty != nil && k.ThirdParty(packageOf(owner), m.on)
}

// withoutPackage tells of a rule that the engine names for a file or for nothing.
func (m *merge) withoutPackage(d finding.Disagreement, o *opinion.Opinion) error {
	d.Reason = unknown
	if o.Kind == finding.KindVulnerability {
		d.Detail = "it does not name the package"
		if m.o.Lookup != nil {
			known := false
			for _, id := range o.IDs {
				_, found, err := m.o.Lookup.Vulnerability(id)
				if err != nil {
					return err
				}
				known = known || found
			}
			if !known {
				d.Reason, d.Detail = vuln.WhyNotInData, "the database does not know it"
			}
		}
		m.tell(d)
		return nil
	}
	if o.Kind == finding.KindMisconfiguration {
		d.Reason, d.Detail = m.checked(o)
	}
	m.tell(d)
	return nil
}

// checked says what became of the check of ours that stands for a rule of theirs.
func (m *merge) checked(o *opinion.Opinion) (reason, detail string) {
	if m.o.Cards == nil {
		return unknown, ""
	}
	for _, id := range o.IDs {
		cards := m.o.Cards(id)
		if len(cards) == 0 {
			continue
		}
		for _, c := range m.report.Checks {
			if c.Target != m.target.ID || c.Evaluated == 0 || !slices.ContainsFunc(cards, func(card check.Card) bool { return card.ID == c.Rule }) {
				continue
			}
			if c.Failed == 0 {
				return checkPassed, c.Rule + " looked, and found nothing"
			}
			return unknown, c.Rule + " found it in other places"
		}
		return checkNotRun, cards[0].ID + " did not run on this target"
	}
	return noCheck, "no check of ours stands for it"
}

// ours tells of what we found and the engine does not, and of where both differ in how grave it is or what
// mends it. Kinds that the engine does not look for are passed over.
func (m *merge) ours() {
	for i := range m.report.Findings {
		f := &m.report.Findings[i]
		if f.Target != m.target.ID || !slices.Contains(m.their.Kinds, f.Kind) {
			continue
		}
		p := m.byID[f.Package]
		d := finding.Disagreement{Rule: f.Rule, Aliases: f.Aliases, Kind: f.Kind, Package: f.Package, Fingerprint: f.Fingerprint, Severity: f.Severity, Fixed: f.Fixed}
		if p != nil {
			d.Name, d.Version = nameOf(packageOf(p)), p.Version
		} else if len(f.Locations) > 0 {
			d.Path = f.Locations[0].Path
		}
		switch o := m.agreed[f]; {
		case o != nil && len(f.Suppressed) > 0:
			s := f.Suppressed[0]
			d.What, d.Reason, d.Detail, d.Theirs = finding.OnlyTheirs, letPass, strings.TrimRight(s.By+": "+s.Reason, ": "), string(o.Severity)
			m.tell(d)
		case o != nil:
			m.differ(f, o, d)
		case len(f.Suppressed) > 0:
		case f.Kind != finding.KindVulnerability && m.ignored[f] == nil:
			// What an engine has no rule for says nothing; that is most of it.
		default:
			f.Opinions = append(f.Opinions, finding.Opinion{Engine: m.their.Engine})
			d.What = finding.OnlyOurs
			d.Reason, d.Detail = m.whyNot(f, p)
			m.tell(d)
		}
	}
}

// whyNot says why an engine does not report a finding, as far as its own report tells.
func (m *merge) whyNot(f *finding.Finding, p *finding.Package) (reason, detail string) {
	if o := m.ignored[f]; o != nil {
		return letPassThere, o.Ignored
	}
	if p == nil {
		return unknown, ""
	}
	key := m.key(packageOf(p))
	holds := func(versions []string) bool {
		return slices.ContainsFunc(versions, func(v string) bool { return m.equal(p.Type, p.Version, v) })
	}
	versions := m.listed[key]
	switch {
	case len(m.listed) > 0 && len(versions) == 0:
		return notListedThere, "it lists the packages that it saw, and this is none of them"
	case len(m.listed) > 0 && !holds(versions):
		return elsewhere, "it lists it as " + strings.Join(versions[:min(len(versions), 5)], ", ")
	case holds(versions):
		return unknown, "it lists the package, and does not report this on it"
	case holds(m.spoken[key]):
		return unknown, "it reports other things on the package, and not this"
	}
	return unknown, "its report does not list the packages that it saw"
}

// differ tells where both report a finding, and not alike.
func (m *merge) differ(f *finding.Finding, o *opinion.Opinion, d finding.Disagreement) {
	if o.Severity != "" && o.Severity != finding.Unknown && o.Severity != f.Severity {
		one := d
		one.What, one.Theirs, one.Reason = finding.OtherSeverity, string(o.Severity), unknown
		if i := slices.IndexFunc(f.Ratings, func(r finding.Rating) bool { return r.Severity == o.Severity && r.Source != f.SeverityFrom }); i >= 0 {
			one.Reason = otherSource
			one.Detail = fmt.Sprintf("%s is what %s says, and %s what %s says, which goes before it here", o.Severity, f.Ratings[i].Source, f.Severity, cmp.Or(f.SeverityFrom, "nobody"))
		} else if i := slices.IndexFunc(f.Ratings, func(r finding.Rating) bool { return r.Score > 0 && finding.SeverityOf(r.Score) == o.Severity }); i >= 0 {
			one.Reason = otherSource
			one.Detail = fmt.Sprintf("%s is what the score of %s comes to, %.1f, and %s the word of %s, which goes before it here", o.Severity, f.Ratings[i].Source, f.Ratings[i].Score, f.Severity, cmp.Or(f.SeverityFrom, "nobody"))
		}
		m.tell(one)
	}
	if f.Kind != finding.KindVulnerability || len(o.Fixed) == 0 && (f.Fixed == "" || !m.fixes) {
		return
	}
	p := m.byID[f.Package]
	if p == nil || slices.ContainsFunc(o.Fixed, func(v string) bool { return m.equal(p.Type, v, f.Fixed) }) {
		return
	}
	d.What, d.Theirs, d.Reason = finding.OtherFix, strings.Join(o.Fixed, ", "), unknown
	if f.Fixed == "" {
		d.Reason, d.Detail = vuln.WhyNotInData, "no advisory of the database names a fix"
	} else if fixes := m.mendedIn(p, f); slices.ContainsFunc(o.Fixed, func(v string) bool {
		return slices.ContainsFunc(fixes, func(ours string) bool { return m.equal(p.Type, v, ours) })
	}) {
		d.Reason, d.Detail = otherAdvisory, "the database knows that one too, from another advisory or for another branch of versions"
	}
	m.tell(d)
}

// mendedIn are all versions that advisories of a finding's ids name as its fix.
func (m *merge) mendedIn(p *finding.Package, f *finding.Finding) (all []string) {
	k := m.kind(p.Type)
	if k == nil || k.Advisories == nil || m.o.Lookup == nil {
		return nil
	}
	of := packageOf(p)
	name := of.FullName()
	if k.Key != nil {
		name = k.Key(of)
	}
	feed, ok := k.Advisories(of, m.on)
	if !ok {
		return nil
	}
	rows, _, err := m.o.Lookup.Package(feed, name)
	if err != nil {
		return nil
	}
	for _, row := range rows {
		if row.ID != f.Rule && !slices.Contains(f.Aliases, row.ID) {
			continue
		}
		for _, r := range row.Ranges {
			if r.Fixed != "" {
				all = append(all, r.Fixed)
			}
		}
	}
	return all
}
