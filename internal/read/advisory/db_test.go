package advisory_test

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/read/advisory"
	"github.com/plimsoll/plimsoll/internal/read/advisory/advisorytest"
)

var monday = time.Date(2026, 11, 2, 0, 0, 0, 0, time.UTC)

func small(t testing.TB, built time.Time, fixed string) (string, advisorytest.Database) {
	t.Helper()
	d := advisorytest.Database{
		Built:   built,
		Sources: []advisory.SourceStatus{{Source: finding.Source{Name: "osv/npm", Records: 1, Note: "a small part"}, Digest: "sha256:0"}},
		Packages: map[string]map[string][]advisory.Row{
			"npm":       {"p": {{ID: "GHSA-1", Feed: "osv/npm", Ranges: []advisory.Range{{Fixed: fixed}}}}},
			"crates.io": {"c": {{ID: "RUSTSEC-1", Feed: "osv/crates.io", Ranges: []advisory.Range{{Fixed: "1.0.0"}}}}},
		},
		Partial:         []string{"npm"},
		Vulnerabilities: []advisory.Vulnerability{{ID: "CVE-1", Aliases: []string{"GHSA-1"}, KEV: monday}},
	}
	dir := t.TempDir()
	advisorytest.Write(t, dir, d)
	return dir, d
}

func open(t testing.TB, dir string) *advisory.DB {
	t.Helper()
	db, err := advisory.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func TestLookup(t *testing.T) {
	dir, d := small(t, monday, "1.0.0")
	db := open(t, dir)
	for _, c := range []struct {
		ecosystem, name string
		rows            []advisory.Row
		cover           advisory.Cover
	}{
		{"npm", "p", d.Packages["npm"]["p"], advisory.Partial},
		{"npm", "unknown", nil, advisory.Partial},
		{"crates.io", "c", d.Packages["crates.io"]["c"], advisory.Whole},
		{"crates.io", "unknown", nil, advisory.Whole},
		{"Hex", "p", nil, advisory.NoFeed},
	} {
		rows, cover, err := db.Package(c.ecosystem, c.name)
		if diff := cmp.Diff(c.rows, rows); diff != "" || cover != c.cover || err != nil {
			t.Errorf("%s %s: %s, %d, %v", c.ecosystem, c.name, diff, cover, err)
		}
	}
	for _, id := range []string{"CVE-1", "GHSA-1"} {
		v, ok, err := db.Vulnerability(id)
		if diff := cmp.Diff(d.Vulnerabilities[0], v); diff != "" || !ok || err != nil {
			t.Errorf("%s: %s, %v, %v", id, diff, ok, err)
		}
	}
	if _, ok, err := db.Vulnerability("CVE-2"); ok || err != nil {
		t.Errorf("%v, %v", ok, err)
	}
	if said := db.Describe(); said.Built != monday || said.Embedded || len(said.Sources) != 1 || !strings.HasPrefix(said.Digest, "sha256:") {
		t.Errorf("%+v", said)
	}
}

// TestSwap replaces a database while another process has it open: that one goes on with the old, who
// opens it now has the new, and the old shards go when their hour is over.
func TestSwap(t *testing.T) {
	dir, _ := small(t, monday, "1.0.0")
	before := open(t, dir)
	_, d := small(t, monday.Add(24*time.Hour), "2.0.0")
	advisorytest.Write(t, dir, d)
	fixed := func(db *advisory.DB) string {
		rows, _, err := db.Package("npm", "p")
		if err != nil {
			return err.Error()
		}
		return rows[0].Ranges[0].Fixed
	}
	if got := fixed(before); got != "1.0.0" {
		t.Errorf("who had it open sees %s", got)
	}
	if got := fixed(open(t, dir)); got != "2.0.0" {
		t.Errorf("who opens it sees %s", got)
	}
	late, err := advisory.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	for day := 2; day < 4; day++ {
		_, d = small(t, monday.Add(time.Duration(day)*24*time.Hour), strings.Repeat("3", day))
		advisorytest.Write(t, dir, d)
	}
	if got := fixed(late); !strings.Contains(got, "was replaced twice since this process opened it") {
		t.Errorf("who opened it two databases ago sees %s", got)
	}
}

// TestConcurrent asks from many goroutines at once (for the race detector).
func TestConcurrent(t *testing.T) {
	dir, _ := small(t, monday, "1.0.0")
	db := open(t, dir)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 100 {
				if rows, _, err := db.Package("npm", "p"); err != nil || len(rows) != 1 {
					t.Error(rows, err)
				}
				if _, ok, err := db.Vulnerability("GHSA-1"); !ok || err != nil {
					t.Error(ok, err)
				}
			}
		})
	}
	wg.Wait()
}

// TestDamaged names the shard whose file is damaged, cut or gone, and the folder that is no database.
func TestDamaged(t *testing.T) {
	for name, c := range map[string]struct {
		harm func(file string) error
		want string
	}{
		"changed": {func(file string) error { return os.WriteFile(file, make([]byte, 400), 0o644) }, "shard npm: the shard is damaged: fetch or build the database again"},
		"cut":     {func(file string) error { return os.Truncate(file, 90) }, "shard npm: the shard is damaged"},
		"emptied": {func(file string) error { return os.Truncate(file, 0) }, "shard npm: the shard is damaged"},
		"gone":    {os.Remove, "open shard npm: its file is gone"},
	} {
		dir, _ := small(t, monday, "1.0.0")
		db := open(t, dir)
		for _, s := range db.Manifest().Shards {
			if s.Name == "npm" {
				if err := c.harm(filepath.Join(dir, s.File)); err != nil {
					t.Fatal(err)
				}
			}
		}
		if _, _, err := db.Package("npm", "p"); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
		if rows, _, err := db.Package("crates.io", "c"); err != nil || len(rows) != 1 {
			t.Errorf("%s: another shard: %v", name, err)
		}
	}
	if _, err := advisory.Open(t.TempDir()); err == nil || !strings.Contains(err.Error(), "it has no manifest.json") {
		t.Errorf("%v", err)
	}
	if _, err := advisory.Open(filepath.Join(t.TempDir(), "none")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%v", err)
	}
}

// TestManifest refuses what could lead out of the folder or make no sense.
func TestManifest(t *testing.T) {
	good := advisory.ShardInfo{Name: "npm", File: strings.Repeat("ab", 32), Head: 100, Size: 200}
	for name, change := range map[string]func(m *advisory.Manifest){
		"as it should be":  func(*advisory.Manifest) {},
		"another form":     func(m *advisory.Manifest) { m.Schema = "plimsoll/db/v2" },
		"a path":           func(m *advisory.Manifest) { m.Shards[0].File = "../../etc/passwd" },
		"capital letters":  func(m *advisory.Manifest) { m.Shards[0].File = strings.Repeat("AB", 32) },
		"half a digest":    func(m *advisory.Manifest) { m.Shards[0].File = strings.Repeat("ab", 16) },
		"a head beyond":    func(m *advisory.Manifest) { m.Shards[0].Head = 300 },
		"a negative size":  func(m *advisory.Manifest) { m.Shards[0].Size = -1 },
		"no name":          func(m *advisory.Manifest) { m.Shards[0].Name = "" },
		"one name for two": func(m *advisory.Manifest) { m.Shards = append(m.Shards, good) },
	} {
		m := advisory.Manifest{Schema: advisory.ManifestSchema, Shards: []advisory.ShardInfo{good}}
		change(&m)
		b, err := m.Encode()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := advisory.ParseManifest(b); (err == nil) != (name == "as it should be") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzParseManifest(f *testing.F) {
	f.Add([]byte(`{"schema":"plimsoll/db/v1","shards":[{"name":"npm","file":"` + strings.Repeat("ab", 32) + `","head":100,"size":200}]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := advisory.ParseManifest(b)
		for _, s := range m.Shards {
			if err == nil && strings.ContainsAny(s.File, "/.\\") {
				t.Errorf("a shard in file %q", s.File)
			}
		}
		if _, err := json.Marshal(m); err != nil {
			t.Error(err)
		}
	})
}
