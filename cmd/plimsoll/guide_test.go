package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

var (
	fence    = regexp.MustCompile("(?ms)^(?:`([a-z][a-z./-]*)`:\n)?```([a-z]*)\n(.*?)^```$")
	expected = regexp.MustCompile(`^(plimsoll .*?)\s+# exit status (\d)\b`)
)

// TestGuides follows pages of docs/guide from top to bottom: files that they show are written, commands that they show are
// run, and what they show of their output must stand there.
func TestGuides(t *testing.T) {
	for page, least := range map[string]int{"exceptions.md": 9, "policies.md": 12, "admission-policies.md": 3, "migrate-policies.md": 1} {
		t.Run(page, func(t *testing.T) {
			if ran := follow(t, page); ran < least {
				t.Errorf("only %d commands were run", ran)
			}
		})
	}
}

// oneSpace forgets where lines were broken.
func oneSpace(s string) string { return strings.Join(strings.Fields(s), " ") }

// follow follows one page, and counts the commands that it ran.
func follow(t *testing.T, name string) (ran int) {
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "guide", name))
	if err != nil {
		t.Fatal(err)
	}
	shop, err := filepath.Abs(filepath.Join("..", "..", "examples", "shop", "shop.tar"))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.Symlink(shop, filepath.Join(dir, "shop.tar")); err != nil {
		t.Fatal(err)
	}
	said, after := "", ""
	for _, m := range fence.FindAllStringSubmatch(strings.ReplaceAll(string(page), "\r\n", "\n"), -1) {
		file, lang, body := m[1], m[2], m[3]
		switch {
		case file != "":
			path := filepath.Join(dir, filepath.FromSlash(file))
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte(body), 0o644); err != nil {
				t.Fatal(err)
			}
		case lang == "sh":
			for line := range strings.Lines(body) {
				said = runShown(t, dir, strings.TrimSpace(line))
				ran++
			}
		case (lang == "" || lang == "text") && after == "sh":
			for line := range strings.Lines(body) {
				if !strings.Contains(oneSpace(said), oneSpace(line)) {
					t.Errorf("the guide shows %q, which is not printed:\n%s", line, said)
				}
			}
		}
		after = lang
	}
	if b, err := os.ReadFile(filepath.Join(dir, "invalid")); err == nil {
		t.Errorf("reports that are not as the schema says: %s", b)
	}
	return ran
}

// runShown runs one line, and gives all that it printed.
func runShown(t *testing.T, dir, line string) string {
	t.Helper()
	m := expected.FindStringSubmatch(line)
	if m == nil {
		t.Fatalf("%q is no command with its exit status", line)
	}
	cmd := exec.Command(os.Args[0], strings.Fields(m[1])[1:]...)
	// testscript's main runs the program where it is called by its name.
	cmd.Args[0], cmd.Dir = "plimsoll", dir
	cmd.Env = append(os.Environ(), "XDG_CACHE_HOME="+filepath.Join(dir, "cache"), "PLIMSOLL_OFFLINE=true",
		"PLIMSOLL_TEST_SCHEMA="+schemaFile, "PLIMSOLL_TEST_INVALID="+filepath.Join(dir, "invalid"))
	out, _ := cmd.CombinedOutput()
	if got := strconv.Itoa(cmd.ProcessState.ExitCode()); got != m[2] {
		t.Errorf("%s: exit status %s: %s", m[1], got, out)
	}
	return string(out)
}
