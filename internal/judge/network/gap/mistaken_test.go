package gap

import (
	"slices"
	"strings"
	"testing"
)

// TestMistaken tells mistakes from what is meant: each case has what its one hit says, or nothing.
func TestMistaken(t *testing.T) {
	const (
		pods    = "apiVersion: v1\nkind: Pod\nmetadata: {name: cart, namespace: shop, labels: {app: cart}}\nspec: {containers: [{name: c, image: x, ports: [{name: http, containerPort: 8080}]}]}\n---\napiVersion: v1\nkind: Pod\nmetadata: {name: db, namespace: shop, labels: {app: db}}\nspec: {containers: [{name: c, image: x}]}\n---\n"
		service = "apiVersion: v1\nkind: Service\nmetadata: {name: cart, namespace: shop}\nspec: {selector: {app: cart}, ports: [{port: 80, targetPort: TARGET}]}\n---\n"
		other   = "apiVersion: v1\nkind: Namespace\nmetadata: {name: monitoring, labels: {team: watch}}\n---\n"
	)
	leads := func(to string) string { return strings.Replace(service, "TARGET", to, 1) }
	for name, c := range map[string]struct{ id, text, want string }{
		"egress left out":              {"section-ignored", pods + head + "  podSelector: {}\n  policyTypes: [Ingress]\n  egress: [{}]\n", "spec.egress does not count"},
		"ingress left out":             {"section-ignored", pods + head + "  podSelector: {}\n  policyTypes: [Egress]\n  ingress: []\n", "spec.ingress does not count"},
		"no types, and no rule":        {"section-ignored", pods + head + "  podSelector: {}\n  egress: []\n", "spec.egress does not count"},
		"no types, and a rule":         {"section-ignored", pods + head + "  podSelector: {}\n  egress: [{}]\n", ""},
		"null":                         {"section-ignored", pods + head + "  podSelector: {}\n  policyTypes: [Ingress]\n  egress: null\n", ""},
		"a name for a label":           {"namespaces-select-nothing", pods + other + head + "  podSelector: {}\n  ingress: [{from: [{namespaceSelector: {matchLabels: {name: monitoring}}, podSelector: {}}]}]\n", "namespace monitoring has no label name=monitoring"},
		"a namespace that is not here": {"namespaces-select-nothing", pods + other + head + "  podSelector: {}\n  ingress: [{from: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: far}}}]}]\n", ""},
		"a label that is not here":     {"namespaces-select-nothing", pods + other + head + "  podSelector: {}\n  ingress: [{from: [{namespaceSelector: {matchLabels: {team: far}}}]}]\n", ""},
		"one of several":               {"namespaces-select-nothing", pods + other + head + "  podSelector: {}\n  ingress: [{from: [{namespaceSelector: {matchExpressions: [{key: team, operator: In, values: [monitoring, watch]}]}}]}]\n", ""},
		"all but one":                  {"namespaces-select-nothing", pods + other + head + "  podSelector: {}\n  ingress: [{from: [{namespaceSelector: {matchExpressions: [{key: name, operator: NotIn, values: [monitoring]}]}}]}]\n", ""},
		"a wrong name":                 {"port-name-unknown", pods + head + "  podSelector: {}\n  ingress: [{ports: [{port: web}]}]\n", "has a port web of TCP; they have http"},
		"of another protocol":          {"port-name-unknown", pods + head + "  podSelector: {}\n  ingress: [{ports: [{port: http, protocol: UDP}]}]\n", "has a port http of UDP"},
		"one of the pods has it":       {"port-name-unknown", pods + head + "  podSelector: {}\n  ingress: [{ports: [{port: http}]}]\n", ""},
		"of those it goes to":          {"port-name-unknown", pods + head + "  podSelector: {}\n  policyTypes: [Egress]\n  egress: [{to: [{podSelector: {matchLabels: {app: db}}}], ports: [{port: http}]}]\n", "no container of shop/Pod db"},
		"of nobody that is here":       {"port-name-unknown", pods + head + "  podSelector: {}\n  policyTypes: [Egress]\n  egress: [{to: [{namespaceSelector: {matchLabels: {a: b}}}], ports: [{port: http}]}]\n", ""},
		"the Service's port":           {"service-port", pods + leads("http") + head + "  podSelector: {matchLabels: {app: cart}}\n  ingress: [{ports: [{port: 80}]}]\n", "TCP 80 is a port of Service shop/cart, which leads to TCP 8080 of shop/Pod cart"},
		"the same port":                {"service-port", pods + leads("80") + head + "  podSelector: {}\n  ingress: [{ports: [{port: 80}]}]\n", ""},
		"of another protocol, too":     {"service-port", pods + leads("http") + head + "  podSelector: {}\n  ingress: [{ports: [{port: 80, protocol: UDP}]}]\n", ""},
		"a range":                      {"service-port", pods + leads("http") + head + "  podSelector: {}\n  ingress: [{ports: [{port: 80, endPort: 90}]}]\n", ""},
		"egress to the Service's port": {"service-port", pods + leads("http") + head + "  podSelector: {}\n  policyTypes: [Egress]\n  egress: [{to: [{podSelector: {}}], ports: [{port: 80}]}]\n", "TCP 80"},
		"egress to everybody":          {"service-port", pods + leads("http") + head + "  podSelector: {}\n  policyTypes: [Egress]\n  egress: [{ports: [{port: 80}]}]\n", ""},
	} {
		t.Run(name, func(t *testing.T) {
			all := Checks()
			i := slices.IndexFunc(all, func(one Check) bool { return one.ID == "network/"+c.id })
			hits := look(t, all[i], namespace+c.text)
			if c.want == "" && len(hits) > 0 || c.want != "" && (len(hits) != 1 || !strings.Contains(hits[0].Detail, c.want)) {
				t.Errorf("%+v, want %q", hits, c.want)
			}
		})
	}
}
