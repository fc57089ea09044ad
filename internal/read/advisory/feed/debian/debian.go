// Package debian reads the JSON export of the Debian security tracker
// (https://security-tracker.debian.org/tracker/data/json): source package → id → releases.
package debian

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/read/advisory"
	"github.com/plimsoll/plimsoll/internal/read/advisory/feed"
)

// releases are the codenames, with the ecosystem that packages of such a system ask for.
var releases = map[string]string{
	"jessie": "Debian:8", "stretch": "Debian:9", "buster": "Debian:10", "bullseye": "Debian:11",
	"bookworm": "Debian:12", "trixie": "Debian:13", "forky": "Debian:14", "duke": "Debian:15", "sid": "Debian:sid",
}

// maxSources bounds the document: Debian has some 40,000 source packages.
const maxSources = 500_000

type entry struct {
	Releases map[string]release `json:"releases"`
}

type release struct {
	Status  string  `json:"status"`
	Fixed   string  `json:"fixed_version"`
	Urgency string  `json:"urgency"`
	NoDSA   *string `json:"nodsa"`
	Reason  string  `json:"nodsa_reason"`
}

// Read gives a record for every id of every source package, with a row for each release.
func Read(ctx context.Context, r io.Reader, name string, sink feed.Sink) (feed.Info, error) {
	var info feed.Info
	sources := 0
	err := feed.DecodeObject(r, func(source string, d *json.Decoder) error {
		if sources++; sources > maxSources {
			return fmt.Errorf("%w: more than %d sources", feed.ErrLimit, maxSources)
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		var ids map[string]entry
		if err := d.Decode(&ids); err != nil {
			return fmt.Errorf("source %q: %w", source, err)
		}
		for id, e := range ids {
			info.Records++
			record := feed.Record{Vulnerability: advisory.Vulnerability{ID: id}}
			for codename, rel := range e.Releases {
				ecosystem, ok := releases[codename]
				if !ok {
					continue
				}
				record.Affected = append(record.Affected, feed.Affected{Ecosystem: ecosystem, Package: source, Row: rel.row(id, name)})
			}
			if len(record.Affected) > 0 {
				if err := sink(record); err != nil {
					return err
				}
			}
		}
		return nil
	})
	return info, err
}

// row says what the tracker decided. Its words for a release that gets no DSA are decisions about the
// fix, and its urgency "unimportant" is one about the fault; neither is a severity.
func (r release) row(id, name string) advisory.Row {
	row := advisory.Row{ID: id, Feed: name, Severity: severity(r.Urgency)}
	if r.Status == "resolved" && r.Fixed != "" {
		if r.Fixed == "0" {
			row.Unaffected = true
			return row
		}
		row.Ranges = []advisory.Range{{Fixed: r.Fixed}}
		if r.Urgency == "unimportant" {
			row.Status = finding.StatusUnimportant
		}
		return row
	}
	row.Ranges = []advisory.Range{{}} // open, or undetermined (nobody has looked yet): every version
	row.Status = finding.StatusAffected
	switch {
	case r.Urgency == "unimportant":
		row.Status = finding.StatusUnimportant
	case r.Urgency == "end-of-life":
		row.Status = finding.StatusEndOfLife
	case r.NoDSA != nil && r.Reason == "ignored":
		row.Status = finding.StatusWillNotFix
	case r.NoDSA != nil:
		row.Status = finding.StatusDeferred // postponed, or left to a point release
	}
	return row
}

// severity reads the tracker's urgency; stars mark that it was given automatically.
func severity(urgency string) finding.Severity {
	switch strings.TrimRight(urgency, "*") {
	case "high":
		return finding.High
	case "medium":
		return finding.Medium
	case "low":
		return finding.Low
	case "unimportant":
		return finding.Info
	}
	return ""
}
