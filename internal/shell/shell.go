// Package shell turns what a RUN instruction or a pipeline's step hands to a shell into the simple
// commands that it is made of: names, arguments with their quotes resolved, redirections, pipes, and
// where each stands in the file. What only the running shell knows (variables, output of commands) is
// marked as unknown and never guessed. Bodies of `sh -c` are followed, and wrappers such as sudo and
// xargs are seen through. It runs nothing, and looks at no file.
//
//	RUN curl -fsSL https://example.org/x.sh | sudo -E bash -
//
// has the commands curl, sudo and, by way of sudo, bash, which curl feeds.
package shell

import (
	"errors"
	"fmt"
	"path"
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

// Bounds on what is read: nobody writes more by hand, and the parser recurses.
const (
	maxText     = 256 << 10 // bytes of one script
	maxCommands = 8192
	maxNesting  = 200 // brackets and keywords that are open at once
	maxFollow   = 4   // sh -c within sh -c
)

// errTooMuch says that a script is larger or deeper than is read.
var errTooMuch = errors.New("the script is larger or deeper than is read")

// Language is what a script is written in.
type Language int

// The languages that are told apart. POSIX stands for sh, ash and dash.
const (
	Other Language = iota // a shell or interpreter that is not read: PowerShell, cmd, Python
	POSIX
	Bash
	Korn
	Zsh
)

// LanguageOf tells the language by the program that runs the script, with or without its folder.
func LanguageOf(program string) Language {
	program = strings.ToLower(program[strings.LastIndexAny(program, `/\`)+1:])
	switch strings.TrimSuffix(program, ".exe") {
	case "sh", "ash", "dash", "busybox":
		return POSIX
	case "bash", "rbash":
		return Bash
	case "ksh", "mksh", "ksh93", "oksh":
		return Korn
	case "zsh":
		return Zsh
	}
	return Other
}

// Shebang tells the language of a script that says it in its first line, as here-documents may.
func Shebang(text string) (of Language, ok bool) {
	first, found := strings.CutPrefix(text, "#!")
	if !found {
		return Other, false
	}
	first, _, _ = strings.Cut(first, "\n")
	words := strings.Fields(first)
	if len(words) > 1 && path.Base(words[0]) == "env" {
		words = words[1:]
		for len(words) > 1 && strings.HasPrefix(words[0], "-") {
			words = words[1:]
		}
	}
	if len(words) == 0 {
		return Other, true
	}
	return LanguageOf(words[0]), true
}

// Script is what a shell is told to do, as far as its text tells.
type Script struct {
	Commands []*Command // in the order of the text; what a wrapper runs follows the wrapper
	Pipes    []Pipe
	// ErrExit and PipeFail say that the script sets -e and -o pipefail itself.
	ErrExit, PipeFail bool
	// Trace are the places where it starts to print each command.
	Trace []Pos
}

// Pos is a place in the file, counted from 1.
type Pos struct{ Line, Column int }

// Where says what surrounds a command.
type Where uint

// What a command may stand in.
const (
	InPipe      Where = 1 << iota // its output feeds another command
	InSubshell                    // ( … )
	InLoop                        // body of for, while, until
	InCondition                   // tested by if, while, until
	InBranch                      // runs on a condition only: then, else, case, after ||
	InFunction
	InSubstitution // its output becomes a word: $( … ), <( … )
	InBackground
)

// Command is one simple command.
type Command struct {
	Pos
	Name    string // without its folder; empty when only the running shell knows it
	Args    []Word // what follows the name
	Assigns []Assign
	Redirs  []Redir
	Where   Where
	From    []*Command // what feeds it through a pipe
	To      *Command   // the first command that its output is piped to
	Via     *Command   // the wrapper that runs it: sudo, env, sh -c
	// Joined is what stands between it and the command before: "&&", "||", "|", or ";".
	Joined string
}

// Word is an argument as the command gets it. What is unknown stands in Text as it is written.
type Word struct {
	Pos
	Text   string
	Known  bool       // all of it is
	Quoted bool       // some of it is quoted, so that it is not split into several
	From   []*Command // commands whose output is part of it
	File   bool       // it is <( … ): a file that holds that output
	offset int        // in the text
}

// Assign is NAME=VALUE, before a command or alone.
type Assign struct {
	Name  string
	Value Word
}

// Redir is a redirection. Body is a here-document's.
type Redir struct {
	FD     string
	Op     string
	To     Word
	Body   string
	offset int // of the body
}

// Pipe is a pipeline: its commands, the last of which alone gives the exit status without pipefail.
type Pipe struct {
	Pos
	First, Last string // names of the first and last command
	// Guarded says that pipefail is set where it stands.
	Guarded bool
}

// Parse reads a script. An error names the line in the file.
func Parse(of Language, src Source) (*Script, error) {
	return parse(of, src, 0, false)
}

func parse(of Language, src Source, depth int, guarded bool) (*Script, error) {
	if len(src.Text) > maxText || nesting(src.Text) > maxNesting {
		return nil, fmt.Errorf("line %d: %w", src.At(0).Line, errTooMuch)
	}
	f, err := tree(of, src.Text)
	if err != nil {
		var at syntax.ParseError
		if errors.As(err, &at) {
			return nil, fmt.Errorf("line %d: %s", src.At(int(at.Pos.Offset())).Line, at.Text)
		}
		return nil, fmt.Errorf("line %d: %w", src.At(0).Line, err)
	}
	w := walker{src: src, lang: of, depth: depth, script: &Script{PipeFail: guarded}}
	w.stmts(f.Stmts, 0)
	if w.full {
		return nil, fmt.Errorf("line %d: %w", src.At(0).Line, errTooMuch)
	}
	return w.script, nil
}

// tree parses the text. Where /bin/sh is bash, as on many distributions, scripts for sh use what bash
// adds: what POSIX refuses may be read so.
func tree(of Language, text string) (*syntax.File, error) {
	variants := map[Language][]syntax.LangVariant{
		POSIX: {syntax.LangPOSIX, syntax.LangBash}, Bash: {syntax.LangBash},
		Korn: {syntax.LangMirBSDKorn, syntax.LangBash}, Zsh: {syntax.LangZsh, syntax.LangBash},
	}[of]
	var first error
	for _, v := range variants {
		f, err := syntax.NewParser(syntax.Variant(v)).Parse(strings.NewReader(text), "")
		if err == nil {
			return f, nil
		}
		if first == nil {
			first = err
		}
	}
	if first == nil {
		first = errors.New("it is written for no shell that is read")
	}
	return nil, first
}

// nesting is at least how deep the parser recurses: an overestimate where brackets stand in quotes.
func nesting(text string) (most int) {
	depth := 0
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '(', '{', '[':
			depth++
		case ')', '}', ']':
			depth = max(depth-1, 0)
		}
		most = max(most, depth)
	}
	return max(most, keywords(text))
}

// keywords is how deep compound commands could nest.
func keywords(text string) (most int) {
	depth := 0
	for word := range strings.FieldsFuncSeq(text, func(r rune) bool { return r <= ' ' || r == ';' || r == '&' || r == '|' || r == '(' }) {
		switch word {
		case "if", "case", "while", "until", "for", "select", "!":
			depth++
		case "fi", "esac", "done":
			depth = max(depth-1, 0)
		}
		most = max(most, depth)
	}
	return most
}
