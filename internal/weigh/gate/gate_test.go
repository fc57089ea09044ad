package gate

import (
	"testing"

	"github.com/plimsoll/plimsoll/finding"
)

// TestWords holds the reasons to what the findings are: of a secret nobody waits for a fix, and where nothing is kept
// out, passing is said to mean little.
func TestWords(t *testing.T) {
	vuln := finding.Finding{Kind: finding.KindVulnerability, Target: "t1", Severity: finding.High, Fixed: "2"}
	secret := finding.Finding{Kind: finding.KindSecret, Target: "t1", Severity: finding.Critical}
	mild := finding.Finding{Kind: finding.KindSecret, Target: "t1", Severity: finding.Low}
	for _, c := range []struct {
		line     Line
		findings []finding.Finding
		want     string
	}{
		{Default, []finding.Finding{vuln}, "1 fixable finding of severity high or worse"},
		{Default, []finding.Finding{vuln, secret}, "2 findings of severity high or worse"},
		{Default, []finding.Finding{secret}, "1 finding of severity high or worse"},
		{Line{}, []finding.Finding{vuln, secret, mild}, "not gated: by default 2 of the findings would deny"},
		{Line{}, []finding.Finding{mild}, ""},
	} {
		r := &finding.Report{Targets: []finding.Target{{ID: "t1"}}, Findings: c.findings}
		Judge(r, c.line)
		got := ""
		for _, reason := range r.Verdict.Reasons {
			got += reason.Message
		}
		if got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
}

func TestJudge(t *testing.T) {
	vuln := func(s finding.Severity, fixed string) finding.Finding {
		return finding.Finding{Kind: finding.KindVulnerability, Target: "t1", Severity: s, Fixed: fixed}
	}
	exploited := vuln(finding.Low, "")
	exploited.Risk = &finding.Risk{KEV: true}
	suppressed := vuln(finding.Critical, "2")
	suppressed.Suppressed = []finding.Suppression{{By: "plimsoll"}}
	malware := finding.Finding{Kind: finding.KindMalware, Target: "t1", Severity: finding.Critical}
	misconfigured := finding.Finding{Kind: finding.KindMisconfiguration, Target: "t1", Severity: finding.High}
	gap := func(class string, blocking bool) []finding.Gap {
		return []finding.Gap{{Class: class, Blocking: blocking, Target: "t1"}}
	}
	since := func(f finding.Finding, s finding.Since) []finding.Finding {
		f.Since = s
		return []finding.Finding{f}
	}
	none := Line{}
	for name, c := range map[string]struct {
		line     Line
		findings []finding.Finding
		gaps     []finding.Gap
		want     finding.Action
	}{
		"nothing":                      {Default, nil, nil, finding.Pass},
		"fixable high":                 {Default, []finding.Finding{vuln(finding.High, "2")}, nil, finding.Deny},
		"fixable medium":               {Default, []finding.Finding{vuln(finding.Medium, "2")}, nil, finding.Pass},
		"unfixed critical":             {Default, []finding.Finding{vuln(finding.Critical, "")}, nil, finding.Pass},
		"unfixed critical, asked for":  {Line{FailOn: finding.High, Unfixed: true}, []finding.Finding{vuln(finding.Critical, "")}, nil, finding.Deny},
		"exploited, low and unfixed":   {Default, []finding.Finding{exploited}, nil, finding.Deny},
		"exploited, only reporting":    {none, []finding.Finding{exploited}, nil, finding.Pass},
		"malware":                      {Default, []finding.Finding{malware}, nil, finding.Deny},
		"misconfiguration has no fix":  {Default, []finding.Finding{misconfigured}, nil, finding.Deny},
		"suppressed":                   {Default, []finding.Finding{suppressed}, nil, finding.Pass},
		"blocking gap":                 {Default, nil, gap("feed-partial", true), finding.Incomplete},
		"note":                         {Default, nil, gap("own-code", false), finding.Pass},
		"accepted gap":                 {Line{FailOn: finding.High, Allow: []string{"feed-partial"}}, nil, gap("feed-partial", true), finding.Pass},
		"another gap accepted":         {Line{FailOn: finding.High, Allow: []string{"no-feed"}}, nil, gap("feed-partial", true), finding.Incomplete},
		"deny goes before a gap":       {Default, []finding.Finding{vuln(finding.High, "2")}, gap("feed-partial", true), finding.Deny},
		"gap, only reporting":          {none, nil, gap("feed-partial", true), finding.Warn},
		"broken read, only reporting":  {none, nil, gap("unreadable-layer", true), finding.Incomplete},
		"broken read, accepted":        {Line{Allow: []string{"unreadable-layer"}}, nil, gap("unreadable-layer", true), finding.Pass},
		"new":                          {Default, since(vuln(finding.High, "2"), finding.SinceNew), nil, finding.Deny},
		"known":                        {Default, since(vuln(finding.High, "2"), finding.SinceKnown), nil, finding.Pass},
		"known and exploited":          {Default, since(exploited, finding.SinceKnown), nil, finding.Pass},
		"known malware":                {Default, since(malware, finding.SinceKnown), nil, finding.Deny},
		"disclosed":                    {Default, since(vuln(finding.High, "2"), finding.SinceDisclosed), nil, finding.Warn},
		"disclosed, asked for":         {Line{FailOn: finding.High, Disclosed: true}, since(vuln(finding.High, "2"), finding.SinceDisclosed), nil, finding.Deny},
		"disclosed and mild":           {Default, since(vuln(finding.Low, "2"), finding.SinceDisclosed), nil, finding.Pass},
		"known, with a gap":            {Default, since(vuln(finding.High, "2"), finding.SinceKnown), gap("feed-partial", true), finding.Incomplete},
		"severity unknown and fixable": {Default, []finding.Finding{vuln(finding.Unknown, "2")}, nil, finding.Pass},
	} {
		t.Run(name, func(t *testing.T) {
			r := &finding.Report{Targets: []finding.Target{{ID: "t1"}}, Findings: c.findings, Coverage: c.gaps}
			Judge(r, c.line)
			if r.Verdict.Action != c.want || r.Targets[0].Verdict != c.want {
				t.Errorf("verdict %s, want %s: %+v", r.Verdict.Action, c.want, r.Verdict.Reasons)
			}
		})
	}
}
