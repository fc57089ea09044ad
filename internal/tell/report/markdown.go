package report

import (
	"cmp"
	"fmt"
	"io"
	"strings"

	"github.com/plimsoll/plimsoll/finding"
)

// maxRows bounds each table, because code hosts cut comments and summaries that are too long.
const maxRows = 50

// writeMarkdown writes what the table says as GitHub-flavoured Markdown, the verdict first.
func writeMarkdown(w io.Writer, r *finding.Report, o Options) error {
	var b strings.Builder
	fmt.Fprintf(&b, "# Plimsoll: %s\n", cmp.Or(string(r.Verdict.Action), "inventory"))
	for _, reason := range r.Verdict.Reasons {
		fmt.Fprintf(&b, "\n- %s", md(cmp.Or(reason.Message, reason.Policy)))
	}
	if len(r.Verdict.Reasons) > 0 {
		b.WriteString("\n")
	}
	for _, v := range views(r) {
		fmt.Fprintf(&b, "\n## %s\n\n%s", md(v.Name), md(strings.Join(append([]string{v.Kind}, system(v.OS)...), ", ")))
		fmt.Fprintf(&b, ", %s%s\n", plural(v.total, "package"), inAll(o, " in the whole image"))
		if words := surfaceWords(v.Surface); words != "" {
			fmt.Fprintf(&b, "\n%s\n", md(words))
		}
		if r.Judged() {
			mdDeeds(&b, v.appTitle(), v.app)
			mdDeeds(&b, "What to do in the base image", v.base)
			mdFindings(&b, "Also found", v.other)
			mdFindings(&b, "Without a fix", v.unfixed)
			fmt.Fprintf(&b, "\n%s\n", md(totals(&v, o)))
		} else {
			mdInventory(&b, r, v.ID)
		}
		mdGaps(&b, "### "+gapTitle(r.Judged(), o), v.gaps, r.Judged())
	}
	mdGaps(&b, "## What could not be looked at", unbound(r), r.Judged())
	if db := r.Tool.Database; db != nil {
		fmt.Fprintf(&b, "\n%s.", dates(db))
	}
	if o.Hidden > 0 {
		fmt.Fprintf(&b, " %s not shown.", plural(o.Hidden, "finding"))
	}
	_, err := io.WriteString(w, strings.TrimRight(b.String(), "\n")+"\n")
	return err
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
		fmt.Fprintf(b, "| %s | %s |\n", mark(f), md(f.Title))
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
