package report

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/plimsoll/plimsoll/finding"
)

// totals counts all findings of a target, also those that no section shows.
func totals(v *view, o Options) string {
	fixable := 0
	for _, d := range append(v.app[:len(v.app):len(v.app)], v.base...) {
		fixable += len(d.clears)
	}
	if fixable+len(v.other)+len(v.unfixed)+len(v.suppressed) == 0 {
		nothing := "Nothing found"
		if o.Hidden > 0 {
			nothing += " that this call shows"
		}
		if n := notAssessed(v.gaps); n > 0 {
			nothing += fmt.Sprintf(", %d not assessed", n) + inAll(o, " in the whole image")
		}
		return nothing + "."
	}
	var parts []string
	if v.holdsPackages() || fixable+len(v.unfixed) > 0 {
		parts = []string{fmt.Sprintf("%d with a fix", fixable), fmt.Sprintf("%d without", len(v.unfixed))}
	}
	parts = append(parts, byKind(v.other)...)
	if len(v.suppressed) > 0 {
		parts = append(parts, fmt.Sprintf("%d let pass%s", len(v.suppressed), passedBy(v.suppressed)))
	}
	if n := notAssessed(v.gaps); n > 0 {
		parts = append(parts, fmt.Sprintf("%d not assessed%s", n, inAll(o, " in the whole image")))
	}
	return "Found: " + strings.Join(parts, ", ") + "."
}

// byKind counts what no upgrade clears.
func byKind(all []*finding.Finding) []string {
	words := []struct {
		kind      finding.Kind
		one, many string
	}{
		{finding.KindMalware, "malicious package", "malicious packages"},
		{finding.KindPolicy, "forbidden by policy", "forbidden by policy"},
		{finding.KindSecret, "secret", "secrets"},
		{finding.KindMisconfiguration, "misconfiguration", "misconfigurations"},
		{finding.KindLicense, "licence", "licences"},
		{"", "other", "other"},
	}
	n := map[finding.Kind]int{}
	for _, f := range all {
		known := finding.Kind("")
		for _, w := range words {
			if w.kind == f.Kind {
				known = f.Kind
			}
		}
		n[known]++
	}
	var parts []string
	for _, w := range words {
		switch n[w.kind] {
		case 0:
		case 1:
			parts = append(parts, "1 "+w.one)
		default:
			parts = append(parts, fmt.Sprintf("%d %s", n[w.kind], w.many))
		}
	}
	return parts
}

// inAll is words for what is told of a whole image where findings are of a part of it.
func inAll(o Options, words string) string {
	if o.Part {
		return words
	}
	return ""
}

func notAssessed(gaps []*finding.Gap) int {
	n := 0
	for _, g := range gaps {
		if g.Blocking {
			n += max(g.Count, 1)
		}
	}
	return n
}

// passedBy is " (4 by plimsoll, 2 by exception)".
func passedBy(all []*finding.Finding) string {
	n := map[string]int{}
	var order []string
	for _, f := range all {
		by := f.Suppressed[0].By
		if n[by]++; n[by] == 1 {
			order = append(order, by)
		}
	}
	for i, by := range order {
		order[i] = fmt.Sprintf("%d by %s", n[by], clean(by))
	}
	return " (" + strings.Join(order, ", ") + ")"
}

// inventory lists the packages of a target.
func (t *table) inventory(r *finding.Report, id string) {
	kind, name := len("TYPE"), len("NAME")
	for i := range r.Packages {
		if p := &r.Packages[i]; p.Target == id {
			kind, name = max(kind, cells(clean(p.Type))), max(name, cells(fullName(p)))
		}
	}
	kind = min(kind, 12)
	name = min(name, (t.width-kind-4)*3/5)
	if name < 0 || kind == 0 {
		return
	}
	version := t.width - kind - name - 4
	row := func(a, b, c string) { t.line(pad(cut(a, kind), kind+2) + pad(cut(b, name), name+2) + cut(c, version)) }
	t.line("")
	row("TYPE", "NAME", "VERSION")
	for i := range r.Packages {
		if p := &r.Packages[i]; p.Target == id {
			row(clean(p.Type), fullName(p), clean(p.Version))
		}
	}
}

// fullName is a package's name as its own tools write it, cleaned.
func fullName(p *finding.Package) string {
	switch {
	case p.Namespace == "":
		return clean(p.Name)
	case p.Type == "maven":
		return clean(p.Namespace + ":" + p.Name)
	}
	return clean(p.Namespace + "/" + p.Name)
}

func pad(s string, columns int) string { return s + strings.Repeat(" ", max(columns-cells(s), 0)) }

// database says how old the advisories are, and whether all feeds are whole; db status says which are not.
func (t *table) database(db *finding.Database) {
	if db == nil {
		t.para("", "", "No advisories were consulted.")
		return
	}
	what := dates(db)
	partial := 0
	for _, s := range db.Sources {
		if !s.Complete {
			partial++
		}
	}
	if partial > 0 {
		what += fmt.Sprintf("; %d of %s not whole (db status)", partial, plural(len(db.Sources), "feed"))
	}
	t.para("", "", what+".")
}

// dates says when the database was put together, and of how old feeds.
func dates(db *finding.Database) string {
	s := "Advisories built " + db.Built.UTC().Format("2006-01-02")
	if !db.AsOf.IsZero() {
		s += " of feeds as of " + db.AsOf.UTC().Format("2006-01-02")
	}
	return s
}

func (t *table) hidden(n int) {
	if n > 0 {
		t.para("", "", plural(n, "finding")+" not shown, by the filters of this call; the verdict counts all.")
	}
}

// verdict is the last line. Reasons that it has no room for stand before it.
func (t *table) verdict(v finding.Verdict) {
	if v.Action == "" {
		return
	}
	word := string(v.Action)
	color := map[finding.Action]string{finding.Pass: green, finding.Warn: yellow, finding.Incomplete: yellow, finding.Deny: red}[v.Action]
	var reasons []string
	for _, r := range v.Reasons {
		reasons = append(reasons, clean(cmp.Or(r.Message, r.Policy)))
	}
	text := strings.Join(reasons, "; ")
	if len("Verdict: ")+len(word)+2+cells(text) > t.width {
		for _, r := range reasons {
			t.para("- ", "  ", r)
		}
		text = ", for " + plural(len(reasons), "reason")
	} else if text != "" {
		text = ": " + text
	}
	t.line("Verdict: " + t.paint(bold+";"+color, word) + text)
}
