// Package dockerfile reads Dockerfiles and Containerfiles, with BuildKit's own parser, into stages and
// instructions that know where they stand: lines, columns, the shell, user, folder and variables in force.
//
//	f, err := dockerfile.Parse("Dockerfile", source, dockerfile.Options{})
//	for _, in := range f.Instructions {
//		fmt.Println(in.Start, in.Name, in.Args)
//	}
//
// It also rebuilds a File from an image's history, and computes the configuration that the image of the last
// stage would have. It judges nothing, and what RUN lines do is read by package shell.
//
// A variable that no ARG or ENV of the file gives a value is unknown; it is never guessed, for the base image
// or the call of the build may set it.
package dockerfile

import (
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/linter"

	"github.com/plimsoll/plimsoll/internal/shell"
	"github.com/plimsoll/plimsoll/internal/tree"
)

// File is a Dockerfile, or what an image's history tells of the one that it was built from.
type File struct {
	Path         string
	Source       []byte
	Escape       byte           // \ or `
	Directives   []Directive    // those on top: syntax, escape, check
	Comments     []Comment      // every line of comment, also inside of instructions, but not in here-documents
	Instructions []*Instruction // all, in their order; the body of an ONBUILD stands in it
	Stages       []*Stage
	Target       *Stage // the stage that is built: the last one, or the one that was asked for; nil: none
	// Aimed says that Target was asked for: what it does not need is not built, and nobody's concern.
	Aimed bool
	// EmptyContinuations are lines that continue an instruction and hold nothing, by where it ends.
	EmptyContinuations []int
	// Faults are instructions that BuildKit refuses although it can read the file.
	Faults   []*tree.Error
	Ignore   *Ignore // the .dockerignore beside it; nil: none, or nobody knows
	Settings Settings
	// Folder says that it is known which files lie beside the Dockerfile.
	Folder bool
	// Built says that this is an image's history and no file: it has no lines, and every value is known.
	Built bool

	global *Stage // of the ARGs before the first FROM
	linter *linter.Linter
}

// Directive is a line on top such as "# syntax=docker/dockerfile:1".
type Directive struct {
	Name  string // in lower case
	Value string
	Line  int
}

// Comment is a line of comment, without its # and the blanks around it.
type Comment struct {
	Text string
	Line int
}

// Stage is one FROM and what follows it.
type Stage struct {
	Index        int
	Name         string // in lower case, as BuildKit knows it; empty: it has none
	From         *Instruction
	Base         string // as written
	Image        string // Base with its variables replaced, where all are known
	Known        bool   // Image is known
	Platform     string // as written after --platform=
	Parent       *Stage // the earlier stage that it is built from
	Instructions []*Instruction
	// Ships says that its layers are layers of the image: it is the target, or what that is built from.
	Ships bool
	// Used says that the target needs it: it ships, or something is copied or mounted from it.
	Used bool
	vars map[string][]binding
}

// Instruction is one of a Dockerfile's. Its Args are what BuildKit's parser makes of the rest of it:
// one for what a shell reads, several where words are parted, the strings of a JSON array.
type Instruction struct {
	Name     string // in capitals
	Word     string // as written
	Start    int    // its first line, from 1; 0 when it is of an image's history
	End      int
	Column   int    // of its word, from 1
	Text     string // its lines joined, without comments and continuation marks
	Flags    []Flag
	Args     []string
	JSON     bool // Args were written as a JSON array
	Pairs    []Pair
	Mounts   []Mount
	Heredocs []Heredoc
	Stage    *Stage   // nil: it stands before the first FROM
	Shell    []string // in force, where a shell reads it
	User     string   // in force, as written; empty: the base image's
	Workdir  string   // in force, absolute, where that is known
	// Inner is the instruction that an ONBUILD carries, which has its lines and its Stage.
	Inner   *Instruction
	OnBuild bool // it stands in an ONBUILD
	// Base says that the base image brought it, and Layer which layer of an image it made.
	Base  bool
	Layer *int

	index int // in its stage
	file  *File
	lines []mark // where Text comes from
	rest  int    // where in Text the Args begin
}

// Flag is one such as --from=builder; HasValue tells "--link" from "--link=".
type Flag struct {
	Name     string
	Value    string
	HasValue bool
}

// Flag returns the value of a flag as it is written; false when it is not there. Of several the last counts.
func (in *Instruction) Flag(name string) (string, bool) {
	for i := len(in.Flags) - 1; i >= 0; i-- {
		if in.Flags[i].Name == name {
			return in.Flags[i].Value, true
		}
	}
	return "", false
}

// Pair is one of an ENV, LABEL or ARG, as it is written, quotes included.
type Pair struct {
	Key      string
	Value    string
	HasValue bool // an ARG may have none
	Legacy   bool // written with a blank: ENV key value
}

// Mount is a RUN's --mount, with all that BuildKit would add to it.
type Mount struct {
	Type     string // bind, cache, tmpfs, secret or ssh
	From     string
	Source   string
	Target   string // absolute where it is known; a secret's default is /run/secrets/ID
	ID       string
	Env      string // the variable that a secret comes in
	Writable bool
}

// Heredoc is a here-document of a RUN, COPY or ADD.
type Heredoc struct {
	Name    string
	Expand  bool // variables in it are replaced
	Chomp   bool // <<-: leading tabs are cut
	Content string
	Line    int // its first line
}

// Path is the file's.
func (in *Instruction) Path() string { return in.file.Path }

// File is the one that the instruction stands in.
func (in *Instruction) File() *File { return in.file }

// maxSummary is how many bytes of an instruction are shown.
const maxSummary = 120

// Summary is an instruction in a few words, for people. It leaves out what may hold a secret: the values of
// variables and labels, and what RUN lines and here-documents say.
func (in *Instruction) Summary() string {
	if in.Inner != nil {
		return "ONBUILD " + in.Inner.Summary()
	}
	words := []string{in.Name}
	switch in.Name {
	case "RUN", "CMD", "ENTRYPOINT", "HEALTHCHECK":
		return in.Name
	case "ENV", "ARG", "LABEL":
		for _, p := range in.Pairs {
			words = append(words, p.Key)
		}
	default:
		for _, f := range in.Flags {
			words = append(words, "--"+f.Name+"="+f.Value)
		}
		for _, a := range in.Args {
			if strings.Contains(a, "://") {
				a = shell.Address(a)
			}
			words = append(words, a)
		}
	}
	s := strings.Join(words, " ")
	if len(s) > maxSummary {
		s = strings.ToValidUTF8(s[:maxSummary], "") + "…"
	}
	return s
}
