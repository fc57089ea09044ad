package scan

import (
	"context"
	"strings"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/read/image"
	"github.com/plimsoll/plimsoll/internal/read/image/inventory"
	"github.com/plimsoll/plimsoll/internal/read/kube/render"
)

// rendered is what one chart or overlay makes.
type rendered struct {
	manifest
	gaps []finding.Gap
}

// renders are all charts and overlays of a target.
type renders struct {
	made []rendered
	// parts says of a file that it is a part of one, and so no manifest of its own.
	parts func(path string) bool
}

// renderFolder renders what lies in a source folder.
func (s *scan) renderFolder(ctx context.Context, img *image.Image, docs []inventory.Document) (r renders, err error) {
	r.parts = func(string) bool { return false }
	if img.Origin != sourceFolder || !s.concerns(manifests) {
		return r, nil
	}
	var paths []string
	for _, d := range docs {
		paths = append(paths, d.Path)
	}
	sources, err := render.Folder(ctx, img.Layers[0].Folder.Path, paths, s.o.renderer())
	if err != nil {
		return r, err
	}
	r.parts = sources.IsPart
	for _, m := range sources.Made {
		r.made = append(r.made, s.rendered(m))
	}
	return r, nil
}

// rendered tells what stood in the way as a gap.
func (s *scan) rendered(m render.Made) rendered {
	r := rendered{manifest: manifest{m.Objects, m.Problems}}
	if m.Wrong != "" {
		r.gaps = []finding.Gap{{Class: "not-rendered", Blocking: true, Path: m.Path, Count: 1, What: s.plain(m.Wrong)}}
	}
	return r
}

func (o *Options) renderer() render.Options {
	return render.Options{Values: o.Values, Ask: o.Render, Jobs: o.Jobs}
}

// renderNamed renders a packed chart that a word names.
func (s *scan) renderNamed(ctx context.Context, of *Files) {
	d := of.Documents[0]
	r := s.rendered(render.Archive(ctx, d.Path, d.Bytes, s.o.renderer()))
	of.manifests, of.gaps = []manifest{r.manifest}, r.gaps
}

// IsPackedChart says by its first bytes that a file is a packed chart.
func IsPackedChart(head []byte) bool { return render.IsPacked(head) }

// isPacked says that files are a packed chart.
func (of *Files) isPacked() bool {
	return of.Kind == "manifest" && strings.HasPrefix(string(of.Documents[0].Bytes), "\x1f\x8b")
}

// own are the paths of what a rendering made.
func (m *manifest) own(into map[string]bool) {
	for _, o := range m.objects {
		into[o.Source.Path] = true
	}
	for _, p := range m.problems {
		into[p.Path] = true
	}
}
