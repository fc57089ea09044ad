package gap

import (
	"github.com/plimsoll/plimsoll/internal/check"
	"github.com/plimsoll/plimsoll/internal/judge/network"
)

// held are the checks of pods that nothing holds.
func held() []Check {
	return []Check{
		{Card: card("open-ingress", "pods take connections from everybody", "medium", "nsa-1.2/network-policies cis-k8s-1.12/5.3.2 kubescape/C-0030", check.Page{
			Why: "No policy keeps anybody from them, on any port: who gets into any pod of the cluster, or its network, goes on from there.",
			Fix: "Deny by default with a NetworkPolicy of podSelector {} and policyTypes [Ingress] in the namespace, and allow what is needed by others; plimsoll net suggest writes them.",
			Bad: shop + head + "  podSelector: {}\n  policyTypes: [Egress]\n", Good: shop + head + "  podSelector: {}\n  policyTypes: [Ingress]\n",
		}), look: func(f *Facts) []check.Hit {
			return f.perNamespace("take connections from everybody", func(e *network.Endpoint) bool { return !f.real.Strange && f.real.Open(e, network.Ingress) })
		}},
		{Card: card("open-egress", "pods open connections to everybody", "medium", "nsa-1.2/network-policies cis-k8s-1.12/5.3.2 kubescape/C-0030", check.Page{
			Why: "No policy keeps them from anybody, on any port: who gets into one of them reaches the rest of the cluster, its nodes and the internet, and takes data where they like.",
			Fix: "Deny by default with a NetworkPolicy of podSelector {} and policyTypes [Egress] in the namespace, and allow DNS and what is needed by others; plimsoll net suggest writes them.",
			Bad: shop + head + "  podSelector: {}\n  policyTypes: [Ingress]\n", Good: shop + head + "  podSelector: {}\n  policyTypes: [Egress]\n",
		}), look: func(f *Facts) []check.Hit {
			return f.perNamespace("open connections to everybody", func(e *network.Endpoint) bool { return !f.real.Strange && f.real.Open(e, network.Egress) })
		}},
	}
}
