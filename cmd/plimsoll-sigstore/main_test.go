package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/plimsoll/plimsoll/internal/cli"
	"github.com/plimsoll/plimsoll/internal/read/attestation/helper"
	"github.com/plimsoll/plimsoll/internal/read/image/imagetest"
)

// TestMain makes this test's program both programs.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"plimsoll":  func() { os.Exit(cli.Main(cli.Process())) },
		helper.Name: main,
	})
}

// TestScript runs testdata/script. Each has an image as an OCI layout in the folder cart, and the command
// status N PROGRAM ARG... that wants just this exit status.
func TestScript(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: filepath.Join("testdata", "script"),
		Setup: func(e *testscript.Env) error {
			l := imagetest.New(imagetest.Image{Name: "cart:1", Layers: []imagetest.Layer{{Files: []imagetest.File{{Path: "a"}}}}})
			e.Setenv("HOME", e.WorkDir)
			return os.CopyFS(filepath.Join(e.WorkDir, "cart"), os.DirFS(l.Folder(t)))
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"status": func(ts *testscript.TestScript, _ bool, args []string) {
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
		}},
	})
}
