package dockerfile

import (
	"testing"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/check"
)

// TestAllOfItsOwn has "all" in a comment mean the rules of the tool that the comment is for.
func TestAllOfItsOwn(t *testing.T) {
	rule := check.Card{ID: "shellcheck/SC2086", Aliases: []string{"hadolint/SC2086"}}
	other := check.Card{ID: "dockerfile/latest-tag", Aliases: []string{"hadolint/DL3007", "buildkit/Other"}}
	for comment, want := range map[string][2]bool{
		"# shellcheck disable=all":    {true, false},
		"# shellcheck disable=SC2086": {true, false},
		"# hadolint ignore=all":       {false, false},
		"# hadolint ignore=SC2086":    {true, false},
		"# plimsoll ignore=all":       {false, false},
		"# check=skip=all":            {false, true},
	} {
		p := PragmasOf(example(t, "FROM a:1\n"+comment+"\nRUN echo $x\n"))
		hit := check.Hit{At: []finding.Location{{StartLine: 3}}}
		got := [2]bool{len(p.Apply(rule, hit).Suppressed) > 0, len(p.Apply(other, hit).Suppressed) > 0}
		if got != want {
			t.Errorf("%s lets pass %v, want %v", comment, got, want)
		}
	}
}
