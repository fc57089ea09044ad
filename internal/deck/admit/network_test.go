package admit

import (
	"errors"
	"strings"
	"testing"

	admissionv1 "k8s.io/api/admission/v1"

	"github.com/plimsoll/plimsoll/internal/read/admissionfile"
	"github.com/plimsoll/plimsoll/internal/read/kube"
)

// TestNetworkOfRunning wants what runs to be held against NetworkPolicies only where that is news.
func TestNetworkOfRunning(t *testing.T) {
	const policies = `
{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: out, namespace: shop}, spec: {podSelector: {}, policyTypes: [Egress]}}
---
{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: in, namespace: shop}, spec: {podSelector: {matchLabels: {app: cart}}, policyTypes: [Ingress]}}
`
	file, err := admissionfile.Parse("admission.yaml", []byte("noNetworkPolicy: deny\nfailOn: none\n"))
	if err != nil {
		t.Fatal(err)
	}
	known, err := New(Options{File: file, Around: kube.NewSnapshot(kube.Manifest("p.yaml", []byte(policies))), Whole: true})
	if err != nil {
		t.Fatal(err)
	}
	unknown, err := New(Options{File: file, Cluster: away{}})
	if err != nil {
		t.Fatal(err)
	}
	const held = ", labels: {app: cart}"
	debugger := func(more string) string {
		return strings.Replace(podWith(good, more), "spec: {", "spec: {ephemeralContainers: [{name: d, image: "+good+"}], ", 1)
	}
	for name, c := range map[string]struct {
		line     *Line
		now, was string
		denied   string // a part of why; empty: it is let in
	}{
		"new and held":                  {known, podWith(good, held), "", ""},
		"new and not held":              {known, podWith(good, ""), "", "no NetworkPolicy for Ingress"},
		"a debugger where nothing held": {known, debugger(""), podWith(good, ""), ""},
		"a debugger that frees it":      {known, debugger(""), podWith(good, held), "no NetworkPolicy for Ingress"},
		"labels that free it":           {known, podWith(good, ""), podWith(good, held), "no NetworkPolicy for Ingress"},
		"labels where nothing held":     {known, podWith(good, ", labels: {a: b}"), podWith(good, ""), ""},
		"labels that have it held":      {known, podWith(good, held), podWith(good, ""), ""},
		"new, and nobody knows":         {unknown, podWith(good, held), "", "it is away"},
		"a debugger, and nobody knows":  {unknown, debugger(held), podWith(good, held), ""},
		"labels, and nobody knows":      {unknown, podWith(good, ""), podWith(good, held), "it is away"},
	} {
		op := "CREATE"
		if c.was != "" {
			op = "UPDATE"
		}
		d := c.line.Decide(t.Context(), Fail, request(t, admissionv1.Operation(op), c.now, c.was), today)
		if d.Allowed != (c.denied == "") || !strings.Contains(d.Message, c.denied) {
			t.Errorf("%s: allowed is %v: %s", name, d.Allowed, d.Message)
		}
	}
}

// away is a cluster of which nothing is known.
type away struct{ Cluster }

func (away) Of(kube.Need, string) ([]*kube.Object, error) { return nil, errors.New("it is away") }
