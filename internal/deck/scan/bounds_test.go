package scan_test

import (
	"archive/tar"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/deck/scan"
	"github.com/plimsoll/plimsoll/internal/ecosystem/all"
	"github.com/plimsoll/plimsoll/internal/read/image"
	"github.com/plimsoll/plimsoll/internal/read/image/archive"
	"github.com/plimsoll/plimsoll/internal/read/image/imagetest"
	"github.com/plimsoll/plimsoll/internal/weigh/gate"
)

// links is a layer that takes some 200 bytes of memory for each of n links, and twice that while it is
// read: what a hard link calls a package is looked for in a second walk. It lists one package.
func links(name string, n int, c imagetest.Compression) imagetest.Layer {
	l := imagetest.Layer{Compression: c, Files: []imagetest.File{
		{Path: name + "/blob", Body: fmt.Sprintf(`{"name": %q, "version": "1.0.0"}`, name)},
		{Path: name + "/node_modules/x/package.json", Type: tar.TypeLink, Link: name + "/blob"},
	}}
	for i := range n {
		l.Files = append(l.Files, imagetest.File{Path: fmt.Sprintf("%s/links/%d", name, i), Type: tar.TypeSymlink, Link: "../x"})
	}
	return l
}

// TestBoundsAreStable scans an image near the bounds in every way: the reports are the same bytes. The
// layer that is refused is the lowest for which the bound is too little, whichever is read first.
func TestBoundsAreStable(t *testing.T) {
	for name, c := range map[string]struct {
		layers []imagetest.Layer
		bounds scan.Bounds
		want   []string
		refuse []int
	}{
		"all fit, and not beside each other": {
			[]imagetest.Layer{links("a", 2000, imagetest.Gzip), links("b", 1500, imagetest.Gzip), links("c", 1000, imagetest.Gzip)},
			scan.Bounds{Kept: 900 << 10},
			[]string{"a", "b", "c"},
			nil,
		},
		"the largest is on top": {
			[]imagetest.Layer{links("a", 1000, imagetest.Gzip), links("b", 1500, ""), links("c", 2000, imagetest.Gzip)},
			scan.Bounds{Kept: 600 << 10},
			[]string{"a", "b"},
			[]int{2},
		},
		"those above may fit": {
			[]imagetest.Layer{links("a", 1000, imagetest.Gzip), links("b", 2000, imagetest.Zstd), links("c", 10, imagetest.Gzip)},
			scan.Bounds{Kept: 400 << 10},
			[]string{"a", "c"},
			[]int{1},
		},
		"it is read as far as it fits": {
			[]imagetest.Layer{links("a", 1000, imagetest.Gzip), {Compression: imagetest.Gzip, Files: append(npm("b", "").Files, links("c", 2000, "").Files...)}},
			scan.Bounds{Kept: 400 << 10},
			[]string{"a", "b"},
			[]int{1},
		},
		"bytes": {
			[]imagetest.Layer{npm("a", imagetest.Gzip), npm("b", ""), links("c", 500, imagetest.Gzip), npm("d", imagetest.Gzip)},
			scan.Bounds{Held: 100 << 10},
			[]string{"a", "b"},
			[]int{2, 3},
		},
	} {
		t.Run(name, func(t *testing.T) {
			path := file(t, imagetest.New(imagetest.Image{Name: "shop:1", Layers: c.layers}).Tar())
			time.Sleep(50 * time.Millisecond) // what was written just now is not relied on
			var first string
			for _, jobs := range []int{1, 2, 3, 8} {
				cache := openCache(t)
				for _, o := range []scan.Options{{}, {Cache: cache}, {Cache: cache}, {Cache: cache}} {
					o.Jobs, o.Bounds, o.Kinds, o.Line, o.Now = jobs, c.bounds, all.Ecosystems(), gate.Default, time.Unix(0, 0)
					imgs, err := archive.Open(t.Context(), path, image.Options{})
					if err != nil {
						t.Fatal(err)
					}
					r, err := scan.Run(t.Context(), []scan.Subject{{Image: imgs[0]}}, o)
					imgs[0].Close()
					if err != nil {
						t.Fatal(err)
					}
					b, err := json.MarshalIndent(r, "", " ")
					if err != nil {
						t.Fatal(err)
					}
					if first == "" {
						first = string(b)
						checkBounds(t, r, c.want, c.refuse)
					} else if diff := cmp.Diff(first, string(b)); diff != "" {
						t.Errorf("%d jobs: another report: %s", jobs, diff)
					}
				}
			}
		})
	}
}

func checkBounds(t *testing.T, r *finding.Report, want []string, refused []int) {
	t.Helper()
	var names []string
	for _, p := range r.Packages {
		names = append(names, p.Name)
	}
	var layers []int
	for _, g := range r.Coverage {
		if g.Class == "limit-reached" && g.Blocking && g.Layer != nil {
			layers = append(layers, *g.Layer)
		}
	}
	slices.Sort(layers)
	if !slices.Equal(names, want) || !slices.Equal(layers, refused) {
		t.Errorf("packages %v, refused layers %v; want %v, %v", names, layers, want, refused)
	}
}

// TestBoundOfRun scans several images that each keep to their bound, and together do not: the packages of
// those for which no room is left are not listed, and that is told.
func TestBoundOfRun(t *testing.T) {
	l := imagetest.New()
	var of []image.Descriptor
	for i := range 4 {
		lock := `{"name": "x", "lockfileVersion": 3, "packages": {"": {"name": "x"}`
		for n := range 100 {
			lock += fmt.Sprintf(`, "node_modules/p%d": {"version": "1.0.%d"}`, n, i)
		}
		of = append(of, l.Add(imagetest.Image{Platform: fmt.Sprintf("linux/a%d", i), Layers: []imagetest.Layer{
			{Files: []imagetest.File{{Path: "package-lock.json", Body: lock + "}}"}}},
		}}))
	}
	l.Tag("shop", l.AddIndex(false, of...))
	imgs, err := archive.Open(t.Context(), file(t, l.Tar()), image.Options{Platform: "all"})
	if err != nil {
		t.Fatal(err)
	}
	var subjects []scan.Subject
	for _, img := range imgs {
		defer img.Close()
		subjects = append(subjects, scan.Subject{Image: img})
	}
	r, err := scan.Run(t.Context(), subjects, scan.Options{Kinds: all.Ecosystems(), Line: gate.Default, Jobs: 2, Bounds: scan.Bounds{Listed: 300 << 10}})
	if err != nil {
		t.Fatal(err)
	}
	listed := map[string]int{}
	for _, p := range r.Packages {
		listed[p.Target]++
	}
	told := map[string]bool{}
	for _, g := range r.Coverage {
		if g.Class == "limit-reached" && g.Blocking && strings.Contains(g.What, "packages are not listed") {
			told[g.Target] = true
		}
	}
	if len(listed) != 2 || listed["t1"] < 100 || listed["t2"] != listed["t1"] || len(told) != 2 || !told["t3"] || !told["t4"] {
		t.Errorf("listed %v, told of %v", listed, told)
	}
}
