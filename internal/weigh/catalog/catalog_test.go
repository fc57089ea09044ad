package catalog

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/plimsoll/plimsoll/finding"
)

// TestIDs holds the ids of checks against ids.txt, which only grows: an id is never reused, and one that
// was published means the same for good.
func TestIDs(t *testing.T) {
	b, err := os.ReadFile(filepath.Join("..", "..", "..", "ids.txt"))
	if err != nil {
		t.Fatal(err)
	}
	published := strings.Fields(string(b))
	if !slices.IsSorted(published) {
		t.Error("ids.txt is not sorted")
	}
	seen := map[string]bool{}
	for _, c := range Cards() {
		if !slices.Contains(published, c.ID) {
			t.Errorf("%s is missing in ids.txt", c.ID)
		}
		if seen[c.ID] {
			t.Errorf("%s stands twice", c.ID)
		}
		seen[c.ID] = true
		if c.Page.Why == "" || c.Page.Fix == "" || c.Page.Bad == "" || c.Page.Good == "" || c.Title == "" || len(c.Decks) == 0 || c.Since == "" {
			t.Errorf("%s: its card or page is not complete", c.ID)
		}
	}
}

func TestGapsAreExplained(t *testing.T) {
	var classes []string
	for _, g := range Gaps() {
		classes = append(classes, g.Class)
		if g.Means == "" || g.Do == "" {
			t.Errorf("%s is not explained", g.Class)
		}
	}
	if !slices.IsSorted(classes) {
		t.Errorf("gaps are not in order: %v", classes)
	}
}

// TestGapsHaveMeaning wants each class that finding's table knows to be explained, and what a new class
// means for the gate and for bills to be thought of.
func TestGapsHaveMeaning(t *testing.T) {
	var unread, broke []string
	for _, known := range Gaps() {
		g := finding.Gap{Class: known.Class}
		if g.Unread() {
			unread = append(unread, g.Class)
		} else if strings.HasPrefix(g.Class, "unreadable-") && g.Class != "unreadable-provenance" {
			t.Errorf("%s: packages may be missing, and nobody is told", g.Class)
		}
		if g.Broke() {
			broke = append(broke, g.Class)
		}
	}
	if diff := cmp.Diff([]string{
		"digest-mismatch", "foreign-layer", "incomplete-sbom", "interrupted", "limit-reached", "no-database", "packed-program", "skipped",
		"unreadable-database", "unreadable-file", "unreadable-layer", "unreadable-package",
	}, unread); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{
		"digest-mismatch", "interrupted", "limit-reached", "platform-missing", "unreachable-target",
		"unreadable-database", "unreadable-file", "unreadable-layer", "unreadable-package",
	}, broke); diff != "" {
		t.Error(diff)
	}
}
