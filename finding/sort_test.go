package finding

import (
	"encoding/json"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestSort shuffles a report, names of packages included, and wants one order whatever came in.
func TestSort(t *testing.T) {
	var want []byte
	for seed := range uint64(20) {
		r := shuffled(rand.New(rand.NewPCG(seed, 1)))
		Sort(r)
		got, err := json.MarshalIndent(r, "", " ")
		if err != nil {
			t.Fatal(err)
		}
		if want == nil {
			want = got
		}
		if diff := cmp.Diff(string(want), string(got)); diff != "" {
			t.Fatalf("seed %d gives another order:\n%s", seed, diff)
		}
		checkSorted(t, r)
	}
}

func checkSorted(t *testing.T, r *Report) {
	t.Helper()
	var rules []string
	for _, f := range r.Findings {
		rules = append(rules, f.Rule)
	}
	if diff := cmp.Diff([]string{"exploited", "critical", "likely", "unlikely", "passed", "other"}, rules); diff != "" {
		t.Error(diff)
	}
	for i, name := range []string{"a", "b", "c", "d"} {
		if r.Packages[i].Name != name {
			t.Errorf("package %d is %s, want %s", i, r.Packages[i].Name, name)
		}
	}
	if a := r.Packages[0]; a.ID != "p1" || a.OwnedBy != "p2" || !cmp.Equal(a.DependsOn, []string{"p2", "p3"}) || r.Packages[3].Target != "t2" {
		t.Errorf("references do not follow: %+v", r.Packages)
	}
	if r.Findings[0].Package != "p2" || r.Groups[0].Package != "p2" || r.Coverage[0].Class != "blocks" {
		t.Errorf("references do not follow: %+v", r)
	}
}

func shuffled(rnd *rand.Rand) *Report {
	r := &Report{
		Targets: []Target{{ID: "x"}, {ID: "y"}},
		Packages: []Package{
			{ID: "A", Target: "x", Name: "a", OwnedBy: "B", DependsOn: []string{"C", "B"}},
			{ID: "B", Target: "x", Name: "b"},
			{ID: "C", Target: "x", Name: "c"},
			{ID: "D", Target: "y", Name: "d"},
		},
		Findings: []Finding{
			{Target: "x", Rule: "exploited", Severity: Medium, Risk: &Risk{KEV: true}, Package: "B"},
			{Target: "x", Rule: "critical", Severity: Critical, Package: "A"},
			{Target: "x", Rule: "likely", Severity: High, Risk: &Risk{Score: 60}, Package: "C"},
			{Target: "x", Rule: "unlikely", Severity: High, Risk: &Risk{Score: 40}, Package: "A"},
			{Target: "x", Rule: "passed", Severity: Critical, Suppressed: []Suppression{{By: "exception"}}, Package: "A"},
			{Target: "y", Rule: "other", Severity: Critical, Package: "D"},
		},
		Checks: []Check{{Rule: "b", Target: "x"}, {Rule: "a", Target: "x"}, {Rule: "a", Target: "y"}},
		Groups: []Group{{Title: "one", Target: "x", Severity: High, Package: "B"}, {Title: "two", Target: "x", Severity: Low}},
		Coverage: []Gap{
			{Class: "blocks", Target: "x", Blocking: true}, {Class: "a", Target: "x"}, {Class: "a", Target: "x", Layer: new(int)}, {Class: "a", Target: "y"},
		},
		Verdict: Verdict{Reasons: []Reason{{Fingerprints: []string{"b", "a"}}}},
	}
	rnd.Shuffle(len(r.Packages), func(i, j int) { r.Packages[i], r.Packages[j] = r.Packages[j], r.Packages[i] })
	rnd.Shuffle(len(r.Findings), func(i, j int) { r.Findings[i], r.Findings[j] = r.Findings[j], r.Findings[i] })
	rnd.Shuffle(len(r.Checks), func(i, j int) { r.Checks[i], r.Checks[j] = r.Checks[j], r.Checks[i] })
	rnd.Shuffle(len(r.Groups), func(i, j int) { r.Groups[i], r.Groups[j] = r.Groups[j], r.Groups[i] })
	rnd.Shuffle(len(r.Coverage), func(i, j int) { r.Coverage[i], r.Coverage[j] = r.Coverage[j], r.Coverage[i] })
	return r
}
