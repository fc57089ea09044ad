package kustomize

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/plimsoll/plimsoll/internal/read/kube/render"
	"github.com/plimsoll/plimsoll/testbed/fixture"
)

// TestKustomize wants the objects that the program kubectl kustomize makes of an overlay (the archive says of which
// version), read from the disk as a scan does it.
func TestKustomize(t *testing.T) {
	a, err := txtar.ParseFile("testdata/shop.txtar")
	if err != nil {
		t.Fatal(err)
	}
	dir, want := t.TempDir(), ""
	for _, f := range a.Files {
		if f.Name == "want.yaml" {
			want = string(f.Data)
			continue
		}
		at := filepath.Join(dir, filepath.FromSlash(f.Name))
		if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(at, f.Data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	r, err := render.NewProject(root).Overlay("overlays/prod")
	if err != nil {
		t.Fatal(err)
	}
	if !r.Dirs["base"] || !r.Dirs["components/limits"] || len(r.Dirs) != 2 {
		t.Errorf("it builds on %v", r.Dirs)
	}
	made, err := Build(render.Overlay{Dir: "overlays/prod", Files: r.Files})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, d := range made.Documents {
		got = append(got, fixture.Objects(t, d.Text)...)
	}
	slices.Sort(got)
	if diff := cmp.Diff(fixture.Objects(t, want), got); diff != "" {
		t.Error(diff)
	}
}
