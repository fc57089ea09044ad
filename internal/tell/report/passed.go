package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/plimsoll/plimsoll/finding"
)

// pass is one reason for which findings were let pass, and these findings.
type pass struct {
	finding.Suppression
	of []*finding.Finding
}

// passes gathers what was let pass by the reason that let it: the worst first.
func passes(v *view) []pass {
	at := map[string]int{}
	var all []pass
	for _, f := range v.suppressed {
		s := f.Suppressed[0]
		key := strings.Join([]string{s.By, s.Where, s.Reason, s.Owner, s.Ticket, s.Until}, "\x00")
		n, ok := at[key]
		if !ok {
			n = len(all)
			at[key] = n
			all = append(all, pass{Suppression: s})
		}
		all[n].of = append(all[n].of, f)
	}
	for i := range all {
		slices.SortStableFunc(all[i].of, func(a, b *finding.Finding) int { return cmp.Or(finding.Worse(a, b), cmp.Compare(a.Rule, b.Rule)) })
	}
	slices.SortStableFunc(all, func(a, b pass) int {
		return cmp.Or(cmp.Compare(btoi(a.By == ownWord), btoi(b.By == ownWord)), finding.Worse(a.of[0], b.of[0]), cmp.Compare(len(b.of), len(a.of)))
	})
	return all
}

// ownWord is who lets pass what cannot run in the container: this program itself.
const ownWord = "plimsoll"

// words say why, who answers for it and until when.
func (p *pass) words() string {
	parts := []string{fmt.Sprintf("%s: lets pass %d (%s)", clean(cmp.Or(p.Reason, "no reason given")), len(p.of), bySeverity(p.of))}
	parts = append(parts, "by "+clean(p.By))
	for _, text := range []string{p.Owner, p.Ticket} {
		if text != "" {
			parts = append(parts, clean(text))
		}
	}
	if p.Until != "" {
		parts = append(parts, "until "+clean(p.Until))
	}
	return strings.Join(parts, ", ")
}

// passed lists what was let pass, and why. It is not to be forgotten, so it is not only counted.
func (t *table) passed(v *view) {
	all := passes(v)
	if len(all) == 0 {
		return
	}
	t.section("Let pass")
	for _, p := range all[:min(len(all), maxMild)] {
		t.row(mark(p.of[0]), p.words(), named(p.of, t.width-len(indent)), clean(p.Where))
	}
	if more := all[min(len(all), maxMild):]; len(more) > 0 {
		n := 0
		for _, p := range more {
			n += len(p.of)
		}
		t.para(margin, margin, fmt.Sprintf("and %d more, for %s; -o json lists them", n, plural(len(more), "more reason")))
	}
}

func mdPassed(b *strings.Builder, v *view) {
	all := passes(v)
	if len(all) == 0 {
		return
	}
	b.WriteString("\n### Let pass\n\n| severity | why | findings | where |\n| --- | --- | --- | --- |\n")
	for _, p := range all[:min(len(all), maxRows)] {
		fmt.Fprintf(b, "| %s | %s | %s | %s |\n", mark(p.of[0]), md(p.words()), md(named(p.of, 200)), md(p.Where))
	}
	mdMore(b, len(all))
}

// sinceMark says of a finding what brought it, where a baseline tells that.
func sinceMark(f *finding.Finding) string {
	switch f.Since {
	case finding.SinceNew:
		return " (new)"
	case finding.SinceDisclosed:
		return " (learned since)"
	}
	return ""
}

// shares count what of a target is new, and whose it is, as far as the report tells.
func shares(v *view) []string {
	since, owners := map[finding.Since]int{}, map[string]int{}
	var all []*finding.Finding
	for _, d := range append(v.app[:len(v.app):len(v.app)], v.base...) {
		all = append(all, d.clears...)
	}
	for _, f := range append(append(all, v.other...), v.unfixed...) {
		if f.Since != "" {
			since[f.Since]++
		}
		owners[f.Owner]++
	}
	var lines []string
	if len(since) > 0 {
		lines = append(lines, fmt.Sprintf("As against the baseline: %d new, %d learned since, %d known.", since[finding.SinceNew], since[finding.SinceDisclosed], since[finding.SinceKnown]))
	}
	if len(owners) > 1 || len(owners) == 1 && owners[""] == 0 {
		lines = append(lines, "By owner: "+byOwner(owners)+".")
	}
	return lines
}

// byOwner is "shop 12, platform 3, nobody 1", most first.
func byOwner(owners map[string]int) string {
	var names []string
	for name := range owners {
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b string) int {
		return cmp.Or(cmp.Compare(btoi(a == ""), btoi(b == "")), cmp.Compare(owners[b], owners[a]), cmp.Compare(a, b))
	})
	for i, name := range names {
		names[i] = fmt.Sprintf("%s %d", clean(cmp.Or(name, "nobody")), owners[name])
	}
	return strings.Join(names, ", ")
}
