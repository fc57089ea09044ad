package license

import (
	"fmt"
	"strings"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/check"
)

// Rules are what is asked of the licences: each list names SPDX ids and classes. Without any, nothing is
// looked for.
type Rules struct {
	Deny  []string
	Allow []string // empty: what is not denied is allowed
}

// Asked says whether anything is to be looked for.
func (r Rules) Asked() bool { return len(r.Deny)+len(r.Allow) > 0 }

// Check is a card and the function that looks at the terms of one package.
type Check struct {
	check.Card
	Look func(Terms, Rules) []check.Hit
}

// Checks lists all checks of licences.
func Checks() []Check { return []Check{forbidden, notAllowed} }

// forbidden flags licences that the user's list names.
var forbidden = Check{
	Card: check.Card{
		ID: "license/forbidden", Title: "the licence is on the list of forbidden ones", Kind: finding.KindLicense,
		Severity: finding.High, Decks: []string{finding.Build}, Since: "0.1",
		Page: check.Page{
			Why: "A package is shipped whose licence asks for what your organisation does not want to give: its own source\n" +
				"code, say. Only lists that you name are looked at (--deny-license); where an expression lets one choose,\n" +
				"the choice that is not on the list counts.",
			Fix:  "Replace the package, agree on another licence with its author, or take the licence off the list.\n",
			Bad:  "--deny-license network-copyleft\nAGPL-3.0-only\n",
			Good: "--deny-license network-copyleft\nAGPL-3.0-only OR MIT\n",
		},
	},
	Look: func(t Terms, r Rules) []check.Hit {
		if len(r.Deny) == 0 || t.Without(r.Deny) {
			return nil
		}
		return []check.Hit{{Where: t.String(), Detail: told(t)}}
	},
}

// notAllowed flags licences that the user's list of allowed ones does not cover, unknown ones among them.
var notAllowed = Check{
	Card: check.Card{
		ID: "license/not-allowed", Title: "the licence is not on the list of allowed ones", Kind: finding.KindLicense,
		Severity: finding.Medium, Decks: []string{finding.Build}, Since: "0.1",
		Page: check.Page{
			Why: "Where licences are allowed by name (--allow-license), every other one is not: also one that is missing, or\n" +
				"written in a way that is not understood. It is told as it stands, and not guessed.",
			Fix:  "Allow the licence or its class, look up what the package is really under, or replace the package.\n",
			Bad:  "--allow-license permissive\nSee the file COPYING\n",
			Good: "--allow-license permissive\nApache-2.0\n",
		},
	},
	Look: func(t Terms, r Rules) []check.Hit {
		if len(r.Allow) == 0 || t.Within(r.Allow) || len(r.Deny) > 0 && !t.Without(r.Deny) {
			return nil
		}
		return []check.Hit{{Where: t.String(), Detail: told(t)}}
	},
}

func told(t Terms) string {
	if t.Class == Unknown {
		return t.String()
	}
	return fmt.Sprintf("%s (%s)", strings.TrimSpace(t.String()), t.Class)
}
