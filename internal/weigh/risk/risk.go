// Package risk orders findings by what they would cost, beyond their severity: whether they are known
// to be exploited (CISA KEV), how likely that is within 30 days (FIRST EPSS), and whether there is
// something to be done. Every point of a score is told in words.
package risk

import (
	"fmt"

	"github.com/plimsoll/plimsoll/finding"
)

// Of fills in the score, 0 to 100, and what it stands on. The finding's Risk brings EPSS and KEV.
//
// A severity gives up to 50 points, EPSS up to 25 (by percentile, because its probabilities crowd
// near zero), being exploited 25. A vulnerability that is known to be exploited is never below 75.
func Of(f *finding.Finding) {
	if f.Risk == nil {
		f.Risk = &finding.Risk{}
	}
	r := f.Risk
	r.Because = nil
	points := map[finding.Severity]int{finding.Critical: 50, finding.High: 38, finding.Medium: 24, finding.Low: 10, finding.Info: 2}
	r.Score = points[f.Severity]
	if f.Severity.Rank() > 0 {
		r.Because = append(r.Because, fmt.Sprintf("severity %s (%s)", f.Severity, orUnknown(f.SeverityFrom)))
	}
	if r.EPSS > 0 {
		r.Score += int(r.EPSSPercentile * 25)
		r.Because = append(r.Because, fmt.Sprintf("EPSS %.1f%%, higher than %.0f%% of all", r.EPSS*100, r.EPSSPercentile*100))
	}
	if f.Kind == finding.KindMalware {
		r.Score = 100
		r.Because = append(r.Because, "the package itself is malicious")
	}
	if r.KEV {
		r.Score = max(r.Score+25, 75)
		r.Because = append(r.Because, "known to be exploited (CISA KEV)")
	}
	r.Score = min(r.Score, 100)
}

func orUnknown(s string) string {
	if s == "" {
		return "source unknown"
	}
	return s
}
