package imagecfg

import (
	"testing"
	"time"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/check"
)

func TestEndOfLife(t *testing.T) {
	now := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		name string
		os   *finding.OS
		hits int
	}{
		{"no distribution", nil, 0},
		{"date unknown", &finding.OS{ID: "wolfi"}, 0},
		{"supported", &finding.OS{ID: "debian", Version: "12", EndOfLife: "2028-06-30"}, 0},
		{"ended", &finding.OS{ID: "debian", Version: "10", EndOfLife: "2024-06-30"}, 1},
	} {
		f := Facts{OS: c.os, Now: now}
		if hits := f.hits(endOfLife); len(hits) != c.hits {
			t.Errorf("%s: %d hits, want %d", c.name, len(hits), c.hits)
		}
	}
}

// hits are those of a check that has something to look at.
func (f Facts) hits(c Check) []check.Hit {
	if !c.Applies(f) {
		return nil
	}
	return c.Look(f)
}
