package gap

import (
	"strings"
	"testing"

	"github.com/plimsoll/plimsoll/internal/read/kube"
)

func TestUnheld(t *testing.T) {
	const both, in = "policyTypes: [Ingress, Egress]", "ingress: []"
	policy := func(selector, rest string) string {
		return "\n---\n{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: some, namespace: shop}, spec: {podSelector: " + selector + ", " + rest + "}}"
	}
	for name, c := range map[string]struct{ spec, policies, want string }{
		"none":                   {"", "", "Ingress Egress"},
		"both":                   {"", policy("{}", both), ""},
		"one by default":         {"", policy("{}", in), "Egress"},
		"two":                    {"", policy("{}", in) + policy("{matchLabels: {app: cart}}", "egress: [{ports: [{port: 53}]}], policyTypes: [Egress]"), ""},
		"two, and one is open":   {"", policy("{}", in) + policy("{matchLabels: {app: cart}}", "egress: [{}], policyTypes: [Egress]"), "Egress"},
		"of other pods":          {"", policy("{matchLabels: {app: other}}", both), "Ingress Egress"},
		"by an expression":       {"", policy("{matchExpressions: [{key: app, operator: In, values: [cart]}]}", both), ""},
		"the node's":             {"hostNetwork: true, ", policy("{}", both), "node's network"},
		"one that is broken":     {"", policy("7", both), "Ingress Egress"},
		"lets everybody in":      {"", policy("{}", "policyTypes: [Ingress, Egress], ingress: [{}]"), "Ingress"},
		"lets all pods in":       {"", policy("{}", "policyTypes: [Ingress, Egress], ingress: [{from: [{namespaceSelector: {}}]}]"), ""},
		"lets all addresses in":  {"", policy("{}", "policyTypes: [Ingress, Egress], ingress: [{from: [{namespaceSelector: {}}, {ipBlock: {cidr: 0.0.0.0/0}}, {ipBlock: {cidr: \"::/0\"}}]}]"), "Ingress"},
		"a selector that is not": {"", policy("{matchExpressions: [{key: app, operator: Near}]}", both), "Ingress Egress"},
	} {
		t.Run(name, func(t *testing.T) {
			objects, problems := kube.Manifest("m.yaml", []byte("{apiVersion: v1, kind: Pod, metadata: {name: cart, namespace: shop, labels: {app: cart}}, spec: {"+c.spec+"containers: [{name: a, image: b}]}}"+c.policies))
			if len(problems) > 0 {
				t.Fatal(problems[0])
			}
			all, err := kube.Workloads(objects[0])
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, h := range Unheld(&all[0], objects[1:]) {
				got = append(got, h.Detail)
			}
			words := strings.Fields(c.want)
			if c.spec != "" {
				words = []string{c.want}
			}
			if len(got) != len(words) {
				t.Fatalf("%q, want %q", got, words)
			}
			for i := range words {
				if !strings.Contains(got[i], words[i]) {
					t.Errorf("%q, want %q", got[i], words[i])
				}
			}
		})
	}
}
