package gate

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/plimsoll/plimsoll/finding"
)

// TestPolicies wants any policy that denies to shut the gate, whatever the severity of its findings, and one
// that warns not to.
func TestPolicies(t *testing.T) {
	of := func(rule string, action finding.Action, fp string) finding.Finding {
		return finding.Finding{Kind: finding.KindPolicy, Target: "t1", Rule: rule, Action: action, Fingerprint: fp, Title: "title " + fp, Severity: finding.Critical}
	}
	let := of("policy/a", finding.Deny, "3")
	let.Suppressed = []finding.Suppression{{By: "exception"}}
	deny, warn := of("policy/a", finding.Deny, "1"), of("policy/b", finding.Warn, "2")
	for name, c := range map[string]struct {
		line     Line
		findings []finding.Finding
		want     finding.Action
		reasons  []finding.Reason
	}{
		"deny": {Default, []finding.Finding{deny, of("policy/a", finding.Deny, "4")}, finding.Deny, []finding.Reason{{Policy: "policy/a", Message: "policy/a denies: title 1, and 1 more", Fingerprints: []string{"1", "4"}}}},
		"warn": {Default, []finding.Finding{warn}, finding.Warn, []finding.Reason{{Policy: "policy/b", Message: "policy/b warns: title 2", Fingerprints: []string{"2"}}}},
		"both, of one policy that failed once": {
			Default,
			[]finding.Finding{warn, of("policy/b", finding.Deny, "5")},
			finding.Deny,
			[]finding.Reason{{Policy: "policy/b", Message: "policy/b warns: title 2", Fingerprints: []string{"2"}}, {Policy: "policy/b", Message: "policy/b denies: title 5", Fingerprints: []string{"5"}}},
		},
		"let pass":             {Default, []finding.Finding{let}, finding.Pass, nil},
		"nobody says":          {Default, []finding.Finding{of("policy/a", "", "6")}, finding.Deny, []finding.Reason{{Policy: "policy/a", Message: "policy/a denies: title 6", Fingerprints: []string{"6"}}}},
		"audit":                {Default, []finding.Finding{of("policy/c", finding.Pass, "3")}, finding.Pass, nil},
		"only reporting":       {Line{}, []finding.Finding{deny}, finding.Warn, []finding.Reason{{Policy: "policy/a", Message: "policy/a denies: title 1", Fingerprints: []string{"1"}}}},
		"only policies":        {Line{Policies: true}, []finding.Finding{deny, {Kind: finding.KindMalware, Target: "t1", Severity: finding.Critical}}, finding.Deny, []finding.Reason{{Policy: "policy/a", Message: "policy/a denies: title 1", Fingerprints: []string{"1"}}}},
		"only policies, none":  {Line{Policies: true}, []finding.Finding{{Kind: finding.KindVulnerability, Target: "t1", Severity: finding.Critical, Fixed: "2"}}, finding.Pass, nil},
		"another target's own": {Default, []finding.Finding{{Kind: finding.KindPolicy, Target: "t2", Rule: "policy/a", Action: finding.Deny}}, finding.Pass, nil},
	} {
		t.Run(name, func(t *testing.T) {
			r := &finding.Report{Targets: []finding.Target{{ID: "t1"}}, Findings: c.findings}
			Judge(r, c.line)
			if r.Verdict.Action != c.want {
				t.Errorf("verdict %s, want %s", r.Verdict.Action, c.want)
			}
			if diff := cmp.Diff(c.reasons, r.Verdict.Reasons); diff != "" {
				t.Error(diff)
			}
		})
	}
	// A blocking gap blocks also where only policies deny.
	r := &finding.Report{Targets: []finding.Target{{ID: "t1"}}, Coverage: []finding.Gap{{Class: "no-feed", Blocking: true, Target: "t1"}}}
	if Judge(r, Line{Policies: true}); r.Verdict.Action != finding.Incomplete {
		t.Errorf("verdict %s", r.Verdict.Action)
	}
}
