package report

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/plimsoll/plimsoll/finding"
)

// TestGapRows wants gaps to say where they are, and those of several layers to be told once.
func TestGapRows(t *testing.T) {
	at := func(class, what, path string, layers ...int) (all []*finding.Gap) {
		for _, n := range layers {
			all = append(all, &finding.Gap{Class: class, What: what, Path: path, Blocking: true, Layer: &n})
		}
		return all
	}
	gaps := at("interrupted", "not read", "", 0, 2, 3)
	gaps = append(gaps, at("unreadable-layer", "cut short", "", 4)...)
	gaps = append(gaps, at("limit-reached", "too many files", "", 0, 1, 2, 3, 4, 5, 6, 7, 8, 9)...)
	gaps = append(gaps, at("unreadable-file", "no jar", "a.jar", 1, 2)...)
	gaps = append(gaps, &finding.Gap{Class: "feed-partial", What: "2 packages"})
	var got []string
	for _, r := range gapRows(gaps) {
		got = append(got, r.text())
	}
	want := []string{
		"not read (layers 0, 2, 3)", "cut short (layer 4)", "too many files (layers 0, 1, 2, 3, 4, 5, 6, 7 and 2 more)",
		"no jar (a.jar)", "no jar (a.jar)", "2 packages",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
