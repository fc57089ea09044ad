package agree

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/check"
	"github.com/plimsoll/plimsoll/internal/ecosystem"
	"github.com/plimsoll/plimsoll/internal/ecosystem/all"
	"github.com/plimsoll/plimsoll/internal/read/advisory"
	"github.com/plimsoll/plimsoll/internal/read/opinion"
	"github.com/plimsoll/plimsoll/internal/tell/report/reporttest"
)

// lookup is a database of a few rows.
type lookup map[string][]advisory.Row

func (l lookup) Package(feed, name string) ([]advisory.Row, advisory.Cover, error) {
	return l[feed+" "+name], advisory.Whole, nil
}

func (l lookup) Vulnerability(id string) (advisory.Vulnerability, bool, error) {
	if slices.Contains([]string{"CVE-2021-44228", "GHSA-jfh8-c2jp-5v3q"}, id) {
		return advisory.Vulnerability{ID: "CVE-2021-44228", Aliases: []string{"GHSA-jfh8-c2jp-5v3q"}}, true, nil
	}
	return advisory.Vulnerability{}, false, nil
}

var database = lookup{
	"npm @babel/traverse": {{ID: "CVE-2023-45133", Feed: "osv/npm", Ranges: []advisory.Range{{Fixed: "7.23.2"}, {Introduced: "8.0.0", Fixed: "8.0.1"}}}, {ID: "CVE-2020-1", Feed: "osv/npm", Ranges: []advisory.Range{{Fixed: "6.0.0"}}}},
	"Debian:12 glibc":     {{ID: "CVE-2020-2", Feed: "debian", Unaffected: true}},
}

func options() Options {
	return Options{Lookup: database, Kinds: all.Ecosystems(), Cards: func(word string) []check.Card {
		cards := map[string]check.Card{"trivy/DS-0002": {ID: "image/sample-user"}, "hadolint/DL1": {ID: "image/end-of-life"}, "hadolint/DL2": {ID: "image/other"}}
		if c, ok := cards[word]; ok {
			return []check.Card{c}
		}
		return nil
	}}
}

func on(kind, namespace, name, version string) *opinion.Package {
	return &opinion.Package{Package: ecosystem.Package{Type: kind, Namespace: namespace, Name: name, Version: version}}
}

func vulnerability(id string, p *opinion.Package, s finding.Severity, fixed ...string) opinion.Opinion {
	return opinion.Opinion{Kind: finding.KindVulnerability, IDs: []string{id}, Package: p, Severity: s, Fixed: fixed}
}

// theirs is a report on the image of the sample.
func theirs(opinions ...opinion.Opinion) *opinion.Report {
	return &opinion.Report{Engine: "other", Name: "registry.example/shop/cart:1.4", Kinds: []finding.Kind{finding.KindVulnerability}, Opinions: opinions}
}

// told are the disagreements in short, without those of only ours.
func told(r *finding.Report) (out []string) {
	for _, d := range r.Disagreements {
		if d.What != finding.OnlyOurs {
			out = append(out, strings.TrimSpace(fmt.Sprintf("%s %s %s %s", d.What, d.Reason, d.Name, d.Rule)))
		}
	}
	slices.Sort(out)
	return out
}

func TestOnlyTheirs(t *testing.T) {
	r := reporttest.Sample()
	owned := &r.Packages[slices.IndexFunc(r.Packages, func(p finding.Package) bool { return p.Name == "toml" })]
	owned.OwnedBy = "p1"
	log4j := on("maven", "org.apache.logging.log4j", "log4j-core", "2.14.1")
	err := Merge(r, []*opinion.Report{theirs(
		vulnerability("GHSA-jfh8-c2jp-5v3q", log4j, finding.Critical, "2.15.0"), // under another id
		vulnerability("CVE-2023-45133", on("npm", "@babel", "traverse", "7.0.0"), finding.High, "8.0.1"),
		vulnerability("CVE-2020-1", on("npm", "@babel", "traverse", "7.0.0"), finding.Low),
		vulnerability("CVE-2020-1", on("npm", "@babel", "traverse", "7.0.0"), finding.Low, "7.0.0"), // told twice
		vulnerability("CVE-2020-2", on("deb", "debian", "libc6", "2.36-9"), finding.Low),
		vulnerability("CVE-2020-3", on("npm", "", "left-pad", "1.0.0"), finding.Low),
		vulnerability("CVE-2020-4", on("npm", "@babel", "traverse", "6.0.0"), finding.Low),
		vulnerability("CVE-2020-5", on("golang", "github.com/BurntSushi", "toml", "v1.0.0"), finding.Low),
		vulnerability("CVE-2023-46218", on("deb", "debian", "curl", "7.88.1-10+deb12u4"), finding.Medium, "7.88.1-10+deb12u5"),
		vulnerability("CVE-2021-44832", log4j, finding.High, "2.17.1"),
		vulnerability("CVE-2020-6", log4j, finding.Low),
	)}, options())
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"fix other-advisory @babel/traverse CVE-2023-45133",
		"only-theirs fixed @babel/traverse CVE-2020-1",
		"only-theirs let-pass curl CVE-2023-46218",
		"only-theirs not-affected libc6 CVE-2020-2",
		"only-theirs not-in-data org.apache.logging.log4j:log4j-core CVE-2020-6",
		"only-theirs not-in-inventory left-pad CVE-2020-3",
		"only-theirs other-version @babel/traverse CVE-2020-4",
		"only-theirs owned github.com/BurntSushi/toml CVE-2020-5",
		"severity unknown org.apache.logging.log4j:log4j-core CVE-2021-44832",
	}
	if diff := cmp.Diff(want, told(r)); diff != "" {
		t.Error(diff)
	}
	f := r.Findings[slices.IndexFunc(r.Findings, func(f finding.Finding) bool { return f.Rule == "CVE-2021-44228" })]
	if diff := cmp.Diff([]finding.Opinion{{Engine: "other", Agrees: true, Rule: "GHSA-jfh8-c2jp-5v3q", Severity: finding.Critical, Fixed: "2.15.0"}}, f.Opinions); diff != "" {
		t.Error(diff)
	}
	if e := r.Engines[0]; e.Findings != 10 || e.Agreed != 4 {
		t.Errorf("%+v", e)
	}
}

func TestOnlyOurs(t *testing.T) {
	their := theirs()
	ignored := vulnerability("CVE-2023-45133", on("npm", "@babel", "traverse", "7.0.0"), finding.High)
	ignored.Ignored = "not used"
	their.Opinions = []opinion.Opinion{ignored}
	their.Packages = []opinion.Package{*on("npm", "@babel", "traverse", "7.0.0"), *on("deb", "debian", "libc6", "2.36-9"), *on("maven", "org.apache.logging.log4j", "log4j-core", "2.0")}
	r := reporttest.Sample()
	if err := Merge(r, []*opinion.Report{their}, options()); err != nil {
		t.Fatal(err)
	}
	counts := map[string]int{}
	for _, d := range r.Disagreements {
		counts[d.What+" "+d.Reason]++
	}
	want := map[string]int{"only-ours let-pass-there": 1, "only-ours unknown": 7, "only-ours other-version-there": 3, "only-ours not-in-their-inventory": 8}
	if diff := cmp.Diff(want, counts); diff != "" {
		t.Error(diff)
	}
	for _, f := range r.Findings {
		if asked := f.Target == "t1" && f.Kind == finding.KindVulnerability && len(f.Suppressed) == 0; asked != (len(f.Opinions) == 1) {
			t.Errorf("%s of %s has %d opinions", f.Rule, f.Target, len(f.Opinions))
		}
	}
}

// TestOldNames knows Trivy's checks by the names that they had, as its older reports call them: without a line
// where all of a Dockerfile is meant.
func TestOldNames(t *testing.T) {
	r := reporttest.Sample()
	i := slices.IndexFunc(r.Findings, func(f finding.Finding) bool { return f.Rule == "dockerfile/sample-pin" })
	f := &r.Findings[i]
	f.Aliases = append(f.Aliases, "trivy/DS-0001")
	their := theirs(opinion.Opinion{Kind: finding.KindMisconfiguration, IDs: []string{"trivy/DS001", "trivy/AVD-DS-0001"}, Path: "Dockerfile", Severity: finding.High})
	their.Kinds = []finding.Kind{finding.KindMisconfiguration}
	if err := Merge(r, []*opinion.Report{their}, options()); err != nil {
		t.Fatal(err)
	}
	if len(f.Opinions) != 1 || !f.Opinions[0].Agrees {
		t.Errorf("%+v, %v", f.Opinions, told(r))
	}
}

// TestOtherKinds compares rules and secrets by alias, file and line.
func TestOtherKinds(t *testing.T) {
	rule := func(id, path string, line int) opinion.Opinion {
		return opinion.Opinion{Kind: finding.KindMisconfiguration, IDs: []string{id}, Path: path, Line: line, Severity: finding.Medium}
	}
	r := reporttest.Sample()
	their := theirs(rule("hadolint/DL3008", "Dockerfile", 11), rule("hadolint/DL3008", "Dockerfile", 99), rule("hadolint/DL1", "Dockerfile", 1), rule("hadolint/DL2", "Dockerfile", 1), rule("hadolint/none", "x", 1),
		opinion.Opinion{Kind: finding.KindSecret, IDs: []string{"trivy/github-pat"}, Path: "app/.env", Line: 3}, opinion.Opinion{Kind: finding.KindSecret, IDs: []string{"trivy/x"}, Path: "app/.env", Line: 30})
	their.Kinds = []finding.Kind{finding.KindMisconfiguration, finding.KindSecret}
	if err := Merge(r, []*opinion.Report{their}, options()); err != nil {
		t.Fatal(err)
	}
	want := []string{
		"only-theirs check-not-run  hadolint/DL2", "only-theirs check-passed  hadolint/DL1", "only-theirs no-check  hadolint/DL3008",
		"only-theirs no-check  hadolint/none", "only-theirs unknown  trivy/x", "severity unknown  dockerfile/sample-pin", "severity unknown  dockerfile/sample-pin",
	}
	if diff := cmp.Diff(want, told(r)); diff != "" {
		t.Error(diff)
	}
}

// TestTargets wants opinions on another image refused, and on one of several found by its layers or name.
func TestTargets(t *testing.T) {
	layers := []string{"sha256:" + strings.Repeat("0", 64), "sha256:" + strings.Repeat("1", 64), "sha256:" + strings.Repeat("2", 64)}
	for name, c := range map[string]struct {
		their opinion.Report
		want  string
	}{
		"layers":       {opinion.Report{Name: "x", DiffIDs: layers}, ""},
		"digest":       {opinion.Report{Name: "x", Digests: []string{"sha256:" + strings.Repeat("a", 64)}}, ""},
		"name":         {opinion.Report{Name: "registry.example/shop/cart:1.4"}, ""},
		"other layers": {opinion.Report{Name: "registry.example/shop/cart:1.4", DiffIDs: layers[:2]}, "does not say which of 2 targets"},
		"no name":      {opinion.Report{}, "does not say which of 2 targets"},
	} {
		c.their.Engine = "other"
		err := Merge(reporttest.Sample(), []*opinion.Report{&c.their}, options())
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	one := reporttest.Sample()
	one.Targets = one.Targets[:1]
	if err := Merge(one, []*opinion.Report{{Engine: "other", DiffIDs: layers[:2]}}, options()); err == nil || !strings.Contains(err.Error(), "is of another image") {
		t.Error(err)
	}
	if err := Merge(reporttest.Sample(), []*opinion.Report{theirs(), theirs()}, options()); err == nil {
		t.Error("two reports of an engine on a target are taken")
	}
}

// TestScore wants a severity that our own source's score comes to, and its word does not, to be told as such.
func TestScore(t *testing.T) {
	r := reporttest.Sample()
	f := &r.Findings[slices.IndexFunc(r.Findings, func(f finding.Finding) bool { return f.Rule == "CVE-2021-44228" })]
	f.Severity, f.SeverityFrom, f.Ratings = finding.High, "ghsa", []finding.Rating{{Source: "ghsa", Severity: finding.High, Score: 9.1}}
	log4j := on("maven", "org.apache.logging.log4j", "log4j-core", "2.14.1")
	if err := Merge(r, []*opinion.Report{theirs(vulnerability("CVE-2021-44228", log4j, finding.Critical))}, options()); err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(r.Disagreements, func(d finding.Disagreement) bool { return d.What == finding.OtherSeverity })
	if d := r.Disagreements[i]; d.Reason != otherSource || d.Detail != "critical is what the score of ghsa comes to, 9.1, and high the word of ghsa, which goes before it here" {
		t.Errorf("%+v", d)
	}
}
