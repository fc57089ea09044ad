package dockerfile

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/check"
	"github.com/plimsoll/plimsoll/internal/read/dockerfile"
	"github.com/plimsoll/plimsoll/internal/shell"
)

// runs lists the checks of what RUN lines do. They share what the shells are told: a file's RUN lines are
// read once for all of them.
func runs(kept *memo) (all []Check) {
	for _, c := range slices.Concat(pins(), caches(), answers(), habits(), transport(), signatures(), downloads(), passwords(), rights(), leftovers()) {
		all = append(all, Check{Card: c.Card, Look: func(f *dockerfile.File) []check.Hit { return c.look(kept.of(f)) }})
	}
	return all
}

// memo keeps what was read of the last file.
type memo struct {
	mu   sync.Mutex
	last *scripts
}

func (m *memo) of(f *dockerfile.File) *scripts {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.last == nil || m.last.file != f {
		m.last = read(f)
	}
	return m.last
}

// runCheck is a check of RUN lines.
type runCheck struct {
	check.Card
	look func(*scripts) []check.Hit
}

// scripts are what a file's RUN lines tell shells to do.
type scripts struct {
	file  *dockerfile.File
	steps []*step
	gaps  []finding.Gap
}

// step is a RUN that is read. Its index is that of its instruction in the file.
type step struct {
	*shell.Script
	in *dockerfile.Instruction
}

func read(f *dockerfile.File) *scripts {
	r := &scripts{file: f}
	each(f, func(in *dockerfile.Instruction) {
		if in.Name != "RUN" || f.LeftOut(in.Start) {
			return
		}
		s, err := script(in)
		switch {
		case err != nil:
			r.gaps = append(r.gaps, unread(in, err))
		case s != nil:
			r.steps = append(r.steps, &step{s, in})
		}
	})
	return r
}

var errOtherShell = errors.New("its shell is none of the Bourne family, so that nothing is known of what it does")

// script is what a RUN does; nil when it does nothing.
func script(in *dockerfile.Instruction) (*shell.Script, error) {
	if in.JSON {
		return shell.Exec(in.Args, shell.Pos{Line: in.Start, Column: in.Column}), nil
	}
	text, of := Told(in)
	if text == nil {
		return nil, nil
	}
	if of == shell.Other {
		return nil, errOtherShell
	}
	return shell.Parse(of, shell.Placed(text.Text, func(offset int) shell.Pos {
		line, column := text.At(offset)
		return shell.Pos{Line: line, Column: column}
	}))
}

// Told is what a RUN tells a shell, and the language of it: Other where no shell of the Bourne family reads it.
// It is nil where no shell is told anything.
func Told(in *dockerfile.Instruction) (*dockerfile.Script, shell.Language) {
	text := in.Script()
	if text == nil {
		return nil, shell.Other
	}
	of := shell.POSIX
	if len(text.Shell) > 0 {
		of = shell.LanguageOf(text.Shell[0])
	}
	if by, ok := shell.Shebang(text.Text); ok {
		of = by
	}
	if windows(in, text.Text) {
		of = shell.Other
	}
	return text, of
}

// windows says that a command line is for Windows, where nothing says so: its base image is a variable.
func windows(in *dockerfile.Instruction, text string) bool {
	first, _, _ := strings.Cut(strings.TrimSpace(text), " ")
	switch strings.TrimSuffix(strings.ToLower(first), ".exe") {
	case "powershell", "pwsh", "cmd", "@echo":
		return true
	}
	return in.Stage != nil && in.Stage.Windows() && len(in.Shell) > 0 && strings.HasPrefix(in.Shell[0], "/bin/")
}

func unread(in *dockerfile.Instruction, err error) finding.Gap {
	g := finding.Gap{Class: "unread-script", Blocking: true, Count: 1, What: fmt.Sprintf("%s: RUN on line %d: %v", in.Path(), in.Start, err)}
	if errors.Is(err, errOtherShell) {
		g.Class, g.Blocking = "other-shell", false
	}
	return g
}

// found is what is wrong with one command. What names it without versions, "curl" say.
type found struct {
	what, detail, fix string
	severity          finding.Severity
}

func (s *step) hit(at shell.Pos, f found) check.Hit {
	h := hitAt(s.in, finding.Location{StartLine: at.Line, EndLine: at.Line, Column: at.Column}, "RUN "+f.what, f.detail)
	h.Where, h.Fix, h.Severity = "RUN "+f.what, f.fix, f.severity
	return h
}

// eachCommand looks at one command at a time.
func eachCommand(look func(s *step, c *shell.Command) (found, bool)) func(*scripts) []check.Hit {
	return func(r *scripts) (hits []check.Hit) {
		for _, s := range r.steps {
			for _, c := range s.Commands {
				if f, ok := look(s, c); ok {
					hits = append(hits, s.hit(c.Pos, f))
				}
			}
		}
		return hits
	}
}

// shipped looks at those commands only that leave something in the image.
func shipped(look func(s *step, c *shell.Command) (found, bool)) func(*scripts) []check.Hit {
	return eachCommand(func(s *step, c *shell.Command) (found, bool) {
		if !s.ships() {
			return found{}, false
		}
		return look(s, c)
	})
}

func (s *step) ships() bool { return s.in.Stage != nil && s.in.Stage.Ships }

// mounted says that a RUN has a mount of one of the types at a folder, above it or in it.
func (s *step) mounted(at string, types ...string) bool {
	return slices.ContainsFunc(s.in.Mounts, func(m dockerfile.Mount) bool {
		return slices.Contains(types, m.Type) && (within(at, m.Target) || within(m.Target, at))
	})
}

// later says that one of the commands after c does something.
func (s *step) later(c *shell.Command, does func(*shell.Command) bool) bool {
	i := slices.Index(s.Commands, c)
	return slices.ContainsFunc(s.Commands[i+1:], does)
}
