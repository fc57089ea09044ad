package gap

import (
	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/check"
	"github.com/plimsoll/plimsoll/internal/judge/network"
)

// Use is what a pod has of the API server.
type Use struct {
	Token   bool // of its account is mounted
	Granted bool // a role gives the account something that not everybody has; or, where no role was read, may do so
}

// serverReached is the check of pods that reach the API server and have no use for it.
func serverReached() Check {
	slice := "apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\nmetadata: {name: kubernetes, namespace: default, labels: {kubernetes.io/service-name: kubernetes}}\naddressType: IPv4\nendpoints: [{addresses: [192.0.2.10]}]\nports: [{port: 6443}]\n---\n"
	return Check{Card: card("api-server-reached", "pods that policies hold reach the API server, and have no use for it", "medium", "nsa-1.2/network-policies attack/T1613", check.Page{
		Why:  "Nothing is granted to the pods' accounts, or no token of theirs is mounted: they have nothing to ask the API server. Who gets into one of them asks it as everybody may, and tries its weaknesses, or a token that lies about. Pods that nothing holds are told by network/open-egress.",
		Fix:  "Except the API server's addresses from the block that the policy allows, or name the blocks that the pods need.",
		Bad:  slice + shop + head + "  podSelector: {}\n  policyTypes: [Egress]\n  egress:\n  - to: [{ipBlock: {cidr: 0.0.0.0/0}}]\n    ports: [{port: 6443}]\n",
		Good: slice + shop + head + "  podSelector: {}\n  policyTypes: [Egress]\n  egress:\n  - to: [{ipBlock: {cidr: 0.0.0.0/0, except: [192.0.2.10/32]}}]\n    ports: [{port: 6443}]\n",
	}), look: lookServer, unknown: func(f *Facts) string {
		if len(f.servers) > 0 {
			return ""
		}
		for _, e := range f.real.Endpoints {
			if f.useless(e) && len(f.real.Leaves(e).Intersect(network.PortRange(network.TCP, 1, 65535))) > 0 {
				return "the API server's addresses: it is where Service kubernetes of namespace default leads to, by its EndpointSlice, and on nodes of the control plane; neither was read, so name it with plimsoll net gaps --api-server ADDRESS"
			}
		}
		return ""
	}}
}

// lookServer finds the pods. Those that have a token count for more: a weakness that takes one can be used.
func lookServer(f *Facts) []check.Hit {
	worst := map[string]finding.Severity{}
	hits := f.perNamespace("reach it", func(e *network.Endpoint) bool {
		if !f.useless(e) {
			return false
		}
		for _, s := range f.servers {
			if f.real.Between(e, s.Endpoint).Meets(s.Ports) {
				if worst[e.Namespace] == "" || f.use(e.Workload).Token {
					worst[e.Namespace] = severities[f.use(e.Workload).Token]
				}
				return true
			}
		}
		return false
	})
	for i := range hits {
		hits[i].Severity = worst[hits[i].Subject.Name]
	}
	return hits
}

// severities are by whether a token is mounted.
var severities = map[bool]finding.Severity{true: finding.Medium, false: finding.Low}

// useless says that a pod is held by policies, and has no use for the API server.
func (f *Facts) useless(e *network.Endpoint) bool {
	if e.Kind != network.Pods || !f.own(e.Workload.Object) || f.real.Open(e, network.Egress) {
		return false
	}
	use := f.use(e.Workload)
	return !use.Token || !use.Granted
}
