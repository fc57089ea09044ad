package risk

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/plimsoll/plimsoll/finding"
)

// TestOrder holds what must come before what, and that every point is told.
func TestOrder(t *testing.T) {
	score := func(s finding.Severity, kind finding.Kind, fixed string, r finding.Risk) int {
		f := finding.Finding{Kind: kind, Severity: s, Fixed: fixed, Risk: &r}
		Of(&f)
		sum := 0
		for _, words := range f.Risk.Because {
			var points int
			if _, err := fmt.Sscanf(words, "%d", &points); err != nil {
				t.Errorf("%q does not say its points", words)
			}
			sum += points
		}
		if max(min(sum, 100), 0) != f.Risk.Score {
			t.Errorf("%s scores %d, and tells %v", s, f.Risk.Score, f.Risk.Because)
		}
		return f.Risk.Score
	}
	v := finding.KindVulnerability
	order := []int{
		score(finding.Critical, finding.KindMalware, "", finding.Risk{}),
		score(finding.Critical, v, "2", finding.Risk{KEV: true, EPSS: 0.9, EPSSPercentile: 1, InUse: yes, Exposed: yes}),
		score(finding.Critical, v, "", finding.Risk{KEV: true}),
		score(finding.Low, v, "", finding.Risk{KEV: true, InUse: no}),
		score(finding.Critical, v, "2", finding.Risk{EPSS: 0.9, EPSSPercentile: 0.9}),
		score(finding.Critical, v, "", finding.Risk{EPSS: 0.9, EPSSPercentile: 0.9}),
		score(finding.Critical, v, "", finding.Risk{InUse: yes}),
		score(finding.Critical, v, "", finding.Risk{InUse: "unknown", Exposed: "unknown"}),
		score(finding.Critical, v, "", finding.Risk{Exposed: no}),
		score(finding.Critical, v, "", finding.Risk{InUse: no}),
		score(finding.High, v, "", finding.Risk{}),
		score(finding.Medium, v, "", finding.Risk{}),
		score(finding.Low, v, "", finding.Risk{}),
		score(finding.Unknown, v, "", finding.Risk{}),
		score(finding.Unknown, v, "", finding.Risk{InUse: no}),
	}
	for i := 1; i < len(order); i++ {
		if order[i] > order[i-1] || order[i] > 100 || order[i] < 0 {
			t.Errorf("scores are not in order: %v", order)
		}
	}
}

// TestGuide wants the guide to hold the weights as they are.
func TestGuide(t *testing.T) {
	b, err := os.ReadFile(filepath.Join("..", "..", "..", "docs", "guide", "risk.md"))
	if err != nil {
		t.Fatal(err)
	}
	want := "| what | points | |\n| --- | ---: | --- |\n"
	for _, w := range Weights() {
		want += strings.ReplaceAll(fmt.Sprintf("| %s | %+d | %s |\n", w.Name, w.Points, w.Why), " |  |", " | |")
	}
	_, table, _ := strings.Cut(string(b), "<!-- weights -->\n")
	table, _, ok := strings.Cut(table, "<!-- end -->")
	if diff := cmp.Diff(want, table); diff != "" || !ok {
		t.Errorf("docs/guide/risk.md is out of date: %s", diff)
	}
}

// TestLikely has no number be rounded to certainty.
func TestLikely(t *testing.T) {
	for want, of := range map[string][2]float64{
		"EPSS 99.9%, higher than 99% of all": {0.99999, 1},
		"EPSS 33.0%, higher than 97% of all": {0.33, 0.9799},
	} {
		if got := Likely(of[0], of[1]); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
