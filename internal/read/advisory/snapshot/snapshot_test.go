package snapshot

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestSources wants every feed of the snapshot, its date and its gaps on the page about data sources,
// and a licence for each.
func TestSources(t *testing.T) {
	page, err := os.ReadFile(filepath.Join("..", "..", "..", "..", "docs", "data-sources.md"))
	if err != nil {
		t.Fatal(err)
	}
	db, err := Open()
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if !db.Describe().Embedded {
		t.Error("the snapshot does not say that it is one")
	}
	lines := map[string]string{}
	for line := range strings.Lines(string(page)) {
		if _, rest, ok := strings.Cut(line, "| `"); ok {
			name, _, _ := strings.Cut(rest, "`")
			lines[name] = line
		}
	}
	for _, s := range db.Manifest().Sources {
		name := s.Name
		if strings.HasPrefix(name, "alpine/") {
			name = "alpine/v3.3" // the first of a row of releases
			if !s.Complete {
				name = "alpine/v3.9"
			}
		}
		line := lines[name]
		switch {
		case line == "":
			t.Errorf("%s is not on the page", s.Name)
		case name != "debian" && !strings.Contains(line, s.Modified.Format("2006-01-02")):
			t.Errorf("%s is of %s, not so the page", s.Name, s.Modified.Format("2006-01-02"))
		case strings.Contains(line, "**no**") == s.Complete:
			t.Errorf("%s: complete is %v, not so the page", s.Name, s.Complete)
		}
		if s.Licence == "" || !s.Complete && s.Note == "" {
			t.Errorf("%s has no licence, or does not say what it lacks", s.Name)
		}
	}
}

// TestSize holds the snapshot to what it may add to the program.
func TestSize(t *testing.T) {
	db, err := Open()
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	total := int64(0)
	for _, s := range db.Manifest().Shards {
		total += s.Size
	}
	if total > 12<<20 {
		t.Errorf("%d bytes, at most 12 MiB are wanted in the program", total)
	}
}
