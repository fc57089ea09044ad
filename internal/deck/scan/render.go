package scan

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path"
	"path/filepath"
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
	folder := img.Layers[0].Folder.Path
	charts := chartsOf(docs)
	all, read, err := s.overlays(folder, docs, charts)
	if err != nil {
		return r, err
	}
	r.parts = func(at string) bool {
		return render.IsRoot(at) || read[at] || slices.ContainsFunc(charts, func(c string) bool { return isTemplate(c, at) })
	}
	root, err := os.OpenRoot(folder)
	if err != nil {
		return r, err
	}
	defer root.Close()
	for _, dir := range charts {
		all = append(all, job{at: path.Join(dir, "Chart.yaml"), under: func(p string) string { return path.Join(dir, p) }, ask: func() (render.Request, error) {
			files, err := render.ChartFiles(root, dir)
			return render.Request{Chart: &render.Chart{Files: files, Values: s.o.Values}}, err
		}})
	}
	r.made = make([]rendered, len(all))
	var group errgroup.Group
	group.SetLimit(max(s.o.Jobs, 1))
	for i, j := range all {
		group.Go(func() error {
			r.made[i] = s.rendered(ctx, j)
			return nil
		})
	}
	return r, group.Wait()
}

// job is one chart or overlay that is to be rendered.
type job struct {
	at    string // its file below the target
	under func(string) string
	ask   func() (render.Request, error)
}

// overlays are the kustomizations of a folder that no other one builds on, and the files that any of them reads.
// They may build on what lies outside of the folder in the same project.
func (s *scan) overlays(folder string, docs []inventory.Document, charts []string) (all []job, read map[string]bool, err error) {
	var dirs []string
	for _, d := range docs {
		in := func(c string) bool { return isTemplate(c, d.Path) }
		if render.IsOverlay(d.Path) && !slices.ContainsFunc(charts, in) {
			dirs = append(dirs, path.Dir(d.Path))
		}
	}
	read = map[string]bool{}
	if len(dirs) == 0 {
		return nil, read, nil
	}
	wide, below := project(folder)
	root, err := os.OpenRoot(wide)
	if err != nil {
		return nil, nil, err
	}
	defer root.Close()
	within := render.NewProject(root)
	reached, errs := map[string]render.Reached{}, map[string]error{}
	for _, dir := range slices.Compact(slices.Sorted(slices.Values(dirs))) {
		at := path.Join(below, dir)
		reached[at], errs[at] = within.Overlay(at)
	}
	used := map[string]bool{}
	for other, of := range reached {
		for at := range of.Dirs {
			used[at] = used[at] || !reached[at].Dirs[other] // those that build on each other are both built
		}
	}
	for _, at := range slices.Sorted(maps.Keys(reached)) {
		of := reached[at]
		for _, f := range of.Files {
			read[relative(below, f.Path)] = true
		}
		if of.Component || used[at] {
			continue
		}
		all = append(all, job{at: path.Join(relative(below, at), "kustomization.yaml"), under: func(p string) string { return relative(below, p) }, ask: func() (render.Request, error) {
			return render.Request{Overlay: &render.Overlay{Dir: at, Files: of.Files}}, errs[at]
		}})
	}
	return all, read, nil
}

// project is the folder of the project that another lies in, and the way down from there: where its version control
// begins, else where the call was made, else the folder itself.
func project(folder string) (wide, below string) {
	abs, err := filepath.Abs(folder)
	if err != nil {
		return folder, "."
	}
	if real, err := filepath.EvalSymlinks(abs); err == nil {
		abs = real
	}
	wide = abs
	if here, err := os.Getwd(); err == nil {
		if rel, err := filepath.Rel(here, abs); err == nil && filepath.IsLocal(rel) {
			wide = here
		}
	}
	for dir := abs; filepath.Dir(dir) != dir; dir = filepath.Dir(dir) {
		if _, err := os.Lstat(filepath.Join(dir, ".git")); err == nil {
			wide = dir
			break
		}
	}
	rel, err := filepath.Rel(wide, abs)
	if err != nil {
		return abs, "."
	}
	return wide, filepath.ToSlash(rel)
}

// relative is a path as it is written from a folder; both stand below the same one.
func relative(from, to string) string {
	rel, err := filepath.Rel(filepath.FromSlash(from), filepath.FromSlash(to))
	if err != nil {
		return to
	}
	return filepath.ToSlash(rel)
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
func (s *scan) rendered(ctx context.Context, j job) (r rendered) {
	why := ""
	var a render.Answer
	ask, err := j.ask()
	if err == nil {
		a, err = s.o.renderer()(ctx, ask)
	}
	var missing *sibling.MissingError
	switch {
	case errors.As(err, &missing):
		why = err.Error()
	case err != nil:
		why = "not rendered: " + err.Error()
	case a.Wrong != "":
		why = "not rendered: " + a.Wrong
	case len(a.Missing) > 0:
		why = fmt.Sprintf("not rendered: %s missing in its charts folder: %s; fetch with helm dependency build, and scan again", plural(len(a.Missing), "chart"), some(a.Missing))
	}
	if why != "" {
		r.gaps = []finding.Gap{{Class: "not-rendered", Blocking: true, Path: j.at, Count: 1, What: s.plain(why)}}
	}
	r.objects, r.problems = a.Objects(j.under)
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
	r := s.rendered(ctx, job{
		at: d.Path, under: func(p string) string { return d.Path + "!/" + p },
		ask: func() (render.Request, error) {
			return render.Request{Chart: &render.Chart{Packed: d.Bytes, Values: s.o.Values}}, nil
		},
	})
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
