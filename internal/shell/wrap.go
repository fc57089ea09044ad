package shell

import (
	"slices"
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

// wrapper is a program that runs the command in its arguments.
type wrapper struct {
	// valued are its options that take the next word as their value; all others stand alone.
	valued []string
	// skip is how many words stand before the command.
	skip int
	// env says that NAME=VALUE may stand before the command.
	env bool
}

var sudo = wrapper{valued: []string{"-u", "-g", "-h", "-p", "-C", "-r", "-t", "-T", "-U", "-D", "-R", "--user", "--group", "--host", "--prompt", "--chdir"}, env: true}

// wrapperOf knows the wrappers by their names.
func wrapperOf(name string) (wrapper, bool) {
	switch name {
	case "sudo":
		return sudo, true
	case "doas":
		return wrapper{valued: []string{"-u", "-C"}}, true
	case "env":
		return wrapper{valued: []string{"-u", "-C", "-S", "--unset", "--chdir"}, env: true}, true
	case "exec":
		return wrapper{valued: []string{"-a"}}, true
	case "nice":
		return wrapper{valued: []string{"-n", "--adjustment"}}, true
	case "ionice":
		return wrapper{valued: []string{"-c", "-n"}}, true
	case "timeout":
		return wrapper{valued: []string{"-s", "-k", "--signal", "--kill-after"}, skip: 1}, true
	case "time", "nohup", "setsid", "command", "builtin", "eatmydata", "busybox", "fakeroot", "unbuffer", "catchsegv", "linux32", "linux64":
		return wrapper{}, true
	case "stdbuf":
		return wrapper{valued: []string{"-i", "-o", "-e"}}, true
	case "xargs":
		return wrapper{valued: []string{"-a", "-d", "-E", "-I", "-L", "-n", "-P", "-s", "--arg-file", "--delimiter", "--max-args", "--max-procs", "--max-lines", "--replace"}}, true
	case "gosu", "su-exec", "setpriv", "setuser", "chroot":
		return wrapper{valued: []string{"--reuid", "--regid"}, skip: 1}, true
	case "runuser":
		return wrapper{valued: []string{"-u", "-g", "--user", "--group"}}, true
	}
	return wrapper{}, false
}

// through follows what a command runs in turn: a wrapper's command, a shell's body. It returns what
// shares the command's input and output.
func (w *walker) through(c *Command, in Where) []*Command {
	if slices.Contains([]string{"sh", "bash", "ash", "dash", "ksh", "mksh", "zsh", "rbash"}, c.Name) {
		return w.body(c)
	}
	switch c.Name {
	case "eval":
		return w.follow(c, joinWords(c.Args), w.lang)
	case "su", "runuser":
		if i := option(c.Args, "-c", "--command"); i >= 0 && i+1 < len(c.Args) {
			return w.follow(c, c.Args[i+1], POSIX)
		}
	case "find":
		return w.find(c, in)
	case "conda", "mamba", "micromamba", "poetry", "pipenv", "uv":
		if len(c.Args) > 1 && c.Args[0].Text == "run" {
			return w.wrapped(c, wrapper{valued: []string{"-n", "-p", "--name", "--prefix"}}, c.Args[1:])
		}
	}
	if wrap, ok := wrapperOf(c.Name); ok {
		return w.wrapped(c, wrap, c.Args)
	}
	return nil
}

// wrapped is the command that a wrapper runs.
func (w *walker) wrapped(c *Command, wrap wrapper, args []Word) []*Command {
	if c.Name == "command" && option(args, "-v", "-V") == 0 {
		return nil // it only asks
	}
	inner := &Command{Where: c.Where, Via: c, Joined: c.Joined, Redirs: c.Redirs}
	for len(args) > 0 {
		a := args[0]
		name, value, assigned := strings.Cut(a.Text, "=")
		switch {
		case a.Text == "--":
			args = args[1:]
			return w.run(inner, args)
		case len(a.Text) > 1 && a.Text[0] == '-' && a.Known:
			args = args[1:]
			if slices.Contains(wrap.valued, a.Text) && len(args) > 0 {
				args = args[1:]
			}
		case wrap.env && assigned && isName(name):
			v := a
			v.Text = value
			inner.Assigns = append(inner.Assigns, Assign{name, v})
			args = args[1:]
		case wrap.skip > 0:
			wrap.skip--
			args = args[1:]
		default:
			return w.run(inner, args)
		}
	}
	return nil
}

func (w *walker) run(c *Command, words []Word) []*Command {
	if len(words) == 0 {
		return nil
	}
	c.Pos, c.Args = words[0].Pos, words[1:]
	if words[0].Known {
		c.Name = base(words[0].Text)
		c.plain()
	}
	added := w.add(c)
	if len(added) == 0 || w.depthOf(c) > 2*maxFollow {
		return added
	}
	return append(added, w.through(c, c.Where)...)
}

func (w *walker) depthOf(c *Command) (n int) {
	for ; c != nil; c = c.Via {
		n++
	}
	return n
}

// find runs what stands between -exec and its end.
func (w *walker) find(c *Command, in Where) (found []*Command) {
	for i := 0; i < len(c.Args); i++ {
		if !slices.Contains([]string{"-exec", "-execdir", "-ok"}, c.Args[i].Text) {
			continue
		}
		rest := c.Args[i+1:]
		end := slices.IndexFunc(rest, func(a Word) bool { return a.Text == ";" || a.Text == "+" })
		if end < 0 {
			end = len(rest)
		}
		found = append(found, w.run(&Command{Where: in | InLoop, Via: c, Joined: c.Joined}, rest[:end])...)
		i += end
	}
	return found
}

// body follows sh -c 'BODY', and a shell that reads a here-document.
func (w *walker) body(c *Command) []*Command {
	for i, a := range c.Args {
		if !strings.HasPrefix(a.Text, "-") && !strings.HasPrefix(a.Text, "+") {
			break
		}
		if !strings.HasPrefix(a.Text, "--") && strings.HasSuffix(a.Text, "c") && i+1 < len(c.Args) {
			return w.follow(c, c.Args[i+1], LanguageOf(c.Name))
		}
	}
	for _, r := range c.Redirs {
		if r.Body != "" && len(c.Args) == 0 {
			return w.follow(c, Word{Text: r.Body, Known: true, offset: r.offset - 1}, LanguageOf(c.Name))
		}
	}
	return nil
}

// follow reads a script within a script. What cannot be read is left as the argument that it is.
func (w *walker) follow(c *Command, text Word, of Language) []*Command {
	if w.depth >= maxFollow || len(text.From) > 0 && text.Text == "" {
		return nil
	}
	guarded := slices.ContainsFunc(c.Args, func(a Word) bool { return a.Text == "pipefail" })
	inner, err := parse(of, w.src.part(text.Text, text.offset), w.depth+1, guarded)
	if err != nil || len(w.script.Commands)+len(inner.Commands) > maxCommands {
		w.full = w.full || err == nil
		return nil
	}
	var found []*Command
	for _, one := range inner.Commands {
		if one.Where&InSubstitution != 0 && len(text.From) > 0 {
			continue // it was walked as a part of the word
		}
		if one.Via == nil {
			one.Via = c
		}
		one.Where |= c.Where
		found = append(found, one)
	}
	w.script.Commands = append(w.script.Commands, found...)
	w.script.Pipes = append(w.script.Pipes, inner.Pipes...)
	w.script.Trace = append(w.script.Trace, inner.Trace...)
	return found
}

func joinWords(words []Word) Word {
	if len(words) == 0 {
		return Word{Known: true}
	}
	out := words[0]
	for _, w := range words[1:] {
		out.Text += " " + w.Text
		out.Known = out.Known && w.Known
		out.From = append(out.From, w.From...)
	}
	return out
}

// option is the place of one of the options among words; -1 when there is none.
func option(words []Word, names ...string) int {
	return slices.IndexFunc(words, func(a Word) bool { return slices.Contains(names, a.Text) })
}

func isName(s string) bool {
	return syntax.ValidName(s)
}

// Exec is the script of an instruction in exec form: one command, without a shell.
func Exec(words []string, at Pos) *Script {
	w := walker{src: Fixed("", at), script: &Script{}}
	var all []Word
	for _, text := range words {
		all = append(all, Word{Pos: at, Text: text, Known: true, Quoted: true})
	}
	w.run(&Command{Joined: ";"}, all)
	return w.script
}
