package bill

import (
	"cmp"
	"encoding/json"
	"io"
	"path"
	"slices"
	"strings"
	"time"

	packageurl "github.com/package-url/packageurl-go"

	"github.com/plimsoll/plimsoll/finding"
)

// The part of OpenVEX 0.2.0 that is written; a test holds it to the schema.
type (
	vexDocument struct {
		Context    string         `json:"@context"`
		ID         string         `json:"@id"`
		Author     string         `json:"author"`
		Timestamp  string         `json:"timestamp"`
		Version    int            `json:"version"`
		Tooling    string         `json:"tooling"`
		Statements []vexStatement `json:"statements"`
	}
	vexStatement struct {
		Vulnerability vexVulnerability `json:"vulnerability"`
		Products      []vexProduct     `json:"products"`
		Status        string           `json:"status"`
		Notes         string           `json:"status_notes,omitempty"`
		Justification string           `json:"justification,omitempty"`
		Impact        string           `json:"impact_statement,omitempty"`
		Action        string           `json:"action_statement,omitempty"`
	}
	vexVulnerability struct {
		Name    string   `json:"name"`
		Aliases []string `json:"aliases,omitempty"`
	}
	vexProduct struct {
		ID          string            `json:"@id"`
		Identifiers map[string]string `json:"identifiers,omitempty"`
		Hashes      map[string]string `json:"hashes,omitempty"`
		Parts       []vexProduct      `json:"subcomponents,omitempty"`
	}
)

// OpenVEX writes what was decided of a report's vulnerabilities as OpenVEX 0.2.0: those that an exception, a
// statement or Plimsoll itself let pass. An exception that says nothing of VEX is an affected product that
// somebody lives with, and why. What nobody decided on is left out; where nothing was, the list is empty.
func OpenVEX(w io.Writer, r *finding.Report, at time.Time) error {
	doc := vexDocument{
		Context: "https://openvex.dev/ns/v0.2.0", Timestamp: date(r, at).Format(time.RFC3339), Version: 1,
		Tooling: strings.TrimSpace("Plimsoll " + r.Tool.Version), Statements: vexStatements(r),
	}
	doc.Author = vexAuthor(r)
	content, err := json.Marshal(doc)
	if err != nil {
		return err
	}
	doc.ID = "https://plimsoll.dev/vex/" + serial(content)
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(doc)
}

// vexAuthor names those who answer for the exceptions.
func vexAuthor(r *finding.Report) string {
	var owners []string
	for i := range r.Findings {
		for _, s := range r.Findings[i].Suppressed {
			if s.By == "exception" && s.Owner != "" && !slices.Contains(owners, s.Owner) {
				owners = append(owners, s.Owner)
			}
		}
	}
	slices.Sort(owners)
	return text(oneLine(cmp.Or(strings.Join(owners, ", "), "Plimsoll")))
}

func vexStatements(r *finding.Report) []vexStatement {
	targets, packages := map[string]*finding.Target{}, map[string]*finding.Package{}
	for i := range r.Targets {
		targets[r.Targets[i].ID] = &r.Targets[i]
	}
	for i := range r.Packages {
		packages[r.Packages[i].ID] = &r.Packages[i]
	}
	at := map[string]int{}
	all := []vexStatement{} // [] and not null
	for i := range r.Findings {
		f := &r.Findings[i]
		t, p := targets[f.Target], packages[f.Package]
		if f.Kind != finding.KindVulnerability || len(f.Suppressed) == 0 || t == nil || p == nil {
			continue
		}
		s := vexOf(f)
		key := strings.Join([]string{s.Vulnerability.Name, f.Target, s.Status, s.Justification, s.Notes, s.Impact, s.Action}, "\x00")
		n, ok := at[key]
		if !ok {
			n = len(all)
			at[key] = n
			s.Products = []vexProduct{vexTarget(t)}
			all = append(all, s)
		}
		product := &all[n].Products[0]
		part := vexProduct{ID: p.PURL, Identifiers: map[string]string{"purl": p.PURL}}
		if !slices.ContainsFunc(product.Parts, func(had vexProduct) bool { return had.ID == part.ID }) {
			product.Parts = append(product.Parts, part)
		}
	}
	return all
}

// vexOf is what was decided of a finding. A claim that it does no harm goes before one that somebody lives with.
func vexOf(f *finding.Finding) vexStatement {
	s := f.Suppressed[0]
	if i := slices.IndexFunc(f.Suppressed, func(s finding.Suppression) bool { return s.VEX != nil }); i >= 0 {
		s = f.Suppressed[i]
	}
	out := vexStatement{Vulnerability: vexVulnerability{Name: f.Rule, Aliases: slices.Compact(slices.Sorted(slices.Values(f.Aliases)))}}
	why := oneLine(s.Reason)
	if s.Ticket != "" {
		why = strings.TrimSpace(why + " (" + oneLine(s.Ticket) + ")")
	}
	if s.VEX != nil {
		out.Status, out.Justification, out.Notes = s.VEX.Status, s.VEX.Justification, why
		if out.Status == "not_affected" && out.Justification == "" { // the schema wants just one of the two
			out.Impact, out.Notes = cmp.Or(why, "not affected"), ""
		}
		return out
	}
	out.Status = "affected"
	out.Action = "accepted: " + cmp.Or(why, "no reason given")
	if s.Until != "" {
		out.Action += ", until " + s.Until
	}
	return out
}

// vexTarget is a target as a product: an image by its digest, where that is known.
func vexTarget(t *finding.Target) vexProduct {
	u := packageurl.PackageURL{Type: "generic", Name: path.Base(t.Name)}
	if t.Kind == "image" || t.Digest != "" {
		repository, _, _ := strings.Cut(t.Name, "@")
		tag := ""
		if colon := strings.LastIndexByte(repository, ':'); colon > strings.LastIndexByte(repository, '/') {
			repository, tag = repository[:colon], repository[colon+1:]
		}
		u = packageurl.PackageURL{Type: "oci", Name: strings.ToLower(path.Base(repository)), Version: t.Digest}
		if strings.Contains(repository, "/") && !strings.HasPrefix(repository, ".") && !strings.HasPrefix(repository, "/") {
			u.Qualifiers = append(u.Qualifiers, packageurl.Qualifier{Key: "repository_url", Value: repository})
		}
		if tag != "" {
			u.Qualifiers = append(u.Qualifiers, packageurl.Qualifier{Key: "tag", Value: tag})
		}
	}
	purl := u.ToString()
	p := vexProduct{ID: purl, Identifiers: map[string]string{"purl": purl}}
	if algorithm, hex, ok := digest(t.Digest); ok && algorithm == "sha256" {
		p.Hashes = map[string]string{"sha-256": strings.ToLower(hex)}
	}
	return p
}
