package report

import (
	"cmp"
	"fmt"
	"io"
	"strings"

	"github.com/plimsoll/plimsoll/finding"
)

const (
	defaultWidth = 100
	leastWidth   = 40
	margin       = "  "
	severityWide = 11 // the column of severities: the longest word and two spaces
	maxMild      = 15 // rows below high that a section shows; the rest is counted
	maxUnfixed   = 5  // rows of what has no fix
)

// writeTable writes what a person needs in order to act: per target what to upgrade, the application
// apart from its base image, then what has no fix, what was let pass and what was not assessed, and
// the verdict in the last line. No line is wider than o.Width.
func writeTable(w io.Writer, r *finding.Report, o Options) error {
	t := &table{w: w, width: defaultWidth, color: o.Color, o: o}
	if o.Width > 0 {
		t.width = max(o.Width, leastWidth)
	}
	t.judged = r.Judged()
	for _, v := range views(r) {
		t.head(&v)
		if t.judged {
			t.findings(&v)
		} else {
			t.inventory(r, v.ID)
		}
		t.opinions(r, v.ID)
		t.gaps(v.gaps)
		t.enforcement(v.Network)
		t.asked(v.Asked)
		t.line("")
	}
	if gaps := unbound(r); len(gaps) > 0 {
		t.line(t.paint(bold, "What could not be looked at"))
		t.list(gaps)
		t.line("")
	}
	if t.judged && consulted(r) {
		t.database(r.Tool.Database)
	}
	t.hidden(o.Hidden)
	t.verdict(r.Verdict)
	return t.err
}

// unbound are gaps of no target: what could not be opened at all.
func unbound(r *finding.Report) []*finding.Gap {
	var gaps []*finding.Gap
	for i := range r.Coverage {
		if r.Coverage[i].Target == "" {
			gaps = append(gaps, &r.Coverage[i])
		}
	}
	return gaps
}

type table struct {
	w     io.Writer
	width int
	color bool
	// judged says that the report is more than an inventory, which has no gate that could be blocked.
	judged bool
	o      Options
	err    error
}

func (t *table) line(s string) {
	if t.err == nil {
		_, t.err = io.WriteString(t.w, strings.TrimRight(s, " ")+"\n")
	}
}

// para writes text broken where the line is full. First leads its first line and rest, as long, the
// others; colours come with their own paint.
func (t *table) para(first, rest, text string) {
	for i, l := range wrap(text, t.width-cells(rest)) {
		if i == 0 {
			t.line(first + l)
		} else {
			t.line(rest + l)
		}
	}
}

// Terminal colours (ECMA-48 SGR).
const (
	bold   = "1"
	red    = "31"
	yellow = "33"
	green  = "32"
	cyan   = "36"
	dim    = "2"
)

func (t *table) paint(color, s string) string {
	if !t.color || color == "" {
		return s
	}
	return "\x1b[" + color + "m" + s + "\x1b[0m"
}

func severityColor(s finding.Severity) string {
	switch s {
	case finding.Critical, "exploited":
		return bold + ";" + red
	case finding.High:
		return red
	case finding.Medium:
		return yellow
	case finding.Low:
		return cyan
	}
	return dim
}

// head says what was looked at.
func (t *table) head(v *view) {
	t.line(t.paint(bold, cutFront(clean(v.Name), t.width)))
	var facts []string
	what := v.Kind
	if v.Origin != "" && v.Origin != v.Kind {
		what += " (" + clean(v.Origin) + ")"
	}
	facts = append(facts, what)
	if v.Stage != "" {
		facts = append(facts, "stage "+clean(v.Stage))
	}
	if v.Platform != "" {
		facts = append(facts, clean(v.Platform))
	}
	facts = append(facts, system(v.OS)...)
	if _, hex, ok := strings.Cut(v.Digest, ":"); ok && len(hex) > 12 {
		facts = append(facts, clean(v.Digest[:len(v.Digest)-len(hex)+12]))
	}
	t.para(margin, margin, strings.Join(facts, ", "))
	counts := make([]string, 0, len(v.packages))
	for _, c := range v.packages {
		counts = append(counts, fmt.Sprintf("%d %s", c.n, clean(c.name)))
	}
	packages := plural(v.total, "package") + inAll(t.o, " in the whole image")
	if len(counts) > 0 {
		packages += ": " + strings.Join(counts, ", ")
	}
	if v.holdsPackages() {
		t.para(margin, margin, packages)
	}
	if words := surfaceWords(v.Surface); words != "" {
		t.para(margin, margin, words)
	}
	if v.Kind == "image" {
		t.para(margin, margin, baseWords(v.Base))
	}
}

// system is the distribution and until when it is supported.
func system(os *finding.OS) []string {
	if os == nil {
		return nil
	}
	facts := []string{strings.TrimSpace(clean(os.ID) + " " + clean(cmp.Or(os.Version, os.Codename)))}
	switch {
	case os.Ended:
		facts = append(facts, "support ended "+clean(os.EndOfLife))
	case os.EndOfLife != "":
		facts = append(facts, "supported until "+clean(os.EndOfLife))
	}
	return facts
}

func baseWords(b *finding.Base) string {
	if b == nil {
		return "base image unknown"
	}
	s := "base image " + clean(cmp.Or(b.Name, b.Digest))
	if b.By != "" {
		s += ", known by " + clean(b.By)
	}
	if b.Newer != nil {
		s += fmt.Sprintf("; %s clears %d and adds %d", clean(cmp.Or(b.Newer.Name, b.Newer.Digest)), b.Newer.Clears, b.Newer.Adds)
	}
	return s
}

func (t *table) findings(v *view) {
	for _, s := range v.sections {
		if s.urgent() {
			t.clusters(s)
		}
	}
	t.deeds(v.appTitle(), v.app)
	t.deeds("What to do in the base image", v.base)
	for _, s := range v.sections {
		if !s.urgent() {
			t.clusters(s)
		}
	}
	t.rows("Without a fix, the worst", v.unfixed, maxUnfixed)
	t.passed(v)
	t.line("")
	t.para("", "", totals(v, t.o))
	for _, line := range shares(v) {
		t.para("", "", line)
	}
}

func (t *table) section(title string) {
	t.line("")
	t.line(t.paint(bold, cut(title, t.width)))
}

// deeds lists upgrades. What clears something critical or high, or exploited, is always shown.
func (t *table) deeds(title string, all []deed) {
	if len(all) == 0 {
		return
	}
	t.section(title)
	mild := 0
	for i, d := range all {
		worst := d.clears[0]
		if worst.Severity.Rank() < finding.High.Rank() && !exploited(worst) {
			mild++
		}
		if mild > maxMild {
			var rest []*finding.Finding
			for _, d := range all[i:] {
				rest = append(rest, d.clears...)
			}
			t.para(margin, margin, fmt.Sprintf("and %s that clear %d (%s); -o json lists them", plural(len(all)-i, "more upgrade"), len(rest), bySeverity(rest)))
			return
		}
		text := fmt.Sprintf("%s: clears %d (%s)", d.title, len(d.clears), bySeverity(d.clears))
		t.row(mark(worst), text, named(d.clears, t.width-len(indent)), d.where)
	}
}

// rows lists findings one by one, up to a number of them.
func (t *table) rows(title string, all []*finding.Finding, most int) {
	if len(all) == 0 {
		return
	}
	t.section(title)
	for _, f := range all[:min(most, len(all))] {
		text := clean(f.Title)
		if m := marked(f); m != clean(f.Rule) {
			text = strings.Replace(text, clean(f.Rule), m, 1)
		}
		t.row(f.Severity, text, "", "")
	}
	if len(all) > most {
		t.para(margin, margin, fmt.Sprintf("and %d more (%s)", len(all)-most, bySeverity(all[most:])))
	}
}

// indent is where the text of rows begins: margin and the column of severities.
const indent = margin + "           "

// lead is a word in the column of severities.
func (t *table) lead(word, color string) string {
	return margin + t.paint(color, fmt.Sprintf("%-*s", severityWide, word))
}

// mark is what stands first in a row: that a finding is exploited says more than its severity.
func mark(f *finding.Finding) finding.Severity {
	if exploited(f) {
		return "exploited"
	}
	return f.Severity
}

// row is a severity, a text, and what further belongs to it: beside it where there is room, else below.
func (t *table) row(s finding.Severity, text, ids, where string) {
	room := t.width - len(indent)
	lead := t.lead(string(s), severityColor(s))
	if ids != "" && cells(text)+2+cells(ids) <= room {
		t.line(lead + text + "  " + t.paint(dim, ids))
		ids = ""
	} else {
		t.para(lead, indent, text)
	}
	if ids != "" {
		t.line(indent + t.paint(dim, ids))
	}
	if where != "" {
		t.line(indent + t.paint(dim, "in "+cutFront(where, room-len("in "))))
	}
}

// gaps says what was not assessed and what to do about it.
func (t *table) gaps(gaps []*finding.Gap) {
	if len(gaps) == 0 {
		return
	}
	t.section(gapTitle(t.judged, t.o))
	t.list(gaps)
}

func (t *table) list(gaps []*finding.Gap) {
	told := map[string]bool{}
	for _, g := range gapRows(gaps) {
		color := dim
		if g.Blocking && !g.Allowed {
			color = yellow
		}
		t.para(t.lead(g.word(t.judged), color), indent, g.text())
		if do := g.advice(t.judged); do != "" && !told[g.Class] {
			told[g.Class] = true
			t.para(indent, indent, "→ "+do)
		}
	}
}
