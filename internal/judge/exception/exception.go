// Package exception judges exceptions themselves: one that has run out, one that lets nothing pass any
// more, and one that lets too much pass. What they let pass is matched elsewhere (weigh/exception).
package exception

import (
	"fmt"
	"strings"
	"time"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/check"
	"github.com/plimsoll/plimsoll/internal/read/exceptionfile"
)

// Facts are what is known of one exception after a scan.
type Facts struct {
	*exceptionfile.Exception
	Now     time.Time
	Matched int    // findings that answer to it
	InScope bool   // what it is about was looked at
	Unknown string // which rules it names that nobody has, and no others, in words; empty: it names others
}

// Check is a card and the function that looks.
type Check struct {
	check.Card
	Look func(Facts) []check.Hit
}

// Checks lists all checks of exceptions.
func Checks() []Check { return []Check{expired, tooWide, unused} }

var expired = Check{
	Card: check.Card{
		ID: "exception/expired", Title: "an exception has run out", Kind: finding.KindMisconfiguration,
		Severity: finding.Low, Decks: []string{finding.Build}, Since: "0.1",
		Page: check.Page{
			Why: "An exception holds until the day that its owner promised to look again. After it, what it let\n" +
				"pass counts again, as if the exception were not there.",
			Fix: "Mend what it is about and take the entry out; or have its owner look again, and write a new day\n" +
				"and why it may stay.",
			Bad:  "exceptions:\n  - rule: CVE-2021-44228\n    reason: the lookup is switched off\n    owner: shop\n    until: 2026-10-31\n",
			Good: "exceptions:\n  - rule: CVE-2021-44228\n    reason: the lookup is switched off\n    owner: shop\n    until: 2027-01-31\n",
		},
	},
	Look: func(f Facts) []check.Hit {
		if !f.InScope || !f.Expired(f.Now) {
			return nil
		}
		detail := fmt.Sprintf("%s ended on %s", named(f.Exception), f.Until.Format(time.DateOnly))
		if f.Owner != "" {
			detail += ", ask " + f.Owner
		}
		if f.Matched > 0 {
			detail += fmt.Sprintf("; %d that it let pass count again", f.Matched)
		}
		return []check.Hit{{Where: f.Place(), Detail: detail}}
	},
}

var unused = Check{
	Card: check.Card{
		ID: "exception/unused", Title: "an exception lets nothing pass", Kind: finding.KindMisconfiguration,
		Severity: finding.Info, Decks: []string{finding.Build}, Since: "0.1",
		Page: check.Page{
			Why: "An exception that nothing answers to any more is a hole kept open for whatever comes to fit it:\n" +
				"the package may return, or another that shares its name. It may also be misspelt, and never have\n" +
				"let pass what it was written for.",
			Fix: "Take the entry out. If it was meant for something that the report shows, compare its words with\n" +
				"the finding's (-o json); if it is meant for other images, name them as its target.",
			Bad:  "# nothing of the kind was found\nexceptions:\n  - rule: CVE-2014-0160\n    package: openssl\n    reason: no TLS server\n    owner: shop\n    until: 2027-01-31\n",
			Good: "exceptions:\n  - rule: CVE-2024-5535\n    package: openssl\n    reason: no TLS client\n    owner: shop\n    until: 2027-01-31\n",
		},
	},
	Look: func(f Facts) []check.Hit {
		if !f.InScope || f.Matched > 0 || f.Expired(f.Now) {
			return nil
		}
		detail := named(f.Exception)
		if f.Unknown != "" {
			detail += "; " + f.Unknown
		}
		return []check.Hit{{Where: f.Place(), Detail: detail}}
	},
}

var tooWide = Check{
	Card: check.Card{
		ID: "exception/too-wide", Title: "an exception lets a whole target pass", Kind: finding.KindMisconfiguration,
		Severity: finding.Low, Decks: []string{finding.Build}, Since: "0.1",
		Page: check.Page{
			Why: "An exception that names a target or all paths, and neither a rule nor a package, also lets\n" +
				"everything pass that will be found there in future: nobody has looked at that yet.",
			Fix:  "Name the rules, the packages or the folder that it is about; several entries are better than one.",
			Bad:  "exceptions:\n  - target: registry.example/legacy/*\n    reason: will be replaced\n    owner: shop\n    until: 2027-01-31\n",
			Good: "exceptions:\n  - target: registry.example/legacy/*\n    package: log4j-core\n    reason: the lookup is switched off\n    owner: shop\n    until: 2027-01-31\n",
		},
	},
	Look: func(f Facts) []check.Hit {
		if !f.InScope || f.Expired(f.Now) || len(f.Rules)+len(f.Packages)+len(f.Fingerprints)+len(f.Subjects)+len(f.Names)+len(f.Images) > 0 {
			return nil
		}
		for _, p := range f.Paths {
			if strings.Trim(p, "*/.") == "" {
				return []check.Hit{{Where: f.Place(), Detail: named(f.Exception)}}
			}
		}
		if len(f.Paths) > 0 {
			return nil
		}
		return []check.Hit{{Where: f.Place(), Detail: named(f.Exception)}}
	},
}

// named is what an exception is about, in a few words.
func named(e *exceptionfile.Exception) string {
	var parts []string
	for _, words := range [][]string{e.Rules, e.Packages, e.Paths, e.Subjects, e.Kinds, e.Namespaces, e.Names, e.Images, e.Users, e.Groups, e.Fingerprints, e.Targets} {
		if len(words) == 0 {
			continue
		}
		text := words[0]
		if more := len(words) - 1; more > 0 {
			text += fmt.Sprintf(" and %d more", more)
		}
		parts = append(parts, text)
	}
	return strings.Join(parts, ", ")
}
