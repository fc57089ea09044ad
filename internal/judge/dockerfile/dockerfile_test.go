package dockerfile

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/plimsoll/plimsoll/internal/read/dockerfile"
)

// example is the Dockerfile of a page. A comment in its first line says what lies beside it.
func example(t *testing.T, text string) *dockerfile.File {
	t.Helper()
	o := dockerfile.Options{Folder: true}
	line, rest, _ := strings.Cut(text, "\n")
	what, value, _ := strings.Cut(strings.TrimPrefix(line, "# "), ":")
	switch value = strings.TrimSpace(value); what {
	case "trusted":
		o.Settings.TrustedRegistries = strings.Split(strings.ReplaceAll(value, " ", ""), ",")
	case "labels":
		label, kind, _ := strings.Cut(value, " ")
		o.Settings.LabelSchema, o.Settings.StrictLabels = map[string]string{label: kind}, true
	case ".dockerignore":
		ignore, err := dockerfile.ParseIgnore(".dockerignore", []byte(strings.ReplaceAll(value, ", ", "\n")))
		if err != nil {
			t.Fatal(err)
		}
		o.Ignore = ignore
	case "folder":
	default:
		o.Folder = false
		rest = text
	}
	f, err := dockerfile.Parse("Dockerfile", []byte(rest), o)
	if err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	if len(f.Faults) > 0 {
		t.Errorf("%v in\n%s", f.Faults[0], text)
	}
	return f
}

// TestExamples runs each check on the examples of its page: the bad one is found, the good one is not.
func TestExamples(t *testing.T) {
	for _, c := range Checks() {
		if hits := c.Look(example(t, c.Page.Bad)); len(hits) == 0 {
			t.Errorf("%s does not find its bad example", c.ID)
		} else {
			for _, h := range hits {
				if len(h.At) == 0 || h.At[0].StartLine == 0 || h.At[0].Path != "Dockerfile" || h.Subject == nil {
					t.Errorf("%s: a hit without its place or subject: %+v", c.ID, h)
				}
			}
		}
		if hits := c.Look(example(t, c.Page.Good)); len(hits) != 0 {
			t.Errorf("%s finds its good example: %v", c.ID, hits)
		}
	}
}

// TestEveryCheckIsListed finds literals that stand in no list.
func TestEveryCheckIsListed(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, c := range Checks() {
		ids = append(ids, c.ID)
	}
	for _, name := range files {
		b, err := os.ReadFile(name)
		if err != nil || strings.HasSuffix(name, "_test.go") {
			continue
		}
		for _, part := range strings.Split(string(b), `ID: "`)[1:] {
			if id, _, _ := strings.Cut(part, `"`); !slices.Contains(ids, id) {
				t.Errorf("%s: %s is in no list", name, id)
			}
		}
	}
}
