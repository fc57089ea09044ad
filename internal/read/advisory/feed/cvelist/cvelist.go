// Package cvelist reads the CVE List in CVE JSON 5 (https://github.com/CVEProject/cvelistV5): how bad
// the CNA and CISA's ADP rate each id, and which ids were rejected. Its version ranges are upstream's
// and are not used.
package cvelist

import (
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

// Bounds of one archive. The whole list has some 350,000 records of 3 GB in all.
const (
	maxRecords  = 2_000_000
	maxDocument = 16 << 20
	maxExpanded = 16 << 30
)

type document struct {
	Metadata struct {
		ID        string `json:"cveId"`
		State     string `json:"state"`
		Published string `json:"datePublished"`
		Updated   string `json:"dateUpdated"`
	} `json:"cveMetadata"`
	Containers struct {
		CNA container   `json:"cna"`
		ADP []container `json:"adp"`
	} `json:"containers"`
}

type container struct {
	Provider struct {
		ShortName string `json:"shortName"`
	} `json:"providerMetadata"`
	Metrics []map[string]json.RawMessage `json:"metrics"`
	Types   []struct {
		Descriptions []struct {
			CWE string `json:"cweId"`
		} `json:"descriptions"`
	} `json:"problemTypes"`
}

// Read gives a record without rows for every id of an archive.
func Read(ctx context.Context, r io.ReaderAt, size int64, sink feed.Sink) (feed.Info, error) {
	var info feed.Info
	err := feed.EachJSON(ctx, r, size, feed.Bounds{Records: maxRecords, Document: maxDocument, Expanded: maxExpanded}, func(b []byte) error {
		record, err := parse(b)
		if err != nil {
			return err
		}
		info.Seen(record.Modified)
		return sink(record)
	})
	return info, err
}

func parse(b []byte) (feed.Record, error) {
	var d document
	if err := json.Unmarshal(b, &d); err != nil {
		return feed.Record{}, err
	}
	if d.Metadata.ID == "" {
		return feed.Record{}, fmt.Errorf("the record has no id")
	}
	record := feed.Record{Rejected: d.Metadata.State == "REJECTED", Vulnerability: advisory.Vulnerability{
		ID: d.Metadata.ID, Published: feed.Time(d.Metadata.Published), Modified: feed.Time(d.Metadata.Updated),
	}}
	add := func(c container, source string) {
		for _, m := range c.Metrics {
			if rating, ok := rate(m, source); ok && !slices.Contains(record.Ratings, rating) {
				record.Ratings = append(record.Ratings, rating)
			}
		}
		for _, t := range c.Types {
			for _, d := range t.Descriptions {
				if d.CWE != "" && !slices.Contains(record.CWEs, d.CWE) {
					record.CWEs = append(record.CWEs, d.CWE)
				}
			}
		}
	}
	add(d.Containers.CNA, "cna")
	for _, c := range d.Containers.ADP {
		add(c, strings.ToLower(c.Provider.ShortName))
	}
	return record, nil
}

// rate takes the newest CVSS of a metric.
func rate(metric map[string]json.RawMessage, source string) (finding.Rating, bool) {
	for _, version := range []string{"cvssV4_0", "cvssV3_1", "cvssV3_0", "cvssV2_0"} {
		raw, ok := metric[version]
		if !ok {
			continue
		}
		var v struct {
			Vector string `json:"vectorString"`
		}
		if json.Unmarshal(raw, &v) == nil {
			return feed.Rate(source, v.Vector)
		}
	}
	return finding.Rating{}, false
}
