package advisory_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/read/advisory"
	"github.com/plimsoll/plimsoll/internal/read/advisory/advisorytest"
)

// A shard that is gone or has another length is seen without reading; one that was changed, by reading.
func TestCheck(t *testing.T) {
	tests := map[string]struct {
		harm          func(t *testing.T, file string)
		checks, holds bool
	}{
		"whole": {func(*testing.T, string) {}, true, true},
		"gone":  {func(t *testing.T, file string) { check(t, os.Remove(file)) }, false, false},
		"cut":   {func(t *testing.T, file string) { check(t, os.Truncate(file, 20)) }, false, false},
		"folder": {func(t *testing.T, file string) {
			check(t, os.Remove(file))
			check(t, os.Mkdir(file, 0o755))
		}, false, false},
		"changed": {func(t *testing.T, file string) {
			b, err := os.ReadFile(file)
			check(t, err)
			b[len(b)-1] ^= 1
			check(t, os.WriteFile(file, b, 0o644))
		}, true, false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			advisorytest.Write(t, dir, advisorytest.Database{Packages: map[string]map[string][]advisory.Row{"npm": {"a": {{ID: "CVE-1"}}}}})
			db, err := advisory.Open(dir)
			check(t, err)
			defer db.Close()
			test.harm(t, filepath.Join(dir, db.Manifest().Shards[0].File))
			if err := db.Check(); (err == nil) != test.checks {
				t.Errorf("Check: %v", err)
			}
			if err := db.Verify(); (err == nil) != test.holds {
				t.Errorf("Verify: %v", err)
			}
		})
	}
}

// Scores of today do not make advisories of last year new, and one feed that rarely changes does not make
// the others old.
func TestAsOf(t *testing.T) {
	day := func(d int) time.Time { return time.Date(2026, 1, d, 0, 0, 0, 0, time.UTC) }
	source := func(at time.Time, of ...string) advisory.SourceStatus {
		return advisory.SourceStatus{Source: finding.Source{Modified: at}, Ecosystems: of}
	}
	m := advisory.Manifest{Sources: []advisory.SourceStatus{source(day(1), "RubyGems"), source(day(3), "npm"), source(time.Time{}, "Alpine:v3.20"), source(day(9))}}
	if got := m.AsOf(); !got.Equal(day(3)) {
		t.Errorf("as of %v", got)
	}
	if got := (advisory.Manifest{Sources: m.Sources[2:]}).AsOf(); !got.IsZero() {
		t.Errorf("as of %v, though no feed tells", got)
	}
}

// TestMentions finds the rows of an advisory, and the advisories that mend an id beside others.
func TestMentions(t *testing.T) {
	dir := t.TempDir()
	advisorytest.Write(t, dir, advisorytest.Database{
		Packages: map[string]map[string][]advisory.Row{
			"npm":  {"a": {{ID: "GHSA-1"}, {ID: "GHSA-2"}}, "b": {{ID: "GHSA-11"}}},
			"PyPI": {"c": {{ID: "GHSA-1"}}},
		},
		Vulnerabilities: []advisory.Vulnerability{{ID: "CVE-1"}, {ID: "GHSA-1", Aliases: []string{"X-1"}, Covers: []string{"CVE-1", "CVE-2"}}, {ID: "GHSA-2", Covers: []string{"CVE-11"}}},
	})
	db, err := advisory.Open(dir)
	check(t, err)
	defer db.Close()
	covering, err := db.Covering([]string{"CVE-1"})
	check(t, err)
	if len(covering) != 1 || covering[0].ID != "GHSA-1" {
		t.Errorf("covered by %v", covering)
	}
	named, err := db.Mentions([]string{"GHSA-1", "X-1"})
	check(t, err)
	if len(named) != 2 || named[0].Package != "c" || named[1].Package != "a" || len(named[1].Rows) != 2 {
		t.Errorf("mentioned of %v", named)
	}
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
