package network_test

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"sigs.k8s.io/network-policy-api/apis/v1alpha1"
	"sigs.k8s.io/network-policy-api/apis/v1alpha2"
)

// This file answers one connection at a time, with plain loops over the objects, as the comments of the API's types say
// it: k8s.io/api/networking/v1, and apis/v1alpha1 and apis/v1alpha2 of sigs.k8s.io/network-policy-api. It knows nothing
// of classes, sets or intervals, and shares no line with what it is there to prove.

// end is one end of one connection.
type end struct {
	pod       bool // whose network is its own, which policies select
	namespace string
	labels    map[string]string
	ports     []corev1.ContainerPort
	node      string            // that it runs on, or is; empty: not known
	host      map[string]string // the labels of the node whose network it is in; nil: a network of its own
	address   netip.Addr        // not valid: not known
	family    int               // of the address, 4 or 6; 0: not known
}

// connection is one question.
type connection struct {
	from, to end
	protocol corev1.Protocol
	port     int32
}

// verdict is the answer for one of a connection's ends.
type verdict struct {
	allowed   bool
	rules     []string // that say so
	passed    string   // the last that left it to the next tier
	isolating []string // the NetworkPolicies that refuse what none allows
}

func (v verdict) String() string {
	slices.Sort(v.rules)
	slices.Sort(v.isolating)
	how := "refused"
	if v.allowed {
		how = "allowed"
	}
	return how + " by [" + strings.Join(v.rules, ", ") + "], passed by [" + v.passed + "], isolated by [" + strings.Join(v.isolating, ", ") + "]"
}

// document holds what a cluster has.
type document struct {
	namespaces map[string]map[string]string // their labels
	ranges     []netip.Prefix               // of pods' addresses, where nodes say them
	policies   []*networkingv1.NetworkPolicy
	cluster    []*v1alpha2.ClusterNetworkPolicy
	admin      []*v1alpha1.AdminNetworkPolicy
	baseline   *v1alpha1.BaselineAdminNetworkPolicy
}

// ways are the two directions.
const (
	ingress = "ingress"
	egress  = "egress"
)

// ownNode is NetworkPolicySpec.Ingress: "Traffic is allowed to a pod if ... the traffic source is the pod's local node".
func (c *connection) ownNode() bool {
	return c.from.host != nil && c.to.pod && c.to.node != "" && c.from.node == c.to.node
}

// rule is a rule of a policy of a connection's end that names the other end.
type rule struct {
	name   string // of the policy, and the place in it
	rank   int32
	action string
	ports  func(*connection) bool
	broken bool // it names somebody of a kind that nobody knows
}

// hearing is all that policies say between two ends in one direction.
type hearing struct {
	admin, allowing, baseline []rule
	isolating                 []string
}

// hear asks all policies, whatever the port is.
func (d *document) hear(from, to end, way string) (h hearing) {
	subject, peer := to, from
	if way == egress {
		subject, peer = from, to
	}
	if !subject.pod {
		return h
	}
	h.admin = append(d.newRules(way, subject, peer, v1alpha2.AdminTier), d.oldRules(way, subject, peer)...)
	h.baseline = append(d.newRules(way, subject, peer, v1alpha2.BaselineTier), d.baselineRules(way, subject, peer)...)
	for _, rules := range [][]rule{h.admin, h.baseline} {
		slices.SortStableFunc(rules, func(a, b rule) int { return int(a.rank) - int(b.rank) })
	}
	for _, p := range d.policies {
		if p.Namespace != subject.namespace || !selects(&p.Spec.PodSelector, subject.labels) || !affects(&p.Spec, way) {
			continue
		}
		h.isolating = append(h.isolating, p.Namespace+"/"+p.Name)
		add := func(i int, peers []networkingv1.NetworkPolicyPeer, ports []networkingv1.NetworkPolicyPort) {
			if d.among(peers, p.Namespace, peer) {
				h.allowing = append(h.allowing, rule{name: fmt.Sprintf("NetworkPolicy %s/%s %s[%d]", p.Namespace, p.Name, way, i), ports: func(c *connection) bool { return through(ports, c) }})
			}
		}
		if way == ingress {
			for i, r := range p.Spec.Ingress {
				add(i, r.From, r.Ports)
			}
			continue
		}
		for i, r := range p.Spec.Egress {
			add(i, r.To, r.Ports)
		}
	}
	return h
}

// judge is ClusterNetworkPolicySpec.Tier: Admin, then NetworkPolicy, then Baseline.
func (h *hearing) judge(c *connection) (v verdict) {
	if v.tier(h.admin, c) {
		return v
	}
	for _, r := range h.allowing {
		if r.ports(c) {
			v.allowed, v.rules = true, append(v.rules, r.name)
		}
	}
	switch {
	case v.allowed:
		return v
	case len(h.isolating) > 0:
		v.isolating = h.isolating
		return v
	}
	if !v.tier(h.baseline, c) {
		v.allowed = true
	}
	return v
}

// tier asks the rules of a tier, and says whether they decide.
func (v *verdict) tier(rules []rule, c *connection) bool {
	for _, r := range rules {
		// "For Accept rules, fail closed means: treat the rule as matching no traffic. For Deny and Pass rules ... treat
		// the rule as a Deny all rule."
		switch accept := r.action == "Accept" || r.action == "Allow"; {
		case r.broken && accept:
		case r.broken:
			v.rules = []string{r.name}
			return true
		case !r.ports(c):
		case r.action == "Pass":
			v.passed = r.name
			return false
		default:
			v.allowed, v.rules = accept, []string{r.name}
			return true
		}
	}
	return false
}

// affects is NetworkPolicySpec.PolicyTypes.
func affects(s *networkingv1.NetworkPolicySpec, way string) bool {
	if len(s.PolicyTypes) == 0 {
		return way == ingress || len(s.Egress) > 0
	}
	for _, t := range s.PolicyTypes {
		if strings.ToLower(string(t)) == way {
			return true
		}
	}
	return false
}

// among is NetworkPolicyIngressRule.From and NetworkPolicyEgressRule.To.
func (d *document) among(peers []networkingv1.NetworkPolicyPeer, home string, peer end) bool {
	if len(peers) == 0 {
		return true
	}
	for _, p := range peers {
		switch {
		case p.IPBlock != nil:
			if d.within(p.IPBlock.CIDR, p.IPBlock.Except, peer) {
				return true
			}
		case !peer.pod:
		case p.NamespaceSelector == nil:
			if peer.namespace == home && selects(p.PodSelector, peer.labels) {
				return true
			}
		case selects(p.NamespaceSelector, d.namespaces[peer.namespace]) && (p.PodSelector == nil || selects(p.PodSelector, peer.labels)):
			return true
		}
	}
	return false
}

// within is IPBlock. An end of unknown address is within what holds all that it may be.
func (d *document) within(cidr string, except []string, peer end) bool {
	block := netip.MustParsePrefix(cidr).Masked()
	if peer.address.IsValid() {
		if !block.Contains(peer.address) {
			return false
		}
		for _, e := range except {
			if netip.MustParsePrefix(e).Contains(peer.address) {
				return false
			}
		}
		return true
	}
	may := []netip.Prefix{netip.PrefixFrom(block.Addr(), 0)} // all of the block's family, if nothing narrows it
	if peer.family != 0 {
		may = d.ranges
	}
	for _, r := range may {
		if r.Addr().Is4() != (peer.family == 4) && peer.family != 0 {
			continue
		}
		if r.Bits() < block.Bits() || !block.Contains(r.Addr()) {
			return false
		}
		for _, e := range except {
			if netip.MustParsePrefix(e).Overlaps(r) {
				return false
			}
		}
	}
	return true
}

// through is NetworkPolicyPort.
func through(ports []networkingv1.NetworkPolicyPort, c *connection) bool {
	if len(ports) == 0 {
		return true
	}
	for _, p := range ports {
		protocol := corev1.ProtocolTCP
		if p.Protocol != nil {
			protocol = *p.Protocol
		}
		switch {
		case protocol != c.protocol:
		case p.Port == nil:
			return true
		case p.Port.Type == intstr.String:
			if named(c, p.Port.StrVal) {
				return true
			}
		case p.EndPort != nil:
			if p.Port.IntVal <= c.port && c.port <= *p.EndPort {
				return true
			}
		case p.Port.IntVal == c.port:
			return true
		}
	}
	return false
}

// named says that the port is one that the pod that is reached has by a name.
func named(c *connection, name string) bool {
	for _, p := range c.to.ports {
		protocol := p.Protocol
		if protocol == "" {
			protocol = corev1.ProtocolTCP
		}
		if c.to.pod && p.Name == name && p.ContainerPort == c.port && protocol == c.protocol {
			return true
		}
	}
	return false
}

// selects is metav1.LabelSelector: what it says is all of it wanted, and an empty one takes everything. NotIn takes what
// has no such label (k8s.io/apimachinery/pkg/labels, Requirement.Matches).
func selects(s *metav1.LabelSelector, labels map[string]string) bool {
	for k, want := range s.MatchLabels {
		if has, ok := labels[k]; !ok || has != want {
			return false
		}
	}
	for _, e := range s.MatchExpressions {
		has, ok := labels[e.Key]
		listed := slices.Contains(e.Values, has)
		var good bool
		switch e.Operator {
		case metav1.LabelSelectorOpIn:
			good = ok && listed
		case metav1.LabelSelectorOpNotIn:
			good = !ok || !listed
		case metav1.LabelSelectorOpExists:
			good = ok
		case metav1.LabelSelectorOpDoesNotExist:
			good = !ok
		}
		if !good {
			return false
		}
	}
	return true
}
