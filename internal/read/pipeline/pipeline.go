// Package pipeline reads the files that say what a build machine does: workflows and actions of GitHub, and
// GitLab's .gitlab-ci.yml. Jobs and steps know their lines, and what a step hands to a shell is read as the
// commands that it is; ${{ … }} in it is kept as what GitHub puts there before the shell sees it. It
// evaluates no expression and follows no other file.
package pipeline

import (
	"path"
	"strings"

	"github.com/plimsoll/plimsoll/internal/shell"
	"github.com/plimsoll/plimsoll/internal/tree"
)

// Kind is whose file it is.
type Kind int

// The kinds of pipeline file.
const (
	Unknown Kind = iota
	Workflow
	Action // an action.yml, composite or not
	GitLab
)

// File is one pipeline file.
type File struct {
	Path string
	Kind Kind
	Root *tree.Value
	Jobs []*Job
	// Unread are the steps whose commands could not be read.
	Unread []Unread
}

// Job is a job, or the action itself.
type Job struct {
	Name  string
	Line  int
	Value *tree.Value
	Steps []*Step
}

// Step is a step of a job, or one of the scripts of a GitLab job.
type Step struct {
	Name  string // for people: its name, its action, or "step 3"
	Job   *Job
	Value *tree.Value
	Uses  *tree.Value // the action that it runs; nil: none
	Run   *tree.Value
	// Script is what it does; nil where it runs an action, or where the text could not be read.
	Script *shell.Script
	// Expressions are what stands between ${{ and }}, by the variable that stands for it in Script.
	Expressions map[string]Expression
}

// Expression is one ${{ … }}, without its braces.
type Expression struct {
	Text string
	shell.Pos
}

// Unread is a step whose commands could not be read.
type Unread struct {
	Line  int
	What  string
	Other bool // it is written for a shell that is not read
}

// KindOf tells what kind of pipeline file lies at a path: by its folder and name.
func KindOf(at string) Kind {
	dir, name := path.Split(strings.ToLower(at))
	ext := path.Ext(name)
	if ext != ".yml" && ext != ".yaml" {
		return Unknown
	}
	switch {
	case strings.HasSuffix("/"+dir, "/.github/workflows/"), strings.HasSuffix("/"+dir, "/.gitea/workflows/"), strings.HasSuffix("/"+dir, "/.forgejo/workflows/"):
		return Workflow
	case name == "action"+ext:
		return Action
	case name == ".gitlab-ci"+ext, strings.HasSuffix(name, ".gitlab-ci"+ext):
		return GitLab
	}
	return Unknown
}

// Parse reads a pipeline file. Where its name does not tell the kind, what is in it does. An error is a
// *tree.Error.
func Parse(at string, source []byte) (*File, error) {
	all, err := tree.Parse(at, source)
	if err != nil {
		return nil, err
	}
	f := &File{Path: at, Kind: KindOf(at), Root: &tree.Value{}}
	for _, one := range all { // GitLab may have a header document with inputs before
		if f.Root.Map == nil || one.Map != nil {
			f.Root = one
		}
	}
	if f.Root.Map == nil && len(all) > 0 && !f.Root.Null {
		return nil, &tree.Error{Path: at, Line: f.Root.Line, What: "it is no map, as a pipeline file is"}
	}
	if f.Kind == Unknown {
		f.Kind = f.guess()
	}
	r := reader{f: f, lines: strings.Split(string(source), "\n")}
	switch f.Kind {
	case Workflow:
		for _, e := range entries(f.Root.Get("jobs")) {
			r.job(e.Key, e.Line, e.Value, e.Value.Get("steps"))
		}
	case Action:
		r.job("action", 1, f.Root, f.Root.Get("runs", "steps"))
	default:
		r.gitlab()
	}
	return f, nil
}
