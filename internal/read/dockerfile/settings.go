package dockerfile

import (
	"slices"
	"strings"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/tree"
)

// Settings are what a project wants of its Dockerfiles, from a .hadolint.yaml beside them.
type Settings struct {
	Path              string // of the file; empty: there is none
	TrustedRegistries []string
	LabelSchema       map[string]string // label → text, url, semver, hash, rfc3339, spdx or email
	StrictLabels      bool
	// Threshold is hadolint's failure-threshold, which draws no line here.
	Threshold string
	// IgnorePragmas says that comments may not let findings pass.
	IgnorePragmas bool
	// Excepts says that the file ignores or overrides rules. Package exceptionfile reads which, and the caller
	// hands them on.
	Excepts  bool
	Ignored  []string                    // rule ids
	Override map[string]finding.Severity // rule id in capitals → its severity
}

// maxSettings bounds, in bytes, the file of settings.
const maxSettings = 64 << 10

// ParseSettings reads a .hadolint.yaml. A key that hadolint does not know is an error, for what it was to
// say would not hold. What only shapes its own output is known and has no meaning here.
func ParseSettings(at string, source []byte) (Settings, error) {
	s := Settings{Path: at, LabelSchema: map[string]string{}}
	if len(source) > maxSettings {
		return s, &tree.Error{Path: at, What: "it is larger than a person writes"}
	}
	docs, err := tree.Parse(at, source)
	if err != nil || len(docs) == 0 || docs[0].Null {
		return s, err
	}
	r, top := tree.Strict{Path: at}, docs[0]
	r.Map(top, "a .hadolint.yaml", nil, []string{
		"ignored", "override", "trustedRegistries", "label-schema", "strict-labels", "disable-ignore-pragma", "failure-threshold", "no-fail", "no-color", "verbose", "format",
	})
	kinds := []string{"text", "rawtext", "url", "semver", "hash", "rfc3339", "spdx", "email"}
	for _, e := range r.Free(top.Get("label-schema"), "label-schema") {
		if s.LabelSchema[e.Key] = e.Value.String(); !slices.Contains(kinds, strings.ToLower(e.Value.String())) {
			r.Wrong(e.Line, "label-schema: %s: %q is no kind of label: use %s", tree.Cut(e.Key), tree.Cut(e.Value.String()), strings.Join(kinds, ", "))
		}
	}
	s.Excepts = top.Get("ignored") != nil || top.Get("override") != nil
	s.TrustedRegistries, s.Threshold = texts(&r, top, "trustedRegistries"), top.Get("failure-threshold").String()
	s.StrictLabels, s.IgnorePragmas = top.Get("strict-labels").Is("true"), top.Get("disable-ignore-pragma").Is("true")
	return s, r.Err
}

// texts are the items of a list of words.
func texts(r *tree.Strict, v *tree.Value, key string) (all []string) {
	for _, item := range r.List(v.Get(key), key) {
		if !item.Scalar || item.Null {
			r.Wrong(item.Line, "%s is to be a list of words", key)
		}
		all = append(all, item.Text)
	}
	return all
}
