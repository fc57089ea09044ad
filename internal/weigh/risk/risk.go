// Package risk orders findings by what they would cost, beyond their severity: whether they are known
// to be exploited (CISA KEV), how likely that is within 30 days (FIRST EPSS), whether there is something to be
// done, and, where another deck knows it, whether the code is in use and can be reached. Every point of a
// score is told in words.
package risk

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/plimsoll/plimsoll/finding"
)

// Weight is how many points something gives or takes.
type Weight struct {
	Name   string // what it is, as docs/guide/risk.md lists it
	Points int
	Why    string
}

// The points. A score is their sum, within 0 and 100; docs/guide/risk.md holds the same numbers, and a test
// keeps it so.
const (
	critical, high, medium, low, info = 45, 34, 21, 9, 2

	mostEPSS  = 20 // times the percentile, because the probabilities crowd near zero
	exploited = 20
	leastKEV  = 75 // what is known to be exploited is never below it
	fixable   = 5
	inUse     = 5
	idle      = -10
	exposed   = 5
	hidden    = -5
	most      = 100
)

// Weights lists all of them, in the order in which a score adds them up.
func Weights() []Weight {
	return []Weight{
		{"severity critical", critical, "as the report rates it, by the source that it names"},
		{"severity high", high, ""},
		{"severity medium", medium, ""},
		{"severity low", low, ""},
		{"severity info", info, "nobody has rated what is unknown: it gives none"},
		{"EPSS, at most", mostEPSS, "times the share of vulnerabilities that are less likely to be exploited within 30 days (FIRST EPSS)"},
		{"known to be exploited", exploited, fmt.Sprintf("in CISA's list (KEV); the score is then never below %d", leastKEV)},
		{"a fix exists", fixable, "there is something to be done at once"},
		{"in use", inUse, "the code is loaded, where the running container was looked at"},
		{"not in use", idle, "it was looked at, and the code is never loaded"},
		{"exposed", exposed, "it can be reached from the internet, by what publishes it and what policies let in"},
		{"not exposed", hidden, "all of the cluster was read, nothing publishes it that policies do not refuse, and they let in its own namespace alone"},
		{"malicious package", most, "whatever else is known"},
	}
}

// The words of Risk.InUse and Risk.Exposed that say more than unknown.
const (
	yes = "yes"
	no  = "no"
)

// usePoints and reachPoints are for what another deck knows.
var (
	usePoints   = map[string]int{yes: inUse, no: idle}
	reachPoints = map[string]int{yes: exposed, no: hidden}
)

func severityPoints(s finding.Severity) int {
	return map[finding.Severity]int{finding.Critical: critical, finding.High: high, finding.Medium: medium, finding.Low: low, finding.Info: info}[s]
}

// Likely is EPSS in words. Neither number is ever 100 %: nothing is certain, or higher than itself.
func Likely(epss, percentile float64) string {
	return fmt.Sprintf("EPSS %.1f%%, higher than %.0f%% of all", min(epss*100, 99.9), min(math.Floor(percentile*100), 99))
}

// Of fills in the score, 0 to 100, and what it stands on. The finding's Risk brings EPSS, KEV, and whether it
// is in use and exposed; the finding its severity and its fix.
func Of(f *finding.Finding) {
	if f.Risk == nil {
		f.Risk = &finding.Risk{}
	}
	r := f.Risk
	r.Because, r.Score = nil, 0
	add := func(points int, words string) {
		r.Score += points
		r.Because = append(r.Because, fmt.Sprintf("%+d %s", points, words))
	}
	if points := severityPoints(f.Severity); points > 0 {
		add(points, fmt.Sprintf("severity %s (%s)", f.Severity, cmp.Or(f.SeverityFrom, "source unknown")))
	}
	if r.EPSS > 0 {
		add(int(r.EPSSPercentile*mostEPSS), Likely(r.EPSS, r.EPSSPercentile))
	}
	if r.KEV {
		add(exploited, "known to be exploited (CISA KEV)")
	}
	if f.Fixed != "" {
		add(fixable, "a fix exists")
	}
	if points := usePoints[r.InUse]; points != 0 {
		add(points, map[string]string{yes: "in use", no: "not in use"}[r.InUse])
	}
	if points := reachPoints[r.Exposed]; points != 0 {
		words := map[string]string{yes: "exposed", no: "not exposed"}[r.Exposed]
		if r.Way != "" {
			words += ", " + r.Way
		}
		add(points, words)
	}
	if r.KEV && r.Score < leastKEV {
		add(leastKEV-r.Score, "nothing that is exploited counts for less")
	}
	if f.Kind == finding.KindMalware {
		r.Score, r.Because = 0, slices.DeleteFunc(r.Because, func(string) bool { return true })
		add(most, "the package itself is malicious")
	}
	r.Score = max(min(r.Score, most), 0)
}
