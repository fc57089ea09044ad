package dockerfile

import (
	"cmp"
	"slices"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/shell"
)

// binding is the value that a variable has after an instruction of a stage.
type binding struct {
	after int
	value string
	known bool
	from  *Instruction
	// fallback is its value, in a FROM, on the most common machine and without arguments; only ARGs before the first FROM
	// have one.
	fallback string
	falls    bool
}

// bind notes the variables that an instruction sets.
func (s *Stage) bind(in *Instruction, global *Stage) {
	if in.Name != "ENV" && in.Name != "ARG" {
		return
	}
	var set []binding
	for _, p := range in.Pairs {
		b := binding{after: in.index, from: in}
		switch {
		case p.HasValue:
			b.value, b.known = in.Expand(p.Value)
			if s == global {
				b.fallback, b.falls = in.Default(p.Value)
			}
		case s != global:
			if of, ok := global.last(p.Key); ok {
				b.value, b.known = of.value, of.known
			}
		}
		if len(b.value) > maxValue {
			b.value, b.known = "", false
		}
		if in.Name == "ARG" { // each sees those before it; those of an ENV do not
			s.set(p.Key, b)
			continue
		}
		set = append(set, b)
	}
	for i, b := range set {
		s.set(in.Pairs[i].Key, b)
	}
}

func (s *Stage) set(key string, b binding) {
	if s.vars == nil {
		s.vars = map[string][]binding{}
	}
	s.vars[key] = append(s.vars[key], b)
}

func (s *Stage) last(name string) (binding, bool) {
	all := s.vars[name]
	if len(all) == 0 {
		return binding{}, false
	}
	return all[len(all)-1], true
}

// maxParents bounds how far up a variable is looked for.
const maxParents = 64

// Lookup finds what a variable is before an instruction, and which instruction set it: declared says that
// one did, known that its value is known, too.
func (in *Instruction) Lookup(name string) (value string, known bool, by *Instruction) {
	s, index := in.Stage, in.index
	if s == nil || in.Name == "FROM" {
		s, index = in.file.global, len(in.file.global.Instructions)
	}
	for range maxParents {
		if s == nil {
			return "", false, nil
		}
		all := s.vars[name]
		// An ARG's own later pairs see its earlier ones: they are bound while it is read.
		n, _ := slices.BinarySearchFunc(all, index, func(b binding, i int) int { return cmp.Compare(b.after, i) })
		if in.Name == "ARG" && (s == in.Stage || in.Stage == nil) {
			for n < len(all) && all[n].from == in {
				n++
			}
		}
		for ; n > 0; n-- {
			if b := all[n-1]; s == in.Stage || s == in.file.global || b.from.Name == "ENV" { // an ARG ends with its stage
				return b.value, b.known, b.from
			}
		}
		s, index = s.Parent, len(in.file.Instructions)
	}
	return "", false, nil
}

// Expand replaces the variables in a word and removes its quotes, as BuildKit does before it carries the
// instruction out. It is not known when it holds a variable without a known value: one without a
// default, which the call of the build gives, or one that the base image may set.
func (in *Instruction) Expand(word string) (value string, known bool) {
	if !strings.ContainsAny(word, "$\"'\\`") {
		return word, true
	}
	env := lookup{in: in, limit: limitOf(word)}
	if !modest(word) {
		return "", false
	}
	got, err := shell.NewLex(in.escape()).ProcessWordWithMatches(word, &env)
	if err != nil || len(got.Result) > maxValue {
		return "", false
	}
	return got.Result, !env.unknown
}

// Shown replaces the variables in a word that are known, and leaves the others as they are written.
func (in *Instruction) Shown(word string) string {
	if !modest(word) {
		return word
	}
	lex := shell.NewLex(in.escape())
	lex.SkipUnsetEnv = true
	got, err := lex.ProcessWordWithMatches(word, &lookup{in: in, limit: limitOf(word)})
	if err != nil || len(got.Result) > maxValue {
		return word
	}
	return got.Result
}

// modest says that replacing variables in a word cannot take much.
func modest(word string) bool {
	return len(word) <= maxValue && (!replaces(word) || len(word) <= 1<<10)
}

// replaces says that a word may hold "${A//x/y}", which puts y in the place of every byte of A.
func replaces(word string) bool { return strings.Contains(word, "${") && strings.Contains(word, "//") }

// limitOf bounds what the variables in a word may hold.
func limitOf(word string) int {
	if replaces(word) {
		return 4 << 10
	}
	return maxValue
}

// Default is what a word of a FROM is when the call of the build gives no arguments: what has no default is
// empty. It is false where the word is none that BuildKit takes.
func (in *Instruction) Default(word string) (string, bool) {
	if !modest(word) {
		return "", false
	}
	env := lookup{in: in, limit: limitOf(word), byDefault: true}
	got, err := shell.NewLex(in.escape()).ProcessWordWithMatches(word, &env)
	return got.Result, err == nil && len(got.Result) <= maxValue
}

// Variables lists the names in a word that are replaced, in order of the alphabet and each once.
func (in *Instruction) Variables(word string) (names []string) {
	if !strings.Contains(word, "$") {
		return nil
	}
	env := lookup{in: in, limit: limitOf(word)}
	if !modest(word) {
		return nil
	}
	_, _, _ = shell.NewLex(in.escape()).ProcessWord(word, &env) // what is wrong with it, Expand tells
	slices.Sort(env.asked)
	return slices.Compact(env.asked)
}

func (in *Instruction) escape() rune {
	if in.file == nil || in.file.Escape == 0 {
		return '\\'
	}
	return rune(in.file.Escape)
}

// lookup is what BuildKit's lexer asks for variables.
type lookup struct {
	in      *Instruction
	asked   []string
	unknown bool
	grown   int
	limit   int // of what all values together have
	// byDefault gives the platform of the builder a value.
	byDefault bool
}

// Get implements shell.EnvGetter.
func (l *lookup) Get(name string) (string, bool) {
	l.asked = append(l.asked, name)
	value, known, _ := l.in.Lookup(name)
	if l.byDefault && !known {
		if value, known = platformDefaults(name); !known {
			of, _ := l.in.file.global.last(name)
			value, known = of.fallback, of.falls
		}
	}
	if !known {
		l.unknown = true
		return "", false
	}
	if l.grown += len(value); l.grown > l.limit {
		l.unknown = true
		return "", false
	}
	return value, true
}

// Keys implements shell.EnvGetter; only suggestions ask for them.
func (l *lookup) Keys() []string { return nil }

// platformDefaults are the values on the most common machine.
func platformDefaults(name string) (string, bool) {
	switch name {
	case "BUILDPLATFORM", "TARGETPLATFORM":
		return "linux/amd64", true
	case "BUILDOS", "TARGETOS":
		return "linux", true
	case "BUILDARCH", "TARGETARCH":
		return "amd64", true
	case "BUILDVARIANT", "TARGETVARIANT", "BUILDOSVERSION", "TARGETOSVERSION":
		return "", true
	case "TARGETSTAGE":
		return "default", true
	}
	return "", false
}
