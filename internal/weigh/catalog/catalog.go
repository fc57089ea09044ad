// Package catalog lists every check of ours and every class of gap, in one table each. What explains,
// documents or maps them is made from here.
package catalog

import (
	"slices"
	"strings"

	"github.com/plimsoll/plimsoll/internal/check"
	"github.com/plimsoll/plimsoll/internal/judge/admission"
	"github.com/plimsoll/plimsoll/internal/judge/answer"
	"github.com/plimsoll/plimsoll/internal/judge/compose"
	"github.com/plimsoll/plimsoll/internal/judge/directory"
	"github.com/plimsoll/plimsoll/internal/judge/dockerfile"
	"github.com/plimsoll/plimsoll/internal/judge/exception"
	"github.com/plimsoll/plimsoll/internal/judge/imagecfg"
	"github.com/plimsoll/plimsoll/internal/judge/license"
	"github.com/plimsoll/plimsoll/internal/judge/network/enforcement"
	"github.com/plimsoll/plimsoll/internal/judge/network/gap"
	"github.com/plimsoll/plimsoll/internal/judge/node"
	hosts "github.com/plimsoll/plimsoll/internal/judge/node/all"
	"github.com/plimsoll/plimsoll/internal/judge/pipeline"
	"github.com/plimsoll/plimsoll/internal/judge/pod"
	"github.com/plimsoll/plimsoll/internal/judge/pod/container"
	"github.com/plimsoll/plimsoll/internal/judge/rbac/risk"
	"github.com/plimsoll/plimsoll/internal/judge/secret"
)

// Cards lists all checks, by id.
func Cards() []check.Card {
	all := slices.Concat(
		admission.Cards(),
		cards(compose.Checks(), func(c compose.Check) check.Card { return c.Card }),
		cards(container.Checks(), func(c container.Check) check.Card { return c.Card }),
		cards(directory.Checks(), func(c directory.Check) check.Card { return c.Card }),
		cards(answer.Checks(), func(c answer.Check) check.Card { return c.Card }),
		cards(dockerfile.Checks(), func(c dockerfile.Check) check.Card { return c.Card }),
		cards(exception.Checks(), func(c exception.Check) check.Card { return c.Card }),
		cards(imagecfg.Checks(), func(c imagecfg.Check) check.Card { return c.Card }),
		cards(license.Checks(), func(c license.Check) check.Card { return c.Card }),
		cards(hosts.Checks(), func(c node.Check) check.Card { return c.Card }),
		cards(pipeline.Checks(), func(c pipeline.Check) check.Card { return c.Card }),
		cards(pod.Checks(), func(c pod.Check) check.Card { return c.Card }),
		cards(pod.NamespaceChecks(), func(c pod.NamespaceCheck) check.Card { return c.Card }),
		cards(enforcement.Checks(), func(c enforcement.Check) check.Card { return c.Card }),
		gap.Cards(),
		risk.Cards(),
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

// Finder gives what finds checks by an id, ours or another tool's, in any case: one of ours has one, and
// another tool's may be answered by several. The table is made once, for who asks often.
func Finder() func(word string) []check.Card {
	of := map[string][]check.Card{}
	enter := func(name string, c check.Card) {
		name = check.Present(name)
		if known := of[name]; len(known) == 0 || known[len(known)-1].ID != c.ID {
			of[name] = append(known, c)
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
	return func(word string) []check.Card { return of[check.Present(word)] }
}

// Find returns the checks of one id, as Finder finds them.
func Find(word string) []check.Card { return Finder()(word) }

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
