package vuln

import (
	"fmt"
	"slices"
	"strings"

	"github.com/plimsoll/plimsoll/internal/ecosystem"
	"github.com/plimsoll/plimsoll/internal/read/advisory"
)

// Reasons why a judgement does not report a vulnerability on a package; gaps' classes are reasons too.
const (
	WhyReported    = "reported"     // it does: whoever asks holds another database's judgement
	WhyNotAffected = "not-affected" // the distribution says that it never was
	WhyFixed       = "fixed"        // the version is not older than the one that mends it
	WhyOtherOrder  = "other-order"  // by this order of versions it is not older than the fix that somebody else names
	WhyBefore      = "before"       // the version is older than the first with the fault
	WhyOtherBuild  = "other-build"  // advisories speak of another module stream or architecture
	WhyOtherName   = "other-name"   // the database knows the vulnerability, but not in this package
	WhyNotInData   = "not-in-data"  // the database does not know it
)

// Answer is a reason and the words that go with it.
type Answer struct{ Reason, Detail string }

// Claim is what somebody says of a package: it has a vulnerability, under these ids, mended in one of these
// versions.
type Claim struct {
	IDs   []string
	Fixed []string
}

// Why says why the judge does not report on a package what somebody else does. It asks the same database by
// the same rules, and guesses nothing.
func Why(s Subject, on ecosystem.Release, db advisory.Lookup, c Claim) (Answer, error) {
	p, kind := s.Package, s.Kind
	if kind.ThirdParty != nil && kind.ThirdParty(*p, on) {
		return Answer{GapThirdParty, "it is not the distribution's, whose advisories do not speak of it"}, nil
	}
	feed, ok := "", false
	if kind.Advisories != nil && kind.Compare != nil {
		feed, ok = kind.Advisories(*p, on)
	}
	if !ok {
		return Answer{GapNoFeed, "no advisories are known for packages of its kind here"}, nil
	}
	rows, cover, err := db.Package(feed, keyOf(p, kind))
	if err != nil {
		return Answer{}, err
	}
	if cover == advisory.NoFeed {
		return Answer{GapNoFeed, "the database has no advisories for " + feed}, nil
	}
	version := p.Version
	if kind.AdvisoryVersion != nil {
		version = kind.AdvisoryVersion(*p)
	}
	if version == "" {
		return Answer{GapUnknownVersion, "it has no version to compare"}, nil
	}
	best, known := Answer{}, false
	for i := range rows {
		v, found, err := db.Vulnerability(rows[i].ID)
		if err != nil {
			return Answer{}, err
		}
		if !found {
			v = advisory.Vulnerability{ID: rows[i].ID}
		}
		if !c.means(rows[i].ID, &v) {
			continue
		}
		known = true
		if a := c.row(&rows[i], s, version); best.Reason == "" || weight(a.Reason) > weight(best.Reason) {
			best = a
		}
	}
	if known {
		return best, nil
	}
	return c.unlisted(db, cover, feed, keyOf(p, kind))
}

// means says whether an advisory is of what the claim is about.
func (c *Claim) means(id string, v *advisory.Vulnerability) bool {
	return slices.ContainsFunc(c.IDs, func(claimed string) bool {
		return strings.EqualFold(claimed, id) || strings.EqualFold(claimed, v.ID) || slices.Contains(v.Aliases, claimed) || slices.Contains(v.Covers, claimed)
	})
}

// weight orders reasons: what says most about a package goes before what says less.
func weight(reason string) int {
	return slices.Index([]string{GapUnknownVersion, WhyOtherBuild, WhyBefore, WhyFixed, WhyOtherOrder, WhyNotAffected, WhyReported}, reason)
}

// row is what one advisory says of the version.
func (c *Claim) row(row *advisory.Row, s Subject, version string) Answer {
	switch {
	case !concerns(row, s.Package):
		return Answer{WhyOtherBuild, row.ID + " speaks of another module stream or architecture"}
	case row.Unaffected:
		return Answer{WhyNotAffected, fmt.Sprintf("%s says that it is not affected (%s)", row.Feed, row.ID)}
	}
	_, hit, err := affected(row, version, s.Kind.Compare)
	switch {
	case hit:
		return Answer{WhyReported, fmt.Sprintf("%s lists the version as affected (%s): this report was made otherwise, or filtered", row.Feed, row.ID)}
	case err != nil:
		return Answer{GapUnknownVersion, fmt.Sprintf("%s cannot be compared with %s: %v", version, row.ID, err)}
	}
	for _, r := range row.Ranges {
		if r.Fixed == "" {
			continue
		}
		if order, err := s.Kind.Compare(version, r.Fixed); err == nil && order >= 0 {
			return c.order(Answer{WhyFixed, fmt.Sprintf("%s says fixed in %s, and %s is not older (%s)", row.Feed, r.Fixed, version, row.ID)}, s, version)
		}
	}
	for _, r := range row.Ranges {
		if order, err := s.Kind.Compare(version, r.Introduced); r.Introduced != "" && err == nil && order < 0 {
			return Answer{WhyBefore, fmt.Sprintf("%s says that it began in %s, and %s is older (%s)", row.Feed, r.Introduced, version, row.ID)}
		}
	}
	return c.order(Answer{WhyNotAffected, fmt.Sprintf("%s does not list %s among what is affected (%s)", row.Feed, version, row.ID)}, s, version)
}

// order finds that the claim's own fix is no newer than the version: only another order of versions, or
// another version, makes it affected.
func (c *Claim) order(a Answer, s Subject, version string) Answer {
	for _, fixed := range c.Fixed {
		if order, err := s.Kind.Compare(version, fixed); err == nil && order >= 0 {
			return Answer{WhyOtherOrder, fmt.Sprintf("it names %s as the fix, and by this order of versions %s is not older; %s", fixed, version, a.Detail)}
		}
	}
	return a
}

// unlisted is the reason where no row of the package means the vulnerability.
func (c *Claim) unlisted(db advisory.Lookup, cover advisory.Cover, feed, name string) (Answer, error) {
	for _, id := range c.IDs {
		switch _, found, err := db.Vulnerability(id); {
		case err != nil:
			return Answer{}, err
		case found:
			return Answer{WhyOtherName, fmt.Sprintf("%s has no advisory of it on %s", feed, name)}, nil
		}
	}
	if cover == advisory.Partial {
		return Answer{GapPartial, fmt.Sprintf("the database's feed for %s is not whole, and does not know it", feed)}, nil
	}
	return Answer{WhyNotInData, "the database does not know it"}, nil
}
