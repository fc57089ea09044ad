package report

import (
	_ "embed"
	"fmt"
	"io"
	"strings"

	"github.com/plimsoll/plimsoll/internal/tell/report/page"
	"github.com/plimsoll/plimsoll/internal/weigh/comply"
)

//go:embed html/sheet.gohtml
var htmlSheet string

type (
	sheetPage struct {
		Title, Worst, Mark, Totals, Made string
		Targets, Reports                 []string
		Tiles                            []sheetTile
		Sections                         []sheetSection
	}
	sheetTile struct {
		Name, Mark string
		N          int
	}
	sheetSection struct {
		Anchor, ID, Title, Totals string
		Controls                  []sheetControl
	}
	sheetControl struct {
		ID, Title, Outcome, Mark, Why, Checks string
		Looked                                int
		Open                                  bool
		Found                                 []string
	}
)

// outcomeMarks are the colours of outcomes, by the words that the style has for them.
var outcomeMarks = map[comply.Outcome]string{comply.Fail: "deny", comply.Excepted: "warn", comply.NotVisible: "incomplete", comply.Manual: "low", comply.Pass: "pass"}

// sheetHTML writes one page that needs nothing from elsewhere, and no script: what fails is open, the rest opens by key or touch.
func sheetHTML(w io.Writer, s *comply.Sheet, o Options) error {
	p := sheetPage{Title: clean(s.Title), Worst: "nothing", Totals: tallied(s.Totals)}
	for _, outcome := range comply.Outcomes() {
		n := s.Totals[outcome]
		if n > 0 && p.Worst == "nothing" {
			p.Worst, p.Mark = string(outcome), outcomeMarks[outcome]
		}
		p.Tiles = append(p.Tiles, sheetTile{string(outcome), outcomeMarks[outcome], n})
	}
	for _, name := range s.Targets {
		p.Targets = append(p.Targets, clean(name))
	}
	for _, name := range s.Reports {
		p.Reports = append(p.Reports, clean(name))
	}
	if at := o.at(); !at.IsZero() {
		p.Made = at.UTC().Format("2006-01-02 15:04 UTC")
	}
	for n, section := range s.Sections {
		one := sheetSection{Anchor: fmt.Sprintf("s%d", n+1), ID: section.ID, Title: section.Title, Totals: tallied(section.Counts)}
		for i := range s.Controls {
			if r := &s.Controls[i]; r.Section == section.ID {
				one.Controls = append(one.Controls, sheetControl{
					ID: r.ID, Title: r.Title, Outcome: string(r.Outcome), Mark: outcomeMarks[r.Outcome], Why: clean(r.Why), Checks: strings.Join(r.Checks, " "),
					Looked: r.Looked, Open: r.Outcome == comply.Fail, Found: foundLines(r.Found),
				})
			}
		}
		p.Sections = append(p.Sections, one)
	}
	return page.Page{Title: p.Title + ": " + p.Totals, Body: htmlSheet}.Write(w, p)
}

// foundLines say what fails a control, a line each.
func foundLines(found []comply.Found) (lines []string) {
	for _, f := range found {
		line := clean(f.Target) + ": " + clean(f.Title)
		if f.Excepted != "" {
			line += " (excepted by " + clean(f.Excepted) + ")"
		}
		lines = append(lines, line)
	}
	return lines
}

// sheetMarkdown writes the totals by section, and each section with its controls, as GitHub-flavoured Markdown.
func sheetMarkdown(w io.Writer, s *comply.Sheet, _ Options) error {
	var b strings.Builder
	fmt.Fprintf(&b, "# %s: %s\n\nOf %s.\n\n| Section | Outcomes |\n| --- | --- |\n", md(s.Title), tallied(s.Totals), md(strings.Join(s.Targets, ", ")))
	for _, section := range s.Sections {
		fmt.Fprintf(&b, "| %s %s | %s |\n", md(section.ID), md(section.Title), tallied(section.Counts))
	}
	for _, section := range s.Sections {
		fmt.Fprintf(&b, "\n## %s %s\n\n| Control | Outcome | Why |\n| --- | --- | --- |\n", md(section.ID), md(section.Title))
		for _, r := range s.Controls {
			if r.Section != section.ID {
				continue
			}
			lines := foundLines(r.Found)
			if more := len(lines) - maxPlaces; more > 0 {
				lines = append(lines[:maxPlaces], fmt.Sprintf("and %d more", more))
			}
			if len(lines) == 0 && r.Why != "" {
				lines = []string{r.Why}
			}
			for i := range lines {
				lines[i] = md(lines[i])
			}
			fmt.Fprintf(&b, "| %s %s | %s | %s |\n", md(r.ID), md(r.Title), r.Outcome, strings.Join(lines, "<br>"))
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}
