package dockerfile

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func parse(t *testing.T, source string) *File {
	t.Helper()
	f, err := Parse("Dockerfile", []byte(source), Options{})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// TestScriptPlaces looks every byte of every script up in the file: what At says is where it stands.
func TestScriptPlaces(t *testing.T) {
	source := strings.Join([]string{
		"# syntax=docker/dockerfile:1",
		"",
		"FROM debian:12 AS build",
		"  RUN --mount=type=cache,target=/root/.cache \\",
		"    apt-get update && \\",
		"# a comment between",
		"",
		"    apt-get install -y curl   ",
		"RUN <<EOF",
		"set -e",
		"echo hi",
		"EOF",
		"RUN <<-EOF",
		"\tset -e",
		"\t\techo tabs",
		"\tEOF",
		"RUN python3 - <<'PY' | tee out",
		"print('x')",
		"PY",
		"HEALTHCHECK --interval=5s CMD curl -f \\",
		"  http://localhost/",
		"CMD exec app",
		"ONBUILD RUN make \\",
		" all",
	}, "\n")
	f := parse(t, source)
	lines := strings.Split(source, "\n")
	scripts := 0
	for _, in := range f.Instructions {
		if in.Inner != nil {
			in = in.Inner
		}
		s := in.Script()
		if s == nil {
			continue
		}
		scripts++
		for i := range len(s.Text) {
			if s.Text[i] == '\n' {
				continue
			}
			line, column := s.At(i)
			if line < 1 || line > len(lines) || column < 1 || column > len(lines[line-1]) || lines[line-1][column-1] != s.Text[i] {
				t.Errorf("%s line %d: byte %d (%q) of %q is said to stand at %d:%d", in.Name, in.Start, i, s.Text[i], s.Text, line, column)
				break
			}
		}
	}
	if scripts != 7 {
		t.Errorf("%d scripts, want 7", scripts)
	}
	if diff := cmp.Diff([]Comment{{Text: "a comment between", Line: 6}}, f.Comments); diff != "" {
		t.Error(diff)
	}
}

// TestExpand holds variables against what BuildKit makes of them, and wants what only the build knows to be unknown.
func TestExpand(t *testing.T) {
	f := parse(t, strings.Join([]string{
		"ARG TAG=12",
		"ARG WHO",
		"FROM debian:${TAG} AS base",
		"ARG TAG",
		"ARG LATE",
		`ENV A=hello B="$A x" C=${TAG}`,
		"ENV A=bye D=$A",
		"FROM base",
		"WORKDIR /srv",
		"WORKDIR app",
		"USER $A",
		"RUN true",
		"FROM $WHO",
		"RUN true",
	}, "\n"))
	at := func(line int) *Instruction {
		for _, in := range f.Instructions {
			if in.Start == line {
				return in
			}
		}
		t.Fatalf("nothing on line %d", line)
		return nil
	}
	for _, c := range []struct {
		line  int
		word  string
		want  string
		known bool
	}{
		{3, "debian:${TAG}", "debian:12", true},
		{7, "$A", "hello", true},
		{7, "$B", "", false},
		{7, "$C", "12", true},
		{7, "$LATE", "", false},
		{12, "$A/$D", "bye/hello", true},
		{12, "$TAG", "", false}, // an ARG ends with its stage
		{12, "$PATH", "", false},
		{12, `"a b"`, "a b", true},
		{14, "$A", "", false},
	} {
		if got, known := at(c.line).Expand(c.word); known != c.known || known && got != c.want {
			t.Errorf("line %d: %s is %q (%v), want %q (%v)", c.line, c.word, got, known, c.want, c.known)
		}
	}
	if in := at(12); in.Workdir != "/srv/app" || in.User != "$A" || in.Stage.Parent != f.Stages[0] {
		t.Errorf("in force: %q, %q, %v", in.Workdir, in.User, in.Stage.Parent)
	}
	if f.Stages[2].Known || f.Stages[0].Image != "debian:12" {
		t.Error("images of stages")
	}
}

// TestShellInForce follows SHELL, stages, and what a comment says of the base image's shell.
func TestShellInForce(t *testing.T) {
	f := parse(t, "FROM a AS b\nRUN 1\nSHELL [\"/bin/bash\", \"-c\"]\nRUN 2\nFROM b\nRUN 3\nFROM mcr.microsoft.com/windows/nanoserver\nRUN 4\nFROM c\n# hadolint shell=pwsh\nRUN 5\n")
	want := map[string]string{"1": "/bin/sh", "2": "/bin/bash", "3": "/bin/bash", "4": "cmd", "5": "pwsh"}
	for _, in := range f.Instructions {
		if in.Name != "RUN" {
			continue
		}
		if in.Shell[0] != want[in.Args[0]] {
			t.Errorf("RUN %s: %v", in.Args[0], in.Shell)
		}
		if posix := in.Args[0] <= "3"; in.POSIX() != posix {
			t.Errorf("RUN %s: POSIX is %v", in.Args[0], in.POSIX())
		}
	}
}

// TestTarget wants the stage that is asked for to be the one that is built, with what it needs and nothing else.
func TestTarget(t *testing.T) {
	const source = "FROM a AS one\nRUN x\nFROM b AS two\nFROM one AS three\nRUN --mount=from=two y\nFROM scratch\nCOPY --from=three / /\n"
	for target, leftOut := range map[string][]int{"": nil, "one": {3, 4, 5, 6, 7}, "Three": {6, 7}, "1": {1, 2, 4, 5, 6, 7}, "3": nil} {
		f, err := Parse("Dockerfile", []byte(source), Options{Target: target})
		if err != nil {
			t.Fatal(err)
		}
		var got []int
		for line := range 7 {
			if f.LeftOut(line + 1) {
				got = append(got, line+1)
			}
		}
		if diff := cmp.Diff(leftOut, got); diff != "" {
			t.Errorf("%q: %s", target, diff)
		}
	}
	_, err := Parse("Dockerfile", []byte(source), Options{Target: "4"})
	var none *StageError
	if !errors.As(err, &none) || err.Error() != `Dockerfile: it has no stage "4"; those that it has, by name or number: one, two, three, 3` {
		t.Errorf("%v", err)
	}
}
