package network

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/plimsoll/plimsoll/internal/read/kube"
)

// Groups of the kinds that are read.
const (
	networkingGroup = "networking.k8s.io"
	policyGroup     = "policy.networking.k8s.io"
)

// strangers are the groups of policies that other networks have and this package does not know.
var strangers = map[string]string{
	"cilium.io": "Cilium's", "crd.projectcalico.org": "Calico's", "projectcalico.org": "Calico's", "crd.antrea.io": "Antrea's", "k8s.ovn.org": "OVN-Kubernetes'",
}

// reader reads policies, and keeps what is doubtful in them.
type reader struct {
	policies []*Policy
	doubts   []Doubt
	object   *kube.Object
	policy   *Policy // that is made of it; nil: none yet
	strange  bool
}

// readPolicies reads all policies among objects, in the order in which they are asked.
func readPolicies(objects []*kube.Object) *reader {
	var r reader
	strange := map[string]int{}
	for _, o := range objects {
		r.object, r.policy = o, nil
		before := len(r.doubts)
		switch group := o.Group(); {
		case o.APIVersion == networkingGroup+"/v1" && o.Kind == "NetworkPolicy":
			r.networkPolicy()
		case group == policyGroup:
			r.clusterPolicy()
		case strangers[group] != "" && (strings.HasSuffix(o.Kind, "Policy") || strings.HasSuffix(o.Kind, "Firewall")):
			strange[strangers[group]+" "+o.Kind]++
			r.strange = true
		case strings.EqualFold(o.Kind, "NetworkPolicy"):
			r.doubt("", "no API server has a kind %s of %s, and it is not counted: write apiVersion: networking.k8s.io/v1 and kind: NetworkPolicy", o.Kind, o.APIVersion)
		}
		for i := range r.doubts[before:] {
			d := &r.doubts[before+i]
			d.bears = r.bearing(d)
		}
	}
	r.twice(objects)
	for what, n := range strange {
		r.doubts = append(r.doubts, Doubt{What: fmt.Sprintf("%d of %s are not understood, and not counted", n, what)})
	}
	slices.SortFunc(r.doubts, func(a, b Doubt) int { return cmp.Compare(a.String(), b.String()) })
	slices.SortStableFunc(r.policies, func(a, b *Policy) int {
		return cmp.Or(cmp.Compare(a.Tier, b.Tier), cmp.Compare(a.Priority, b.Priority), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
	})
	return &r
}

// Tiered says that an object is a policy of the Admin or the Baseline tier.
func Tiered(o *kube.Object) bool { return o.Group() == policyGroup }

func (r *reader) doubt(field, format string, args ...any) {
	r.doubts = append(r.doubts, Doubt{Object: r.object, Field: field, What: fmt.Sprintf(format, args...), Broken: true})
}

// bearing is what a doubt about the object at hand may change: what its policy says of those that it selects, and all of that
// where no API server takes it; where whom it selects is not known, all that it might.
func (r *reader) bearing(d *Doubt) bearing {
	switch known := r.policy != nil && !strings.HasPrefix(d.Field, "spec.podSelector") && !strings.HasPrefix(d.Field, "spec.subject"); {
	case known && d.Broken:
		return bearing{policies: []*Policy{r.policy}, direction: r.policy.speaks(d.Field)}
	case known: // whose addresses names are: nobody's who is a pod
		return bearing{policies: []*Policy{r.policy}, direction: inDirection(d.Field), outside: true}
	case r.object.Group() == policyGroup:
		return bearing{}
	}
	return bearing{home: r.object.Home()}
}

// speaks is the one direction that a policy speaks of, if it is one: what is wrong in a field does not have it speak of the other.
func (p *Policy) speaks(field string) *Direction {
	spec, _ := p.Fields["spec"].(map[string]any)
	var of [2]bool
	for d := range Direction(2) {
		rules, _ := spec[d.String()].([]any)
		of[d] = p.Isolates[d] || p.Tier != Namespaced && len(rules) > 0
	}
	if of[Ingress] == of[Egress] || strings.HasPrefix(field, "spec.policyTypes") {
		return nil
	}
	d := Ingress
	if of[Egress] {
		d = Egress
	}
	return &d
}

// keep has a policy counted.
func (r *reader) keep(p *Policy) {
	r.policy = p
	r.policies = append(r.policies, p)
}

// decode reads the object at hand. A field that is not known may say what no older reader sees.
func (r *reader) decode(into any) bool {
	unknown, err := r.object.Decode(into)
	if err != nil {
		r.doubt("", "cannot be read, and is not counted: %v", err)
		return false
	}
	for _, u := range unknown {
		what, at, _ := strings.Cut(u, ` "`)
		r.doubt(strings.TrimSuffix(at, `"`), "%s: it is of another version of its API, or written wrongly", what)
	}
	return true
}

func (r *reader) networkPolicy() {
	var written networkingv1.NetworkPolicy
	if !r.decode(&written) {
		return
	}
	peers := 0
	for _, rule := range written.Spec.Ingress {
		peers += entries(rule.From, rule.Ports)
	}
	for _, rule := range written.Spec.Egress {
		peers += entries(rule.To, rule.Ports)
	}
	if peers > maxEntries {
		r.doubt("", "has more than %d peers, excepted blocks and ports, and is not counted", maxEntries)
		return
	}
	r.metadata(written.ObjectMeta, false)
	p := &Policy{Object: r.object, Tier: Namespaced}
	p.subject = r.pods("spec.podSelector", p.Home(), nil, &written.Spec.PodSelector)
	p.Isolates = isolates(&written.Spec)
	if len(written.Spec.PolicyTypes) > 2 {
		r.doubt("spec.policyTypes", "has more than two, which no API server takes")
	}
	for _, t := range written.Spec.PolicyTypes {
		if t != networkingv1.PolicyTypeIngress && t != networkingv1.PolicyTypeEgress {
			r.doubt("spec.policyTypes", "%q is neither Ingress nor Egress", t)
		}
	}
	if p.Isolates[Ingress] {
		for i, rule := range written.Spec.Ingress {
			r.rule(p, Ingress, i, rule.From, rule.Ports)
		}
	}
	if p.Isolates[Egress] {
		for i, rule := range written.Spec.Egress {
			r.rule(p, Egress, i, rule.To, rule.Ports)
		}
	}
	r.keep(p)
}

// maxEntries bounds what one NetworkPolicy names.
const maxEntries = 10_000

func entries(peers []networkingv1.NetworkPolicyPeer, ports []networkingv1.NetworkPolicyPort) int {
	n := len(peers) + len(ports)
	for _, p := range peers {
		if p.IPBlock != nil {
			n += len(p.IPBlock.Except)
		}
	}
	return n
}

// isolates are the directions that a NetworkPolicy speaks of: where it does not say, ingress, and egress if it has rules
// for that (networking.k8s.io/v1, NetworkPolicySpec.PolicyTypes).
func isolates(spec *networkingv1.NetworkPolicySpec) (is [2]bool) {
	is[Ingress] = len(spec.PolicyTypes) == 0 || slices.Contains(spec.PolicyTypes, networkingv1.PolicyTypeIngress)
	is[Egress] = len(spec.PolicyTypes) == 0 && len(spec.Egress) > 0 || slices.Contains(spec.PolicyTypes, networkingv1.PolicyTypeEgress)
	return is
}

func (r *reader) rule(p *Policy, d Direction, i int, peers []networkingv1.NetworkPolicyPeer, ports []networkingv1.NetworkPolicyPort) {
	rule := &Rule{Policy: p, Direction: d, Index: i, every: len(ports) == 0}
	if len(peers) > 0 {
		rule.peers = []peer{}
	}
	for j, one := range peers {
		at := fmt.Sprintf("%s.%s[%d]", rule.Field(), [...]string{"from", "to"}[d], j)
		if of, ok := r.peer(at, p, one); ok {
			rule.peers = append(rule.peers, of)
		}
	}
	for j, one := range ports {
		if m, ok := r.port(fmt.Sprintf("%s.ports[%d]", rule.Field(), j), one); ok {
			rule.ports = append(rule.ports, m)
		}
	}
	p.Rules[d] = append(p.Rules[d], rule)
}

// peer is whom a rule of a NetworkPolicy names; false where that is nobody.
func (r *reader) peer(at string, p *Policy, of networkingv1.NetworkPolicyPeer) (peer, bool) {
	selects := of.PodSelector != nil || of.NamespaceSelector != nil
	switch {
	case of.IPBlock != nil && selects:
		r.doubt(at, "ipBlock beside a selector, which no API server takes")
		return peer{}, false
	case of.IPBlock != nil:
		return r.block(at+".ipBlock", of.IPBlock)
	case !selects:
		r.doubt(at, "names nobody")
		return peer{}, false
	}
	if of.PodSelector == nil {
		of.PodSelector = &metav1.LabelSelector{}
	}
	if of.NamespaceSelector == nil {
		return r.pods(at+".podSelector", p.Home(), nil, of.PodSelector), true
	}
	return r.pods(at, "", of.NamespaceSelector, of.PodSelector), true
}

// block is an ipBlock. What is wrong in it makes it smaller, as nothing is let in by mistake.
func (r *reader) block(at string, of *networkingv1.IPBlock) (peer, bool) {
	prefix, ok := r.prefix(at+".cidr", of.CIDR)
	if !ok {
		return peer{}, false
	}
	r.strict(at+".cidr", of.CIDR, prefix)
	var excepts Addresses
	words := prefix.String()
	for i, text := range of.Except {
		at := fmt.Sprintf("%s.except[%d]", at, i)
		except, ok := r.prefix(at, text)
		if !ok {
			return peer{}, false
		}
		if except.Bits() <= prefix.Bits() || !prefix.Contains(except.Addr()) {
			r.doubt(at, "%s is not within %s, which no API server takes", except, prefix)
		}
		r.strict(at, text, except)
		excepts = append(excepts, prefixSpan(except))
		if i == 0 {
			words += " except"
		}
		words += " " + except.String()
	}
	return peer{block: PrefixAddresses(prefix).Minus(excepts.Union(nil)), text: words}, true
}

func (r *reader) prefix(at, text string) (netip.Prefix, bool) {
	prefix, err := netip.ParsePrefix(text)
	if err != nil || prefix.Addr().Is4In6() {
		r.doubt(at, "%q is no CIDR: write an address and the number of its fixed bits, as in 10.0.0.0/8", text)
		return netip.Prefix{}, false
	}
	return prefix.Masked(), true
}

// pods are those that selectors take, in one namespace or in those that a selector takes.
func (r *reader) pods(at, namespace string, namespaces, pods *metav1.LabelSelector) peer {
	p := peer{namespace: namespace, namespaces: labels.Nothing(), pods: r.selector(at, pods)}
	which := "namespace " + namespace
	if namespaces != nil {
		p.namespaces = r.selector(at, namespaces)
		which = "namespaces with " + p.namespaces.String()
		if p.namespaces.Empty() {
			which = "all namespaces"
		}
	}
	p.text = "pods with " + p.pods.String() + " of " + which
	if p.pods.Empty() {
		p.text = "all pods of " + which
	}
	return p
}

// selector is a selector of labels; one that is none takes nothing.
func (r *reader) selector(at string, of *metav1.LabelSelector) labels.Selector {
	s, err := metav1.LabelSelectorAsSelector(of)
	if err != nil {
		r.doubt(at, "%v", err)
		return labels.Nothing()
	}
	return s
}

func (r *reader) port(at string, of networkingv1.NetworkPolicyPort) (m portMatch, ok bool) {
	protocol := corev1.ProtocolTCP
	if of.Protocol != nil {
		protocol = *of.Protocol
	}
	if m.protocol, ok = r.protocol(at+".protocol", string(protocol)); !ok {
		return m, false
	}
	switch {
	case of.Port == nil && of.EndPort != nil:
		r.doubt(at+".endPort", "without a port, which no API server takes")
		return m, false
	case of.Port == nil:
		m.ports = PortRange(m.protocol, 1, maxPort)
		return m, true
	case of.Port.Type == intstr.String && of.EndPort != nil:
		r.doubt(at+".endPort", "beside the name of a port, which no API server takes")
		return m, false
	case of.Port.Type == intstr.String:
		m.name = of.Port.StrVal
		return m, r.portName(at+".port", m.name)
	}
	from, to := of.Port.IntVal, of.Port.IntVal
	if of.EndPort != nil {
		to = *of.EndPort
	}
	m.ports, ok = r.span(at, m.protocol, from, to)
	return m, ok
}

func (r *reader) span(at string, protocol Protocol, from, to int32) (Ports, bool) {
	if from < 1 || from > maxPort || to < from || to > maxPort {
		r.doubt(at, "%d to %d are no ports: they are numbers from 1 to %d, the smaller one first", from, to, maxPort)
		return nil, false
	}
	return PortRange(protocol, int(from), int(to)), true
}
