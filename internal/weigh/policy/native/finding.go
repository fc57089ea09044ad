package native

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/read/kube"
)

// GapClass is that of what a policy would have to know and nobody does.
const GapClass = "policy-not-assessed"

// Findings are what policies do not let pass, and what they could not say, of one object of a target; or of the pods that
// it makes of a template, which is one of its fields.
func (j *Judgement) Findings(o *kube.Object, target, template string) (all []finding.Finding, gaps []finding.Gap) {
	all = make([]finding.Finding, 0, len(j.Outcomes))
	for i := range j.Outcomes {
		of := &j.Outcomes[i]
		if of.Action == NotAssessed {
			gap := finding.Gap{Class: GapClass, Blocking: true, Target: target, Count: 1, What: fmt.Sprintf("%s by policy %s: %s", about(o, template), of.Policy, of.Message)}
			if at := o.At(""); len(at) > 0 {
				gap.Path = at[0].Path
			}
			gaps = append(gaps, gap)
			continue
		}
		all = append(all, of.finding(o, target, template))
	}
	return all, gaps
}

// about names an object, or the pods that it makes.
func about(o *kube.Object, template string) string {
	if template != "" {
		return fmt.Sprintf("pods of %s %s", o.Kind, o.Name)
	}
	return o.Kind + " " + o.Name
}

// weight is how grave what a policy denies is, and what the gate is to do about it. An audit is only told.
var weight = map[Action]struct {
	severity finding.Severity
	action   finding.Action
}{Deny: {finding.High, finding.Deny}, Warn: {finding.Medium, finding.Warn}, Audit: {finding.Info, finding.Pass}}

func (of *Outcome) finding(o *kube.Object, target, template string) finding.Finding {
	w := weight[of.Action]
	f := finding.Finding{
		Deck: finding.Admit, Kind: finding.KindPolicy, Rule: "policy/" + of.Policy, Severity: w.severity, SeverityFrom: "policy", Action: w.action,
		Title: about(o, template) + ": " + of.Message, Target: target, Subject: o.Subject(""), Locations: o.At(template),
	}
	// One policy may forbid two things of an object, by two bindings and several parameters.
	f.Subject.Field = strings.TrimSpace(template + " " + strings.TrimPrefix(of.Field, "spec."))
	for _, by := range []string{of.Binding, of.Param} {
		if by != "" {
			f.Subject.Field += " by " + by
		}
	}
	f.Evidence = string(of.Action)
	for _, part := range []struct{ word, text string }{{"binding", of.Binding}, {"parameter", of.Param}, {"expression", of.Expression}, {"at", of.At}} {
		if part.text != "" {
			f.Evidence += "\n" + part.word + " " + part.text
		}
	}
	f.Fingerprint = finding.Fingerprint(f, "")
	return f
}

// Tool names the policies as a report does, with a digest of what each says with its bindings.
func (s *Set) Tool() (all []finding.Policy) {
	for _, p := range s.policies {
		said := []any{p.spec}
		for _, b := range p.bindings {
			said = append(said, b.Name, b.spec)
		}
		text, err := json.Marshal(said)
		if err != nil { // it came from JSON
			text = []byte(err.Error())
		}
		sum := sha256.Sum256(text)
		all = append(all, finding.Policy{Name: p.Name, Digest: "sha256:" + hex.EncodeToString(sum[:])})
	}
	return all
}

// count adds to the counts of policies, by name, what became of one object.
func (j *Judgement) count(counts map[string]*finding.Check) {
	failed, unsure := map[string]bool{}, map[string]bool{}
	for _, of := range j.Outcomes {
		if of.Action == NotAssessed {
			unsure[of.Policy] = true
		} else {
			failed[of.Policy] = true
		}
	}
	for name, c := range counts {
		switch {
		case failed[name]:
			c.Evaluated++
			c.Failed++
		case unsure[name]:
			c.NotAssessed++
		case slices.Contains(j.Looked, name):
			c.Evaluated++
		default:
			c.NotApplicable++
		}
	}
}

// Counts are the policies' counts on a target, by name, before anything is counted.
func (s *Set) Counts(target string) map[string]*finding.Check {
	counts := map[string]*finding.Check{}
	for _, p := range s.policies {
		counts[p.Name] = &finding.Check{Rule: "policy/" + p.Name, Target: target}
	}
	return counts
}
