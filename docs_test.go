package plimsoll

import (
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var link = regexp.MustCompile(`\]\(([^)\s]+)\)`)

// TestLinks wants every link of the documentation to lead to a file that is there. Addresses of the web
// are not asked.
func TestLinks(t *testing.T) {
	pages := 0
	eachFolder(t, func(dir string, entries []fs.DirEntry) {
		for _, e := range entries {
			if path.Ext(e.Name()) != ".md" {
				continue
			}
			pages++
			b, err := os.ReadFile(path.Join(dir, e.Name()))
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range link.FindAllStringSubmatch(string(b), -1) {
				to, _, _ := strings.Cut(m[1], "#")
				if to == "" || strings.Contains(to, "://") {
					continue
				}
				if _, err := os.Stat(filepath.Join(dir, filepath.FromSlash(to))); err != nil {
					t.Errorf("%s: link %s leads nowhere", path.Join(dir, e.Name()), m[1])
				}
			}
		}
	})
	if pages < 20 {
		t.Errorf("only %d pages were looked at", pages)
	}
}

// TestRooms wants no empty room, and each room to stand in ARCHITECTURE.md, which stays under two pages.
func TestRooms(t *testing.T) {
	b, err := os.ReadFile("ARCHITECTURE.md")
	if err != nil {
		t.Fatal(err)
	}
	const twoPages = 1000 // words
	if n := len(strings.Fields(string(b))); n > twoPages {
		t.Errorf("ARCHITECTURE.md has %d words: more than two pages", n)
	}
	named := regexp.MustCompile("`([a-z/-]+)`").FindAllStringSubmatch(string(b), -1)
	eachFolder(t, func(dir string, entries []fs.DirEntry) {
		if _, room, ok := floorOf(dir); ok && room == dir {
			found := false
			for _, n := range named {
				found = found || n[1] == room || n[1] == path.Base(room)
			}
			if !found {
				t.Errorf("ARCHITECTURE.md does not name %s", room)
			}
		}
		if strings.HasPrefix(dir, "internal") && len(entries) == 0 {
			t.Errorf("%s is empty", dir)
		}
	})
}

// eachFolder visits the folders of the repository, without those that hold what is given or made.
func eachFolder(t *testing.T, visit func(dir string, entries []fs.DirEntry)) {
	t.Helper()
	err := filepath.WalkDir(".", func(p string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return err
		}
		if name := d.Name(); name == ".git" || name == "testdata" || name == "out" || name == "node_modules" {
			return fs.SkipDir
		}
		entries, err := os.ReadDir(p)
		if err != nil {
			return err
		}
		visit(filepath.ToSlash(p), entries)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
