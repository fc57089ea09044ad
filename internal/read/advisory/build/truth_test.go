package build_test

import (
	"cmp"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/plimsoll/plimsoll/internal/ecosystem"
	"github.com/plimsoll/plimsoll/internal/ecosystem/all"
	"github.com/plimsoll/plimsoll/internal/read/advisory"
	"github.com/plimsoll/plimsoll/internal/read/advisory/build"
	"github.com/plimsoll/plimsoll/internal/read/advisory/snapshot"
)

// feeds is the mirror of the feeds, which is not part of the repository: the folder that PLIMSOLL_FEEDS
// names, as go generate does, or the one that lies beside the developers' checkouts.
var feeds = cmp.Or(os.Getenv("PLIMSOLL_FEEDS"), filepath.Join("..", "..", "..", "..", "..", "shared", "feeds"))

// built builds the mirror once for all tests, as the snapshot was built.
var built = sync.OnceValues(func() (*build.Result, error) {
	db, err := snapshot.Open()
	if err != nil {
		return nil, err
	}
	defer db.Close()
	raw, err := os.ReadFile(filepath.Join("..", "snapshot", "sources.json"))
	if err != nil {
		return nil, err
	}
	var declared map[string]build.Declaration
	if err := json.Unmarshal(raw, &declared); err != nil {
		return nil, err
	}
	return build.Run(context.Background(), build.Options{From: feeds, Declared: declared, Built: db.Manifest().Built})
})

func haveFeeds() bool {
	_, err := os.Stat(feeds)
	return err == nil
}

// database is built from the mirror where there is one, and the snapshot that was made from it elsewhere.
func database(t testing.TB) *advisory.DB {
	t.Helper()
	if !haveFeeds() {
		db, err := snapshot.Open()
		if err != nil {
			t.Fatal(err)
		}
		return db
	}
	result, err := built()
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

// TestSnapshotIsCurrent builds the snapshot again: the committed one is what the program makes of the
// feeds today, byte for byte.
func TestSnapshotIsCurrent(t *testing.T) {
	if !haveFeeds() {
		t.Skip("the mirror of feeds is not part of the repository; only who has it can make the snapshot, and so let it go stale")
	}
	result, err := built()
	if err != nil {
		t.Fatal(err)
	}
	db, err := snapshot.Open()
	if err != nil {
		t.Fatal(err)
	}
	if diff := gocmp.Diff(db.Manifest(), result.Manifest); diff != "" {
		t.Errorf("run go generate ./internal/read/advisory/snapshot:\n%s", diff)
	}
	for name, want := range result.Files {
		got, err := os.ReadFile(filepath.Join("..", "snapshot", "data", name))
		if err != nil || string(got) != string(want) {
			t.Errorf("shard %s is not the committed one: %v", name, err)
		}
	}
}

// TestExamples holds a table of facts, published beside the feeds, against the database: the vulnerable
// version lies in what the advisory affects, the fixed one does not.
func TestExamples(t *testing.T) {
	db := database(t)
	raw, err := os.ReadFile(filepath.Join("testdata", "examples.txt"))
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for line := range strings.Lines(string(raw)) {
		col := strings.Split(strings.TrimSpace(line), "|")
		feed, name, vulnerable, id, fixed := col[0], col[1], col[2], col[3], col[4]
		n++
		t.Run(line, func(t *testing.T) {
			key, kind := keyOf(feed, vulnerable)
			rows, cover, err := db.Package(key, nameOf(kind, name))
			if err != nil || cover == advisory.NoFeed {
				t.Fatalf("%s: cover %d, %v", key, cover, err)
			}
			if own := func(r advisory.Row) bool { return r.ID == id }; slices.ContainsFunc(rows, own) {
				rows = slices.DeleteFunc(rows, func(r advisory.Row) bool { return !own(r) }) // others may disagree
			} else {
				rows = slices.DeleteFunc(rows, func(r advisory.Row) bool { return !means(t, db, r.ID, id) })
			}
			if !hit(t, rows, vulnerable, kind.Compare) {
				t.Errorf("%s has no %s", vulnerable, id)
			}
			if fixed != "none" && hit(t, rows, fixed, kind.Compare) {
				t.Errorf("%s still has %s: %+v", fixed, id, rows)
			}
		})
	}
	if n != 76 {
		t.Errorf("%d examples, want 76", n)
	}
}

// means says whether two ids stand for the same vulnerability.
func means(t *testing.T, db *advisory.DB, a, b string) bool {
	v, ok, err := db.Vulnerability(a)
	if err != nil || !ok {
		t.Errorf("%s: %v, %v", a, ok, err)
	}
	return a == b || v.ID == b || slices.Contains(v.Aliases, b)
}

func hit(t *testing.T, rows []advisory.Row, version string, compare func(a, b string) (int, error)) bool {
	t.Helper()
	for _, r := range rows {
		if slices.Contains(r.Versions, version) {
			return true
		}
		for _, g := range r.Ranges {
			if in, err := g.Holds(version, compare); err != nil {
				t.Errorf("%s: %v", r.ID, err)
			} else if in {
				return true
			}
		}
	}
	return false
}

// keyOf is the shard of a feed as the table writes it, and the kind of its packages.
func keyOf(feed, version string) (string, ecosystem.Ecosystem) {
	key, kind := feed, map[string]string{
		"Go": "golang", "npm": "npm", "Maven": "maven", "NuGet": "nuget", "PyPI": "pypi", "crates.io": "cargo", "RubyGems": "gem",
		"Packagist": "composer", "Bitnami": "bitnami", "Kubernetes": "bitnami",
	}[feed]
	first, rest, _ := strings.Cut(feed, " ")
	switch {
	case first == "debian":
		key, kind = "Debian:"+map[string]string{"bookworm": "12", "bullseye": "11", "buster": "10"}[rest], "deb"
	case strings.HasPrefix(feed, "alpine/"):
		key, kind = "Alpine:"+strings.Split(feed, "/")[1], "apk"
	case strings.HasPrefix(feed, "wolfi"):
		key, kind = "Wolfi", "apk"
	case feed == "AlmaLinux":
		key, kind = "AlmaLinux:"+version[strings.LastIndex(version, "el")+2:][:1], "rpm"
	}
	kinds := all.Ecosystems()
	return key, kinds[slices.IndexFunc(kinds, func(k ecosystem.Ecosystem) bool { return k.Name == kind })]
}

func nameOf(kind ecosystem.Ecosystem, name string) string {
	if kind.Key == nil || kind.OS {
		return name
	}
	return kind.Key(ecosystem.Package{Name: name})
}
