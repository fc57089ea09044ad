package cli

import (
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/plimsoll/plimsoll/internal/read/advisory"
	"github.com/plimsoll/plimsoll/internal/read/advisory/build"
)

func newDBBuild(g *global) *cobra.Command {
	var from, to string
	var keys []string
	cmd := &cobra.Command{
		Use: "build --from MIRROR --db DIR", Short: "Build a database from a folder of feeds", Args: words(0, 0),
		Long: "Build reads a folder that holds feeds in their official layouts, and writes a database:\n\n" +
			"  osv/ECOSYSTEM/all.zip                       OSV's bucket\n" +
			"  debian/tracker.json                         the Debian security tracker\n" +
			"  alpine/vX.Y/{main,community}.json           Alpine's secdb\n" +
			"  wolfi/security.json, chainguard/security.json\n" +
			"  kev/known_exploited_vulnerabilities.json    CISA's catalogue\n" +
			"  epss/epss_scores-current.csv.gz             FIRST's scores\n" +
			"  cvelist/cves.zip                            the CVE List\n\n" +
			"What is missing is left out. A feed counts as whole unless sources.json in the mirror says otherwise:\n" +
			"  {\"osv/npm\": {\"complete\": false, \"note\": \"what it lacks\"}}\n\n" +
			"SOURCE_DATE_EPOCH sets the moment that the database names as its own, for builds that can be repeated.",
		Example: "  plimsoll db build --from ./mirror --db ./db\n  plimsoll scan --db ./db alpine:3.20",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if from == "" || to == "" {
				return usage("name the mirror and the folder to write: plimsoll db build --from MIRROR --db DIR")
			}
			if info, err := os.Stat(from); err != nil || !info.IsDir() {
				return usage("--from %s is no folder", from)
			}
			if err := advisory.Vacant(to); err != nil {
				return usage("--db: %v", err)
			}
			private, err := signers(keys)
			if err != nil {
				return err
			}
			built, err := buildTime(g)
			if err != nil {
				return err
			}
			result, err := build.Run(cmd.Context(), build.Options{From: from, Built: built, Progress: func(feed string) {
				if g.env.Progress {
					g.say("reading %s", feed)
				}
			}})
			if err != nil {
				return exitError{exitUsage, err}
			}
			if err := result.Write(to, private...); err != nil {
				return err
			}
			size := int64(0)
			for _, s := range result.Manifest.Shards {
				size += s.Size
			}
			_, err = fmt.Fprintf(g.env.Stdout, "%s: %s, %s, %s\n", to, count(len(result.Manifest.Sources), "feed"), count(len(result.Manifest.Shards), "shard"), bytesOf(size))
			return err
		},
	}
	cmd.Flags().StringVar(&from, "from", "", "`DIR` of feeds")
	cmd.Flags().Var(repeated(&keys), "sign-key", "PEM `FILE` of an ed25519 private key (PKCS #8) to sign with; may be repeated")
	cmd.Flags().StringVar(&to, "db", "", "`DIR` to write the database to")
	return cmd
}

// buildTime is now, or what SOURCE_DATE_EPOCH says (https://reproducible-builds.org/specs/source-date-epoch/).
func buildTime(g *global) (time.Time, error) {
	epoch := g.env.Getenv("SOURCE_DATE_EPOCH")
	if epoch == "" {
		return g.env.Now(), nil
	}
	n, err := strconv.ParseInt(epoch, 10, 64)
	if err != nil {
		return time.Time{}, usage("SOURCE_DATE_EPOCH=%q is no number of seconds", epoch)
	}
	return time.Unix(n, 0).UTC(), nil
}
