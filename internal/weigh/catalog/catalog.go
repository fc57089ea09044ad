// Package catalog lists every check of ours and every class of gap, in one table each. What explains,
// documents or maps them is made from here.
package catalog

import (
	"slices"
	"strings"

	"github.com/plimsoll/plimsoll/internal/check"
	"github.com/plimsoll/plimsoll/internal/judge/compose"
	"github.com/plimsoll/plimsoll/internal/judge/dockerfile"
	"github.com/plimsoll/plimsoll/internal/judge/exception"
	"github.com/plimsoll/plimsoll/internal/judge/imagecfg"
	"github.com/plimsoll/plimsoll/internal/judge/license"
	"github.com/plimsoll/plimsoll/internal/judge/pipeline"
	"github.com/plimsoll/plimsoll/internal/judge/secret"
)

// Cards lists all checks, by id.
func Cards() []check.Card {
	all := slices.Concat(
		cards(compose.Checks(), func(c compose.Check) check.Card { return c.Card }),
		cards(dockerfile.Checks(), func(c dockerfile.Check) check.Card { return c.Card }),
		cards(exception.Checks(), func(c exception.Check) check.Card { return c.Card }),
		cards(imagecfg.Checks(), func(c imagecfg.Check) check.Card { return c.Card }),
		cards(license.Checks(), func(c license.Check) check.Card { return c.Card }),
		cards(pipeline.Checks(), func(c pipeline.Check) check.Card { return c.Card }),
		secret.Cards(),
	)
	slices.SortFunc(all, func(a, b check.Card) int { return strings.Compare(a.ID, b.ID) })
	return all
}

func cards[T any](checks []T, card func(T) check.Card) (all []check.Card) {
	for _, c := range checks {
		all = append(all, card(c))
	}
	return all
}

// Find returns the check of an id or of an alias.
func Find(word string) (check.Card, bool) {
	if found := FindAll(word); len(found) > 0 {
		return found[0], true
	}
	return check.Card{}, false
}

// FindAll returns the checks of an id, ours or another tool's, in any case: one of ours has one, and another tool's may be
// answered by several.
func FindAll(word string) (found []check.Card) {
	word = check.Present(word)
	for _, c := range Cards() {
		if check.Present(c.ID) == word || slices.ContainsFunc(c.Aliases, func(a string) bool {
			_, id, _ := strings.Cut(a, "/")
			return check.Present(a) == word || check.Present(id) == word
		}) {
			found = append(found, c)
		}
	}
	return found
}

// FindRule returns another tool's rule that no check answers, with the reason.
func FindRule(word string) (Rule, bool) {
	word = check.Present(word)
	for _, r := range Rules() {
		_, id, _ := strings.Cut(r.ID, "/")
		if r.Reason != "" && (check.Present(r.ID) == word || check.Present(id) == word) {
			return r, true
		}
	}
	return Rule{}, false
}
