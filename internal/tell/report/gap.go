package report

import (
	"fmt"
	"strings"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/weigh/catalog"
)

// gapRow is what one line tells of gaps: those that differ in their layer alone are told together.
type gapRow struct {
	*finding.Gap
	layers []int
}

func gapRows(gaps []*finding.Gap) []gapRow {
	var rows []gapRow
	for _, g := range gaps {
		row := gapRow{Gap: g}
		if g.Layer != nil && g.Path == "" {
			row.layers = []int{*g.Layer}
		}
		if n := len(rows) - 1; n >= 0 && len(row.layers) > 0 && len(rows[n].layers) > 0 && alike(rows[n].Gap, g) {
			rows[n].layers = append(rows[n].layers, *g.Layer)
			continue
		}
		rows = append(rows, row)
	}
	return rows
}

func alike(a, b *finding.Gap) bool {
	return a.Class == b.Class && a.What == b.What && a.Blocking == b.Blocking && a.Allowed == b.Allowed
}

// gapTitle heads what could not be told of a target.
func gapTitle(judged bool, o Options) string {
	if judged {
		return "Not assessed" + inAll(o, ", in the whole image")
	}
	return "About this list"
}

// word is what the gap does: in an inventory there is no gate to block.
func (r gapRow) word(judged bool) string {
	switch {
	case r.Allowed:
		return "accepted"
	case !r.Blocking:
		return "note"
	case judged:
		return "blocks"
	}
	return "gap"
}

// advice is what makes a gap go away; empty where nothing needs to.
func (r gapRow) advice(judged bool) string {
	known, ok := catalog.FindGap(r.Class)
	switch {
	case !ok || !r.Blocking || r.Allowed:
		return ""
	case judged:
		return known.Do
	}
	return "plimsoll explain " + r.Class
}

// mostLayers is how many layers a line names.
const mostLayers = 8

// text is what is missing and where: a path, or the layers as the report counts them.
func (r gapRow) text() string {
	text := clean(r.What)
	if r.Path != "" {
		return text + " (" + clean(r.Path) + ")"
	}
	var numbers []string
	for _, n := range r.layers[:min(len(r.layers), mostLayers)] {
		numbers = append(numbers, fmt.Sprint(n))
	}
	switch more := len(r.layers) - len(numbers); {
	case more > 0:
		return fmt.Sprintf("%s (layers %s and %d more)", text, strings.Join(numbers, ", "), more)
	case len(numbers) > 1:
		return fmt.Sprintf("%s (layers %s)", text, strings.Join(numbers, ", "))
	case len(numbers) == 1:
		return fmt.Sprintf("%s (layer %s)", text, numbers[0])
	}
	return text
}
