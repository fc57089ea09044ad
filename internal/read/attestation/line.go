package attestation

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"
)

// VerifierID is what Plimsoll calls itself in a summary.
const VerifierID = "https://github.com/plimsoll/plimsoll"

// Line is by what a verdict was reached. It is written as a URI that says all of it, so that a summary's
// policy can be read and compared without another document:
//
//	plimsoll:gate?allow-gap=third-party&fail-on=high&policy=no-root%40sha256%3A…
type Line struct {
	FailOn   string   // least severity that denies
	Unfixed  bool     // what has no fix denies as well
	AllowGap []string // classes of what was not assessed that were accepted
	Policies []string // NAME@DIGEST
	// Exceptions are the digests of the files that let findings pass, and Baseline that of the report whose findings
	// did not count: with one, what the baseline knew may be past the line.
	Exceptions []string
	Baseline   string
}

const lineScheme = "plimsoll:gate?"

// Reference is the line as a summary's policy: the URI, and the digest of the URI's own bytes.
func (l Line) Reference() Reference {
	q := url.Values{"fail-on": {l.FailOn}}
	if l.Unfixed {
		q.Set("fail-on-unfixed", "true")
	}
	if l.Baseline != "" {
		q.Set("baseline", l.Baseline)
	}
	for _, list := range []struct {
		name   string
		values []string
	}{{"allow-gap", l.AllowGap}, {"policy", l.Policies}, {"exceptions", l.Exceptions}} {
		if len(list.values) > 0 {
			sorted := slices.Clone(list.values)
			slices.Sort(sorted)
			q[list.name] = slices.Compact(sorted)
		}
	}
	uri := lineScheme + q.Encode()
	sum := sha256.Sum256([]byte(uri))
	return Reference{URI: uri, Digest: map[string]string{"sha256": hex.EncodeToString(sum[:])}}
}

// ParseLine reads the URI of a policy; a policy of somebody else's is an error.
func ParseLine(uri string) (Line, error) {
	query, ok := strings.CutPrefix(uri, lineScheme)
	if !ok {
		return Line{}, fmt.Errorf("%q is no line of Plimsoll's", uri)
	}
	q, err := url.ParseQuery(query)
	if err != nil {
		return Line{}, fmt.Errorf("%q is no line of Plimsoll's: %w", uri, err)
	}
	return Line{
		FailOn: q.Get("fail-on"), Unfixed: q.Get("fail-on-unfixed") == "true", AllowGap: q["allow-gap"], Policies: q["policy"],
		Exceptions: q["exceptions"], Baseline: q.Get("baseline"),
	}, nil
}

const databaseScheme = "plimsoll:database?"

// Database is the database that was asked, as an input of a summary.
func Database(digest string, built, asOf time.Time) Reference {
	q := url.Values{"built": {built.UTC().Format(time.RFC3339)}}
	if !asOf.IsZero() {
		q.Set("as-of", asOf.UTC().Format(time.RFC3339))
	}
	return Reference{URI: databaseScheme + q.Encode(), Digest: map[string]string{"sha256": strings.TrimPrefix(digest, "sha256:")}}
}

// DatabaseBuilt is when the database was built that a summary names; zero where it names none.
func (s *Summary) DatabaseBuilt() time.Time {
	for _, in := range s.InputAttestations {
		if query, ok := strings.CutPrefix(in.URI, databaseScheme); ok {
			q, _ := url.ParseQuery(query)
			at, _ := time.Parse(time.RFC3339, q.Get("built"))
			return at
		}
	}
	return time.Time{}
}
