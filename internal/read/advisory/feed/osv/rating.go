package osv

import (
	"strings"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/read/advisory/feed"
)

type severity struct {
	Type  string `json:"type"`
	Score string `json:"score"`
}

// specific is what databases add of their own: a word, as GitHub's does, a number, or that the record
// informs of something that is no vulnerability by itself (RustSec: unmaintained, unsound).
type specific struct {
	Severity      any      `json:"severity"`
	Score         float64  `json:"cvss_score"`
	CWEs          []string `json:"cwe_ids"`
	Informational string   `json:"informational"`
}

// summarySeverity reads the rating that Red Hat's descendants put before an update's name:
// "Moderate: grub2 security update".
func (d *document) summarySeverity() finding.Severity {
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
		} else if word, err := finding.ParseSeverity(s.Score); s.Type == "Ubuntu" && err == nil {
			return append(all, finding.Rating{Source: "ubuntu", Severity: word})
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
