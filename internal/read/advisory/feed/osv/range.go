package osv

import (
	"cmp"
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
			row.Ranges = append(row.Ranges, rangesOf(r.Events, o.Compare)...)
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

// rangesOf evaluates one range of the schema (§evaluation). Databases write pairs of a beginning and an
// end, not always from the lowest up, and are taken at that word. Where the events as they stand are no
// such pairs, their order means nothing, and they are sorted as the schema says. Limits stand apart:
// nothing from the highest of them on is affected.
func rangesOf(events []event, compare func(a, b string) (int, error)) []advisory.Range {
	changes, limit := split(events, compare)
	if !paired(changes, compare) {
		changes = sorted(changes, compare)
	}
	ranges := pair(changes)
	for i := range ranges {
		if r := &ranges[i]; r.Fixed == "" && r.LastAffected == "" || limit != "" && !before(r.Fixed+r.LastAffected, limit, compare) {
			r.Limit = limit
		}
	}
	return ranges
}

// split parts the changes, one each, from the highest limit; empty: there is none.
func split(events []event, compare func(a, b string) (int, error)) (changes []event, limit string) {
	unlimited := false
	for _, e := range events {
		if e.Introduced != "" {
			changes = append(changes, event{Introduced: e.Introduced})
		}
		if e.Fixed != "" || e.LastAffected != "" {
			changes = append(changes, event{Fixed: e.Fixed, LastAffected: e.LastAffected})
		}
		unlimited = unlimited || e.Limit == "*"
		if e.Limit != "" && (limit == "" || before(limit, e.Limit, compare)) {
			limit = e.Limit
		}
	}
	if unlimited {
		limit = ""
	}
	return changes, limit
}

// before compares two versions of a record; where there is no order, nothing is before anything.
func before(a, b string, compare func(a, b string) (int, error)) bool {
	if compare == nil || b == "0" {
		return false
	}
	if a == "0" {
		return true
	}
	c, err := compare(a, b)
	return err == nil && c < 0
}

// paired says whether beginnings and ends alternate, and no end lies before its beginning.
func paired(changes []event, compare func(a, b string) (int, error)) bool {
	for i, e := range changes {
		if (e.Introduced != "") != (i%2 == 0) {
			return false
		}
		if i%2 == 1 && before(e.version(), changes[i-1].version(), compare) {
			return false
		}
	}
	return true
}

func (e event) version() string { return cmp.Or(e.Introduced, e.Fixed, e.LastAffected) }

// sorted are the changes from the lowest version up; as they stand where they cannot be compared.
func sorted(changes []event, compare func(a, b string) (int, error)) []event {
	if compare == nil {
		return changes
	}
	incomparable := false
	order := slices.Clone(changes)
	slices.SortStableFunc(order, func(a, b event) int {
		v, w := a.version(), b.version()
		switch {
		case v == w:
			return 0
		case v == "0":
			return -1
		case w == "0":
			return 1
		}
		c, err := compare(v, w)
		incomparable = incomparable || err != nil
		return c
	})
	if incomparable {
		return changes
	}
	return order
}

// pair makes ranges of changes in their order. What is affected stays so until the next end, and an end
// of nothing changes nothing; but a record without any beginning speaks of everything up to its end.
func pair(changes []event) []advisory.Range {
	var ranges []advisory.Range
	open := false
	begins := slices.ContainsFunc(changes, func(e event) bool { return e.Introduced != "" })
	for _, e := range changes {
		switch {
		case e.Introduced != "" && !open:
			ranges, open = append(ranges, advisory.Range{Introduced: zero(e.Introduced)}), true
		case e.Introduced == "" && open:
			last := &ranges[len(ranges)-1]
			last.Fixed, last.LastAffected, open = e.Fixed, e.LastAffected, false
		case !begins && len(ranges) == 0:
			ranges = append(ranges, advisory.Range{Fixed: e.Fixed, LastAffected: e.LastAffected})
		}
	}
	return ranges
}

func zero(v string) string {
	if v == "0" {
		return ""
	}
	return v
}
