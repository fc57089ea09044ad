package osv

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/ecosystem"
	"github.com/plimsoll/plimsoll/internal/read/advisory"
	"github.com/plimsoll/plimsoll/internal/read/advisory/feed"
	"github.com/plimsoll/plimsoll/internal/read/advisory/feed/feedtest"
)

func read(t testing.TB, of string, documents ...string) ([]feed.Record, feed.Info, error) {
	t.Helper()
	var all []feed.Record
	b := feedtest.Zip(t, documents...)
	info, err := Read(context.Background(), bytes.NewReader(b), int64(len(b)), Options{Ecosystem: of, Name: "osv/" + of, Compare: ecosystem.CompareNumbered},
		func(r feed.Record) error { all = append(all, r); return nil })
	return all, info, err
}

// TestRanges follows the schema's evaluation: events make ranges, and listed versions count beside them.
func TestRanges(t *testing.T) {
	type ranges = []advisory.Range
	for name, c := range map[string]struct {
		affected string
		want     ranges
		versions []string
	}{
		"from the beginning": {`"ranges":[{"type":"SEMVER","events":[{"introduced":"0"},{"fixed":"1.2"}]}]`, ranges{{Fixed: "1.2"}}, nil},
		"branches": {
			`"ranges":[{"type":"SEMVER","events":[{"introduced":"1.0"},{"fixed":"1.2"},{"introduced":"2.0"},{"fixed":"2.3"}]}]`,
			ranges{{Introduced: "1.0", Fixed: "1.2"}, {Introduced: "2.0", Fixed: "2.3"}},
			nil,
		},
		"several ranges": {
			`"ranges":[{"type":"SEMVER","events":[{"introduced":"1.0"},{"fixed":"1.2"}]},{"type":"ECOSYSTEM","events":[{"introduced":"2.0"},{"last_affected":"2.3"}]}]`,
			ranges{{Introduced: "1.0", Fixed: "1.2"}, {Introduced: "2.0", LastAffected: "2.3"}},
			nil,
		},
		"no end":              {`"ranges":[{"type":"SEMVER","events":[{"introduced":"0"}]}]`, ranges{{}}, nil},
		"limit":               {`"ranges":[{"type":"SEMVER","events":[{"introduced":"1.0"},{"limit":"2.0"}]}]`, ranges{{Introduced: "1.0", Limit: "2.0"}}, nil},
		"limit of everything": {`"ranges":[{"type":"SEMVER","events":[{"introduced":"1.0"},{"limit":"*"}]}]`, ranges{{Introduced: "1.0"}}, nil},
		"two beginnings, one end": {
			`"ranges":[{"type":"SEMVER","events":[{"introduced":"1.0"},{"introduced":"2.0"},{"fixed":"2.3"}]}]`,
			ranges{{Introduced: "1.0", Fixed: "2.3"}},
			nil,
		},
		"one beginning, two ends": {`"ranges":[{"type":"SEMVER","events":[{"introduced":"1.0"},{"fixed":"1.2"},{"fixed":"1.4"}]}]`, ranges{{Introduced: "1.0", Fixed: "1.2"}}, nil},
		"the end first":           {`"ranges":[{"type":"SEMVER","events":[{"fixed":"1.2"},{"introduced":"1.0"}]}]`, ranges{{Introduced: "1.0", Fixed: "1.2"}}, nil},
		"beginnings, then ends": {
			`"ranges":[{"type":"SEMVER","events":[{"introduced":"2.0"},{"introduced":"0"},{"fixed":"2.3"},{"fixed":"1.2"}]}]`,
			ranges{{Fixed: "1.2"}, {Introduced: "2.0", Fixed: "2.3"}},
			nil,
		},
		"an end before its beginning": {
			`"ranges":[{"type":"SEMVER","events":[{"introduced":"0"},{"fixed":"1.7"},{"introduced":"1.9"},{"fixed":"1.8"}]}]`,
			ranges{{Fixed: "1.7"}, {Introduced: "1.9"}},
			nil,
		},
		"pairs in any order": {
			`"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"3.2"},{"fixed":"3.3"},{"introduced":"3.1"},{"fixed":"3.2"}]}]`,
			ranges{{Introduced: "3.2", Fixed: "3.3"}, {Introduced: "3.1", Fixed: "3.2"}},
			nil,
		},
		"limit behind a fix":    {`"ranges":[{"type":"SEMVER","events":[{"introduced":"0"},{"fixed":"1.5"},{"limit":"2.0"}]}]`, ranges{{Fixed: "1.5"}}, nil},
		"limit before a fix":    {`"ranges":[{"type":"SEMVER","events":[{"introduced":"0"},{"limit":"1.2"},{"fixed":"1.5"}]}]`, ranges{{Fixed: "1.5", Limit: "1.2"}}, nil},
		"the highest of limits": {`"ranges":[{"type":"SEMVER","events":[{"introduced":"0"},{"limit":"3.0"},{"limit":"2.0"}]}]`, ranges{{Limit: "3.0"}}, nil},
		"both in one event":     {`"ranges":[{"type":"SEMVER","events":[{"introduced":"1.0","fixed":"1.2"}]}]`, ranges{{Introduced: "1.0", Fixed: "1.2"}}, nil},
		"end alone":             {`"ranges":[{"type":"SEMVER","events":[{"fixed":"1.2"}]}]`, ranges{{Fixed: "1.2"}}, nil},
		"first form":            {`"ranges":[{"type":"ECOSYSTEM","events":[{"type":"INTRODUCED","value":"0"},{"type":"FIXED","value":"6.5.4"}]}]`, ranges{{Fixed: "6.5.4"}}, nil},
		"commits do not count": {
			`"ranges":[{"type":"GIT","repo":"x","events":[{"introduced":"0"},{"fixed":"abc"}]},{"type":"SEMVER","events":[{"introduced":"0"},{"fixed":"1.2"}]}]`,
			ranges{{Fixed: "1.2"}},
			nil,
		},
		"versions alone":               {`"versions":["1.0","1.1"]`, nil, []string{"1.0", "1.1"}},
		"versions that a range holds":  {`"versions":["1.0","1.1","1.3","odd"],"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"},{"fixed":"1.2"}]}]`, ranges{{Fixed: "1.2"}}, []string{"1.3", "odd"}},
		"known up to a version":        {`"database_specific":{"last_known_affected_version_range":"<= 3.9.19"},"ranges":[{"type":"SEMVER","events":[{"introduced":"0"}]}]`, ranges{{LastAffected: "3.9.19"}}, nil},
		"known below a version":        {`"database_specific":{"last_known_affected_version_range":"< 2.0"},"ranges":[{"type":"SEMVER","events":[{"introduced":"0"}]}]`, ranges{{Limit: "2.0"}}, nil},
		"a fix goes before last known": {`"database_specific":{"last_known_affected_version_range":"<= 1.1"},"ranges":[{"type":"SEMVER","events":[{"introduced":"0"},{"fixed":"1.2"}]}]`, ranges{{Fixed: "1.2"}}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			records, _, err := read(t, "npm", `{"id":"GHSA-1","affected":[{"package":{"ecosystem":"npm","name":"p"},`+c.affected+`}]}`)
			if err != nil || len(records) != 1 || len(records[0].Affected) != 1 {
				t.Fatalf("%+v, %v", records, err)
			}
			row := records[0].Affected[0].Row
			if diff := cmp.Diff(c.want, row.Ranges); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(c.versions, row.Versions); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestRatings reads vectors of every version with their scores (of the CVSS calculators), and words.
func TestRatings(t *testing.T) {
	type ratings = []finding.Rating
	for name, c := range map[string]struct {
		document string
		want     ratings
	}{
		"v3.1": {
			`"severity":[{"type":"CVSS_V3","score":"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:C/C:H/I:H/A:H"}]`,
			ratings{{Source: "ghsa", Severity: finding.Critical, Vector: "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:C/C:H/I:H/A:H", Score: 10}},
		},
		"v3.0": {
			`"severity":[{"type":"CVSS_V3","score":"CVSS:3.0/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H"}]`,
			ratings{{Source: "ghsa", Severity: finding.High, Vector: "CVSS:3.0/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H", Score: 7.5}},
		},
		"v4.0": {
			`"severity":[{"type":"CVSS_V4","score":"CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N"}]`,
			ratings{{Source: "ghsa", Severity: finding.Critical, Vector: "CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N", Score: 9.3}},
		},
		"v2": {
			`"severity":[{"type":"CVSS_V2","score":"AV:N/AC:L/Au:N/C:P/I:P/A:P"}]`,
			ratings{{Source: "ghsa", Severity: finding.High, Vector: "AV:N/AC:L/Au:N/C:P/I:P/A:P", Score: 7.5}},
		},
		"the database's word prevails": {
			`"severity":[{"type":"CVSS_V3","score":"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H"}],"database_specific":{"severity":"MODERATE"}`,
			ratings{{Source: "ghsa", Severity: finding.Medium, Vector: "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H", Score: 7.5}},
		},
		"a word alone":      {`"database_specific":{"severity":"LOW"}`, ratings{{Source: "ghsa", Severity: finding.Low}}},
		"a number alone":    {`"database_specific":{"cvss_score":9.8}`, ratings{{Source: "ghsa", Severity: finding.Critical, Score: 9.8}}},
		"Ubuntu's priority": {`"severity":[{"type":"Ubuntu","score":"negligible"}]`, ratings{{Source: "ubuntu", Severity: finding.Info}}},
		"informs only":      {`"database_specific":{"informational":"unmaintained"}`, ratings{{Source: "ghsa", Severity: finding.Info}}},
		"no vector at all":  {`"severity":[{"type":"CVSS_V3","score":"CVSS:3.1/AV:X"}]`, nil},
	} {
		records, _, err := read(t, "npm", `{"id":"GHSA-1",`+c.document+`,"affected":[{"package":{"ecosystem":"npm","name":"p"},"versions":["1"]}]}`)
		if err != nil || len(records) != 1 {
			t.Fatalf("%s: %+v, %v", name, records, err)
		}
		if diff := cmp.Diff(c.want, records[0].Ratings); diff != "" {
			t.Errorf("%s:\n%s", name, diff)
		}
	}
}

// TestRecords reads whole documents.
func TestRecords(t *testing.T) {
	one := func(name, version string) string {
		return `{"package":{"ecosystem":"` + name + `","name":"p"},"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"},{"fixed":"` + version + `"}]}]}`
	}
	row := func(id, feed, version string) advisory.Row {
		return advisory.Row{ID: id, Feed: feed, Ranges: []advisory.Range{{Fixed: version}}}
	}
	type affected = []feed.Affected
	for name, c := range map[string]struct {
		of, document string
		want         affected
	}{
		"withdrawn":            {"npm", `{"id":"GHSA-1","withdrawn":"2026-01-01T00:00:00Z","affected":[` + one("npm", "1") + `]}`, nil},
		"of another ecosystem": {"npm", `{"id":"GHSA-1","affected":[` + one("Maven", "1") + `]}`, nil},
		"its own part":         {"npm", `{"id":"GHSA-1","affected":[` + one("Maven", "1") + `,` + one("npm", "2") + `]}`, affected{{Ecosystem: "npm", Package: "p", Row: row("GHSA-1", "osv/npm", "2")}}},
		"spelled otherwise":    {"Kubernetes", `{"id":"CVE-1","affected":[` + one("kubernetes", "2") + `]}`, affected{{Ecosystem: "Kubernetes", Package: "p", Row: row("CVE-1", "osv/Kubernetes", "2")}}},
		"release":              {"AlmaLinux", `{"id":"CVE-1","affected":[` + one("AlmaLinux:9", "2") + `]}`, affected{{Ecosystem: "AlmaLinux:9", Package: "p", Row: row("CVE-1", "osv/AlmaLinux", "2")}}},
		"long-term release": {
			"Ubuntu", `{"id":"UBUNTU-CVE-2026-1","affected":[` + one("Ubuntu:22.04:LTS", "2") + `,` + one("Ubuntu:Pro:22.04:LTS", "1") + `]}`,
			affected{{Ecosystem: "Ubuntu:22.04", Package: "p", Row: row("UBUNTU-CVE-2026-1", "osv/Ubuntu", "2")}, {Ecosystem: "Ubuntu:Pro:22.04", Package: "p", Row: row("UBUNTU-CVE-2026-1", "osv/Ubuntu", "1")}},
		},
		"commits alone":         {"npm", `{"id":"GHSA-1","affected":[{"package":{"ecosystem":"npm","name":"p"},"ranges":[{"type":"GIT","events":[{"introduced":"0"}]}]}]}`, nil},
		"update without a CVE":  {"AlmaLinux", `{"id":"ALBA-2026:1","affected":[` + one("AlmaLinux:9", "2") + `]}`, nil},
		"no package":            {"npm", `{"id":"GHSA-1","affected":[{"ranges":[{"type":"GIT","repo":"x","events":[{"introduced":"0"}]}]}]}`, nil},
		"a stream that is told": {"AlmaLinux", `{"id":"ALSA-2026:1","summary":"Important: nodejs:18 security update","related":["CVE-1"],"affected":[` + one("AlmaLinux:8", "18.9-1.module_el8.7.0+1") + `]}`, affected{{Ecosystem: "AlmaLinux:8", Package: "p", Row: advisory.Row{ID: "ALSA-2026:1", Feed: "osv/AlmaLinux", Severity: finding.High, Module: "nodejs:18", Ranges: []advisory.Range{{Fixed: "18.9-1.module_el8.7.0+1"}}}}}},
		"none that is told":     {"AlmaLinux", `{"id":"ALSA-2026:1","summary":"Moderate: varnish security update","related":["CVE-1"],"affected":[` + one("AlmaLinux:8", "6.0-1.module_el8.7.0+1") + `]}`, affected{{Ecosystem: "AlmaLinux:8", Package: "p", Row: advisory.Row{ID: "ALSA-2026:1", Feed: "osv/AlmaLinux", Severity: finding.Medium, Module: advisory.AnyModule, Ranges: []advisory.Range{{Fixed: "6.0-1.module_el8.7.0+1"}}}}}},
		"rebuilds": {
			"AlmaLinux", `{"id":"ALSA-2026:1","related":["CVE-1"],"affected":[` + one("AlmaLinux:8", "1.2-3") + `,` + one("AlmaLinux:8", "1.2-1") + `,` + one("AlmaLinux:8", "1.2-2") + `]}`,
			affected{{Ecosystem: "AlmaLinux:8", Package: "p", Row: row("ALSA-2026:1", "osv/AlmaLinux", "1.2-1")}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			records, info, err := read(t, c.of, c.document)
			if err != nil || info.Records != 1 {
				t.Fatalf("%+v, %v", info, err)
			}
			var got affected
			for _, r := range records {
				got = append(got, r.Affected...)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestTwoStreams keeps the builds of two streams of one module apart as little as the feed does.
func TestTwoStreams(t *testing.T) {
	fix := func(v string) string {
		return `{"package":{"ecosystem":"AlmaLinux:8","name":"ipa"},"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"},{"fixed":"` + v + `.module_el8"}]}]}`
	}
	records, _, err := read(t, "AlmaLinux", `{"id":"ALSA-1:1","summary":"Low: idm:DL1 and idm:client security update","related":["CVE-1","CVE-2"],"affected":[`+fix("4.9")+`,`+fix("4.8")+`]}`)
	if err != nil || len(records) != 1 {
		t.Fatal(records, err)
	}
	got := map[string]int{}
	for _, a := range records[0].Affected {
		got[a.Row.Module]++
	}
	if diff := cmp.Diff(map[string]int{"idm:DL1": 2, "idm:client": 2}, got); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"CVE-1", "CVE-2"}, records[0].Covers); diff != "" || records[0].Aliases != nil {
		t.Error(diff, records[0].Aliases)
	}
}

// TestFacts reads what an advisory says whatever the package.
func TestFacts(t *testing.T) {
	records, info, err := read(t, "npm",
		`{"id":"MAL-1","modified":"2026-03-01T10:00:00Z","published":"2026-02-01T10:00:00Z","aliases":["GHSA-1"],"affected":[{"package":{"ecosystem":"npm","name":"p"},"versions":["1"]}]}`,
		`{"id":"GHSA-2","modified":"2026-01-01T10:00:00Z","affected":[{"package":{"ecosystem":"npm","name":"p"},"versions":["1"]}]}`)
	if err != nil || len(records) != 2 || info.Modified.Format("2006-01-02") != "2026-03-01" {
		t.Fatalf("%+v, %+v, %v", records, info, err)
	}
	if mal := records[0]; !mal.Malware || mal.Published.IsZero() || !cmp.Equal(mal.Aliases, []string{"GHSA-1"}) {
		t.Errorf("%+v", mal)
	}
	if records, _, err = read(t, "Debian", `{"id":"DEBIAN-CVE-2026-0001","upstream":["CVE-2026-0001"],"affected":[{"package":{"ecosystem":"Debian:12","name":"p"},"versions":["1"]}]}`); err != nil || !cmp.Equal(records[0].Aliases, []string{"CVE-2026-0001"}) {
		t.Errorf("%+v, %v", records, err)
	}
}

// TestGoSymbols reads which functions are affected.
func TestGoSymbols(t *testing.T) {
	records, _, err := read(t, "Go", `{"id":"GO-2","aliases":["CVE-1"],"related":["CVE-2"],"database_specific":{"cwe_ids":["CWE-79"]},"affected":[{"package":{"ecosystem":"Go","name":"p"},"versions":["1"],"ecosystem_specific":{"imports":[{"path":"a/b","symbols":["F","T.M"]}]}}]}`)
	if err != nil || len(records) != 1 {
		t.Fatal(records, err)
	}
	if record := records[0]; record.Malware || !cmp.Equal(record.Aliases, []string{"CVE-1"}) || !cmp.Equal(record.CWEs, []string{"CWE-79"}) ||
		!cmp.Equal(record.Affected[0].Row.Symbols, []string{"a/b.F", "a/b.T.M"}) {
		t.Errorf("%+v", record)
	}
}

// TestBroken names the document that is wrong, and never takes a part for the whole.
func TestBroken(t *testing.T) {
	good := `{"id":"GHSA-1","affected":[{"package":{"ecosystem":"npm","name":"p"},"versions":["1"]}]}`
	for _, document := range []string{good[:40], `{"affected":[]}`, `[]`, `{"id":"x"} trailing`, `{"id":"x","affected":{}}`} {
		if _, _, err := read(t, "npm", good, document); err == nil || !strings.Contains(err.Error(), `"1.json"`) {
			t.Errorf("%s: %v", document, err)
		}
	}
	b := feedtest.Zip(t, good, good)
	for cut := 1; cut < len(b); cut += 7 {
		_, err := Read(context.Background(), bytes.NewReader(b[:len(b)-cut]), int64(len(b)-cut), Options{Ecosystem: "npm"}, func(feed.Record) error { return nil })
		if err == nil {
			t.Errorf("an archive without its last %d bytes is read", cut)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte(`{"id":"GHSA-1","severity":[{"type":"CVSS_V3","score":"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:C/C:H/I:H/A:H"}],"affected":[{"package":{"ecosystem":"npm","name":"p"},"ranges":[{"type":"SEMVER","events":[{"introduced":"0"},{"fixed":"1.2"}]}],"versions":["1"]}]}`))
	f.Add([]byte(`{"id":"ALSA-1:1","summary":"Low: idm:DL1 and idm:client","related":["CVE-1"],"affected":[{"package":{"ecosystem":"npm:8","name":"ipa"},"ranges":[{"type":"ECOSYSTEM","events":[{"type":"FIXED","value":"1.module_el8"}]}]}]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		var d document
		if unmarshal(b, &d) != nil {
			return
		}
		r, ok := d.record(Options{Ecosystem: "npm", Compare: ecosystem.CompareNumbered})
		for _, a := range r.Affected {
			if ok && len(a.Row.Ranges) == 0 && len(a.Row.Versions) == 0 {
				t.Errorf("a row that says nothing: %+v", a)
			}
		}
	})
}
