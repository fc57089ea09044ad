package imagecfg

import (
	"fmt"
	"time"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/check"
)

// endOfLife flags distributions that get no more fixes. The dates are the distributions' own.
var endOfLife = Check{
	Card: check.Card{
		ID: "image/end-of-life", Title: "the distribution gets no more security fixes", Kind: finding.KindMisconfiguration,
		Severity: finding.High, Decks: []string{finding.Build}, Since: "0.1",
		Page: check.Page{
			Why: "After a distribution's end of life nobody mends its packages, and advisories stop naming\n" +
				"them: the list of known vulnerabilities stays short while the real one grows.",
			Fix:  "Build on a release that is supported: change the FROM line, then rebuild and test.",
			Bad:  "FROM debian:10\n",
			Good: "FROM debian:12\n",
		},
	},
	needs: needsOS,
	Look: func(f Facts) []check.Hit {
		if f.OS.EndOfLife == "" {
			return nil
		}
		day, err := time.Parse(time.DateOnly, f.OS.EndOfLife)
		if err != nil || !day.Before(f.Now) {
			return nil
		}
		return []check.Hit{{Where: "os-release", Detail: fmt.Sprintf("%s %s ended on %s", f.OS.ID, f.OS.Version, f.OS.EndOfLife)}}
	},
}
