package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/cli"
	"github.com/plimsoll/plimsoll/internal/read/kube/render"
)

// TestMain makes this test's program both programs.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"plimsoll":  func() { os.Exit(cli.Main(cli.Process())) },
		render.Name: main,
	})
}

// TestScript runs testdata/script. Besides testscript's own commands there are
//
//	pack DIR OUT            packs a folder as helm package does
//	link TARGET NAME        makes a symbolic link
//	status N PROGRAM ARG... wants just this exit status
//	found REPORT RULE NAME PLACE... wants findings of a rule on an object to stand in just these places, PATH:LINE
func TestScript(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: filepath.Join("testdata", "script"),
		Setup: func(e *testscript.Env) error {
			e.Setenv("HOME", e.WorkDir)
			programs, _, _ := strings.Cut(e.Getenv("PATH"), string(filepath.ListSeparator))
			e.Setenv("PLIMSOLL", filepath.Join(programs, "plimsoll"))
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"pack": func(ts *testscript.TestScript, _ bool, args []string) {
				out := ts.MkAbs(args[1])
				ts.Check(ts.Exec("tar", "-czf", out, "-C", filepath.Dir(ts.MkAbs(args[0])), filepath.Base(args[0])))
			},
			"link": func(ts *testscript.TestScript, _ bool, args []string) {
				ts.Check(os.Symlink(args[0], ts.MkAbs(args[1])))
			},
			"found": found,
			"status": func(ts *testscript.TestScript, _ bool, args []string) {
				want, err := strconv.Atoi(args[0])
				ts.Check(err)
				err = ts.Exec(args[1], args[2:]...)
				got := 0
				if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
					got = exit.ExitCode()
				}
				if got != want {
					ts.Fatalf("exit status %d, want %d", got, want)
				}
			},
		},
	})
}

func found(ts *testscript.TestScript, neg bool, args []string) {
	var r finding.Report
	ts.Check(json.Unmarshal([]byte(ts.ReadFile(args[0])), &r))
	var places []string
	for _, f := range r.Findings {
		if f.Rule != args[1] || f.Subject == nil || f.Subject.Name != args[2] {
			continue
		}
		for _, l := range f.Locations {
			at := l.Path
			if l.Inner != "" {
				at += "!/" + l.Inner
			}
			places = append(places, fmt.Sprintf("%s:%d", at, l.StartLine))
		}
	}
	if slices.Equal(places, args[3:]) == neg {
		ts.Fatalf("%s of %s stands in %s", args[1], args[2], strings.Join(places, " "))
	}
}
