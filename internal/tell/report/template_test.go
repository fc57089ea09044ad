package report

import (
	"bytes"
	"strings"
	"testing"

	"github.com/plimsoll/plimsoll/internal/tell/report/reporttest"
)

func templated(t *testing.T, text string, asHTML bool) (string, error) {
	t.Helper()
	tmpl, err := ParseTemplate("t", text, asHTML)
	if err != nil {
		return "", err
	}
	var b bytes.Buffer
	err = Write(&b, "template", reporttest.Sample(), Options{Template: tmpl})
	return b.String(), err
}

// TestTemplate wants a template to say what the report says, and names in it to do nothing else.
func TestTemplate(t *testing.T) {
	for name, c := range map[string]struct {
		text   string
		asHTML bool
		want   string
	}{
		"findings":  {`{{range .Findings}}{{if eq .Kind "secret"}}{{.Rule}} {{end}}{{end}}`, false, "secret/sample-key secret/sample-token secret/sample-token "},
		"functions": {`{{with index .Findings 0}}{{(package .Package).Name}}|{{(target .Target).Kind}}|{{upper .Severity}}|{{join .Aliases ","}}{{end}}`, false, "log4j-core|image|CRITICAL|GHSA-jfh8-c2jp-5v3q"},
		"controls":  {`{{range .Findings}}{{if eq .Kind "malware"}}{{.Title}}{{end}}{{end}}`, false, `太郎: MAL-2026-1, the package is malicious\x1b[1A|<script>`},
		"html":      {`<p title="{{(index .Targets 0).Name}}">{{range .Findings}}{{if eq .Kind "malware"}}{{.Title}}{{end}}{{end}}</p>`, true, "malicious\x1b[1A|&lt;script&gt;</p>"},
		"again":     {`{{define "a"}}{{.Rule}}{{end}}{{range .Findings}}{{if eq .Kind "policy"}}{{template "a" .}}{{end}}{{end}}`, false, "policy/sample-manager"},
	} {
		got, err := templated(t, c.text, c.asHTML)
		if err != nil || !strings.Contains(got, c.want) {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}

// TestTemplateBounds wants a template that would run for ever, or write without end, to be stopped.
func TestTemplateBounds(t *testing.T) {
	for name, text := range map[string]string{
		"count":     `{{range 100000000000}}{{end}}`,
		"nested":    `{{range 1000000}}{{range 1000000}}{{else}}{{end}}{{end}}`,
		"output":    `{{range 900000}}01234567890123456789012345678901234567890123456789012345678901234567890123456789{{end}}`,
		"recursion": `{{define "a"}}{{template "a"}}{{template "a"}}{{end}}{{template "a"}}`,
		"json":      `{{range 100000}}{{$x := json $.Findings}}{{end}}`,
		"replace":   `{{$s := printf "%1000000d" 1}}{{replace " " $s $s}}`,
		"if":        `{{if true}}{{range 100000000000}}{{end}}{{end}}`,
	} {
		for _, asHTML := range []bool{false, true}[:1+btoi(name == "count")] {
			if got, err := templated(t, text, asHTML); err == nil {
				t.Errorf("%s: no error, and %d bytes", name, len(got))
			}
		}
	}
	for name, text := range map[string]string{"syntax": `{{range`, "function": `{{exec "id"}}`, "long": strings.Repeat("x", maxTemplate+1)} {
		if _, err := ParseTemplate("t", text, false); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
