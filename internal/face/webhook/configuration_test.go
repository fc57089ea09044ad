package webhook

import (
	"context"
	"slices"
	"strings"
	"testing"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"

	"github.com/plimsoll/plimsoll/internal/deck/admit"
	"github.com/plimsoll/plimsoll/internal/expr"
	"github.com/plimsoll/plimsoll/internal/read/admissionfile"
)

type inNamespace string

func (n inNamespace) Value(string) (any, error) {
	return map[string]any{"namespace": string(n), "userInfo": map[string]any{"groups": []string{"a"}}}, nil
}

// TestConfiguration wants what is generated to be safe, to ask nowhere in vain, and to leave out nothing that is denied.
func TestConfiguration(t *testing.T) {
	env, err := expr.New(nil, []expr.Variable{{Name: "request", Doc: "the request", Type: expr.Dyn}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{
		"", denyByDefault, "failOn: none", "onFailure: ignore", "connect: deny", "connect: 'off'",
		"exempt: ['mon*', pay]\nnamespaces: [{names: ['dev-?'], mode: warn}, {names: ['dev-*'], mode: audit}]",
		"failOn: none\nnamespaces: [{names: [dev-1], failOn: low, mode: audit}, {names: ['dev-*', pay], failOn: low}]",
		"namespaces: [{names: ['*'], mode: warn}]",
		"change: on", "onFailure: ignore\nchange: {digests: ['r.example/*']}\nnamespaces: [{names: ['dev-*'], change: 'off'}, {names: [pay], mode: warn}]",
		"namespaces: [{names: ['dev-1'], change: on}]", "change: {onFailure: ignore}",
	} {
		l := lineOf(t, file, nil)
		c := Configuration(l, Place{Name: "p", Namespace: "guard", Service: "plimsoll", Seconds: 3})
		fields, err := Fields(c)
		if err != nil {
			t.Fatal(err)
		}
		if err := Unsafe(fields); err != nil {
			t.Errorf("%s: %v", file, err)
		}
		webhooks := c.Webhooks
		m := Mutation(l, Place{Name: "p", Namespace: "guard", Service: "plimsoll", Seconds: 3})
		if (m != nil) != strings.Contains(file, "change: on") && (m != nil) != strings.Contains(file, "change: {") {
			t.Errorf("%s: mutates: %t", file, m != nil)
		}
		if m != nil {
			fields, err := Fields(m)
			if err != nil {
				t.Fatal(err)
			}
			if err := Unsafe(fields); err != nil {
				t.Errorf("%s: %v", file, err)
			}
			w := m.Webhooks[0]
			webhooks = append(webhooks, admissionregistrationv1.ValidatingWebhook{Name: w.Name, FailurePolicy: w.FailurePolicy, MatchConditions: w.MatchConditions})
		}
		for _, namespace := range []string{"dev-1", "dev-12", "pay", "monitoring", "shop"} {
			asked := map[admit.Stage]bool{}
			for _, w := range webhooks {
				stage := admit.Stage(strings.TrimSuffix(w.Name, ".admission.plimsoll.io"))
				if (*w.FailurePolicy == admissionregistrationv1.Fail) != (stage == admit.Fail || stage == admit.Change && !strings.Contains(file, "onFailure: ignore")) {
					t.Errorf("%s: %s %s", file, w.Name, *w.FailurePolicy)
				}
				asked[stage] = !slices.ContainsFunc(w.MatchConditions, func(c admissionregistrationv1.MatchCondition) bool {
					p, err := env.Compile(c.Expression, expr.Bool)
					if err != nil {
						t.Fatalf("%s: %v", c.Expression, err)
					}
					ok, _, err := p.Bool(context.Background(), inNamespace(namespace))
					if err != nil {
						t.Fatalf("%s: %v", c.Expression, err)
					}
					return !ok
				})
			}
			for _, stage := range append(admit.Stages(), admit.Change) {
				if want := says(l, stage, namespace); asked[stage] != want {
					t.Errorf("%q: %s in %s: asked %t, want %t", file, stage, namespace, asked[stage], want)
				}
			}
		}
		connects := slices.ContainsFunc(c.Webhooks, func(w admissionregistrationv1.ValidatingWebhook) bool {
			return slices.ContainsFunc(w.Rules, func(r admissionregistrationv1.RuleWithOperations) bool {
				return slices.Contains(r.Resources, "pods/exec")
			})
		})
		if connects == strings.Contains(file, "connect: 'off'") {
			t.Errorf("%q: exec is asked about: %t", file, connects)
		}
	}
}

// says is whether a stage has anything to say in a namespace, by the first entry of the file that names it.
func says(l *admit.Line, stage admit.Stage, namespace string) bool {
	if admissionfile.AnyMatch(l.File.Exempt, namespace) {
		return false
	}
	var entry *admissionfile.Namespace
	for i := range l.File.Namespaces {
		if n := &l.File.Namespaces[i]; entry == nil && admissionfile.AnyMatch(n.Names, namespace) {
			entry = n
		}
	}
	if stage == admit.Tell {
		return entry == nil || entry.Mode == nil || *entry.Mode != admissionfile.Off
	}
	return l.Denies(stage, entry)
}

// TestUnsafeMutation wants a mutating webhook to be held against the same checks.
func TestUnsafeMutation(t *testing.T) {
	m := Mutation(lineOf(t, "change: on", nil), Place{Name: "p", Namespace: "guard", Service: "plimsoll", Seconds: 3})
	m.Webhooks[0].NamespaceSelector = nil
	fields, err := Fields(m)
	if err != nil {
		t.Fatal(err)
	}
	if err := Unsafe(fields); err == nil || !strings.Contains(err.Error(), "admission/webhook-blocks-kube-system: MutatingWebhookConfiguration p") {
		t.Errorf("asked about kube-system, it is safe: %v", err)
	}
}
