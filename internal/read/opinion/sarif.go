package opinion

import (
	"encoding/json"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/plimsoll/plimsoll/finding"
)

// sarif reads SARIF 2.1.0 of any program. It has no field for packages: where neither the result nor its rule
// names a purl among its properties, ids alone are compared.
var sarif = engine{"sarif", func(top map[string]json.RawMessage) bool { return top["runs"] != nil && top["version"] != nil }, readSARIF}

type (
	sarifLog struct {
		Version string     `json:"version"`
		Runs    []sarifRun `json:"runs"`
	}
	sarifRun struct {
		Tool struct {
			Driver struct {
				Name            string      `json:"name"`
				Version         string      `json:"version"`
				SemanticVersion string      `json:"semanticVersion"`
				Rules           []sarifRule `json:"rules"`
			} `json:"driver"`
		} `json:"tool"`
		Results []sarifResult `json:"results"`
	}
	sarifResult struct {
		RuleID    string `json:"ruleId"`
		RuleIndex *int   `json:"ruleIndex"`
		Rule      struct {
			ID string `json:"id"`
		} `json:"rule"`
		Level      string          `json:"level"`
		Kind       string          `json:"kind"`
		Properties sarifProperties `json:"properties"`
		Locations  []struct {
			Physical struct {
				Artifact struct {
					URI string `json:"uri"`
				} `json:"artifactLocation"`
				Region struct {
					StartLine int `json:"startLine"`
				} `json:"region"`
			} `json:"physicalLocation"`
		} `json:"locations"`
		Suppressions []struct {
			Status        string `json:"status"`
			Justification string `json:"justification"`
		} `json:"suppressions"`
	}
	sarifRule struct {
		ID         string          `json:"id"`
		Properties sarifProperties `json:"properties"`
	}
	// sarifProperties is read leniently: they are anybody's.
	sarifProperties map[string]json.RawMessage
)

// ids finds names of vulnerabilities in a rule's id: Grype's SARIF calls one CVE-2024-1-openssl.
var ids = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`(?i)\b(?:CVE-\d{4}-\d{4,10}|GHSA(?:-[23456789cfghjmpqrvwx]{4}){3}|(?:GO|RUSTSEC|PYSEC)-\d{4}-\d{1,6})`)
})

func readSARIF(b []byte, r *Report) error {
	var log sarifLog
	if err := json.Unmarshal(b, &log); err != nil {
		return err
	}
	if log.Version != "2.1.0" {
		return fmt.Errorf("SARIF version %q: only 2.1.0 is read", word(log.Version))
	}
	r.Engine = "" // the program's own name
	for i := range log.Runs {
		run := &log.Runs[i]
		driver := &run.Tool.Driver
		name := word(driver.Name)
		switch {
		case name == "":
			return fmt.Errorf("run %d does not name its program", i+1)
		case r.Engine != "" && r.Engine != name:
			return fmt.Errorf("it holds runs of %s and of %s: give each a file of its own", r.Engine, name)
		}
		r.Engine, r.Version = name, word(driver.Version)
		if r.Version == "" {
			r.Version = word(driver.SemanticVersion)
		}
		if err := run.take(r, name); err != nil {
			return err
		}
	}
	if r.Engine == "" {
		return fmt.Errorf("it has no run")
	}
	return nil
}

func (run *sarifRun) take(r *Report, name string) error {
	rules := map[string]*sarifRule{}
	for i := range run.Tool.Driver.Rules {
		rules[run.Tool.Driver.Rules[i].ID] = &run.Tool.Driver.Rules[i]
	}
	for i := range run.Results {
		one := &run.Results[i]
		if one.Kind != "" && one.Kind != "fail" {
			continue
		}
		id := one.RuleID
		if id == "" {
			id = one.Rule.ID
		}
		if n := one.RuleIndex; id == "" && n != nil && *n >= 0 && *n < len(run.Tool.Driver.Rules) {
			id = run.Tool.Driver.Rules[*n].ID
		}
		o := Opinion{Kind: finding.KindMisconfiguration, IDs: []string{strings.ToLower(name) + "/" + id, id}}
		if known := ids().FindAllString(id, maxIDs); len(known) > 0 {
			o.Kind, o.IDs = finding.KindVulnerability, append([]string{strings.ToUpper(known[0])}, known...)
			if strings.HasPrefix(o.IDs[0], "GHSA") {
				o.IDs = known // written in small letters
			}
		}
		properties := []sarifProperties{one.Properties}
		if rule := rules[id]; rule != nil {
			properties = append(properties, rule.Properties)
		}
		if o.Kind == finding.KindMisconfiguration && tagged(properties, "secret") {
			o.Kind = finding.KindSecret
		}
		o.Severity = one.severity(o.Kind, properties)
		purls := purlsOf(properties)
		if len(purls) > 0 && o.Kind == finding.KindVulnerability {
			o.Package = packageOf(purls[0], "", "", "")
		}
		var fixed string
		if json.Unmarshal(one.Properties["fixed"], &fixed) == nil { // as ours names it
			o.Fixed = []string{fixed}
		}
		if len(one.Locations) > 0 {
			at := one.Locations[0].Physical
			if u, err := url.Parse(at.Artifact.URI); err == nil {
				o.Path = u.Path
			}
			o.Line = at.Region.StartLine
		}
		for _, s := range one.Suppressions {
			if s.Status == "" || s.Status == "accepted" {
				o.Ignored = "suppressed: " + word(s.Justification)
			}
		}
		if err := r.add(o); err != nil {
			return err
		}
	}
	return nil
}

// severity is the score that code hosts go by, or what the level comes to. How grave a vulnerability is, the level
// does not say: OSV-Scanner has "warning" for each.
func (one *sarifResult) severity(kind finding.Kind, properties []sarifProperties) finding.Severity {
	for _, p := range properties {
		var text string
		if json.Unmarshal(p["security-severity"], &text) == nil {
			if score, err := strconv.ParseFloat(text, 64); err == nil && score >= 0 && score <= 10 {
				return finding.SeverityOf(score)
			}
		}
	}
	if kind == finding.KindVulnerability {
		return finding.Unknown
	}
	switch one.Level {
	case "error":
		return finding.High
	case "note":
		return finding.Low
	case "none":
		return finding.Info
	}
	return finding.Medium
}

// tagged says that a result or its rule has a tag; Trivy tells by them what it looked for.
func tagged(properties []sarifProperties, tag string) bool {
	return slices.ContainsFunc(properties, func(p sarifProperties) bool {
		var tags []string
		return json.Unmarshal(p["tags"], &tags) == nil && slices.Contains(tags, tag)
	})
}

func purlsOf(properties []sarifProperties) []string {
	for _, p := range properties {
		var one string
		if json.Unmarshal(p["purl"], &one) == nil && one != "" {
			return []string{one}
		}
		var many []string
		if json.Unmarshal(p["purls"], &many) == nil && len(many) == 1 {
			return many // of several, none is the result's own
		}
	}
	return nil
}
