package comply_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/check"
	"github.com/plimsoll/plimsoll/internal/judge/answer"
	"github.com/plimsoll/plimsoll/internal/weigh/catalog"
	"github.com/plimsoll/plimsoll/internal/weigh/comply"
)

// TestControls wants each control to have checks or a reason why a person has to look, and each control that a card
// names to be one of its framework.
func TestControls(t *testing.T) {
	all, err := comply.Frameworks(catalog.Cards(), answer.Proves)
	if err != nil {
		t.Fatal(err)
	}
	known, of := map[string]bool{}, map[string]bool{}
	for _, f := range all {
		of[f.ID] = true
		for _, s := range f.Sections {
			for _, c := range s.Controls {
				id := f.ID + "/" + c.ID
				if known[id] {
					t.Errorf("%s stands twice", id)
				}
				known[id] = true
				if len(c.Checks) == 0 && c.Manual == "" {
					t.Errorf("%s has neither checks nor a reason", id)
				}
			}
		}
	}
	for _, c := range catalog.Cards() {
		for _, control := range c.Controls {
			if framework, _, _ := strings.Cut(control, "/"); of[framework] && !known[control] {
				t.Errorf("%s names %s, which is no control", c.ID, control)
			}
		}
	}
	if want := []string{"cis-docker-1.7", "cis-k8s-1.12", "nsa-1.2", "pss"}; len(of) != len(want) {
		t.Errorf("%v, want %v", of, want)
	}
}

// TestCount holds the tables against the number of controls that the published benchmarks have, by chapter.
func TestCount(t *testing.T) {
	all, err := comply.Frameworks(nil, answer.Proves)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]int{}
	for _, f := range all {
		for _, s := range f.Sections {
			got[f.ID+" "+s.ID] = len(s.Controls)
		}
	}
	for section, n := range map[string]int{
		"1.1": 21, "1.2": 30, "1.3": 7, "1.4": 2, "2": 7, "3.1": 3, "3.2": 2, "4.1": 10, "4.2": 14, "4.3": 1,
		"5.1": 13, "5.2": 12, "5.3": 2, "5.4": 2, "5.5": 1, "5.6": 4,
	} {
		if got["cis-k8s-1.12 "+section] != n {
			t.Errorf("CIS %s has %d controls, want %d", section, got["cis-k8s-1.12 "+section], n)
		}
	}
}

// TestCountDocker holds chapters of the table of CIS Docker the same way.
func TestCountDocker(t *testing.T) {
	all, err := comply.Frameworks(nil, answer.Proves)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]int{"1.1": 18, "1.2": 2, "2": 18, "3": 24, "4": 12, "5": 32}
	for _, f := range all {
		for _, s := range f.Sections {
			if f.ID == "cis-docker-1.7" && len(s.Controls) != want[s.ID] {
				t.Errorf("chapter %s has %d controls, want %d", s.ID, len(s.Controls), want[s.ID])
			}
		}
	}
}

// TestWeigh holds what a control comes to, by what reports say of its checks.
func TestWeigh(t *testing.T) {
	cards := []check.Card{
		{ID: "pod/privileged", Controls: []string{"cis-k8s-1.12/5.2.2"}},
		{ID: "node/two", Controls: []string{"cis-k8s-1.12/5.2.2"}},
		{ID: "control/probe-x", Controls: []string{"cis-k8s-1.12/5.2.2", "cis-k8s-1.12/5.6.1"}},
		{ID: "image/user", Controls: []string{"cis-docker-1.7/4.1"}},
		{ID: "dockerfile/user", Controls: []string{"cis-docker-1.7/4.1"}},
		{ID: "compose/cpu", Controls: []string{"cis-docker-1.7/5.12"}},
		{ID: "container/cpu", Controls: []string{"cis-docker-1.7/5.12"}},
		{ID: "rbac/token-secret", Controls: []string{"cis-k8s-1.12/3.1.2"}},
	}
	all, err := comply.Frameworks(cards, answer.Proves)
	if err != nil {
		t.Fatal(err)
	}
	row := func(rule, target string, evaluated, failed, none, unknown int) finding.Check {
		return finding.Check{Rule: rule, Target: target, Evaluated: evaluated, Failed: failed, NotApplicable: none, NotAssessed: unknown}
	}
	good := []finding.Check{row("pod/privileged", "t1", 3, 0, 0, 0), row("node/two", "t1", 1, 0, 0, 0)}
	bad := []finding.Check{row("pod/privileged", "t1", 3, 1, 0, 0), row("node/two", "t1", 1, 0, 0, 0)}
	found := finding.Finding{Rule: "pod/privileged", Target: "t1", Title: "x"}
	excepted := found
	excepted.Suppressed = []finding.Suppression{{By: "exception", Owner: "ana", Ticket: "SEC-1", Until: "2026-12-31"}}
	gap := func(class, target string) []finding.Gap {
		return []finding.Gap{{Class: class, Blocking: true, Target: target, What: "gone"}}
	}
	for _, c := range []struct {
		name, control string
		report        finding.Report
		want          comply.Outcome
		why           string
	}{
		{"all looked, none failed", "5.2.2", finding.Report{Checks: good}, comply.Pass, ""},
		{"one failed", "5.2.2", finding.Report{Checks: bad, Findings: []finding.Finding{found}}, comply.Fail, "1 time"},
		{"one failed, and the finding is hidden", "5.2.2", finding.Report{Checks: bad}, comply.Fail, "1 time"},
		{"what failed is excepted", "5.2.2", finding.Report{Checks: bad, Findings: []finding.Finding{excepted}}, comply.Excepted, "excepted by exception, ana, SEC-1, until 2026-12-31"},
		{"one of two is excepted", "5.2.2", finding.Report{Checks: bad, Findings: []finding.Finding{excepted, found}}, comply.Fail, ""},
		{"one of its checks did not run", "5.2.2", finding.Report{Checks: good[:1]}, comply.NotVisible, "no report tells of node/two"},
		{"one of its checks did not run, and another failed", "5.2.2", finding.Report{Checks: bad[:1]}, comply.Fail, ""},
		{"one did not know enough", "5.2.2", finding.Report{Checks: append(slices.Clone(good), row("node/two", "t1", 0, 0, 0, 1))}, comply.NotVisible, "node/two did not know enough"},
		{"a gap where they looked", "5.2.2", finding.Report{Checks: good, Coverage: gap("unread-kind", "t1")}, comply.NotVisible, "unread-kind: gone"},
		{"a gap where nobody looked", "5.2.2", finding.Report{Checks: good, Coverage: gap("unreachable-target", "t2")}, comply.NotVisible, "unreachable-target: gone"},
		{"a gap of no target", "5.2.2", finding.Report{Checks: good, Coverage: gap("unreachable-target", "")}, comply.NotVisible, "unreachable-target"},
		{"a gap where others looked", "5.2.2", finding.Report{Checks: append(slices.Clone(good), row("image/user", "t2", 1, 0, 0, 0)), Coverage: gap("unreadable-file", "t2")}, comply.Pass, ""},
		{"a gap in advisories", "5.2.2", finding.Report{Checks: good, Coverage: gap("no-feed", "t1")}, comply.Pass, ""},
		{"a gap that was accepted", "5.2.2", finding.Report{Checks: good, Coverage: []finding.Gap{{Class: "unread-kind", Blocking: true, Allowed: true, Target: "t1"}}}, comply.Pass, ""},
		{"nothing to look at", "5.2.2", finding.Report{Checks: []finding.Check{row("pod/privileged", "t1", 0, 0, 1, 0), row("node/two", "t1", 0, 0, 1, 0)}}, comply.NotApplicable, ""},
		{"nothing to look at, since it is hidden", "5.2.2", finding.Report{
			Checks:   []finding.Check{row("pod/privileged", "t1", 0, 0, 1, 0), row("node/two", "t1", 0, 0, 1, 0)},
			Coverage: []finding.Gap{{Class: "not-visible", Target: "t1", What: "managed"}},
		}, comply.NotVisible, "managed"},
		{"a probe shows that it fails", "5.2.2", finding.Report{Checks: append(slices.Clone(good), row("control/probe-x", "t1", 1, 1, 0, 0))}, comply.Fail, ""},
		{"a probe alone shows nothing good", "5.2.2", finding.Report{Checks: []finding.Check{row("control/probe-x", "t1", 1, 0, 0, 0)}}, comply.NotVisible, ""},
		{"a probe that did not know takes nothing away", "5.2.2", finding.Report{Checks: append(slices.Clone(good), row("control/probe-x", "t1", 0, 0, 0, 1))}, comply.Pass, ""},
		{"a person's, and a probe shows that it fails", "5.6.1", finding.Report{Checks: []finding.Check{row("control/probe-x", "t1", 1, 1, 0, 0)}}, comply.Fail, ""},
		{"a person's", "5.6.1", finding.Report{Checks: []finding.Check{row("control/probe-x", "t1", 1, 0, 0, 0)}}, comply.Manual, "people alone"},
		{"nothing at all", "5.2.2", finding.Report{}, comply.NotVisible, ""},
		{"an image, and no Dockerfile", "4.1", finding.Report{Checks: []finding.Check{row("image/user", "t1", 1, 0, 0, 0)}}, comply.Pass, ""},
		{"the containers that run, and no Compose file", "5.12", finding.Report{Checks: []finding.Check{row("container/cpu", "t1", 2, 0, 0, 0)}}, comply.Pass, ""},
		{"no containers, on a host without a control plane", "5.12", finding.Report{
			Checks:   []finding.Check{row("container/cpu", "t1", 0, 0, 1, 0)},
			Coverage: []finding.Gap{{Class: "not-visible", Target: "t1", What: "no control plane"}},
		}, comply.NotApplicable, ""},
		{"containers of a Docker that could not be asked", "5.12", finding.Report{Checks: []finding.Check{row("container/cpu", "t1", 0, 0, 0, 1)}}, comply.NotVisible, "container/cpu did not know enough"},
		{"a Compose file, and no containers", "5.12", finding.Report{Checks: []finding.Check{row("compose/cpu", "t1", 2, 1, 0, 0)}}, comply.Fail, "1 time"},
		{"what no check can show to be met", "3.1.2", finding.Report{Checks: []finding.Check{row("rbac/token-secret", "t1", 1, 0, 0, 0)}}, comply.Manual, "audit log"},
		{"and one shows that it fails", "3.1.2", finding.Report{Checks: []finding.Check{row("rbac/token-secret", "t1", 1, 1, 0, 0)}}, comply.Fail, ""},
		{"neither", "4.1", finding.Report{Checks: good}, comply.NotVisible, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.report.Targets = []finding.Target{{ID: "t1", Name: "one"}, {ID: "t2", Name: "two"}}
			for _, f := range all {
				for _, r := range comply.Weigh(f, []comply.Report{{Name: "r.json", Report: &c.report}}).Controls {
					if r.ID != c.control || !strings.HasPrefix(f.ID, "cis-") {
						continue
					}
					if r.Outcome != c.want || !strings.Contains(r.Why, c.why) {
						t.Errorf("%s (%s), want %s (%s)", r.Outcome, r.Why, c.want, c.why)
					}
				}
			}
		})
	}
}

// TestSeveralReports holds targets of several reports apart, whose ids are the same.
func TestSeveralReports(t *testing.T) {
	cards := []check.Card{{ID: "pod/privileged", Controls: []string{"pss/baseline/privileged"}}}
	all, err := comply.Frameworks(cards, answer.Proves)
	if err != nil {
		t.Fatal(err)
	}
	f := all[slices.IndexFunc(all, func(f comply.Framework) bool { return f.ID == "pss" })]
	if f, err = f.Only([]string{"baseline/privileged"}); err != nil {
		t.Fatal(err)
	}
	one := &finding.Report{Targets: []finding.Target{{ID: "t1", Name: "a"}}, Checks: []finding.Check{{Rule: "pod/privileged", Target: "t1", Evaluated: 2}}}
	two := &finding.Report{
		Targets: []finding.Target{{ID: "t1", Name: "b"}}, Checks: []finding.Check{{Rule: "pod/privileged", Target: "t1", Evaluated: 1, Failed: 1}},
		Findings: []finding.Finding{{Rule: "pod/privileged", Target: "t1", Severity: finding.High, Title: "x"}},
	}
	got := comply.Weigh(f, []comply.Report{{Name: "1", Report: one}, {Name: "2", Report: two}})
	want := []comply.Result{{
		ID: "baseline/privileged", Section: "baseline", Title: "no container is privileged", Outcome: comply.Fail, Why: "1 time", Checks: []string{"pod/privileged"}, Looked: 3,
		Found: []comply.Found{{Rule: "pod/privileged", Severity: finding.High, Title: "x", Target: "b"}},
	}}
	if diff := cmp.Diff(want, got.Controls); diff != "" {
		t.Error(diff)
	}
	if _, err := f.Only([]string{"9.9"}); err == nil {
		t.Error("a section that is not there was taken")
	}
}
