package network_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/intstr"
	"sigs.k8s.io/network-policy-api/apis/v1alpha2"
	"sigs.k8s.io/yaml"
)

// dice make random clusters, small and full of coincidences: few labels, ports and addresses, so that rules meet.
type dice struct {
	*rand.Rand
	document
	objects []any
	ends    map[string][]end // by endpoint: at each of its addresses
	single  map[string]bool  // endpoints that are one pod
	numbers []int32          // that are named somewhere
	cidrs   []netip.Prefix
	ranks   []int // of policies with priorities: each once
	open    bool  // lists that are left out are written as empty ones
}

func newDice(seed uint64) *dice {
	d := &dice{Rand: rand.New(rand.NewPCG(seed, 7)), ends: map[string][]end{}, single: map[string]bool{}}
	d.namespaces, d.ranks, d.open = map[string]map[string]string{}, d.Perm(1000), d.one(2)
	for i := range 2 + d.IntN(3) {
		d.namespace(fmt.Sprintf("n%d", i))
	}
	nodes := d.nodes()
	for i := range 3 + d.IntN(4) {
		d.workload(i, nodes)
	}
	baseline := d.one(2)
	for i := range d.IntN(7) {
		switch name := fmt.Sprintf("p%d", i); d.IntN(6) {
		case 0, 1, 2:
			d.networkPolicy(name)
		case 3:
			d.adminPolicy(name)
		case 4:
			d.clusterPolicy(name, v1alpha2.AdminTier)
		case 5: // in one cluster of either version: which one is asked first is not said
			if baseline {
				d.clusterPolicy(name, v1alpha2.BaselineTier)
			} else if d.baseline == nil {
				d.baselinePolicy()
			}
		}
	}
	return d
}

func (d *dice) one(in int) bool { return d.IntN(in) == 0 }

func pick[T any](d *dice, of ...T) T { return of[d.IntN(len(of))] }

// some are up to n of what is made.
func some[T any](d *dice, from, to int, make func() T) (all []T) {
	for range from + d.IntN(to-from+1) {
		all = append(all, make())
	}
	return all
}

// add keeps an object in the form in which it is read. The fields of empty lists say nothing more than none.
func (d *dice) add(o any) {
	fields, err := runtime.DefaultUnstructuredConverter.ToUnstructured(o)
	if err != nil {
		panic(err)
	}
	spec, _ := fields["spec"].(map[string]any)
	if _, is := o.(*networkingv1.NetworkPolicy); is && d.open {
		for way, peers := range map[string]string{ingress: "from", egress: "to"} {
			if spec[way] == nil {
				spec[way] = []any{}
			}
			for _, r := range spec[way].([]any) {
				for _, list := range []string{peers, "ports"} {
					if rule := r.(map[string]any); rule[list] == nil {
						rule[list] = []any{}
					}
				}
			}
		}
	}
	delete(fields["metadata"].(map[string]any), "creationTimestamp")
	switch status, _ := fields["status"].(map[string]any); {
	case status["addresses"] != nil:
		fields["status"] = map[string]any{"addresses": status["addresses"]}
	case status["podIPs"] == nil:
		delete(fields, "status")
	}
	d.objects = append(d.objects, fields)
}

// text is the cluster as documents of JSON, or of YAML for people.
func (d *dice) text(people bool) (text []byte) {
	for _, o := range d.objects {
		marshal := json.Marshal
		if people {
			marshal = func(o any) ([]byte, error) { return yaml.Marshal(o) }
		}
		one, err := marshal(o)
		if err != nil {
			panic(err)
		}
		text = append(append(text, one...), "\n---\n"...)
	}
	return text
}

func (d *dice) labels() map[string]string {
	labels := map[string]string{}
	for _, key := range []string{"a", "b"} {
		if value := pick(d, "", "x", "y", "z"); value != "" {
			labels[key] = value
		}
	}
	if d.one(5) {
		labels["c"] = ""
	}
	return labels
}

func (d *dice) namespace(name string) {
	ns := &corev1.Namespace{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Namespace"}, ObjectMeta: metav1.ObjectMeta{Name: name, Labels: d.labels()}}
	d.add(ns)
	d.namespaces[name] = map[string]string{"kubernetes.io/metadata.name": name}
	for k, v := range ns.Labels {
		d.namespaces[name][k] = v
	}
}

// addresses are v4, v6, both or none of what one end has.
func (d *dice) addresses(of string, i int) (all []string) {
	four, six := fmt.Sprintf("10.%s.0.%d", of, i+1), fmt.Sprintf("fd00:%s::%d", of, i+1)
	return pick(d, nil, []string{four}, []string{four}, []string{six}, []string{four, six}, []string{six, four})
}

func (d *dice) nodes() (all []*corev1.Node) {
	ranges, both := d.one(3), d.one(2)
	for i := range d.IntN(3) {
		n := &corev1.Node{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Node"}, ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprintf("node%d", i), Labels: d.labels()}}
		if ranges {
			n.Spec.PodCIDR = fmt.Sprintf("10.1.%d.0/24", i)
			n.Spec.PodCIDRs = []string{n.Spec.PodCIDR}
			if both {
				n.Spec.PodCIDRs = append(n.Spec.PodCIDRs, fmt.Sprintf("fd00:1:0:%d::/64", i))
			}
			for _, c := range n.Spec.PodCIDRs {
				d.ranges = append(d.ranges, netip.MustParsePrefix(c))
			}
		}
		n.Status.Addresses = append(n.Status.Addresses, corev1.NodeAddress{Type: corev1.NodeHostName, Address: n.Name})
		for _, a := range d.addresses("9", i) {
			n.Status.Addresses = append(n.Status.Addresses, corev1.NodeAddress{Type: corev1.NodeInternalIP, Address: a})
		}
		d.add(n)
		d.ends["node "+n.Name] = at(end{node: n.Name, host: n.Labels}, nodeAddresses(n))
		all = append(all, n)
	}
	return all
}

func nodeAddresses(n *corev1.Node) (all []string) {
	for _, a := range n.Status.Addresses {
		if a.Type == corev1.NodeInternalIP {
			all = append(all, a.Address)
		}
	}
	return all
}

// at is an end at each of its addresses.
func at(e end, addresses []string) (all []end) {
	for _, a := range addresses {
		e.address = netip.MustParseAddr(a)
		e.family = 6
		if e.address.Is4() {
			e.family = 4
		}
		all = append(all, e)
	}
	if all == nil {
		return []end{e}
	}
	return all
}

func (d *dice) port() int32 {
	n := pick[int32](d, 1, 53, 80, 81, 82, 90, 65535)
	d.numbers = append(d.numbers, n)
	return n
}

var allProtocols = []corev1.Protocol{corev1.ProtocolTCP, corev1.ProtocolUDP, corev1.ProtocolSCTP}

func (d *dice) workload(i int, nodes []*corev1.Node) {
	spec := corev1.PodSpec{HostNetwork: d.one(6), Containers: []corev1.Container{{Name: "c", Image: "x"}}}
	always := corev1.ContainerRestartPolicyAlways
	for range 1 + d.IntN(3) {
		p := corev1.ContainerPort{Name: pick(d, "", "web", "web", "dns"), ContainerPort: d.port(), Protocol: pick(d, append(allProtocols, "")...)}
		switch into := d.IntN(8); {
		case into == 0 && spec.InitContainers == nil: // a sidecar listens as long as the pod lives
			spec.InitContainers = []corev1.Container{{Name: "i", Image: "x", RestartPolicy: &always, Ports: []corev1.ContainerPort{p}}}
		default:
			spec.Containers[0].Ports = append(spec.Containers[0].Ports, p)
		}
	}
	meta := metav1.ObjectMeta{Name: fmt.Sprintf("w%d", i), Namespace: fmt.Sprintf("n%d", d.IntN(len(d.namespaces))), Labels: d.labels()}
	e := end{pod: !spec.HostNetwork, namespace: meta.Namespace, labels: meta.Labels}
	for _, c := range append(spec.InitContainers, spec.Containers...) {
		e.ports = append(e.ports, c.Ports...)
	}
	if d.one(5) {
		meta.Labels = nil
		w := &appsv1.Deployment{TypeMeta: metav1.TypeMeta{APIVersion: "apps/v1", Kind: "Deployment"}, ObjectMeta: meta}
		w.Spec.Template = corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: e.labels}, Spec: spec}
		d.add(w)
		d.ends[meta.Namespace+"/Deployment "+meta.Name] = d.hosted(e, "", nodes)
		return
	}
	if len(nodes) > 0 && (spec.HostNetwork || d.one(2)) {
		spec.NodeName = pick(d, nodes...).Name
		e.node = spec.NodeName
	}
	pod := &corev1.Pod{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Pod"}, ObjectMeta: meta, Spec: spec}
	name := meta.Namespace + "/Pod " + meta.Name
	d.single[name] = true
	if !e.pod {
		d.add(pod)
		d.ends[name] = d.hosted(e, e.node, nodes)
		return
	}
	addresses := d.addresses("1", i)
	for _, a := range addresses {
		pod.Status.PodIPs = append(pod.Status.PodIPs, corev1.PodIP{IP: a})
	}
	if addresses != nil {
		pod.Status.PodIP = addresses[0]
	}
	d.add(pod)
	d.ends[name] = d.somewhere(e)
	if addresses != nil {
		d.ends[name] = at(e, addresses)
	}
}

// somewhere is a pod of unknown address: it has one of each family of which there are ranges.
func (d *dice) somewhere(e end) (all []end) {
	for _, family := range []int{4, 6} {
		if slices.ContainsFunc(d.ranges, func(r netip.Prefix) bool { return r.Addr().Is4() == (family == 4) }) {
			e.family = family
			all = append(all, e)
		}
	}
	if all == nil {
		return []end{e}
	}
	return all
}

// hosted is an end in the network of its node: any that it may be on.
func (d *dice) hosted(e end, node string, nodes []*corev1.Node) (all []end) {
	if e.pod {
		return d.somewhere(e)
	}
	for _, n := range nodes {
		if node == "" || node == n.Name {
			e.host = n.Labels
			if e.host == nil {
				e.host = map[string]string{}
			}
			all = append(all, at(e, nodeAddresses(n))...)
		}
	}
	return append(all, []end{e}[min(len(all), 1):]...)
}

func (d *dice) selector() *metav1.LabelSelector {
	s := &metav1.LabelSelector{}
	if d.one(4) {
		return s
	}
	if d.one(2) {
		s.MatchLabels = map[string]string{pick(d, "a", "b"): pick(d, "x", "y", "z")}
	}
	s.MatchExpressions = some(d, 0, 2, func() metav1.LabelSelectorRequirement {
		r := metav1.LabelSelectorRequirement{Key: pick(d, "a", "b", "c"), Operator: pick(d, metav1.LabelSelectorOpIn, metav1.LabelSelectorOpNotIn, metav1.LabelSelectorOpExists, metav1.LabelSelectorOpDoesNotExist)}
		if r.Operator == metav1.LabelSelectorOpIn || r.Operator == metav1.LabelSelectorOpNotIn {
			r.Values = some(d, 1, 2, func() string { return pick(d, "", "x", "y", "z") })
		}
		return r
	})
	if d.one(8) {
		s.MatchExpressions = append(s.MatchExpressions, metav1.LabelSelectorRequirement{Key: "kubernetes.io/metadata.name", Operator: metav1.LabelSelectorOpIn, Values: []string{"n0", "n1"}})
	}
	return s
}

func (d *dice) cidr() netip.Prefix {
	p := netip.MustParsePrefix(pick(d, "0.0.0.0/0", "10.0.0.0/8", "10.1.0.0/16", "10.1.0.0/30", "10.1.0.2/31", "10.1.0.3/32", "10.9.0.0/24", "8.8.8.8/32", "255.255.255.0/24", "::/0", "fd00:1::/64", "fd00:1::2/127", "fd00:9::1/128", "fd00:1::/32", "ffff:ffff::/32"))
	d.cidrs = append(d.cidrs, p)
	return p
}

func (d *dice) block() *networkingv1.IPBlock {
	cidr := d.cidr()
	b := &networkingv1.IPBlock{CIDR: cidr.String()}
	for range d.IntN(3) {
		if e := d.cidr(); cidr.Contains(e.Addr()) && e.Bits() > cidr.Bits() && !slices.Contains(b.Except, e.String()) {
			b.Except = append(b.Except, e.String())
		}
	}
	return b
}

func (d *dice) peer() networkingv1.NetworkPolicyPeer {
	switch d.IntN(4) {
	case 0:
		return networkingv1.NetworkPolicyPeer{PodSelector: d.selector()}
	case 1:
		return networkingv1.NetworkPolicyPeer{NamespaceSelector: d.selector()}
	case 2:
		return networkingv1.NetworkPolicyPeer{NamespaceSelector: d.selector(), PodSelector: d.selector()}
	}
	return networkingv1.NetworkPolicyPeer{IPBlock: d.block()}
}

func (d *dice) policyPort() (p networkingv1.NetworkPolicyPort) {
	if !d.one(3) {
		protocol := pick(d, allProtocols...)
		p.Protocol = &protocol
	}
	switch d.IntN(5) {
	case 0:
	case 1, 2:
		port := intstr.FromString(pick(d, "web", "dns", "none"))
		p.Port = &port
	default:
		port := intstr.FromInt32(d.port())
		p.Port = &port
		if to := d.port(); to >= port.IntVal && d.one(2) {
			p.EndPort = &to
		}
	}
	return p
}

func (d *dice) networkPolicy(name string) {
	p := &networkingv1.NetworkPolicy{
		TypeMeta:   metav1.TypeMeta{APIVersion: "networking.k8s.io/v1", Kind: "NetworkPolicy"},
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: fmt.Sprintf("n%d", d.IntN(len(d.namespaces)))},
		Spec:       networkingv1.NetworkPolicySpec{PodSelector: *d.selector()},
	}
	in, out := networkingv1.PolicyTypeIngress, networkingv1.PolicyTypeEgress
	p.Spec.PolicyTypes = pick(d, nil, nil, []networkingv1.PolicyType{in}, []networkingv1.PolicyType{out}, []networkingv1.PolicyType{out, in})
	p.Spec.Ingress = some(d, 0, 2, func() networkingv1.NetworkPolicyIngressRule {
		return networkingv1.NetworkPolicyIngressRule{From: some(d, 0, 2, d.peer), Ports: some(d, 0, 2, d.policyPort)}
	})
	p.Spec.Egress = some(d, 0, 2, func() networkingv1.NetworkPolicyEgressRule {
		return networkingv1.NetworkPolicyEgressRule{To: some(d, 0, 2, d.peer), Ports: some(d, 0, 2, d.policyPort)}
	})
	d.policies = append(d.policies, p)
	d.add(p)
}

func (d *dice) rank() int32 {
	r := d.ranks[0]
	d.ranks = d.ranks[1:]
	return int32(r)
}
