package toml

import (
	"reflect"
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	got, err := Parse([]byte(`# a project
title = "a \"b\" \u00e9"
[project]
name = 'x' # why
dependencies = [
  "Django==3.2.0", # pinned
  'a[b]>=1; python_version < "3.8"',
]
"quoted key".inner = 1
[tool.poetry.dependencies]
python = "^3.9"
requests = { version = "2.0", extras = ["a", "b"], optional = true }
[[package]]
n = 1979-05-27T07:32:00Z
[[package]]
text = """
one
two \
  three"""
[package.metadata]
x = -1.5e3
`))
	want := map[string]any{
		"title": `a "b" é`,
		"project": map[string]any{
			"name": "x", "dependencies": []any{"Django==3.2.0", `a[b]>=1; python_version < "3.8"`}, "quoted key": map[string]any{"inner": Word("1")},
		},
		"tool": map[string]any{"poetry": map[string]any{"dependencies": map[string]any{
			"python": "^3.9", "requests": map[string]any{"version": "2.0", "extras": []any{"a", "b"}, "optional": Word("true")},
		}}},
		"package": []any{
			map[string]any{"n": Word("1979-05-27T07:32:00Z")},
			map[string]any{"text": "one\ntwo three", "metadata": map[string]any{"x": Word("-1.5e3")}},
		},
	}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%v\n%#v\nwant\n%#v", err, got, want)
	}
}

func TestBroken(t *testing.T) {
	for _, text := range []string{
		"a", "a =", "[a", "[[a]", "a = [1", "a = {b = 1", `a = "b`, "a = \"b\n\"", "a = '''b", "a = 1 2", "a = 1\n[a]", "a = 1\n[[a]]",
		"a = 1\na.b = 2", "\xff = 1", "a = " + strings.Repeat("[", 100), strings.Repeat("a.", 100) + "a = 1", "a = \\",
	} {
		if got, err := Parse([]byte(text)); err == nil {
			t.Errorf("%.40q is read as %v", text, got)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte("[a.b]\nc = [\"x\", {d = 'e'}]\n[[f]]\ng = \"\"\"h\\\n i\"\"\"\n"))
	f.Fuzz(func(_ *testing.T, b []byte) { _, _ = Parse(b) })
}
