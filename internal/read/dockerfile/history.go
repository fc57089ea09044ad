package dockerfile

import "strings"

// Step is one of an image's history, the way its Dockerfile would say it: "RUN make", without the shell and
// the arguments that builders write before it.
type Step struct {
	Text  string
	Layer int  // that it made; negative: none
	Base  bool // the base image brought it
}

// Rebuild makes a File of an image's history. It has one stage without a known base and no lines; mounts and
// here-documents are lost, and so is what stood before the image.
func Rebuild(steps []Step) *File {
	f := &File{Built: true, Escape: '\\', global: &Stage{Index: -1, Known: true}}
	s := &Stage{Ships: true, Used: true}
	s.From = &Instruction{Name: "FROM", Word: "FROM", Text: "FROM", Stage: s, Base: true, file: f}
	f.Stages, f.Target = []*Stage{s}, s
	force := inForce{shell: []string{"/bin/sh", "-c"}}
	for _, step := range steps {
		in := f.rebuilt(step)
		if in == nil {
			continue
		}
		in.Stage, in.index = s, len(s.Instructions)
		in.Shell, in.User, in.Workdir = force.shell, force.user, force.workdir
		if shell, rest := explicitShell(in); shell != nil {
			in.Shell, in.Args = shell, []string{rest}
			in.rest = len(in.Text) - len(rest)
		}
		s.Instructions = append(s.Instructions, in)
		f.Instructions = append(f.Instructions, in)
		s.bind(in, f.global)
		force.after(in)
	}
	return f
}

// rebuilt is the instruction of a step; nil where it is none, as other builders than Docker's write steps.
func (f *File) rebuilt(step Step) *Instruction {
	text := strings.TrimSpace(step.Text)
	word, rest, _ := strings.Cut(text, " ")
	rest = strings.TrimSpace(rest)
	if !known(word) || len(text) > maxValue {
		return nil
	}
	in := &Instruction{Name: word, Word: word, Text: text, Base: step.Base, file: f, rest: len(text) - len(rest)}
	if step.Layer >= 0 {
		layer := step.Layer
		in.Layer = &layer
	}
	switch word {
	case "ENV", "LABEL", "ARG":
		in.Pairs = pairsOf(rest)
	case "RUN":
		in.Args = []string{rest}
	default:
		in.Args = strings.Fields(rest)
	}
	return in
}

// pairsOf parts what builders write of several variables, values unquoted: a word with a name and "=" begins one.
func pairsOf(text string) (all []Pair) {
	for word := range strings.SplitSeq(text, " ") {
		key, value, has := strings.Cut(word, "=")
		switch {
		case len(all) == 0, has && isName(key):
			all = append(all, Pair{Key: key, Value: value, HasValue: has})
		default:
			all[len(all)-1].Value += " " + word
		}
	}
	return all
}

// isName says that a word could name a variable or a label.
func isName(word string) bool {
	for i, r := range word {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r == '_':
		case i > 0 && (r >= '0' && r <= '9' || r == '.' || r == '-' || r == '/'):
		default:
			return false
		}
	}
	return word != ""
}

func known(word string) bool {
	switch word {
	case "ADD", "ARG", "CMD", "COPY", "ENTRYPOINT", "ENV", "EXPOSE", "HEALTHCHECK", "LABEL", "MAINTAINER", "RUN", "STOPSIGNAL", "USER", "VOLUME", "WORKDIR":
		return true
	}
	return false
}

// explicitShell parts the shell of a SHELL instruction from the command that a RUN gave it.
func explicitShell(in *Instruction) (shell []string, rest string) {
	if in.Name != "RUN" || len(in.Args) != 1 || !strings.HasPrefix(in.Args[0], "/") {
		return nil, ""
	}
	before, rest, ok := strings.Cut(in.Args[0], " -c ")
	words := strings.Fields(before)
	if !ok || len(words) == 0 || len(words) > 5 {
		return nil, ""
	}
	switch words[0][strings.LastIndex(words[0], "/")+1:] {
	case "bash", "ash", "sh", "dash", "zsh":
		return append(words, "-c"), strings.TrimSpace(rest)
	}
	return nil, ""
}
