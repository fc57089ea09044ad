package dockerfile

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Settings are what a project wants of its Dockerfiles, from a .hadolint.yaml beside them.
type Settings struct {
	Path              string            // of the file; empty: there is none
	Ignored           []string          // rule ids
	Override          map[string]string // rule id → error, warning, info or style
	TrustedRegistries []string
	LabelSchema       map[string]string // label → text, url, semver, hash, rfc3339, spdx or email
	StrictLabels      bool
	// Threshold is hadolint's failure-threshold, which draws no line here.
	Threshold string
	// IgnorePragmas says that comments may not let findings pass.
	IgnorePragmas bool
}

// hadolint is the form of its file. What only shapes its own output is known and has no meaning here.
type hadolint struct {
	Ignored  []string `yaml:"ignored"`
	Override struct {
		Error   []string `yaml:"error"`
		Warning []string `yaml:"warning"`
		Info    []string `yaml:"info"`
		Style   []string `yaml:"style"`
	} `yaml:"override"`
	TrustedRegistries   []string          `yaml:"trustedRegistries"`
	LabelSchema         map[string]string `yaml:"label-schema"`
	StrictLabels        bool              `yaml:"strict-labels"`
	DisableIgnorePragma bool              `yaml:"disable-ignore-pragma"`
	FailureThreshold    string            `yaml:"failure-threshold"`
	NoFail              bool              `yaml:"no-fail"`
	NoColor             bool              `yaml:"no-color"`
	Format              string            `yaml:"format"`
}

// maxSettings bounds, in bytes, the file of settings; aliases in it are not followed.
const maxSettings = 64 << 10

// ParseSettings reads a .hadolint.yaml. A key that hadolint does not know is an error, for what it was to
// say would not hold.
func ParseSettings(at string, source []byte) (Settings, error) {
	s := Settings{Path: at, Override: map[string]string{}}
	if len(source) > maxSettings || bytes.Contains(source, []byte("&")) && bytes.Contains(source, []byte("*")) && aliased(source) {
		return s, &Error{Path: at, What: "it is larger than a person writes, or refers to parts of itself"}
	}
	var h hadolint
	d := yaml.NewDecoder(bytes.NewReader(source))
	d.KnownFields(true)
	if err := d.Decode(&h); err != nil && !errors.Is(err, io.EOF) {
		return s, &Error{Path: at, What: strings.TrimPrefix(err.Error(), "yaml: ")}
	}
	s.Ignored, s.TrustedRegistries, s.LabelSchema = h.Ignored, h.TrustedRegistries, h.LabelSchema
	s.StrictLabels, s.IgnorePragmas, s.Threshold = h.StrictLabels, h.DisableIgnorePragma, h.FailureThreshold
	for _, one := range []struct {
		severity string
		rules    []string
	}{{"error", h.Override.Error}, {"warning", h.Override.Warning}, {"info", h.Override.Info}, {"style", h.Override.Style}} {
		for _, rule := range one.rules {
			s.Override[strings.ToUpper(rule)] = one.severity
		}
	}
	kinds := []string{"text", "rawtext", "url", "semver", "hash", "rfc3339", "spdx", "email"}
	for label, kind := range h.LabelSchema {
		if !slices.Contains(kinds, strings.ToLower(kind)) {
			return s, &Error{Path: at, What: fmt.Sprintf("label-schema: %s: %q is no kind of label: use %s", label, kind, strings.Join(kinds, ", "))}
		}
	}
	return s, nil
}

// aliased says that YAML refers to an anchor. Such a file can be made to grow without end.
func aliased(source []byte) bool {
	var n yaml.Node
	if yaml.Unmarshal(source, &n) != nil {
		return false // what is wrong with it is told later
	}
	todo := []*yaml.Node{&n}
	for len(todo) > 0 {
		one := todo[len(todo)-1]
		todo = append(todo[:len(todo)-1], one.Content...)
		if one.Kind == yaml.AliasNode {
			return true
		}
	}
	return false
}
