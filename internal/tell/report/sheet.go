package report

import (
	"bufio"
	"encoding/csv"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/plimsoll/plimsoll/internal/weigh/comply"
)

// SheetFormats are the ways to write a framework that reports filled in.
func SheetFormats() []string { return []string{"table", "json", "csv", "junit", "html", "markdown"} }

// WriteSheet writes one in the format of that name.
func WriteSheet(w io.Writer, name string, s *comply.Sheet, o Options) error {
	b := bufio.NewWriter(w)
	write, ok := map[string]func(io.Writer, *comply.Sheet, Options) error{
		"table": sheetTable, "json": sheetJSON, "csv": sheetCSV, "junit": sheetJUnit, "html": sheetHTML, "markdown": sheetMarkdown,
	}[name]
	if !ok {
		return fmt.Errorf("%q is no format of a framework", name)
	}
	if err := write(b, s, o); err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	return b.Flush()
}

func sheetJSON(w io.Writer, s *comply.Sheet, _ Options) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	return e.Encode(s)
}

var outcomeColor = map[comply.Outcome]string{
	comply.Fail: red, comply.Excepted: yellow, comply.NotVisible: yellow, comply.Manual: cyan, comply.Pass: green, comply.NotApplicable: dim,
}

// sheetTable writes each section with its controls, what fails them, and the totals.
func sheetTable(w io.Writer, s *comply.Sheet, o Options) error {
	t := &table{w: w, width: defaultWidth, color: o.Color, o: o}
	if o.Width > 0 {
		t.width = max(o.Width, leastWidth)
	}
	t.line(t.paint(bold, clean(s.Title)))
	t.para(margin, margin, "of "+clean(strings.Join(s.Targets, ", ")))
	ids := 0
	for _, r := range s.Controls {
		ids = max(ids, cells(r.ID))
	}
	ids = min(ids, t.width/3)
	const outcomes = len(comply.NotApplicable)
	for _, section := range s.Sections {
		t.line("")
		t.line(t.paint(bold, section.ID+"  "+section.Title) + "  " + tallied(section.Counts))
		for _, r := range s.Controls {
			if r.Section != section.ID {
				continue
			}
			first := margin + pad(cut(r.ID, ids), ids+2) + t.paint(outcomeColor[r.Outcome], pad(string(r.Outcome), outcomes)) + "  "
			rest := strings.Repeat(" ", len(margin)+ids+2+outcomes+2)
			t.para(first, rest, r.Title)
			if r.Why != "" && r.Outcome != comply.Fail {
				t.para(rest, rest, t.paint(dim, clean(r.Why)))
			}
			t.failures(rest, r.Found)
		}
	}
	t.line("")
	t.line("Total: " + tallied(s.Totals))
	return t.err
}

// failures lists what fails a control, as far as there is room.
func (t *table) failures(indent string, found []comply.Found) {
	for n, f := range found {
		if n == maxPlaces {
			t.line(indent + fmt.Sprintf("and %d more", len(found)-n))
			return
		}
		text := clean(f.Target) + ": " + clean(f.Title)
		if f.Excepted != "" {
			text += " (excepted by " + clean(f.Excepted) + ")"
		}
		t.para(indent+"- ", indent+"  ", text)
	}
}

// tallied is "1 fail, 3 pass".
func tallied(counts map[comply.Outcome]int) string {
	var all []string
	for _, o := range comply.Outcomes() {
		if n := counts[o]; n > 0 {
			all = append(all, fmt.Sprintf("%d %s", n, o))
		}
	}
	return strings.Join(all, ", ")
}

// sheetCSV writes a line for each control.
func sheetCSV(w io.Writer, s *comply.Sheet, _ Options) error {
	out := csv.NewWriter(w)
	out.UseCRLF = true
	if err := out.Write([]string{"framework", "section", "control", "title", "outcome", "why", "looked", "found", "checks"}); err != nil {
		return err
	}
	for _, r := range s.Controls {
		row := []string{s.Framework, r.Section, r.ID, r.Title, string(r.Outcome), r.Why, strconv.Itoa(r.Looked), strconv.Itoa(len(r.Found)), strings.Join(r.Checks, " ")}
		for i := range row {
			row[i] = cell(row[i])
		}
		if err := out.Write(row); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}

// sheetJUnit writes a suite for each section and a test for each control: one that fails is red, one that is not visible is an
// error, and what a person has to look at is skipped.
func sheetJUnit(w io.Writer, s *comply.Sheet, _ Options) error {
	all := junitSuites{Name: s.Title}
	for _, section := range s.Sections {
		suite := junitSuite{Name: section.ID + " " + section.Title, Time: "0"}
		for _, r := range s.Controls {
			if r.Section != section.ID {
				continue
			}
			c := junitCase{Name: r.ID + " " + r.Title, Class: s.Framework, Time: "0"}
			switch r.Outcome {
			case comply.Fail:
				var text []string
				for _, f := range r.Found {
					text = append(text, clean(f.Target+": "+f.Title))
				}
				c.Failure = &junitFault{Message: r.Why, Type: string(r.Outcome), Text: strings.Join(text, "\n")}
				suite.Failures++
			case comply.NotVisible:
				c.Error = &junitFault{Message: clean(r.Why), Type: string(r.Outcome)}
				suite.Errors++
			case comply.Manual, comply.NotApplicable, comply.Excepted:
				c.Skipped = &junitSkipped{Message: strings.TrimSuffix(string(r.Outcome)+": "+clean(r.Why), ": ")}
				suite.Skipped++
			}
			suite.Tests++
			suite.Cases = append(suite.Cases, c)
		}
		all.Tests, all.Failures, all.Errors = all.Tests+suite.Tests, all.Failures+suite.Failures, all.Errors+suite.Errors
		all.Suites = append(all.Suites, suite)
	}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	e := xml.NewEncoder(w)
	e.Indent("", "  ")
	if err := e.Encode(all); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}
