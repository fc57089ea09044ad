package report

import (
	"fmt"

	"github.com/plimsoll/plimsoll/finding"
)

// maxPlaces is how many places of one rule are listed; the rest is counted.
const maxPlaces = 4

// clusters lists rules with their places. What is critical or high is always shown.
func (t *table) clusters(s section) {
	t.section(s.title)
	mild := 0
	for i, c := range s.clusters {
		worst := c.findings[0]
		if worst.Severity.Rank() < finding.High.Rank() && !exploited(worst) {
			mild++
		}
		if mild > maxMild {
			var rest []*finding.Finding
			for _, c := range s.clusters[i:] {
				rest = append(rest, c.findings...)
			}
			t.para(margin, margin, fmt.Sprintf("and %s, found %d times (%s); -o json lists them", plural(len(s.clusters)-i, "more rule"), len(rest), bySeverity(rest)))
			return
		}
		t.cluster(c)
	}
}

func (t *table) cluster(c cluster) {
	worst := c.findings[0]
	text := c.title
	if n := len(c.findings); n > 1 {
		text += fmt.Sprintf(", %d times (%s)", n, bySeverity(c.findings))
	}
	ids := marked(worst)
	if worst.Kind == finding.KindMalware {
		ids = "" // its title names it
	}
	t.row(mark(worst), text, ids, "")
	places := c.places()
	room := t.width - len(indent)
	for _, p := range places[:min(len(places), maxPlaces)] {
		if len(c.findings) == 1 && len(places) == 1 {
			p = "in " + p
		}
		for _, l := range wrap(cut(p, 2*room), room) {
			t.line(indent + t.paint(dim, l))
		}
	}
	if more := len(places) - maxPlaces; more > 0 {
		t.line(indent + t.paint(dim, "and "+plural(more, "more place")))
	}
	if c.fix != "" {
		t.para(indent, indent, "→ "+c.fix)
	}
}
