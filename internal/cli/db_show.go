package cli

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/plimsoll/plimsoll/internal/read/advisory"
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
				return e.Encode(struct {
					advisory.Manifest
					AsOf time.Time `json:"asOf,omitzero"`
				}{db.Manifest(), db.Manifest().AsOf()})
			}
			return printStatus(g, db)
		},
	}
	o.flags(cmd.Flags())
	cmd.Flags().BoolVar(&verify, "verify", false, "read the whole database, and hold its digests")
	cmd.Flags().BoolVar(&asJSON, "json", false, "write the manifest as JSON, and asOf")
	return cmd
}

// ages says when a database was built, and of how old feeds.
func ages(m advisory.Manifest, now time.Time) string {
	ago := func(at time.Time) string {
		if at.Sub(now) > maxClock {
			return at.Format(time.DateOnly) + " (yet to come)"
		}
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
