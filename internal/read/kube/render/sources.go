package render

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

	"github.com/plimsoll/plimsoll/internal/read/kube"
	"github.com/plimsoll/plimsoll/internal/sibling"
)

// Options say what is rendered with, and by whom.
type Options struct {
	Values Values                                         // for charts
	Ask    func(context.Context, Request) (Answer, error) // nil: the program
	Jobs   int                                            // how many at a time; at least one
	At     string                                         // what the folder is called in places; empty: they are below it
}

// Made is what one chart or overlay makes.
type Made struct {
	Path     string // of its own file
	Objects  []*kube.Object
	Problems []*kube.Problem
	Wrong    string // why it makes nothing, or not all
}

// Sources are the charts and overlays of a folder, rendered.
type Sources struct {
	Made []Made

	charts []string
	read   map[string]bool
}

// IsPart says of a file that rendering reads it, and that it is no manifest of its own.
func (s *Sources) IsPart(at string) bool {
	return IsRoot(at) || s.read[at] || slices.ContainsFunc(s.charts, func(c string) bool { return isTemplate(c, at) })
}

// Folder renders all charts and overlays of a folder, whose files have these paths below it. An error means that the
// folder could not be opened; what stands in the way of one of them is said of that.
func Folder(ctx context.Context, folder string, paths []string, o Options) (*Sources, error) {
	s := &Sources{charts: chartsOf(paths)}
	if !slices.ContainsFunc(paths, IsRoot) {
		return s, nil
	}
	all, err := s.overlays(folder, paths)
	if err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(folder)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	for _, dir := range s.charts {
		all = append(all, job{at: path.Join(dir, "Chart.yaml"), under: func(p string) string { return path.Join(dir, p) }, request: func() (Request, error) {
			files, err := ChartFiles(root, dir)
			return Request{Chart: &Chart{Files: files, Values: o.Values}}, err
		}})
	}
	s.Made = make([]Made, len(all))
	var group errgroup.Group
	group.SetLimit(max(o.Jobs, 1))
	for i, j := range all {
		group.Go(func() error {
			s.Made[i] = j.render(ctx, o)
			return nil
		})
	}
	return s, group.Wait()
}

// Archive renders a packed chart, which has a path.
func Archive(ctx context.Context, at string, packed []byte, o Options) Made {
	return job{
		at: at, under: func(p string) string { return at + "!/" + p },
		request: func() (Request, error) { return Request{Chart: &Chart{Packed: packed, Values: o.Values}}, nil },
	}.render(ctx, o)
}

// job is one chart or overlay that is to be rendered.
type job struct {
	at      string // its own file
	under   func(string) string
	request func() (Request, error)
}

func (j job) render(ctx context.Context, o Options) Made {
	m := Made{Path: path.Join(o.At, j.at)}
	ask := o.Ask
	if ask == nil {
		ask = Ask
	}
	var a Answer
	r, err := j.request()
	if err == nil {
		a, err = ask(ctx, r)
	}
	var missing *sibling.MissingError
	switch {
	case errors.As(err, &missing):
		m.Wrong = err.Error()
	case err != nil:
		m.Wrong = "not rendered: " + err.Error()
	case a.Wrong != "":
		m.Wrong = "not rendered: " + a.Wrong
	case len(a.Missing) > 0:
		m.Wrong = fmt.Sprintf("not rendered: charts are missing in its charts folder: %s; fetch with helm dependency build, and scan again", some(a.Missing))
	}
	m.Objects, m.Problems = a.Objects(func(p string) string { return path.Join(o.At, j.under(p)) })
	if r.Chart != nil {
		kube.Settle(m.Objects, r.Chart.Values.Namespace)
	}
	return m
}

// some names the first few.
func some(names []string) string {
	const most = 3
	if len(names) > most {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
	}
	return strings.Join(names, ", ")
}

// overlays are the kustomizations of a folder that no other one builds on; which files any of them reads is kept. They
// may build on what lies outside of the folder in the same project.
func (s *Sources) overlays(folder string, paths []string) (all []job, err error) {
	var dirs []string
	for _, at := range paths {
		in := func(c string) bool { return isTemplate(c, at) }
		if IsOverlay(at) && !slices.ContainsFunc(s.charts, in) {
			dirs = append(dirs, path.Dir(at))
		}
	}
	s.read = map[string]bool{}
	if len(dirs) == 0 {
		return nil, nil
	}
	wide, below := projectOf(folder)
	root, err := os.OpenRoot(wide)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	within := NewProject(root)
	reached, errs := map[string]Reached{}, map[string]error{}
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
			s.read[relative(below, f.Path)] = true
		}
		if of.Component || used[at] {
			continue
		}
		all = append(all, job{
			at: path.Join(relative(below, at), "kustomization.yaml"), under: func(p string) string { return relative(below, p) },
			request: func() (Request, error) { return Request{Overlay: &Overlay{Dir: at, Files: of.Files}}, errs[at] },
		})
	}
	return all, nil
}

// projectOf is the folder of the project that another lies in, and the way down from there: where its version control
// begins, else where the call was made, else the folder itself.
func projectOf(folder string) (wide, below string) {
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
func chartsOf(paths []string) (dirs []string) {
	for _, at := range paths {
		if IsChart(at) {
			dirs = append(dirs, path.Dir(at))
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
