package network

import (
	"fmt"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/network-policy-api/apis/v1alpha1"
	"sigs.k8s.io/network-policy-api/apis/v1alpha2"
)

// clusterPolicy reads a ClusterNetworkPolicy, or one of the kinds that came before it.
func (r *reader) clusterPolicy() {
	_, version, _ := strings.Cut(r.object.APIVersion, "/")
	switch r.object.Kind + " " + version {
	case "ClusterNetworkPolicy v1alpha2":
		var of v1alpha2.ClusterNetworkPolicy
		if r.decode(&of) {
			r.newForm(&of)
		}
	case "AdminNetworkPolicy v1alpha1":
		var of v1alpha1.AdminNetworkPolicy
		if r.decode(&of) {
			r.wideObject(of.ObjectMeta)
			p := r.wide(Admin, int(of.Spec.Priority), subject(of.Spec.Subject))
			for i, rule := range of.Spec.Ingress {
				r.add(p, Ingress, i, rule.Name, string(rule.Action), ingressPeers(rule.From), r.oldPorts(Ingress, i, rule.Ports))
			}
			for i, rule := range of.Spec.Egress {
				peers := make([]v1alpha2.ClusterNetworkPolicyEgressPeer, len(rule.To))
				for j, to := range rule.To {
					peers[j] = egressPeer(to.Namespaces, to.Pods, to.Nodes, to.Networks)
					for _, name := range to.DomainNames {
						peers[j].DomainNames = append(peers[j].DomainNames, v1alpha2.DomainName(name))
					}
				}
				r.add(p, Egress, i, rule.Name, string(rule.Action), peers, r.oldPorts(Egress, i, rule.Ports))
			}
		}
	case "BaselineAdminNetworkPolicy v1alpha1":
		var of v1alpha1.BaselineAdminNetworkPolicy
		if r.decode(&of) {
			r.wideObject(of.ObjectMeta)
			p := r.wide(Baseline, 0, subject(of.Spec.Subject))
			for i, rule := range of.Spec.Ingress {
				r.add(p, Ingress, i, rule.Name, string(rule.Action), ingressPeers(rule.From), r.oldPorts(Ingress, i, rule.Ports))
			}
			for i, rule := range of.Spec.Egress {
				peers := make([]v1alpha2.ClusterNetworkPolicyEgressPeer, len(rule.To))
				for j, to := range rule.To {
					peers[j] = egressPeer(to.Namespaces, to.Pods, to.Nodes, to.Networks)
				}
				r.add(p, Egress, i, rule.Name, string(rule.Action), peers, r.oldPorts(Egress, i, rule.Ports))
			}
		}
	default:
		r.doubt("", "%s is of a version that is not known, or has no such kind, and it is not counted", r.object.APIVersion)
	}
}

func (r *reader) newForm(of *v1alpha2.ClusterNetworkPolicy) {
	r.wideObject(of.ObjectMeta)
	tier := Admin
	switch of.Spec.Tier {
	case v1alpha2.AdminTier:
	case v1alpha2.BaselineTier:
		tier = Baseline
	default:
		r.doubt("spec.tier", "%q is neither Admin nor Baseline; the policy is not counted", of.Spec.Tier)
		return
	}
	p := r.wide(tier, int(of.Spec.Priority), of.Spec.Subject)
	for i, rule := range of.Spec.Ingress {
		peers := make([]v1alpha2.ClusterNetworkPolicyEgressPeer, len(rule.From))
		for j, from := range rule.From {
			peers[j] = v1alpha2.ClusterNetworkPolicyEgressPeer{Namespaces: from.Namespaces, Pods: from.Pods}
		}
		r.add(p, Ingress, i, rule.Name, string(rule.Action), peers, r.newPorts(Ingress, i, rule.Protocols))
	}
	for i, rule := range of.Spec.Egress {
		r.add(p, Egress, i, rule.Name, string(rule.Action), rule.To, r.newPorts(Egress, i, rule.Protocols))
	}
}

// wide is a policy of the whole cluster, without its rules.
func (r *reader) wide(tier Tier, priority int, of v1alpha2.ClusterNetworkPolicySubject) *Policy {
	p := &Policy{Object: r.object, Tier: tier, Priority: priority}
	if priority < 0 || priority > 1000 {
		r.doubt("spec.priority", "%d is not between 0 and 1000", priority)
	}
	switch {
	case (of.Namespaces != nil) == (of.Pods != nil):
		r.doubt("spec.subject", "has to be either namespaces or pods; the policy speaks of nobody")
		p.subject = r.pods("spec.subject", "", nil, &metav1.LabelSelector{})
	case of.Namespaces != nil:
		p.subject = r.pods("spec.subject.namespaces", "", of.Namespaces, &metav1.LabelSelector{})
	default:
		p.subject = r.pods("spec.subject.pods", "", &of.Pods.NamespaceSelector, &of.Pods.PodSelector)
	}
	r.keep(p)
	return p
}

// ports are those of a rule; none where it names none, and broken where it names what is none.
type ports struct {
	matches []portMatch
	every   bool
	broken  bool

	field   string // of the rule
	n       int
	written bool
}

// add adds a rule. One that names somebody or something that is not understood fails closed, as the API's documents want
// it: it accepts nothing, and denies everything where it denies or passes.
func (r *reader) add(p *Policy, d Direction, i int, name, action string, peers []v1alpha2.ClusterNetworkPolicyEgressPeer, of ports) {
	rule := &Rule{Policy: p, Direction: d, Index: i, Name: name, ports: of.matches, every: of.every, peers: []peer{}}
	closed := of.broken
	kind := clusterKind(p.Kind)
	switch {
	case !slices.Contains(kind.actions, action):
		of := strings.Join(kind.actions, ", ")
		r.doubt(rule.Field()+".action", "%q is none of %s, which a %s has; the rule is not counted", action, of, p.Kind)
		return
	case action == "Deny":
		rule.Action = Deny
	case action == "Pass":
		rule.Action = Pass
	}
	if i == kind.most {
		r.doubt(rule.Field(), "no API server takes more than %d rules of a direction", kind.most)
	}
	if len(name) > 100 {
		r.doubt(rule.Field()+".name", "is longer than 100 bytes, which no API server takes")
	}
	if len(peers) == 0 {
		r.doubt(rule.Field(), "names nobody")
	}
	r.many(rule.Field()+[...]string{".from", ".to"}[d], len(peers), kind.most, false)
	r.many(rule.Field()+of.field, of.n, kind.most, of.written)
	for j, one := range peers {
		at := fmt.Sprintf("%s.%s[%d]", rule.Field(), [...]string{"from", "to"}[d], j)
		all, ok := r.widePeers(at, one, rule.Action)
		rule.peers = append(rule.peers, all...)
		closed = closed || !ok
	}
	switch {
	case closed && rule.Action == Allow:
		return
	case closed:
		rule.Action, rule.peers, rule.ports, rule.every = Deny, nil, nil, true
	}
	p.Rules[d] = append(p.Rules[d], rule)
}

// widePeers are whom an entry names: several where it lists networks.
func (r *reader) widePeers(at string, of v1alpha2.ClusterNetworkPolicyEgressPeer, action Action) (all []peer, ok bool) {
	named := 0
	if of.Namespaces != nil {
		named++
		all = append(all, r.pods(at+".namespaces", "", of.Namespaces, &metav1.LabelSelector{}))
	}
	if of.Pods != nil {
		named++
		all = append(all, r.pods(at+".pods", "", &of.Pods.NamespaceSelector, &of.Pods.PodSelector))
	}
	if of.Nodes != nil {
		named++
		s := r.selector(at+".nodes", of.Nodes)
		all = append(all, peer{nodes: s, text: "nodes with " + s.String()})
		if s.Empty() {
			all[len(all)-1].text = "all nodes"
		}
	}
	if len(of.Networks) > 0 {
		named++
		r.many(at+".networks", len(of.Networks), mostNetworks, false)
		for i, n := range of.Networks {
			prefix, valid := r.prefix(fmt.Sprintf("%s.networks[%d]", at, i), string(n))
			if !valid {
				return nil, false
			}
			all = append(all, peer{block: PrefixAddresses(prefix), text: prefix.String()})
		}
	}
	if len(of.DomainNames) > 0 {
		named++
		r.domains(at+".domainNames", of.DomainNames[0], action)
	}
	if named != 1 {
		r.doubt(at, "has to name one of namespaces, pods, nodes, networks and domainNames")
		return nil, false
	}
	return all, true
}

// domains tells of names, which are the addresses that somebody looks up. Rules that allow may have them; what others do with
// them is not told (apis/v1alpha2, ClusterNetworkPolicyEgressPeer.DomainNames).
func (r *reader) domains(at string, first v1alpha2.DomainName, action Action) {
	what := fmt.Sprintf("which addresses %s has is not known, and they are not counted", first)
	if action != Allow {
		what = fmt.Sprintf("%s: names are for rules that allow, and what a network does with them here is not told; they are not counted", first)
	}
	r.doubts = append(r.doubts, Doubt{Object: r.object, Field: at, What: what})
}

func (r *reader) newPorts(d Direction, i int, of []v1alpha2.ClusterNetworkPolicyProtocol) ports {
	all := ports{every: len(of) == 0, field: ".protocols", n: len(of), written: of != nil}
	for j, one := range of {
		at := fmt.Sprintf("spec.%s[%d].protocols[%d]", d, i, j)
		named := 0
		add := func(protocol Protocol, port *v1alpha2.Port) {
			named++
			all.add(r.clusterPort(at, protocol, port))
		}
		if one.TCP != nil {
			add(TCP, one.TCP.DestinationPort)
		}
		if one.UDP != nil {
			add(UDP, one.UDP.DestinationPort)
		}
		if one.SCTP != nil {
			add(SCTP, one.SCTP.DestinationPort)
		}
		if one.DestinationNamedPort != "" {
			named++
			all.add(portMatch{name: one.DestinationNamedPort, any: true}, true)
		}
		if named != 1 {
			r.doubt(at, "has to name one of tcp, udp, sctp and destinationNamedPort")
			all.broken = true
		}
	}
	return all
}

func (p *ports) add(m portMatch, ok bool) {
	if !ok {
		p.broken = true
		return
	}
	p.matches = append(p.matches, m)
}

func (r *reader) clusterPort(at string, protocol Protocol, of *v1alpha2.Port) (m portMatch, ok bool) {
	m.protocol = protocol
	switch {
	case of == nil:
		r.doubt(at, "has to name a port; all are meant where it names none")
		m.ports = PortRange(protocol, 1, maxPort)
		return m, true
	case (of.Number != 0) == (of.Range != nil):
		r.doubt(at, "a port has to be either a number or a range")
		return m, false
	case of.Range != nil:
		if of.Range.Start == of.Range.End {
			r.doubt(at, "a range has to end after its start: write a number")
		}
		m.ports, ok = r.span(at, protocol, of.Range.Start, of.Range.End)
	default:
		m.ports, ok = r.span(at, protocol, of.Number, of.Number)
	}
	return m, ok
}

func (r *reader) oldPorts(d Direction, i int, of *[]v1alpha1.AdminNetworkPolicyPort) ports {
	if of == nil || len(*of) == 0 {
		return ports{every: true, field: ".ports", written: of != nil}
	}
	all := ports{field: ".ports", n: len(*of), written: true}
	for j, one := range *of {
		at := fmt.Sprintf("spec.%s[%d].ports[%d]", d, i, j)
		named := 0
		add := func(protocol string, from, to int32) {
			named++
			if protocol == "" {
				protocol = TCP.String()
			}
			of, ok := r.protocol(at+".protocol", protocol)
			if !ok {
				all.broken = true
				return
			}
			span, ok := r.span(at, of, from, to)
			all.add(portMatch{protocol: of, ports: span}, ok)
		}
		if one.PortNumber != nil {
			add(string(one.PortNumber.Protocol), one.PortNumber.Port, one.PortNumber.Port)
		}
		if one.PortRange != nil {
			add(string(one.PortRange.Protocol), one.PortRange.Start, one.PortRange.End)
		}
		if one.NamedPort != nil {
			named++
			all.add(portMatch{name: *one.NamedPort, any: true}, true)
		}
		if named != 1 {
			r.doubt(at, "has to be one of portNumber, portRange and namedPort")
			all.broken = true
		}
	}
	return all
}

// The forerunners in the form of ClusterNetworkPolicies.

func subject(of v1alpha1.AdminNetworkPolicySubject) v1alpha2.ClusterNetworkPolicySubject {
	return v1alpha2.ClusterNetworkPolicySubject{Namespaces: of.Namespaces, Pods: namespacedPod(of.Pods)}
}

func namespacedPod(of *v1alpha1.NamespacedPod) *v1alpha2.NamespacedPod {
	if of == nil {
		return nil
	}
	return &v1alpha2.NamespacedPod{NamespaceSelector: of.NamespaceSelector, PodSelector: of.PodSelector}
}

func ingressPeers(of []v1alpha1.AdminNetworkPolicyIngressPeer) []v1alpha2.ClusterNetworkPolicyEgressPeer {
	peers := make([]v1alpha2.ClusterNetworkPolicyEgressPeer, len(of))
	for i, from := range of {
		peers[i] = egressPeer(from.Namespaces, from.Pods, nil, nil)
	}
	return peers
}

func egressPeer(namespaces *metav1.LabelSelector, pods *v1alpha1.NamespacedPod, nodes *metav1.LabelSelector, networks []v1alpha1.CIDR) v1alpha2.ClusterNetworkPolicyEgressPeer {
	peer := v1alpha2.ClusterNetworkPolicyEgressPeer{Namespaces: namespaces, Pods: namespacedPod(pods), Nodes: nodes}
	for _, n := range networks {
		peer.Networks = append(peer.Networks, v1alpha2.CIDR(n))
	}
	return peer
}
