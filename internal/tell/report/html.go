package report

import (
	"cmp"
	_ "embed"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/tell/report/page"
)

// The parts of the page.
var (
	//go:embed html/body.gohtml
	htmlBody string
	//go:embed html/script.js
	htmlScript string
)

type (
	reportPage struct {
		Title, Verdict, Sentence string
		Judged                   bool
		Reasons                  []string
		Severities, Kinds        []tally
		Targets                  []pageTarget
		Loose                    []pageGap
		Picture                  *pagePicture
		Findings                 []pageFinding
		LetPass, Hidden          int
		Tool, Database, Partial  string
		Policies                 []string
		Made                     string
	}
	tally struct {
		Name string
		N    int
	}
	pageTarget struct {
		ID, Name, Verdict string
		Facts             []string
		First             []pageDeed // what to do first, worst first
		More              int
		Gaps              []pageGap
		Engines           []string
		Differences       []pageDifference
		Packages          []pagePackage // of an inventory
	}
	pageDeed struct {
		Mark, Do, Clears, IDs, Where, In string
	}
	pageDifference struct {
		Lead, Text string
		Entries    []string
	}
	pageGap struct{ Word, Class, Text, Do string }
	// pageFinding is one entry of the list.
	pageFinding struct {
		Severity, Mark, Kind, Rule, Title, Target, Where, Fix, Status, LetPass string
		Denied                                                                 bool
		Steps                                                                  []pageStep
		Facts                                                                  []fact
		References                                                             []string
	}
	fact        struct{ Name, Text string }
	pagePackage struct{ Type, Name, Version string }
)

// maxFirst is how many deeds a target shows under what to do first; the list of findings has them all.
const maxFirst = 12

// writeHTML writes one page, which reads without its script: that one only filters.
func writeHTML(w io.Writer, r *finding.Report, o Options) error {
	p := pageOf(r, o)
	return page.Page{Title: p.Title, Body: htmlBody, Script: htmlScript}.Write(w, p)
}

func pageOf(r *finding.Report, o Options) *reportPage {
	p := &reportPage{
		Verdict: cmp.Or(string(r.Verdict.Action), "inventory"), Judged: r.Judged(), Hidden: o.Hidden,
		Tool: strings.TrimSpace("Plimsoll " + clean(r.Tool.Version)), Sentence: sentences[r.Verdict.Action],
	}
	var names []string
	for _, t := range r.Targets {
		names = append(names, clean(cmp.Or(t.Name, t.Digest)))
	}
	p.Title = fmt.Sprintf("%s: %s", p.Verdict, cut(strings.Join(names, ", "), 120))
	for _, reason := range r.Verdict.Reasons {
		p.Reasons = append(p.Reasons, clean(cmp.Or(reason.Message, reason.Policy)))
	}
	if db := r.Tool.Database; db != nil && consulted(r) {
		p.Database = dates(db)
		var partial []string
		for _, s := range db.Sources {
			if !s.Complete {
				partial = append(partial, clean(s.Name))
			}
		}
		p.Partial = strings.Join(partial, ", ")
	}
	for _, policy := range r.Tool.Policies {
		p.Policies = append(p.Policies, clean(policy.Name))
	}
	if at := o.at(); !at.IsZero() {
		p.Made = at.UTC().Format("2006-01-02 15:04 UTC")
	}
	p.findings(r)
	p.Picture = pictureOf(r)
	for _, v := range views(r) {
		p.Targets = append(p.Targets, pageTargetOf(r, &v, o))
	}
	p.Loose = pageGaps(unbound(r), p.Judged)
	return p
}

// sentences say what the verdict means for who has to obey it.
var sentences = map[finding.Action]string{
	finding.Pass:       "Nothing that was found keeps it from shipping.",
	finding.Warn:       "It may ship; what stands below wants a look.",
	finding.Incomplete: "Nothing denied, but not everything could be judged: this is no pass.",
	finding.Deny:       "It must not ship as it is.",
	"":                 "A list of what is in it. Nobody judged it.",
}

func pageTargetOf(r *finding.Report, v *view, o Options) pageTarget {
	t := pageTarget{ID: v.ID, Name: clean(cmp.Or(v.Name, v.Digest)), Verdict: string(v.Verdict), Gaps: pageGaps(v.gaps, r.Judged())}
	t.Facts = append(t.Facts, clean(v.Kind))
	if v.Stage != "" {
		t.Facts = append(t.Facts, "stage "+clean(v.Stage))
	}
	if v.Platform != "" {
		t.Facts = append(t.Facts, clean(v.Platform))
	}
	t.Facts = append(t.Facts, system(v.OS)...)
	t.Facts = append(t.Facts, plural(v.total, "package")+inAll(o, " in the whole image"))
	if v.Kind == "image" {
		t.Facts = append(t.Facts, baseWords(v.Base))
	}
	t.Engines = engines(r, v.ID)
	for _, one := range differences(r, v.ID) {
		t.Differences = append(t.Differences, pageDifference{one.lead, one.text, one.entries})
	}
	if words := surfaceWords(v.Surface); words != "" {
		t.Facts = append(t.Facts, words)
	}
	if v.Digest != "" {
		t.Facts = append(t.Facts, clean(v.Digest))
	}
	if !r.Judged() {
		for i := range r.Packages {
			if p := &r.Packages[i]; p.Target == v.ID {
				t.Packages = append(t.Packages, pagePackage{clean(p.Type), fullName(p), clean(p.Version)})
			}
		}
		return t
	}
	all := firstDeeds(v)
	t.More = max(len(all)-maxFirst, 0)
	t.First = all[:min(len(all), maxFirst)]
	return t
}

// firstDeeds are all deeds of a target in one order: what is exploited or malicious, then worst first.
func firstDeeds(v *view) []pageDeed {
	type weighed struct {
		pageDeed
		worst  *finding.Finding
		n      int
		urgent bool
	}
	var all []weighed
	for _, d := range append(slices.Clone(v.app), v.base...) {
		in := ""
		if slices.ContainsFunc(v.base, func(b deed) bool { return b.title == d.title }) {
			in = "base image"
		}
		all = append(all, weighed{pageDeed{
			Mark: string(mark(d.clears[0])), Do: d.title, Clears: fmt.Sprintf("clears %d (%s)", len(d.clears), bySeverity(d.clears)),
			IDs: named(d.clears, 200), Where: d.where, In: in,
		}, d.clears[0], len(d.clears), false})
	}
	for _, s := range v.sections {
		for _, c := range s.clusters {
			do := cmp.Or(c.fix, c.title)
			clears := c.title
			if do == c.title {
				clears = ""
			}
			places := c.places()
			where := strings.Join(places[:min(len(places), 2)], ", ")
			if more := len(places) - 2; more > 0 {
				where += " and " + plural(more, "more place")
			}
			all = append(all, weighed{pageDeed{Mark: string(mark(c.findings[0])), Do: do, Clears: clears, IDs: marked(c.findings[0]), Where: where}, c.findings[0], len(c.findings), s.urgent()})
		}
	}
	slices.SortStableFunc(all, func(a, b weighed) int {
		return cmp.Or(-cmp.Compare(btoi(grave(a.worst)), btoi(grave(b.worst))), cmp.Compare(b.worst.Severity.Rank(), a.worst.Severity.Rank()),
			-cmp.Compare(btoi(a.urgent), btoi(b.urgent)), cmp.Compare(b.n, a.n))
	})
	var out []pageDeed
	for _, w := range all {
		out = append(out, w.pageDeed)
	}
	return out
}

// grave is what harm is done by already.
func grave(f *finding.Finding) bool { return exploited(f) || f.Kind == finding.KindMalware }

func pageGaps(gaps []*finding.Gap, judged bool) []pageGap {
	var out []pageGap
	for _, g := range gapRows(gaps) {
		out = append(out, pageGap{g.word(judged), clean(g.Class), g.text(), g.advice(judged)})
	}
	return out
}
