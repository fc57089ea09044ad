package report

import (
	"cmp"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strings"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/weigh/catalog"
)

// The part of SARIF 2.1.0 (OASIS, 27 March 2020) that a report fills; a test holds it to the schema.
type (
	sarifLog struct {
		Schema  string     `json:"$schema"`
		Version string     `json:"version"`
		Runs    []sarifRun `json:"runs"`
	}
	sarifRun struct {
		Tool struct {
			Driver sarifDriver `json:"driver"`
		} `json:"tool"`
		Invocations []sarifInvocation `json:"invocations"`
		Results     []sarifResult     `json:"results"`
	}
	sarifDriver struct {
		Name            string      `json:"name"`
		Version         string      `json:"version,omitempty"`
		SemanticVersion string      `json:"semanticVersion,omitempty"`
		Rules           []sarifRule `json:"rules"`
	}
	sarifText struct {
		Text string `json:"text"`
	}
	sarifRule struct {
		ID         string         `json:"id"`
		Short      sarifText      `json:"shortDescription"`
		Help       sarifText      `json:"help"`
		HelpURI    string         `json:"helpUri,omitempty"`
		Properties map[string]any `json:"properties"`
	}
	sarifInvocation struct {
		Successful    bool        `json:"executionSuccessful"`
		Notifications []sarifNote `json:"toolExecutionNotifications,omitempty"`
	}
	sarifNote struct {
		Level      string    `json:"level"`
		Message    sarifText `json:"message"`
		Descriptor struct {
			ID string `json:"id"`
		} `json:"descriptor"`
	}
	sarifResult struct {
		RuleID       string             `json:"ruleId"`
		RuleIndex    int                `json:"ruleIndex"`
		Level        string             `json:"level"`
		Message      sarifText          `json:"message"`
		Locations    []sarifLocation    `json:"locations"`
		Fingerprints map[string]string  `json:"partialFingerprints,omitempty"`
		Suppressions []sarifSuppression `json:"suppressions,omitempty"`
	}
	sarifLocation struct {
		Physical struct {
			Artifact struct {
				URI string `json:"uri"`
			} `json:"artifactLocation"`
			Region sarifRegion `json:"region"`
		} `json:"physicalLocation"`
		Message sarifText `json:"message"`
	}
	sarifRegion struct {
		StartLine   int `json:"startLine"`
		EndLine     int `json:"endLine,omitempty"`
		StartColumn int `json:"startColumn,omitempty"`
	}
	sarifSuppression struct {
		Kind          string `json:"kind"`
		Status        string `json:"status"`
		Justification string `json:"justification,omitempty"`
	}
)

// writeSARIF writes one run with a rule for each id. What was not assessed is a notification, and the
// run then counts as not successful: a code host must not take it for clean.
func writeSARIF(w io.Writer, r *finding.Report, _ Options) error {
	var run sarifRun
	run.Tool.Driver = sarifDriver{Name: "Plimsoll", Version: r.Tool.Version, Rules: []sarifRule{}}
	run.Results = []sarifResult{}
	targets := map[string]*finding.Target{}
	for i := range r.Targets {
		targets[r.Targets[i].ID] = &r.Targets[i]
	}
	denied := map[string]bool{}
	for _, reason := range r.Verdict.Reasons {
		for _, fingerprint := range reason.Fingerprints {
			denied[fingerprint] = true
		}
	}
	index, of := map[string]int{}, [][]*finding.Finding(nil)
	for i := range r.Findings {
		f := &r.Findings[i]
		n, ok := index[f.Rule]
		if !ok {
			n = len(of)
			index[f.Rule], of = n, append(of, nil)
		}
		of[n] = append(of[n], f)
		run.Results = append(run.Results, sarifResultOf(f, n, targets[f.Target], denied[f.Fingerprint]))
	}
	for _, all := range of {
		run.Tool.Driver.Rules = append(run.Tool.Driver.Rules, sarifRuleOf(all))
	}
	run.Invocations = []sarifInvocation{sarifGaps(r)}
	return encode(w, sarifLog{
		Schema: "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json", Version: "2.1.0", Runs: []sarifRun{run},
	})
}

// sarifRuleOf describes a rule by our own card, or by all that was found of it: which comes first does not
// matter.
func sarifRuleOf(all []*finding.Finding) sarifRule {
	rule := sarifRule{ID: all[0].Rule, Short: sarifText{all[0].Rule}}
	var todo []string
	best := 0.0
	for _, f := range all {
		best = max(best, sarifScore(f))
		if f.Fix != "" {
			todo = append(todo, f.Fix)
		}
		if rule.HelpURI == "" && len(f.References) > 0 {
			rule.HelpURI = f.References[0]
		}
	}
	slices.Sort(todo)
	todo = slices.Compact(todo)
	rule.Help.Text = "No fix of " + rule.ID + " is known."
	if len(todo) > 0 {
		rule.Help.Text = strings.Join(todo[:min(len(todo), maxHelp)], "\n")
	}
	if more := len(todo) - maxHelp; more > 0 {
		rule.Help.Text += fmt.Sprintf("\nand %d more, as each result says", more)
	}
	if card, ok := catalog.Find(rule.ID); ok {
		rule.Short.Text, rule.Help.Text = card.Title, cmp.Or(card.Page.Fix, rule.Help.Text)
	}
	rule.Properties = map[string]any{
		"security-severity": fmt.Sprintf("%.1f", best), // as code hosts rank it, 0 to 10
		"tags":              []string{"security", string(all[0].Kind)},
	}
	return rule
}

// maxHelp bounds how many deeds a rule's help lists.
const maxHelp = 10

// sarifScore stands in the band of the finding's own severity: the highest CVSS score that does, or
// the middle of the band.
func sarifScore(f *finding.Finding) float64 {
	best := 0.0
	for _, r := range f.Ratings {
		if finding.SeverityOf(r.Score) == f.Severity {
			best = max(best, r.Score)
		}
	}
	if best > 0 {
		return best
	}
	return map[finding.Severity]float64{finding.Critical: 9.5, finding.High: 8, finding.Medium: 5.5, finding.Low: 2}[f.Severity]
}

// sarifLevel is an error for all that is grave, exploited or keeps a build from passing, whatever its
// severity.
func sarifLevel(f *finding.Finding, denied bool) string {
	if denied || exploited(f) {
		return "error"
	}
	switch f.Severity {
	case finding.Critical, finding.High:
		return "error"
	case finding.Medium:
		return "warning"
	}
	return "note"
}

func sarifResultOf(f *finding.Finding, rule int, t *finding.Target, denied bool) sarifResult {
	out := sarifResult{RuleID: f.Rule, RuleIndex: rule, Level: sarifLevel(f, denied), Message: sarifText{f.Title}}
	if f.Fix != "" {
		out.Message.Text += "; " + f.Fix
	}
	if f.Fingerprint != "" {
		out.Fingerprints = map[string]string{"plimsoll/v1": f.Fingerprint}
	}
	name := "target"
	if t != nil {
		name = cmp.Or(t.Name, t.Digest, name)
	}
	places := f.Locations
	if len(places) == 0 {
		places = []finding.Location{{Path: name}} // code hosts want a place
	}
	for _, at := range places {
		var l sarifLocation
		l.Physical.Artifact.URI = (&url.URL{Path: cmp.Or(at.Path, name)}).EscapedPath()
		l.Physical.Region = sarifRegion{StartLine: max(at.StartLine, 1), StartColumn: max(at.Column, 0)}
		if at.EndLine >= at.StartLine {
			l.Physical.Region.EndLine = at.EndLine
		}
		l.Message.Text = name
		if at.Inner != "" {
			l.Message.Text += ": " + at.Path + "!/" + at.Inner
		}
		out.Locations = append(out.Locations, l)
	}
	for _, s := range f.Suppressed {
		out.Suppressions = append(out.Suppressions, sarifSuppression{Kind: "external", Status: "accepted", Justification: s.By + ": " + s.Reason})
	}
	return out
}

func sarifGaps(r *finding.Report) sarifInvocation {
	inv := sarifInvocation{Successful: true}
	for _, g := range r.Coverage {
		var n sarifNote
		n.Level = "note"
		if g.Blocking && !g.Allowed {
			n.Level = "warning"
			inv.Successful = inv.Successful && !g.Broke()
		}
		n.Descriptor.ID, n.Message.Text = g.Class, g.What
		inv.Notifications = append(inv.Notifications, n)
	}
	return inv
}
