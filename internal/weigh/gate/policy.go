package gate

import (
	"fmt"
	"strings"

	"github.com/plimsoll/plimsoll/finding"
)

// reports says whether the gate only reports: neither a severity nor a policy denies.
func (l Line) reports() bool { return l.FailOn == "" && !l.Policies }

// ofPolicy says whether a user's policy found it. What is wrong with exceptions is of the same kind, and past
// the line by its severity.
func ofPolicy(f *finding.Finding) bool {
	return f.Kind == finding.KindPolicy && strings.HasPrefix(f.Rule, "policy/")
}

// policies adds what users' policies say of a target. Each finding of theirs says for itself whether it
// denies; one that says nothing does, because a policy that could not make itself clear has not let it pass.
func (l Line) policies(r *finding.Report, id string, v *finding.Verdict) {
	at := map[string]int{}
	var reasons []finding.Reason
	for i := range r.Findings {
		f := &r.Findings[i]
		if !ofPolicy(f) || f.Target != id || len(f.Suppressed) > 0 || f.Action == finding.Pass { // an audit is only told
			continue
		}
		action, does := finding.Deny, "denies"
		if f.Action == finding.Warn {
			action, does = finding.Warn, "warns"
		}
		key := f.Rule + " " + does
		n, ok := at[key]
		if !ok {
			n = len(reasons)
			at[key] = n
			reasons = append(reasons, finding.Reason{Policy: f.Rule, Message: fmt.Sprintf("%s %s: %s", f.Rule, does, f.Title)})
		}
		reasons[n].Fingerprints = append(reasons[n].Fingerprints, f.Fingerprint)
		if l.reports() {
			action = finding.Warn
		}
		v.Action = v.Action.Worse(action)
	}
	for n := range reasons {
		if more := len(reasons[n].Fingerprints) - 1; more > 0 {
			reasons[n].Message += fmt.Sprintf(", and %d more", more)
		}
	}
	v.Reasons = append(v.Reasons, reasons...)
}
