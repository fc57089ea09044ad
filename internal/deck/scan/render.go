package scan

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/read/image"
	"github.com/plimsoll/plimsoll/internal/read/image/inventory"
	"github.com/plimsoll/plimsoll/internal/read/kube/render"
	"github.com/plimsoll/plimsoll/internal/sibling"
)

// rendered is what one chart or overlay makes.
type rendered struct {
	manifest
	at   string // its folder below the target, or the name of its archive
	gaps []finding.Gap
}

// renders has all charts and overlays of a target rendered, several at a time.
type renders struct {
	made []rendered
	// parts says of a file that it is a part of one, and so no manifest of its own.
	parts func(path string) bool
}

// renderFolder renders what lies in a source folder.
func (s *scan) renderFolder(ctx context.Context, img *image.Image, docs []inventory.Document) (r renders, err error) {
	r.parts = func(string) bool { return false }
	if img.Origin != sourceFolder || !s.concerns(manifests) || !slices.ContainsFunc(docs, func(d inventory.Document) bool { return render.IsRoot(d.Path) }) {
		return r, nil
	}
	root, err := os.OpenRoot(img.Layers[0].Folder.Path)
	if err != nil {
		return r, err
	}
	defer root.Close()
	charts := chartsOf(docs)
	r.parts = func(at string) bool {
		return render.IsRoot(at) || slices.ContainsFunc(charts, func(c string) bool { return isTemplate(c, at) })
	}
	r.made = make([]rendered, len(charts))
	var group errgroup.Group
	group.SetLimit(max(s.o.Jobs, 1))
	for i, dir := range charts {
		group.Go(func() error {
			files, err := render.ChartFiles(root, dir)
			r.made[i] = s.rendered(ctx, dir, path.Join(dir, "Chart.yaml"), err, render.Request{Chart: &render.Chart{Files: files, Values: s.o.Values}},
				func(p string) string { return path.Join(dir, p) })
			return nil
		})
	}
	return r, group.Wait()
}

// chartsOf are the folders of charts, but for those that lie in another's charts folder, which renders them.
func chartsOf(docs []inventory.Document) (dirs []string) {
	for _, d := range docs {
		if render.IsChart(d.Path) {
			dirs = append(dirs, path.Dir(d.Path))
		}
	}
	slices.Sort(dirs)
	return slices.DeleteFunc(slices.Clone(dirs), func(dir string) bool {
		return slices.ContainsFunc(dirs, func(c string) bool { return c != dir && isTemplate(c, dir) })
	})
}

// isTemplate says that a file of a chart is one that rendering it reads, and that is no manifest in itself.
func isTemplate(chart, at string) bool {
	below, ok := strings.CutPrefix(at, chart+"/")
	if chart == "." {
		below, ok = at, true
	}
	first, _, deeper := strings.Cut(below, "/")
	return ok && deeper && slices.Contains([]string{"templates", "charts", "crds"}, first)
}

// rendered asks for one chart or overlay. What stands in the way is a gap.
func (s *scan) rendered(ctx context.Context, at, file string, err error, ask render.Request, under func(string) string) rendered {
	r := rendered{at: at}
	gap := func(class string, what string) {
		r.gaps = append(r.gaps, finding.Gap{Class: class, Blocking: true, Path: file, Count: 1, What: what})
	}
	var a render.Answer
	if err == nil {
		a, err = s.o.renderer()(ctx, ask)
	}
	var missing *sibling.MissingError
	switch {
	case errors.As(err, &missing):
		gap("not-rendered", err.Error())
	case err != nil:
		gap("not-rendered", "not rendered: "+err.Error())
	case a.Wrong != "":
		gap("not-rendered", "not rendered: "+a.Wrong)
	case len(a.Missing) > 0:
		gap("not-rendered", fmt.Sprintf("not rendered: %s missing in its charts folder: %s; fetch with helm dependency build, and scan again",
			plural(len(a.Missing), "chart"), some(a.Missing)))
	}
	r.objects, r.problems = a.Objects(under)
	return r
}

func (o *Options) renderer() func(context.Context, render.Request) (render.Answer, error) {
	if o.Render != nil {
		return o.Render
	}
	return render.Ask
}

// renderNamed renders a packed chart that a word names.
func (s *scan) renderNamed(ctx context.Context, of *Files) {
	d := of.Documents[0]
	r := s.rendered(ctx, d.Path, d.Path, nil, render.Request{Chart: &render.Chart{Packed: d.Bytes, Values: s.o.Values}}, func(p string) string { return d.Path + "!/" + p })
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
