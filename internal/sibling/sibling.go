// Package sibling asks another program of ours: one request as JSON on its standard input, one answer on its
// standard output.
//
// What a library costs at every start, or what it would put behind a scanner that reads hostile files as root, stands
// in a program of its own (docs/decisions/0403-sigstore-in-a-program-of-its-own.md and
// 0530-charts-in-a-program-of-their-own.md).
package sibling

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

// Program is one that stands beside this one.
type Program struct {
	Name string
	Does string // what it does, as in "checking signatures"
	Max  int    // bytes that are read of its answer
	// Bare programs get no environment.
	Bare bool
}

// MissingError says that a program is not there.
type MissingError struct{ Program Program }

func (e *MissingError) Error() string {
	return fmt.Sprintf("%s is done by the program %s, which is neither beside plimsoll nor on the PATH: "+
		"take it from the same release, or go install github.com/plimsoll/plimsoll/cmd/%[2]s", e.Program.Does, e.Program.Name)
}

// grace is how long a program may take to end after it was told to.
const grace = 2 * time.Second

// Ask runs the program, the one beside this one or else the one that the PATH finds, and reads its answer. It ends
// with ctx.
func (p Program) Ask(ctx context.Context, request, answer any) error {
	path, err := p.find()
	if err != nil {
		return err
	}
	in, err := json.Marshal(request)
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, path)
	cmd.Stdin = bytes.NewReader(in)
	cmd.WaitDelay = grace
	if p.Bare {
		cmd.Env = []string{}
	}
	out, said := &limited{most: p.Max}, &limited{most: p.Max}
	cmd.Stdout, cmd.Stderr = out, said
	err = cmd.Run()
	switch {
	case out.over:
		return fmt.Errorf("%s: its answer has more than %d bytes", p.Name, p.Max)
	case ctx.Err() != nil:
		return fmt.Errorf("%s: %w", p.Name, ctx.Err())
	case err != nil:
		return fmt.Errorf("%s: %w: %.500s", p.Name, err, strings.TrimSpace(said.b.String()))
	}
	if err := json.Unmarshal(out.b.Bytes(), answer); err != nil {
		return fmt.Errorf("%s: its answer: %w", p.Name, err)
	}
	return nil
}

// Here says whether the program is there; a MissingError says where it is to be had.
func (p Program) Here() error {
	_, err := p.find()
	return err
}

func (p Program) find() (string, error) {
	name := p.Name
	if runtime.GOOS == "windows" {
		name += ".exe"
	}
	if self, err := os.Executable(); err == nil {
		if self, err = filepath.EvalSymlinks(self); err == nil {
			beside := filepath.Join(filepath.Dir(self), name)
			if info, err := os.Stat(beside); err == nil && info.Mode().IsRegular() {
				return beside, nil
			}
		}
	}
	path, err := exec.LookPath(name)
	if err != nil {
		return "", &MissingError{p}
	}
	return path, nil
}

// limited is a buffer that takes no more than an answer may have.
type limited struct {
	b    bytes.Buffer
	most int
	over bool
}

func (l *limited) Write(p []byte) (int, error) {
	if l.b.Len()+len(p) > l.most {
		l.over = true
		return 0, errors.New("the answer is too long")
	}
	return l.b.Write(p)
}
