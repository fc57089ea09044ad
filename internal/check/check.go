// Package check says what a check of ours is: a card that names and rates it, and a page that tells
// why it matters and how to mend what it finds. Judges hold lists of checks with a pure function
// beside the card; the catalogue gathers them. Nothing registers itself.
package check

import (
	"cmp"
	"fmt"
	"slices"
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
	// At are the places of it, where it has any, and Subject the object that it is about. Hits that agree
	// in these and not in lines are one finding in several places.
	At      []finding.Location
	Subject *finding.Subject
	// Severity is that of this hit, where it is another than the card's.
	Severity finding.Severity
	// SeverityFrom says who finds it so, where that is not us.
	SeverityFrom string
	// Fix says how this hit is mended, where that can be said better than on the card's page.
	Fix string
	// Path is how somebody gets from one thing to another.
	Path []finding.Step
	// Suppressed says who lets it pass: a comment in the file itself, say.
	Suppressed []finding.Suppression
}

// Finding is a card's finding for a target; the caller adds the fingerprint.
func (c Card) Finding(target string, h Hit) finding.Finding {
	return finding.Finding{
		Deck: c.Decks[0], Kind: c.Kind, Rule: c.ID, Aliases: c.Aliases, Controls: c.Controls,
		Severity: cmp.Or(h.Severity, c.Severity), SeverityFrom: cmp.Or(h.SeverityFrom, "plimsoll"), Title: titled(c.Title, h.Detail), Target: target,
		Evidence: h.Where, Fix: cmp.Or(h.Fix, firstParagraph(c.Page.Fix)), Locations: h.At, Subject: h.Subject, Path: h.Path, Suppressed: h.Suppressed,
	}
}

// frameworks are those whose ids are controls.
var frameworks = []string{"attack", "cis-docker-1.7", "cis-k8s-1.12", "nsa-1.2", "pss"}

// Named is the card with names, parted by blanks: of the same check in other tools, and, with a framework in front, of the
// controls that it stands for.
func (c Card) Named(names string) Card {
	for name := range strings.FieldsSeq(names) {
		if framework, _, _ := strings.Cut(name, "/"); slices.Contains(frameworks, framework) {
			c.Controls = append(c.Controls, name)
			continue
		}
		c.Aliases = append(c.Aliases, name)
	}
	return c
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
