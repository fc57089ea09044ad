package exceptionfile

import (
	"fmt"
	"path"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/plimsoll/plimsoll/finding"
)

// trivy reads .trivyignore.yaml.
func (r *reader) trivy(top *mapping) error {
	lists := []string{"vulnerabilities", "misconfigurations", "secrets", "licenses"}
	if err := r.only(top, "a .trivyignore.yaml", lists...); err != nil {
		return err
	}
	for _, key := range lists {
		if err := r.list(top, key, r.trivyEntry); err != nil {
			return err
		}
	}
	return nil
}

func (r *reader) trivyEntry(n *yaml.Node) error {
	m, err := r.mapping(n, "an entry")
	if err != nil {
		return err
	}
	if err := r.only(m, "an entry", "id", "paths", "purls", "expired_at", "statement"); err != nil {
		return err
	}
	e := Exception{File: r.file.Name, Line: n.Line, Exact: true, Reason: "listed in " + path.Base(r.file.Name)}
	id, err := r.word(m, "id", maxWord)
	if err != nil {
		return err
	}
	if id == "" {
		return r.errorf(n, "an entry wants an id")
	}
	e.Rules = []string{id}
	if e.Paths, err = r.words(m, "paths", globWord); err != nil {
		return err
	}
	if e.Packages, err = r.words(m, "purls", purlWord); err != nil {
		return err
	}
	if e.Until, err = r.date(m, "expired_at"); err != nil {
		return err
	}
	if !e.Until.IsZero() {
		e.Until = e.Until.AddDate(0, 0, -1) // it ends when that day begins
	}
	if m.has("statement") {
		if e.Reason, err = r.word(m, "statement", maxText); err != nil {
			return err
		}
	}
	r.file.Exceptions = append(r.file.Exceptions, e)
	return nil
}

func purlWord(text string) (string, error) {
	if !strings.HasPrefix(text, "pkg:") {
		return "", fmt.Errorf("%q is no purl, which begins with pkg:…", cut(text))
	}
	return packageWord(text)
}

// hadolintLevels are how grave hadolint's levels are here: style and information are never more than info.
func hadolintLevels() map[string]finding.Severity {
	return map[string]finding.Severity{"error": finding.High, "warning": finding.Medium, "info": finding.Low, "style": finding.Info}
}

// hadolint reads what .hadolint.yaml ignores and overrides. Its other settings steer hadolint alone.
func (r *reader) hadolint(top *mapping) error {
	if err := r.only(top, "a .hadolint.yaml", "ignored", "override", "failure-threshold", "no-fail", "no-color", "verbose", "format", "trustedRegistries",
		"label-schema", "strict-labels", "disable-ignore-pragma"); err != nil {
		return err
	}
	if n := top.values["ignored"]; n != nil && n.Tag != "!!null" && len(n.Content) > 0 {
		ids, err := r.words(top, "ignored", hadolintWord)
		if err != nil {
			return err
		}
		for i, id := range ids {
			line := n.Line
			if i < len(n.Content) {
				line = n.Content[i].Line
			}
			r.file.Exceptions = append(r.file.Exceptions, Exception{
				Rules: []string{id}, File: r.file.Name, Line: line, Reason: "ignored in " + path.Base(r.file.Name),
			})
		}
	}
	return r.overridden(top)
}

// overridden reads how grave a project finds hadolint's rules.
func (r *reader) overridden(top *mapping) error {
	n := top.values["override"]
	if n == nil || n.Tag == "!!null" {
		return nil
	}
	m, err := r.mapping(n, "override")
	if err != nil {
		return err
	}
	if err := r.only(m, "override", "error", "warning", "info", "style"); err != nil {
		return err
	}
	levels := hadolintLevels()
	for _, key := range m.keys {
		of := m.values[key.Value]
		if of.Tag == "!!null" || of.Kind == yaml.SequenceNode && len(of.Content) == 0 {
			continue
		}
		ids, err := r.words(m, key.Value, hadolintWord)
		if err != nil {
			return err
		}
		for _, id := range ids {
			r.file.Severities = append(r.file.Severities, Severity{Rule: id, Severity: levels[key.Value], File: r.file.Name, Line: of.Line})
		}
	}
	return nil
}

// hadolintWord wants an id of hadolint's or ShellCheck's.
func hadolintWord(text string) (string, error) {
	id := strings.ToUpper(text)
	switch {
	case len(id) < 3 || strings.Trim(id[2:], "0123456789") != "":
		return "", fmt.Errorf("%q is no rule of hadolint's: they are written DL3008 or SC2086", cut(text))
	case strings.HasPrefix(id, "DL"):
		return "hadolint/" + id, nil
	case strings.HasPrefix(id, "SC"):
		return id, nil
	}
	return "", fmt.Errorf("%q is no rule of hadolint's: they are written DL3008 or SC2086", cut(text))
}

// grype reads the ignore rules of .grype.yaml that name a vulnerability, a package or a place.
func (r *reader) grype(top *mapping) error {
	return r.list(top, "ignore", func(n *yaml.Node) error {
		m, err := r.mapping(n, "an ignore rule")
		if err != nil {
			return err
		}
		if err := r.only(m, "the ignore rules that are read here (write others as exceptions of Plimsoll's)", "vulnerability", "include-aliases", "reason", "package"); err != nil {
			return err
		}
		e := Exception{File: r.file.Name, Line: n.Line, Exact: true, Reason: "ignored in " + path.Base(r.file.Name)}
		if e.Rules, err = r.words(m, "vulnerability", ruleWord); err != nil {
			return err
		}
		if m.has("reason") {
			if e.Reason, err = r.word(m, "reason", maxText); err != nil {
				return err
			}
		}
		if p := m.values["package"]; p != nil {
			if err := r.grypePackage(p, &e); err != nil {
				return err
			}
		}
		if len(e.Rules)+len(e.Packages)+len(e.Paths) == 0 {
			return r.errorf(n, "an ignore rule that names nothing would let everything pass")
		}
		r.file.Exceptions = append(r.file.Exceptions, e)
		return nil
	})
}

func (r *reader) grypePackage(n *yaml.Node, e *Exception) error {
	m, err := r.mapping(n, "package")
	if err != nil {
		return err
	}
	if err := r.only(m, "the packages of ignore rules that are read here", "name", "version", "location"); err != nil {
		return err
	}
	name, err := r.word(m, "name", maxWord)
	if err != nil {
		return err
	}
	version, err := r.word(m, "version", maxWord)
	if err != nil {
		return err
	}
	switch {
	case strings.ContainsAny(name, `*+?[](){}|^$\`):
		return r.errorf(n, "name %q: regular expressions are not read: name the package, or write an exception of Plimsoll's", cut(name))
	case name == "" && version != "":
		return r.errorf(n, "a version without a name is not read")
	case version != "":
		e.Packages = []string{name + "@" + version}
	case name != "":
		e.Packages = []string{name}
	}
	e.Paths, err = r.words(m, "location", globWord)
	return err
}
