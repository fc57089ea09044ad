package cli

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"strings"
	"testing"
)

func TestVersionOf(t *testing.T) {
	vcs := func(settings ...string) (all []debug.BuildSetting) {
		for _, s := range settings {
			key, value, _ := strings.Cut(s, "=")
			all = append(all, debug.BuildSetting{Key: key, Value: value})
		}
		return all
	}
	for _, c := range []struct {
		name, module string
		settings     []debug.BuildSetting
		want         string
	}{
		{"go install of a release", "v0.1.0", nil, "0.1.0"},
		{"a checkout, changed", "v0.1.1-0.20261125095634-956ec873f75c+dirty", nil, "0.1.1-0.20261125095634-956ec873f75c+dirty"},
		{"without a stamp", "(devel)", nil, "0.1.0-dev"},
		{"revision alone", "(devel)", vcs("vcs.revision=956ec873f75c0123456789"), "0.1.0-dev+956ec873f75c"},
		{"revision alone, changed", "", vcs("vcs.revision=956ec873f75c0123456789", "vcs.modified=true"), "0.1.0-dev+956ec873f75c-dirty"},
		{"a short revision", "", vcs("vcs.revision=956"), "0.1.0-dev+956"},
	} {
		if got := versionOf(&debug.BuildInfo{Main: debug.Module{Version: c.module}, Settings: c.settings}); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

// TestReleaseIsStamped holds the name that release builds give the linker.
func TestReleaseIsStamped(t *testing.T) {
	if os.Getenv("PLIMSOLL_TEST") != "all" {
		t.Skip("builds the program: set PLIMSOLL_TEST=all")
	}
	program := filepath.Join(t.TempDir(), "plimsoll")
	build := exec.Command("go", "build", "-ldflags", "-X github.com/plimsoll/plimsoll/internal/cli.release=9.8.7", "-o", program, "../../cmd/plimsoll")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	out, err := exec.Command(program, "version").Output()
	if err != nil || !strings.HasPrefix(string(out), "plimsoll 9.8.7 (") {
		t.Errorf("%q, %v", out, err)
	}
}
