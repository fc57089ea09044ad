package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/plimsoll/plimsoll/finding"
)

// opinion is what another engine says of a finding, in words.
func opinion(o finding.Opinion) string {
	if !o.Agrees {
		return clean(fmt.Sprintf("%s does not report it", o.Engine))
	}
	s := fmt.Sprintf("%s agrees", o.Engine)
	if o.Rule != "" {
		s += ", as " + o.Rule
	}
	if o.Severity != "" {
		s += ", rates it " + string(o.Severity)
	}
	if o.Fixed != "" {
		s += ", fixed in " + o.Fixed
	}
	return clean(s)
}

// reasonWords say what a reason means; the detail of each difference says the rest.
var reasonWords = map[string]string{
	"reported":               "this database has it too: the report was made with another, or filtered",
	"not-affected":           "the distribution says that it is not affected",
	"fixed":                  "the version is not older than the fix",
	"other-order":            "by our order of versions it is not older than their own fix",
	"before":                 "the version is older than the fault",
	"other-build":            "advisories speak of another module stream or architecture",
	"other-name":             "the database knows it, and not in this package",
	"not-in-data":            "not in the database",
	"feed-partial":           "the database's feed is not whole",
	"no-feed":                "the database has no feed for it",
	"third-party":            "not the distribution's package",
	"unknown-version":        "the versions cannot be compared",
	"not-in-inventory":       "the package is not in the inventory",
	"other-version":          "the inventory has the package in another version",
	"not-in-their-inventory": "the package is not among those that it lists",
	"other-version-there":    "it lists the package in another version",
	"let-pass":               "found, and let pass",
	"let-pass-there":         "it found it, and was told to let it pass",
	"owned":                  "its files are an OS package's, for which the distribution speaks",
	"no-check":               "no check stands for the rule",
	"check-passed":           "the check looked, and found nothing",
	"check-not-run":          "the check did not run on this target",
	"other-source":           "rated by another source",
	"other-advisory":         "the fix of another advisory or branch",
	"unknown":                "nothing tells why",
}

// difference is all disagreements of one engine, sort and reason on a target.
type difference struct {
	lead, text string
	entries    []string
	all        []*finding.Disagreement
}

// differences gathers the disagreements on a target.
func differences(r *finding.Report, target string) []difference {
	type key struct{ engine, what, reason string }
	at := map[key]int{}
	var out []difference
	for i := range r.Disagreements {
		d := &r.Disagreements[i]
		if d.Target != target {
			continue
		}
		k := key{d.Engine, d.What, d.Reason}
		n, ok := at[k]
		if !ok {
			n = len(out)
			at[k] = n
			out = append(out, difference{lead: leads[d.What], text: clean(d.Engine + ": " + cmp.Or(reasonWords[d.Reason], d.Reason))})
		}
		out[n].all = append(out[n].all, d)
	}
	for i := range out {
		out[i].tell()
	}
	slices.SortStableFunc(out, func(a, b difference) int {
		return cmp.Or(cmp.Compare(slices.Index(leadOrder, a.lead), slices.Index(leadOrder, b.lead)), cmp.Compare(len(b.all), len(a.all)))
	})
	return out
}

// leads are the sorts of disagreement in the column of severities, in the order of the list.
var (
	leads     = map[string]string{finding.OnlyTheirs: "theirs", finding.OnlyOurs: "only ours", finding.OtherSeverity: "severity", finding.OtherFix: "fix"}
	leadOrder = []string{"theirs", "only ours", "severity", "fix"}
)

// tell puts what all entries say into the heading.
func (d *difference) tell() {
	n, detail := len(d.all), d.all[0].Detail
	if n > 1 {
		d.text += fmt.Sprintf(", %d times", n)
	}
	shared := n > 1 && !slices.ContainsFunc(d.all, func(o *finding.Disagreement) bool { return o.Detail != detail })
	if shared && detail != "" {
		d.text += " (" + clean(detail) + ")"
	}
	for _, one := range d.all {
		d.entries = append(d.entries, entry(one, !shared))
	}
}

// entry is one disagreement in words.
func entry(d *finding.Disagreement, detailed bool) string {
	what := d.Rule
	if d.Name != "" {
		what = strings.TrimSpace(d.Name+" "+d.Version) + ": " + d.Rule
	} else if d.Path != "" {
		what = d.Path + ": " + d.Rule
	}
	switch d.What {
	case finding.OtherSeverity:
		what += fmt.Sprintf(", %s here and %s there", d.Severity, d.Theirs)
	case finding.OtherFix:
		what += fmt.Sprintf(", fixed in %s here and %s there", cmp.Or(d.Fixed, "no version"), cmp.Or(d.Theirs, "no version"))
	}
	if detailed && d.Detail != "" && d.Detail != reasonWords[d.Reason] {
		what += " (" + d.Detail + ")"
	}
	return clean(what)
}

// engines are those that were heard on a target, each in a sentence.
func engines(r *finding.Report, target string) (all []string) {
	for _, e := range r.Engines {
		if e.Target == target {
			all = append(all, clean(fmt.Sprintf("%s reports %d, and %d of them stand here too", strings.TrimSpace(e.Name+" "+e.Version), e.Findings, e.Agreed)))
		}
	}
	return all
}

// opinions tells what other engines say of a target.
func (t *table) opinions(r *finding.Report, target string) {
	all := engines(r, target)
	if len(all) == 0 {
		return
	}
	t.section("Second opinions")
	for _, e := range all {
		t.para(margin, margin, e)
	}
	for _, d := range differences(r, target) {
		t.para(t.lead(d.lead, yellow), indent, d.text)
		for _, e := range d.entries[:min(len(d.entries), maxPlaces)] {
			for _, l := range wrap(e, t.width-len(indent)) {
				t.line(indent + t.paint(dim, l))
			}
		}
		if more := len(d.entries) - maxPlaces; more > 0 {
			t.line(indent + t.paint(dim, fmt.Sprintf("and %d more; -o json lists them", more)))
		}
	}
}

// mdOpinions is the same for a pull request.
func mdOpinions(b *strings.Builder, r *finding.Report, target string) {
	all := engines(r, target)
	if len(all) == 0 {
		return
	}
	b.WriteString("\n### Second opinions\n\n")
	for _, e := range all {
		fmt.Fprintf(b, "- %s\n", md(e))
	}
	b.WriteString("\n| who | why | what |\n| --- | --- | --- |\n")
	for _, d := range differences(r, target) {
		entries := d.entries[:min(len(d.entries), maxPlaces)]
		for i := range entries {
			entries[i] = md(entries[i])
		}
		if more := len(d.entries) - len(entries); more > 0 {
			entries = append(entries[:len(entries):len(entries)], fmt.Sprintf("and %d more", more))
		}
		fmt.Fprintf(b, "| %s | %s | %s |\n", d.lead, md(d.text), strings.Join(entries, "<br>"))
	}
}
