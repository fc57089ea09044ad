// Package vuln judges packages by what advisories say of them.
//
// A package is compared by its own ecosystem's order of versions, under the name and the version that
// its advisories use, and only against advisories of its own ecosystem: never by CPE, and an OS
// package never against upstream's ranges. Ids that mean the same vulnerability give one [Match].
// What cannot be judged is a [Gap], so that silence never reads as clean.
package vuln

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/ecosystem"
	"github.com/plimsoll/plimsoll/internal/read/advisory"
)

// Subject is one package to judge, with the kind that knows how to compare it.
type Subject struct {
	Package *ecosystem.Package
	Kind    *ecosystem.Ecosystem
}

// Match is one vulnerability of one subject.
type Match struct {
	Subject       int // index into the subjects
	Vulnerability advisory.Vulnerability
	Advisories    []string // the ids under which feeds list it for this package, sorted
	Status        finding.Status
	Fixed         string // the version without it; empty: none is known
	Upgrade       string // the version without anything that is known of the package, or with least of it
	Severity      finding.Severity
	SeverityFrom  string
	Symbols       []string
}

// Gap is a subject that could not be judged in full.
type Gap struct {
	Subject  int
	Class    string
	Blocking bool
	What     string
}

// The classes of gap that a judgement can leave.
const (
	GapNoFeed         = "no-feed"         // no advisories exist for this ecosystem or release
	GapOtherRelease   = "other-release"   // built for another release than the one whose advisories are compared
	GapThirdParty     = "third-party"     // made by a vendor that the distribution's advisories do not cover
	GapPartial        = "feed-partial"    // the feed is not whole and says nothing of the package
	GapUnknownVersion = "unknown-version" // there is no version to compare
	GapUnknownModule  = "unknown-module"  // the advisory is for a module stream that the feed does not name
	GapOwnCode        = "own-code"        // the project itself: no advisory could name it
)

// Judge matches every subject against the advisories. Release is the zero value where none is known.
// An error is the database's; what was judged before it is returned with it.
func Judge(subjects []Subject, on ecosystem.Release, db advisory.Lookup) ([]Match, []Gap, error) {
	j := &judge{on: on, db: db}
	for _, i := range byName(subjects) {
		if err := j.judge(i, subjects[i]); err != nil {
			return j.matches, j.gaps, fmt.Errorf("look up %s: %w", subjects[i].Package.FullName(), err)
		}
	}
	slices.SortStableFunc(j.matches, func(a, b Match) int {
		return cmp.Or(cmp.Compare(a.Subject, b.Subject), cmp.Compare(a.Vulnerability.ID, b.Vulnerability.ID))
	})
	slices.SortStableFunc(j.gaps, func(a, b Gap) int { return cmp.Compare(a.Subject, b.Subject) })
	return j.matches, j.gaps, nil
}

// byName is the order in which a database finds neighbours beside each other.
func byName(subjects []Subject) []int {
	order := make([]int, len(subjects))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int {
		p, q := subjects[a].Package, subjects[b].Package
		return cmp.Or(cmp.Compare(p.Type, q.Type), cmp.Compare(p.Namespace, q.Namespace), cmp.Compare(p.Name, q.Name))
	})
	return order
}

type judge struct {
	on      ecosystem.Release
	db      advisory.Lookup
	matches []Match
	gaps    []Gap
}

func (j *judge) gap(subject int, class string, blocking bool, format string, args ...any) {
	j.gaps = append(j.gaps, Gap{subject, class, blocking, fmt.Sprintf(format, args...)})
}

func (j *judge) judge(i int, s Subject) error {
	p, kind := s.Package, s.Kind
	if kind.ThirdParty != nil && kind.ThirdParty(*p, j.on) {
		j.gap(i, GapThirdParty, true, "%s is not the distribution's: its advisories do not speak of it", p.FullName())
		return nil
	}
	feed, ok := "", false
	if kind.Advisories != nil && kind.Compare != nil {
		feed, ok = kind.Advisories(*p, j.on)
	}
	if !ok {
		j.gap(i, GapNoFeed, true, "no advisories are known for packages of kind %s%s", p.Type, j.where(kind))
		return nil
	}
	rows, cover, err := j.db.Package(feed, keyOf(p, kind))
	if err != nil {
		return err
	}
	version := p.Version
	if kind.AdvisoryVersion != nil {
		version = kind.AdvisoryVersion(*p)
	}
	switch {
	case p.Main && len(rows) == 0:
		j.gap(i, GapOwnCode, false, "%s is the project itself", p.FullName())
		return nil
	case version == "" && p.Main:
		j.gap(i, GapUnknownVersion, false, "%s was built without a version", p.FullName())
		return nil
	case version == "":
		j.gap(i, GapUnknownVersion, true, "%s has no version to compare", p.FullName())
		return nil
	case cover == advisory.NoFeed:
		j.gap(i, GapNoFeed, true, "the database has no advisories for %s", feed)
		return nil
	case cover == advisory.Partial && len(rows) == 0:
		j.gap(i, GapPartial, true, "the database's feed for %s is not whole and has nothing on this package", feed)
		return nil
	}
	j.otherRelease(i, s, feed)
	return j.match(i, s, version, rows)
}

// otherRelease tells of a package that the advisories it is compared with do not know.
func (j *judge) otherRelease(i int, s Subject, feed string) {
	if p := s.Package; s.Kind.OtherRelease != nil && s.Kind.OtherRelease(*p, j.on) {
		j.gap(i, GapOtherRelease, true, "%s %s was built for another release than %s: advisories for this one do not know it", p.FullName(), p.Version, feed)
	}
}

func (j *judge) where(kind *ecosystem.Ecosystem) string {
	switch {
	case !kind.OS:
		return ""
	case j.on.ID == "":
		return " without a known distribution"
	}
	return strings.TrimRight(" on "+j.on.ID+" "+j.on.Version, " ")
}

func keyOf(p *ecosystem.Package, kind *ecosystem.Ecosystem) string {
	if kind.Key != nil {
		return kind.Key(*p)
	}
	return p.FullName()
}

// match folds the rows that hit into one match for each vulnerability.
func (j *judge) match(i int, s Subject, version string, rows []advisory.Row) error {
	f := folding{j: j, found: map[string]*Match{}, cleared: map[string]bool{}, known: map[string]advisory.Vulnerability{}}
	incomparable, unnamed := false, false
	for r := range rows {
		row := &rows[r]
		if !concerns(row, s.Package) {
			continue
		}
		fixed, hit, err := affected(row, version, s.Kind.Compare)
		switch {
		case err != nil && !incomparable:
			incomparable = true
			j.gap(i, GapUnknownVersion, true, "%s %s cannot be compared with %s: %v", s.Package.FullName(), version, row.ID, err)
			continue
		case err != nil || !hit && !row.Unaffected:
			continue
		case hit && row.Module == advisory.AnyModule && !sameMajor(version, fixed):
			// The fix is for some stream of the module, and the feed does not say for which.
			unnamed = true
			continue
		}
		if err := f.take(i, row, fixed, rows, s.Kind.Compare); err != nil {
			return err
		}
	}
	if unnamed {
		j.gap(i, GapUnknownModule, true, "%s %s is of a module stream, and advisories speak of one that they do not name", s.Package.FullName(), version)
	}
	return f.settle(s.Package, version, rows, s.Kind.Compare)
}

// settle hands the matches over, with the upgrade that clears them.
func (f *folding) settle(p *ecosystem.Package, version string, rows []advisory.Row, compare func(a, b string) (int, error)) error {
	upgrade, fixable := "", false
	for _, m := range f.found {
		fixable = fixable || m.Fixed != ""
	}
	if fixable {
		var err error
		if upgrade, err = f.upgrade(p, version, rows, compare); err != nil {
			return err
		}
	}
	for _, id := range f.order {
		if m := f.found[id]; !f.cleared[id] {
			m.settle()
			m.Upgrade = upgrade
			f.j.matches = append(f.j.matches, *m)
		}
	}
	return nil
}

// sameMajor says whether two rpm versions begin with the same number: streams of a module are named
// for it, as a rule.
func sameMajor(a, b string) bool {
	major := func(v string) string {
		if _, rest, ok := strings.Cut(v, ":"); ok {
			v = rest
		}
		m, _, _ := strings.Cut(v, ".")
		return m
	}
	return major(a) == major(b)
}

// concerns holds a row's module stream and architectures against the package.
func concerns(row *advisory.Row, p *ecosystem.Package) bool {
	modular := p.Module != "" || strings.Contains(p.Version, ".module")
	switch {
	case row.Module == advisory.AnyModule && !modular, row.Module == "" && modular:
		return false
	case row.Module != "" && row.Module != advisory.AnyModule && row.Module != p.Module:
		return false
	}
	return len(row.Arch) == 0 || p.Arch == "" || p.Arch == "noarch" || slices.Contains(row.Arch, p.Arch)
}

// affected says whether a row's versions or ranges hold the version, and which version ends the
// range that does. The OSV schema's evaluation (§affected) is followed: an exact version is enough. A
// bound that cannot be compared is an error only where nothing else of the row hits.
func affected(row *advisory.Row, version string, compare func(a, b string) (int, error)) (fixed string, hit bool, err error) {
	for _, r := range row.Ranges {
		in, failed := r.Holds(version, compare)
		if failed != nil && err == nil {
			err = failed
		}
		if in && failed == nil {
			return r.Fixed, true, nil
		}
	}
	if listed(row.Versions, version, compare) {
		return "", true, nil
	}
	return "", false, err
}

// listed says whether a list has a version, in whichever spelling the ecosystem takes for equal.
func listed(versions []string, version string, compare func(a, b string) (int, error)) bool {
	return slices.ContainsFunc(versions, func(v string) bool {
		if v == version {
			return true
		}
		c, err := compare(v, version)
		return err == nil && c == 0
	})
}

// take adds one row's word. Of several fixes the latest counts: it is free of all.
func (m *Match) take(row *advisory.Row, fixed string, compare func(a, b string) (int, error)) {
	if !slices.Contains(m.Advisories, row.ID) {
		m.Advisories = append(m.Advisories, row.ID)
	}
	if m.Status == "" || m.Status == finding.StatusAffected {
		m.Status = row.Status
	}
	if c, err := compare(fixed, m.Fixed); fixed != "" && (m.Fixed == "" || err == nil && c > 0) {
		m.Fixed = fixed
	}
	if row.Severity.Rank() > m.Severity.Rank() {
		m.Severity, m.SeverityFrom = row.Severity, source(row.Feed)
	}
	for _, s := range row.Symbols {
		if !slices.Contains(m.Symbols, s) {
			m.Symbols = append(m.Symbols, s)
		}
	}
}

// source is the feed's name without the part of it that an ecosystem is: osv/Go and alpine/v3.11/main
// are osv and alpine.
func source(feed string) string {
	name, _, _ := strings.Cut(feed, "/")
	return name
}

// settle fills in what the rows left open.
func (m *Match) settle() {
	slices.Sort(m.Advisories)
	if m.Fixed != "" && m.Status != finding.StatusUnimportant { // what its maintainers say of the fault stands beside a fix
		m.Status = finding.StatusFixed
	}
	if m.Status == "" {
		m.Status = finding.StatusAffected
	}
	if m.Severity.Rank() == 0 {
		m.Severity, m.SeverityFrom = Rated(m.Vulnerability.Ratings)
	}
}

// Rated takes the rating of the source that knows packages best; unknown where nobody rated. Advisory
// databases look at the package, the CNA at its own product, and NVD and CISA at the CVE in general.
func Rated(of []finding.Rating) (finding.Severity, string) {
	rank := func(r finding.Rating) int {
		for i, s := range []string{"ghsa", "osv", "go", "rustsec", "pypa", "bitnami", "cna", "nvd", "cisa"} {
			if strings.HasPrefix(strings.ToLower(r.Source), s) {
				return i
			}
		}
		return 99
	}
	best, at := finding.Rating{Severity: finding.Unknown}, 100
	for _, r := range of {
		if r.Severity.Rank() > 0 && rank(r) < at {
			best, at = r, rank(r)
		}
	}
	return best.Severity, best.Source
}
