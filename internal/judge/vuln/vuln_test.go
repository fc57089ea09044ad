package vuln

import (
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/ecosystem"
	"github.com/plimsoll/plimsoll/internal/read/advisory"
)

// db is advisories by "FEED NAME".
type db map[string][]advisory.Row

func (d db) Package(feed, name string) ([]advisory.Row, advisory.Cover, error) {
	switch {
	case feed == "none":
		return nil, advisory.NoFeed, nil
	case feed == "part":
		return d[feed+" "+name], advisory.Partial, nil
	}
	return d[feed+" "+name], advisory.Whole, nil
}

func (d db) Vulnerability(id string) (advisory.Vulnerability, bool, error) {
	if id == "GHSA-1" || id == "GO-1" || id == "MAL-1" {
		return advisory.Vulnerability{ID: "CVE-1", Aliases: []string{"GHSA-1", "GO-1", "MAL-1"}, Ratings: []finding.Rating{
			{Source: "nvd", Severity: finding.Critical}, {Source: "ghsa", Severity: finding.Medium},
		}}, true, nil
	}
	return advisory.Vulnerability{}, false, nil
}

// kind compares whole numbers.
func kind(feed string) *ecosystem.Ecosystem {
	return &ecosystem.Ecosystem{
		Name:         "number",
		Advisories:   func(ecosystem.Package, ecosystem.Release) (string, bool) { return feed, feed != "" },
		ThirdParty:   func(p ecosystem.Package, _ ecosystem.Release) bool { return p.Vendor == "stranger" },
		OtherRelease: func(p ecosystem.Package, _ ecosystem.Release) bool { return p.Vendor == "backports" },
		Compare: func(a, b string) (int, error) {
			x, err := strconv.Atoi(a)
			if err != nil {
				return 0, err
			}
			y, err := strconv.Atoi(b)
			return x - y, err
		},
	}
}

func TestJudge(t *testing.T) {
	type row = advisory.Row
	upTo := func(id, fixed string) row { return row{ID: id, Ranges: []advisory.Range{{Fixed: fixed}}} }
	branches := row{ID: "X", Ranges: []advisory.Range{{Introduced: "10", Fixed: "15"}, {Introduced: "20", LastAffected: "25"}}}
	for name, c := range map[string]struct {
		feed string
		pkg  ecosystem.Package
		rows []row
		want string // "ID status fixed severity", or the class of the gap
	}{
		"hit":                   {"f", ecosystem.Package{Version: "3"}, []row{upTo("X", "4")}, "X fixed 4 unknown"},
		"fixed itself is safe":  {"f", ecosystem.Package{Version: "4"}, []row{upTo("X", "4")}, ""},
		"aliases fold":          {"f", ecosystem.Package{Version: "3"}, []row{upTo("GHSA-1", "4"), upTo("GO-1", "5")}, "CVE-1 fixed 5 medium"},
		"first branch":          {"f", ecosystem.Package{Version: "14"}, []row{branches}, "X fixed 15 unknown"},
		"between branches":      {"f", ecosystem.Package{Version: "17"}, []row{branches}, ""},
		"last affected":         {"f", ecosystem.Package{Version: "25"}, []row{branches}, "X affected  unknown"},
		"after last affected":   {"f", ecosystem.Package{Version: "26"}, []row{branches}, ""},
		"exact version":         {"f", ecosystem.Package{Version: "7"}, []row{{ID: "X", Versions: []string{"7"}}}, "X affected  unknown"},
		"spelled otherwise":     {"f", ecosystem.Package{Version: "7"}, []row{{ID: "X", Versions: []string{"007"}}}, "X affected  unknown"},
		"listed, odd range":     {"f", ecosystem.Package{Version: "7"}, []row{{ID: "X", Versions: []string{"7"}, Ranges: []advisory.Range{{Fixed: "odd"}}}}, "X affected  unknown"},
		"second range hits":     {"f", ecosystem.Package{Version: "7"}, []row{{ID: "X", Ranges: []advisory.Range{{Fixed: "odd"}, {Introduced: "5", Fixed: "9"}}}}, "X fixed 9 unknown"},
		"odd range alone":       {"f", ecosystem.Package{Version: "7"}, []row{{ID: "X", Ranges: []advisory.Range{{Fixed: "odd"}, {Introduced: "8", Fixed: "9"}}}}, "unknown-version"},
		"unimportant, fixed":    {"f", ecosystem.Package{Version: "3"}, []row{{ID: "X", Status: finding.StatusUnimportant, Ranges: []advisory.Range{{Fixed: "4"}}}}, "X unimportant 4 unknown"},
		"malware, GHSA differs": {"f", ecosystem.Package{Version: "7"}, []row{{ID: "GHSA-1", Versions: []string{"6"}}, {ID: "MAL-1", Versions: []string{"7"}}}, "CVE-1 affected  medium"},
		"never affected":        {"f", ecosystem.Package{Version: "3"}, []row{upTo("X", "4"), {ID: "X", Unaffected: true}}, ""},
		"will not fix":          {"f", ecosystem.Package{Version: "3"}, []row{{ID: "X", Status: finding.StatusWillNotFix, Ranges: []advisory.Range{{}}}}, "X will-not-fix  unknown"},
		"distribution rates":    {"f", ecosystem.Package{Version: "3"}, []row{{ID: "GHSA-1", Feed: "debian", Severity: finding.Low, Ranges: []advisory.Range{{Fixed: "4"}}}}, "CVE-1 fixed 4 low"},
		"other module stream":   {"f", ecosystem.Package{Version: "3", Module: "m:1"}, []row{{ID: "X", Module: "m:2", Ranges: []advisory.Range{{}}}}, ""},
		"same module stream":    {"f", ecosystem.Package{Version: "3", Module: "m:1"}, []row{{ID: "X", Module: "m:1", Ranges: []advisory.Range{{}}}}, "X affected  unknown"},
		"modular row, no label": {"f", ecosystem.Package{Version: "3"}, []row{{ID: "X", Module: "m:1", Ranges: []advisory.Range{{}}}}, ""},
		"other architecture":    {"f", ecosystem.Package{Version: "3", Arch: "arm64"}, []row{{ID: "X", Arch: []string{"x86_64"}, Ranges: []advisory.Range{{}}}}, ""},
		"whole feed is silent":  {"f", ecosystem.Package{Version: "3"}, nil, ""},
		"partial feed is not":   {"part", ecosystem.Package{Version: "3"}, nil, "feed-partial"},
		"partial feed that has": {"part", ecosystem.Package{Version: "9"}, []row{upTo("X", "4")}, ""},
		"no feed":               {"none", ecosystem.Package{Version: "3"}, nil, "no-feed"},
		"no such ecosystem":     {"", ecosystem.Package{Version: "3"}, nil, "no-feed"},
		"no version":            {"f", ecosystem.Package{}, []row{upTo("X", "4")}, "unknown-version"},
		"main without version":  {"f", ecosystem.Package{Main: true}, []row{upTo("X", "4")}, "unknown-version"},
		"own code":              {"part", ecosystem.Package{Main: true, Version: "1"}, nil, "own-code"},
		"third party":           {"f", ecosystem.Package{Version: "3", Vendor: "stranger"}, []row{upTo("X", "4")}, "third-party"},
		"other release, hit":    {"f", ecosystem.Package{Version: "3", Vendor: "backports"}, []row{upTo("X", "4")}, "X fixed 4 unknownother-release"},
		"other release":         {"f", ecosystem.Package{Version: "5", Vendor: "backports"}, []row{upTo("X", "4")}, "other-release"},
		"version of nonsense":   {"f", ecosystem.Package{Version: "x"}, []row{upTo("X", "4")}, "unknown-version"},
	} {
		t.Run(name, func(t *testing.T) {
			c.pkg.Name = "p"
			matches, gaps, err := Judge([]Subject{{&c.pkg, kind(c.feed)}}, ecosystem.Release{}, db{c.feed + " p": c.rows})
			if err != nil {
				t.Fatal(err)
			}
			got := ""
			for _, m := range matches {
				got += m.Vulnerability.ID + " " + string(m.Status) + " " + m.Fixed + " " + string(m.Severity)
			}
			for _, g := range gaps {
				got += g.Class
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestUpgrade wants a version that is free of everything, not the latest of the fixes: that may lie in
// the range of another vulnerability.
func TestUpgrade(t *testing.T) {
	rows := []advisory.Row{
		{ID: "A", Ranges: []advisory.Range{{Fixed: "31"}, {Introduced: "100", Fixed: "115"}}},
		{ID: "B", Ranges: []advisory.Range{{Introduced: "8", Fixed: "106"}}},
		{ID: "C", Ranges: []advisory.Range{{Introduced: "114", Fixed: "116"}}},
		{ID: "D", Ranges: []advisory.Range{{Introduced: "110"}}},
		{ID: "E", Versions: []string{"0115"}}, // equal by order, and written otherwise
	}
	for _, c := range []struct{ version, rows, want string }{
		{"21", "AB", "115"},
		{"21", "ABC", "116"},
		{"21", "A", "31"},
		{"21", "ABCE", "116"},
		{"21", "ABE", "31"}, // 115 is in E: each leaves one
		{"21", "ABD", "31"}, // nothing is free of all; the first of those that leave one
	} {
		var use []advisory.Row
		for _, r := range rows {
			if strings.Contains(c.rows, r.ID) {
				use = append(use, r)
			}
		}
		matches, _, err := Judge([]Subject{{&ecosystem.Package{Name: "p", Version: c.version}, kind("f")}}, ecosystem.Release{}, db{"f p": use})
		if err != nil || len(matches) == 0 || matches[0].Upgrade != c.want {
			t.Errorf("%s with %s: %+v, %v, want %s", c.version, c.rows, matches, err, c.want)
		}
	}
}
