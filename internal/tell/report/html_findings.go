package report

import (
	"fmt"
	"slices"
	"strings"

	"github.com/plimsoll/plimsoll/finding"
)

// findings fills in the list, and counts it.
func (p *reportPage) findings(r *finding.Report) {
	targets, packages, denied := byID(r)
	severities, kinds := map[string]int{}, map[string]int{}
	for i := range r.Findings {
		f := &r.Findings[i]
		one := pageFindingOf(f, packages[f.Package])
		one.Denied = denied[f.Fingerprint] && len(f.Suppressed) == 0
		if t := targets[f.Target]; t != nil && len(r.Targets) > 1 {
			one.Target = clean(t.Name)
		}
		if len(f.Suppressed) > 0 {
			p.LetPass++
		} else {
			severities[one.Severity]++
			kinds[one.Kind]++
		}
		p.Findings = append(p.Findings, one)
	}
	for _, s := range finding.Severities() {
		if n := severities[string(s)]; n > 0 || s == finding.Critical || s == finding.High {
			p.Severities = append(p.Severities, tally{string(s), n})
		}
	}
	for kind, n := range kinds {
		p.Kinds = append(p.Kinds, tally{kind, n})
	}
	slices.SortFunc(p.Kinds, func(a, b tally) int { return strings.Compare(a.Name, b.Name) })
}

func pageFindingOf(f *finding.Finding, p *finding.Package) pageFinding {
	one := pageFinding{
		Severity: string(f.Severity), Mark: string(mark(f)), Kind: clean(string(f.Kind)), Rule: clean(f.Rule), Title: clean(f.Title),
		Fix: clean(f.Fix), Status: clean(string(f.Status)), Steps: pageSteps(f.Path),
	}
	add := func(name, text string) {
		if text != "" {
			one.Facts = append(one.Facts, fact{name, clean(text)})
		}
	}
	if p != nil {
		one.Where = strings.TrimSpace(fullName(p) + " " + clean(p.Version))
		add("Package", p.PURL)
	}
	for i, l := range f.Locations {
		if i == 0 && p == nil {
			one.Where = spot(l)
		}
		if i == maxPlaces {
			add("Found in", plural(len(f.Locations)-i, "more place"))
			break
		}
		add("Found in", found(l))
	}
	if one.Where == "" {
		one.Where = subject(f.Subject)
	}
	add("Subject", subject(f.Subject))
	add("Evidence", f.Evidence)
	add("Also known as", also(f, ", "))
	add("Controls", strings.Join(f.Controls, ", "))
	add("Published", f.Published)
	for _, rating := range f.Ratings {
		text := fmt.Sprintf("%s by %s", rating.Severity, rating.Source)
		if rating.Score > 0 {
			text += fmt.Sprintf(", %.1f", rating.Score)
		}
		add("Rated", strings.TrimSpace(text+" "+rating.Vector))
	}
	one.risk(f.Risk, add)
	for _, o := range f.Opinions {
		add("Second opinion", opinion(o))
	}
	for _, s := range f.Suppressed {
		one.LetPass = clean(strings.TrimRight(fmt.Sprintf("let pass by %s: %s", s.By, s.Reason), ": "))
		add("Let pass by", strings.Join(slices.DeleteFunc([]string{s.By, s.Reason, s.Owner, s.Ticket, s.Until}, func(s string) bool { return s == "" }), ", "))
	}
	for _, u := range f.References {
		if strings.HasPrefix(u, "https://") || strings.HasPrefix(u, "http://") {
			one.References = append(one.References, clean(u))
		}
	}
	return one
}

func (one *pageFinding) risk(r *finding.Risk, add func(name, text string)) {
	if r == nil {
		return
	}
	text := fmt.Sprintf("%d of 100", r.Score)
	if r.EPSS > 0 {
		text += fmt.Sprintf(", EPSS %.1f%%", min(r.EPSS*100, 99.9))
	}
	if r.KEV {
		text += ", known to be exploited"
	}
	add("Risk", text)
	add("Because", strings.Join(r.Because, "; "))
}
