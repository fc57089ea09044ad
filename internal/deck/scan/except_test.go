package scan

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/read/exceptionfile"
	"github.com/plimsoll/plimsoll/internal/read/image"
	"github.com/plimsoll/plimsoll/internal/weigh/baseline"
	"github.com/plimsoll/plimsoll/internal/weigh/exception"
)

// TestExceptLater runs what is found later, by policies say, through the same matcher and baseline; only then is
// it told which exceptions nothing answers to.
func TestExceptLater(t *testing.T) {
	f, err := exceptionfile.Parse("e.yaml", []byte("exceptions:\n"+
		"- {rule: no-curl, reason: r, owner: o, until: 2027-01-01}\n- {rule: CVE-1, reason: r, owner: o, until: 2027-01-01}\n- {rule: none, reason: r, owner: o, until: 2027-01-01}\n"+
		"owners:\n- {label: team}\n"))
	if err != nil {
		t.Fatal(err)
	}
	set, err := exception.Compile([]exceptionfile.File{f}, nil, time.Date(2026, 11, 24, 0, 0, 0, 0, time.UTC))
	if err != nil {
		t.Fatal(err)
	}
	before := &finding.Report{Verdict: finding.Verdict{Action: finding.Pass}, Targets: []finding.Target{{ID: "t1", Name: "x"}}}
	base, err := baseline.Of(before)
	if err != nil {
		t.Fatal(err)
	}
	s := &scan{o: Options{Exceptions: set, Baseline: base, BaselineFile: finding.File{Name: "b.json"}}, report: &finding.Report{
		Targets:  []finding.Target{{ID: "t1", Name: "x"}},
		Findings: []finding.Finding{{Kind: finding.KindVulnerability, Rule: "CVE-1", Severity: finding.High, Target: "t1"}},
	}}
	s.excepted.image("t1", &image.Image{Config: image.Config{Labels: map[string]string{"team": "shop"}}, RepoDigests: []string{"x@sha256:9"}})
	if err := s.except(); err != nil {
		t.Fatal(err)
	}
	s.report.Findings = append(s.report.Findings, finding.Finding{Kind: finding.KindPolicy, Rule: "no-curl", Severity: finding.High, Target: "t1"})
	if err := s.except(); err != nil {
		t.Fatal(err)
	}
	s.exceptionsTold()
	var got [][]string
	for _, f := range s.report.Findings {
		by := ""
		for _, one := range f.Suppressed {
			by += one.Where
		}
		got = append(got, []string{f.Rule, by, f.Owner, string(f.Since)})
	}
	want := [][]string{{"CVE-1", "e.yaml:3", "shop", "new"}, {"no-curl", "e.yaml:2", "shop", "new"}, {"exception/unused", "", "", "new"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if n := len(s.report.Tool.Files); n != 2 {
		t.Errorf("%d files are named, want 2", n)
	}
}
