package statute

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/read/exceptionfile"
	"github.com/plimsoll/plimsoll/internal/read/kube"
)

var today = time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)

// object is one of a generation, as an API server gives it.
func object(t testing.TB, generation int64, uid, text string) *kube.Object {
	t.Helper()
	all, problems := kube.Manifest("object.yaml", []byte(text))
	if len(problems) > 0 || len(all) != 1 {
		t.Fatal(problems)
	}
	meta := all[0].Fields["metadata"].(map[string]any)
	meta["generation"], meta["uid"] = generation, uid
	return all[0]
}

func policyOf(t testing.TB, generation int64, uid, name, expression string) *kube.Object {
	t.Helper()
	return object(t, generation, uid, fmt.Sprintf("{apiVersion: plimsoll.io/v1alpha1, kind: Policy, metadata: {name: %s}, spec: {subject: manifest, action: warn, validations: [{expression: %q}]}}", name, expression))
}

func except(t testing.TB, namespace, name, more string) *kube.Object {
	t.Helper()
	kind, in := exceptionfile.Namespaced, ", namespace: "+namespace
	if namespace == "" {
		kind, in = exceptionfile.Wide, ""
	}
	return object(t, 1, name, fmt.Sprintf("{apiVersion: plimsoll.io/v1alpha1, kind: %s, metadata: {name: %s%s}, spec: {rule: [pod/privileged], reason: r, owner: o, until: '2026-11-29'%s}}", kind, name, in, more))
}

func compiler(t testing.TB, f Files) *Compiler {
	t.Helper()
	c, err := NewCompiler(f)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestWrong wants what is wrong to be told and to leave the others alone, and what was right before to stay.
func TestWrong(t *testing.T) {
	c := compiler(t, Files{Taken: []string{"taken"}})
	fine, taken := policyOf(t, 1, "f", "fine", "object.kind == 'Pod'"), policyOf(t, 1, "t", "taken", "true")
	names := func(b *Book) (all []string) {
		for _, p := range b.Policies {
			all = append(all, fmt.Sprintf("%s@%d", p.Name, b.Generations[PlaceOf(p.Name)]))
		}
		return all
	}
	for _, step := range []struct {
		why    string
		policy *kube.Object
		want   string // in force
		wrong  string
		broken bool
	}{
		{"never right", policyOf(t, 1, "a", "p", "objct"), "[fine@1]", "objct", true},
		{"mended", policyOf(t, 2, "a", "p", "true"), "[fine@1 p@2]", "", false},
		{"wrong after that", policyOf(t, 3, "a", "p", "objct"), "[fine@1 p@2]", "(generation 2) stays in force", false},
		{"and still", policyOf(t, 4, "a", "p", "1 +"), "[fine@1 p@2]", "(generation 2) stays in force", false},
		{"another of its name", policyOf(t, 1, "b", "p", "objct"), "[fine@1]", "objct", true},
		{"gone", nil, "[fine@1]", "", false},
		{"the first again", policyOf(t, 4, "a", "p", "1 +"), "[fine@1]", "1 +", true},
	} {
		all := []*kube.Object{fine, taken}
		if step.policy != nil {
			all = append(all, step.policy)
		}
		b := c.Compile(all)
		if got := fmt.Sprint(names(b)); got != step.want {
			t.Errorf("%s: %s in force, not %s", step.why, got, step.want)
		}
		err := b.Wrong["Policy/p"]
		if (err == nil) != (step.wrong == "") || err != nil && step.wrong != "1 +" && !strings.Contains(err.Error(), step.wrong) {
			t.Errorf("%s: %v", step.why, err)
		}
		if len(b.Broken) > 0 != step.broken || step.broken && (b.Broken[0].Name != "p" || b.Broken[0].Action != finding.Warn) {
			t.Errorf("%s: broken: %+v", step.why, b.Broken)
		}
		if err := b.Wrong["Policy/taken"]; err == nil || !strings.Contains(err.Error(), "a file has a policy of this name") {
			t.Errorf("%s: a name that a file has: %v", step.why, err)
		}
	}
}

// TestAllow wants an exception to hold in its own namespace, until its day is over, and one that is wrong nowhere.
func TestAllow(t *testing.T) {
	b := compiler(t, Files{}).Compile([]*kube.Object{
		except(t, "shop", "a", ""), except(t, "pay", "wide", ", namespace: [shop]"), except(t, "", "c", ", namespace: [p*]"),
	})
	if err := b.Wrong["Exception/pay/wide"]; err == nil || !strings.Contains(err.Error(), "namespace") || len(b.Wrong) != 1 {
		t.Errorf("%v", b.Wrong)
	}
	let := func(namespace string, day time.Time) bool {
		report := &finding.Report{Targets: []finding.Target{{ID: "t"}}, Findings: []finding.Finding{{
			Target: "t", Rule: "pod/privileged", Subject: &finding.Subject{APIVersion: "v1", Kind: "Pod", Namespace: namespace, Name: "x"},
		}}}
		if err := b.Allow(namespace, day).Use(report).Apply(); err != nil {
			t.Fatal(err)
		}
		return len(report.Findings[0].Suppressed) > 0
	}
	for namespace, want := range map[string]bool{"shop": true, "pay": true, "other": false} {
		if let(namespace, today) != want || let(namespace, today.AddDate(0, 0, 1)) || let(namespace, today) != want {
			t.Errorf("%s: it lets pass %t, the day after %t, and not %t", namespace, let(namespace, today), let(namespace, today.AddDate(0, 0, 1)), want)
		}
	}
	if b.Version("shop") == b.Version("pay") || b.Version("pay") != b.Version("other") {
		t.Error("versions do not follow what holds in a namespace")
	}
}

// TestBounds wants what one namespace has too much to be its own affair, and Policies beyond the bound to be broken.
func TestBounds(t *testing.T) {
	var all []*kube.Object
	for i := range mostExceptions + 1 {
		all = append(all, except(t, "greedy", fmt.Sprintf("e%04d", i), ""))
	}
	for i := range mostPolicies + 1 {
		all = append(all, policyOf(t, 1, fmt.Sprint(i), fmt.Sprintf("p%04d", i), "true"))
	}
	b := compiler(t, Files{}).Compile(append(all, except(t, "shop", "a", "")))
	if len(b.Wrong) != 2 || b.Wrong["Exception/greedy/e1000"] == nil || len(b.Broken) != 1 || b.Broken[0].Name != "p1000" {
		t.Errorf("%v, broken %+v", b.Wrong, b.Broken)
	}
	if b.Generations["Exception/shop/a"] != 1 {
		t.Error("another namespace pays for it")
	}
}

// TestPlaces wants what is wrong to be told with its line where a file holds it, and with its field where none does.
func TestPlaces(t *testing.T) {
	text := "apiVersion: plimsoll.io/v1alpha1\nkind: Policy\nmetadata: {name: typo}\nspec:\n  subject: manifest\n  validations:\n  - expression: \"true\"\n  - message: m\n    expression: |\n      objct.kind == 'Pod'\n"
	unknown := "apiVersion: plimsoll.io/v1alpha1\nkind: ClusterException\nmetadata: {name: e}\nspec:\n  rule: [pod/privileged]\n  reson: r\n"
	for name, c := range map[string]struct{ text, place, file, cluster string }{
		"an expression":  {text, "Policy/typo", `object.yaml:9: "objct" is neither`, `spec.validations[1].expression: "objct" is neither`},
		"a key":          {unknown, "ClusterException/e", `object.yaml:6: `, "spec.reson: "},
		"what is absent": {text[:strings.Index(text, "  validations")], "Policy/typo", "object.yaml:4: ", "spec: "},
	} {
		written := object(t, 1, "u", c.text)
		held := *written
		held.Source = kube.Source{}
		for o, want := range map[*kube.Object]string{written: c.file, &held: c.cluster} {
			got := compiler(t, Files{}).Compile([]*kube.Object{o}).Wrong[c.place]
			if got == nil || !strings.HasPrefix(got.Error(), want) {
				t.Errorf("%s: %v, and not %q", name, got, want)
			}
		}
	}
}

// TestUnknown wants exceptions that name rules which nobody has to be told, of files and of the cluster, until somebody has
// them.
func TestUnknown(t *testing.T) {
	files := Files{Rule: func(word string) bool { return word == "pod/privileged" }, Taken: []string{"native"}, Exceptions: []exceptionfile.File{{
		Name: "e.yaml", Exceptions: []exceptionfile.Exception{{Rules: []string{"policy/later"}, File: "e.yaml", Line: 2}, {Rules: []string{"policy/Native", "policy/*"}, File: "e.yaml", Line: 5}},
	}}}
	typo := object(t, 1, "x", "{apiVersion: plimsoll.io/v1alpha1, kind: ClusterException, metadata: {name: typo}, spec: {rule: [pod/privilegd], name: a, reason: r, owner: o, until: '2026-11-29'}}")
	half := object(t, 1, "y", "{apiVersion: plimsoll.io/v1alpha1, kind: ClusterException, metadata: {name: half}, spec: {rule: [pod/privilegd, pod/privileged], name: a, reason: r, owner: o, until: '2026-11-29'}}")
	c := compiler(t, files)
	b := c.Compile([]*kube.Object{typo, half})
	if len(b.Unknown) != 3 || !strings.Contains(b.Unknown["ClusterException/typo"], "no rule that there is: pod/privilegd;") || !strings.Contains(b.Unknown["e.yaml:2"], "policy/later") {
		t.Errorf("%v", b.Unknown)
	}
	if !b.Idle["ClusterException/typo"] || b.Idle["ClusterException/half"] {
		t.Errorf("%v", b.Idle)
	}
	if b = c.Compile([]*kube.Object{half, policyOf(t, 1, "p", "later", "true")}); len(b.Unknown) != 1 || b.Unknown["ClusterException/half"] == "" {
		t.Errorf("%v", b.Unknown)
	}
	if got := files.Unknown(); len(got) != 1 {
		t.Errorf("%v", got)
	}
}
