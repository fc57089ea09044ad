package host

import (
	"cmp"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/plimsoll/plimsoll/finding"
)

// gitlabVersion is the version of GitLab's security report schemas that the report follows: the last of
// 15.0, which every GitLab since 15.0 takes.
const gitlabVersion = "15.0.7"

// Bounds that GitLab's schema draws.
const (
	maxName        = 255
	maxSolution    = 7000
	maxIdentifiers = 20
	maxMessages    = 100 // ours: what a person reads
)

type (
	gitlabReport struct {
		Version         string                `json:"version"`
		Scan            gitlabScan            `json:"scan"`
		Vulnerabilities []gitlabVulnerability `json:"vulnerabilities"`
		Remediations    []any                 `json:"remediations"`
	}
	gitlabScan struct {
		Analyzer  gitlabTool      `json:"analyzer"`
		Scanner   gitlabTool      `json:"scanner"`
		StartTime string          `json:"start_time"`
		EndTime   string          `json:"end_time"`
		Messages  []gitlabMessage `json:"messages,omitempty"`
		Status    string          `json:"status"`
		Type      string          `json:"type"`
	}
	gitlabTool struct {
		ID      string     `json:"id"`
		Name    string     `json:"name"`
		URL     string     `json:"url"`
		Vendor  gitlabName `json:"vendor"`
		Version string     `json:"version"`
	}
	gitlabName struct {
		Name string `json:"name"`
	}
	gitlabMessage struct {
		Level string `json:"level"`
		Value string `json:"value"`
	}
	gitlabVulnerability struct {
		ID          string             `json:"id"`
		Name        string             `json:"name"`
		Description string             `json:"description"`
		Severity    string             `json:"severity"`
		Solution    string             `json:"solution,omitempty"`
		Location    gitlabLocation     `json:"location"`
		Identifiers []gitlabIdentifier `json:"identifiers"`
		Links       []gitlabLink       `json:"links,omitempty"`
	}
	gitlabLocation struct {
		Dependency struct {
			Package gitlabName `json:"package"`
			Version string     `json:"version"`
		} `json:"dependency"`
		System string `json:"operating_system"`
		Image  string `json:"image"`
	}
	gitlabIdentifier struct {
		Type  string `json:"type"`
		Name  string `json:"name"`
		Value string `json:"value"`
		URL   string `json:"url,omitempty"`
	}
	gitlabLink struct {
		URL string `json:"url"`
	}
)

// GitLabContainer writes the report of a container scanning job. It knows vulnerable and malicious packages
// alone; what was let pass is counted among its messages, and what was not assessed stands there too.
func GitLabContainer(w io.Writer, r *finding.Report, at time.Time) error {
	tool := gitlabTool{ID: "plimsoll", Name: "Plimsoll", URL: "https://github.com/plimsoll/plimsoll", Vendor: gitlabName{"Plimsoll"}, Version: cmp.Or(r.Tool.Version, "unknown")}
	now := when(at).Format("2006-01-02T15:04:05")
	out := gitlabReport{
		Version: gitlabVersion, Vulnerabilities: []gitlabVulnerability{}, Remediations: []any{},
		Scan: gitlabScan{Analyzer: tool, Scanner: tool, StartTime: now, EndTime: now, Status: "success", Type: "container_scanning"},
	}
	targets, packages := byID(r)
	passed, elsewhere := 0, 0
	for i := range r.Findings {
		f := &r.Findings[i]
		p, t := packages[f.Package], targets[f.Target]
		switch {
		case len(f.Suppressed) > 0:
			passed++
		case p == nil || t == nil || f.Kind != finding.KindVulnerability && f.Kind != finding.KindMalware:
			elsewhere++
		default:
			out.Vulnerabilities = append(out.Vulnerabilities, gitlabVulnerabilityOf(f, p, t))
		}
	}
	say := func(level, format string, args ...any) {
		if len(out.Scan.Messages) < maxMessages {
			out.Scan.Messages = append(out.Scan.Messages, gitlabMessage{level, fmt.Sprintf(format, args...)})
		}
	}
	if passed > 0 {
		say("info", "let pass, and not listed: %d", passed)
	}
	if elsewhere > 0 {
		say("info", "of other kinds than vulnerable packages, for which this report has no place: %d; -o gitlab-codequality lists them", elsewhere)
	}
	for _, g := range r.Coverage {
		if !g.Blocking || g.Allowed {
			continue
		}
		if g.Broke() {
			out.Scan.Status = "failure"
		}
		say("warn", "not assessed (%s): %s", g.Class, g.What)
	}
	return encode(w, out)
}

func gitlabVulnerabilityOf(f *finding.Finding, p *finding.Package, t *finding.Target) gitlabVulnerability {
	v := gitlabVulnerability{
		// One of each target, package and place: the same finding in two images is two.
		ID:          uuid.NewSHA1(uuid.NameSpaceURL, []byte(strings.Join([]string{f.Fingerprint, t.Name, t.Digest, t.Platform, f.Package}, "\x00"))).String(),
		Name:        limited(fmt.Sprintf("%s in %s", f.Rule, fullName(p)), maxName),
		Description: f.Title, Severity: gitlabSeverity(f.Severity), Solution: limited(f.Fix, maxSolution),
	}
	v.Location.Dependency.Package.Name, v.Location.Dependency.Version = fullName(p), cmp.Or(p.Version, "unknown")
	v.Location.System, v.Location.Image = system(t.OS), cmp.Or(t.Name, t.Digest, "unknown")
	ids := append([]string{f.Rule}, f.Aliases...)
	for _, id := range ids[:min(len(ids), maxIdentifiers)] {
		v.Identifiers = append(v.Identifiers, identifier(id))
	}
	for _, u := range f.References {
		v.Links = append(v.Links, gitlabLink{u})
	}
	return v
}

func gitlabSeverity(s finding.Severity) string {
	if s == "" {
		s = finding.Unknown
	}
	return strings.ToUpper(string(s[:1])) + string(s[1:])
}

// system is the distribution as GitLab's own analyzer writes it.
func system(os *finding.OS) string {
	if os == nil || os.ID == "" {
		return "unknown"
	}
	return strings.TrimSpace(os.ID + " " + cmp.Or(os.Version, os.Codename))
}

// identifier types an id as GitLab does, which tracks a vulnerability by type and value.
func identifier(id string) gitlabIdentifier {
	prefix, _, _ := strings.Cut(id, "-")
	out := gitlabIdentifier{Type: strings.ToLower(prefix), Name: id, Value: id}
	switch prefix {
	case "CVE":
		out.URL = "https://nvd.nist.gov/vuln/detail/" + id
	case "GHSA":
		out.URL = "https://github.com/advisories/" + id
	case "DSA", "DLA", "RHSA", "ELSA", "USN", "OSV", "GO", "RUSTSEC", "PYSEC", "MAL", "ALAS":
	default:
		out.Type = "plimsoll"
	}
	return out
}
