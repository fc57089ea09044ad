package imagecfg

import (
	"strings"
	"testing"
	"time"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/ecosystem"
	"github.com/plimsoll/plimsoll/internal/ecosystem/distro"
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
		if hits := endOfLife.Look(Facts{OS: c.os, Now: now}); len(hits) != c.hits {
			t.Errorf("%s: %d hits, want %d", c.name, len(hits), c.hits)
		}
	}
}

// TestExamples runs each check on the examples of its page: the bad one is found, the good one is not.
func TestExamples(t *testing.T) {
	for _, c := range Checks() {
		if hits := c.Look(example(t, c.Page.Bad)); len(hits) == 0 {
			t.Errorf("%s does not find its bad example", c.ID)
		}
		if hits := c.Look(example(t, c.Page.Good)); len(hits) != 0 {
			t.Errorf("%s finds its good example: %v", c.ID, hits)
		}
	}
}

// example is what would be known of an image that is built so, on the day of the first release.
func example(t *testing.T, dockerfile string) Facts {
	t.Helper()
	image, ok := strings.CutPrefix(strings.TrimSpace(dockerfile), "FROM ")
	id, version, tagged := strings.Cut(image, ":")
	if !ok || !tagged {
		t.Fatalf("%q is no FROM line with a tag", dockerfile)
	}
	os := &finding.OS{ID: id, Version: version}
	if day, ok := distro.EndOfLife(ecosystem.Release{ID: id, Version: version}); ok {
		os.EndOfLife = day.Format(time.DateOnly)
	}
	return Facts{OS: os, Now: time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)}
}
