package report

import (
	"cmp"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strings"

	"github.com/plimsoll/plimsoll/finding"
)

// The bounds of GitHub's code scanning: it refuses a file with more results or rules in a run, or more
// locations at a result, and shows 10 tags of a rule.
const (
	maxResults   = 25_000
	maxLocations = 100 // 1,000 are taken, and 100 of them shown
	maxTags      = 10
)

// repository is the name of the folder that paths in a repository begin at.
const repository = "%SRCROOT%"

// writeSARIF writes one run with a rule for each id. What was not assessed is a notification, and the
// run then counts as not successful: a code host must not take it for clean.
func writeSARIF(w io.Writer, r *finding.Report, _ Options) error {
	var run sarifRun
	run.Tool.Driver = sarifDriver{Name: "Plimsoll", Version: r.Tool.Version, URI: "https://github.com/plimsoll/plimsoll", Rules: []sarifRule{}}
	run.Results = []sarifResult{}
	targets, packages, denied := byID(r)
	index, of := map[string]int{}, [][]*finding.Finding(nil)
	for i := range r.Findings[:min(len(r.Findings), maxResults)] { // worst first, target by target
		f := &r.Findings[i]
		n, ok := index[f.Rule]
		if !ok {
			n = len(of)
			index[f.Rule], of = n, append(of, nil)
		}
		of[n] = append(of[n], f)
		run.Results = append(run.Results, sarifResultOf(f, n, targets[f.Target], packages[f.Package], denied[f.Fingerprint]))
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
	best, worst := 0.0, finding.Unknown
	for _, f := range all {
		best = max(best, sarifScore(f))
		if f.Severity.Rank() > worst.Rank() {
			worst = f.Severity
		}
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
	if card, ok := cardOf(rule.ID); ok {
		rule.Short.Text, rule.Help.Text = card.Title, cmp.Or(card.Page.Fix, rule.Help.Text)
		rule.Help.Markdown = strings.TrimSpace(card.Page.Why) + "\n\n**What to do.** " + strings.TrimSpace(card.Page.Fix) + "\n"
		if card.Page.Good != "" {
			rule.Help.Markdown += "\n```\n" + strings.TrimRight(card.Page.Good, "\n") + "\n```\n"
		}
	}
	rule.Full = rule.Short
	rule.Default.Level = sarifLevel(&finding.Finding{Severity: worst}, false)
	rule.Properties = map[string]any{
		"security-severity": fmt.Sprintf("%.1f", best), // as code hosts rank it, 0 to 10
		"tags":              sarifTags(all),
	}
	return rule
}

// sarifTags are what a code host filters by: the kind, and the frameworks that ask for the same.
func sarifTags(all []*finding.Finding) []string {
	tags := []string{"security", string(all[0].Kind)}
	for _, c := range all[0].Controls {
		if len(tags) < maxTags {
			tags = append(tags, c)
		}
	}
	return tags
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

func sarifResultOf(f *finding.Finding, rule int, t *finding.Target, p *finding.Package, denied bool) sarifResult {
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
	out.Properties = sarifProperties(f, t, p)
	places := f.Locations
	if len(places) == 0 {
		places = []finding.Location{{Path: name}} // code hosts want a place
	}
	for _, at := range places[:min(len(places), maxLocations)] {
		out.Locations = append(out.Locations, sarifLocationOf(at, f, t, name))
	}
	for _, s := range f.Suppressed {
		out.Suppressions = append(out.Suppressions, sarifSuppression{Kind: "external", Status: "accepted", Justification: s.By + ": " + s.Reason})
	}
	return out
}

// sarifLocationOf is a place as a code host finds it: a file of the repository by its path from the folder
// where the scan was called, with the line to mark; what is inside an image by its path in it.
func sarifLocationOf(at finding.Location, f *finding.Finding, t *finding.Target, name string) sarifLocation {
	var l sarifLocation
	file := cmp.Or(at.Path, name)
	if len(f.Locations) > 0 {
		file = fileOf(t, file)
	}
	l.Physical.Artifact.URI = (&url.URL{Path: strings.TrimPrefix(file, "./")}).EscapedPath()
	if inRepository(f, t) && !strings.HasPrefix(file, "/") {
		l.Physical.Artifact.Base = repository
	}
	l.Physical.Region = sarifRegion{StartLine: max(at.StartLine, 1), StartColumn: max(at.Column, 0)}
	if at.EndLine >= at.StartLine {
		l.Physical.Region.EndLine = at.EndLine
	}
	l.Message.Text = name
	if at.Inner != "" {
		l.Message.Text += ": " + at.Path + "!/" + at.Inner
	}
	return l
}

// sarifProperties are what programs that read the file back ask for: SARIF has no field for packages.
func sarifProperties(f *finding.Finding, t *finding.Target, p *finding.Package) map[string]any {
	all := map[string]any{"kind": f.Kind, "severity": f.Severity}
	if len(f.Aliases) > 0 {
		all["aliases"] = f.Aliases
	}
	if p != nil {
		all["purl"] = p.PURL
	}
	if f.Fixed != "" {
		all["fixed"] = f.Fixed
	}
	if t != nil && t.Digest != "" {
		all["imageDigest"] = t.Digest
	}
	return all
}

func sarifGaps(r *finding.Report) sarifInvocation {
	inv := sarifInvocation{Successful: true}
	note := func(level, class, text string) {
		var n sarifNote
		n.Level, n.Descriptor.ID, n.Message.Text = level, class, text
		inv.Notifications = append(inv.Notifications, n)
	}
	for _, g := range r.Coverage {
		level := "note"
		if g.Blocking && !g.Allowed {
			level = "warning"
			inv.Successful = inv.Successful && !g.Broke()
		}
		note(level, g.Class, g.What)
	}
	if more := len(r.Findings) - maxResults; more > 0 {
		note("warning", "limit-reached", fmt.Sprintf("%d more findings, less grave than those of their target that are listed: code hosts take no more than %d", more, maxResults))
	}
	return inv
}
