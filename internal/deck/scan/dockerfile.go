package scan

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/judge/dockerfile"
	"github.com/plimsoll/plimsoll/internal/judge/imagecfg"
	read "github.com/plimsoll/plimsoll/internal/read/dockerfile"
	"github.com/plimsoll/plimsoll/internal/read/exceptionfile"
	"github.com/plimsoll/plimsoll/internal/read/image/inventory"
)

// dockerfiles are the files that images are built from.
var dockerfiles = family{
	name: "dockerfile", title: "a Dockerfile",
	wants:  isDockerfile,
	beside: []string{".dockerignore", "*.dockerignore", ".hadolint.yaml", ".hadolint.yml"},
	broken: brokenDockerfile,
	judge:  judgeDockerfiles,
}

// isDockerfile knows Dockerfile, Containerfile, Dockerfile.NAME and NAME.Dockerfile. What a template or
// another program makes of one bears its own ending.
func isDockerfile(at string) bool {
	name := strings.ToLower(path.Base(at))
	for _, word := range []string{"dockerfile", "containerfile"} {
		if name == word || strings.HasSuffix(name, "."+word) {
			return true
		}
		if rest, ok := strings.CutPrefix(name, word+"."); ok {
			return !otherKind(rest)
		}
	}
	return false
}

// otherKind knows endings of files that only begin like a Dockerfile.
func otherKind(ending string) bool {
	switch ending[strings.LastIndex(ending, ".")+1:] {
	case "dockerignore", "j2", "jinja", "jinja2", "tmpl", "template", "tpl", "erb", "in", "m4", "mustache", "hbs", "ejs", "gotmpl",
		"md", "txt", "rst", "html", "json", "yaml", "yml", "toml", "lock", "go", "py", "js", "ts", "tsx", "rb", "sh", "java", "rs", "php", "cs", "xml", "png", "svg",
		"bak", "orig", "rej", "swp", "old", "patch", "diff", "sha256", "sig":
		return true
	}
	return strings.HasSuffix(ending, "~") || ending == ""
}

// maxFaults bounds how many lines an error has.
const maxFaults = 10

// brokenDockerfile tells what BuildKit refuses in a Dockerfile that was named, or is wrong with the files beside it.
func brokenDockerfile(of *Files, stage string) error {
	docs := of.Documents
	b := besideOf(docs, nil)
	wrong := b.wrong
	of.Idle = nil
	for _, dir := range slices.Sorted(maps.Keys(b.settings)) {
		if set := b.settings[dir]; set.Threshold != "" {
			of.Idle = append(of.Idle, fmt.Sprintf("%s: failure-threshold: %s draws no line here: --fail-on does", set.Path, set.Threshold))
		}
	}
	o := b.options(docs[0].Path, true)
	o.Target = stage
	f, err := read.Parse(docs[0].Path, docs[0].Bytes, o)
	if err != nil {
		return errors.Join(append(wrong, err)...)
	}
	for _, e := range f.Faults[:min(len(f.Faults), maxFaults)] {
		wrong = append(wrong, e)
	}
	return errors.Join(wrong...)
}

// judgeDockerfiles runs all checks on each.
func judgeDockerfiles(_ context.Context, s *scan, t *finding.Target, docs []inventory.Document) (seen []sight, gaps []finding.Gap) {
	b := besideOf(docs, s.counts)
	checks, unread := dockerfile.Judge()
	config := imagecfg.Checks()
	for _, err := range b.wrong {
		gaps = append(gaps, unreadable("", err))
	}
	for i, d := range docs {
		if b.is[d.Path] || t.Kind == sourceFolder && !isDockerfile(d.Path) || t.Kind == "dockerfile" && i > 0 {
			continue
		}
		f, err := s.aim(t, d, b.options(d.Path, t.Name != "standard input"))
		if err != nil {
			gaps = append(gaps, unreadable(d.Path, err))
			continue
		}
		if n := len(f.Faults); n > 0 { // the builder ends at the first, too
			g := unreadable(d.Path, f.Faults[0])
			if g.Count = n; n > 1 {
				g.What = fmt.Sprintf("%s, and %d more", g.What, n-1)
			}
			gaps = append(gaps, g)
		}
		if s.o.runs("dockerfile") {
			gaps = append(gaps, unread(f)...)
		}
		if len(s.o.Policies) > 0 && f.Target != nil {
			facts := s.factsOf(t.ID)
			facts.Builds = append(facts.Builds, s.build(f))
		}
		s.recipes = append(s.recipes, recipe{t.ID, d.Path, f, t.Kind == "dockerfile"})
		of, more := s.judgeDockerfile(f, checks, config)
		seen, gaps = append(seen, of...), append(gaps, more...)
	}
	return seen, gaps
}

// aimed is how many Dockerfiles have the stage that was asked for, and which have not.
type aimed struct {
	at      int
	without []error
}

// StageError says that no Dockerfile has the stage that was asked for.
type StageError struct{ cause error }

func (e *StageError) Error() string { return e.cause.Error() }

// missed is the error where the stage that was asked for stands nowhere.
func (s *scan) missed() error {
	switch {
	case s.o.Stage == "" || s.aimed.at > 0:
		return nil
	case len(s.aimed.without) == 0:
		return &StageError{fmt.Errorf("there is no Dockerfile that could have a stage %q", s.o.Stage)}
	}
	return &StageError{errors.Join(s.aimed.without[:min(len(s.aimed.without), maxFaults)]...)}
}

// aim reads a Dockerfile for the stage that was asked for. In a folder it is one of several, of which not all
// need have that stage: what has none is judged as if nothing was asked.
func (s *scan) aim(t *finding.Target, d inventory.Document, o read.Options) (*read.File, error) {
	o.Target = s.o.Stage
	f, err := read.Parse(d.Path, d.Bytes, o)
	var none *read.StageError
	switch {
	case errors.As(err, &none):
		s.aimed.without = append(s.aimed.without, err)
		o.Target = ""
		return read.Parse(d.Path, d.Bytes, o)
	case err == nil && f.Aimed:
		s.aimed.at++
		t.Stage = s.o.Stage
	}
	return f, err
}

// judgeDockerfile runs all checks on one, and those of an image's configuration on what the image of its
// target would have.
func (s *scan) judgeDockerfile(f *read.File, checks []dockerfile.Check, config []imagecfg.Check) (seen []sight, gaps []finding.Gap) {
	pragmas := dockerfile.PragmasOf(f)
	add := func(one sight) {
		for i := range one.hits {
			one.hits[i] = pragmas.Apply(*one.card, one.hits[i])
		}
		seen = append(seen, one)
	}
	if s.o.runs("dockerfile") {
		for i := range checks {
			add(sight{card: &checks[i].Card, applies: true, hits: checks[i].Look(f)})
		}
	}
	if f.Target != nil && s.o.runs("image") {
		for _, one := range judgeConfig(imagecfg.Facts{Now: s.o.Now, Config: dockerfileConfig(f)}, config) {
			add(one)
		}
	}
	if s.o.ShellCheck != nil && s.o.runs("dockerfile") {
		said, gap := s.shellcheck(f)
		for _, one := range said {
			add(one)
		}
		gaps = gap
	}
	return seen, gaps
}

// beside is what lies beside Dockerfiles.
type beside struct {
	ignores  map[string]*read.Ignore
	settings map[string]read.Settings
	is       map[string]bool // paths that are such files
	wrong    []error
}

// besideOf reads it. Counts says whether what a file ignores and overrides is to count; nil: it does.
func besideOf(docs []inventory.Document, counts func(exceptionfile.File) bool) *beside {
	b := &beside{ignores: map[string]*read.Ignore{}, settings: map[string]read.Settings{}, is: map[string]bool{}}
	for _, d := range docs {
		var err error
		switch name := path.Base(d.Path); {
		case strings.HasSuffix(name, ".dockerignore"):
			var g *read.Ignore
			if g, err = read.ParseIgnore(d.Path, d.Bytes); err == nil {
				b.ignores[d.Path] = g
			}
		case name == ".hadolint.yaml", name == ".hadolint.yml":
			var of read.Settings
			if of, err = hadolintSettings(d, counts); err == nil {
				b.settings[path.Dir(d.Path)] = of
			}
		default:
			continue
		}
		b.is[d.Path] = true
		if err != nil {
			b.wrong = append(b.wrong, err)
		}
	}
	return b
}

// hadolintSettings reads a .hadolint.yaml.
func hadolintSettings(d inventory.Document, counts func(exceptionfile.File) bool) (read.Settings, error) {
	of, err := read.ParseSettings(d.Path, d.Bytes)
	if err != nil || !of.Excepts {
		return of, err
	}
	f, err := exceptionfile.Parse(d.Path, d.Bytes)
	if err != nil || counts != nil && !counts(f) {
		return of, err
	}
	bare := func(rule string) string { return strings.TrimPrefix(rule, "hadolint/") }
	for i := range f.Exceptions {
		of.Ignored = append(of.Ignored, bare(f.Exceptions[i].Rules[0]))
	}
	of.Override = map[string]finding.Severity{}
	for _, o := range f.Severities {
		of.Override[bare(o.Rule)] = o.Severity
	}
	return of, nil
}

// counts says whether what a file beside Dockerfiles ignores and overrides is to count: not where the caller wants
// none of it, and not twice where he has named that file.
func (s *scan) counts(f exceptionfile.File) bool {
	return !s.o.NoBeside && (s.o.Exceptions == nil || !slices.ContainsFunc(s.o.Exceptions.Files(), func(named finding.File) bool {
		return named.Kind == f.Kind && named.Digest == f.Digest
	}))
}

// options are those for a Dockerfile: what lies nearest above it counts.
func (b *beside) options(at string, folder bool) read.Options {
	o := read.Options{Folder: folder, Ignore: b.ignores[at+".dockerignore"]}
	for dir := path.Dir(at); ; dir = path.Dir(dir) {
		if g := b.ignores[path.Join(dir, ".dockerignore")]; g != nil && o.Ignore == nil {
			o.Ignore = g
		}
		if of, ok := b.settings[dir]; ok && o.Settings.Path == "" {
			o.Settings = of
		}
		if dir == path.Dir(dir) {
			return o
		}
	}
}
