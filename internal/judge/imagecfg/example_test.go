package imagecfg

import (
	"encoding/json"
	"io/fs"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/ecosystem"
	"github.com/plimsoll/plimsoll/internal/ecosystem/distro"
	"github.com/plimsoll/plimsoll/internal/read/image/trait"
)

// TestExamples runs each check on the examples of its page: the bad one is found, the good one is not.
func TestExamples(t *testing.T) {
	for _, c := range Checks() {
		for _, one := range []struct {
			name, text string
			found      bool
		}{{"bad", c.Page.Bad, true}, {"good", c.Page.Good, false}} {
			f := example(t, one.text)
			if !c.Applies(f) {
				t.Errorf("%s does not apply to its %s example", c.ID, one.name)
			} else if hits := c.Look(f); len(hits) > 0 != one.found {
				t.Errorf("%s, %s example: %v", c.ID, one.name, hits)
			}
		}
	}
}

// example is what would be known of an image on the day of the first release: one that is built by the
// instructions of a Dockerfile, or has the files that a listing shows.
func example(t *testing.T, text string) Facts {
	t.Helper()
	f := Facts{Now: time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)}
	for line := range strings.Lines(text) {
		word, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		switch {
		case word == "":
		case strings.ContainsAny(word[:1], "-dcb") && len(word) == len("drwxr-xr-x"):
			f.system().list(t, word, rest)
		case strings.HasSuffix(word, ":"):
			f.system().account(word, rest)
		case word == "getcap":
			f.system().capable(t, rest)
		case word == "docker":
			f.Name = strings.TrimPrefix(rest, "push ")
		default:
			f.instruction(t, word, rest)
		}
	}
	return f
}

func (f *Facts) instruction(t *testing.T, word, rest string) {
	t.Helper()
	if f.Config == nil {
		f.Config = &Config{}
	}
	c := f.Config
	switch word {
	case "FROM":
		id, version, _ := strings.Cut(rest, ":")
		f.OS = &finding.OS{ID: id, Version: version}
		if day, ok := distro.EndOfLife(ecosystem.Release{ID: id, Version: version}); ok {
			f.OS.EndOfLife = day.Format(time.DateOnly)
		}
	case "USER":
		c.User = Value{Text: rest}
	case "ENV":
		c.Env = append(c.Env, Variable(rest))
	case "EXPOSE":
		c.Ports = append(c.Ports, Value{Text: rest})
	case "VOLUME":
		c.Volumes = append(c.Volumes, Value{Text: rest})
	case "ENTRYPOINT":
		c.Entrypoint = command(rest)
	case "CMD":
		c.Cmd = command(rest)
	case "WORKDIR":
		c.WorkingDir = Value{Text: rest}
	case "HEALTHCHECK":
		c.Healthcheck = Command{Args: strings.Fields(rest)}
	case "ONBUILD":
		c.OnBuild = append(c.OnBuild, Value{Text: rest})
	case "STOPSIGNAL":
		c.StopSignal = Value{Text: rest}
	case "LABEL":
		c.Labels = append(c.Labels, Variable(rest))
	case "RUN", "COPY", "#":
	default:
		t.Fatalf("%q is no instruction of an example", word)
	}
}

// command is a command line as a configuration holds it.
func command(text string) (c Command) {
	if json.Unmarshal([]byte(text), &c.Args) != nil {
		c.Args = []string{"/bin/sh", "-c", text}
	}
	return c
}

func (f *Facts) system() *System {
	if f.System == nil {
		s := &System{}
		s.Look = func(path string) (File, bool) {
			for _, one := range s.Files {
				if one.Path == path {
					return one, true
				}
			}
			return File{}, false
		}
		f.System = s
	}
	return f.System
}

// list takes what ls -ln shows, without links and times: MODE UID GID PATH [PACKAGE].
func (s *System) list(t *testing.T, mode, rest string) {
	t.Helper()
	w := strings.Fields(rest)
	if len(w) < 3 {
		t.Fatalf("%q lacks UID GID PATH", rest)
	}
	one := File{Path: w[2], Mode: permissions(mode)}
	one.UID, _ = strconv.Atoi(w[0])
	one.GID, _ = strconv.Atoi(w[1])
	if len(w) > 3 {
		one.Package = w[3]
	}
	one.Class = trait.Of(one.Path)
	if one.Mode&0o111 != 0 && one.Mode.IsRegular() {
		one.Program = trait.Binary
		if trait.RoleOf(one.Path) == trait.PackageManager {
			one.Manager = trait.FamilyOf(one.Path)
		}
	}
	s.Managed = s.Managed || one.Package != ""
	s.Files = append(s.Files, one)
	if one.UID != 0 {
		s.Owners = append(s.Owners, Owner{UID: one.UID, Count: 1, Example: one.Path})
	}
}

// permissions reads the ten letters of a mode.
func permissions(letters string) (m fs.FileMode) {
	switch letters[0] {
	case 'd':
		m |= fs.ModeDir
	case 'b':
		m |= fs.ModeDevice
	case 'c':
		m |= fs.ModeDevice | fs.ModeCharDevice
	}
	for i, c := range letters[1:] {
		if c != '-' && c != 'S' && c != 'T' {
			m |= 1 << (8 - i)
		}
		switch c {
		case 's', 'S':
			m |= map[bool]fs.FileMode{true: fs.ModeSetuid, false: fs.ModeSetgid}[i == 2]
		case 't', 'T':
			m |= fs.ModeSticky
		}
	}
	return m
}

// account takes a line of an account file, after its name.
func (s *System) account(file, line string) {
	b := []byte(line + "\n")
	switch file {
	case "etc/passwd:":
		s.Users = append(s.Users, trait.Users(b)...)
	case "etc/shadow:":
		s.Shadow = append(s.Shadow, trait.Shadow(b)...)
	case "etc/sudoers:":
		s.Free = append(s.Free, trait.WithoutPassword(b)...)
	case "etc/group:":
		s.Groups = append(s.Groups, trait.Groups(b)...)
	}
}

// capable takes PATH CAPABILITY,…
func (s *System) capable(t *testing.T, rest string) {
	t.Helper()
	path, names, ok := strings.Cut(rest, " ")
	if !ok {
		t.Fatalf("%q lacks capabilities", rest)
	}
	s.Files = append(s.Files, File{Path: path, Mode: 0o755, Capabilities: strings.Split(names, ",")})
}
