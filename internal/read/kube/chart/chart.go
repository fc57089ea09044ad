// Package chart has Helm's own engine render charts. It alone imports Helm, and only the program plimsoll-render
// imports this package.
//
// Nothing is fetched and nobody is asked: lookup finds nothing, getHostByName gives nothing, dependencies are those
// that lie in charts/. What comes out is what helm template --include-crds prints, hooks and tests among it, with the
// line of a template for each line.
package chart

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"time"

	"helm.sh/helm/v4/pkg/chart/common"
	valueutil "helm.sh/helm/v4/pkg/chart/common/util"
	v2 "helm.sh/helm/v4/pkg/chart/v2"
	"helm.sh/helm/v4/pkg/chart/v2/loader"
	"helm.sh/helm/v4/pkg/chart/v2/util"
	"helm.sh/helm/v4/pkg/engine"
	"helm.sh/helm/v4/pkg/strvals"

	"github.com/plimsoll/plimsoll/internal/read/kube/render"
)

// Render renders a chart. An error is what Helm says of it.
func Render(ask render.Chart) (render.Answer, error) {
	l, err := load(ask)
	if err != nil {
		return render.Answer{}, err
	}
	if l.root.Metadata.Type == "library" {
		return render.Answer{}, nil // it makes nothing itself
	}
	given, err := values(ask.Values)
	if err != nil {
		return render.Answer{}, err
	}
	if missing := missing(l.root); len(missing) > 0 {
		return render.Answer{Missing: missing}, nil
	}
	if err := util.ProcessDependencies(l.root, given); err != nil {
		return render.Answer{}, fmt.Errorf("chart dependencies processing failed: %w", err)
	}
	r, err := newRun(l, given, ask.Values)
	if err != nil {
		return render.Answer{}, err
	}
	start := time.Now()
	made, err := r.render()
	if err != nil {
		return render.Answer{}, err
	}
	size := 0
	for _, text := range made {
		size += len(text)
	}
	if size > render.MaxOutput {
		return render.Answer{}, fmt.Errorf("it makes %d MiB of documents, and %d MiB are read", size>>20, render.MaxOutput>>20)
	}
	var from map[string][][]render.Place
	if time.Since(start) < maxTraced {
		from = r.trace(made)
	}
	return render.Answer{Documents: append(crds(l), r.documents(made, from)...)}, nil
}

// maxTraced is how long rendering may take for it to be done again, to know where lines come from.
const maxTraced = render.MaxTime / 6

// run renders one chart with one set of values, as often as it takes to know where lines come from.
type run struct {
	*loaded
	given   map[string]any
	options common.ReleaseOptions
	caps    *common.Capabilities
	files   map[string]*common.File // template's name in Helm's words → the file

	valuesGiven []render.File
	tables      map[string][]valueFile // chart's full path → the files that have its values
}

func newRun(l *loaded, given map[string]any, v render.Values) (*run, error) {
	r := &run{loaded: l, given: given, files: map[string]*common.File{}, valuesGiven: v.Files, tables: map[string][]valueFile{}}
	r.options = common.ReleaseOptions{Name: v.Release, Namespace: v.Namespace, Revision: 1, IsInstall: true}
	r.caps = common.DefaultCapabilities.Copy()
	version, err := common.ParseKubeVersion(v.KubeVersion)
	if err != nil {
		return nil, fmt.Errorf("invalid kube version '%s': %w", v.KubeVersion, err)
	}
	r.caps.KubeVersion = *version
	if want := l.root.Metadata.KubeVersion; want != "" && !util.IsCompatibleRange(want, version.String()) {
		return nil, fmt.Errorf("chart requires kubeVersion: %s which is incompatible with Kubernetes %s", want, version.Version)
	}
	eachChart(l.root, func(c *v2.Chart) {
		for _, f := range c.Templates {
			r.files[path.Join(c.ChartFullPath(), f.Name)] = f
		}
	})
	return r, nil
}

// render gives the text of each template, by its name.
func (r *run) render() (map[string]string, error) {
	// Templates may write into the values that they are given, so each run gets its own.
	all, err := valueutil.ToRenderValues(r.root, r.given, r.options, r.caps)
	if err != nil {
		return nil, err
	}
	return (engine.Engine{}).RenderWithContext(context.Background(), r.root, all)
}

// documents are what templates made. Notes are no objects.
func (r *run) documents(made map[string]string, from map[string][][]render.Place) (all []render.Document) {
	for _, name := range slices.Sorted(maps.Keys(made)) {
		if path.Base(name) == "NOTES.txt" || strings.TrimSpace(made[name]) == "" {
			continue
		}
		all = append(all, render.Document{Path: r.at(r.files[name]), Text: made[name], Lines: from[name]})
	}
	return all
}

// crds are the definitions of kinds that a chart brings, which are no templates.
func crds(l *loaded) (all []render.Document) {
	for _, c := range l.root.CRDObjects() {
		all = append(all, plain(l.at(c.File), c.File.Data))
	}
	return all
}

// plain is a document that stands as it was written.
func plain(at string, text []byte) render.Document {
	d := render.Document{Path: at, Text: string(text)}
	for i := range bytes.Count(text, []byte("\n")) + 1 {
		d.Lines = append(d.Lines, []render.Place{{Line: i + 1}})
	}
	return d
}

// values are those of files, and what is set on top of them, as helm template reads both.
func values(v render.Values) (map[string]any, error) {
	all := map[string]any{}
	for _, f := range v.Files {
		more, err := loader.LoadValues(bytes.NewReader(f.Bytes))
		if err != nil {
			return nil, fmt.Errorf("failed to parse %s: %w", f.Path, err)
		}
		all = loader.MergeMaps(all, more)
	}
	for _, s := range v.Set {
		if err := strvals.ParseInto(s, all); err != nil {
			return nil, fmt.Errorf("failed parsing --set data: %w", err)
		}
	}
	return all, nil
}

// missing are the charts that a chart asks for and that do not lie in its charts folder, as helm template asks it
// before it looks at conditions.
func missing(c *v2.Chart) (names []string) {
	for _, want := range c.Metadata.Dependencies {
		if want != nil && !slices.ContainsFunc(c.Dependencies(), func(d *v2.Chart) bool { return d.Name() == want.Name }) {
			names = append(names, strings.TrimSpace(want.Name+" "+want.Version))
		}
	}
	return names
}

func eachChart(c *v2.Chart, do func(*v2.Chart)) {
	do(c)
	for _, d := range c.Dependencies() {
		eachChart(d, do)
	}
}

// ownValues is the values.yaml of a chart, by its full path.
func (r *run) ownValues(of string) (at string, text []byte) {
	eachChart(r.root, func(c *v2.Chart) {
		if c.ChartFullPath() != of {
			return
		}
		for _, f := range c.Raw {
			if f.Name == "values.yaml" {
				at, text = r.at(f), f.Data
			}
		}
	})
	return at, text
}
