package finding

import (
	"fmt"
	"slices"
	"strings"
)

// Kind says what sort of thing a finding is.
type Kind string

// The kinds of finding.
const (
	KindVulnerability    Kind = "vulnerability"
	KindMisconfiguration Kind = "misconfiguration"
	KindSecret           Kind = "secret"
	KindLicense          Kind = "license"
	KindPolicy           Kind = "policy"
	KindMalware          Kind = "malware"
	KindAccess           Kind = "access"
	KindNetwork          Kind = "network"
	KindThreat           Kind = "threat"
	KindExposure         Kind = "exposure"
)

// Severity says how bad a finding is. Compare severities by [Severity.Rank].
type Severity string

// The severities, worst first. Unknown ranks below info: nobody has rated it.
const (
	Critical Severity = "critical"
	High     Severity = "high"
	Medium   Severity = "medium"
	Low      Severity = "low"
	Info     Severity = "info"
	Unknown  Severity = "unknown"
)

var severities = []Severity{Critical, High, Medium, Low, Info, Unknown}

// Severities lists all severities, worst first.
func Severities() []Severity { return slices.Clone(severities) }

// Rank is 5 for critical down to 0 for unknown, and for a word that is no severity.
func (s Severity) Rank() int {
	if i := slices.Index(severities, s); i >= 0 {
		return len(severities) - 1 - i
	}
	return 0
}

// ParseSeverity reads a severity as people write it: any case, and the words that feeds use for the
// same thing ("moderate", "important", "negligible").
func ParseSeverity(word string) (Severity, error) {
	switch strings.ToLower(strings.TrimSpace(word)) {
	case "critical":
		return Critical, nil
	case "high", "important":
		return High, nil
	case "medium", "moderate":
		return Medium, nil
	case "low":
		return Low, nil
	case "info", "informational", "negligible", "none", "unimportant":
		return Info, nil
	case "unknown", "":
		return Unknown, nil
	}
	return Unknown, fmt.Errorf("%q is no severity: use critical, high, medium, low, info or unknown", word)
}

// SeverityOf is the qualitative severity of a CVSS base score (CVSS v3.1 §5, v4.0 §6); a score of 0
// is info.
func SeverityOf(score float64) Severity {
	switch {
	case score >= 9:
		return Critical
	case score >= 7:
		return High
	case score >= 4:
		return Medium
	case score > 0:
		return Low
	}
	return Info
}

// Status says what can be done about a vulnerability.
type Status string

// The statuses of a vulnerability.
const (
	StatusFixed       Status = "fixed"        // a version without it exists
	StatusAffected    Status = "affected"     // no fix yet
	StatusWillNotFix  Status = "will-not-fix" // the maintainer decided against a fix
	StatusDeferred    Status = "deferred"     // a fix will come with some later release
	StatusEndOfLife   Status = "end-of-life"  // the release gets no more fixes
	StatusUnimportant Status = "unimportant"  // no security consequence, says the maintainer
)

// Since says what brought a finding, as against a baseline.
type Since string

// What a finding came with.
const (
	SinceNew       Since = "new"       // this change brought it, or the baseline cannot tell
	SinceDisclosed Since = "disclosed" // nothing changed; the world learned of it since
	SinceKnown     Since = "known"     // the baseline has it too
)

// Action is what a build is to do.
type Action string

// The actions, mildest first.
const (
	Pass       Action = "pass"
	Warn       Action = "warn"
	Incomplete Action = "incomplete"
	Deny       Action = "deny"
)

// Worse is the action that prevails over both: deny, then incomplete, then warn, then pass.
func (a Action) Worse(b Action) Action {
	order := []Action{Pass, Warn, Incomplete, Deny}
	if slices.Index(order, b) > slices.Index(order, a) {
		return b
	}
	return a
}

// The decks, from the Dockerfile to the running process.
const (
	Build = "build"
	Ship  = "ship"
	Admit = "admit"
	Run   = "run"
)
