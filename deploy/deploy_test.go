// Package deploy_test runs the pipeline files as far as that goes without the services that they are for:
// their shell for real, with plimsoll itself, under an environment such as a runner gives.
package deploy_test

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"go.yaml.in/yaml/v3"

	"github.com/plimsoll/plimsoll/internal/cli"
	"github.com/plimsoll/plimsoll/internal/read/image/imagetest"
)

// TestMain makes this test's program plimsoll as well, and puts it on the PATH.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"plimsoll": func() {
		e := cli.Process()
		e.Now = func() time.Time { return time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC) }
		os.Exit(cli.Main(e))
	}})
}

// The images that are scanned: one that passes when a gap is accepted, and the example, which does not.
func fine(t *testing.T) string {
	t.Helper()
	return imagetest.WriteFile(t, "fine.tar", imagetest.New(imagetest.Image{Name: "fine:1", Layers: []imagetest.Layer{{Files: []imagetest.File{{Path: "a"}}}}}).Tar())
}

func bad(t *testing.T) string {
	t.Helper()
	shop, err := filepath.Abs(filepath.Join("..", "examples", "shop", "shop.tar"))
	if err != nil {
		t.Fatal(err)
	}
	return shop
}

// accept is the gap that an empty image has.
const accept = "--allow-gap=no-packages"

func read[T any](t *testing.T, path string) T {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var v T
	if err := yaml.Unmarshal(b, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

// run runs a script, and returns its status.
func run(t *testing.T, dir string, env map[string]string, shell ...string) (int, string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), shell[0], shell[1:]...)
	cmd.Dir = dir
	cmd.Env = []string{"HOME=" + dir, "XDG_CACHE_HOME=" + filepath.Join(dir, ".cache")}
	if env["PATH"] == "" {
		cmd.Env = append(cmd.Env, "PATH="+os.Getenv("PATH"))
	}
	for _, name := range slices.Sorted(maps.Keys(env)) {
		cmd.Env = append(cmd.Env, name+"="+env[name])
	}
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), string(out)
}

func need(t *testing.T, programs ...string) {
	t.Helper()
	for _, p := range programs {
		if _, err := exec.LookPath(p); err != nil {
			t.Skip("needs " + p)
		}
	}
}

type action struct {
	Inputs map[string]struct{ Default string }
	Runs   struct {
		Steps []struct {
			ID, Run string
			Uses    string
			Env     map[string]string
		}
	}
}

var expression = regexp.MustCompile(`\$\{\{ *(inputs|github)\.([a-z_0-9-]+) *\}\}`)

// step runs a step of the action as a runner would: its expressions filled in, its files there.
func (a action) step(t *testing.T, dir, id string, inputs, env map[string]string) (int, string, string) {
	t.Helper()
	for _, s := range a.Runs.Steps {
		if s.ID != id {
			continue
		}
		all := maps.Clone(env)
		for name, value := range s.Env {
			all[name] = expression.ReplaceAllStringFunc(value, func(e string) string {
				m := expression.FindStringSubmatch(e)
				if v, ok := inputs[m[2]]; ok || m[1] == "github" {
					return v
				}
				return a.Inputs[m[2]].Default
			})
		}
		for _, f := range []string{"GITHUB_OUTPUT", "GITHUB_PATH", "GITHUB_STEP_SUMMARY"} {
			all[f] = filepath.Join(dir, f)
		}
		all["RUNNER_TEMP"] = dir
		status, out := run(t, dir, all, "bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", s.Run)
		written, _ := os.ReadFile(all["GITHUB_OUTPUT"])
		return status, out, string(written)
	}
	t.Fatalf("the action has no step %s", id)
	return 0, "", ""
}

// TestAction runs the GitHub action's steps.
func TestAction(t *testing.T) {
	need(t, "bash", "curl", "sha256sum")
	a := read[action](t, "github/action.yml")
	for _, s := range a.Runs.Steps {
		if s.Uses != "" && !regexp.MustCompile(`@[0-9a-f]{40}$`).MatchString(s.Uses) {
			t.Errorf("%s is not pinned by its commit", s.Uses)
		}
		if expression.MatchString(s.Run) {
			t.Errorf("step %s: an expression in a script is somebody else's script", s.ID)
		}
	}
	self, err := exec.LookPath("plimsoll")
	if err != nil {
		t.Fatal(err)
	}
	program, err := os.ReadFile(self)
	if err != nil {
		t.Fatal(err)
	}
	releases := t.TempDir()
	os_, arch := strings.ToLower(uname(t, "-s")), map[string]string{"x86_64": "amd64", "aarch64": "arm64"}[uname(t, "-m")]
	at := filepath.Join(releases, "v0.1.0", "plimsoll_0.1.0_"+os_+"_"+arch)
	if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(at, program, 0o644); err != nil {
		t.Fatal(err)
	}
	env := map[string]string{"PLIMSOLL_RELEASES": "file://" + releases}
	for _, c := range []struct {
		name, sha256 string
		status       int
	}{
		{"no digest", "", 2},
		{"another digest", strings.Repeat("0", 64), 2},
		{"its digest", fmt.Sprintf("%x", sha256.Sum256(program)), 0},
	} {
		dir := t.TempDir()
		status, out, _ := a.step(t, dir, "get", map[string]string{"version": "0.1.0", "sha256": c.sha256}, env)
		_, there := os.Stat(filepath.Join(dir, "plimsoll-bin", "plimsoll"))
		_, path := os.Stat(filepath.Join(dir, "GITHUB_PATH"))
		if status != c.status || (there == nil) != (status == 0) || (path == nil) != (status == 0) {
			t.Errorf("%s: status %d, program %v, path %v: %s", c.name, status, there, path, out)
		}
	}
	for _, c := range []struct {
		name    string
		inputs  map[string]string
		status  int
		verdict string
	}{
		{"fine", map[string]string{"target": fine(t), "args": accept + "\n--offline\n"}, 0, "verdict=pass"},
		{"incomplete", map[string]string{"target": fine(t)}, 3, "verdict=incomplete"},
		{"bad", map[string]string{"target": bad(t)}, 1, "verdict=deny"},
		{"only shown", map[string]string{"target": bad(t), "fail-on": "none"}, 0, "verdict=pass"},
		{"wrong", map[string]string{"target": "./nowhere.tar"}, 2, "verdict=error"},
		{"a target that looks like a flag", map[string]string{"target": "--fail-on=none"}, 2, "verdict=error"},
		{"a target that looks like a script", map[string]string{"target": "$(touch owned)"}, 2, "verdict=error"},
	} {
		dir := t.TempDir()
		status, out, outputs := a.step(t, dir, "scan", c.inputs, noEnv())
		if status != c.status || !strings.Contains(outputs, c.verdict+"\n") {
			t.Errorf("%s: status %d, want %d and %s\n%s%s", c.name, status, c.status, c.verdict, outputs, out)
		}
		if _, err := os.Stat(filepath.Join(dir, "owned")); err == nil {
			t.Errorf("%s: an input is run", c.name)
		}
		summary, _ := os.ReadFile(filepath.Join(dir, "GITHUB_STEP_SUMMARY"))
		if (len(summary) > 0) != (c.status != 2) {
			t.Errorf("%s: summary of %d bytes", c.name, len(summary))
		}
	}
}

func noEnv() map[string]string { return map[string]string{} }

func uname(t *testing.T, what string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "uname", what).Output()
	if err != nil {
		t.Skip("needs uname")
	}
	return strings.TrimSpace(string(out))
}

type gitlab struct {
	Plimsoll struct {
		Variables map[string]string
		Script    []string
	} `yaml:".plimsoll"`
}

// TestGitLab runs the template's script in a shell as GitLab's runner has it.
func TestGitLab(t *testing.T) {
	need(t, "sh", "curl", "sha256sum")
	job := read[gitlab](t, "gitlab/plimsoll.gitlab-ci.yml").Plimsoll
	self, err := exec.LookPath("plimsoll")
	if err != nil {
		t.Fatal(err)
	}
	program, err := os.ReadFile(self)
	if err != nil {
		t.Fatal(err)
	}
	bare := t.TempDir() // a PATH with all that the script needs but plimsoll
	for _, p := range []string{"sh", "curl", "sha256sum", "mkdir", "chmod", "rm"} {
		at, err := exec.LookPath(p)
		if err != nil {
			t.Skip("needs " + p)
		}
		if err := os.Symlink(at, filepath.Join(bare, p)); err != nil {
			t.Fatal(err)
		}
	}
	sum := fmt.Sprintf("%x", sha256.Sum256(program))
	for _, c := range []struct {
		name   string
		env    map[string]string
		status int
	}{
		{"fine", map[string]string{"PLIMSOLL_TARGET": fine(t), "PLIMSOLL_ARGS": accept + " --offline"}, 0},
		{"incomplete", map[string]string{"PLIMSOLL_TARGET": fine(t)}, 3},
		{"bad", map[string]string{"PLIMSOLL_TARGET": bad(t)}, 1},
		{"nothing", noEnv(), 2},
		{"no program", map[string]string{"PLIMSOLL_TARGET": fine(t), "PATH": bare}, 2},
		{"fetched", map[string]string{"PLIMSOLL_TARGET": bad(t), "PATH": bare, "PLIMSOLL_URL": "file://" + self, "PLIMSOLL_SHA256": sum}, 1},
		{"fetched, another", map[string]string{"PLIMSOLL_TARGET": bad(t), "PATH": bare, "PLIMSOLL_URL": "file://" + self, "PLIMSOLL_SHA256": strings.Repeat("0", 64)}, 2},
	} {
		dir := t.TempDir()
		env := maps.Clone(job.Variables)
		maps.Copy(env, c.env)
		status, out := run(t, dir, env, "sh", "-ec", strings.Join(job.Script, "\n"))
		if status != c.status || strings.Contains(out, "sets nothing") {
			t.Errorf("%s: status %d, want %d\n%s", c.name, status, c.status, out)
		}
		_, report := os.Stat(filepath.Join(dir, "gl-container-scanning-report.json"))
		if want := c.status != 2; want != (report == nil) {
			t.Errorf("%s: report %v\n%s", c.name, report, out)
		}
	}
}

type hook struct {
	ID, Language, Entry, Files string
	Args                       []string
}

// TestPreCommit commits to a repository whose hook is ours: what pins a vulnerable package is not taken.
func TestPreCommit(t *testing.T) {
	need(t, "git", "sh")
	hooks := read[[]hook](t, "../.pre-commit-hooks.yaml")
	if len(hooks) != 2 {
		t.Fatalf("%d hooks", len(hooks))
	}
	files := regexp.MustCompile(hooks[0].Files)
	for _, name := range []string{"Dockerfile", "a/web.Dockerfile", "go.mod", "x/package-lock.json", "docker-compose.yml", "compose.prod.yaml", ".github/workflows/ci.yml", "requirements-dev.txt"} {
		if !files.MatchString(name) {
			t.Errorf("a change of %s is not looked at", name)
		}
	}
	if files.MatchString("main.go") || files.MatchString("README.md") {
		t.Error("every change is looked at")
	}
	git := func(dir string, args ...string) (int, string) {
		return run(t, dir, map[string]string{"GIT_CONFIG_GLOBAL": os.DevNull, "PRE_COMMIT_HOME": filepath.Join(dir, ".git", "pre-commit-cache")},
			append([]string{"git", "-c", "user.name=t", "-c", "user.email=t@example.com"}, args...)...)
	}
	for _, h := range hooks {
		dir := t.TempDir()
		if status, out := git(dir, "init", "-q"); status != 0 {
			t.Fatal(out)
		}
		script := "#!/bin/sh\nexec " + h.Entry + " " + strings.Join(h.Args, " ") + "\n"
		if err := os.WriteFile(filepath.Join(dir, ".git", "hooks", "pre-commit"), []byte(script), 0o755); err != nil {
			t.Fatal(err)
		}
		commitsWhatIsRight(t, dir, git)
	}
}

const lock = `{"name":"x","version":"1.0.0","lockfileVersion":3,"packages":{"":{"name":"x","version":"1.0.0"},"node_modules/lodash":{"version":"%s"}}}`

// commitsWhatIsRight tries to commit a vulnerable version, and then one without a known fault.
func commitsWhatIsRight(t *testing.T, dir string, git func(string, ...string) (int, string)) {
	t.Helper()
	for _, c := range []struct {
		version string
		taken   bool
	}{{"4.17.20", false}, {"4.18.1", true}} {
		if err := os.WriteFile(filepath.Join(dir, "package-lock.json"), fmt.Appendf(nil, lock, c.version), 0o644); err != nil {
			t.Fatal(err)
		}
		git(dir, "add", "package-lock.json")
		status, out := git(dir, "commit", "-qm", "x")
		if (status == 0) != c.taken {
			t.Errorf("lodash %s: status %d, want it taken: %t\n%s", c.version, status, c.taken, out)
		}
	}
}

// TestPreCommitItself has pre-commit read the manifest and run the hook.
func TestPreCommitItself(t *testing.T) {
	if os.Getenv("PLIMSOLL_TEST") != "all" {
		t.Skip("needs pre-commit: set PLIMSOLL_TEST=all")
	}
	manifest, err := filepath.Abs("../.pre-commit-hooks.yaml")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if status, out := run(t, dir, noEnv(), "pre-commit", "validate-manifest", manifest); status != 0 {
		t.Fatal(out)
	}
	hooks := read[[]hook](t, manifest)
	git := func(dir string, args ...string) (int, string) {
		return run(t, dir, map[string]string{"GIT_CONFIG_GLOBAL": os.DevNull, "PRE_COMMIT_HOME": filepath.Join(dir, ".git", "cache")},
			append([]string{"git", "-c", "user.name=t", "-c", "user.email=t@example.com"}, args...)...)
	}
	git(dir, "init", "-q")
	// A local hook is the manifest's, without a clone of this repository.
	config, err := yaml.Marshal(map[string]any{"repos": []any{map[string]any{"repo": "local", "hooks": []any{map[string]any{
		"id": "plimsoll", "name": "plimsoll", "language": hooks[1].Language, "entry": hooks[1].Entry, "args": hooks[1].Args, "files": hooks[1].Files, "pass_filenames": false,
	}}}}})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, ".pre-commit-config.yaml"), config, 0o644); err != nil {
		t.Fatal(err)
	}
	git(dir, "add", ".pre-commit-config.yaml")
	if status, out := run(t, dir, map[string]string{"GIT_CONFIG_GLOBAL": os.DevNull, "PRE_COMMIT_HOME": filepath.Join(dir, ".git", "cache")}, "pre-commit", "install"); status != 0 {
		t.Fatal(out)
	}
	commitsWhatIsRight(t, dir, git)
}

// TestSchemas holds the action against the schema that editors use.
func TestSchemas(t *testing.T) {
	if os.Getenv("PLIMSOLL_TEST") != "all" {
		t.Skip("needs action-validator: set PLIMSOLL_TEST=all")
	}
	tools := os.Getenv("PLIMSOLL_TEST_NODE")
	if tools == "" {
		t.Fatal("PLIMSOLL_TEST_NODE names no folder of node_modules")
	}
	if status, out := run(t, ".", noEnv(), filepath.Join(tools, ".bin", "action-validator"), "github/action.yml"); status != 0 {
		t.Errorf("action.yml: %s", out)
	}
}
