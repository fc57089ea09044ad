package standard

import (
	"fmt"
	"strings"

	"k8s.io/pod-security-admission/api"
)

// Span is a line, and what it was before: From is To where it does not change.
type Span struct {
	Level    Level
	From, To Version
}

// Line is what a pod is held against now.
func (s Span) Line() Line { return Line{Level: s.Level, Version: s.To} }

// Before is what it was held against.
func (s Span) Before() Line { return Line{Level: s.Level, Version: s.From} }

// Controls are what the controls of the level's checks begin with.
func (s Span) Controls() []string {
	switch s.Level {
	case Restricted:
		return []string{"pss/baseline/", "pss/restricted/"}
	case Baseline:
		return []string{"pss/baseline/"}
	}
	return nil
}

// ParseSpan reads LEVEL, LEVEL:VERSION or LEVEL:FROM..TO. A version is latest, 1.30 or v1.30; a newer one than
// this program knows is an error, since it could not say what that forbids.
func ParseSpan(word string) (s Span, err error) {
	level, versions, hasVersion := strings.Cut(word, ":")
	if s.Level, err = api.ParseLevel(level); err != nil {
		return s, fmt.Errorf("%q is no level of the Pod Security Standards: use privileged, baseline or restricted", level)
	}
	if !hasVersion {
		versions = "latest"
	}
	from, to, isSpan := strings.Cut(versions, "..")
	if !isSpan {
		to = from
	}
	if s.From, err = parseVersion(from); err != nil {
		return s, err
	}
	if s.To, err = parseVersion(to); err != nil {
		return s, err
	}
	if isSpan && !s.From.Older(s.To) {
		return s, fmt.Errorf("%q: %s is not older than %s", word, from, to)
	}
	return s, nil
}

// parseVersion gives latest as the version that it stands for.
func parseVersion(word string) (Version, error) {
	newest := Newest()
	if word == "latest" {
		return newest, nil
	}
	v, err := api.ParseVersion("v" + strings.TrimPrefix(word, "v"))
	if err != nil {
		return v, fmt.Errorf("%q is no version of the Pod Security Standards: write latest, or one as in 1.30", word)
	}
	if newest.Older(v) {
		return v, fmt.Errorf("version %s of the Pod Security Standards is newer than what this program knows, %s: write latest for that", word, newest)
	}
	return v, nil
}
