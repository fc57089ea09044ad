package finding

// Engine is another program whose report was read as a second opinion on a target.
type Engine struct {
	Name     string `json:"name"`
	Version  string `json:"version,omitempty"`
	Target   string `json:"target"`
	Digest   string `json:"digest"` // of its report
	Findings int    `json:"findings"`
	Agreed   int    `json:"agreed"` // of its findings
}

// Opinion is what another engine says of a finding. One that was asked and does not report it does not agree.
type Opinion struct {
	Engine   string   `json:"engine"`
	Agrees   bool     `json:"agrees"`
	Rule     string   `json:"rule,omitempty"` // its own id, where that is another
	Severity Severity `json:"severity,omitempty"`
	Fixed    string   `json:"fixed,omitempty"`
}

// The sorts of disagreement.
const (
	OnlyOurs      = "only-ours"
	OnlyTheirs    = "only-theirs"
	OtherSeverity = "severity"
	OtherFix      = "fix"
)

// Disagreement is one difference between this report and another engine's, with its reason. The reason is
// what database and inventory answer; where they do not tell, it is "unknown".
type Disagreement struct {
	Engine      string   `json:"engine"`
	What        string   `json:"what"`
	Reason      string   `json:"reason"`
	Detail      string   `json:"detail,omitempty"`
	Target      string   `json:"target"`
	Rule        string   `json:"rule"`
	Aliases     []string `json:"aliases,omitempty"`
	Kind        Kind     `json:"kind"`
	Package     string   `json:"package,omitempty"` // ours
	Name        string   `json:"name,omitempty"`    // of the package, as the engine has it
	Version     string   `json:"version,omitempty"`
	Path        string   `json:"path,omitempty"`
	Fingerprint string   `json:"fingerprint,omitempty"` // of our finding
	Severity    Severity `json:"severity,omitempty"`    // ours
	Theirs      string   `json:"theirs,omitempty"`      // their severity or fix
	Fixed       string   `json:"fixed,omitempty"`       // our fix
}
