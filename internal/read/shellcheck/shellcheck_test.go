package shellcheck

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// found is the program, without which its tests are skipped.
func found(t *testing.T) *Tool {
	tool, err := Find()
	if err != nil {
		if os.Getenv("PLIMSOLL_TEST") == "all" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	return tool
}

func TestLook(t *testing.T) {
	for _, c := range []struct {
		name   string
		script Script
		code   int
		text   string // what the comment is about
	}{
		{"quote", Script{Text: "true\n\techo ä $x\n", Shell: "sh"}, 2086, "$x"},
		{"set", Script{Text: "echo $x", Shell: "sh", Set: []string{"x", "bad name", "y;true"}}, 2086, "$x"},
		{"bashism", Script{Text: "f() { local y; }; f", Shell: "sh"}, 3043, "local y"},
		{"shebang", Script{Text: "#!/bin/bash\nlocal y\necho $x\n", Shell: "sh", Set: []string{"x"}}, 2086, "$x"},
		{"unparsed", Script{Text: "if true; then", Shell: "bash"}, 1073, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			all, err := found(t).Look(context.Background(), []Script{{Text: "true", Shell: "sh"}, c.script})
			if err != nil {
				t.Fatal(err)
			}
			for _, one := range all {
				if one.Code == c.code && one.Script == 1 {
					if got := c.script.Text[one.From:one.To]; c.text != "" && got != c.text {
						t.Errorf("SC%d stands at %q, want %q", c.code, got, c.text)
					}
					return
				}
			}
			t.Errorf("no SC%d in %+v", c.code, all)
		})
	}
}

// TestSet wants variables that the Dockerfile sets to be neither unknown nor known to be safe.
func TestSet(t *testing.T) {
	all, err := found(t).Look(context.Background(), []Script{{Text: "echo \"$x\"", Shell: "bash", Set: []string{"x"}}})
	if err != nil || len(all) != 0 {
		t.Errorf("%+v, %v", all, err)
	}
}

// TestHostile wants other programs' answers to be told as what they are.
func TestHostile(t *testing.T) {
	for name, c := range map[string]struct{ script, want string }{
		"no JSON":       {"echo hello", "its answer"},
		"other JSON":    {"echo '{}'", "0.7"},
		"other file":    {`echo '{"comments":[{"file":"../x","line":1,"column":1}]}'`, "which it was not given"},
		"wrong call":    {"echo no such option >&2; exit 3", "no such option"},
		"talks forever": {"while :; do echo aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa; done", ""},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "shellcheck")
			if err := os.WriteFile(path, []byte("#!/bin/sh\n"+c.script+"\n"), 0o700); err != nil {
				t.Fatal(err)
			}
			_, err := (&Tool{path}).Look(context.Background(), []Script{{Text: "true", Shell: "sh"}})
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v, want %q", err, c.want)
			}
		})
	}
}

func TestBounds(t *testing.T) {
	path := filepath.Join(t.TempDir(), "shellcheck")
	if err := os.WriteFile(path, []byte("#!/bin/sh\nexec sleep 60\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	if _, err := (&Tool{path}).Look(ctx, []Script{{Text: "true", Shell: "sh"}}); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	if _, err := (&Tool{path}).Look(ctx, []Script{{Text: strings.Repeat("a", MaxScript+1)}}); err == nil {
		t.Error("a script of any size is taken")
	}
}

func TestMissing(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	if _, err := Find(); !errors.Is(err, ErrMissing) {
		t.Error(err)
	}
	if _, err := exec.LookPath("shellcheck"); err == nil {
		t.Error("it is there")
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"comments":[{"file":"0","line":1,"column":2,"endLine":9,"endColumn":1,"level":"x","code":1,"message":"m"}]}`), "#!/bin/sh\nä\n")
	f.Fuzz(func(t *testing.T, answer []byte, text string) {
		of := frame(Script{Text: text, Shell: "sh", Set: []string{"A"}})
		all, _ := parse(answer, []framed{of})
		for _, c := range all {
			if c.From < 0 || c.To < c.From || c.To > len(text) {
				t.Errorf("%+v of %d bytes", c, len(text))
			}
		}
	})
}
