package risk

import (
	"testing"

	"github.com/plimsoll/plimsoll/finding"
)

// TestOrder holds what must come before what; the points themselves are nobody's promise.
func TestOrder(t *testing.T) {
	score := func(s finding.Severity, kind finding.Kind, r finding.Risk) int {
		f := finding.Finding{Kind: kind, Severity: s, Risk: &r}
		Of(&f)
		if f.Risk.Score > 0 && len(f.Risk.Because) == 0 {
			t.Errorf("%s scores %d and does not say why", s, f.Risk.Score)
		}
		return f.Risk.Score
	}
	v := finding.KindVulnerability
	order := []int{
		score(finding.Critical, finding.KindMalware, finding.Risk{}),
		score(finding.Critical, v, finding.Risk{KEV: true}),
		score(finding.Low, v, finding.Risk{KEV: true}),
		score(finding.Critical, v, finding.Risk{EPSS: 0.9, EPSSPercentile: 0.9}),
		score(finding.Critical, v, finding.Risk{}),
		score(finding.High, v, finding.Risk{}),
		score(finding.Medium, v, finding.Risk{}),
		score(finding.Low, v, finding.Risk{}),
		score(finding.Unknown, v, finding.Risk{}),
	}
	for i := 1; i < len(order); i++ {
		if order[i] > order[i-1] || order[i] > 100 {
			t.Errorf("scores are not in order: %v", order)
		}
	}
}
