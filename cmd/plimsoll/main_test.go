package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/plimsoll/plimsoll/internal/cli"
	"github.com/plimsoll/plimsoll/internal/read/image/imagetest"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"plimsoll": func() {
		e := cli.Process()
		e.Now = func() time.Time { return time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC) }
		os.Exit(cli.Main(e))
	}})
}

// TestScript runs testdata/script: the command line's specification. Besides testscript's own, the
// scripts have the commands
//
//	image FORM OUT DIR...   makes an image of which each folder is a layer; FORM is docker, old-docker,
//	                        oci or folder
//	valid FILE              holds a JSON report against the published schema
//	status N COMMAND...     runs a command that must end with this exit status
func TestScript(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: filepath.Join("testdata", "script"),
		Setup: func(e *testscript.Env) error {
			root, err := filepath.Abs(filepath.Join("..", ".."))
			if err != nil {
				return err
			}
			e.Setenv("ROOT", root)
			e.Setenv("HOME", e.WorkDir)
			e.Setenv("XDG_CACHE_HOME", filepath.Join(e.WorkDir, "cache"))
			// No engine of this machine is to be asked.
			e.Setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")
			e.Setenv("CONTAINER_HOST", "unix:///nowhere/podman.sock")
			e.Setenv("CONTAINERD_ADDRESS", "/nowhere/containerd.sock")
			e.Setenv("CONTAINERD_ROOT", "/nowhere")
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"image": makeImage, "valid": validate, "status": endsWith},
	})
}

func endsWith(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) < 2 {
		ts.Fatalf("usage: status N COMMAND...")
	}
	got := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		exit := (*exec.ExitError)(nil)
		if !errors.As(err, &exit) {
			ts.Fatalf("%v", err)
		}
		got = exit.ExitCode()
	}
	if strconv.Itoa(got) != args[0] {
		ts.Fatalf("exit status %d, want %s", got, args[0])
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
	schema, err := jsonschema.NewCompiler().Compile(schemaFile)
	ts.Check(err)
	var doc any
	d := json.NewDecoder(strings.NewReader(ts.ReadFile(args[0])))
	d.UseNumber()
	ts.Check(d.Decode(&doc))
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader([]byte(ts.ReadFile(args[0]))))
	ts.Check(err)
	if err := schema.Validate(v); (err != nil) != neg {
		ts.Fatalf("%s: %v", args[0], err)
	}
}

// schemaFile is absolute, because scripts run elsewhere.
var schemaFile = func() string {
	p, err := filepath.Abs(filepath.Join("..", "..", "docs", "schema", "report-v1.schema.json"))
	if err != nil {
		panic(err)
	}
	return p
}()
