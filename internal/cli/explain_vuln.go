package cli

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/judge/vuln"
	"github.com/plimsoll/plimsoll/internal/read/advisory"
	"github.com/plimsoll/plimsoll/internal/weigh/risk"
)

// explainVulnerability tells all that the database knows of a vulnerability, also what stands in
// advisories that speak of it beside others.
func (g *global) explainVulnerability(db *advisory.DB, v advisory.Vulnerability) error {
	ids := append([]string{v.ID}, v.Aliases...)
	covering, err := db.Covering(ids)
	if err != nil {
		return err
	}
	for _, c := range covering {
		ids = append(append(ids, c.ID), c.Aliases...)
		if len(v.Ratings) == 0 {
			v.Ratings = c.Ratings
		}
	}
	packages, err := affectedBy(db, v, ids)
	if err != nil {
		return err
	}
	var b strings.Builder
	writeFacts(&b, g.width(), v, covering)
	if _, err := io.WriteString(g.env.Stdout, b.String()+"\n"); err != nil {
		return err
	}
	if len(packages) > 0 {
		head := []string{"ECOSYSTEM", "PACKAGE", "SEVERITY", "FIXED IN", "ADVISORY", "AFFECTED"}
		if err := columns(g.env.Stdout, g.width(), append([][]string{head}, packages...)); err != nil {
			return err
		}
		fmt.Fprintln(g.env.Stdout)
	}
	_, err = fmt.Fprintln(g.env.Stdout, strings.Join(wrapped("The database holds facts only; read on at https://osv.dev/vulnerability/"+v.ID, g.width()), "\n"))
	return err
}

// affectedBy lists the packages that a vulnerability is in, by the rows that a scan would report as it.
func affectedBy(db *advisory.DB, v advisory.Vulnerability, ids []string) ([][]string, error) {
	named, err := db.Mentions(ids)
	if err != nil {
		return nil, err
	}
	var out [][]string
	for _, n := range named {
		shown, err := vuln.Shown(db, n.Rows)
		if err != nil {
			return nil, err
		}
		for i, r := range n.Rows {
			means := slices.ContainsFunc(shown[i], func(s advisory.Vulnerability) bool { return s.ID == v.ID })
			if !means && (len(v.Covers) == 0 || !slices.Contains(ids, r.ID)) {
				continue
			}
			out = append(out, []string{n.Ecosystem, n.Package, severityOf(r, v), mendedIn(r), r.ID, affectedWords(r)})
		}
	}
	return out, nil
}

// severityOf is what a distribution says of its package, else what is said of the vulnerability.
func severityOf(r advisory.Row, v advisory.Vulnerability) string {
	if r.Severity != "" {
		return string(r.Severity)
	}
	best, _ := vuln.Rated(v.Ratings)
	return string(best)
}

// mendedIn lists the versions that mend a row.
func mendedIn(r advisory.Row) string {
	var all []string
	for _, g := range r.Ranges {
		if g.Fixed != "" && !slices.Contains(all, g.Fixed) {
			all = append(all, g.Fixed)
		}
	}
	switch {
	case r.Unaffected:
		return "-"
	case len(all) > 0:
		return strings.Join(all, ", ")
	case r.Status != "":
		return "none (" + string(r.Status) + ")"
	}
	return "none"
}

func writeFacts(b *strings.Builder, width int, v advisory.Vulnerability, covering []advisory.Vulnerability) {
	b.WriteString(v.ID + "\n")
	line := func(name, text string) {
		if text != "" {
			field(b, width, name, text)
		}
	}
	line("also", strings.Join(v.Aliases, ", "))
	line("covers", strings.Join(v.Covers, ", "))
	var by []string
	for _, c := range covering {
		by = append(by, c.ID)
	}
	line("covered by", strings.Join(by, ", "))
	if !v.Published.IsZero() {
		line("published", v.Published.Format(time.DateOnly))
	}
	best, from := vuln.Rated(v.Ratings)
	if best != finding.Unknown {
		line("severity", fmt.Sprintf("%s, by %s", best, from))
	}
	for _, r := range v.Ratings {
		text := fmt.Sprintf("%s by %s", r.Severity, r.Source)
		if r.Score > 0 {
			text += fmt.Sprintf(", %.1f", r.Score)
		}
		if r.Vector != "" {
			text += "  " + r.Vector
		}
		line("rated", text)
	}
	if !v.KEV.IsZero() {
		line("exploited", "known to CISA since "+v.KEV.Format(time.DateOnly))
	}
	if v.EPSS > 0 {
		line("EPSS", strings.TrimPrefix(risk.Likely(v.EPSS, v.EPSSRank), "EPSS "))
	}
	line("weakness", strings.Join(v.CWEs, ", "))
	if v.Malware {
		b.WriteString("  The package itself is malicious.\n")
	}
}
