package cli

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/plimsoll/plimsoll/internal/check"
	"github.com/plimsoll/plimsoll/internal/read/advisory"
	"github.com/plimsoll/plimsoll/internal/weigh/catalog"
	"github.com/plimsoll/plimsoll/internal/weigh/policy"
)

func newExplain(g *global) *cobra.Command {
	var db dbOptions
	cmd := &cobra.Command{
		Use: "explain ID", Short: "Tell what a check, an advisory or a class of gap means, and what to do",
		Long: "Explain tells of a check (by its id or another tool's), of a vulnerability (by any of its ids: what it is,\n" +
			"which packages it is in and where it is fixed), of a policy that is shipped (policy/NAME) and of a class of\n" +
			"what was not assessed. The words \"checks\" and \"gaps\" list all.",
		Example: "  plimsoll explain image/end-of-life\n  plimsoll explain CVE-2021-44228\n  plimsoll explain feed-partial\n  plimsoll explain checks",
		Args:    words(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			w, id := g.env.Stdout, args[0]
			if id == "checks" || id == "gaps" {
				return g.listWords(id)
			}
			if found := catalog.Find(id); len(found) > 0 {
				return g.explainChecks(id, found)
			}
			if r, ok := catalog.FindRule(id); ok {
				_, err := fmt.Fprintln(w, paragraphs(r.ID+" is answered by no check here. "+r.Reason, g.width()))
				return err
			}
			if name, ok := strings.CutPrefix(id, "policy/"); ok {
				return g.explainPolicy(name)
			}
			if strings.HasPrefix(id, "gitleaks/") {
				return usage("%q is no rule that a check here answers: it is one of yours, in a file that --secret-rules names, where its description stands%s", id, suggestion(id, explainable()))
			}
			if gap, ok := catalog.FindGap(id); ok {
				_, err := fmt.Fprintf(w, "%s\n\n%s\n\n%s\n", gap.Class, paragraphs(gap.Means, g.width()), paragraphs("What to do: "+gap.Do, g.width()))
				return err
			}
			d, err := db.open(cmd.Context(), g)
			if err != nil {
				return err
			}
			defer d.Close()
			v, ok, err := lookupAny(d, id)
			if err != nil {
				return err
			}
			if !ok {
				return usage("%q is no check, no class of gap and no advisory of this database%s", id, suggestion(id, explainable()))
			}
			return g.explainVulnerability(d, v)
		},
		ValidArgsFunction: choose(explainable),
	}
	db.flags(cmd.Flags())
	return cmd
}

// lookupAny finds an advisory however its id's case is written: CVE ids are upper case, GitHub's only
// up to the first hyphen.
func lookupAny(d *advisory.DB, id string) (advisory.Vulnerability, bool, error) {
	prefix, rest, _ := strings.Cut(id, "-")
	for _, spelling := range []string{id, strings.ToUpper(id), strings.ToUpper(prefix) + "-" + strings.ToLower(rest)} {
		if v, ok, err := d.Vulnerability(spelling); ok || err != nil {
			return v, ok, err
		}
	}
	return advisory.Vulnerability{}, false, nil
}

func explainable() []string {
	words := []string{"checks", "gaps"}
	for _, c := range catalog.Cards() {
		words = append(append(words, c.ID), c.Aliases...)
	}
	return append(words, gapClasses()...)
}

func (g *global) listWords(of string) error {
	var rows [][]string
	if of == "checks" {
		for _, c := range catalog.Cards() {
			rows = append(rows, []string{c.ID, string(c.Severity), c.Title})
		}
	} else {
		for _, gap := range catalog.Gaps() {
			rows = append(rows, []string{gap.Class, gap.Means})
		}
	}
	return columns(g.env.Stdout, g.width(), rows)
}

// explainChecks tells of the first, which answers another tool's id most closely, and names the others.
func (g *global) explainChecks(id string, found []check.Card) error {
	if err := g.explainCheck(found[0]); err != nil || len(found) == 1 {
		return err
	}
	var others []string
	for _, c := range found[1:] {
		others = append(others, c.ID)
	}
	_, err := fmt.Fprintln(g.env.Stdout, "\n"+paragraphs(id+" is answered by "+strings.Join(others, ", ")+" as well.", g.width()))
	return err
}

// explainPolicy tells of a rule that a policy's findings carry: what it demands, or whose it is.
func (g *global) explainPolicy(name string) error {
	lib, err := policy.Library()
	if err != nil {
		return err
	}
	for _, p := range lib.Policies {
		if p.Name.Value == name {
			_, err := fmt.Fprintf(g.env.Stdout, "policy/%s\n\n%s\n\nThe whole policy: plimsoll policy show %s\n", name, paragraphs(p.Description, g.width()), name)
			return err
		}
	}
	return usage("%q is no policy that Plimsoll ships: it is one of yours, in a file that --policy names%s", "policy/"+name, suggestion(name, libraryNames()))
}

func (g *global) explainCheck(c check.Card) error {
	var b strings.Builder
	lines := []string{c.ID + ": " + c.Title, "severity " + string(c.Severity)}
	if len(c.Aliases) > 0 {
		lines[1] += ", also " + strings.Join(c.Aliases, ", ")
	}
	if len(c.Controls) > 0 {
		lines = append(lines, "controls "+strings.Join(c.Controls, ", "))
	}
	for i, line := range lines {
		lines[i] = strings.Join(wrapped(line, g.width()), "\n")
	}
	b.WriteString(strings.Join(lines, "\n"))
	fmt.Fprintf(&b, "\n\nWhy\n%s\n\nHow to fix\n%s\n", indent(paragraphs(c.Page.Why, g.inner())), indent(paragraphs(c.Page.Fix, g.inner())))
	if c.Page.Bad != "" {
		fmt.Fprintf(&b, "\nBad\n%s\n\nGood\n%s\n", indent(c.Page.Bad), indent(c.Page.Good))
	}
	_, err := io.WriteString(g.env.Stdout, b.String())
	return err
}

// inner is the width of what is indented; 0 where nothing is wrapped.
func (g *global) inner() int { return max(g.width()-len("  "), 0) }

func indent(s string) string {
	return "  " + strings.ReplaceAll(strings.TrimRight(s, "\n"), "\n", "\n  ")
}
