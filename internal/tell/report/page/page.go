// Package page writes HTML pages for people: one file that needs nothing from elsewhere and lets nothing in. What a page
// says, and how it is laid out, is its maker's affair.
package page

import (
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"encoding/json"
	"html/template"
	"io"
)

// Style is what all pages look like.
//
//go:embed style.css
var Style string

// Page is what a page is made of. Its policy of content allows its style and script by their hashes, and nothing else: both
// stand in it as they are, and hold no "</".
type Page struct {
	Title  string
	Body   string // a template of html/template, with <body> and its end
	Style  string // beside the one of all pages
	Script string // may be empty
	Data   any    // for the script, as JSON in the element "data"; nil: none
}

// Write writes the page, of what its body is told.
func (p Page) Write(w io.Writer, values any) error {
	t, err := template.New("body").Parse(p.Body)
	if err != nil {
		return err
	}
	scripts, style := "'none'", Style+p.Style
	if p.Script != "" {
		scripts = "'" + Hash(p.Script) + "'"
	}
	head := "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n" +
		"<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src '" + Hash(style) + "'; script-src " + scripts +
		"; base-uri 'none'; form-action 'none'\">\n" +
		"<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<meta name=\"color-scheme\" content=\"light dark\">\n" +
		"<meta name=\"referrer\" content=\"no-referrer\">\n" +
		"<title>" + template.HTMLEscapeString(p.Title) + "</title>\n<style>" + style + "</style>\n</head>\n"
	if _, err := io.WriteString(w, head); err != nil {
		return err
	}
	if err := t.Execute(w, values); err != nil {
		return err
	}
	if err := p.writeData(w); err != nil {
		return err
	}
	script := ""
	if p.Script != "" {
		script = "<script>" + p.Script + "</script>\n"
	}
	_, err = io.WriteString(w, script+"</html>\n")
	return err
}

// writeData writes what the script is told. It is no script itself, and nothing in it ends its element: encoding/json writes
// <, > and & as escapes.
func (p Page) writeData(w io.Writer) error {
	if p.Data == nil {
		return nil
	}
	text, err := json.Marshal(p.Data)
	if err != nil {
		return err
	}
	for _, part := range []string{`<script type="application/json" id="data">`, string(text), "</script>\n"} {
		if _, err := io.WriteString(w, part); err != nil {
			return err
		}
	}
	return nil
}

// Hash is how a policy of content names an inline style or script (CSP Level 3).
func Hash(s string) string {
	sum := sha256.Sum256([]byte(s))
	return "sha256-" + base64.StdEncoding.EncodeToString(sum[:])
}
