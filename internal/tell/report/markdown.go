package report

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/weigh/gate"
)

// maxRows bounds each table of findings, so that the first tables do not crowd out the others.
const maxRows = 50

// maxMarkdown bounds the whole in characters: GitHub refuses a comment of more than 65,536, and whoever
// posts it may put words of their own around it.
const maxMarkdown = 65_000

// writeMarkdown writes what the table says as GitHub-flavoured Markdown, the verdict first.
func writeMarkdown(w io.Writer, r *finding.Report, o Options) error {
	var b strings.Builder
	fmt.Fprintf(&b, "# Plimsoll: %s\n", headline(r))
	for _, reason := range r.Verdict.Reasons {
		fmt.Fprintf(&b, "\n- %s", md(cmp.Or(reason.Message, reason.Policy)))
	}
	if len(r.Verdict.Reasons) > 0 {
		b.WriteString("\n")
	}
	for _, v := range views(r) {
		fmt.Fprintf(&b, "\n## %s\n\n%s", md(v.Name), md(strings.Join(append([]string{v.Kind}, system(v.OS)...), ", ")))
		if v.holdsPackages() {
			fmt.Fprintf(&b, ", %s%s", plural(v.total, "package"), inAll(o, " in the whole image"))
		}
		b.WriteString("\n")
		if words := surfaceWords(v.Surface); words != "" {
			fmt.Fprintf(&b, "\n%s\n", md(words))
		}
		if r.Judged() {
			mdSections(&b, v.sections, true)
			mdDeeds(&b, v.appTitle(), v.app)
			mdDeeds(&b, "What to do in the base image", v.base)
			mdSections(&b, v.sections, false)
			mdFindings(&b, "Without a fix", v.unfixed)
			mdPassed(&b, &v)
			fmt.Fprintf(&b, "\n%s\n", md(strings.Join(append([]string{totals(&v, o)}, shares(&v)...), " ")))
		} else {
			mdInventory(&b, r, v.ID)
		}
		mdOpinions(&b, r, v.ID)
		mdGaps(&b, "### "+gapTitle(r.Judged(), o), v.gaps, r.Judged())
	}
	mdGaps(&b, "## What could not be looked at", unbound(r), r.Judged())
	if db := r.Tool.Database; db != nil && consulted(r) {
		fmt.Fprintf(&b, "\n%s.", dates(db))
	}
	if o.Hidden > 0 {
		fmt.Fprintf(&b, " %s not shown.", plural(o.Hidden, "finding"))
	}
	text := strings.TrimRight(b.String(), "\n") + "\n"
	if r.Judged() { // half an inventory is none
		text = mdCut(text)
	}
	_, err := io.WriteString(w, text)
	return err
}

// headline is the verdict in a word; a pass that kept nothing out is none.
func headline(r *finding.Report) string {
	if r.Verdict.Action == finding.Pass && slices.ContainsFunc(r.Verdict.Reasons, func(v finding.Reason) bool { return v.Policy == gate.Ungated }) {
		return "not gated"
	}
	return cmp.Or(string(r.Verdict.Action), "inventory")
}

// mdCut ends what is too long for a comment after a whole line, and says so. The verdict and its reasons
// stand first.
func mdCut(text string) string {
	if utf8.RuneCountInString(text) <= maxMarkdown {
		return text
	}
	const note = "\n\nThis summary is cut here, because code hosts take no longer one: %s left out. The whole report: `-o html=FILE` or `-o json=FILE`.\n"
	room, n, end := maxMarkdown-len(note)-20, 0, 0
	for i, c := range text {
		if n++; n > room {
			break
		}
		if c == '\n' {
			end = i
		}
	}
	return text[:end] + fmt.Sprintf(note, plural(strings.Count(text[end:], "\n")-1, "line"))
}

// mdSections lists what no upgrade clears, by kind and rule: what is urgent before the upgrades, the rest
// after them.
func mdSections(b *strings.Builder, all []section, urgent bool) {
	for _, s := range all {
		if s.urgent() != urgent {
			continue
		}
		fmt.Fprintf(b, "\n### %s\n\n| severity | what | where | do |\n| --- | --- | --- | --- |\n", s.title)
		for _, c := range s.clusters[:min(len(s.clusters), maxRows)] {
			what := md(c.title)
			if worst := c.findings[0]; worst.Kind != finding.KindMalware {
				what += " (" + md(marked(worst)) + ")"
			}
			if n := len(c.findings); n > 1 {
				what += fmt.Sprintf(", %d times", n)
			}
			places := c.places()
			more := len(places) - maxPlaces
			places = places[:min(len(places), maxPlaces)]
			for i := range places {
				places[i] = md(places[i])
			}
			if more > 0 {
				places = append(places, plural(more, "more place"))
			}
			fmt.Fprintf(b, "| %s | %s | %s | %s |\n", mark(c.findings[0]), what, strings.Join(places, "<br>"), md(c.fix))
		}
		mdMore(b, len(s.clusters))
	}
}

func mdDeeds(b *strings.Builder, title string, all []deed) {
	if len(all) == 0 {
		return
	}
	fmt.Fprintf(b, "\n### %s\n\n| severity | do | clears | worst |\n| --- | --- | --- | --- |\n", title)
	for _, d := range all[:min(len(all), maxRows)] {
		what := md(d.title)
		if d.where != "" {
			what += " in " + md(d.where)
		}
		fmt.Fprintf(b, "| %s | %s | %d (%s) | %s |\n", mark(d.clears[0]), what, len(d.clears), bySeverity(d.clears), md(named(d.clears, 200)))
	}
	mdMore(b, len(all))
}

func mdFindings(b *strings.Builder, title string, all []*finding.Finding) {
	if len(all) == 0 {
		return
	}
	fmt.Fprintf(b, "\n### %s\n\n| severity | finding |\n| --- | --- |\n", title)
	for _, f := range all[:min(len(all), maxRows)] {
		fmt.Fprintf(b, "| %s | %s |\n", mark(f), md(f.Title+sinceMark(f)))
	}
	mdMore(b, len(all))
}

// mdInventory lists the packages of a target: all of them, because half an inventory is none.
func mdInventory(b *strings.Builder, r *finding.Report, id string) {
	head := "\n| type | name | version |\n| --- | --- | --- |\n"
	for i := range r.Packages {
		if p := &r.Packages[i]; p.Target == id {
			fmt.Fprintf(b, "%s| %s | %s | %s |\n", head, md(p.Type), markup.Replace(fullName(p)), md(p.Version))
			head = ""
		}
	}
}

func mdMore(b *strings.Builder, n int) {
	if n > maxRows {
		fmt.Fprintf(b, "\nand %d more\n", n-maxRows)
	}
}

func mdGaps(b *strings.Builder, title string, gaps []*finding.Gap, judged bool) {
	if len(gaps) == 0 {
		return
	}
	fmt.Fprintf(b, "\n%s\n\n", title)
	told := map[string]bool{}
	for _, g := range gapRows(gaps) {
		fmt.Fprintf(b, "- %s: %s", g.word(judged), markup.Replace(g.text()))
		if do := g.advice(judged); do != "" && !told[g.Class] {
			told[g.Class] = true
			b.WriteString(" → " + md(do))
		}
		b.WriteString("\n")
	}
}

// md makes text stand for itself: no character of it is markup, a link, a mention or HTML.
func md(s string) string {
	return markup.Replace(clean(s))
}

var markup = strings.NewReplacer(
	`\`, `\\`, "`", "\\`", "*", `\*`, "_", `\_`, "[", `\[`, "]", `\]`, "<", "&lt;", ">", "&gt;", "&", "&amp;",
	"|", `\|`, "#", `\#`, "~", `\~`, "!", `\!`, "@", "&#64;", "://", "&#58;//", "www.", "www&#46;",
)
