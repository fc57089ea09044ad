package exception

import (
	"strings"
	"testing"
	"time"

	"github.com/plimsoll/plimsoll/internal/read/exceptionfile"
)

// TestExamples runs each check on the examples of its page, on a day of November 2026: the bad one is found,
// the good one is not.
func TestExamples(t *testing.T) {
	for _, c := range Checks() {
		for text, want := range map[string]int{c.Page.Bad: 1, c.Page.Good: 0} {
			f, err := exceptionfile.Parse("exceptions.yaml", []byte(text))
			if err != nil {
				t.Fatal(err)
			}
			matched := 1
			if strings.HasPrefix(text, "# nothing") {
				matched = 0
			}
			facts := Facts{Exception: &f.Exceptions[0], Now: time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC), Matched: matched, InScope: true}
			if hits := c.Look(facts); len(hits) != want {
				t.Errorf("%s: %d hits on\n%s", c.ID, len(hits), text)
			}
			facts.InScope = false
			if len(c.Look(facts)) > 0 {
				t.Errorf("%s speaks of what was not looked at", c.ID)
			}
		}
	}
}

// TestLastDay has an exception hold to the end of its day.
func TestLastDay(t *testing.T) {
	e := exceptionfile.Exception{Rules: []string{"x"}, Until: time.Date(2026, 10, 31, 0, 0, 0, 0, time.UTC)}
	for at, want := range map[string]int{"2026-10-31T23:59:59Z": 0, "2026-11-01T00:00:00Z": 1} {
		now, err := time.Parse(time.RFC3339, at)
		if err != nil {
			t.Fatal(err)
		}
		if hits := expired.Look(Facts{Exception: &e, Now: now, InScope: true}); len(hits) != want {
			t.Errorf("at %s: %d hits, want %d", at, len(hits), want)
		}
	}
}
