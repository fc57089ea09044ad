// Package gate turns findings and gaps into the verdict that a build obeys.
//
// Filters shape what a report shows; the gate sees everything. It never passes on what was not
// assessed: a blocking gap makes the verdict incomplete unless its class was accepted by name.
package gate

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/plimsoll/plimsoll/finding"
)

// Line is what may not be crossed.
type Line struct {
	// FailOn is the least severity that denies; empty: none does, the gate only reports.
	FailOn finding.Severity
	// Unfixed has findings deny for which there is no fix, too.
	Unfixed bool
	// Policies has nothing deny but what a policy says, where FailOn is empty.
	Policies bool
	// Controls has findings deny whose controls begin so, whatever their severity: pss/baseline/, say.
	Controls []string
	// Allow are the classes of gap that the user accepts.
	Allow []string
	// Disclosed has findings deny that, as against a baseline, nothing in the target brought; else they warn.
	Disclosed bool
}

// Default denies fixable findings from high up, and everything that is known to be exploited.
var Default = Line{FailOn: finding.High}

// Judge fills in the verdict of every target and of the report, and marks the gaps that are allowed.
func Judge(r *finding.Report, l Line) {
	for i := range r.Coverage {
		g := &r.Coverage[i]
		g.Allowed = g.Blocking && slices.Contains(l.Allow, g.Class)
	}
	r.Verdict = finding.Verdict{Action: finding.Pass}
	for i := range r.Targets {
		v := l.target(r, r.Targets[i].ID)
		r.Targets[i].Verdict = v.Action
		r.Verdict.Action = r.Verdict.Action.Worse(v.Action)
		r.Verdict.Reasons = append(r.Verdict.Reasons, v.Reasons...)
	}
	if v := l.target(r, ""); len(v.Reasons) > 0 { // what belongs to no target: one that could not be opened
		r.Verdict.Action = r.Verdict.Action.Worse(v.Action)
		r.Verdict.Reasons = append(r.Verdict.Reasons, v.Reasons...)
	}
}

func (l Line) target(r *finding.Report, id string) finding.Verdict {
	v := finding.Verdict{Action: finding.Pass}
	v.Reasons = append(l.denials(r, id), l.gaps(r, id)...)
	for _, reason := range v.Reasons {
		v.Action = v.Action.Worse(actionOf(reason.Policy))
	}
	l.policies(r, id, &v)
	if l.reports() && v.Action == finding.Pass {
		if past := Default.denials(r, id); len(past) > 0 {
			n := 0
			for _, reason := range past {
				n += len(reason.Fingerprints)
			}
			v.Reasons = append(v.Reasons, finding.Reason{Policy: Ungated, Message: fmt.Sprintf("not gated: by default %d of the findings would deny", n)})
		}
	}
	return v
}

// Ungated is the line of a reason that says that nothing was to be kept out, though something would have been.
const Ungated = "not-gated"

// The built-in lines, as reasons name them.
const (
	lineKEV      = "exploited"
	lineMalware  = "malware"
	lineControl  = "control"
	lineSeverity = "fail-on"
	lineGap      = "gap"
	lineShown    = "gap-shown"
	lineDisclose = "disclosed"
)

func actionOf(line string) finding.Action {
	switch line {
	case lineGap:
		return finding.Incomplete
	case lineShown, lineDisclose:
		return finding.Warn
	}
	return finding.Deny
}

// denials are the findings past the line, gathered by what puts them there.
func (l Line) denials(r *finding.Report, id string) []finding.Reason {
	if l.FailOn == "" {
		return nil
	}
	past, fixable := map[string][]string{}, "fixable "
	if l.Unfixed {
		fixable = ""
	}
	for i := range r.Findings {
		f := &r.Findings[i]
		if f.Target != id || len(f.Suppressed) > 0 || ofPolicy(f) {
			continue
		}
		if line := l.since(f, l.crossed(f)); line != "" {
			past[line] = append(past[line], f.Fingerprint)
			if line == lineSeverity && f.Kind != finding.KindVulnerability { // a secret has no fix to wait for
				fixable = ""
			}
		}
	}
	words := map[string]string{
		lineMalware:  "%d malicious packages",
		lineKEV:      "%d findings that are known to be exploited",
		lineControl:  "%d findings of " + strings.ReplaceAll(strings.Join(l.Controls, "* or ")+"*", "/*", ""),
		lineSeverity: "%d " + fixable + "findings of severity " + string(l.FailOn) + " or worse",
		lineDisclose: "%d findings past the line that became known since the baseline",
	}
	var reasons []finding.Reason
	for _, line := range []string{lineMalware, lineKEV, lineControl, lineSeverity, lineDisclose} {
		if n := len(past[line]); n > 0 {
			message := fmt.Sprintf(words[line], n)
			if n == 1 {
				message = strings.NewReplacer("findings past the line that became", "finding past the line that became", "findings that are", "finding that is", "findings", "finding", "packages", "package").Replace(message)
			}
			reasons = append(reasons, finding.Reason{Policy: line, Message: message, Fingerprints: past[line]})
		}
	}
	return reasons
}

// crossed names the line that a finding is past; a finding counts once.
func (l Line) crossed(f *finding.Finding) string {
	switch {
	case f.Kind == finding.KindMalware:
		return lineMalware
	case f.Risk != nil && f.Risk.KEV:
		return lineKEV
	case slices.ContainsFunc(l.Controls, func(of string) bool {
		return slices.ContainsFunc(f.Controls, func(c string) bool { return strings.HasPrefix(c, of) })
	}):
		return lineControl
	case f.Severity.Rank() >= l.FailOn.Rank() && (l.Unfixed || f.Kind != finding.KindVulnerability || f.Fixed != ""):
		return lineSeverity
	}
	return ""
}

// since has a line stand only for what a change brought, where a baseline tells that. Malware denies whenever
// it came: nothing of what is malicious is the less so for having been there.
func (l Line) since(f *finding.Finding, line string) string {
	switch {
	case line == "" || line == lineMalware:
		return line
	case f.Since == finding.SinceKnown:
		return ""
	case f.Since == finding.SinceDisclosed && !l.Disclosed:
		return lineDisclose
	}
	return line
}

// gaps are the blocking gaps that nobody accepted, gathered by class.
func (l Line) gaps(r *finding.Report, id string) []finding.Reason {
	type class struct{ name, line string }
	counts := map[class]int{}
	for _, g := range r.Coverage {
		if g.Target != id || !g.Blocking || g.Allowed {
			continue
		}
		c := class{g.Class, lineGap}
		if l.reports() && !g.Broke() {
			c.line = lineShown
		}
		counts[c] += max(g.Count, 1)
	}
	var reasons []finding.Reason
	for c, n := range counts {
		reasons = append(reasons, finding.Reason{Policy: c.line, Message: fmt.Sprintf("%d not assessed: %s", n, c.name)})
	}
	slices.SortFunc(reasons, func(a, b finding.Reason) int { return cmp.Compare(a.Message, b.Message) })
	return reasons
}
