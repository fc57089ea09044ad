// Package advisory answers what the vulnerability feeds say of a package.
//
// Feeds in their official layouts (folder feed) are turned into one internal form and written as a
// database: immutable, content-addressed shards, one per ecosystem, that are looked up by package
// name without being loaded. A database says of every feed whether it is whole; what a feed does not
// cover is told as such and never passes for clean.
package advisory

import (
	"time"

	"github.com/plimsoll/plimsoll/finding"
)

// Row is what one advisory says of one package of one ecosystem.
type Row struct {
	ID       string         // the advisory: GHSA-…, DSA-…, CVE-…, GO-…; the key of Vulnerability
	Feed     string         // the feed that says so: osv/npm, debian, alpine/v3.11/main
	Status   finding.Status // affected, will-not-fix …; empty where the ranges alone speak
	Severity finding.Severity
	// Ranges and Versions together are what is affected; Versions are exact and need no order.
	// Unaffected drops a package for good: the distribution says that it never was affected.
	Ranges     []Range
	Versions   []string
	Unaffected bool
	Module     string   // rpm module stream NAME:STREAM that the row is for, or AnyModule; empty: not modular
	Arch       []string // architectures that the row is for; empty: all
	Symbols    []string // functions that are vulnerable, IMPORTPATH.Symbol; empty: unknown
}

// AnyModule marks a row that is for a module stream which the feed does not name.
const AnyModule = "*"

// Range is affected from Introduced (inclusive; empty or "0": from the first version) up to Fixed
// (exclusive), LastAffected (inclusive) or Limit (exclusive, and no fix: what lies beyond was not looked
// at, or is another branch); all empty: no end is known.
type Range struct {
	Introduced, Fixed, LastAffected, Limit string
}

// Holds says whether a version lies in the range, by the ecosystem's own order.
func (r Range) Holds(version string, compare func(a, b string) (int, error)) (bool, error) {
	if r.Introduced != "" && r.Introduced != "0" {
		if c, err := compare(version, r.Introduced); err != nil || c < 0 {
			return false, err
		}
	}
	for _, end := range []string{r.Fixed, r.Limit} {
		if end == "" {
			continue
		}
		if c, err := compare(version, end); err != nil || c >= 0 {
			return false, err
		}
	}
	if r.LastAffected != "" {
		c, err := compare(version, r.LastAffected)
		return err == nil && c <= 0, err
	}
	return true, nil
}

// Vulnerability is what is known of an advisory id whatever the package: facts, no prose.
type Vulnerability struct {
	ID        string   // the id to show: the CVE where there is one
	Aliases   []string // all other ids of the same thing, sorted
	Covers    []string // for an advisory that mends several vulnerabilities at once: their ids, sorted
	Ratings   []finding.Rating
	Published time.Time
	Modified  time.Time
	KEV       time.Time // when CISA listed it as exploited; zero: not listed
	EPSS      float64   // probability of exploitation in 30 days, 0 to 1; 0: unknown
	EPSSRank  float64   // percentile, 0 to 1
	Malware   bool      // the package itself is malicious (MAL- ids)
	CWEs      []string
}

// Cover says how far an ecosystem's feed speaks of a package.
type Cover int

// The degrees of coverage.
const (
	NoFeed  Cover = iota // no feed for this ecosystem or release
	Partial              // the feed is not whole and has nothing on this package: it may be affected
	Whole                // no row means that no advisory is known
)

// Lookup is what a judge asks. A DB answers it; it is safe for concurrent use.
type Lookup interface {
	// Package returns the rows on a package, by the ecosystem's key ("npm", "Debian:12", "Alpine:v3.11")
	// and the name that advisories use. Rows may come with Partial coverage too: the feed has records on
	// the package, but does not claim to have all of that package.
	Package(ecosystem, name string) ([]Row, Cover, error)
	// Vulnerability returns the facts of an advisory id; false where the id is unknown.
	Vulnerability(id string) (Vulnerability, bool, error)
}
