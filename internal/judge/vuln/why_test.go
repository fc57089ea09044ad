package vuln

import (
	"strings"
	"testing"

	"github.com/plimsoll/plimsoll/internal/ecosystem"
	"github.com/plimsoll/plimsoll/internal/read/advisory"
)

// TestWhy has the database say why somebody else's claim is not reported.
func TestWhy(t *testing.T) {
	type row = advisory.Row
	upTo := func(id, fixed string) row {
		return row{ID: id, Feed: "feed", Ranges: []advisory.Range{{Fixed: fixed}}}
	}
	for name, c := range map[string]struct {
		feed, version, vendor string
		rows                  []row
		claim                 Claim
		want, words           string
	}{
		"fixed":         {feed: "f", version: "5", rows: []row{upTo("GHSA-1", "4")}, claim: Claim{IDs: []string{"CVE-1"}}, want: WhyFixed, words: "feed says fixed in 4, and 5 is not older (GHSA-1)"},
		"their order":   {feed: "f", version: "5", rows: []row{upTo("GHSA-1", "4")}, claim: Claim{IDs: []string{"CVE-1"}, Fixed: []string{"6", "5"}}, want: WhyOtherOrder, words: "it names 5 as the fix"},
		"a later fix":   {feed: "f", version: "5", rows: []row{upTo("GHSA-1", "4")}, claim: Claim{IDs: []string{"CVE-1"}, Fixed: []string{"6"}}, want: WhyFixed},
		"not affected":  {feed: "f", version: "5", rows: []row{upTo("GHSA-1", "4"), {ID: "GO-1", Feed: "feed", Unaffected: true}}, claim: Claim{IDs: []string{"GO-1"}}, want: WhyNotAffected},
		"not listed":    {feed: "f", version: "5", rows: []row{{ID: "GHSA-1", Versions: []string{"6"}}}, claim: Claim{IDs: []string{"GHSA-1"}}, want: WhyNotAffected, words: "does not list 5"},
		"before":        {feed: "f", version: "5", rows: []row{{ID: "GHSA-1", Ranges: []advisory.Range{{Introduced: "7"}}}}, claim: Claim{IDs: []string{"CVE-1"}}, want: WhyBefore},
		"reported":      {feed: "f", version: "3", rows: []row{upTo("GHSA-1", "4")}, claim: Claim{IDs: []string{"ghsa-1"}}, want: WhyReported},
		"other build":   {feed: "f", version: "3", rows: []row{{ID: "GHSA-1", Module: "x:1"}}, claim: Claim{IDs: []string{"GHSA-1"}}, want: WhyOtherBuild},
		"incomparable":  {feed: "f", version: "x", rows: []row{upTo("GHSA-1", "4")}, claim: Claim{IDs: []string{"GHSA-1"}}, want: GapUnknownVersion},
		"no version":    {feed: "f", rows: []row{upTo("GHSA-1", "4")}, claim: Claim{IDs: []string{"GHSA-1"}}, want: GapUnknownVersion},
		"other package": {feed: "f", version: "3", claim: Claim{IDs: []string{"x", "GHSA-1"}}, want: WhyOtherName, words: "f has no advisory of it on a"},
		"unheard of":    {feed: "f", version: "3", rows: []row{upTo("GHSA-1", "4")}, claim: Claim{IDs: []string{"CVE-9"}}, want: WhyNotInData},
		"part":          {feed: "part", version: "3", claim: Claim{IDs: []string{"CVE-9"}}, want: GapPartial},
		"no feed":       {feed: "none", version: "3", claim: Claim{IDs: []string{"CVE-9"}}, want: GapNoFeed},
		"no ecosystem":  {feed: "", version: "3", claim: Claim{IDs: []string{"CVE-9"}}, want: GapNoFeed},
		"third party":   {feed: "f", version: "3", vendor: "stranger", claim: Claim{IDs: []string{"CVE-9"}}, want: GapThirdParty},
	} {
		p := ecosystem.Package{Type: "number", Name: "a", Version: c.version, Vendor: c.vendor}
		got, err := Why(Subject{&p, kind(c.feed)}, ecosystem.Release{}, db{c.feed + " a": c.rows}, c.claim)
		if err != nil || got.Reason != c.want || !strings.Contains(got.Detail, c.words) || got.Detail == "" {
			t.Errorf("%s: %+v, %v, want %s %q", name, got, err, c.want, c.words)
		}
	}
}

// TestWhyNeverContradicts wants "reported" just where the judge reports.
func TestWhyNeverContradicts(t *testing.T) {
	d := db{"f a": {{ID: "GHSA-1", Feed: "x", Ranges: []advisory.Range{{Introduced: "10", Fixed: "15"}, {Introduced: "20", LastAffected: "25"}}}}}
	for _, version := range []string{"1", "9", "10", "14", "15", "19", "20", "25", "26"} {
		p := ecosystem.Package{Type: "number", Name: "a", Version: version}
		s := Subject{&p, kind("f")}
		matches, _, err := Judge([]Subject{s}, ecosystem.Release{}, d)
		if err != nil {
			t.Fatal(err)
		}
		a, err := Why(s, ecosystem.Release{}, d, Claim{IDs: []string{"CVE-1"}})
		if err != nil || (a.Reason == WhyReported) != (len(matches) > 0) {
			t.Errorf("%s: %s, and %d matches, %v", version, a.Reason, len(matches), err)
		}
	}
}
