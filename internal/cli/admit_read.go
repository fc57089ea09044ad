package cli

import (
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"

	"github.com/spf13/pflag"

	"github.com/plimsoll/plimsoll/internal/expr/admission"
	"github.com/plimsoll/plimsoll/internal/read/kube"
	"github.com/plimsoll/plimsoll/internal/read/kube/dump"
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
}

// manifests reads files and folders. In a folder, what holds no object is passed over.
func (g *global) manifests(words []string) (all []manifest, err error) {
	var reader kube.Reader
	for _, word := range words {
		if word == "-" {
			b, err := readAll("standard input", g.env.Stdin, mostManifest)
			if err != nil {
				return nil, usage("%w", err)
			}
			all = append(all, manifestOf(&reader, "standard input", b))
			continue
		}
		info, err := os.Stat(word)
		if err != nil {
			return nil, usage("%w", err)
		}
		if info.IsDir() && dump.Is(word) {
			m, err := manifestOfDump(word)
			if err != nil {
				return nil, err
			}
			all = append(all, m)
			continue
		}
		dir, names := filepath.Dir(word), []string{filepath.Base(word)}
		if info.IsDir() {
			dir = word
			if names, err = manifestsIn(word); err != nil {
				return nil, usage("%s: %w", word, err)
			}
		}
		for _, name := range names {
			b, err := readWithin(dir, name)
			if err != nil {
				return nil, usage("%w", err)
			}
			if m := manifestOf(&reader, filepath.ToSlash(filepath.Join(dir, name)), b); !info.IsDir() || len(m.objects)+len(m.problems) > 0 {
				all = append(all, m)
			}
		}
	}
	return all, nil
}

// objects reads files and folders, and says what is broken in them.
func (g *global) objects(words []string) (all []*kube.Object, broken bool, err error) {
	files, err := g.manifests(words)
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

// manifestOfDump is what cluster dump wrote; what that could not read is a problem.
func manifestOfDump(dir string) (m manifest, err error) {
	c, err := dump.Read(dir)
	if err != nil {
		return m, usage("%s: %w", dir, err)
	}
	m.name, m.objects = dir, c.Objects
	for _, missing := range c.Missing {
		if missing.Blocking {
			m.problems = append(m.problems, &kube.Problem{Path: path.Join(filepath.ToSlash(dir), dump.Head), Line: 1, What: missing.What})
		}
	}
	return m, nil
}

func manifestsIn(dir string) (names []string, err error) {
	err = fs.WalkDir(os.DirFS(dir), ".", func(p string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.Type().IsRegular() && kube.MayBe(p):
			names = append(names, p)
		}
		if len(names) > mostManifests {
			return fmt.Errorf("it holds more than %d files of manifests", mostManifests)
		}
		return nil
	})
	return names, err
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
