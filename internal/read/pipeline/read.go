package pipeline

import (
	"fmt"
	"slices"
	"strings"

	"github.com/plimsoll/plimsoll/internal/shell"
	"github.com/plimsoll/plimsoll/internal/tree"
)

// maxSteps bounds the steps of a file.
const maxSteps = 5000

func entries(v *tree.Value) []tree.Entry {
	if v == nil {
		return nil
	}
	return v.Map
}

func (f *File) guess() Kind {
	switch {
	case f.Root.Get("runs") != nil:
		return Action
	case f.Root.Get("jobs") != nil && f.Root.Get("on") != nil:
		return Workflow
	}
	return GitLab
}

type reader struct {
	f     *File
	lines []string // of the file
	count int
}

func (r *reader) job(name string, line int, v, steps *tree.Value) {
	j := &Job{Name: name, Line: line, Value: v}
	r.f.Jobs = append(r.f.Jobs, j)
	for i, s := range steps.Items() {
		step := &Step{Name: fmt.Sprintf("step %d", i+1), Job: j, Value: s, Uses: s.Get("uses"), Run: s.Get("run")}
		if n := s.Get("name").String(); n != "" && len(n) < 80 {
			step.Name = n
		} else if step.Uses != nil {
			step.Name = step.Uses.Text
		}
		j.Steps = append(j.Steps, step)
		if step.Run != nil {
			r.script(step, r.language(step))
		}
	}
}

// language is what runs a step: its shell, that of its job or file, or the runner's own.
func (r *reader) language(s *Step) shell.Language {
	for _, v := range []*tree.Value{s.Value.Get("shell"), s.Job.Value.Get("defaults", "run", "shell"), r.f.Root.Get("defaults", "run", "shell")} {
		if v == nil || strings.Contains(v.Text, "${{") {
			continue
		}
		first, _, _ := strings.Cut(v.Text, " ")
		return shell.LanguageOf(first)
	}
	for _, label := range s.Job.Value.Get("runs-on").Items() {
		if strings.Contains(strings.ToLower(label.Text), "windows") {
			return shell.Other
		}
	}
	return shell.Bash
}

// gitlab reads every entry that has a script, templates and hidden jobs too.
func (r *reader) gitlab() {
	for _, e := range r.f.Root.Map {
		if e.Key == "default" || e.Key == "before_script" || e.Key == "after_script" || e.Value.Map == nil {
			if e.Key != "before_script" && e.Key != "after_script" && e.Key != "default" {
				continue
			}
		}
		switch e.Key {
		case "variables", "include", "workflow", "stages", "image", "cache", "services", "spec":
			continue
		}
		j := &Job{Name: e.Key, Line: e.Line, Value: e.Value}
		r.f.Jobs = append(r.f.Jobs, j)
		if e.Value.Map == nil {
			r.commands(j, e.Key, e.Value)
			continue
		}
		for _, key := range []string{"before_script", "script", "after_script"} {
			r.commands(j, key, e.Value.Get(key))
		}
	}
}

// commands are the items of a GitLab script: lists may hold lists.
func (r *reader) commands(j *Job, key string, v *tree.Value) {
	for _, item := range v.Items() {
		if item.List != nil && item.Tag == "" {
			r.commands(j, key, item)
			continue
		}
		if !item.Scalar || item.Tag != "" || item.Text == "" {
			continue
		}
		s := &Step{Name: key, Job: j, Value: item, Run: item}
		j.Steps = append(j.Steps, s)
		r.script(s, shell.POSIX)
	}
}

// script reads what a step hands to its shell.
func (r *reader) script(s *Step, of shell.Language) {
	if r.count++; r.count > maxSteps {
		if r.count == maxSteps+1 {
			r.f.Unread = append(r.f.Unread, Unread{Line: s.Run.Line, What: fmt.Sprintf("the file has more than %d steps", maxSteps)})
		}
		return
	}
	if of == shell.Other {
		r.f.Unread = append(r.f.Unread, Unread{s.Run.Line, "its shell is none of the Bourne family", true})
		return
	}
	src := r.source(s.Run)
	if r.f.Kind != GitLab {
		src, s.Expressions = expressions(src)
	}
	var err error
	if s.Script, err = shell.Parse(of, src); err != nil {
		_, what, _ := strings.Cut(err.Error(), ": ")
		r.f.Unread = append(r.f.Unread, Unread{s.Run.Line, what, slices.Contains(anywhere(s), "windows")})
	}
}

// anywhere are the systems that a step may run on, where an expression chooses: PowerShell may be its shell.
func anywhere(s *Step) []string {
	for _, v := range s.Job.Value.Get("runs-on").Items() {
		if strings.Contains(v.Text, "${{") {
			return []string{"windows"}
		}
	}
	return nil
}

// source finds where a scalar's text stands in the file.
func (r *reader) source(v *tree.Value) shell.Source {
	at := shell.Pos{Line: max(v.Line, 1), Column: max(v.Column, 1)}
	switch {
	case v.Block && !v.Folded:
		// The text begins on the next line; how far it is indented, its first line with something tells.
		indent := 0
		for i := at.Line; i < len(r.lines); i++ {
			if trimmed := strings.TrimLeft(r.lines[i], " "); strings.TrimSpace(trimmed) != "" {
				indent = len(r.lines[i]) - len(trimmed)
				break
			}
		}
		return shell.Plain(v.Text, shell.Pos{Line: at.Line + 1, Column: indent + 1}, indent)
	case v.Folded || strings.Contains(v.Text, "\n"):
		return shell.Fixed(v.Text, at)
	case v.Quoted:
		at.Column++
	}
	return shell.Plain(v.Text, at, 0)
}

// expressions puts a variable of the same length in the place of each ${{ … }}, so that the shell's grammar
// and all places stay as they are.
func expressions(src shell.Source) (shell.Source, map[string]Expression) {
	if !strings.Contains(src.Text, "${{") {
		return src, nil
	}
	found := map[string]Expression{}
	var b strings.Builder
	rest := src.Text
	for {
		before, after, ok := strings.Cut(rest, "${{")
		end := strings.Index(after, "}}")
		if !ok || end < 0 {
			b.WriteString(rest)
			break
		}
		b.WriteString(before)
		name := fmt.Sprintf("_%d", len(found))
		if room := end + 2; len(name) < room {
			name += strings.Repeat("_", room-len(name))
		}
		found[name] = Expression{strings.TrimSpace(after[:end]), src.At(b.Len())}
		b.WriteString("${" + name + "}")
		rest = after[end+2:]
	}
	src.Text = b.String()
	return src, found
}

// In lists the expressions in a word of the step's script.
func (s *Step) In(w shell.Word) (all []Expression) {
	rest := w.Text
	for {
		_, after, ok := strings.Cut(rest, "${")
		name, tail, closed := strings.Cut(after, "}")
		if !ok || !closed {
			return all
		}
		if e, known := s.Expressions[name]; known {
			all = append(all, e)
		}
		rest = tail
	}
}
