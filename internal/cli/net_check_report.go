package cli

import (
	"fmt"
	"strings"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/judge/network/intent"
)

// mostEnds is how many names of one end of a connection are told in a report.
const mostEnds = 5

// checkReport tells intentions as a report does checks: each connection that breaks one is a finding, which denies, and what
// is not known is a gap. Rows are of the intentions, one by one.
func checkReport(all []*intent.Intention, rows []intentRow, gaps []string, targets []string) *finding.Report {
	target := finding.Target{ID: "t1", Kind: "network", Name: strings.Join(targets, ", "), Verified: true}
	if len(targets) == 0 {
		target.Name = "the cluster"
	}
	r := &finding.Report{Schema: finding.Schema, Tool: finding.Tool{Name: "plimsoll", Version: version(), Checks: []string{"network"}}, Verdict: finding.Verdict{Action: finding.Pass}}
	unknown := func(what string) {
		r.Coverage = append(r.Coverage, finding.Gap{Class: "unknown-fact", Blocking: true, Target: target.ID, What: what, Count: 1})
	}
	for n, i := range all {
		check := finding.Check{Rule: "intention/" + i.Name, Target: target.ID, Evaluated: 1}
		switch row := &rows[n]; {
		case row.Unknown != "":
			check.Evaluated, check.NotAssessed = 0, 1
			unknown(row.Unknown)
		case !row.Holds:
			check.Failed = 1
			reason := finding.Reason{Policy: check.Rule, Message: fmt.Sprintf("%s is broken by %s", i.Name, count(len(row.Broken), "connection"))}
			for _, broken := range row.Broken {
				f := brokenFinding(i, broken, target.ID)
				reason.Fingerprints = append(reason.Fingerprints, f.Fingerprint)
				r.Findings = append(r.Findings, f)
			}
			r.Verdict.Action, r.Verdict.Reasons = finding.Deny, append(r.Verdict.Reasons, reason)
		}
		r.Checks = append(r.Checks, check)
	}
	for _, gap := range gaps {
		unknown(gap)
	}
	if r.Verdict.Action == finding.Pass && len(r.Coverage) > 0 {
		r.Verdict = finding.Verdict{Action: finding.Incomplete, Reasons: []finding.Reason{{Message: fmt.Sprintf("%d not assessed", len(r.Coverage))}}}
	}
	target.Verdict = r.Verdict.Action
	r.Targets = []finding.Target{target}
	return r
}

// brokenFinding is a connection that is allowed and ought not to be, or the other way.
func brokenFinding(i *intent.Intention, broken connectionRow, target string) finding.Finding {
	is, fix := "allowed", "Let no policy allow it, or change what is intended."
	if i.Allowed {
		is, fix = "refused", "Let the policies of both ends allow it, or change what is intended."
	}
	f := finding.Finding{
		Deck: finding.Admit, Kind: finding.KindNetwork, Rule: "intention/" + i.Name, Severity: finding.High, SeverityFrom: "plimsoll", Target: target,
		Title:     fmt.Sprintf("%s to %s on %s is %s", someEnds(broken.From), someEnds(broken.To), broken.Ports, is),
		Subject:   &finding.Subject{Kind: "Connection", Name: strings.Join(broken.From, ", ") + " to " + strings.Join(broken.To, ", "), Field: broken.Ports},
		Locations: []finding.Location{{Path: i.Path, StartLine: i.Line, EndLine: i.Line}}, Evidence: i.Description, Fix: fix, Action: finding.Deny,
	}
	f.Fingerprint = finding.Fingerprint(f, "")
	return f
}

func someEnds(names []string) string {
	if more := len(names) - mostEnds; more > 0 {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:mostEnds], ", "), more)
	}
	return strings.Join(names, ", ")
}
