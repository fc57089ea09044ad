package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/plimsoll/plimsoll/finding"
)

// view is what a report says of one target, arranged by what a person can do about it.
type view struct {
	*finding.Target
	packages   []count // by type, most first
	total      int
	app, base  []deed
	other      []*finding.Finding // what no upgrade clears: malware, configuration, secrets …
	sections   []section          // the same, by kind and rule
	unfixed    []*finding.Finding
	suppressed []*finding.Finding
	gaps       []*finding.Gap
	checks     []string // the families that ran; empty: all
}

// deed is one thing to do, and the findings that it clears, worst first.
type deed struct {
	title  string
	clears []*finding.Finding
	where  string // of a language package, or of what has a place of its own
}

type count struct {
	name string
	n    int
}

// views arranges a report by its targets.
func views(r *finding.Report) []view {
	packages := make(map[string]*finding.Package, len(r.Packages))
	for i := range r.Packages {
		packages[r.Packages[i].ID] = &r.Packages[i]
	}
	byTarget := map[string][]*finding.Finding{}
	for i := range r.Findings {
		f := &r.Findings[i]
		byTarget[f.Target] = append(byTarget[f.Target], f)
	}
	var all []view
	for i := range r.Targets {
		v := view{Target: &r.Targets[i], checks: r.Tool.Checks}
		v.take(r, packages, byTarget[v.ID])
		all = append(all, v)
	}
	return all
}

func (v *view) take(r *finding.Report, packages map[string]*finding.Package, findings []*finding.Finding) {
	v.count(r.Packages)
	members := map[string][]*finding.Finding{}
	for _, f := range findings {
		if len(f.Suppressed) == 0 { // what is let pass is told apart, and no upgrade's to clear
			members[f.Fingerprint] = append(members[f.Fingerprint], f)
		}
	}
	grouped := map[*finding.Finding]bool{}
	for i := range r.Groups {
		g := &r.Groups[i]
		if g.Target != v.ID {
			continue
		}
		d := deed{title: clean(g.Title), where: place(packages[g.Package])}
		for _, fp := range g.Fingerprints {
			for _, f := range members[fp] {
				if grouped[f] = true; len(f.Suppressed) == 0 { // what was let pass since is no deed
					d.clears = append(d.clears, f)
				}
			}
		}
		v.add(d, g.Base)
	}
	for _, f := range findings {
		switch {
		case len(f.Suppressed) > 0:
			v.suppressed = append(v.suppressed, f)
		case grouped[f]:
		case f.Kind != finding.KindVulnerability:
			v.other = append(v.other, f)
		case f.Fixed != "":
			p := packages[f.Package]
			title := clean(cmp.Or(f.Fix, f.Title))
			v.add(deed{title: title, clears: []*finding.Finding{f}, where: place(p)}, p != nil && p.Base)
		default:
			v.unfixed = append(v.unfixed, f)
		}
	}
	for i := range r.Coverage {
		if g := &r.Coverage[i]; g.Target == v.ID {
			v.gaps = append(v.gaps, g)
		}
	}
	v.sections = sections(v.other)
	slices.SortStableFunc(v.app, worseDeed)
	slices.SortStableFunc(v.base, worseDeed)
}

// appTitle heads what is to be done in the application: all there is, where no base is told apart.
func (v *view) appTitle() string {
	if len(v.base) > 0 || v.Base != nil {
		return "What to do in the application"
	}
	return "What to do"
}

func (v *view) add(d deed, base bool) {
	if len(d.clears) == 0 {
		return
	}
	slices.SortStableFunc(d.clears, func(a, b *finding.Finding) int { return cmp.Or(finding.Worse(a, b), cmp.Compare(a.Rule, b.Rule)) })
	if base {
		v.base = append(v.base, d)
	} else {
		v.app = append(v.app, d)
	}
}

// worseDeed puts first what clears the worst finding, then what clears most.
func worseDeed(a, b deed) int {
	x, y := a.clears[0], b.clears[0]
	return cmp.Or(-cmp.Compare(btoi(exploited(x)), btoi(exploited(y))), cmp.Compare(y.Severity.Rank(), x.Severity.Rank()), cmp.Compare(len(b.clears), len(a.clears)))
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

func exploited(f *finding.Finding) bool { return f.Risk != nil && f.Risk.KEV }

func (v *view) count(packages []finding.Package) {
	n := map[string]int{}
	for i := range packages {
		if packages[i].Target == v.ID {
			n[packages[i].Type]++
			v.total++
		}
	}
	for kind, k := range n {
		v.packages = append(v.packages, count{kind, k})
	}
	slices.SortFunc(v.packages, func(a, b count) int { return cmp.Or(cmp.Compare(b.n, a.n), cmp.Compare(a.name, b.name)) })
}

// place says where a package stands, when that is not the one database of its distribution.
func place(p *finding.Package) string {
	if p == nil || len(p.Locations) == 0 || p.Type == "deb" || p.Type == "rpm" || p.Type == "apk" {
		return ""
	}
	where := p.Locations[0].Path
	if inner := p.Locations[0].Inner; inner != "" {
		where += "!/" + inner
	}
	if n := len(p.Locations) - 1; n > 0 {
		where += fmt.Sprintf(" and %s", plural(n, "more place"))
	}
	return clean(where)
}

// bySeverity is "2 critical, 5 high", worst first.
func bySeverity(of []*finding.Finding) string {
	n := map[finding.Severity]int{}
	for _, f := range of {
		n[f.Severity]++
	}
	var parts []string
	for _, s := range finding.Severities() {
		if n[s] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n[s], s))
		}
	}
	return strings.Join(parts, ", ")
}

// likely is the probability of exploitation from which it is worth a word.
const likely = 0.1

// marked is a finding's rule with what makes it urgent: "CVE-2021-44228 (exploited)".
func marked(f *finding.Finding) string {
	id := clean(f.Rule) + sinceMark(f)
	switch {
	case exploited(f):
		return id + " (exploited)"
	case f.Risk != nil && f.Risk.EPSS >= likely:
		return fmt.Sprintf("%s (EPSS %.0f%%)", id, min(f.Risk.EPSS*100, 99))
	default:
		return id
	}
}

// named lists the distinct rules of findings, as many as fit, and says how many more there are.
func named(of []*finding.Finding, columns int) string {
	var ids []string
	seen := map[string]bool{}
	for _, f := range of {
		if !seen[f.Rule] {
			seen[f.Rule] = true
			ids = append(ids, marked(f))
		}
	}
	for n := min(len(ids), maxNamed); n > 0; n-- {
		text := strings.Join(ids[:n], ", ")
		if more := len(ids) - n; more > 0 {
			text += fmt.Sprintf(" and %d more", more)
		}
		if cells(text) <= columns || n == 1 {
			return cut(text, columns)
		}
	}
	return ""
}

// maxNamed bounds how many ids stand in one line, however wide it is.
const maxNamed = 6

// holdsPackages says that a target is of a kind that has packages, and that they were of interest. A Dockerfile, a compose
// file or a pipeline that was named for itself has none, and no advisory speaks of it.
func (v *view) holdsPackages() bool {
	return v.total > 0 || packaged(v.Target, v.checks)
}

// packaged says that a target may have packages, and that a check ran that is about them.
func packaged(t *finding.Target, checks []string) bool {
	about := len(checks) == 0 || slices.Contains(checks, "vuln") || slices.Contains(checks, "license")
	return about && t.Origin != "file" && t.Origin != "probe" && t.Kind != "host"
}

// consulted says that advisories had something to say of what was looked at.
func consulted(r *finding.Report) bool {
	if len(r.Tool.Checks) > 0 && !slices.Contains(r.Tool.Checks, "vuln") {
		return false
	}
	may := func(t finding.Target) bool { return packaged(&t, r.Tool.Checks) }
	return len(r.Targets) == 0 || len(r.Packages) > 0 || slices.ContainsFunc(r.Targets, may)
}

// maxAlso bounds the other names of a finding that people are shown; formats for programs have all.
const maxAlso = 8

// also are the other names of a finding for people.
func also(f *finding.Finding, separator string) string {
	names := aliases(f)
	if more := len(names) - maxAlso; more > 0 {
		names = append(names[:maxAlso:maxAlso], fmt.Sprintf("and %d more", more))
	}
	return strings.Join(names, separator)
}

// aliases are the other names of a finding, those first that most people know: a weakness of a protocol has dozens,
// most of them one publisher's, for each of his images.
func aliases(f *finding.Finding) []string {
	rank := func(id string) int {
		prefix, _, _ := strings.Cut(id, "-")
		switch prefix {
		case "CVE":
			return 0
		case "GHSA":
			return 1
		case "BIT", "CGA", "MINI", "ECHO", "CLEANSTART":
			return 3
		}
		return 2
	}
	names := slices.Clone(f.Aliases)
	slices.SortStableFunc(names, func(a, b string) int { return rank(a) - rank(b) })
	return names
}
