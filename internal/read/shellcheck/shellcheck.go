// Package shellcheck has the program ShellCheck look at scripts, and reads what it says of them.
//
// The program is the user's own, found on the PATH, and is run only where somebody asked for it. It is given
// the scripts as files of a folder that only this user can read and that is gone afterwards; no settings of
// the user's, and no files that the scripts name, are read.
package shellcheck

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf8"
)

// Bounds on the program's work.
const (
	perRun    = 2 * time.Minute // for all scripts of a call
	maxAnswer = 16 << 20        // bytes
	// MaxScript bounds a script in bytes, and MaxScripts how many are looked at in one call.
	MaxScript  = 256 << 10
	MaxScripts = 1000
)

// ErrMissing says that the program is not there.
var ErrMissing = errors.New("there is no shellcheck on the PATH: install it (apt-get install shellcheck, apk add shellcheck, dnf install ShellCheck, " +
	"brew install shellcheck, or https://github.com/koalaman/shellcheck/releases)")

// Tool is the program.
type Tool struct{ path string }

// Find looks for it on the PATH.
func Find() (*Tool, error) {
	path, err := exec.LookPath("shellcheck")
	if err != nil {
		return nil, ErrMissing
	}
	return &Tool{path}, nil
}

// Script is what a shell is told. Shell is the program's word for its language: sh, dash, bash or ksh.
type Script struct {
	Text  string
	Shell string
	Set   []string // variables that have values of which the script does not tell
}

// Comment is what the program says of a place in a script.
type Comment struct {
	Script   int // which of them
	From, To int // offsets in bytes in its text
	Code     int
	Level    string // error, warning, info or style
	Message  string
}

// comment is one as the program writes it: lines and columns count from 1, a column is a character.
type comment struct {
	File      string `json:"file"`
	Line      int    `json:"line"`
	Column    int    `json:"column"`
	EndLine   int    `json:"endLine"`
	EndColumn int    `json:"endColumn"`
	Level     string `json:"level"`
	Code      int    `json:"code"`
	Message   string `json:"message"`
}

// Look has the program look at scripts. Its comments come in its own order.
func (t *Tool) Look(ctx context.Context, scripts []Script) ([]Comment, error) {
	if len(scripts) == 0 {
		return nil, nil
	}
	if len(scripts) > MaxScripts {
		return nil, fmt.Errorf("there are %d scripts, and no more than %d are looked at", len(scripts), MaxScripts)
	}
	dir, err := os.MkdirTemp("", "plimsoll-shellcheck-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	given := make([]framed, len(scripts))
	args := []string{"--norc", "--format=json1", "--"}
	for i, s := range scripts {
		if len(s.Text) > MaxScript {
			return nil, fmt.Errorf("a script has %d bytes, and no more than %d are looked at", len(s.Text), MaxScript)
		}
		given[i] = frame(s)
		name := strconv.Itoa(i)
		if err := os.WriteFile(filepath.Join(dir, name), []byte(given[i].text), 0o600); err != nil {
			return nil, err
		}
		args = append(args, name)
	}
	answer, err := t.run(ctx, dir, args)
	if err != nil {
		return nil, err
	}
	return parse(answer, given)
}

// run starts the program in a folder. Status 1 says that it found something.
func (t *Tool) run(ctx context.Context, dir string, args []string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, perRun)
	defer cancel()
	cmd := exec.CommandContext(ctx, t.path, args...)
	cmd.Dir, cmd.WaitDelay = dir, time.Second
	cmd.Env = []string{"LC_ALL=C.UTF-8", "HOME=" + dir} // no SHELLCHECK_OPTS
	var out, said limited
	cmd.Stdout, cmd.Stderr = &out, &said
	err := cmd.Run()
	var exit *exec.ExitError
	switch {
	case ctx.Err() != nil:
		return nil, fmt.Errorf("it did not end within %v: %w", perRun, ctx.Err())
	case errors.As(err, &exit) && exit.ExitCode() == 1, err == nil:
		return out.b.Bytes(), nil
	}
	return nil, fmt.Errorf("%w: %.300s", err, strings.TrimSpace(said.b.String()))
}

// limited is a buffer that takes no more than an answer may have.
type limited struct{ b bytes.Buffer }

func (l *limited) Write(p []byte) (int, error) {
	if l.b.Len()+len(p) > maxAnswer {
		return 0, errors.New("it says more than is read")
	}
	return l.b.Write(p)
}

func parse(answer []byte, given []framed) ([]Comment, error) {
	var of struct {
		Comments *[]comment `json:"comments"`
	}
	if err := json.Unmarshal(answer, &of); err != nil {
		return nil, fmt.Errorf("its answer: %w", err)
	}
	if of.Comments == nil {
		return nil, errors.New("its answer has no comments: at least version 0.7 is needed")
	}
	var all []Comment
	for _, c := range *of.Comments {
		n, err := strconv.Atoi(c.File)
		if err != nil || n < 0 || n >= len(given) {
			return nil, fmt.Errorf("its answer speaks of a file %q, which it was not given", c.File)
		}
		f := &given[n]
		from, ok := f.offset(c.Line, c.Column)
		if !ok {
			continue // it is about the frame
		}
		to, ok := f.offset(c.EndLine, c.EndColumn)
		if !ok || to < from {
			to = from
		}
		all = append(all, Comment{Script: n, From: from, To: to, Code: c.Code, Level: c.Level, Message: c.Message})
	}
	return all, nil
}

// framed is a script with what the program has to know of it, which stands in it as one piece.
type framed struct {
	text     string
	at, size int   // of the piece
	lines    []int // offset of each line's begin
}

// name is what a variable of a shell is called.
var name = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`) })

// frame writes down which shell reads a script, unless that says so itself, and which variables have values.
func frame(s Script) framed {
	var f framed
	var piece strings.Builder
	if strings.HasPrefix(s.Text, "#!") {
		f.at = strings.IndexByte(s.Text, '\n') + 1
		if f.at == 0 {
			f.at = len(s.Text)
		}
	} else {
		piece.WriteString("#!/bin/" + s.Shell + "\n")
	}
	for _, v := range s.Set {
		if name().MatchString(v) {
			piece.WriteString("export " + v + "=\"$1\"\n")
		}
	}
	f.size = piece.Len()
	f.text = s.Text[:f.at] + piece.String() + s.Text[f.at:]
	f.lines = []int{0}
	for i := range len(f.text) {
		if f.text[i] == '\n' {
			f.lines = append(f.lines, i+1)
		}
	}
	return f
}

// offset is where in the script a character of the frame's text stands; false in the piece.
func (f *framed) offset(line, column int) (int, bool) {
	if line < 1 || line > len(f.lines) || column < 1 {
		return 0, false
	}
	offset := f.lines[line-1]
	for column > 1 && offset < len(f.text) && f.text[offset] != '\n' {
		_, size := utf8.DecodeRuneInString(f.text[offset:])
		offset += size
		column--
	}
	switch {
	case offset < f.at:
		return offset, true
	case offset < f.at+f.size:
		return 0, false
	}
	return offset - f.size, true
}
