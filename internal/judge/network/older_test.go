package network_test

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/network-policy-api/apis/v1alpha1"
	"sigs.k8s.io/network-policy-api/apis/v1alpha2"
)

// older is a ClusterNetworkPolicy in the form of v1alpha1: an AdminNetworkPolicy, or a BaselineAdminNetworkPolicy. The
// suites for those, of v0.1 of network-policy-api, became those for the new kind; they want the same.
func older(p *v1alpha2.ClusterNetworkPolicy) map[string]any {
	was := &v1alpha1.AdminNetworkPolicy{ObjectMeta: p.ObjectMeta}
	was.APIVersion, was.Kind = "policy.networking.k8s.io/v1alpha1", "AdminNetworkPolicy"
	was.Spec.Priority = p.Spec.Priority
	was.Spec.Subject = v1alpha1.AdminNetworkPolicySubject{Namespaces: p.Spec.Subject.Namespaces, Pods: olderPods(p.Spec.Subject.Pods)}
	for _, r := range p.Spec.Ingress {
		rule := v1alpha1.AdminNetworkPolicyIngressRule{Name: r.Name, Action: olderAction(r.Action), Ports: olderPorts(r.Protocols)}
		for _, from := range r.From {
			rule.From = append(rule.From, v1alpha1.AdminNetworkPolicyIngressPeer{Namespaces: from.Namespaces, Pods: olderPods(from.Pods)})
		}
		was.Spec.Ingress = append(was.Spec.Ingress, rule)
	}
	for _, r := range p.Spec.Egress {
		rule := v1alpha1.AdminNetworkPolicyEgressRule{Name: r.Name, Action: olderAction(r.Action), Ports: olderPorts(r.Protocols)}
		for _, to := range r.To {
			peer := v1alpha1.AdminNetworkPolicyEgressPeer{Namespaces: to.Namespaces, Pods: olderPods(to.Pods), Nodes: to.Nodes}
			for _, n := range to.Networks {
				peer.Networks = append(peer.Networks, v1alpha1.CIDR(n))
			}
			rule.To = append(rule.To, peer)
		}
		was.Spec.Egress = append(was.Spec.Egress, rule)
	}
	fields, err := runtime.DefaultUnstructuredConverter.ToUnstructured(was)
	if err != nil {
		panic(err)
	}
	if p.Spec.Tier == v1alpha2.BaselineTier { // whose kind has the same fields, but no priority
		fields["kind"] = "BaselineAdminNetworkPolicy"
		delete(fields["spec"].(map[string]any), "priority")
	}
	return fields
}

func olderAction(a v1alpha2.ClusterNetworkPolicyRuleAction) v1alpha1.AdminNetworkPolicyRuleAction {
	if a == v1alpha2.ClusterNetworkPolicyRuleActionAccept {
		return v1alpha1.AdminNetworkPolicyRuleActionAllow
	}
	return v1alpha1.AdminNetworkPolicyRuleAction(a)
}

func olderPods(p *v1alpha2.NamespacedPod) *v1alpha1.NamespacedPod {
	if p == nil {
		return nil
	}
	return &v1alpha1.NamespacedPod{NamespaceSelector: p.NamespaceSelector, PodSelector: p.PodSelector}
}

func olderPorts(of []v1alpha2.ClusterNetworkPolicyProtocol) *[]v1alpha1.AdminNetworkPolicyPort {
	if len(of) == 0 {
		return nil
	}
	var all []v1alpha1.AdminNetworkPolicyPort
	add := func(protocol corev1.Protocol, p *v1alpha2.Port) {
		switch {
		case p == nil:
			all = append(all, v1alpha1.AdminNetworkPolicyPort{PortRange: &v1alpha1.PortRange{Protocol: protocol, Start: 1, End: 65535}})
		case p.Range != nil:
			all = append(all, v1alpha1.AdminNetworkPolicyPort{PortRange: &v1alpha1.PortRange{Protocol: protocol, Start: p.Range.Start, End: p.Range.End}})
		default:
			all = append(all, v1alpha1.AdminNetworkPolicyPort{PortNumber: &v1alpha1.Port{Protocol: protocol, Port: p.Number}})
		}
	}
	for _, p := range of {
		switch {
		case p.TCP != nil:
			add(corev1.ProtocolTCP, p.TCP.DestinationPort)
		case p.UDP != nil:
			add(corev1.ProtocolUDP, p.UDP.DestinationPort)
		case p.SCTP != nil:
			add(corev1.ProtocolSCTP, p.SCTP.DestinationPort)
		default:
			all = append(all, v1alpha1.AdminNetworkPolicyPort{NamedPort: &p.DestinationNamedPort})
		}
	}
	return &all
}
