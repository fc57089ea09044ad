package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"github.com/plimsoll/plimsoll/internal/expr/admission"
	"github.com/plimsoll/plimsoll/internal/read/kube"
	"github.com/plimsoll/plimsoll/internal/read/kube/dump"
	"github.com/plimsoll/plimsoll/internal/read/kube/render"
)

// Bounds on what is read.
const (
	mostManifest  = 64 << 20 // of one file
	mostManifests = 10_000   // files
)

// manifest is one file of objects.
type manifest struct {
	name     string
	objects  []*kube.Object
	problems []*kube.Problem
	made     bool // by a chart or an overlay
}

// manifests reads files, folders, dumps, charts and overlays. In a folder, what holds no object is passed over; a file
// that is named holds some.
func (g *global) manifests(ctx context.Context, words []string, charts *chartOptions) (all []manifest, err error) {
	for _, word := range words {
		more, err := g.manifestsOf(ctx, word, charts)
		if err != nil {
			return nil, err
		}
		all = append(all, more...)
	}
	return all, nil
}

func (g *global) manifestsOf(ctx context.Context, word string, charts *chartOptions) ([]manifest, error) {
	if word == "-" {
		b, err := readAll("standard input", g.env.Stdin, mostManifest)
		if err != nil {
			return nil, usage("%w", err)
		}
		return namedManifest("standard input", b)
	}
	info, err := os.Stat(word)
	switch {
	case err != nil:
		return nil, usage("%w", err)
	case info.IsDir() && dump.Is(word):
		return manifestOfDump(word)
	case info.IsDir():
		return manifestsBelow(ctx, word, charts)
	}
	b, err := readWithin(filepath.Dir(word), filepath.Base(word))
	if err != nil {
		return nil, usage("%w", err)
	}
	if render.IsPacked(b) {
		made, err := charts.packed(ctx, filepath.ToSlash(word), b)
		return []manifest{manifestMade(made)}, err
	}
	return namedManifest(filepath.ToSlash(word), b)
}

// manifestsBelow reads a folder, and renders what charts and overlays in it make.
func manifestsBelow(ctx context.Context, dir string, charts *chartOptions) (all []manifest, err error) {
	names, links, err := manifestsIn(dir)
	if err != nil {
		return nil, usage("%s: %w", dir, err)
	}
	if len(links) > 0 {
		all = append(all, manifest{name: dir, problems: links})
	}
	sources, err := charts.rendered(ctx, dir, names)
	if err != nil {
		return nil, err
	}
	var reader kube.Reader
	for _, name := range names {
		if sources.IsPart(name) {
			continue
		}
		at := filepath.ToSlash(filepath.Join(dir, name))
		b, err := readWithin(dir, name)
		if err != nil {
			all = append(all, manifest{name: at, problems: []*kube.Problem{{Path: at, Line: 1, What: unread(name, err)}}})
			continue
		}
		if m := manifestOf(&reader, at, b); len(m.objects)+len(m.problems) > 0 {
			all = append(all, m)
		}
	}
	for _, made := range sources.Made {
		all = append(all, manifestMade(made))
	}
	return all, nil
}

// manifestMade is what a chart or an overlay makes.
func manifestMade(made render.Made) manifest {
	m := manifest{name: made.Path, objects: made.Objects, problems: made.Problems, made: true}
	if made.Wrong != "" {
		m.problems = append(m.problems, &kube.Problem{Path: made.Path, Line: 1, What: made.Wrong})
	}
	return m
}

// madeOnce wants one object of a name: a cluster has one. What several charts and overlays make alike is kept once; where
// they make it differently, they are for different clusters.
func madeOnce(files []manifest) error {
	type name struct{ group, kind, namespace, name string }
	type made struct {
		by     string
		fields map[string]any
	}
	all := map[name]made{}
	for i := range files {
		f := &files[i]
		if !f.made {
			continue
		}
		var differs error
		f.objects = slices.DeleteFunc(f.objects, func(o *kube.Object) bool {
			key := name{o.Group(), o.Kind, o.Namespace, o.Name}
			was, twice := all[key]
			switch {
			case !twice:
				all[key] = made{f.name, o.Fields}
			case reflect.DeepEqual(was.fields, o.Fields):
				return true
			case was.by != f.name:
				differs = usage("%s and %s make %s %s, each another one: name the folder of the one that is meant", was.by, f.name, o.Kind, path.Join(o.Namespace, o.Name))
			}
			return false
		})
		if differs != nil {
			return differs
		}
	}
	return nil
}

// objects reads files and folders, and says what is broken in them.
func (g *global) objects(ctx context.Context, words []string) (all []*kube.Object, broken bool, err error) {
	files, err := g.manifests(ctx, words, new(chartOptions))
	for _, f := range files {
		all = append(all, f.objects...)
		for _, p := range f.problems {
			broken = true
			g.say("plimsoll: %v", p)
		}
	}
	return all, broken, err
}

// creator is who creates the objects that are tried out, and where those go that name no namespace.
type creator struct {
	namespace string
	by        admission.User
}

func (c *creator) flags(f *pflag.FlagSet, user, creates string) {
	f.StringVar(&c.namespace, "namespace", "default", "`NAMESPACE` of objects that name none")
	f.StringVar(&c.by.Name, "user", user, "`USER` who creates "+creates)
	f.Var(repeated(&c.by.Groups), "group", "`GROUP` of the user; may be repeated")
}

func manifestOf(r *kube.Reader, name string, b []byte) manifest {
	m := manifest{name: name}
	m.objects, m.problems = r.Manifest(name, b)
	return m
}

// namedManifest is a file that somebody named: one in which nothing can be read is a wrong call.
func namedManifest(name string, b []byte) ([]manifest, error) {
	m := manifestOf(&kube.Reader{Strict: true}, name, b)
	if len(m.objects) == 0 && len(m.problems) > 0 { // what is empty is not wrong: kubectl writes Lists of nothing
		return nil, usage("%w", m.problems[0])
	}
	return []manifest{m}, nil
}

// manifestOfDump is what cluster dump wrote; what that could not read is a problem.
func manifestOfDump(dir string) ([]manifest, error) {
	c, err := dump.Read(dir)
	if err != nil {
		return nil, usage("%s: %w", dir, err)
	}
	m := manifest{name: dir, objects: c.Objects}
	for _, missing := range c.Missing {
		if missing.Blocking {
			m.problems = append(m.problems, &kube.Problem{Path: path.Join(filepath.ToSlash(dir), dump.Head), Line: 1, What: missing.What})
		}
	}
	return []manifest{m}, nil
}

// manifestsIn are the files of a folder that may be manifests. Links to files are followed within it, as kubectl does, unless
// they lead to what is read anyhow; of those that lead elsewhere there are problems. Links to folders are not followed.
func manifestsIn(dir string) (names []string, links []*kube.Problem, err error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, nil, err
	}
	defer root.Close()
	var linked []string
	var known []fs.FileInfo
	err = fs.WalkDir(os.DirFS(dir), ".", func(p string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case !kube.MayBe(p) && !render.IsRoot(p):
		case d.Type().IsRegular():
			names = append(names, p)
			if info, err := d.Info(); err == nil {
				known = append(known, info)
			}
		case d.Type()&fs.ModeSymlink != 0:
			linked = append(linked, p)
		}
		if len(names)+len(linked) > mostManifests {
			return fmt.Errorf("it holds more than %d files of manifests", mostManifests)
		}
		return nil
	})
	if err != nil {
		return nil, nil, err
	}
	for _, p := range linked {
		info, err := root.Stat(p)
		switch {
		case err != nil:
			links = append(links, &kube.Problem{Path: filepath.ToSlash(filepath.Join(dir, p)), Line: 1, What: unread(p, err)})
		case info.Mode().IsRegular() && !slices.ContainsFunc(known, func(one fs.FileInfo) bool { return os.SameFile(one, info) }):
			names, known = append(names, p), append(known, info)
		}
	}
	slices.Sort(names)
	return names, links, nil
}

// unread says why a file of a folder is not read.
func unread(name string, err error) string {
	var p *fs.PathError
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "is a link that leads nowhere"
	case errors.As(err, &p) && strings.Contains(err.Error(), "escapes"):
		return "is a link that leads out of the folder, where nothing is read: name that file, too"
	case errors.As(err, &p):
		return p.Err.Error()
	}
	return strings.TrimPrefix(err.Error(), name+" ")
}

// readWithin reads a file of a folder, and follows no link out of it.
func readWithin(dir, name string) ([]byte, error) {
	f, err := os.OpenInRoot(dir, name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return readAll(name, f, mostManifest)
}
