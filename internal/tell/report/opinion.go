package report

import (
	"cmp"
	"fmt"

	"github.com/plimsoll/plimsoll/finding"
)

// opinion is what another engine says of a finding, in words.
func opinion(o finding.Opinion) string {
	if !o.Agrees {
		return clean(fmt.Sprintf("%s does not report it", o.Engine))
	}
	s := fmt.Sprintf("%s agrees", o.Engine)
	if o.Rule != "" {
		s += ", as " + o.Rule
	}
	if o.Severity != "" {
		s += ", rates it " + string(o.Severity)
	}
	if o.Fixed != "" {
		s += ", fixed in " + o.Fixed
	}
	return clean(s)
}

// disagreement is one difference in words: who, what, why.
func disagreement(d *finding.Disagreement) string {
	what := map[string]string{
		finding.OnlyOurs: "not by " + d.Engine, finding.OnlyTheirs: "only by " + d.Engine,
		finding.OtherSeverity: fmt.Sprintf("%s, by %s %s", cmp.Or(d.Severity, finding.Unknown), d.Engine, cmp.Or(d.Theirs, "unknown")),
		finding.OtherFix:      fmt.Sprintf("fixed in %s, by %s %s", cmp.Or(d.Fixed, "none"), d.Engine, cmp.Or(d.Theirs, "none")),
	}[d.What]
	return clean(what)
}
