package gap

import (
	"fmt"
	"net/netip"
	"slices"

	"github.com/plimsoll/plimsoll/internal/check"
	"github.com/plimsoll/plimsoll/internal/judge/network"
	"github.com/plimsoll/plimsoll/internal/read/kube"
)

// metadata is the address at which clouds tell machines who they are: of AWS, Azure, Google, OpenStack and others.
const metadata = "169.254.169.254"

// reached are the checks of whom pods reach that hardly any has to.
func reached() []Check {
	return []Check{
		{Card: card("metadata-reached", "pods that policies hold reach the cloud's metadata service", "high", "nsa-1.2/network-policies nsa-1.2/protecting-sensitive-cloud-infrastructure attack/T1552.005", check.Page{
			Why:  "Whoever gets into the pod asks the metadata service for the credentials of its node. The policies that hold the pod leave that address out, most often by allowing 0.0.0.0/0. Pods that nothing holds are told by network/open-egress.",
			Fix:  "Except 169.254.169.254/32 from the block, or deny it to all pods with a ClusterNetworkPolicy of the Admin tier.",
			Bad:  shop + head + "  podSelector: {}\n  policyTypes: [Egress]\n  egress:\n  - to: [{ipBlock: {cidr: 0.0.0.0/0}}]\n    ports: [{port: 80}]\n",
			Good: shop + head + "  podSelector: {}\n  policyTypes: [Egress]\n  egress:\n  - to: [{ipBlock: {cidr: 0.0.0.0/0, except: [169.254.169.254/32]}}]\n    ports: [{port: 80}]\n",
		}), look: func(f *Facts) []check.Hit {
			to := f.real.At(netip.MustParseAddr(metadata))
			return f.perNamespace("reach it", func(e *network.Endpoint) bool {
				return !f.real.Open(e, network.Egress) && f.real.Between(e, to).Has(network.TCP, 80)
			})
		}},
		serverReached(),
		{Card: card("internet-egress", "a rule opens all of the internet", "medium", "nsa-1.2/network-policies", check.Page{
			Why:  "Whoever gets into one of the pods takes data to any address, and fetches tools from it.",
			Fix:  "Name the blocks of addresses that the pods need, or send their traffic through a proxy that knows names, and allow that one alone.",
			Bad:  shop + head + "  podSelector: {}\n  policyTypes: [Egress]\n  egress:\n  - to: [{ipBlock: {cidr: 0.0.0.0/0, except: [169.254.169.254/32]}}]\n",
			Good: shop + head + "  podSelector: {}\n  policyTypes: [Egress]\n  egress:\n  - to: [{ipBlock: {cidr: 198.51.100.0/24}}]\n",
		}), look: func(f *Facts) []check.Hit {
			return f.rules(func(r *network.Rule) (string, bool) {
				if r.Direction != network.Egress || r.Action != network.Allow || !f.model.Selects(r.Policy) {
					return "", false
				}
				var blocks network.Addresses
				for _, p := range f.model.Parties(r) {
					blocks = blocks.Union(p.Block)
				}
				if blocks.Public() {
					return blocks.Words() + " on " + f.model.PortsOf(r), true
				}
				return "everybody on " + f.model.PortsOf(r), r.Everybody()
			})
		}},
		{Card: card("all-namespaces", "a rule lets pods of all namespaces in", "medium", "nsa-1.2/network-policies kubescape/C-0030", check.Page{
			Why:  "A pod of any namespace, of any team, reaches these: the namespace is no border for them.",
			Fix:  "Name the namespaces that may, by a namespaceSelector of kubernetes.io/metadata.name, and the pods in them by a podSelector in the same entry.",
			Bad:  shop + head + "  podSelector: {}\n  policyTypes: [Ingress]\n  ingress:\n  - from: [{namespaceSelector: {}}]\n",
			Good: shop + head + "  podSelector: {}\n  policyTypes: [Ingress]\n  ingress:\n  - from: [{podSelector: {}}]\n",
		}), look: func(f *Facts) []check.Hit {
			return f.rules(func(r *network.Rule) (string, bool) {
				if r.Direction != network.Ingress || r.Action != network.Allow || !f.model.Selects(r.Policy) {
					return "", false
				}
				if r.Everybody() {
					return "everybody on " + f.model.PortsOf(r), true
				}
				for _, p := range f.model.Parties(r) {
					if p.Everybody {
						return p.Words + " on " + f.model.PortsOf(r), true
					}
				}
				return "", false
			})
		}},
		{Card: card("dns-blocked", "pods that may open connections cannot ask for names", "low", "", check.Page{
			Why:  "The policies let these pods out to somebody, but not to port 53 of anybody, or not of the pods that answer for names: what they look for by its name, they do not find. Most often it was forgotten.",
			Fix:  "Allow UDP and TCP port 53 to the pods with k8s-app: kube-dns of namespace kube-system.",
			Bad:  shop + head + "  podSelector: {}\n  policyTypes: [Egress]\n  egress:\n  - to: [{podSelector: {}}]\n    ports: [{port: 5432}]\n",
			Good: shop + head + "  podSelector: {}\n  policyTypes: [Egress]\n  egress:\n  - to: [{podSelector: {}}]\n    ports: [{port: 5432}]\n  - to: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: kube-system}}, podSelector: {matchLabels: {k8s-app: kube-dns}}}]\n    ports: [{port: 53, protocol: UDP}, {port: 53}]\n",
		}), look: dnsBlocked},
		{Card: card("block-in-cluster", "a rule names addresses of the cluster's own by a block", "medium", "", check.Page{
			Why:  "Pods, and Services, get other addresses when they are made anew: what the block lets in today is another pod tomorrow. Of a Service the address is changed to a pod's before policies are asked, so that the rule may not hold at all.",
			Fix:  "Name pods by podSelector and namespaceSelector; leave blocks to what is outside of the cluster.",
			Bad:  namespace + "apiVersion: v1\nkind: Pod\nmetadata: {name: cart, namespace: shop, labels: {app: cart}}\nspec:\n  containers:\n  - {name: cart, image: registry.example/shop/cart}\nstatus: {podIP: 10.244.1.7}\n---\n" + head + "  podSelector: {}\n  policyTypes: [Ingress]\n  ingress:\n  - from: [{ipBlock: {cidr: 10.244.1.0/24}}]\n",
			Good: shop + head + "  podSelector: {}\n  policyTypes: [Ingress]\n  ingress:\n  - from: [{podSelector: {matchLabels: {app: cart}}}]\n",
		}), look: func(f *Facts) []check.Hit {
			inside := f.inside()
			return f.rules(func(r *network.Rule) (string, bool) {
				for _, p := range f.model.Parties(r) {
					if len(p.Block) == 0 || p.Everybody || p.Block.Public() {
						continue
					}
					for _, in := range inside {
						if len(in.of.Intersect(p.Block)) > 0 {
							return fmt.Sprintf("%s holds %s", p.Words, in.what), true
						}
					}
				}
				return "", false
			})
		}},
	}
}

// dnsBlocked finds pods that a NetworkPolicy isolates, that reach somebody, and nobody who answers for names.
func dnsBlocked(f *Facts) []check.Hit {
	var dns []*network.Endpoint
	for _, e := range f.sure.Endpoints {
		if e.Kind == network.Pods && e.Namespace == "kube-system" && e.Workload.Meta.Labels["k8s-app"] == "kube-dns" {
			dns = append(dns, e)
		}
	}
	return f.perNamespaceOf(f.sure, "cannot ask", func(e *network.Endpoint) bool {
		if !f.sure.Isolated(e, network.Egress) || len(f.sure.Out(e)) == 0 {
			return false
		}
		if dns == nil { // who answers was not read: there may be no rule for the port at all
			return !f.sure.Meant(e, network.Egress).Has(network.UDP, 53)
		}
		if f.sure.OutOfCluster(e).Has(network.UDP, 53) { // who answers may be outside, or on the node
			return false
		}
		return !slices.ContainsFunc(dns, func(to *network.Endpoint) bool { return f.sure.Between(e, to).Has(network.UDP, 53) })
	})
}

// within is what addresses of the cluster's own are.
type within struct {
	what string
	of   network.Addresses
}

// inside are the addresses of the cluster's own that were read: of pods, of Services, and the ranges that nodes give.
func (f *Facts) inside() (all []within) {
	for _, e := range f.model.Endpoints {
		if (e.Kind == network.Pods || e.Kind == network.Node) && len(e.Addresses) > 0 {
			all = append(all, within{"the address of " + e.String(), e.Addresses})
		}
	}
	for _, o := range f.kube.Objects {
		if !o.Is("", "Service") {
			continue
		}
		spec, _ := o.Fields["spec"].(map[string]any)
		texts, _ := spec["clusterIPs"].([]any)
		for _, one := range append(texts, spec["clusterIP"]) {
			text, _ := one.(string)
			if a, err := netip.ParseAddr(text); err == nil {
				all = append(all, within{"the address of Service " + name(o), network.PrefixAddresses(netip.PrefixFrom(a, a.BitLen()))})
			}
		}
	}
	if ranges := f.model.PodRanges(); len(ranges) > 0 {
		all = append(all, within{"addresses that nodes give to pods, " + ranges.String(), ranges})
	}
	return all
}

func name(o *kube.Object) string { return o.Namespace + "/" + o.Name }
