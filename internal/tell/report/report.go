// Package report writes a report in the formats that people and other programs read.
//
// Each format is a row of [Formats] and a function from a report to bytes. A report comes in its one
// order (finding.Sort), so that the same report gives the same bytes. Nothing is judged here: formats
// show what the report says, and all of it unless it was filtered before.
//
// Names in a report come from images and are hostile: what is written for a terminal or as Markdown
// holds no control characters and no markup of theirs.
package report

import (
	"bufio"
	"fmt"
	"io"
	"time"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/tell/report/bill"
	"github.com/plimsoll/plimsoll/internal/tell/report/host"
)

// Options shape a format for where it goes; each format takes what it knows.
type Options struct {
	Width  int       // columns that the table may take; 0: 100, and never under 40
	Color  bool      // the table is for a terminal that shows colour
	Hidden int       // findings that filters took out of the report
	Part   bool      // filters left one part of each image, its base or what stands on it; gaps are of the whole
	Time   time.Time // when documents that carry a date were made; zero: the database's date, or none
	Now    time.Time // the moment of the call, for forms that must carry it where Time is zero
	Run    host.Run  // of the pipeline, for forms that name a commit
	// Template is what the format "template" runs; nil: there is none.
	Template *Template
}

func (o *Options) at() time.Time {
	if o.Time.IsZero() {
		return o.Now
	}
	return o.Time
}

// Format is one way to write a report.
type Format struct {
	Name  string
	About string
	// Findings says that the format tells of findings alone. An inventory has none, and would pass for
	// clean in it.
	Findings bool
	write    writer
}

type writer = func(w io.Writer, r *finding.Report, o Options) error

// Formats lists all formats.
var Formats = []Format{
	{"table", "what to do, for people", false, writeTable},
	{"json", "one JSON document: docs/schema/report-v1.schema.json", false, writeJSON},
	{"markdown", "for pull requests and job summaries", false, writeMarkdown},
	{"sarif", "SARIF 2.1.0, for code hosts", true, writeSARIF},
	{"cyclonedx", "CycloneDX 1.6 as JSON: packages and vulnerabilities", false, cycloneDX(false)},
	{"cyclonedx-xml", "CycloneDX 1.6 as XML", false, cycloneDX(true)},
	{"openvex", "OpenVEX 0.2.0: what was let pass, and why", true, openVEX},
	{"spdx", "SPDX 2.3 as JSON: packages", false, spdx(false)},
	{"spdx-tag", "SPDX 2.3 as tags and values", false, spdx(true)},
	{"html", "one page to read and to filter, with nothing outside of it", false, writeHTML},
	{"junit", "JUnit's XML: a failed test for each finding that denies", true, writeJUnit},
	{"gitlab-container", "GitLab's container scanning report, schema 15.0.7: vulnerable packages", true, func(w io.Writer, r *finding.Report, o Options) error {
		return host.GitLabContainer(w, r, o.at())
	}},
	{"gitlab-codequality", "GitLab's code quality report: every kind of finding, by file and line", true, func(w io.Writer, r *finding.Report, _ Options) error {
		return host.GitLabQuality(w, r)
	}},
	{"github", "GitHub's dependency snapshot: packages, for its dependency graph", false, func(w io.Writer, r *finding.Report, o Options) error {
		return host.GitHubSnapshot(w, r, o.Run, o.at())
	}},
	{"github-annotations", "GitHub's workflow commands: marks beside the lines of a change", true, writeAnnotations},
	{"csv", "a line for each finding, for spreadsheets", true, writeCSV},
	{"template", "what the Go template in --template FILE makes of the report", false, writeTemplate},
}

// Write writes a report in the format of that name.
func Write(w io.Writer, name string, r *finding.Report, o Options) error {
	for _, f := range Formats {
		if f.Name != name {
			continue
		}
		b := bufio.NewWriterSize(w, 64<<10)
		if err := f.write(b, r, o); err != nil {
			return fmt.Errorf("write %s: %w", name, err)
		}
		return b.Flush()
	}
	return fmt.Errorf("%q is no format of reports", name)
}

func cycloneDX(asXML bool) writer {
	return func(w io.Writer, r *finding.Report, o Options) error { return bill.CycloneDX(w, r, o.Time, asXML) }
}

func openVEX(w io.Writer, r *finding.Report, o Options) error { return bill.OpenVEX(w, r, o.Time) }

func spdx(asTags bool) writer {
	return func(w io.Writer, r *finding.Report, o Options) error { return bill.SPDX(w, r, o.Time, asTags) }
}
