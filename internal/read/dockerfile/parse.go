package dockerfile

import (
	"bytes"
	"errors"
	"slices"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/linter"
	"github.com/moby/buildkit/frontend/dockerfile/parser"

	"github.com/plimsoll/plimsoll/internal/tree"
)

// Options of a reading.
type Options struct {
	Target string // the name or number of the stage that is built; empty: the last one
	// Ignore and Settings are what lies beside the Dockerfile.
	Ignore   *Ignore
	Settings Settings
	Folder   bool // it is known what lies beside it
}

// Parse reads a Dockerfile. What BuildKit cannot read at all is an *tree.Error; instructions that it reads and
// refuses are the file's Faults, and the others are read all the same.
func Parse(path string, source []byte, o Options) (*File, error) {
	// A linter that says nothing: without one, BuildKit panics at a "# check=" above an instruction.
	f := &File{linter: linter.New(&linter.Config{}), Path: path, Source: source, Ignore: o.Ignore, Settings: o.Settings, Folder: o.Folder}
	if err := bounded(source); err != nil {
		err.Path = path
		return nil, err
	}
	result, err := parser.Parse(bytes.NewReader(source))
	if err != nil {
		return nil, located(path, err)
	}
	f.Escape = byte(result.EscapeToken)
	for _, w := range result.Warnings {
		if w.Location != nil {
			f.EmptyContinuations = append(f.EmptyContinuations, w.Location.Start.Line)
		}
	}
	f.directives()
	walk := newLines(source, f.Escape)
	walk.from = f.topLines()
	for _, n := range result.AST.Children {
		in := f.instruction(n)
		f.Comments = walk.until(n.StartLine, f.Comments)
		f.Comments = walk.join(in, n, f.Comments)
		f.Instructions = append(f.Instructions, in)
		if in.Inner != nil {
			in.Inner.Heredocs, in.Inner.lines = in.Heredocs, shifted(in.lines, len(in.Text)-len(in.Inner.Text))
		}
	}
	f.Comments = walk.until(walk.count()+1, f.Comments)
	if err := f.stages(o.Target); err != nil {
		return nil, err
	}
	slices.SortStableFunc(f.Faults, func(a, b *tree.Error) int { return a.Line - b.Line })
	return f, nil
}

// located turns an error of BuildKit's parser into one of ours.
func located(path string, err error) *tree.Error {
	e := &tree.Error{Path: path, What: err.Error()}
	var at *parser.LocationError
	if errors.As(err, &at) && len(at.Locations) > 0 && len(at.Locations[0]) > 0 {
		e.Line = at.Locations[0][0].Start.Line
	}
	return e
}

// directives reads the lines on top. BuildKit itself skips one line that begins with "#!" where it looks for
// the syntax, but not where it reads instructions.
func (f *File) directives() {
	source := bytes.TrimPrefix(f.Source, []byte("\xef\xbb\xbf"))
	var p parser.DirectiveParser
	all, _ := p.ParseAll(source) // what is wrong with them was an error of the parser's
	for _, d := range all {
		line := 0
		if len(d.Location) > 0 {
			line = d.Location[0].Start.Line
		}
		f.Directives = append(f.Directives, Directive{Name: d.Name, Value: d.Value, Line: line})
	}
}

// topLines is how many lines are directives.
func (f *File) topLines() (n int) {
	for _, d := range f.Directives {
		n = max(n, d.Line)
	}
	return n
}

// Directive returns the value of a line on top.
func (f *File) Directive(name string) (string, bool) {
	for _, d := range f.Directives {
		if d.Name == name {
			return d.Value, true
		}
	}
	return "", false
}

// instruction makes one of a node of the parser's.
func (f *File) instruction(n *parser.Node) *Instruction {
	in := &Instruction{
		Name: strings.ToUpper(n.Value), Word: n.Value, Start: n.StartLine, End: n.EndLine, Column: 1, Text: n.Original,
		JSON: n.Attributes["json"], file: f,
	}
	for _, flag := range n.Flags {
		name, value, has := strings.Cut(strings.TrimPrefix(flag, "--"), "=")
		in.Flags = append(in.Flags, Flag{Name: strings.ToLower(name), Value: value, HasValue: has})
	}
	f.arguments(in, n)
	for _, h := range n.Heredocs {
		in.Heredocs = append(in.Heredocs, Heredoc{Name: h.Name, Expand: h.Expand, Chomp: h.Chomp, Content: h.Content})
	}
	f.verify(in, n)
	return in
}

func (f *File) arguments(in *Instruction, n *parser.Node) {
	switch in.Name {
	case "ONBUILD":
		if n.Next != nil && len(n.Next.Children) > 0 {
			child := n.Next.Children[0]
			child.StartLine, child.EndLine = n.StartLine, n.EndLine
			child.Heredocs = n.Heredocs
			in.Inner = f.instruction(child)
			in.Inner.OnBuild = true
		}
		return
	case "ENV", "LABEL":
		for k := n.Next; k != nil && k.Next != nil && k.Next.Next != nil; k = k.Next.Next.Next {
			in.Pairs = append(in.Pairs, Pair{Key: k.Value, Value: k.Next.Value, HasValue: true, Legacy: k.Next.Next.Value == ""})
		}
		return
	}
	for a := n.Next; a != nil; a = a.Next {
		in.Args = append(in.Args, a.Value)
		if in.Name == "ARG" {
			key, value, has := strings.Cut(a.Value, "=")
			in.Pairs = append(in.Pairs, Pair{Key: key, Value: value, HasValue: has})
		}
	}
	text := strings.TrimSpace(in.Text)
	in.rest = len(text)
	if last := len(in.Args) - 1; last >= 0 && !in.JSON && strings.HasSuffix(text, in.Args[last]) {
		in.rest -= len(in.Args[last])
	}
}

// refusedByCheck are the words that BuildKit refuses in an ONBUILD, of which a check tells.
func refusedByCheck(word string) bool {
	return word == "ONBUILD" || word == "FROM" || word == "MAINTAINER"
}

// verify asks BuildKit whether it takes the instruction, and what its mounts are.
func (f *File) verify(in *Instruction, n *parser.Node) {
	if in.Name == "ONBUILD" && in.Inner != nil && refusedByCheck(in.Inner.Name) {
		return
	}
	got, err := instructions.ParseInstructionWithLinter(n, f.linter)
	if err != nil {
		f.Faults = append(f.Faults, &tree.Error{Path: f.Path, Line: in.Start, What: err.Error()})
		return
	}
	run, ok := got.(*instructions.RunCommand)
	if !ok || len(in.Flags) == 0 {
		return
	}
	// Expanding fills in what BuildKit leaves for later; variables stay as they are written.
	if err := run.Expand(func(word string) (string, error) { return word, nil }); err != nil {
		if !strings.Contains(strings.Join(n.Flags, " "), "$") {
			f.Faults = append(f.Faults, &tree.Error{Path: f.Path, Line: in.Start, What: err.Error()})
		}
		return
	}
	for _, m := range instructions.GetMounts(run) {
		in.Mounts = append(in.Mounts, mountOf(m))
	}
}

func mountOf(m *instructions.Mount) Mount {
	out := Mount{Type: string(m.Type), From: m.From, Source: m.Source, Target: m.Target, ID: m.CacheID, Writable: !m.ReadOnly}
	if m.Env != nil {
		out.Env = *m.Env
	}
	if m.Type != instructions.MountTypeSecret {
		return out
	}
	if out.ID == "" { // as BuildKit has it: the id, else the source, else the last word of the target
		out.ID = m.Source
	}
	if out.ID == "" {
		out.ID = m.Target[strings.LastIndex(m.Target, "/")+1:]
	}
	if m.Env != nil && *m.Env == "" {
		out.Env = out.ID
	}
	if out.Target == "" && m.Env == nil {
		out.Target = "/run/secrets/" + out.ID[strings.LastIndex(out.ID, "/")+1:]
	}
	return out
}
