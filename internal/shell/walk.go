package shell

import (
	"path"
	"slices"
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

// walker collects the commands of a tree.
type walker struct {
	src    Source
	lang   Language
	depth  int // of sh -c within sh -c
	script *Script
	joined string
	full   bool
}

func (w *walker) stmts(all []*syntax.Stmt, in Where) (found []*Command) {
	for _, s := range all {
		w.joined = ";"
		found = append(found, w.stmt(s, in)...)
	}
	return found
}

// stmt walks one statement and returns the commands in it that read its standard input and write its
// output: those of $( … ) do not.
func (w *walker) stmt(s *syntax.Stmt, in Where) []*Command {
	if s.Background {
		in |= InBackground
	}
	found := w.command(s.Cmd, in)
	redirs := w.redirs(s.Redirs, in)
	if s.Cmd == nil && len(redirs) > 0 { // > file
		found = w.add(&Command{Pos: w.pos(s), Where: in})
	}
	for _, c := range found {
		if c.Via == nil || len(c.Redirs) == 0 {
			c.Redirs = append(c.Redirs, redirs...)
		}
	}
	if _, ok := s.Cmd.(*syntax.CallExpr); ok && len(found) > 0 {
		return append(found, w.through(found[0], in)...)
	}
	return found
}

func (w *walker) command(cmd syntax.Command, in Where) []*Command {
	switch c := cmd.(type) {
	case *syntax.CallExpr:
		return w.call(c, in)
	case *syntax.BinaryCmd:
		return w.binary(c, in)
	case *syntax.Subshell:
		return w.stmts(c.Stmts, in|InSubshell)
	case *syntax.Block:
		return w.stmts(c.Stmts, in)
	case *syntax.IfClause:
		return w.branches(c, in)
	case *syntax.WhileClause:
		return append(w.stmts(c.Cond, in|InCondition|InLoop), w.stmts(c.Do, in|InLoop)...)
	case *syntax.ForClause:
		if iter, ok := c.Loop.(*syntax.WordIter); ok {
			for _, item := range iter.Items {
				w.word(item, in)
			}
		}
		return w.stmts(c.Do, in|InLoop)
	case *syntax.CaseClause:
		w.word(c.Word, in)
		var found []*Command
		for _, item := range c.Items {
			found = append(found, w.stmts(item.Stmts, in|InBranch)...)
		}
		return found
	case *syntax.FuncDecl:
		if c.Body != nil {
			w.stmt(c.Body, in|InFunction)
		}
	case *syntax.TimeClause:
		if c.Stmt != nil {
			return w.stmt(c.Stmt, in)
		}
	case *syntax.CoprocClause:
		return w.stmt(c.Stmt, in)
	case *syntax.DeclClause:
		return w.declare(c, in)
	}
	return nil
}

func (w *walker) branches(c *syntax.IfClause, in Where) []*Command {
	found := w.stmts(c.Cond, in|InCondition)
	found = append(found, w.stmts(c.Then, in|InBranch)...)
	for c = c.Else; c != nil; c = c.Else {
		found = append(found, w.stmts(c.Cond, in|InCondition|InBranch)...)
		found = append(found, w.stmts(c.Then, in|InBranch)...)
	}
	return found
}

func (w *walker) binary(c *syntax.BinaryCmd, in Where) []*Command {
	switch c.Op {
	case syntax.Pipe, syntax.PipeAll:
		left := w.stmt(c.X, in|InPipe)
		w.joined = "|"
		right := w.stmt(c.Y, in)
		w.pipe(c, left, right)
		return slices.Concat(left, right)
	case syntax.OrStmt:
		left := w.stmt(c.X, in)
		w.joined = "||"
		return slices.Concat(left, w.stmt(c.Y, in|InBranch))
	default:
		left := w.stmt(c.X, in)
		w.joined = "&&"
		return slices.Concat(left, w.stmt(c.Y, in))
	}
}

// pipe notes that the left feeds the right, and what is a pipeline of its own. In a | b | c the tree has
// a | b on the left, so that b is on both sides in turn.
func (w *walker) pipe(c *syntax.BinaryCmd, left, right []*Command) {
	if len(right) == 0 {
		return
	}
	for _, l := range left {
		if l.To == nil {
			l.To = right[0]
		}
	}
	for _, r := range right {
		r.From = append(r.From, left...)
	}
	p := Pipe{Pos: w.at(c.Pos()), Guarded: w.script.PipeFail, Last: right[0].Name}
	if len(left) > 0 {
		p.First = left[0].Name
	}
	if n := len(w.script.Pipes); n > 0 && w.script.Pipes[n-1].Pos == p.Pos {
		p.First = w.script.Pipes[n-1].First
		w.script.Pipes[n-1] = p
		return
	}
	w.script.Pipes = append(w.script.Pipes, p)
}

func (w *walker) declare(c *syntax.DeclClause, in Where) []*Command {
	cmd := &Command{Pos: w.at(c.Pos()), Name: c.Variant.Value, Where: in, Joined: w.joined}
	for _, a := range c.Args {
		if a.Name != nil && a.Value != nil {
			cmd.Assigns = append(cmd.Assigns, Assign{a.Name.Value, w.word(a.Value, in)})
		}
	}
	return w.add(cmd)
}

func (w *walker) call(c *syntax.CallExpr, in Where) []*Command {
	cmd := &Command{Pos: w.at(c.Pos()), Where: in, Joined: w.joined}
	added := w.add(cmd)
	for _, a := range c.Assigns {
		if a.Name != nil && a.Value != nil {
			cmd.Assigns = append(cmd.Assigns, Assign{a.Name.Value, w.word(a.Value, in)})
		}
	}
	var words []Word
	for _, arg := range c.Args {
		words = append(words, w.word(arg, in))
	}
	if len(words) == 0 {
		return added
	}
	cmd.Pos = words[0].Pos
	cmd.Args = words[1:]
	if words[0].Known {
		cmd.Name = base(words[0].Text)
		cmd.plain()
	}
	switch cmd.Name {
	case "set":
		w.options(cmd)
	case "export", "readonly":
		cmd.export()
	}
	return added
}

// base is a program's name without its folder.
func base(program string) string {
	if strings.HasSuffix(program, "/") {
		return program
	}
	return path.Base(program)
}

// export finds the variables that export sets, which POSIX shells read as words.
func (c *Command) export() {
	for _, a := range c.Args {
		if name, value, ok := strings.Cut(a.Text, "="); ok && isName(name) {
			a.Text = value
			c.Assigns = append(c.Assigns, Assign{name, a})
		}
	}
}

// options follows set, which changes what later commands mean.
func (w *walker) options(c *Command) {
	if c.Where&(InSubstitution|InFunction) != 0 {
		return
	}
	for i, a := range c.Args {
		switch {
		case strings.HasPrefix(a.Text, "-") && !strings.HasPrefix(a.Text, "--"):
			w.script.ErrExit = w.script.ErrExit || strings.Contains(a.Text, "e")
			if strings.Contains(a.Text, "x") {
				w.script.Trace = append(w.script.Trace, c.Pos)
			}
		case a.Text == "pipefail" && i > 0 && strings.HasPrefix(c.Args[i-1].Text, "-"):
			w.script.PipeFail = true
		case a.Text == "pipefail" && i > 0 && strings.HasPrefix(c.Args[i-1].Text, "+"):
			w.script.PipeFail = false
		case a.Text == "xtrace" && i > 0 && strings.HasPrefix(c.Args[i-1].Text, "-"):
			w.script.Trace = append(w.script.Trace, c.Pos)
		}
	}
}

func (w *walker) add(c *Command) []*Command {
	if len(w.script.Commands) >= maxCommands {
		w.full = true
		return nil
	}
	w.script.Commands = append(w.script.Commands, c)
	return []*Command{c}
}

func (w *walker) redirs(all []*syntax.Redirect, in Where) (out []Redir) {
	for _, r := range all {
		one := Redir{Op: r.Op.String()}
		if r.N != nil {
			one.FD = r.N.Value
		}
		if r.Word != nil {
			one.To = w.word(r.Word, in)
		}
		if r.Hdoc != nil {
			one.Body, one.offset = w.word(r.Hdoc, in).Text, int(r.Hdoc.Pos().Offset())
		}
		out = append(out, one)
	}
	return out
}

func (w *walker) at(p syntax.Pos) Pos { return w.src.At(int(p.Offset())) }

func (w *walker) pos(n syntax.Node) Pos { return w.at(n.Pos()) }
