package chart

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"text/template"

	"github.com/google/go-cmp/cmp"

	"github.com/plimsoll/plimsoll/internal/read/kube/render"
)

var marks = regexp.MustCompile(markBegin + "[0-9]+" + markEnd)

// executed renders a template, marked or not, with the few functions that these tests need.
func executed(source string) (string, error) {
	var t *template.Template
	functions := template.FuncMap{
		"include": func(name string, data any) (string, error) {
			var b strings.Builder
			err := t.ExecuteTemplate(&b, name, data)
			return b.String(), err
		},
		"nindent": func(n int, s string) string {
			return "\n" + strings.Repeat(" ", n) + strings.ReplaceAll(s, "\n", "\n"+strings.Repeat(" ", n))
		},
		"toYaml": func(v any) string { return fmt.Sprint(v) },
		"quote":  func(v any) string { return fmt.Sprintf("%q", fmt.Sprint(v)) },
	}
	t, err := template.New("a.yaml").Funcs(functions).Parse(source)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	err = t.Execute(&b, map[string]any{"Values": map[string]any{"image": map[string]any{"tag": "1.4"}, "on": true, "list": []any{"x", "y"}}})
	return b.String(), err
}

// TestMarks wants each line that a template makes to be traced to the one that wrote it, through includes, loops and
// conditions.
func TestMarks(t *testing.T) {
	const source = `{{- define "labels" -}}
app: shop
tier: {{ "front" }}
{{- end -}}
kind: Pod
metadata:
  labels: {{- include "labels" . | nindent 4 }}
{{- if .Values.on }}
  name: a
{{- else }}
  name: b
{{- end }}
spec:
  tag: {{ .Values.image.tag | quote }}
{{- range .Values.list }}
  - {{ . }}
{{- end }}
{{- with .Values.image }}
  with: {{ .tag }}
{{- end }}
`
	m := marker{helpers: true}
	marked, ok := m.template("a.yaml", "templates/a.yaml", "shop", source)
	if !ok {
		t.Fatal("it is not marked")
	}
	text, err := executed(marked)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, l := range readMarks(text, m.puts) {
		line, value := 0, ""
		if len(l.puts) > 0 {
			line = l.puts[0].line
		}
		for _, p := range l.puts {
			if p.value != nil {
				value = " " + strings.Join(p.value, ".")
			}
		}
		got = append(got, fmt.Sprintf("%d %s%s", line, l.text, value))
	}
	want := []string{
		"5 kind: Pod", "6 metadata:", "7   labels:", "2     app: shop", "3     tier: front", "9   name: a", "13 spec:",
		`14   tag: "1.4" image.tag`, "16   - x", "16   - y", "19   with: 1.4 image.tag",
		"21 ", // the end, where a mark stands alone
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestUnmarked leaves alone what has the marks' characters itself, and what is no template.
func TestUnmarked(t *testing.T) {
	for _, source := range []string{"a: " + markBegin + "0" + markEnd, "{{ if }}", "{{ end }}"} {
		if _, ok := (&marker{}).template("a", "a", "", source); ok {
			t.Errorf("%q is marked", source)
		}
	}
}

// FuzzMarks wants a marked template to make the same text as the plain one, once its marks are taken out, and no text
// to be lost by whoever reads marks.
func FuzzMarks(f *testing.F) {
	f.Add("a: {{ .Values.on }}\n{{- range .Values.list }}\n- {{ . }}\n{{- end }}\n")
	f.Add("{{ define \"x\" }}k: v\n{{ end }}{{ include \"x\" . | nindent 2 }}")
	f.Add("{{- /* c */ -}}\n\n {{ with .Values.image }}{{ .tag }}{{ else }}x{{ end }}")
	f.Add("{{ block \"b\" . }}x: 1{{ end }}{{ template \"b\" . }}")
	f.Fuzz(func(t *testing.T, source string) {
		plain, err := executed(source)
		if err != nil || len(plain) > 1<<20 {
			return
		}
		m := marker{} // marks in named templates may change what comparisons say
		marked, ok := m.template("a.yaml", "a.yaml", "c", source)
		if !ok {
			return
		}
		text, err := executed(marked)
		if err != nil {
			t.Fatalf("%v\n%q\n%q", err, source, marked)
		}
		if strings.Contains(source, "include") || strings.Contains(source, "define") {
			return // what is included may be shown quoted or compared
		}
		if bare := marks.ReplaceAllString(text, ""); bare != plain {
			t.Fatalf("%q makes %q, and marked %q", source, plain, bare)
		}
		var lines []string
		for _, l := range readMarks(text, m.puts) {
			lines = append(lines, l.text)
		}
		if got := strings.TrimSuffix(strings.Join(lines, "\n"), "\n"); got != strings.TrimSuffix(plain, "\n") {
			t.Fatalf("%q: read as %q, want %q", source, got, plain)
		}
	})
}

// FuzzReadMarks wants texts that have marks of their own, broken or not, to be read without harm.
func FuzzReadMarks(f *testing.F) {
	f.Add("a" + markBegin + "0" + markEnd + "b\n" + markBegin + "99" + markEnd + "\n" + markBegin + "x")
	f.Fuzz(func(t *testing.T, text string) {
		lines := readMarks(text, []put{{line: 1}, {line: 2, helper: true}})
		if n := strings.Count(strings.TrimSuffix(text, "\n"), "\n") + 1; text != "" && len(lines) != n && !strings.Contains(text, markBegin) {
			t.Fatalf("%q has %d lines, %d were read", text, n, len(lines))
		}
		r := &run{}
		into := make([][]render.Place, len(lines)+1)
		r.places(text, lines, into)
	})
}
