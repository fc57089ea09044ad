// Package catalog lists every check of ours and every class of gap, in one table each. What explains,
// documents or maps them is made from here.
package catalog

import (
	"slices"
	"strings"

	"github.com/plimsoll/plimsoll/internal/check"
	"github.com/plimsoll/plimsoll/internal/judge/imagecfg"
	"github.com/plimsoll/plimsoll/internal/judge/secret"
)

// Cards lists all checks, by id.
func Cards() []check.Card {
	var all []check.Card
	for _, c := range imagecfg.Checks() {
		all = append(all, c.Card)
	}
	all = append(all, secret.Cards()...)
	slices.SortFunc(all, func(a, b check.Card) int { return strings.Compare(a.ID, b.ID) })
	return all
}

// Find returns the check of an id or of an alias.
func Find(word string) (check.Card, bool) {
	for _, c := range Cards() {
		if strings.EqualFold(c.ID, word) || slices.ContainsFunc(c.Aliases, func(a string) bool {
			_, id, _ := strings.Cut(a, "/")
			return strings.EqualFold(a, word) || strings.EqualFold(id, word)
		}) {
			return c, true
		}
	}
	return check.Card{}, false
}
