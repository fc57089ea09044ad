package exceptionfile

import (
	"fmt"
	"path"
	"strings"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/tree"
)

// trivy reads .trivyignore.yaml.
func (r *reader) trivy(top *tree.Value) {
	lists := []string{"vulnerabilities", "misconfigurations", "secrets", "licenses"}
	r.keys(top, "a .trivyignore.yaml", lists...)
	for _, key := range lists {
		r.list(top, key, r.trivyEntry)
	}
}

func (r *reader) trivyEntry(v *tree.Value) {
	r.keys(v, "an entry", "id", "paths", "purls", "expired_at", "statement")
	id := r.word(v, "id", maxWord)
	if id == "" {
		r.Wrong(v.Line, "an entry wants an id")
	}
	e := Exception{
		File: r.file.Name, Line: v.Line, Exact: true, Reason: "listed in " + path.Base(r.file.Name),
		Rules: []string{id}, Paths: r.words(v, "paths", globWord), Packages: r.words(v, "purls", purlWord), Until: r.date(v, "expired_at"),
	}
	if !e.Until.IsZero() {
		e.Until = e.Until.AddDate(0, 0, -1) // it ends when that day begins
	}
	if v.Get("statement") != nil {
		e.Reason = r.word(v, "statement", maxText)
	}
	r.file.Exceptions = append(r.file.Exceptions, e)
}

func purlWord(text string) (string, error) {
	if !strings.HasPrefix(text, "pkg:") {
		return "", fmt.Errorf("%q is no purl, which begins with pkg:…", tree.Cut(text))
	}
	return packageWord(text)
}

// hadolintLevels are how grave hadolint's levels are here: style and information are never more than info.
func hadolintLevels() map[string]finding.Severity {
	return map[string]finding.Severity{"error": finding.High, "warning": finding.Medium, "info": finding.Low, "style": finding.Info}
}

// hadolint reads what .hadolint.yaml ignores and overrides. Its other settings steer hadolint alone.
func (r *reader) hadolint(top *tree.Value) {
	r.keys(top, "a .hadolint.yaml", "ignored", "override", "failure-threshold", "no-fail", "no-color", "verbose", "format", "trustedRegistries",
		"label-schema", "strict-labels", "disable-ignore-pragma")
	for _, id := range r.hadolintWords(top, "ignored") {
		r.file.Exceptions = append(r.file.Exceptions, Exception{
			Rules: []string{id.Rule}, File: r.file.Name, Line: id.Line, Reason: "ignored in " + path.Base(r.file.Name),
		})
	}
	override := top.Get("override")
	if override == nil || override.Null {
		return
	}
	r.keys(override, "override", "error", "warning", "info", "style")
	levels := hadolintLevels()
	for _, e := range override.Map {
		for _, id := range r.hadolintWords(override, e.Key) {
			id.Severity = levels[e.Key]
			r.file.Severities = append(r.file.Severities, id)
		}
	}
}

// hadolintWords are ids and their lines; unlike elsewhere a list of them may be empty.
func (r *reader) hadolintWords(v *tree.Value, key string) (ids []Severity) {
	items := v.Get(key).Items()
	if len(items) == 0 {
		return nil
	}
	for i, id := range r.words(v, key, hadolintWord) {
		ids = append(ids, Severity{Rule: id, File: r.file.Name, Line: items[i].Line})
	}
	return ids
}

// hadolintWord wants an id of hadolint's or ShellCheck's.
func hadolintWord(text string) (string, error) {
	id := strings.ToUpper(text)
	switch {
	case len(id) < 3 || strings.Trim(id[2:], "0123456789") != "":
		return "", fmt.Errorf("%q is no rule of hadolint's: they are written DL3008 or SC2086", tree.Cut(text))
	case strings.HasPrefix(id, "DL"):
		return "hadolint/" + id, nil
	case strings.HasPrefix(id, "SC"):
		return id, nil
	}
	return "", fmt.Errorf("%q is no rule of hadolint's: they are written DL3008 or SC2086", tree.Cut(text))
}

// grype reads the ignore rules of .grype.yaml that name a vulnerability, a package or a place.
func (r *reader) grype(top *tree.Value) {
	r.list(top, "ignore", func(v *tree.Value) {
		r.keys(v, "the ignore rules that are read here (write others as exceptions of Plimsoll's)", "vulnerability", "include-aliases", "reason", "package")
		e := Exception{
			File: r.file.Name, Line: v.Line, Exact: true, Reason: "ignored in " + path.Base(r.file.Name),
			Rules: r.words(v, "vulnerability", ruleWord),
		}
		if v.Get("reason") != nil {
			e.Reason = r.word(v, "reason", maxText)
		}
		if p := v.Get("package"); p != nil {
			r.grypePackage(p, &e)
		}
		if len(e.Rules)+len(e.Packages)+len(e.Paths) == 0 {
			r.Wrong(v.Line, "an ignore rule that names nothing would let everything pass")
		}
		r.file.Exceptions = append(r.file.Exceptions, e)
	})
}

func (r *reader) grypePackage(v *tree.Value, e *Exception) {
	r.keys(v, "the packages of ignore rules that are read here", "name", "version", "location")
	name, version := r.word(v, "name", maxWord), r.word(v, "version", maxWord)
	switch {
	case strings.ContainsAny(name, `*+?[](){}|^$\`):
		r.Wrong(v.Line, "name %q: regular expressions are not read: name the package, or write an exception of Plimsoll's", tree.Cut(name))
	case name == "" && version != "":
		r.Wrong(v.Line, "a version without a name is not read")
	case version != "":
		e.Packages = []string{name + "@" + version}
	case name != "":
		e.Packages = []string{name}
	}
	e.Paths = r.words(v, "location", globWord)
}
