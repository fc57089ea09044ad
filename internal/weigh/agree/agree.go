// Package agree holds a report beside what other engines say of the same targets. Each finding learns who
// agrees, and each difference is told with its reason.
//
// Two findings are the same when they name the same package of the same version, and ids that the database
// holds for the same. Reasons are answers of the database and of both inventories, never guesses: where
// nothing tells why, the reason is "unknown". The verdict is not touched: what opinions are worth is for
// policies to say.
package agree

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/check"
	"github.com/plimsoll/plimsoll/internal/ecosystem"
	"github.com/plimsoll/plimsoll/internal/read/advisory"
	"github.com/plimsoll/plimsoll/internal/read/opinion"
)

// Options are what is asked for reasons.
type Options struct {
	Lookup advisory.Lookup
	Kinds  []ecosystem.Ecosystem
	Cards  func(word string) []check.Card // the checks of an id or an alias
}

// Reasons beside those of package vuln.
const (
	notInInventory = "not-in-inventory"       // the report lists no such package
	otherVersion   = "other-version"          // it lists it in another version
	notListedThere = "not-in-their-inventory" // the engine lists its packages, and this one is not there
	elsewhere      = "other-version-there"    // the engine lists it in another version
	letPass        = "let-pass"               // the report found it, and somebody let it pass
	letPassThere   = "let-pass-there"
	ownedFiles     = "owned" // the files are an OS package's, whose distribution speaks for them
	noCheck        = "no-check"
	checkPassed    = "check-passed"
	checkNotRun    = "check-not-run"
	otherSource    = "other-source" // of the severity
	otherAdvisory  = "other-advisory"
	unknown        = "unknown"
)

// Merge adds the opinions of other engines to a report. An error means that one of them is of nothing that
// the report is about, or that the database cannot be read.
func Merge(r *finding.Report, theirs []*opinion.Report, o Options) error {
	for _, their := range theirs {
		t, err := targetOf(r, their)
		if err != nil {
			return err
		}
		if slices.ContainsFunc(r.Engines, func(e finding.Engine) bool { return e.Name == their.Engine && e.Target == t.ID }) {
			return fmt.Errorf("two reports of %s on %s: give one", their.Engine, t.Name)
		}
		m := newMerge(r, t, their, o)
		if err := m.run(); err != nil {
			return err
		}
	}
	finding.Sort(r)
	return nil
}

// targetOf finds the target that an engine looked at: by its layers or digests where both sides name them,
// else by name, else the only one there is.
func targetOf(r *finding.Report, their *opinion.Report) (*finding.Target, error) {
	var byName, comparable []*finding.Target
	for i := range r.Targets {
		t := &r.Targets[i]
		switch same, known := sameImage(t, their); {
		case same:
			return t, nil
		case known:
			continue // another image, whatever it is called
		}
		comparable = append(comparable, t)
		if their.Name != "" && t.Name == their.Name {
			byName = append(byName, t)
		}
	}
	switch {
	case len(byName) == 1:
		return byName[0], nil
	case len(comparable) == 1 && len(r.Targets) == 1:
		return comparable[0], nil
	case len(comparable) == 0:
		return nil, fmt.Errorf("the report of %s is of another image (%s): none of its layers and digests are those of the report", their.Engine, cmp.Or(their.Name, "it does not say which"))
	}
	return nil, fmt.Errorf("the report of %s does not say which of %d targets it is of (it names %q)", their.Engine, len(r.Targets), their.Name)
}

// sameImage says whether both sides speak of one image, and whether that can be told.
func sameImage(t *finding.Target, their *opinion.Report) (same, known bool) {
	var layers []string
	for _, l := range t.Layers {
		if l.DiffID != "" {
			layers = append(layers, l.DiffID)
		}
	}
	if len(layers) > 0 && len(layers) == len(t.Layers) && len(their.DiffIDs) > 0 {
		return slices.Equal(layers, their.DiffIDs), true
	}
	for _, d := range []string{t.Digest, t.IndexDigest} {
		if d != "" && slices.Contains(their.Digests, d) {
			return true, true
		}
	}
	return false, false
}

// merge is the work on one engine's report on one target.
type merge struct {
	o       Options
	report  *finding.Report
	target  *finding.Target
	their   *opinion.Report
	on      ecosystem.Release
	byName  map[string][]*finding.Package // by type and name
	byID    map[string]*finding.Package
	listed  map[string][]string           // of the engine's list: key → versions
	spoken  map[string][]string           // of what it reports: key → versions
	of      map[string][]*finding.Finding // by package id
	loose   []*finding.Finding            // without a package
	agreed  map[*finding.Finding]*opinion.Opinion
	ignored map[*finding.Finding]*opinion.Opinion
	known   map[string][]string // id → all ids that mean the same
	out     []finding.Disagreement
	fixes   bool // the engine's report says what mends things; SARIF has no field for it
}

func newMerge(r *finding.Report, t *finding.Target, their *opinion.Report, o Options) *merge {
	m := &merge{
		o: o, report: r, target: t, their: their, byName: map[string][]*finding.Package{}, of: map[string][]*finding.Finding{},
		byID: map[string]*finding.Package{}, listed: map[string][]string{}, spoken: map[string][]string{},
		agreed: map[*finding.Finding]*opinion.Opinion{}, ignored: map[*finding.Finding]*opinion.Opinion{}, known: map[string][]string{},
	}
	if t.OS != nil {
		m.on = ecosystem.Release{ID: t.OS.ID, Version: t.OS.Version, Codename: t.OS.Codename}
	}
	for i := range r.Packages {
		if p := &r.Packages[i]; p.Target == t.ID {
			key := m.key(packageOf(p))
			m.byName[key] = append(m.byName[key], p)
			m.byID[p.ID] = p
		}
	}
	m.versions()
	for i := range r.Findings {
		switch f := &r.Findings[i]; {
		case f.Target != t.ID:
		case f.Package == "":
			m.loose = append(m.loose, f)
		default:
			m.of[f.Package] = append(m.of[f.Package], f)
		}
	}
	return m
}

// versions gathers in which versions the engine knows packages.
func (m *merge) versions() {
	add := func(to map[string][]string, p *opinion.Package) {
		if key := m.key(p.Package); !slices.Contains(to[key], p.Version) {
			to[key] = append(to[key], p.Version)
		}
	}
	for i := range m.their.Packages {
		add(m.listed, &m.their.Packages[i])
	}
	for i := range m.their.Opinions {
		m.fixes = m.fixes || len(m.their.Opinions[i].Fixed) > 0
		if p := m.their.Opinions[i].Package; p != nil {
			add(m.spoken, p)
		}
	}
}

// packageOf is a listed package as ecosystems know it.
func packageOf(p *finding.Package) ecosystem.Package {
	out := ecosystem.Package{
		Type: p.Type, Namespace: p.Namespace, Name: p.Name, Version: p.Version, Arch: p.Arch, Module: p.Module, Vendor: p.Vendor, Maintainer: p.Maintainer,
		Declared: p.Declared, Dev: p.Dev, Data: p.Data, Heuristic: p.Heuristic, Main: p.Main,
	}
	if p.Source != nil {
		out.SourceName, out.SourceVer = p.Source.Name, p.Source.Version
	}
	return out
}

// kind is the ecosystem of a type of package; nil where there is none.
func (m *merge) kind(purlType string) *ecosystem.Ecosystem {
	name := purlType
	if purlType == "generic" || purlType == "k8s" {
		name = "binary"
	}
	for i := range m.o.Kinds {
		if m.o.Kinds[i].Name == name {
			return &m.o.Kinds[i]
		}
	}
	return nil
}

// key files a package under its type and the name that advisories use. An OS package is known by its name
// alone: engines call distributions by different words.
func (m *merge) key(p ecosystem.Package) string {
	switch p.Type {
	case "deb", "apk", "rpm":
		return p.Type + " " + p.Name
	}
	name := p.FullName()
	if k := m.kind(p.Type); k != nil && k.Key != nil {
		name = k.Key(p)
	}
	return p.Type + " " + strings.ToLower(name)
}

// run compares everything in both directions.
func (m *merge) run() error {
	seen, agreed := map[string]bool{}, 0
	for i := range m.their.Opinions {
		o := &m.their.Opinions[i]
		key := fmt.Sprint(o.Kind, o.IDs[0], o.Package, o.Path, o.Line, o.Ignored != "")
		if o.Package != nil {
			key = fmt.Sprint(o.Kind, o.IDs[0], m.key(o.Package.Package), o.Package.Version, o.Ignored != "")
		}
		if seen[key] {
			continue
		}
		seen[key] = true
		same, err := m.same(o)
		if err != nil {
			return err
		}
		for _, f := range same {
			m.take(f, o)
		}
		if len(same) > 0 && o.Ignored == "" {
			agreed++
		}
		if len(same) == 0 && o.Ignored == "" {
			if err := m.onlyTheirs(o); err != nil {
				return err
			}
		}
	}
	m.ours()
	m.report.Engines = append(m.report.Engines, finding.Engine{
		Name: m.their.Engine, Version: m.their.Version, Target: m.target.ID, Digest: m.their.Digest, Findings: len(seen), Agreed: agreed,
	})
	m.report.Disagreements = append(m.report.Disagreements, m.out...)
	return nil
}

// take records that an engine speaks of a finding.
func (m *merge) take(f *finding.Finding, o *opinion.Opinion) {
	if o.Ignored != "" {
		if m.agreed[f] == nil {
			m.ignored[f] = o
		}
		return
	}
	if m.agreed[f] != nil {
		return
	}
	m.agreed[f] = o
	delete(m.ignored, f)
	said := finding.Opinion{Engine: m.their.Engine, Agrees: true, Severity: o.Severity, Fixed: strings.Join(o.Fixed, ", ")}
	if o.IDs[0] != f.Rule {
		said.Rule = o.IDs[0]
	}
	f.Opinions = append(f.Opinions, said)
}

// same are the findings that an opinion is about.
func (m *merge) same(o *opinion.Opinion) ([]*finding.Finding, error) {
	ids, err := m.meaning(o.IDs)
	if err != nil {
		return nil, err
	}
	means := func(f *finding.Finding) bool {
		return slices.ContainsFunc(append([]string{f.Rule}, f.Aliases...), func(id string) bool {
			return slices.ContainsFunc(ids, func(other string) bool {
				// Trivy calls its checks otherwise than it did: DS002 and AVD-DS-0002 are DS-0002.
				return strings.EqualFold(id, other) || o.Kind == finding.KindMisconfiguration && check.Present(id) == check.Present(other)
			})
		})
	}
	var all []*finding.Finding
	switch {
	case o.Package != nil:
		for _, p := range m.candidates(o.Package) {
			for _, f := range m.of[p.ID] {
				if means(f) {
					all = append(all, f)
				}
			}
		}
	case o.Kind == finding.KindVulnerability: // by its id alone
		for i := range m.report.Findings {
			if f := &m.report.Findings[i]; f.Target == m.target.ID && f.Package != "" && means(f) {
				all = append(all, f)
			}
		}
	default:
		for _, f := range m.loose {
			if f.Kind == o.Kind && inPlace(f, o) && (means(f) || o.Kind == finding.KindSecret && o.Line > 0) {
				all = append(all, f)
			}
		}
	}
	return all, nil
}

// inPlace says whether a finding and an opinion speak of the same file and line, as far as both name them.
func inPlace(f *finding.Finding, o *opinion.Opinion) bool {
	if len(f.Locations) == 0 {
		return o.Kind != finding.KindSecret
	}
	return slices.ContainsFunc(f.Locations, func(l finding.Location) bool {
		path := o.Path == l.Path || o.Path == "" || strings.HasSuffix(o.Path, "/"+l.Path) || strings.HasSuffix(l.Path, "/"+o.Path)
		line := o.Line == 0 || l.StartLine == 0 || o.Line >= l.StartLine && o.Line <= max(l.EndLine, l.StartLine)
		return path && line
	})
}

// candidates are our packages of the same name and version.
func (m *merge) candidates(p *opinion.Package) (same []*finding.Package) {
	for _, ours := range m.byName[m.key(p.Package)] {
		if m.equal(p.Type, ours.Version, p.Version) {
			same = append(same, ours)
		}
	}
	return same
}

// equal says whether two versions are the same by their ecosystem's order.
func (m *merge) equal(purlType, a, b string) bool {
	if a == b {
		return true
	}
	k := m.kind(purlType)
	if k == nil || k.Compare == nil || a == "" || b == "" {
		return false
	}
	order, err := k.Compare(a, b)
	return err == nil && order == 0
}

// meaning are all ids that the database holds for the same as one of these.
func (m *merge) meaning(ids []string) ([]string, error) {
	all := slices.Clone(ids)
	for _, id := range ids {
		more, ok := m.known[id]
		if !ok && m.o.Lookup != nil {
			v, found, err := m.o.Lookup.Vulnerability(id)
			if err != nil {
				return nil, err
			}
			// An advisory that covers several vulnerabilities means each of them.
			if found {
				more = append(append([]string{v.ID}, v.Aliases...), v.Covers...)
			}
			m.known[id] = more
		}
		all = append(all, more...)
	}
	return all, nil
}
