package enforcement

import (
	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/check"
)

// Check is a card and the function that looks at what a trial came to.
type Check struct {
	check.Card
}

// Checks lists all checks of enforcement. Their examples are what a probe tells, a line for each way.
func Checks() []Check {
	return []Check{{check.Card{
		ID: "network/inert", Title: "the network does not enforce policies", Kind: finding.KindNetwork, Severity: finding.High,
		Decks: []string{finding.Admit, finding.Run}, Since: "0.1", Controls: []string{"cis-k8s-1.12/5.3.1", "nsa-1.2/network-policies"},
		Page: check.Page{
			Why:  "The API server takes policies, and nothing in the cluster's network does what they say, or not for all directions, families of addresses, protocols and nodes: whoever gets into a pod reaches what policies refuse.",
			Fix:  "Run a network plugin that enforces policies (Calico, Cilium, Antrea, OVN-Kubernetes, or an agent such as kube-network-policies beside another one), switch its enforcement on where it is optional, and probe again: plimsoll cluster probe --network.",
			Bad:  "NetworkPolicy ingress IPv4 TCP same-node enforced\nNetworkPolicy egress IPv4 TCP same-node inert\n",
			Good: "NetworkPolicy ingress IPv4 TCP same-node enforced\nNetworkPolicy egress IPv4 TCP same-node enforced\n",
		},
	}}}
}

// Look runs the check: each way is looked at, and each kind of policy and direction is one hit.
func (c Check) Look(k *Known) (hits []check.Hit, counts finding.Check) {
	for i := range k.Enforcement {
		switch k.Enforcement[i].Result {
		case finding.Inert:
			counts.Failed++
			fallthrough
		case finding.Enforced:
			counts.Evaluated++
		default:
			counts.NotAssessed++
		}
	}
	for _, kind := range kinds {
		for _, direction := range directions {
			result, which := k.Result(kind, direction)
			if result != finding.Inert {
				continue
			}
			detail := kind + " for " + direction
			if which != "" {
				detail += ", " + which
			}
			hits = append(hits, check.Hit{
				Where: "probed at " + k.When() + ": " + c.proof(k, kind, direction), Detail: detail,
				Subject: &finding.Subject{Kind: kind, Field: direction},
			})
		}
	}
	return hits, counts
}

// proof is what the first way that is inert met.
func (Check) proof(k *Known, kind, direction string) string {
	for i := range k.Enforcement {
		if e := &k.Enforcement[i]; e.Policy == kind && e.Direction == direction && e.Result == finding.Inert {
			return e.Family + " " + e.Protocol + " " + e.Placement + " " + e.Why
		}
	}
	return ""
}
