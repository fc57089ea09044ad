package baseline

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/plimsoll/plimsoll/finding"
)

// change is what a case does to the reports before they are compared.
type change = func(before, after *finding.Report)

func report() *finding.Report {
	r := &finding.Report{
		Tool:    finding.Tool{Database: &finding.Database{Built: time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)}},
		Verdict: finding.Verdict{Action: finding.Pass},
		Targets: []finding.Target{{ID: "t1", Kind: "image", Name: "shop/cart:1.4", Platform: "linux/amd64", Digest: "sha256:a"}},
		Packages: []finding.Package{
			{ID: "p1", Target: "t1", Type: "npm", Name: "lodash", Version: "4.17.20", PURL: "pkg:npm/lodash@4.17.20"},
			{ID: "p2", Target: "t1", Type: "npm", Name: "minimist", Version: "1.2.5", PURL: "pkg:npm/minimist@1.2.5"},
		},
	}
	add(r, "p1", "CVE-2021-23337")
	return r
}

func add(r *finding.Report, id, rule string) *finding.Finding {
	f := finding.Finding{Kind: finding.KindVulnerability, Rule: rule, Severity: finding.High, Target: "t1", Title: rule, Published: "2026-10-01"}
	purl := ""
	for _, p := range r.Packages {
		if p.ID == id {
			f.Package, purl = id, p.PURL
			f.Locations = []finding.Location{{Path: "app/" + p.Name}}
		}
	}
	if id == "" {
		f.Kind = finding.KindMisconfiguration
	}
	f.Fingerprint = finding.Fingerprint(f, purl)
	r.Findings = append(r.Findings, f)
	return &r.Findings[len(r.Findings)-1]
}

// TestSince holds what a second finding counts as.
func TestSince(t *testing.T) {
	for name, c := range map[string]struct {
		change change
		want   finding.Since
	}{
		"in both":                           {func(b, a *finding.Report) { add(b, "p2", "CVE-1"); add(a, "p2", "CVE-1") }, finding.SinceKnown},
		"learned since of the same version": {func(_, a *finding.Report) { add(a, "p2", "CVE-1") }, finding.SinceDisclosed},
		"a new package":                     {func(b, a *finding.Report) { b.Packages = b.Packages[:1]; add(a, "p2", "CVE-1") }, finding.SinceNew},
		"another version":                   {func(b, a *finding.Report) { b.Packages[1].PURL = "pkg:npm/minimist@1.2.4"; add(a, "p2", "CVE-1") }, finding.SinceNew},
		"an upgrade that does not mend it": {func(b, a *finding.Report) {
			add(b, "p2", "CVE-1")
			a.Packages[1].PURL = "pkg:npm/minimist@1.2.6"
			add(a, "p2", "CVE-1")
		}, finding.SinceKnown},
		"a second copy": {func(b, a *finding.Report) {
			add(b, "p2", "CVE-1")
			f := add(a, "p2", "CVE-1")
			f.Locations = []finding.Location{{Path: "opt/minimist"}}
			f.Fingerprint = finding.Fingerprint(*f, "pkg:npm/minimist@1.2.5")
		}, finding.SinceNew},
		"under an alias": {func(b, a *finding.Report) { add(b, "p2", "GHSA-1"); add(a, "p2", "CVE-1").Aliases = []string{"GHSA-1"} }, finding.SinceKnown},
		"an alias then":  {func(b, a *finding.Report) { add(b, "p2", "GHSA-1").Aliases = []string{"CVE-1"}; add(a, "p2", "CVE-1") }, finding.SinceKnown},
		"exploited since": {func(b, a *finding.Report) {
			add(b, "p2", "CVE-1")
			add(a, "p2", "CVE-1").Risk = &finding.Risk{KEV: true}
		}, finding.SinceDisclosed},
		"graver since": {func(b, a *finding.Report) { add(b, "p2", "CVE-1").Severity = finding.Low; add(a, "p2", "CVE-1") }, finding.SinceDisclosed},
		"milder since": {func(b, a *finding.Report) { add(b, "p2", "CVE-1").Severity = finding.Critical; add(a, "p2", "CVE-1") }, finding.SinceKnown},
		"let pass then": {func(b, a *finding.Report) {
			add(b, "p2", "CVE-1").Suppressed = []finding.Suppression{{By: "exception"}}
			add(a, "p2", "CVE-1")
		}, finding.SinceNew},
		"let pass in both": {func(b, a *finding.Report) {
			add(b, "p2", "CVE-1").Suppressed = []finding.Suppression{{By: "exception"}}
			add(a, "p2", "CVE-1").Suppressed = []finding.Suppression{{By: "exception"}}
		}, finding.SinceKnown},
		"not all was assessed": {func(b, a *finding.Report) {
			b.Coverage = []finding.Gap{{Class: "feed-partial", Blocking: true, Allowed: true, Target: "t1"}}
			add(a, "p2", "CVE-1")
		}, finding.SinceNew},
		"not all was assessed, and published since": {func(b, a *finding.Report) {
			b.Coverage = []finding.Gap{{Class: "feed-partial", Blocking: true, Target: "t1"}}
			add(a, "p2", "CVE-1").Published = "2026-11-02"
		}, finding.SinceDisclosed},
		"another target was not assessed": {func(b, a *finding.Report) {
			b.Coverage = []finding.Gap{{Class: "feed-partial", Blocking: true, Target: "t9"}}
			add(a, "p2", "CVE-1")
		}, finding.SinceDisclosed},
		"vulnerabilities were not looked for": {func(b, a *finding.Report) {
			b.Tool.Checks = []string{"image"}
			add(a, "p2", "CVE-1").Published = "2026-11-02"
		}, finding.SinceNew},
		"filters hid some": {func(b, a *finding.Report) { b.Tool.Hidden = 1; add(a, "p2", "CVE-1").Published = "2026-11-02" }, finding.SinceNew},
		"another image": {func(b, a *finding.Report) {
			b.Targets[0].Name = "shop/web:1"
			add(b, "p2", "CVE-1")
			add(a, "p2", "CVE-1")
		}, finding.SinceNew},
		"another platform": {func(b, a *finding.Report) {
			b.Targets[0].Platform = "linux/arm64"
			add(b, "p2", "CVE-1")
			add(a, "p2", "CVE-1")
		}, finding.SinceNew},
		"another tag": {func(b, a *finding.Report) {
			b.Targets[0].Name = "shop/cart:1.3"
			add(b, "p2", "CVE-1")
			add(a, "p2", "CVE-1")
		}, finding.SinceKnown},
		"two of that repository": {func(b, a *finding.Report) {
			b.Targets = []finding.Target{{ID: "t1", Kind: "image", Name: "shop/cart:1", Platform: "linux/amd64"}, {ID: "t2", Kind: "image", Name: "shop/cart:2", Platform: "linux/amd64"}}
			add(b, "p2", "CVE-1")
			add(a, "p2", "CVE-1")
		}, finding.SinceNew},
		"configuration of other bytes":    {func(_, a *finding.Report) { add(a, "", "image/root-user") }, finding.SinceNew},
		"configuration of the same bytes": {func(_, a *finding.Report) { add(a, "", "image/root-user") }, finding.SinceDisclosed},
		"configuration of the same bytes, half read": {func(b, a *finding.Report) {
			b.Coverage = []finding.Gap{{Class: finding.GapSkipped, Target: "t1"}}
			add(a, "", "image/root-user")
		}, finding.SinceNew},
		"a policy on the same bytes": {func(_, a *finding.Report) { add(a, "", "no-curl").Kind = finding.KindPolicy }, finding.SinceNew},
	} {
		t.Run(name, func(t *testing.T) {
			before, after := report(), report()
			if !strings.Contains(name, "same bytes") {
				after.Targets[0].Digest = "sha256:b"
			}
			c.change(before, after)
			b, err := Of(before)
			if err != nil {
				t.Fatal(err)
			}
			b.Class(after, 0)
			if got := after.Findings[len(after.Findings)-1].Since; got != c.want {
				t.Errorf("counts as %s, want %s", got, c.want)
			}
		})
	}
}

func TestNotes(t *testing.T) {
	before, after := report(), report()
	before.Coverage = []finding.Gap{{Class: "no-feed", Blocking: true}}
	after.Targets = append(after.Targets, finding.Target{ID: "t2", Kind: "image", Name: "other"})
	b, err := Of(before)
	if err != nil {
		t.Fatal(err)
	}
	want := "it did not assess all of shop/cart:1.4 for linux/amd64: what it may have missed counts as new\n" +
		"it is of shop/cart:1.4 and not of other: all that is found there counts as new"
	if diff := cmp.Diff(want, strings.Join(b.Notes(after), "\n")); diff != "" {
		t.Error(diff)
	}
	before.Verdict = finding.Verdict{}
	if _, err := Of(before); err == nil || !strings.Contains(err.Error(), "inventory") {
		t.Error(err)
	}
}

func TestCompare(t *testing.T) {
	before, after := report(), report()
	before.Verdict.Action, after.Targets[0].Digest = finding.Deny, "sha256:b"
	before.Packages = append(before.Packages, finding.Package{ID: "p3", Target: "t1", Type: "npm", Name: "gone", Version: "1", PURL: "pkg:npm/gone@1"}, finding.Package{ID: "p4", Target: "t1", Type: "npm", Name: "old", Version: "1", PURL: "pkg:npm/old@1"})
	after.Packages = append(after.Packages, finding.Package{ID: "p3", Target: "t1", Type: "npm", Name: "fresh", Version: "1", PURL: "pkg:npm/fresh@1"}, finding.Package{ID: "p4", Target: "t1", Type: "npm", Name: "old", Version: "2", PURL: "pkg:npm/old@2"})
	add(before, "p2", "CVE-SEVERITY").Severity = finding.Low
	add(before, "p2", "CVE-PASSED")
	add(before, "p2", "CVE-WITHDRAWN")
	add(before, "p2", "CVE-PASSED-BEFORE").Suppressed = []finding.Suppression{{By: "vex"}}
	add(before, "p3", "CVE-GONE")
	add(before, "p4", "CVE-UPGRADED")
	add(after, "p2", "CVE-SEVERITY")
	add(after, "p2", "CVE-PASSED").Suppressed = []finding.Suppression{{By: "exception", Reason: "r", Until: "2027-01-01"}}
	add(after, "p2", "CVE-DISCLOSED")
	add(after, "p3", "CVE-ADDED")
	before.Targets[0].Surface, before.Targets[0].Size = &finding.Surface{Packages: 10, Shells: 1}, 100
	after.Targets[0].Surface, after.Targets[0].Size = &finding.Surface{Packages: 12, Shells: 1}, 90
	d, err := Compare(before, after)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for list, all := range map[string][]Entry{"added": d.Added, "disclosed": d.Disclosed, "fixed": d.Fixed, "passed": d.Passed, "severity": d.Severity} {
		var words []string
		for _, e := range all {
			words = append(words, strings.TrimRight(e.Rule+" "+string(e.Was)+e.Why, " "))
		}
		got[list] = strings.Join(words, "; ")
	}
	want := map[string]string{
		"added": "CVE-ADDED", "disclosed": "CVE-DISCLOSED", "severity": "CVE-SEVERITY low", "passed": "CVE-PASSED exception: r, until 2027-01-01",
		"fixed": "CVE-GONE the package is gone; CVE-UPGRADED now 2; CVE-WITHDRAWN no longer reported of this version",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]Measure{{"shop/cart:1.4", "size", 100, 90}, {"shop/cart:1.4", "packages", 10, 12}}, d.Surface); diff != "" {
		t.Error(diff)
	}
	if d.Counts != (DiffCounts{6, 4}) || d.Verdict != [2]string{"deny", "pass"} {
		t.Errorf("%+v %v", d.Counts, d.Verdict)
	}
}
