package base

import (
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

func TestIndex(t *testing.T) {
	x := Index{Dir: filepath.Join(t.TempDir(), "bases")}
	if entries, err := x.List(); err != nil || len(entries) != 0 {
		t.Fatalf("an index that is not there: %v, %v", entries, err)
	}
	day := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	old := Entry{Name: "debian:12.1", Digest: "sha256:1", Platform: "linux/amd64", Created: day, DiffIDs: []string{"a"}}
	newer := Entry{Name: "docker.io/library/debian:12.2", Digest: "sha256:2", Platform: "linux/amd64", Created: day.AddDate(0, 1, 0), DiffIDs: []string{"b"}}
	node := Entry{Name: "node:20", Digest: "sha256:3", Platform: "linux/amd64", Created: day, DiffIDs: []string{"a", "n"}}
	for _, e := range []Entry{old, newer, node, old} {
		if err := x.Add(e); err != nil {
			t.Fatal(err)
		}
	}
	os.WriteFile(filepath.Join(x.Dir, "broken.json"), []byte(`{"schema": "plimsoll/base/v1", "nmae": 1}`), 0o600)
	entries, err := x.List()
	if len(entries) != 3 || err == nil {
		t.Fatalf("%d entries, %v: want 3, and an error about the broken one", len(entries), err)
	}
	for _, c := range []struct {
		diffIDs []string
		want    string
	}{
		{[]string{"a", "app"}, "debian:12.1"},
		{[]string{"a", "n", "app"}, "node:20"},
		{[]string{"a", "n"}, "debian:12.1"},
		{[]string{"a"}, ""},
		{[]string{"x", "a"}, ""},
	} {
		if e, _ := Under(entries, c.diffIDs); e.Name != c.want {
			t.Errorf("under %v is %q, want %q", c.diffIDs, e.Name, c.want)
		}
	}
	if got := Newer(entries, old); len(got) != 1 || got[0].Digest != "sha256:2" {
		t.Errorf("newer than %s: %v", old.Name, got)
	}
	for word, want := range map[string]int{"debian:12.1": 1, "docker.io/library/debian:12.1": 1, "sha256:3": 1, "debian": 0, "debian:12.2": 1} {
		if got := Find(entries, word); len(got) != want {
			t.Errorf("find %s: %d, want %d", word, len(got), want)
		}
	}
	// Whoever shares an index may name its files otherwise.
	if err := os.Rename(filepath.Join(x.Dir, node.file()), filepath.Join(x.Dir, "node.json")); err != nil {
		t.Fatal(err)
	}
	if n, _ := x.Remove("node:20"); n != 1 {
		t.Errorf("removed %d", n)
	}
	if entries, _ := x.List(); len(entries) != 2 {
		t.Errorf("%d entries are left, want 2", len(entries))
	}
}

// TestNewer wants no step back: an older release that was built anew is no newer base.
func TestNewer(t *testing.T) {
	day := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	entry := func(name string, age int) Entry {
		return Entry{Name: name, Platform: "linux/amd64", Created: day.AddDate(0, 0, age), DiffIDs: []string{name}}
	}
	entries := []Entry{
		entry("debian:11", 9), entry("debian:12", 0), entry("debian:12", 5), entry("debian:13", 3), entry("debian:13", 0),
		entry("debian:12.1", -1), entry("debian:stable", 4), entry("node:22", 9),
	}
	var got []string
	for _, e := range Newer(entries, entries[1]) {
		got = append(got, fmt.Sprintf("%s +%d", e.Name, int(e.Created.Sub(day).Hours()/24)))
	}
	if want := "[debian:12 +5 debian:stable +4 debian:13 +3 debian:13 +0]"; fmt.Sprint(got) != want {
		t.Errorf("newer than debian:12 are %v, want %s", got, want)
	}
}

func TestManyAddAtOnce(t *testing.T) {
	x := Index{Dir: t.TempDir()}
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for n := range 20 {
				if err := x.Add(Entry{Name: fmt.Sprintf("i%d:%d", i, n%5), DiffIDs: []string{"a"}}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if entries, err := x.List(); err != nil || len(entries) != 40 {
		t.Errorf("%d entries, %v", len(entries), err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"schema":"plimsoll/base/v1","name":"a","digest":"","platform":"","diffIDs":["x"],"packages":[]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		var e Entry
		if Parse(b, &e) == nil {
			Under([]Entry{e}, append(e.DiffIDs, "app"))
		}
	})
}
