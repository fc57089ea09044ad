package main

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// The events are go test's own, of packages that the test writes.
func TestRun(t *testing.T) {
	for _, test := range []struct {
		name, source, skips string
		good                bool
		says                string
	}{
		{"pass", `func TestA(t *testing.T) {}`, "", true, "1 passed, 0 failed, 0 skipped"},
		{"fail", `func TestA(t *testing.T) { t.Error("so it is") }`, "", false, "so it is"},
		{"skip", `func TestA(t *testing.T) { t.Skip("why not") }`, "", false, "why not"},
		{"permitted", `func TestA(t *testing.T) { t.Skip("no") }; func TestB(t *testing.T) {}`, "# remark\nx TestA it is so\n", true, "x TestA: it is so"},
		{"subtest", `func TestA(t *testing.T) { t.Run("b", func(t *testing.T) { t.Skip("no") }) }`, "", false, "TestA/b is not permitted"},
		{"exit", `func TestA(t *testing.T) { os.Exit(3) }`, "", false, "FAIL\tgithub.com/plimsoll/plimsoll/x"},
		{"panic", `func TestA(t *testing.T) { panic("oh") }`, "", false, "oh"},
		{"no build", `func TestA(t *testing.T) { undefined() }`, "", false, "undefined: undefined"},
		{"no test", ``, "", false, "0 passed"},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			write(t, filepath.Join(dir, "go.mod"), "module "+module+"x\n\ngo 1.26\n")
			write(t, filepath.Join(dir, "x_test.go"), "package x\n\nimport (\"os\"; \"testing\")\n\nvar _ = os.Exit\nvar _ testing.TB\n\n"+test.source+"\n")
			cmd := exec.CommandContext(t.Context(), "go", "test", "-json", "./...")
			cmd.Dir, cmd.Env = dir, append(os.Environ(), "GOFLAGS=-mod=mod", "GOWORK=off")
			events, _ := cmd.Output()
			skips := filepath.Join(dir, "skips.txt")
			write(t, skips, test.skips)
			permitted, err := permits(skips)
			if err != nil {
				t.Fatal(err)
			}
			var out strings.Builder
			j := judge{out: &out, permitted: permitted}
			if err := j.read(strings.NewReader(string(events))); err != nil {
				t.Fatal(err)
			}
			if good := j.verdict(); good != test.good || !strings.Contains(out.String(), test.says) {
				t.Errorf("good is %v, and %q is wanted in:\n%s", good, test.says, out.String())
			}
		})
	}
}

// A run that ends in the middle has no failure in it, and has not passed.
func TestEndsInTheMiddle(t *testing.T) {
	const a, b = module + "a", module + "b"
	events := `{"Action":"start","Package":"` + a + `"}
{"Action":"pass","Package":"` + a + `","Test":"TestA"}
{"Action":"pass","Package":"` + a + `"}
{"Action":"start","Package":"` + b + `"}
`
	var out strings.Builder
	j := judge{out: &out}
	if err := j.read(strings.NewReader(events)); err != nil {
		t.Fatal(err)
	}
	if j.verdict() || !strings.Contains(out.String(), b+" did not end") {
		t.Error(out.String())
	}
}

func TestRunCountsStatus(t *testing.T) {
	skips := filepath.Join(t.TempDir(), "skips.txt")
	write(t, skips, "")
	pass := `echo '{"Action":"pass","Package":"a","Test":"TestA"}'; `
	for status, want := range map[string]bool{"exit 0": true, "exit 1": false, "kill -9 $$": false} {
		good, err := run(io.Discard, skips, []string{"sh", "-c", pass + status})
		if (good && err == nil) != want {
			t.Errorf("%s: good %v, %v", status, good, err)
		}
	}
}

func write(t *testing.T, path, body string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(body), 0o600); err != nil {
		t.Fatal(err)
	}
}
