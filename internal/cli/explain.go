package cli

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/plimsoll/plimsoll/internal/check"
	"github.com/plimsoll/plimsoll/internal/read/advisory"
	"github.com/plimsoll/plimsoll/internal/weigh/catalog"
)

func newExplain(g *global) *cobra.Command {
	var db dbOptions
	cmd := &cobra.Command{
		Use: "explain ID", Short: "Tell what a check, an advisory or a class of gap means, and what to do",
		Long: "Explain tells of a check (by its id or another tool's), of a vulnerability (by any of its ids) and of a\n" +
			"class of what was not assessed. The words \"checks\" and \"gaps\" list all.",
		Example: "  plimsoll explain image/end-of-life\n  plimsoll explain CVE-2021-44228\n  plimsoll explain feed-partial\n  plimsoll explain checks",
		Args:    words(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			w, id := g.env.Stdout, args[0]
			if id == "checks" || id == "gaps" {
				return listWords(w, id)
			}
			if c, ok := catalog.Find(id); ok {
				return explainCheck(w, c)
			}
			if gap, ok := catalog.FindGap(id); ok {
				_, err := fmt.Fprintf(w, "%s\n\n%s\n\nWhat to do: %s\n", gap.Class, gap.Means, gap.Do)
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
			return explainVulnerability(w, v)
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

func listWords(w io.Writer, of string) error {
	var b strings.Builder
	if of == "checks" {
		for _, c := range catalog.Cards() {
			fmt.Fprintf(&b, "%-24s %-9s %s\n", c.ID, c.Severity, c.Title)
		}
	} else {
		for _, g := range catalog.Gaps() {
			fmt.Fprintf(&b, "%-22s %s\n", g.Class, g.Means)
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func explainCheck(w io.Writer, c check.Card) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s\nseverity %s", c.ID, c.Title, c.Severity)
	if len(c.Aliases) > 0 {
		fmt.Fprintf(&b, ", also %s", strings.Join(c.Aliases, ", "))
	}
	if len(c.Controls) > 0 {
		fmt.Fprintf(&b, "\ncontrols %s", strings.Join(c.Controls, ", "))
	}
	fmt.Fprintf(&b, "\n\nWhy\n%s\n\nHow to fix\n%s\n", indent(c.Page.Why), indent(c.Page.Fix))
	if c.Page.Bad != "" {
		fmt.Fprintf(&b, "\nBad\n%s\n\nGood\n%s\n", indent(c.Page.Bad), indent(c.Page.Good))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func indent(s string) string {
	return "  " + strings.ReplaceAll(strings.TrimRight(s, "\n"), "\n", "\n  ")
}

func explainVulnerability(w io.Writer, v advisory.Vulnerability) error {
	var b strings.Builder
	b.WriteString(v.ID + "\n")
	if len(v.Aliases) > 0 {
		fmt.Fprintf(&b, "  also       %s\n", strings.Join(v.Aliases, ", "))
	}
	if !v.Published.IsZero() {
		fmt.Fprintf(&b, "  published  %s\n", v.Published.Format("2006-01-02"))
	}
	for _, r := range v.Ratings {
		fmt.Fprintf(&b, "  rated      %s by %s", r.Severity, r.Source)
		if r.Score > 0 {
			fmt.Fprintf(&b, ", %.1f", r.Score)
		}
		if r.Vector != "" {
			fmt.Fprintf(&b, "  %s", r.Vector)
		}
		b.WriteByte('\n')
	}
	if !v.KEV.IsZero() {
		fmt.Fprintf(&b, "  exploited  known to CISA since %s\n", v.KEV.Format("2006-01-02"))
	}
	if v.EPSS > 0 {
		fmt.Fprintf(&b, "  EPSS       %.2f%%, higher than %.0f%% of all\n", v.EPSS*100, v.EPSSRank*100)
	}
	if len(v.CWEs) > 0 {
		fmt.Fprintf(&b, "  weakness   %s\n", strings.Join(v.CWEs, ", "))
	}
	if v.Malware {
		b.WriteString("  The package itself is malicious.\n")
	}
	b.WriteString("\nThe database holds facts only; read on at https://osv.dev/vulnerability/" + v.ID + "\n")
	_, err := io.WriteString(w, b.String())
	return err
}
