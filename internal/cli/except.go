package cli

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/deck/scan"
	"github.com/plimsoll/plimsoll/internal/read/exceptionfile"
	"github.com/plimsoll/plimsoll/internal/read/savedreport"
	"github.com/plimsoll/plimsoll/internal/read/vex"
	"github.com/plimsoll/plimsoll/internal/weigh/baseline"
	"github.com/plimsoll/plimsoll/internal/weigh/exception"
)

// exceptOptions say what lets findings pass, and what is no news.
type exceptOptions struct {
	exceptions, vex []string
	baseline        string
	failOnDisclosed bool
	since           []string
}

// noExceptions is the word that has no exceptions looked for beside what is scanned.
const noExceptions = "none"

func (o *exceptOptions) flags(f *pflag.FlagSet) {
	f.Var(repeated(&o.exceptions), "exceptions", "`FILE` of exceptions, or one that .trivyignore, hadolint or grype keep; may be repeated; none leaves out those that lie beside a source folder or Dockerfile")
	f.Var(repeated(&o.vex), "vex", "`FILE` of VEX statements: OpenVEX, CycloneDX or CSAF, as JSON; may be repeated")
	f.StringVar(&o.baseline, "baseline", "", "earlier `REPORT` (-o json): deny only what was not there, and warn of what became known since")
	f.BoolVar(&o.failOnDisclosed, "fail-on-disclosed", false, "deny also what became known since the baseline")
	f.Var(parted(&o.since), "since", "show only findings of these `CLASSES`, as against the baseline: new, disclosed, known; the gate sees all")
}

// classes are what --since asks for.
func (o *exceptOptions) classes() ([]finding.Since, error) {
	var all []finding.Since
	words := []finding.Since{finding.SinceNew, finding.SinceDisclosed, finding.SinceKnown}
	for _, w := range o.since {
		if !slices.Contains(words, finding.Since(w)) {
			return nil, usage("--since %q: use new, disclosed or known", w)
		}
		all = append(all, finding.Since(w))
	}
	switch {
	case o.baseline == "" && len(all) > 0:
		return nil, usage("--since goes with --baseline, which tells what is new")
	case o.baseline == "" && o.failOnDisclosed:
		return nil, usage("--fail-on-disclosed goes with --baseline, which tells what became known since")
	}
	return all, nil
}

// given is what the files say that were named.
type given struct {
	files    []exceptionfile.File
	vex      []vex.Document
	baseline *baseline.Baseline
	from     finding.File // of the baseline
	beside   bool         // files beside what is scanned are taken, too
}

// open reads all files before anything is scanned, so that what is wrong with them is said at once.
func (o *exceptOptions) open(g *global) (*given, error) {
	in := &given{beside: true}
	for _, name := range o.exceptions {
		if name == noExceptions {
			in.beside = false
			continue
		}
		f, err := exceptionfile.Read(name)
		if err != nil {
			return nil, usage("--exceptions %w", err)
		}
		in.files = append(in.files, f)
	}
	for _, name := range o.vex {
		d, err := vex.Read(name)
		if err != nil {
			return nil, usage("--vex %w", err)
		}
		in.vex = append(in.vex, d)
	}
	if o.baseline != "" {
		r, digest, err := savedreport.Read(o.baseline)
		if err == nil {
			in.baseline, err = baseline.Of(r)
		}
		if err != nil {
			return nil, usage("--baseline %s", withName(o.baseline, err))
		}
		in.from = finding.File{Name: filepath.ToSlash(o.baseline), Digest: digest}
	}
	_, err := exception.Compile(in.files, in.vex, g.env.Now())
	return in, contradicted(err)
}

// withName puts a file's name before what is wrong with it, unless it stands there.
func withName(name string, err error) string {
	if text := err.Error(); strings.Contains(text, name) {
		return text
	}
	return fmt.Sprintf("%s: %v", name, err)
}

// contradicted makes it the caller's error that two files contradict each other.
func contradicted(err error) error {
	var conflict *exception.ConflictError
	var stage *scan.StageError
	if errors.As(err, &stage) {
		return usage("--target: %v", err)
	}
	if errors.As(err, &conflict) {
		return exitError{exitUsage, err}
	}
	return err
}

// into hands what was given to a scan, together with what lies beside its subjects.
func (in *given) into(g *global, so *scan.Options, subjects []scan.Subject) error {
	files := slices.Clone(in.files)
	if in.beside {
		for _, s := range subjects {
			more, err := besideSubject(g, s, files)
			if err != nil {
				return err
			}
			files = append(files, more...)
		}
	}
	so.Baseline, so.BaselineFile, so.NoBeside = in.baseline, in.from, !in.beside
	if len(files)+len(in.vex) == 0 {
		return nil
	}
	set, err := exception.Compile(files, in.vex, so.Now)
	so.Exceptions = set
	return contradicted(err)
}

// lookedFor are the files that count where they lie beside a source folder or a Dockerfile. A .hadolint.yaml, which
// holds for all below it, is looked for by the scan.
var lookedFor = []string{"plimsoll-exceptions.yaml", ".trivyignore", ".trivyignore.yaml"}

// besideSubject reads the files of exceptions that lie where people keep them. They speak of that target alone,
// and of what they let pass is said.
func besideSubject(g *global, s scan.Subject, had []exceptionfile.File) ([]exceptionfile.File, error) {
	dir, target := "", ""
	switch {
	case s.Image != nil && s.Image.Origin == "source":
		dir, target = s.Image.Name, s.Image.Name
	case s.Files != nil && s.Files.Name != "standard input":
		dir, target = filepath.Dir(s.Files.Name), s.Files.Name
	default:
		return nil, nil
	}
	var all []exceptionfile.File
	for _, name := range lookedFor {
		file := filepath.Join(dir, name)
		named := slices.ContainsFunc(had, func(f exceptionfile.File) bool { return filepath.Clean(f.Name) == filepath.Clean(file) })
		if info, err := os.Lstat(file); named || err != nil || !info.Mode().IsRegular() {
			continue
		}
		f, err := exceptionfile.Read(file)
		if err != nil {
			return nil, usage("%v (it lies beside %s; --exceptions none leaves it out)", err, target)
		}
		if len(f.Exceptions)+len(f.Owners)+len(f.Severities) == 0 {
			continue
		}
		for i := range f.Exceptions {
			if e := &f.Exceptions[i]; len(e.Targets) == 0 {
				e.Targets = []string{target}
			}
		}
		for i := range f.Owners {
			if o := &f.Owners[i]; len(o.Targets) == 0 {
				o.Targets = []string{target}
			}
		}
		g.say("%s: %s of %s count (--exceptions none leaves them out)", target, count(len(f.Exceptions), "exception"), file)
		all = append(all, f)
	}
	return all, nil
}

// tell says of each file what came of it where that is not what one would expect.
func (in *given) tell(g *global, r *finding.Report) {
	for _, f := range r.Tool.Files {
		if f.Note != "" {
			g.say("plimsoll: %s: %s", f.Name, f.Note)
		}
	}
}
