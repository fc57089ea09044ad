package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/plimsoll/plimsoll/internal/cli"
	"github.com/plimsoll/plimsoll/internal/read/image/imagetest"
	"github.com/plimsoll/plimsoll/internal/tell/report/reporttest"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"plimsoll": func() {
		e := cli.Process()
		if os.Getenv(realClock) == "" {
			e.Now = func() time.Time { return time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC) }
		}
		status := validated(e)
		if to := os.Getenv(peakFile); to != "" {
			b, _ := os.ReadFile("/proc/self/status")
			_ = os.WriteFile(to, b, 0o644)
		}
		os.Exit(status)
	}})
}

// realClock names the variable that leaves the program under test the clock: certificates are made by it.
const realClock = "PLIMSOLL_TEST_REAL_CLOCK"

// peakFile names the variable for a file to which the program under test writes what the kernel says of
// its memory. What a parent reads of its child counts the parent's own memory at the fork.
const peakFile = "PLIMSOLL_TEST_PEAK"

// validated runs the program and holds every JSON report that it was asked for against the published
// schema. What is wrong goes to the file that PLIMSOLL_TEST_INVALID names: many scripts want the program to
// fail, and so would not notice a status of its own.
func validated(e cli.Env) int {
	var stdout bytes.Buffer
	e.Stdout = io.MultiWriter(e.Stdout, &stdout)
	status := cli.Main(e)
	if len(e.Args) > 1 && (e.Args[0] == "report" && e.Args[1] == "diff" || e.Args[0] == "rbac" && e.Args[1] != "risky" || e.Args[0] == "net" && e.Args[1] != "gaps") {
		return status // its JSON is no report
	}
	if len(e.Args) > 0 && e.Args[0] == "comply" {
		return status // nor is its
	}
	for i, arg := range e.Args {
		format, ok := strings.CutPrefix(arg, "--output=")
		if i > 0 && (e.Args[i-1] == "-o" || e.Args[i-1] == "--output") {
			format, ok = arg, true
		}
		name, file, _ := strings.Cut(format, "=")
		if !ok || name != "json" || status > 1 && status != 3 {
			continue
		}
		doc, err := stdout.Bytes(), error(nil)
		if file != "" && file != "-" {
			if info, err := os.Stat(file); err != nil || !info.Mode().IsRegular() {
				continue
			}
			doc, err = os.ReadFile(file)
		}
		if err == nil {
			err = reporttest.Check(doc, schemaFile)
		}
		if err != nil && status != 3 || err != nil && len(doc) > 0 {
			invalid(fmt.Errorf("%q: %w", e.Args, err))
		}
	}
	return status
}

func invalid(why error) {
	f, err := os.OpenFile(os.Getenv("PLIMSOLL_TEST_INVALID"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		panic(errors.Join(why, err))
	}
	defer f.Close()
	fmt.Fprintln(f, why)
}

// TestScript runs testdata/script: the command line's specification. Besides testscript's own, the
// scripts have the commands
//
//	image FORM OUT DIR...   makes an image of which each folder is a layer; FORM is docker, old-docker,
//	                        oci or folder
//	valid FILE              holds a JSON report against the published schema; those that the program
//	                        itself writes with -o json are held against it always
//	status N PROGRAM ARG... wants the program to end with just this exit status
func TestScript(t *testing.T) { testscript.Run(t, params(t, "script")) }

// params are those of the scripts in a folder of testdata.
func params(t *testing.T, folder string) testscript.Params {
	return testscript.Params{
		Dir: filepath.Join("testdata", folder),
		Setup: func(e *testscript.Env) error {
			root, err := filepath.Abs(filepath.Join("..", ".."))
			if err != nil {
				return err
			}
			e.Setenv("ROOT", root)
			e.Setenv("NL", "\n")
			e.Setenv("HOME", e.WorkDir)
			e.Setenv("XDG_CACHE_HOME", filepath.Join(e.WorkDir, "cache"))
			// No engine of this machine is to be asked.
			e.Setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")
			e.Setenv("CONTAINER_HOST", "unix:///nowhere/podman.sock")
			e.Setenv("CONTAINERD_ADDRESS", "/nowhere/containerd.sock")
			e.Setenv("CONTAINERD_ROOT", "/nowhere")
			wrong := filepath.Join(t.TempDir(), filepath.Base(e.WorkDir))
			e.Setenv("PLIMSOLL_TEST_INVALID", wrong)
			e.Setenv("PLIMSOLL_TEST_SCHEMA", schemaFile)
			e.Defer(func() {
				if b, err := os.ReadFile(wrong); err == nil {
					t.Errorf("%s: reports that are not as the schema says: %s", filepath.Base(e.WorkDir), b)
				}
			})
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"image": makeImage, "valid": validate, "status": wantStatus},
	}
}

func makeImage(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) < 3 {
		ts.Fatalf("usage: image FORM OUT DIR...")
	}
	img := imagetest.Image{Name: strings.TrimSuffix(filepath.Base(args[1]), ".tar") + ":1", Platform: "linux/amd64"}
	for _, dir := range args[2:] {
		l := imagetest.Layer{CreatedBy: "COPY " + dir + " /", Compression: imagetest.Gzip}
		root := ts.MkAbs(dir)
		ts.Check(filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			b, err := os.ReadFile(p)
			rel, _ := filepath.Rel(root, p)
			l.Files = append(l.Files, imagetest.File{Path: filepath.ToSlash(rel), Body: string(b)})
			return err
		}))
		img.Layers = append(img.Layers, l)
	}
	out := ts.MkAbs(args[1])
	var b []byte
	switch args[0] {
	case "docker":
		b = imagetest.New(img).DockerTar()
	case "old-docker":
		b = imagetest.OldDockerTar(img)
	case "oci":
		b = imagetest.New(img).Tar()
	default:
		ts.Fatalf("unknown form %s", args[0])
	}
	ts.Check(os.WriteFile(out, b, 0o644))
}

func validate(ts *testscript.TestScript, neg bool, args []string) {
	if err := reporttest.Check([]byte(ts.ReadFile(args[0])), schemaFile); (err != nil) != neg {
		ts.Fatalf("%s: %v", args[0], err)
	}
}

func wantStatus(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) < 2 {
		ts.Fatalf("usage: status N PROGRAM ARG...")
	}
	got, err := 0, ts.Exec(args[1], args[2:]...)
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		got = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if args[0] != strconv.Itoa(got) {
		ts.Fatalf("exit status %d, want %s", got, args[0])
	}
}

// schemaFile is absolute, because scripts run elsewhere; the program in a script is told of it.
var schemaFile = func() string {
	if p := os.Getenv("PLIMSOLL_TEST_SCHEMA"); p != "" {
		return p
	}
	p, err := filepath.Abs(filepath.Join("..", "..", "docs", "schema", "report-v1.schema.json"))
	if err != nil {
		panic(err)
	}
	return p
}()
