package host

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"path"
	"strings"

	"github.com/plimsoll/plimsoll/finding"
)

type qualityIssue struct {
	Description string          `json:"description"`
	CheckName   string          `json:"check_name"`
	Fingerprint string          `json:"fingerprint"`
	Severity    string          `json:"severity"`
	Location    qualityLocation `json:"location"`
}

type qualityLocation struct {
	Path  string `json:"path"`
	Lines struct {
		Begin int `json:"begin"`
	} `json:"lines"`
}

// GitLabQuality writes GitLab's code quality report: a list of what was found, of every kind, by file and
// line. What was let pass is left out; what was not assessed is an entry of its own, since the list has no
// other place for it.
func GitLabQuality(w io.Writer, r *finding.Report) error {
	targets, _ := byID(r)
	all, seen := []qualityIssue{}, map[string]bool{}
	add := func(q qualityIssue, parts ...string) {
		// GitLab shows one entry of those that share a fingerprint.
		sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
		if q.Fingerprint = hex.EncodeToString(sum[:16]); seen[q.Fingerprint] {
			return
		}
		seen[q.Fingerprint] = true
		q.Location.Lines.Begin = max(q.Location.Lines.Begin, 1)
		all = append(all, q)
	}
	for i := range r.Findings {
		f := &r.Findings[i]
		if len(f.Suppressed) > 0 {
			continue
		}
		name := nameOf(targets[f.Target])
		q := qualityIssue{Description: f.Title, CheckName: f.Rule, Severity: qualitySeverity(f.Severity)}
		if f.Fix != "" {
			q.Description += "; " + f.Fix
		}
		at := finding.Location{Path: name}
		if len(f.Locations) > 0 {
			at = f.Locations[0]
		}
		q.Location.Path, q.Location.Lines.Begin = relative(cmp.Or(at.Path, name)), at.StartLine
		add(q, "finding", name, f.Fingerprint, f.Package)
	}
	for _, g := range r.Coverage {
		if !g.Blocking || g.Allowed {
			continue
		}
		name := nameOf(targets[g.Target])
		q := qualityIssue{Description: "not assessed: " + g.What, CheckName: "gap/" + g.Class, Severity: "major"}
		q.Location.Path = relative(cmp.Or(g.Path, name))
		add(q, "gap", name, g.Class, g.Path, g.What)
	}
	return encode(w, all)
}

func nameOf(t *finding.Target) string {
	if t == nil {
		return "target"
	}
	return cmp.Or(t.Name, t.Digest, "target")
}

// relative is a path as GitLab wants it: below the root of the repository, and without "./".
func relative(p string) string {
	clean := strings.TrimLeft(path.Clean("/"+strings.ReplaceAll(p, `\`, "/")), "/")
	return cmp.Or(clean, "target")
}

// qualitySeverity is a severity in GitLab's words, one for one.
func qualitySeverity(s finding.Severity) string {
	switch s {
	case finding.Critical:
		return "blocker"
	case finding.High:
		return "critical"
	case finding.Medium:
		return "major"
	case finding.Low:
		return "minor"
	}
	return "info"
}
