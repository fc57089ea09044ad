// Package osv reads the archives of OSV's public bucket: ECOSYSTEM/all.zip, one JSON document for each
// advisory (https://ossf.github.io/osv-schema/, version 1.7).
package osv

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"strings"

	"github.com/plimsoll/plimsoll/internal/read/advisory"
	"github.com/plimsoll/plimsoll/internal/read/advisory/feed"
)

// Bounds of one archive. The largest of the bucket, npm's, has some 300,000 records of 1 GB in all.
const (
	maxRecords  = 3_000_000
	maxDocument = 16 << 20
	maxExpanded = 16 << 30
)

// Options say how an archive is read.
type Options struct {
	Ecosystem string // whose archive it is, as the bucket's folder is called: npm, AlmaLinux
	Name      string // the feed's name: osv/npm

	// Compare orders versions of the ecosystem. With it, of versions that are listed beside ranges only
	// those are kept that lie outside of them. Nil: all are kept.
	Compare func(a, b string) (int, error)
}

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

type affected struct {
	Package struct {
		Ecosystem string `json:"ecosystem"`
		Name      string `json:"name"`
	} `json:"package"`
	Severity []severity `json:"severity"`
	Ranges   []struct {
		Type   string  `json:"type"`
		Events []event `json:"events"`
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

// Read gives every record of an archive that speaks of its ecosystem; a record that names several
// stands in the archive of each, and gives here only its own part. Withdrawn records are counted and
// give nothing.
func Read(ctx context.Context, r io.ReaderAt, size int64, o Options, sink feed.Sink) (feed.Info, error) {
	var info feed.Info
	err := feed.EachJSON(ctx, r, size, feed.Bounds{Records: maxRecords, Document: maxDocument, Expanded: maxExpanded}, func(b []byte) error {
		var d document
		if err := unmarshal(b, &d); err != nil {
			return err
		}
		info.Seen(feed.Time(d.Modified))
		if d.Withdrawn != "" {
			return nil
		}
		if record, ok := d.record(o); ok {
			return sink(record)
		}
		return nil
	})
	return info, err
}

// unmarshal reads one document.
func unmarshal(b []byte, d *document) error {
	if err := json.Unmarshal(b, d); err != nil {
		return err
	}
	if d.ID == "" {
		return errors.New("the document has no id")
	}
	return nil
}

// record turns a document into rows for one ecosystem. Advisories of a distribution that mend no
// vulnerability (AlmaLinux' ALBA- and ALEA-, as a rule) give none.
func (d *document) record(o Options) (feed.Record, bool) {
	cves := d.cves()
	if len(cves) == 0 && (strings.HasPrefix(d.ID, "ALBA-") || strings.HasPrefix(d.ID, "ALEA-")) {
		return feed.Record{}, false
	}
	r := feed.Record{Vulnerability: advisory.Vulnerability{
		ID: d.ID, Aliases: d.Aliases, Published: feed.Time(d.Published), Modified: feed.Time(d.Modified),
		Malware: strings.HasPrefix(d.ID, "MAL-"), CWEs: d.Specific.CWEs, Ratings: d.ratings(),
	}}
	if cve := cveIn(d.ID); cve != "" {
		r.Aliases = append(r.Aliases, cve)
	}
	distribution := isDistribution(d.ID)
	if distribution {
		r.Aliases, r.Covers = nil, cves
	}
	for i := range d.Affected {
		a := &d.Affected[i]
		family, release, _ := strings.Cut(a.Package.Ecosystem, ":")
		if !strings.EqualFold(family, o.Ecosystem) || a.Package.Name == "" {
			continue
		}
		row := a.row(d.ID, o)
		if len(row.Ranges) == 0 && len(row.Versions) == 0 {
			continue // nothing but commits: no version of a package can be held against it
		}
		key := o.Ecosystem // records differ in how they write it: "kubernetes"
		if release = strings.TrimSuffix(release, ":LTS"); release != "" {
			key += ":" + release
		}
		row.Severity = d.summarySeverity()
		for _, module := range d.modules(&row) {
			row.Module = module
			r.Affected = append(r.Affected, feed.Affected{Ecosystem: key, Package: a.Package.Name, Row: row})
		}
		for _, s := range a.Severity {
			r.Ratings = withVector(r.Ratings, source(d.ID), s.Score)
		}
	}
	if distribution && o.Compare != nil {
		r.Affected = firstFixes(r.Affected, o.Compare)
	}
	return r, len(r.Affected) > 0
}
