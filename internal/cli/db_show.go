package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/plimsoll/plimsoll/internal/judge/vuln"
	"github.com/plimsoll/plimsoll/internal/read/advisory"
	"github.com/plimsoll/plimsoll/internal/read/advisory/build"
)

func errorf(format string, args ...any) error { return fmt.Errorf(format, args...) }

// parseAge reads a duration, with days as well.
func parseAge(s string) (time.Duration, error) {
	if days, ok := strings.CutSuffix(s, "d"); ok {
		if n, err := strconv.ParseFloat(days, 64); err == nil && n >= 0 && n < 1e5 {
			return time.Duration(n * 24 * float64(time.Hour)), nil
		}
	}
	d, err := time.ParseDuration(s)
	if err != nil || d < 0 {
		return 0, fmt.Errorf("%q is no age: write 72h or 7d", s)
	}
	return d, nil
}

func newDBStatus(g *global) *cobra.Command {
	var o dbOptions
	var asJSON bool
	cmd := &cobra.Command{
		Use: "status", Short: "Say how old the database is, what it holds and what it lacks", Args: words(0, 0),
		Example: "  plimsoll db status\n  plimsoll db status --json | jq .built",
		RunE: func(cmd *cobra.Command, _ []string) error {
			db, err := o.open(cmd.Context(), g)
			if err != nil {
				return err
			}
			defer db.Close()
			if asJSON {
				e := json.NewEncoder(g.env.Stdout)
				e.SetIndent("", "  ")
				return e.Encode(db.Manifest())
			}
			return printStatus(g, db)
		},
	}
	o.flags(cmd.Flags())
	cmd.Flags().BoolVar(&asJSON, "json", false, "write the manifest as JSON")
	return cmd
}

func printStatus(g *global, db *advisory.DB) error {
	m, d := db.Manifest(), db.Describe()
	where := ""
	if d.Embedded {
		where = ", the one in the program"
	}
	age := int(g.env.Now().Sub(m.Built).Hours() / 24)
	fmt.Fprintf(g.env.Stdout, "built %s (%d days ago)%s\n%s\n\n", m.Built.Format(time.DateOnly), age, where, d.Digest)
	w := tabwriter.NewWriter(g.env.Stdout, 0, 4, 2, ' ', 0)
	fmt.Fprintln(w, "FEED\tRECORDS\tAS OF\tWHOLE\tLACKS")
	for _, s := range m.Sources {
		whole, day := "yes", "unknown"
		if !s.Complete {
			whole = "no"
		}
		if !s.Modified.IsZero() {
			day = s.Modified.Format(time.DateOnly)
		}
		fmt.Fprintf(w, "%s\t%d\t%s\t%s\t%s\n", s.Name, s.Records, day, whole, s.Note)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	fmt.Fprintln(g.env.Stdout)
	w = tabwriter.NewWriter(g.env.Stdout, 0, 4, 2, ' ', 0)
	fmt.Fprintln(w, "ECOSYSTEM\tPACKAGES\tROWS\tSIZE")
	for _, s := range m.Shards {
		fmt.Fprintf(w, "%s\t%d\t%d\t%s\n", s.Name, s.Names, s.Rows, bytesOf(s.Size))
	}
	return w.Flush()
}

func newDBLookup(g *global) *cobra.Command {
	var o dbOptions
	var asJSON bool
	cmd := &cobra.Command{
		Use: "lookup [ECOSYSTEM] NAME", Short: "Show what the database says of a package, or of an advisory",
		Long: "Lookup takes an ecosystem as db status lists them (npm, Go, Debian:12) and a package's name as advisories\n" +
			"write it: the source package for Debian, group:artifact for Maven. One word alone is an advisory's id.",
		Example: "  plimsoll db lookup npm lodash\n  plimsoll db lookup Debian:12 openssl\n  plimsoll db lookup CVE-2021-44228",
		Args:    words(1, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			db, err := o.open(cmd.Context(), g)
			if err != nil {
				return err
			}
			defer db.Close()
			if len(args) == 1 {
				v, ok, err := lookupAny(db, args[0])
				if err == nil && !ok {
					return usage("the database has no advisory %q; to look up a package, name its ecosystem first (plimsoll db status lists them)", args[0])
				}
				if err != nil {
					return err
				}
				if asJSON {
					return json.NewEncoder(g.env.Stdout).Encode(v)
				}
				return explainVulnerability(g.env.Stdout, v)
			}
			return lookupPackage(g, db, args[0], args[1], asJSON)
		},
	}
	o.flags(cmd.Flags())
	cmd.Flags().BoolVar(&asJSON, "json", false, "write JSON")
	return cmd
}

func lookupPackage(g *global, db *advisory.DB, ecosystem, name string, asJSON bool) error {
	var known []string
	for _, s := range db.Manifest().Shards {
		known = append(known, s.Name)
	}
	if i := slices.IndexFunc(known, func(s string) bool { return strings.EqualFold(s, ecosystem) }); i >= 0 && !slices.Contains(known, ecosystem) {
		ecosystem = known[i]
	}
	rows, cover, err := db.Package(ecosystem, build.Key(ecosystem, name))
	if err != nil {
		return err
	}
	if cover == advisory.NoFeed || ecosystem == advisory.FactsShard {
		return usage("the database has no feed for ecosystem %q%s", ecosystem, suggestion(ecosystem, known))
	}
	if asJSON {
		return json.NewEncoder(g.env.Stdout).Encode(rows)
	}
	if len(rows) == 0 {
		what := "no advisory is known for it"
		if cover == advisory.Partial {
			what = "the feed is not whole and says nothing of it"
		}
		_, err := fmt.Fprintf(g.env.Stdout, "%s %s: %s\n", ecosystem, name, what)
		return err
	}
	w := tabwriter.NewWriter(g.env.Stdout, 0, 4, 2, ' ', 0)
	fmt.Fprintln(w, "ADVISORY\tSHOWN AS\tSEVERITY\tAFFECTED\tFEED")
	var errs []error
	for _, r := range rows {
		v, _, err := db.Vulnerability(r.ID)
		errs = append(errs, err)
		severity := string(r.Severity)
		if severity == "" {
			best, _ := vuln.Rated(v.Ratings)
			severity = string(best)
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", r.ID, v.ID, severity, affectedWords(r), r.Feed)
	}
	return errors.Join(append(errs, w.Flush())...)
}

// affectedWords writes ranges as people do.
func affectedWords(r advisory.Row) string {
	if r.Unaffected {
		return "never"
	}
	var parts []string
	for _, g := range r.Ranges {
		s := ""
		if g.Introduced != "" {
			s = ">= " + g.Introduced + " "
		}
		switch {
		case g.Fixed != "":
			s += "< " + g.Fixed
		case g.LastAffected != "":
			s += "<= " + g.LastAffected
		case g.Limit != "":
			s += "< " + g.Limit + " (no fix known)"
		case s == "":
			s = "all"
		}
		parts = append(parts, strings.TrimSpace(s))
	}
	if n := len(r.Versions); n > 0 {
		parts = append(parts, fmt.Sprintf("%d exact versions", n))
	}
	return strings.Join(parts, ", ")
}
