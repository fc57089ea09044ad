package dockerfile

import (
	"cmp"
	"fmt"
	"path"
	"sort"
	"strconv"
	"strings"

	"github.com/plimsoll/plimsoll/internal/tree"
)

// stages parts the instructions into stages, and says what is in force at each.
func (f *File) stages(target string) error {
	global := &Stage{Index: -1, Known: true}
	f.global = global
	byName := map[string]*Stage{}
	at := global
	var force inForce
	said := 0
	for _, in := range f.Instructions {
		if in.Name == "FROM" {
			in.index = len(global.Instructions)
			at = f.stage(in, byName)
			force = inheritedBy(at)
		} else if at == global && in.Name != "ARG" {
			continue // a check tells of it: the first instruction is to be FROM or ARG
		}
		for ; said < len(f.Comments) && f.Comments[said].Line < in.Start; said++ {
			if name, ok := strings.CutPrefix(f.Comments[said].Text, "hadolint shell="); ok && in.Name != "FROM" {
				force.shell = []string{strings.TrimSpace(name), "-c"} // the base image's, which the file cannot show
			}
		}
		in.index = len(at.Instructions)
		at.Instructions = append(at.Instructions, in)
		for _, one := range []*Instruction{in, in.Inner} {
			if one == nil {
				continue
			}
			if at != global {
				one.Stage = at
			}
			one.index = in.index
			one.Shell, one.User, one.Workdir = force.shell, force.user, force.workdir
		}
		at.bind(in, global)
		force.after(in)
	}
	if len(f.Stages) == 0 {
		return &tree.Error{Path: f.Path, What: "it has no FROM, so that it builds nothing; it may be no Dockerfile at all"}
	}
	return f.aim(target, byName)
}

// stage opens one at its FROM.
func (f *File) stage(from *Instruction, byName map[string]*Stage) *Stage {
	s := &Stage{Index: len(f.Stages), From: from}
	if len(from.Args) > 0 {
		s.Base = from.Args[0]
		s.Image, s.Known = from.Expand(s.Base)
	}
	s.Platform, _ = from.Flag("platform")
	if s.Known {
		s.Parent = byName[strings.ToLower(s.Image)]
	}
	if len(from.Args) == 3 && strings.EqualFold(from.Args[1], "as") {
		s.Name = strings.ToLower(from.Args[2])
		byName[s.Name] = s
	}
	f.Stages = append(f.Stages, s)
	return s
}

// inForce is what instructions before one set for it.
type inForce struct {
	shell         []string
	user, workdir string
}

// inheritedBy is what holds at the beginning of a stage.
func inheritedBy(s *Stage) inForce {
	if s.Parent == nil || len(s.Parent.Instructions) == 0 {
		w := inForce{shell: []string{"/bin/sh", "-c"}}
		if s.Windows() {
			w.shell = []string{"cmd", "/S", "/C"}
		}
		return w
	}
	last := s.Parent.Instructions[len(s.Parent.Instructions)-1]
	w := inForce{shell: last.Shell, user: last.User, workdir: last.Workdir}
	w.after(last)
	return w
}

func (w *inForce) after(in *Instruction) {
	switch in.Name {
	case "SHELL":
		if in.JSON && len(in.Args) > 0 {
			w.shell = in.Args
		}
	case "USER":
		w.user = strings.Join(in.Args, " ")
	case "WORKDIR":
		if len(in.Args) == 0 {
			return
		}
		switch dir, known := in.Expand(in.Args[0]); {
		case !known:
			w.workdir = ""
		case path.IsAbs(dir):
			w.workdir = path.Clean(dir)
		case w.workdir != "":
			w.workdir = path.Join(w.workdir, dir)
		}
	}
}

// aim finds the stage that is built, and what it needs.
func (f *File) aim(target string, byName map[string]*Stage) error {
	f.Target = f.Stages[len(f.Stages)-1]
	if target != "" {
		f.Target = byName[strings.ToLower(target)]
		if n, err := strconv.Atoi(target); f.Target == nil && err == nil && n >= 0 && n < len(f.Stages) {
			f.Target = f.Stages[n]
		}
		if f.Target == nil {
			return &StageError{Path: f.Path, Stage: target, Has: f.stageNames()}
		}
		f.Aimed = true
	}
	for s := f.Target; s != nil && !s.Ships; s = s.Parent {
		s.Ships = true
	}
	todo := []*Stage{f.Target}
	for len(todo) > 0 {
		s := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if s.Used {
			continue
		}
		s.Used = true
		if s.Parent != nil {
			todo = append(todo, s.Parent)
		}
		for _, in := range s.Instructions {
			todo = append(todo, f.sources(in)...)
		}
	}
	return nil
}

// StageError says that a Dockerfile has no stage of the name that was asked for.
type StageError struct {
	Path, Stage string
	Has         []string // the names of its stages; the number of one without a name
}

func (e *StageError) Error() string {
	const most = 20
	has := strings.Join(e.Has[:min(len(e.Has), most)], ", ")
	if len(e.Has) > most {
		has += fmt.Sprintf(" and %d more", len(e.Has)-most)
	}
	return fmt.Sprintf("%s: it has no stage %q; those that it has, by name or number: %s", e.Path, e.Stage, has)
}

func (f *File) stageNames() (names []string) {
	for _, s := range f.Stages {
		names = append(names, cmp.Or(s.Name, strconv.Itoa(s.Index)))
	}
	return names
}

// LeftOut says that a line stands in a stage that is not built, because the one that was asked for does not need it.
func (f *File) LeftOut(line int) bool {
	s := f.stageAt(line)
	return f.Aimed && s != nil && !s.Used
}

// LeftBehind says that a line stands in a stage whose layers are not the image's.
func (f *File) LeftBehind(line int) bool {
	s := f.stageAt(line)
	return s != nil && !s.Ships
}

// stageAt is the stage that a line stands in; nil before the first.
func (f *File) stageAt(line int) *Stage {
	i := sort.Search(len(f.Stages), func(i int) bool { return f.Stages[i].From.Start > line })
	if i == 0 {
		return nil
	}
	return f.Stages[i-1]
}

// sources are the stages that an instruction copies or mounts from.
func (f *File) sources(in *Instruction) (all []*Stage) {
	if in.Inner != nil {
		in = in.Inner
	}
	if from, ok := in.Flag("from"); ok && in.Name == "COPY" {
		if s := f.Find(from); s != nil {
			all = append(all, s)
		}
	}
	for _, m := range in.Mounts {
		if s := f.Find(m.From); s != nil && m.From != "" {
			all = append(all, s)
		}
	}
	return all
}

// Find returns the stage of a name, or of a number as COPY --from takes it; nil when there is none.
func (f *File) Find(name string) *Stage {
	if n, err := strconv.Atoi(name); err == nil {
		if n >= 0 && n < len(f.Stages) {
			return f.Stages[n]
		}
		return nil
	}
	for i := len(f.Stages) - 1; i >= 0; i-- {
		if s := f.Stages[i]; s.Name != "" && strings.EqualFold(s.Name, name) {
			return s
		}
	}
	return nil
}

// Windows says that a stage's image is one for Windows, as far as its name and platform tell.
func (s *Stage) Windows() bool {
	for up := s; up != nil; up = up.Parent {
		name := strings.ToLower(up.Base)
		if strings.HasPrefix(strings.ToLower(up.Platform), "windows") || strings.Contains(name, "nanoserver") ||
			strings.Contains(name, "servercore") || strings.Contains(name, "windows/server") {
			return true
		}
	}
	return false
}

// POSIX says that what reads the instruction's command line is a shell of the Bourne family.
func (in *Instruction) POSIX() bool {
	if len(in.Shell) == 0 {
		return false
	}
	name := in.Shell[0]
	switch name[strings.LastIndexAny(name, `/\`)+1:] {
	case "sh", "bash", "dash", "ash", "ksh", "mksh", "zsh", "busybox":
		return true
	}
	return false
}
