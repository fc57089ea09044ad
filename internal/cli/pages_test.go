package cli

import (
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var rewrite = flag.Bool("update", false, "write generated files anew")

// TestPages wants the generated pages to be what the program would write now.
func TestPages(t *testing.T) {
	docs := filepath.Join("..", "..", "docs")
	want := pages()
	if *rewrite {
		for _, dir := range []string{"cli", "checks"} {
			if err := os.RemoveAll(filepath.Join(docs, dir)); err != nil {
				t.Fatal(err)
			}
		}
		for name, page := range want {
			file := filepath.Join(docs, filepath.FromSlash(name))
			if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(file, []byte(page), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	got := map[string]string{}
	for _, dir := range []string{"cli", "checks"} {
		err := filepath.WalkDir(filepath.Join(docs, dir), func(p string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			b, err := os.ReadFile(p)
			rel, _ := filepath.Rel(docs, p)
			got[filepath.ToSlash(rel)] = strings.ReplaceAll(string(b), "\r\n", "\n")
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("docs are out of date, run go generate ./internal/cli: %s", diff)
	}
}
