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
func Find(word string) (check.Card, bool) { return Finder()(word) }

// Finder is Find for who asks often: the table is made once.
func Finder() func(word string) (check.Card, bool) {
	of := map[string]check.Card{}
	enter := func(name string, c check.Card) {
		if name = strings.ToLower(name); of[name].ID == "" {
			of[name] = c
		}
	}
	for _, c := range Cards() {
		enter(c.ID, c)
		for _, a := range c.Aliases {
			_, id, _ := strings.Cut(a, "/")
			enter(a, c)
			enter(id, c)
		}
	}
	return func(word string) (check.Card, bool) {
		c, ok := of[strings.ToLower(word)]
		return c, ok && word != ""
	}
}
