package cli

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
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
	var asJSON, verify bool
	cmd := &cobra.Command{
		Use: "status", Short: "Say how old the database is, what it holds and what it lacks", Args: words(0, 0),
		Long: "Status names the day on which the database was built, and the day of the newest change in the feeds that it\n" +
			"was built of. That every part is there is looked at; with --verify all of it is read and its digests held.\n\n" +
			"Exit status: 0, 2 the call is wrong or the folder holds no such database, 3 the database is damaged or\n" +
			"older than --db-max-age.",
		Example: "  plimsoll db status\n  plimsoll db status --verify --db ./db\n  plimsoll db status --json | jq .built",
		RunE: func(cmd *cobra.Command, _ []string) error {
			db, err := o.open(cmd.Context(), g)
			if err != nil {
				return err
			}
			defer db.Close()
			if verify {
				if err := db.Verify(); err != nil {
					return err
				}
			}
			if asJSON {
				e := json.NewEncoder(g.env.Stdout)
				e.SetIndent("", "  ")
				return e.Encode(db.Manifest())
			}
			return printStatus(g, db)
		},
	}
	o.flags(cmd.Flags())
	cmd.Flags().BoolVar(&verify, "verify", false, "read the whole database, and hold its digests")
	cmd.Flags().BoolVar(&asJSON, "json", false, "write the manifest as JSON")
	return cmd
}

// ages says when a database was built, and of how old feeds.
func ages(m advisory.Manifest, now time.Time) string {
	ago := func(at time.Time) string {
		return fmt.Sprintf("%s (%d days ago)", at.Format(time.DateOnly), int(now.Sub(at).Hours()/24))
	}
	if m.AsOf().IsZero() {
		return "built " + ago(m.Built) + " of feeds that name no day"
	}
	return "built " + ago(m.Built) + " of feeds as of " + ago(m.AsOf())
}

func printStatus(g *global, db *advisory.DB) error {
	m, d := db.Manifest(), db.Describe()
	where := ""
	if d.Embedded {
		where = ", the one in the program"
	}
	head := strings.Join(wrapped(ages(m, g.env.Now())+where, g.width()), "\n")
	fmt.Fprintf(g.env.Stdout, "%s\n%s\n\n", head, d.Digest)
	rows := [][]string{{"FEED", "RECORDS", "AS OF", "WHOLE", "LACKS"}}
	for _, s := range m.Sources {
		whole, day := "yes", "unknown"
		if !s.Complete {
			whole = "no"
		}
		if !s.Modified.IsZero() {
			day = s.Modified.Format(time.DateOnly)
		}
		rows = append(rows, []string{printable(s.Name), strconv.Itoa(s.Records), day, whole, printable(s.Note)})
	}
	if err := columns(g.env.Stdout, g.width(), rows); err != nil {
		return err
	}
	fmt.Fprintln(g.env.Stdout)
	rows = [][]string{{"ECOSYSTEM", "PACKAGES", "ROWS", "SIZE"}}
	for _, s := range m.Shards {
		rows = append(rows, []string{printable(s.Name), strconv.Itoa(s.Names), strconv.Itoa(s.Rows), bytesOf(s.Size)})
	}
	return columns(g.env.Stdout, g.width(), rows)
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
				return g.explainVulnerability(db, v)
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
	return printRows(g, db, rows)
}

// printRows shows the rows on one package, each as the ids that a scan reports it under.
func printRows(g *global, db *advisory.DB, rows []advisory.Row) error {
	shown, err := vuln.Shown(db, rows)
	if err != nil {
		return err
	}
	out := [][]string{{"ADVISORY", "SHOWN AS", "SEVERITY", "FEED", "AFFECTED"}}
	for i, r := range rows {
		v, _, err := db.Vulnerability(r.ID)
		if err != nil {
			return err
		}
		var as []string
		for _, s := range shown[i] {
			as = append(as, s.ID)
		}
		out = append(out, []string{r.ID, cmp.Or(strings.Join(as, ", "), "-"), severityOf(r, v), r.Feed, affectedWords(r)})
	}
	return columns(g.env.Stdout, g.width(), out)
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
