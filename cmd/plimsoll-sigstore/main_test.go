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

// TestScript runs testdata/script.
func TestScript(t *testing.T) { testscript.Run(t, params(t, "script")) }

// layout is an image of that name.
func layout(name string) *imagetest.Layout {
	files := []imagetest.File{{Path: "etc/os-release", Body: "ID=debian\nVERSION_ID=12\n"}, {Path: name}}
	return imagetest.New(imagetest.Image{Name: name + ":1", Layers: []imagetest.Layer{{Files: files}}})
}

// params are those of a folder of scripts. Each has two images as OCI layouts in the folders cart and wine,
// and the command status N PROGRAM ARG... that wants just this exit status.
func params(t *testing.T, folder string) testscript.Params {
	return testscript.Params{
		Dir: filepath.Join("testdata", folder),
		Setup: func(e *testscript.Env) error {
			e.Setenv("HOME", e.WorkDir)
			return errors.Join(
				os.CopyFS(filepath.Join(e.WorkDir, "cart"), os.DirFS(layout("cart").Folder(t))),
				os.CopyFS(filepath.Join(e.WorkDir, "wine"), os.DirFS(layout("wine").Folder(t))),
			)
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
	}
}
