// Package check says what a check of ours is: a card that names and rates it, and a page that tells
// why it matters and how to mend what it finds. Judges hold lists of checks with a pure function
// beside the card; the catalogue gathers them. Nothing registers itself.
package check

import (
	"fmt"
	"strings"

	"github.com/plimsoll/plimsoll/finding"
)

// Card is what a check is called and how bad its findings are.
type Card struct {
	ID       string // FAMILY/NAME, readable and never reused
	Title    string // what is wrong, as a statement
	Kind     finding.Kind
	Severity finding.Severity
	Decks    []string
	Aliases  []string // the same check in other tools, TOOL/ID
	Controls []string // framework ids with their version
	Since    string   // the release that brought it
	Page     Page
}

// Page is the check's documentation. Bad is found by the check, Good is not: its test runs both.
type Page struct {
	Why string
	Fix string
	Bad string
	// Good is Bad, mended.
	Good string
}

// Hit is one place where a check found what it looks for.
type Hit struct {
	Where  string // a field path, a file path, a line
	Detail string
}

// Finding is a card's finding for a target; the caller adds locations and the fingerprint.
func (c Card) Finding(target string, h Hit) finding.Finding {
	return finding.Finding{
		Deck: c.Decks[0], Kind: c.Kind, Rule: c.ID, Aliases: c.Aliases, Controls: c.Controls,
		Severity: c.Severity, SeverityFrom: "plimsoll", Title: titled(c.Title, h.Detail), Target: target,
		Evidence: h.Where, Fix: firstParagraph(c.Page.Fix),
	}
}

func titled(title, detail string) string {
	if detail == "" {
		return title
	}
	return fmt.Sprintf("%s: %s", title, detail)
}

func firstParagraph(s string) string {
	first, _, _ := strings.Cut(s, "\n\n")
	return strings.Join(strings.Fields(first), " ")
}
