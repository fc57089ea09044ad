package trial

import (
	"context"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/plimsoll/plimsoll/internal/read/policyfile"
	"github.com/plimsoll/plimsoll/internal/weigh/policy"
)

var today = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

// TestLibrary runs the cases of what Plimsoll ships, and wants them to see each expression hold and fail.
func TestLibrary(t *testing.T) {
	set, err := policy.Library()
	if err != nil {
		t.Fatal(err)
	}
	out, err := Run(context.Background(), set, today)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range out.Results {
		if r.Failed != "" {
			t.Errorf("%s: %s, %s: %s", r.Place, r.Policy, r.Case, r.Failed)
		}
	}
	for _, c := range out.Coverage {
		if !c.Covered() {
			t.Errorf("%s: %s %q of %s: seen true %d times, false %d times", c.Place, c.Kind, c.Expression, c.Policy, c.True, c.False)
		}
	}
	for _, p := range set.Policies {
		if p.Description == "" || p.Fix == "" {
			t.Errorf("%s does not say what it is for and how to mend what it finds", p.Name.Value)
		}
	}
	if len(set.Policies) < 15 || len(out.Results) < 50 {
		t.Errorf("only %d policies and %d cases", len(set.Policies), len(out.Results))
	}
}

const small = `apiVersion: plimsoll/v1
kind: Policy
metadata: {name: no-curl}
spec:
  subject: package
  action: warn
  validations:
  - expression: pkg.name != "curl"
`

func set(t *testing.T, text string) *policyfile.Set {
	t.Helper()
	s, err := policyfile.Load(fstest.MapFS{"p.yaml": {Data: []byte(text)}, "saved.json": {Data: []byte(`{"schema":"plimsoll/report/v1","targets":[{"id":"t1","kind":"image","name":"a"}],"packages":[{"id":"p1","target":"t1","purl":"pkg:deb/curl@1","type":"deb","name":"curl"}]}`)}}, "p.yaml", "")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestFailures wants cases that go another way to be told, each with what is other.
func TestFailures(t *testing.T) {
	out, err := Run(context.Background(), set(t, small+`---
apiVersion: plimsoll/v1
kind: PolicyTest
metadata: {name: x}
spec:
  policy: no-curl
  cases:
  - {name: right, given: {packages: [{type: deb, name: curl}]}, expect: warn}
  - {name: saved, report: saved.json, expect: warn, findings: 1}
  - {name: other result, given: {packages: [{type: deb, name: curl}]}, expect: deny}
  - {name: other message, given: {packages: [{type: deb, name: curl}]}, expect: warn, message: nonsense}
  - {name: other number, given: {packages: [{type: deb, name: curl}]}, expect: warn, findings: 2}
`), today)
	if err != nil {
		t.Fatal(err)
	}
	var failed []string
	for _, r := range out.Results {
		failed = append(failed, r.Failed)
	}
	got := strings.Join(failed, "\n")
	want := `

expected deny, got warn: curl: not true: pkg.name != "curl"
no message has "nonsense": curl: not true: pkg.name != "curl"
expected 2 findings, got 1: curl: not true: pkg.name != "curl"`
	if got != want || out.Failed() != 3 {
		t.Errorf("%d failed: %s", out.Failed(), got)
	}
	if len(out.Coverage) != 1 || out.Coverage[0].Covered() || out.Coverage[0].True != 0 {
		t.Errorf("%+v", out.Coverage)
	}
}

func TestWrongCases(t *testing.T) {
	head := small + "---\napiVersion: plimsoll/v1\nkind: PolicyTest\nmetadata: {name: x}\nspec:\n  policy: "
	for text, want := range map[string]string{
		"no-kurl\n  cases: []\n": `p.yaml:14: there is no policy "no-kurl"`,
		"no-curl\n  cases:\n  - name: a\n    expect: pass\n    given:\n      packages:\n      - {nmae: curl}\n": `p.yaml:20: given: there is no field "nmae" here`,
		"no-curl\n  cases:\n  - {name: a, expect: pass, given: {packages: 3}}\n":                                "p.yaml:16: given: ",
		"no-curl\n  now: yesterday\n  cases: []\n":                                                              "p.yaml:15: now",
		"no-curl\n  params: {a: 1}\n  cases: []\n":                                                              `has no parameter "a"`,
	} {
		if _, err := Run(context.Background(), set(t, head+text), today); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
}
