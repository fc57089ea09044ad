// Package osv reads the archives of OSV's public bucket: ECOSYSTEM/all.zip, one JSON document for each
// advisory (https://ossf.github.io/osv-schema/, version 1.7).
package osv

import (
	"archive/zip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/read/advisory"
	"github.com/plimsoll/plimsoll/internal/read/advisory/feed"
)

// Bounds of one archive.
const (
	maxRecords  = 3_000_000
	maxDocument = 16 << 20
)

type document struct {
	ID        string     `json:"id"`
	Modified  string     `json:"modified"`
	Published string     `json:"published"`
	Withdrawn string     `json:"withdrawn"`
	Summary   string     `json:"summary"`
	Aliases   []string   `json:"aliases"`
	Related   []string   `json:"related"`
	Upstream  []string   `json:"upstream"`
	Severity  []severity `json:"severity"`
	Affected  []affected `json:"affected"`
	Specific  specific   `json:"database_specific"`
}

type severity struct {
	Type  string `json:"type"`
	Score string `json:"score"`
}

type specific struct {
	Severity      any      `json:"severity"`
	Score         float64  `json:"cvss_score"`
	CWEs          []string `json:"cwe_ids"`
	Informational string   `json:"informational"`
}

type affected struct {
	Package struct {
		Ecosystem string `json:"ecosystem"`
		Name      string `json:"name"`
	} `json:"package"`
	Severity []severity `json:"severity"`
	Ranges   []struct {
		Type   string              `json:"type"`
		Events []map[string]string `json:"events"`
	} `json:"ranges"`
	Versions []string `json:"versions"`
	Specific struct {
		LastKnown string `json:"last_known_affected_version_range"`
	} `json:"database_specific"`
	EcosystemSpecific struct {
		Imports []struct {
			Path    string   `json:"path"`
			Symbols []string `json:"symbols"`
		} `json:"imports"`
	} `json:"ecosystem_specific"`
}

// Read gives every record of an archive that speaks of the ecosystem; a record that names several
// stands in the archive of each, and gives here only its own part. Name is the feed's, as in osv/npm.
func Read(ctx context.Context, r io.ReaderAt, size int64, ecosystem, name string, sink feed.Sink) (feed.Info, error) {
	var info feed.Info
	z, err := zip.NewReader(r, size)
	if err != nil {
		return info, fmt.Errorf("the archive cannot be opened, it may be cut short: %w", err)
	}
	if len(z.File) > maxRecords {
		return info, fmt.Errorf("%w: %d records", feed.ErrLimit, len(z.File))
	}
	for _, f := range z.File {
		if ctx.Err() != nil {
			return info, ctx.Err()
		}
		if !strings.HasSuffix(f.Name, ".json") {
			continue
		}
		d, err := open(f)
		if err != nil {
			return info, fmt.Errorf("%s: %w", f.Name, err)
		}
		info.Seen(feed.Time(d.Modified))
		if d.Withdrawn != "" {
			continue
		}
		if record, ok := d.record(ecosystem, name); ok {
			if err := sink(record); err != nil {
				return info, err
			}
		}
	}
	return info, nil
}

func open(f *zip.File) (document, error) {
	var d document
	r, err := f.Open()
	if err != nil {
		return d, err
	}
	defer r.Close()
	b, err := io.ReadAll(io.LimitReader(r, maxDocument+1))
	if err != nil {
		return d, err
	}
	if len(b) > maxDocument {
		return d, fmt.Errorf("%w: more than %d bytes", feed.ErrLimit, maxDocument)
	}
	return d, unmarshal(b, &d)
}

// unmarshal reads one document.
func unmarshal(b []byte, d *document) error {
	if err := json.Unmarshal(b, d); err != nil {
		return err
	}
	if d.ID == "" {
		return fmt.Errorf("the document has no id")
	}
	return nil
}

// record turns a document into rows for one ecosystem. Advisories of a distribution that mend no
// vulnerability (AlmaLinux' ALBA- and ALEA-, as a rule) give none.
func (d *document) record(ecosystem, name string) (feed.Record, bool) {
	cves := d.cves()
	if strings.HasPrefix(d.ID, "ALBA-") || strings.HasPrefix(d.ID, "ALEA-") {
		if len(cves) == 0 {
			return feed.Record{}, false
		}
	}
	r := feed.Record{Vulnerability: advisory.Vulnerability{
		ID: d.ID, Aliases: d.Aliases, Published: feed.Time(d.Published), Modified: feed.Time(d.Modified),
		Malware: strings.HasPrefix(d.ID, "MAL-"), CWEs: d.Specific.CWEs, Ratings: d.ratings(),
	}}
	if isDistribution(d.ID) {
		r.Aliases, r.Covers = nil, cves
	}
	word := summarySeverity(d)
	for i := range d.Affected {
		a := &d.Affected[i]
		family, _, _ := strings.Cut(a.Package.Ecosystem, ":")
		if !strings.EqualFold(family, ecosystem) || a.Package.Name == "" {
			continue
		}
		row := a.row(d.ID, name)
		row.Severity = word
		if len(row.Ranges) == 0 && len(row.Versions) == 0 {
			continue // nothing but commits: no version of a package can be held against it
		}
		r.Affected = append(r.Affected, feed.Affected{Ecosystem: a.Package.Ecosystem, Package: a.Package.Name, Row: row})
		for _, s := range a.Severity {
			r.Ratings = withVector(r.Ratings, source(d.ID), s.Score)
		}
	}
	return r, len(r.Affected) > 0
}

// withVector adds the rating of a vector; one that the same source gave as a word alone gets it.
func withVector(of []finding.Rating, source, vector string) []finding.Rating {
	rating, ok := feed.Rate(source, vector)
	if !ok {
		return of
	}
	for i := range of {
		if r := &of[i]; r.Source == source && (r.Vector == "" || r.Vector == vector) {
			r.Vector, r.Score = rating.Vector, rating.Score
			return of
		}
	}
	return append(of, rating)
}

// cves are the vulnerabilities that a distribution's advisory mends.
func (d *document) cves() []string {
	var ids []string
	for _, list := range [][]string{d.Upstream, d.Related, d.Aliases} {
		for _, id := range list {
			if strings.HasPrefix(id, "CVE-") && !slices.Contains(ids, id) {
				ids = append(ids, id)
			}
		}
	}
	slices.Sort(ids)
	return ids
}

// isDistribution knows advisories that gather the fixes of one update.
func isDistribution(id string) bool {
	for _, prefix := range []string{"AL", "RHSA-", "RLSA-", "DSA-", "DLA-", "USN-", "SUSE-", "openSUSE-", "ELSA-"} {
		if strings.HasPrefix(id, prefix) && (prefix != "AL" || len(id) > 4 && id[4] == '-') {
			return true
		}
	}
	return false
}

// summarySeverity reads the rating that Red Hat's descendants put before an update's name:
// "Moderate: grub2 security update".
func summarySeverity(d *document) finding.Severity {
	if !isDistribution(d.ID) {
		return ""
	}
	word, _, ok := strings.Cut(d.Summary, ":")
	if !ok {
		return ""
	}
	if s, err := finding.ParseSeverity(word); err == nil {
		return s
	}
	return ""
}

// source is who speaks under an id.
func source(id string) string {
	prefix, _, _ := strings.Cut(id, "-")
	if name, ok := map[string]string{"GHSA": "ghsa", "PYSEC": "pypa", "RUSTSEC": "rustsec", "GO": "go", "BIT": "bitnami", "MAL": "ossf"}[prefix]; ok {
		return name
	}
	return "osv"
}

func (d *document) ratings() []finding.Rating {
	var all []finding.Rating
	for _, s := range d.Severity {
		if r, ok := feed.Rate(source(d.ID), s.Score); ok {
			all = append(all, r)
		}
	}
	word, _ := d.Specific.Severity.(string)
	said, err := finding.ParseSeverity(word)
	switch {
	case word != "" && err == nil && len(all) == 0:
		all = append(all, finding.Rating{Source: source(d.ID), Severity: said, Score: d.Specific.Score})
	case word != "" && err == nil:
		all[0].Severity = said // the database's own word prevails over the arithmetic
	case len(all) == 0 && d.Specific.Score > 0:
		all = append(all, finding.Rating{Source: source(d.ID), Severity: finding.SeverityOf(d.Specific.Score), Score: d.Specific.Score})
	case len(all) == 0 && d.Specific.Informational != "":
		all = append(all, finding.Rating{Source: source(d.ID), Severity: finding.Info})
	}
	return all
}

// row turns ranges and versions into a row. Where ranges stand, the list of versions says the same in
// full and is left out.
func (a *affected) row(id, name string) advisory.Row {
	row := advisory.Row{ID: id, Feed: name}
	for _, r := range a.Ranges {
		if r.Type == "GIT" {
			continue
		}
		row.Ranges = append(row.Ranges, pair(r.Events)...)
	}
	if len(row.Ranges) == 0 {
		row.Versions = a.Versions
	}
	if last, ok := strings.CutPrefix(a.Specific.LastKnown, "<="); ok {
		for i := range row.Ranges {
			if r := &row.Ranges[i]; r.Fixed == "" && r.LastAffected == "" {
				r.LastAffected = strings.TrimSpace(last)
			}
		}
	}
	for _, i := range a.EcosystemSpecific.Imports {
		for _, s := range i.Symbols {
			row.Symbols = append(row.Symbols, i.Path+"."+s)
		}
	}
	row.Module = moduleOf(row.Ranges)
	return row
}

// moduleOf knows rows for rpm modules by the release of the fix: the feed does not name the stream.
func moduleOf(ranges []advisory.Range) string {
	for _, r := range ranges {
		if strings.Contains(r.Fixed, ".module_el") || strings.Contains(r.Fixed, ".module+el") {
			return advisory.AnyModule
		}
	}
	return ""
}

// pair makes ranges of events in the order in which they stand; an introduction without an end is open.
func pair(events []map[string]string) []advisory.Range {
	var ranges []advisory.Range
	open := false
	for _, e := range events {
		if v, ok := e["introduced"]; ok {
			ranges = append(ranges, advisory.Range{Introduced: zero(v)})
			open = true
			continue
		}
		if !open {
			// An end whose beginning is not told: everything before it is affected.
			if e["fixed"] == "" && e["last_affected"] == "" {
				continue
			}
			ranges = append(ranges, advisory.Range{})
		}
		last := &ranges[len(ranges)-1]
		if v := e["fixed"]; v != "" {
			last.Fixed, open = v, false
		} else if v := e["last_affected"]; v != "" {
			last.LastAffected, open = v, false
		}
	}
	return ranges
}

func zero(v string) string {
	if v == "0" {
		return ""
	}
	return v
}
