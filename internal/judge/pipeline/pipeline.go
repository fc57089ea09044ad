// Package pipeline judges what build machines are told to do: GitHub's workflows and actions, GitLab's
// pipelines. It asks who may make them run, what of that person's words they run, whose code they take in
// without knowing which, and what they show of their secrets.
package pipeline

import (
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/check"
	"github.com/plimsoll/plimsoll/internal/read/pipeline"
	"github.com/plimsoll/plimsoll/internal/shell"
	"github.com/plimsoll/plimsoll/internal/tree"
)

// Check is a card and the function that looks at one file.
type Check struct {
	check.Card
	kinds []pipeline.Kind // whose files it is for
	look  func(f *pipeline.File) []hit
}

// hit is what is wrong, and where.
type hit struct {
	job      *pipeline.Job // nil: the file itself
	step     *pipeline.Step
	at       shell.Pos
	field    string
	detail   string
	fix      string
	severity finding.Severity
}

// Applies says that the check has something to look at in a file.
func (c Check) Applies(f *pipeline.File) bool { return slices.Contains(c.kinds, f.Kind) }

// Look runs the check on a file.
func (c Check) Look(f *pipeline.File) (hits []check.Hit) {
	if !c.Applies(f) {
		return nil
	}
	for _, h := range c.look(f) {
		subject := &finding.Subject{Kind: "pipeline", Field: h.field}
		where := h.field
		if h.step != nil {
			h.job = h.step.Job
		}
		if h.job != nil {
			subject.Kind, subject.Name = "job", h.job.Name
			where = h.job.Name + ": " + h.field
		}
		hits = append(hits, check.Hit{
			Where: where, Detail: h.detail, Fix: h.fix, Severity: h.severity, Subject: subject,
			At: []finding.Location{{Path: f.Path, StartLine: h.at.Line, EndLine: h.at.Line, Column: h.at.Column}},
		})
	}
	return hits
}

// Checks lists all checks of pipelines.
func Checks() []Check {
	return slices.Concat(references(), triggers(), secrets(), machines(), commands())
}

// The kinds of file that checks are for.
var (
	github = []pipeline.Kind{pipeline.Workflow, pipeline.Action}
	flows  = []pipeline.Kind{pipeline.Workflow}
	gitlab = []pipeline.Kind{pipeline.GitLab}
	both   = []pipeline.Kind{pipeline.Workflow, pipeline.Action, pipeline.GitLab}
)

// card makes a card. The examples are of the first kind that the check is for: for GitHub's workflows they
// are whole.
func card(id, title string, severity finding.Severity, why, fix, bad, good string, aliases ...string) check.Card {
	return check.Card{
		ID: "pipeline/" + id, Title: title, Kind: finding.KindMisconfiguration, Severity: severity, Decks: []string{finding.Build}, Since: "0.1",
		Aliases: aliases, Page: check.Page{Why: why, Fix: fix, Bad: bad, Good: good},
	}
}

// steps is a workflow with one job and these lines in its list of steps.
func steps(lines string) string {
	return "on: push\npermissions: {contents: read}\njobs:\n  build:\n    runs-on: ubuntu-24.04\n    steps:\n      " + strings.ReplaceAll(lines, "\n", "\n      ") + "\n"
}

func place(v *tree.Value) shell.Pos { return shell.Pos{Line: v.Line, Column: v.Column} }

// eachStep visits all steps.
func eachStep(f *pipeline.File, visit func(s *pipeline.Step)) {
	for _, j := range f.Jobs {
		for _, s := range j.Steps {
			visit(s)
		}
	}
}

// eachCommand visits all commands of all steps.
func eachCommand(f *pipeline.File, visit func(s *pipeline.Step, c *shell.Command)) {
	eachStep(f, func(s *pipeline.Step) {
		if s.Script == nil {
			return
		}
		for _, c := range s.Script.Commands {
			visit(s, c)
		}
	})
}

// events are what makes a workflow run.
func events(f *pipeline.File) (names []string) {
	on := f.Root.Get("on")
	for _, v := range on.Items() {
		names = append(names, v.Text)
	}
	if on != nil {
		for _, e := range on.Map {
			names = append(names, e.Key)
		}
	}
	return names
}

// foreign are the events at which strangers' words reach a workflow that holds the repository's secrets.
var foreign = []string{"pull_request_target", "issues", "issue_comment", "workflow_run", "discussion", "discussion_comment", "fork", "watch"}

func fromStrangers(f *pipeline.File) string {
	for _, e := range events(f) {
		if slices.Contains(foreign, e) {
			return e
		}
	}
	return ""
}

// uses parts owner/repository/path@reference.
func uses(v *tree.Value) (action, ref string) {
	action, ref, _ = strings.Cut(v.String(), "@")
	return action, ref
}

func hexadecimal(s string) bool { return strings.Trim(s, "0123456789abcdef") == "" }

// expressionsIn finds ${{ … }} in a text that is no script.
func expressionsIn(text string) (all []string) {
	for {
		_, after, ok := strings.Cut(text, "${{")
		one, rest, closed := strings.Cut(after, "}}")
		if !ok || !closed {
			return all
		}
		all = append(all, strings.TrimSpace(one))
		text = rest
	}
}

// matcher compiles an expression when it is first asked.
func matcher(expression string) func(string) bool {
	re := sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(expression) })
	return func(s string) bool { return re().MatchString(s) }
}
