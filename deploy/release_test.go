package deploy_test

import (
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestRelease makes a release from two copies of the source: byte for byte the same, attested, and found
// clean by itself.
func TestRelease(t *testing.T) {
	if os.Getenv("PLIMSOLL_TEST") != "all" {
		t.Skip("builds everything twice: set PLIMSOLL_TEST=all")
	}
	root, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	key := filepath.Join(t.TempDir(), "key")
	if out, err := exec.CommandContext(t.Context(), "openssl", "genpkey", "-algorithm", "ed25519", "-out", key).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	var sums []string
	for _, place := range []string{"one", "a/longer/place"} {
		dir := filepath.Join(t.TempDir(), place)
		clone(t, root, dir)
		out := filepath.Join(t.TempDir(), "out")
		env := map[string]string{
			"SOURCE_DATE_EPOCH": "1700000000", "PLIMSOLL_RELEASE_KEY": key, "GOCACHE": goEnv(t, "GOCACHE"), "GOMODCACHE": goEnv(t, "GOMODCACHE"), "GOPROXY": "off",
			"PLIMSOLL_RELEASE_ARGS": "--allow-gap feed-partial",
		}
		if status, said := run(t, dir, env, filepath.Join(dir, "deploy", "release"), "0.0.1", out, "linux/amd64"); status != 0 {
			t.Fatalf("status %d: %s", status, said)
		}
		lines, err := os.ReadFile(filepath.Join(out, "SHA256SUMS"))
		if err != nil {
			t.Fatal(err)
		}
		var programs []string
		for line := range strings.Lines(string(lines)) {
			if !strings.Contains(line, "sigstore.json") { // which says when it was signed
				programs = append(programs, line)
			}
		}
		index, err := os.ReadFile(filepath.Join(out, "plimsoll_0.0.1_linux_amd64.cdx.json"))
		if err != nil || !strings.Contains(string(index), "spf13/cobra") {
			t.Errorf("the bill of materials does not name what is linked: %v", err)
		}
		sums = append(sums, strings.Join(programs, ""))
		public := filepath.Join(out, "key.pub")
		if b, err := exec.CommandContext(t.Context(), "openssl", "pkey", "-in", key, "-pubout", "-out", public).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, b)
		}
		program := filepath.Join(out, "plimsoll_0.0.1_linux_amd64")
		if status, said := run(t, out, noEnv(), program, "verify", "--key", public, "--platform", "linux/amd64", "oci:"+filepath.Join(out, "image_linux_amd64")); status != 0 {
			t.Errorf("verify: status %d: %s", status, said)
		}
		if status, said := run(t, out, noEnv(), program, "version"); status != 0 || !strings.HasPrefix(said, "plimsoll 0.0.1 ") {
			t.Errorf("version: %s", said)
		}
	}
	if sums[0] != sums[1] {
		t.Errorf("two builds differ:\n%s\n%s", sums[0], sums[1])
	}
}

func goEnv(t *testing.T, name string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "env", name).Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}

// clone copies what git knows of, without its history: the files as they are now.
func clone(t *testing.T, from, to string) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "git", "-C", from, "ls-files", "-z").Output()
	if err != nil {
		t.Fatal(err)
	}
	for name := range strings.SplitSeq(strings.TrimRight(string(out), "\x00"), "\x00") {
		if err := copyFile(filepath.Join(from, name), filepath.Join(to, name)); err != nil {
			t.Fatal(err)
		}
	}
}

func copyFile(from, to string) error {
	info, err := os.Lstat(from)
	if err != nil || !info.Mode().IsRegular() {
		return nil // a link, or one that is being removed
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY, info.Mode().Perm())
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}

// TestModule wants a module that go install can build from elsewhere: nothing replaced, nothing excluded.
func TestModule(t *testing.T) {
	b, err := os.ReadFile("../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	if m := regexp.MustCompile(`(?m)^\s*(replace|exclude|toolchain)\b.*`).Find(b); m != nil {
		t.Errorf("go.mod: %s: go install …@latest refuses it", m)
	}
}
