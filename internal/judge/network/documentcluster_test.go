package network_test

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/network-policy-api/apis/v1alpha1"
	"sigs.k8s.io/network-policy-api/apis/v1alpha2"
)

func (d *document) newRules(way string, subject, peer end, tier v1alpha2.Tier) (all []rule) {
	for _, p := range d.cluster {
		if p.Spec.Tier != tier || !d.takes(p.Spec.Subject.Namespaces, p.Spec.Subject.Pods, subject) {
			continue
		}
		add := func(i int, action v1alpha2.ClusterNetworkPolicyRuleAction, meant, broken bool, on []v1alpha2.ClusterNetworkPolicyProtocol) {
			if meant || broken {
				all = append(all, rule{fmt.Sprintf("ClusterNetworkPolicy %s %s[%d]", p.Name, way, i), p.Spec.Priority, string(action), func(c *connection) bool { return protocols(on, c) }, broken})
			}
		}
		if way == ingress {
			for i, r := range p.Spec.Ingress {
				meant, broken := false, false
				for _, from := range r.From {
					meant = meant || d.takes(from.Namespaces, from.Pods, peer)
					broken = broken || from.Namespaces == nil && from.Pods == nil
				}
				add(i, r.Action, meant, broken, r.Protocols)
			}
			continue
		}
		for i, r := range p.Spec.Egress {
			meant, broken := false, false
			for _, to := range r.To {
				meant = meant || d.takes(to.Namespaces, to.Pods, peer) || isNode(to.Nodes, peer)
				for _, n := range to.Networks {
					meant = meant || d.within(string(n), nil, peer)
				}
				broken = broken || to.Namespaces == nil && to.Pods == nil && to.Nodes == nil && to.Networks == nil && to.DomainNames == nil
			}
			add(i, r.Action, meant, broken, r.Protocols)
		}
	}
	return all
}

func (d *document) oldRules(way string, subject, peer end) (all []rule) {
	for _, p := range d.admin {
		if !d.takes(p.Spec.Subject.Namespaces, newPods(p.Spec.Subject.Pods), subject) {
			continue
		}
		if way == ingress {
			for i, r := range p.Spec.Ingress {
				if d.sends(r.From, peer) {
					all = append(all, rule{fmt.Sprintf("AdminNetworkPolicy %s %s[%d]", p.Name, way, i), p.Spec.Priority, string(r.Action), func(c *connection) bool { return oldPorts(r.Ports, c) }, false})
				}
			}
			continue
		}
		for i, r := range p.Spec.Egress {
			for _, to := range r.To {
				if d.receives(to.Namespaces, to.Pods, to.Nodes, to.Networks, peer) {
					all = append(all, rule{fmt.Sprintf("AdminNetworkPolicy %s %s[%d]", p.Name, way, i), p.Spec.Priority, string(r.Action), func(c *connection) bool { return oldPorts(r.Ports, c) }, false})
					break
				}
			}
		}
	}
	return all
}

func (d *document) baselineRules(way string, subject, peer end) (all []rule) {
	p := d.baseline
	if p == nil || !d.takes(p.Spec.Subject.Namespaces, newPods(p.Spec.Subject.Pods), subject) {
		return nil
	}
	if way == ingress {
		for i, r := range p.Spec.Ingress {
			if d.sends(r.From, peer) {
				all = append(all, rule{fmt.Sprintf("BaselineAdminNetworkPolicy %s %s[%d]", p.Name, way, i), 0, string(r.Action), func(c *connection) bool { return oldPorts(r.Ports, c) }, false})
			}
		}
		return all
	}
	for i, r := range p.Spec.Egress {
		for _, to := range r.To {
			if d.receives(to.Namespaces, to.Pods, to.Nodes, to.Networks, peer) {
				all = append(all, rule{fmt.Sprintf("BaselineAdminNetworkPolicy %s %s[%d]", p.Name, way, i), 0, string(r.Action), func(c *connection) bool { return oldPorts(r.Ports, c) }, false})
				break
			}
		}
	}
	return all
}

func (d *document) sends(peers []v1alpha1.AdminNetworkPolicyIngressPeer, peer end) bool {
	for _, from := range peers {
		if d.takes(from.Namespaces, newPods(from.Pods), peer) {
			return true
		}
	}
	return false
}

func (d *document) receives(namespaces *metav1.LabelSelector, pods *v1alpha1.NamespacedPod, nodes *metav1.LabelSelector, networks []v1alpha1.CIDR, peer end) bool {
	for _, n := range networks {
		if d.within(string(n), nil, peer) {
			return true
		}
	}
	return d.takes(namespaces, newPods(pods), peer) || isNode(nodes, peer)
}

func newPods(of *v1alpha1.NamespacedPod) *v1alpha2.NamespacedPod {
	if of == nil {
		return nil
	}
	return &v1alpha2.NamespacedPod{NamespaceSelector: of.NamespaceSelector, PodSelector: of.PodSelector}
}

// takes is whether one of a subject's, or a peer's, selectors takes a pod. "Host-networked pods are not included."
func (d *document) takes(namespaces *metav1.LabelSelector, pods *v1alpha2.NamespacedPod, of end) bool {
	labels := d.namespaces[of.namespace]
	switch {
	case !of.pod:
		return false
	case namespaces != nil:
		return selects(namespaces, labels)
	case pods != nil:
		return selects(&pods.NamespaceSelector, labels) && selects(&pods.PodSelector, of.labels)
	}
	return false
}

// isNode is ClusterNetworkPolicyEgressPeer.Nodes.
func isNode(nodes *metav1.LabelSelector, peer end) bool {
	return nodes != nil && peer.host != nil && selects(nodes, peer.host)
}

// protocols is ClusterNetworkPolicyProtocol.
func protocols(all []v1alpha2.ClusterNetworkPolicyProtocol, c *connection) bool {
	if len(all) == 0 {
		return true
	}
	port := func(p *v1alpha2.Port) bool {
		switch {
		case p == nil:
			return true
		case p.Range != nil:
			return p.Range.Start <= c.port && c.port <= p.Range.End
		}
		return p.Number == c.port
	}
	for _, p := range all {
		switch {
		case p.TCP != nil && c.protocol == corev1.ProtocolTCP && port(p.TCP.DestinationPort),
			p.UDP != nil && c.protocol == corev1.ProtocolUDP && port(p.UDP.DestinationPort),
			p.SCTP != nil && c.protocol == corev1.ProtocolSCTP && port(p.SCTP.DestinationPort),
			p.DestinationNamedPort != "" && named(c, p.DestinationNamedPort):
			return true
		}
	}
	return false
}

// oldPorts is AdminNetworkPolicyPort.
func oldPorts(all *[]v1alpha1.AdminNetworkPolicyPort, c *connection) bool {
	if all == nil {
		return true
	}
	for _, p := range *all {
		switch {
		case p.PortNumber != nil && p.PortNumber.Protocol == c.protocol && p.PortNumber.Port == c.port,
			p.PortRange != nil && (p.PortRange.Protocol == c.protocol || p.PortRange.Protocol == "" && c.protocol == corev1.ProtocolTCP) && p.PortRange.Start <= c.port && c.port <= p.PortRange.End,
			p.NamedPort != nil && named(c, *p.NamedPort):
			return true
		}
	}
	return false
}
