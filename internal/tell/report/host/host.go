// Package host writes a report in the forms that code hosts read: GitLab's container scanning and code
// quality reports, and GitHub's dependency snapshots.
//
// Each form carries what its host has a field for, and no more: GitLab's security dashboard knows packages,
// its code quality widget files and lines, GitHub's dependency graph packages alone. What was not assessed is
// told wherever the form has room for it, so that no host takes half an answer for a clean one.
package host

import (
	"encoding/json"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/plimsoll/plimsoll/finding"
)

// Run is what a pipeline says of itself, in GitHub's words; fields are empty where it does not.
type Run struct {
	Ref, SHA, Workflow, Job, ID, URL string
}

// encode writes one indented JSON document and a newline.
func encode(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

// limited shortens text to so many bytes, at the end of a character.
func limited(s string, most int) string {
	s = strings.ToValidUTF8(s, "\ufffd")
	if len(s) <= most {
		return s
	}
	cut := most - len("…")
	for cut > 0 && !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut] + "…"
}

// when is the moment that a document carries, to the second; the beginning of 1970 where none is known.
func when(at time.Time) time.Time {
	if at.IsZero() {
		at = time.Unix(0, 0)
	}
	return at.UTC().Truncate(time.Second)
}

// byID are the targets and packages of a report by their ids.
func byID(r *finding.Report) (map[string]*finding.Target, map[string]*finding.Package) {
	targets, packages := map[string]*finding.Target{}, map[string]*finding.Package{}
	for i := range r.Targets {
		targets[r.Targets[i].ID] = &r.Targets[i]
	}
	for i := range r.Packages {
		packages[r.Packages[i].ID] = &r.Packages[i]
	}
	return targets, packages
}

// fullName is a package's name as its own tools write it.
func fullName(p *finding.Package) string {
	switch {
	case p.Namespace == "", p.Type == "deb", p.Type == "apk", p.Type == "rpm":
		return p.Name
	case p.Type == "maven":
		return p.Namespace + ":" + p.Name
	}
	return p.Namespace + "/" + p.Name
}
