package build_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/read/advisory"
	"github.com/plimsoll/plimsoll/internal/read/advisory/build"
	"github.com/plimsoll/plimsoll/internal/read/advisory/feed/feedtest"
)

var noon = time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)

// files is a mirror by path; the documents of an archive stand one in a line.
type files map[string]string

func (m files) write(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	for path, text := range m {
		b := []byte(text)
		switch filepath.Ext(path) {
		case ".zip":
			b = feedtest.Zip(t, strings.Split(strings.TrimSpace(text), "\n")...)
		case ".gz":
			var z bytes.Buffer
			w := gzip.NewWriter(&z)
			if _, err := w.Write(b); err != nil {
				t.Fatal(err)
			}
			if err := w.Close(); err != nil {
				t.Fatal(err)
			}
			b = z.Bytes()
		}
		file := filepath.Join(dir, filepath.FromSlash(path))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, b, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func (m files) with(more files) files {
	all := maps.Clone(m)
	maps.Copy(all, more)
	return all
}

func (m files) open(t testing.TB) *advisory.DB {
	t.Helper()
	result, err := build.Run(context.Background(), build.Options{From: m.write(t), Built: noon})
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := result.Write(dir); err != nil {
		t.Fatal(err)
	}
	db, err := advisory.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

// doc is an OSV document on package p of npm.
func doc(id, more string) string {
	return `{"id":"` + id + `","affected":[{"package":{"ecosystem":"npm","name":"p"},"ranges":[{"type":"SEMVER","events":[{"introduced":"0"},{"fixed":"1.2.0"}]}]}]` + more + `}` + "\n"
}

var every = files{
	"osv/npm/all.zip":  doc("GHSA-1", `,"aliases":["CVE-2026-0001"],"modified":"2026-02-01T00:00:00Z"`) + doc("GHSA-2", `,"withdrawn":"2026-01-01T00:00:00Z"`),
	"osv/PyPI/all.zip": `{"id":"PYSEC-1","affected":[{"package":{"ecosystem":"PyPI","name":"Some.Name"},"versions":["1.0"]}]}`,
	"debian/tracker.json": `{"src":{"CVE-2026-0001":{"releases":{"bookworm":{"status":"open","urgency":"low"},"sid":{"status":"resolved","fixed_version":"2-1"}}},
		"CVE-2026-0009":{"releases":{"bookworm":{"status":"open"}}}}}`,
	"alpine/v3.20/main.json":      `{"packages":[{"pkg":{"name":"a","secfixes":{"1-r1":["CVE-2026-0002"],"0":["CVE-2026-0003"]}}}]}`,
	"alpine/v3.20/community.json": `{"packages":[{"pkg":{"name":"b","secfixes":{"1-r1":["CVE-2026-0002"]}}}]}`,
	"alpine/v3.21/main.json":      `{"packages":[{"pkg":{"name":"a","secfixes":{"1-r1":["CVE-2026-0002"]}}}]}`,
	"wolfi/security.json":         `{"packages":[{"pkg":{"name":"w","secfixes":{"1-r1":["CVE-2026-0002"]}}}]}`,
	"cvelist/cves.zip": `{"cveMetadata":{"cveId":"CVE-2026-0001","state":"PUBLISHED"},"containers":{"cna":{"metrics":[{"cvssV3_1":{"vectorString":"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}}]}}}
{"cveMetadata":{"cveId":"CVE-2026-0009","state":"REJECTED"}}
{"cveMetadata":{"cveId":"CVE-1999-0001","state":"PUBLISHED"}}`,
	"kev/known_exploited_vulnerabilities.json": `{"count":1,"vulnerabilities":[{"cveID":"CVE-2026-0001","dateAdded":"2026-03-01"}]}`,
	"epss/epss_scores-current.csv.gz":          "#model_version:x,score_date:2026-10-31T00:00:00Z\ncve,epss,percentile\nCVE-2026-0001,0.5,0.9\nCVE-1999-0001,0.1,0.2\n",
	"sources.json":                             `{"osv/npm":{"complete":false,"note":"a part","asOf":"2026-05-05","licence":"MIT"}}`,
}

// TestRun builds one of each layout and looks into it.
func TestRun(t *testing.T) {
	db := every.open(t)
	day := func(y, m, d int) time.Time { return time.Date(y, time.Month(m), d, 0, 0, 0, 0, time.UTC) }
	v, ok, err := db.Vulnerability("GHSA-1")
	want := advisory.Vulnerability{
		ID: "CVE-2026-0001", Aliases: []string{"GHSA-1"}, Modified: day(2026, 2, 1), KEV: day(2026, 3, 1), EPSS: 0.5, EPSSRank: 0.9,
		Ratings: []finding.Rating{{Source: "cna", Severity: finding.Critical, Vector: "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", Score: 9.8}},
	}
	if diff := cmp.Diff(want, v); diff != "" || !ok || err != nil {
		t.Error(diff, ok, err)
	}
	for _, c := range []struct {
		ecosystem, name string
		ids             string
		cover           advisory.Cover
	}{
		{"npm", "p", "GHSA-1", advisory.Partial},              // GHSA-2 was withdrawn
		{"PyPI", "some-name", "PYSEC-1", advisory.Whole},      // under the name that packages ask by (PEP 503)
		{"Debian:12", "src", "CVE-2026-0001", advisory.Whole}, // CVE-2026-0009 was rejected
		{"Debian:sid", "src", "CVE-2026-0001", advisory.Whole},
		{"Debian:11", "src", "", advisory.NoFeed},
		{"Alpine:v3.20", "a", "CVE-2026-0002 CVE-2026-0003", advisory.Whole},
		{"Alpine:v3.20", "b", "CVE-2026-0002", advisory.Whole},
		{"Alpine:v3.21", "a", "CVE-2026-0002", advisory.Partial}, // the other repository is missing
		{"Alpine:v3.21", "b", "", advisory.Partial},
		{"Wolfi", "w", "CVE-2026-0002", advisory.Whole},
	} {
		rows, cover, err := db.Package(c.ecosystem, c.name)
		var ids []string
		for _, r := range rows {
			ids = append(ids, r.ID)
		}
		if got := strings.Join(ids, " "); got != c.ids || cover != c.cover || err != nil {
			t.Errorf("%s %s: %q with cover %d, %v", c.ecosystem, c.name, got, cover, err)
		}
	}
	for _, id := range []string{"CVE-1999-0001", "GHSA-2", "CVE-2026-0009"} {
		if _, ok, _ := db.Vulnerability(id); ok {
			t.Errorf("%s is known, though nothing speaks of it", id)
		}
	}
	npm := db.Manifest().Sources[slices.IndexFunc(db.Manifest().Sources, func(s advisory.SourceStatus) bool { return s.Name == "osv/npm" })]
	if npm.Complete || npm.Note != "a part" || npm.Licence != "MIT" || !npm.Modified.Equal(day(2026, 5, 5)) || npm.Records != 2 || !slices.Equal(npm.Ecosystems, []string{"npm"}) {
		t.Errorf("%+v", npm)
	}
}

// TestSameBytes builds twice: maps of Go come in another order each time, the database does not.
func TestSameBytes(t *testing.T) {
	dir := every.write(t)
	var before *build.Result
	for range 4 {
		result, err := build.Run(context.Background(), build.Options{From: dir, Built: noon})
		if err != nil {
			t.Fatal(err)
		}
		if before != nil {
			if diff := cmp.Diff(before, result); diff != "" {
				t.Fatal(diff)
			}
		}
		before = result
	}
}

// TestAliases folds ids that mean the same; an advisory for several CVEs is none of them.
func TestAliases(t *testing.T) {
	for name, c := range map[string]struct {
		documents string
		want      map[string]string // id → id to show, aliases, covered ids
	}{
		"three names": {
			doc("GHSA-1", `,"aliases":["CVE-1"]`) + doc("GO-1", `,"aliases":["GHSA-1","CVE-1"]`),
			map[string]string{"GHSA-1": "CVE-1 = GHSA-1 GO-1", "GO-1": "CVE-1 = GHSA-1 GO-1", "CVE-1": "CVE-1 = GHSA-1 GO-1"},
		},
		"no CVE":            {doc("RUSTSEC-1", `,"aliases":["GHSA-1"]`), map[string]string{"RUSTSEC-1": "GHSA-1 = RUSTSEC-1"}},
		"told by the other": {doc("CVE-1", `,"aliases":["GHSA-1"]`) + doc("GHSA-1", ""), map[string]string{"GHSA-1": "CVE-1 = GHSA-1"}},
		"one for two CVEs": {
			doc("GO-1", `,"aliases":["CVE-1","CVE-2","GHSA-1","GHSA-2"]`) + doc("GHSA-1", `,"aliases":["CVE-1"]`) + doc("GHSA-2", `,"aliases":["CVE-2"]`),
			map[string]string{"GO-1": "GO-1 > CVE-1 CVE-2 GHSA-1 GHSA-2", "GHSA-1": "CVE-1 = GHSA-1", "CVE-2": "CVE-2 = GHSA-2"},
		},
		"related is no alias": {doc("GHSA-1", `,"aliases":["CVE-1"],"related":["CVE-2"],"upstream":["CVE-3"]`), map[string]string{"GHSA-1": "CVE-1 = GHSA-1", "CVE-2": ""}},
		"two CVEs are two":    {doc("CVE-1", `,"aliases":["CVE-2"]`) + doc("CVE-2", ""), map[string]string{"CVE-1": "CVE-1", "CVE-2": "CVE-2"}},
		"a chain that would join two CVEs": {
			doc("GHSA-1", `,"aliases":["CVE-1"]`) + doc("GHSA-2", `,"aliases":["CVE-2"]`) + doc("GO-1", `,"aliases":["GHSA-1","GHSA-2"]`),
			map[string]string{"GHSA-1": "CVE-1 = GHSA-1", "GHSA-2": "CVE-2 = GHSA-2", "GO-1": "GO-1 > CVE-1 CVE-2 GHSA-1 GHSA-2"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			db := files{"osv/npm/all.zip": c.documents}.open(t)
			for id, want := range c.want {
				v, _, err := db.Vulnerability(id)
				got := v.ID
				if len(v.Aliases) > 0 {
					got += " = " + strings.Join(v.Aliases, " ")
				}
				if len(v.Covers) > 0 {
					got += " > " + strings.Join(v.Covers, " ")
				}
				if got != want || err != nil {
					t.Errorf("%s is %q, %v, want %q", id, got, err, want)
				}
			}
		})
	}
}

// TestBroken wants an error that names the feed, whichever is cut short: half a feed would say clean
// where it does not know.
func TestBroken(t *testing.T) {
	for path := range every {
		dir := every.write(t)
		file := filepath.Join(dir, filepath.FromSlash(path))
		info, err := os.Stat(file)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Truncate(file, info.Size()-3); err != nil {
			t.Fatal(err)
		}
		_, err = build.Run(context.Background(), build.Options{From: dir, Built: noon})
		if err == nil || !strings.Contains(filepath.ToSlash(err.Error()), path) {
			t.Errorf("%s: %v", path, err)
		}
	}
	if _, err := build.Run(context.Background(), build.Options{From: t.TempDir()}); err == nil || !strings.Contains(err.Error(), "holds no feed") {
		t.Errorf("%v", err)
	}
	cancelled, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := build.Run(cancelled, build.Options{From: every.write(t)}); err == nil {
		t.Error("a build that was cancelled gave a database")
	}
}

// TestDeclaredInVain wants a declaration of what is not there to be an error: misspelt, it would let the
// feed that was meant pass for whole.
func TestDeclaredInVain(t *testing.T) {
	for _, sources := range []string{`{"osv/nmp":{"complete":false}}`, `{"osv/npm":{"compleet":false}}`} {
		dir := every.with(files{"sources.json": sources}).write(t)
		if _, err := build.Run(context.Background(), build.Options{From: dir, Built: noon}); err == nil || !strings.Contains(err.Error(), "sources.json") {
			t.Errorf("%s: %v", sources, err)
		}
	}
}

// TestUndeclared wants a mirror without sources.json to be taken as whole.
func TestUndeclared(t *testing.T) {
	m := every.with(nil)
	delete(m, "sources.json")
	if _, cover, err := m.open(t).Package("npm", "unknown"); cover != advisory.Whole || err != nil {
		t.Errorf("%d, %v", cover, err)
	}
}
