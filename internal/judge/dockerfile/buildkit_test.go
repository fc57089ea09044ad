package dockerfile

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/plimsoll/plimsoll/internal/read/dockerfile"
)

// TestBuildKit holds our verdicts against those of BuildKit's own linter, which testbed/lint wrote beside
// the Dockerfiles of testdata/buildkit: the same rules on the same lines, no more and no less.
func TestBuildKit(t *testing.T) {
	files, err := filepath.Glob("testdata/buildkit/*.Dockerfile")
	if err != nil || len(files) < 20 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			source, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			want, err := os.ReadFile(strings.TrimSuffix(file, "Dockerfile") + "lint")
			if err != nil {
				t.Fatal(err)
			}
			f, err := dockerfile.Parse("Dockerfile", source, dockerfile.Options{})
			if err != nil {
				t.Fatal(err)
			}
			var lines []string
			for line := range strings.SplitSeq(strings.TrimSpace(string(want)), "\n") {
				if line != "" && !strings.HasPrefix(line, "error ") { // what ends a build with its own arguments missing
					lines = append(lines, line)
				}
			}
			if diff := cmp.Diff(lines, lints(f)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// lints are our findings, in the form of testbed/lint.
func lints(f *dockerfile.File) (lines []string) {
	pragmas := PragmasOf(f)
	for _, c := range Checks() {
		for _, a := range c.Aliases {
			rule, ok := strings.CutPrefix(a, "buildkit/")
			if !ok {
				continue
			}
			for _, h := range c.Look(f) {
				if h = pragmas.Apply(c.Card, h); len(h.Suppressed) > 0 {
					continue
				}
				line := h.At[0].StartLine
				if rule == "NoEmptyContinuation" {
					line = h.At[0].EndLine
				}
				lines = append(lines, fmt.Sprintf("%s %d", rule, line))
			}
		}
	}
	slices.Sort(lines)
	return slices.Compact(lines)
}
