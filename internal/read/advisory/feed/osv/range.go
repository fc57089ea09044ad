package osv

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/plimsoll/plimsoll/internal/read/advisory"
)

// event is one change along a line of versions. The schema writes {"fixed": "1.2"}; its first form,
// still found in copies, {"type": "FIXED", "value": "1.2"}.
type event struct{ Introduced, Fixed, LastAffected, Limit string }

// UnmarshalJSON reads either form.
func (e *event) UnmarshalJSON(b []byte) error {
	var m struct {
		Introduced   string `json:"introduced"`
		Fixed        string `json:"fixed"`
		LastAffected string `json:"last_affected"`
		Limit        string `json:"limit"`
		Type         string `json:"type"`
		Value        string `json:"value"`
	}
	if err := json.Unmarshal(b, &m); err != nil {
		return err
	}
	*e = event{m.Introduced, m.Fixed, m.LastAffected, m.Limit}
	switch strings.ToUpper(m.Type) {
	case "INTRODUCED":
		e.Introduced = m.Value
	case "FIXED":
		e.Fixed = m.Value
	case "LAST_AFFECTED":
		e.LastAffected = m.Value
	case "LIMIT":
		e.Limit = m.Value
	}
	return nil
}

// row turns ranges and versions into a row. A version is affected when the list has it or a range
// holds it (OSV schema, evaluation), so a listed version that lies in a range adds nothing.
func (a *affected) row(id string, o Options) advisory.Row {
	row := advisory.Row{ID: id, Feed: o.Name}
	for _, r := range a.Ranges {
		if r.Type != "GIT" {
			row.Ranges = append(row.Ranges, pair(r.Events)...)
		}
	}
	a.lastKnown(row.Ranges)
	row.Versions = outside(a.Versions, row.Ranges, o.Compare)
	for _, i := range a.EcosystemSpecific.Imports {
		for _, s := range i.Symbols {
			row.Symbols = append(row.Symbols, i.Path+"."+s)
		}
	}
	return row
}

// lastKnown ends ranges without an end where GitHub's database says up to which version it knows:
// "<= 1.2.3", or "< 1.3" where no fix was released.
func (a *affected) lastKnown(ranges []advisory.Range) {
	end := strings.TrimSpace(a.Specific.LastKnown)
	for i := range ranges {
		r := &ranges[i]
		if r.Fixed != "" || r.LastAffected != "" || r.Limit != "" {
			continue
		}
		if last, ok := strings.CutPrefix(end, "<="); ok {
			r.LastAffected = strings.TrimSpace(last)
		} else if limit, ok := strings.CutPrefix(end, "<"); ok {
			r.Limit = strings.TrimSpace(limit)
		}
	}
}

// outside are the listed versions that no range holds. A version that cannot be compared is kept.
func outside(versions []string, ranges []advisory.Range, compare func(a, b string) (int, error)) []string {
	if compare == nil || len(ranges) == 0 {
		return versions
	}
	return slices.DeleteFunc(versions, func(v string) bool {
		return slices.ContainsFunc(ranges, func(r advisory.Range) bool {
			in, err := r.Holds(v, compare)
			return err == nil && in
		})
	})
}

// pair makes ranges of events in the order in which they stand. An end closes every introduction that
// is still open; an introduction without an end is open; an end without an introduction holds from the
// first version on.
func pair(events []event) []advisory.Range {
	var ranges []advisory.Range
	open := 0 // how many of the last ranges have no end yet
	for _, e := range events {
		if e.Introduced != "" {
			ranges = append(ranges, advisory.Range{Introduced: zero(e.Introduced)})
			open++
		}
		if e.Fixed == "" && e.LastAffected == "" && (e.Limit == "" || e.Limit == "*") {
			continue
		}
		if open == 0 {
			ranges, open = append(ranges, advisory.Range{}), 1
		}
		for i := len(ranges) - open; i < len(ranges); i++ {
			ranges[i].Fixed, ranges[i].LastAffected, ranges[i].Limit = e.Fixed, e.LastAffected, e.Limit
		}
		open = 0
	}
	return ranges
}

func zero(v string) string {
	if v == "0" {
		return ""
	}
	return v
}
