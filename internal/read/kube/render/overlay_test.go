package render

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func project(t *testing.T, files map[string]string) *Project {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		at := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(at, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { root.Close() })
	return NewProject(root)
}

// TestOverlay reads what an overlay is made of, and no file that Kustomize would not load.
func TestOverlay(t *testing.T) {
	p := project(t, map[string]string{
		"over/kustomization.yaml":   "resources: [../base, own.yaml, ../secret.yaml, ../other]\nconfigMapGenerator: [{name: a, files: [k=sub/a.txt, ../secret.yaml]}]\n",
		"over/own.yaml":             "a: b",
		"over/sub/a.txt":            "a",
		"base/kustomization.yaml":   "resources: [d.yaml]\ntransformers: [t.yaml]\n",
		"base/d.yaml":               "a: c",
		"base/t.yaml":               "path: p.yaml",
		"base/p.yaml":               "p: 1",
		"base/unnamed.yaml":         "u: 1",
		"secret.yaml":               "password: hunter2",
		"other/notes.yaml":          "n: 1",
		"second/kustomization.yaml": "resources: [../base]\n",
	})
	if _, err := p.Overlay("over"); err == nil || err.Error() != "other has no kustomization file" {
		t.Errorf("a folder without kustomization: %v", err)
	}
	p.root.Remove("other/notes.yaml")
	p.root.Remove("other")
	r, err := p.Overlay("over")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range r.Files {
		names = append(names, f.Path)
	}
	slices.Sort(names)
	want := []string{"base/d.yaml", "base/kustomization.yaml", "base/p.yaml", "base/t.yaml", "over/kustomization.yaml", "over/own.yaml", "over/sub/a.txt"}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Error(diff)
	}
	before := p.size
	if _, err := p.Overlay("second"); err != nil {
		t.Fatal(err)
	}
	if more := p.size - before; more != int64(len("resources: [../base]\n")) {
		t.Errorf("a second overlay of the same base keeps %d bytes more", more)
	}
}

// TestBoundedProject keeps no more of all overlays together than it says.
func TestBoundedProject(t *testing.T) {
	large := strings.Repeat("#", MaxInput/2)
	files := map[string]string{}
	for _, name := range []string{"a", "b", "c", "d", "e", "f", "g", "h", "i"} {
		files[name+"/kustomization.yaml"] = "resources: [l.yaml]\n"
		files[name+"/l.yaml"] = large
	}
	p := project(t, files)
	var wrong error
	for _, name := range []string{"a", "b", "c", "d", "e", "f", "g", "h", "i"} {
		if _, err := p.Overlay(name); err != nil {
			wrong = err
		}
	}
	if wrong == nil || !strings.Contains(wrong.Error(), "scan them one by one") || p.size > maxKept+MaxInput {
		t.Errorf("%d bytes are kept: %v", p.size, wrong)
	}
}
