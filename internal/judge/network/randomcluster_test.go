package network_test

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/network-policy-api/apis/v1alpha1"
	"sigs.k8s.io/network-policy-api/apis/v1alpha2"
)

// Random policies of the whole cluster, of each version.

func (d *dice) clusterPolicy(name string, tier v1alpha2.Tier) {
	p := &v1alpha2.ClusterNetworkPolicy{TypeMeta: metav1.TypeMeta{APIVersion: "policy.networking.k8s.io/v1alpha2", Kind: "ClusterNetworkPolicy"}, ObjectMeta: metav1.ObjectMeta{Name: name}}
	p.Spec.Tier, p.Spec.Priority = tier, d.rank()
	if d.one(2) {
		p.Spec.Subject.Namespaces = d.selector()
	} else {
		p.Spec.Subject.Pods = d.namespacedPod()
	}
	action := func() v1alpha2.ClusterNetworkPolicyRuleAction {
		return pick(d, v1alpha2.ClusterNetworkPolicyRuleActionAccept, v1alpha2.ClusterNetworkPolicyRuleActionDeny, v1alpha2.ClusterNetworkPolicyRuleActionPass)
	}
	p.Spec.Ingress = some(d, 0, 3, func() v1alpha2.ClusterNetworkPolicyIngressRule {
		r := v1alpha2.ClusterNetworkPolicyIngressRule{Action: action(), Protocols: some(d, 0, 2, d.protocol)}
		r.From = some(d, 1, 2, func() (from v1alpha2.ClusterNetworkPolicyIngressPeer) {
			switch {
			case d.one(30): // of a kind that is not known yet
			case d.one(2):
				from.Namespaces = d.selector()
			default:
				from.Pods = d.namespacedPod()
			}
			return from
		})
		return r
	})
	p.Spec.Egress = some(d, 0, 3, func() v1alpha2.ClusterNetworkPolicyEgressRule {
		r := v1alpha2.ClusterNetworkPolicyEgressRule{Action: action(), Protocols: some(d, 0, 2, d.protocol)}
		r.To = some(d, 1, 2, func() (to v1alpha2.ClusterNetworkPolicyEgressPeer) {
			switch d.IntN(5) {
			case 0:
				to.Namespaces = d.selector()
			case 1:
				to.Pods = d.namespacedPod()
			case 2:
				to.Nodes = d.selector()
			default:
				switch {
				case d.one(15):
				case d.one(15) && r.Action == v1alpha2.ClusterNetworkPolicyRuleActionAccept:
					to.DomainNames = []v1alpha2.DomainName{"example.com"}
				default:
					to.Networks = some(d, 1, 2, func() v1alpha2.CIDR { return v1alpha2.CIDR(d.cidr().String()) })
				}
			}
			return to
		})
		return r
	})
	d.cluster = append(d.cluster, p)
	d.add(p)
}

func (d *dice) namespacedPod() *v1alpha2.NamespacedPod {
	return &v1alpha2.NamespacedPod{NamespaceSelector: *d.selector(), PodSelector: *d.selector()}
}

func (d *dice) protocol() (p v1alpha2.ClusterNetworkPolicyProtocol) {
	var port *v1alpha2.Port
	switch d.IntN(4) {
	case 0:
	case 1:
		if from, to := d.port(), d.port(); from < to {
			port = &v1alpha2.Port{Range: &v1alpha2.PortRange{Start: from, End: to}}
			break
		}
		fallthrough
	default:
		port = &v1alpha2.Port{Number: d.port()}
	}
	switch d.IntN(5) {
	case 0:
		p.UDP = &v1alpha2.ClusterNetworkPolicyProtocolUDP{DestinationPort: port}
	case 1:
		p.SCTP = &v1alpha2.ClusterNetworkPolicyProtocolSCTP{DestinationPort: port}
	case 2:
		p.DestinationNamedPort = pick(d, "web", "dns", "none")
	default:
		p.TCP = &v1alpha2.ClusterNetworkPolicyProtocolTCP{DestinationPort: port}
	}
	return p
}

func (d *dice) adminPolicy(name string) {
	p := &v1alpha1.AdminNetworkPolicy{TypeMeta: metav1.TypeMeta{APIVersion: "policy.networking.k8s.io/v1alpha1", Kind: "AdminNetworkPolicy"}, ObjectMeta: metav1.ObjectMeta{Name: name}}
	p.Spec.Priority, p.Spec.Subject = d.rank(), d.oldSubject()
	action := func() v1alpha1.AdminNetworkPolicyRuleAction {
		return pick(d, v1alpha1.AdminNetworkPolicyRuleActionAllow, v1alpha1.AdminNetworkPolicyRuleActionDeny, v1alpha1.AdminNetworkPolicyRuleActionPass)
	}
	p.Spec.Ingress = some(d, 0, 3, func() v1alpha1.AdminNetworkPolicyIngressRule {
		return v1alpha1.AdminNetworkPolicyIngressRule{Action: action(), From: some(d, 1, 2, d.oldSource), Ports: d.oldPorts()}
	})
	p.Spec.Egress = some(d, 0, 3, func() v1alpha1.AdminNetworkPolicyEgressRule {
		r := v1alpha1.AdminNetworkPolicyEgressRule{Action: action(), Ports: d.oldPorts()}
		r.To = some(d, 1, 2, func() v1alpha1.AdminNetworkPolicyEgressPeer {
			to := d.oldTarget()
			return v1alpha1.AdminNetworkPolicyEgressPeer{Namespaces: to.Namespaces, Pods: to.Pods, Nodes: to.Nodes, Networks: to.Networks}
		})
		return r
	})
	d.admin = append(d.admin, p)
	d.add(p)
}

func (d *dice) baselinePolicy() {
	p := &v1alpha1.BaselineAdminNetworkPolicy{TypeMeta: metav1.TypeMeta{APIVersion: "policy.networking.k8s.io/v1alpha1", Kind: "BaselineAdminNetworkPolicy"}, ObjectMeta: metav1.ObjectMeta{Name: "default"}}
	p.Spec.Subject = d.oldSubject()
	action := func() v1alpha1.BaselineAdminNetworkPolicyRuleAction {
		return pick(d, v1alpha1.BaselineAdminNetworkPolicyRuleActionAllow, v1alpha1.BaselineAdminNetworkPolicyRuleActionDeny)
	}
	p.Spec.Ingress = some(d, 0, 3, func() v1alpha1.BaselineAdminNetworkPolicyIngressRule {
		return v1alpha1.BaselineAdminNetworkPolicyIngressRule{Action: action(), From: some(d, 1, 2, d.oldSource), Ports: d.oldPorts()}
	})
	p.Spec.Egress = some(d, 0, 3, func() v1alpha1.BaselineAdminNetworkPolicyEgressRule {
		return v1alpha1.BaselineAdminNetworkPolicyEgressRule{Action: action(), To: some(d, 1, 2, d.oldTarget), Ports: d.oldPorts()}
	})
	d.baseline = p
	d.add(p)
}

func (d *dice) oldSubject() v1alpha1.AdminNetworkPolicySubject {
	return v1alpha1.AdminNetworkPolicySubject(d.oldSource())
}

func (d *dice) oldSource() (from v1alpha1.AdminNetworkPolicyIngressPeer) {
	if d.one(2) {
		from.Namespaces = d.selector()
		return from
	}
	from.Pods = &v1alpha1.NamespacedPod{NamespaceSelector: *d.selector(), PodSelector: *d.selector()}
	return from
}

func (d *dice) oldTarget() (to v1alpha1.BaselineAdminNetworkPolicyEgressPeer) {
	switch d.IntN(4) {
	case 0:
		to.Nodes = d.selector()
	case 1:
		to.Networks = some(d, 1, 2, func() v1alpha1.CIDR { return v1alpha1.CIDR(d.cidr().String()) })
	default:
		from := d.oldSource()
		to.Namespaces, to.Pods = from.Namespaces, from.Pods
	}
	return to
}

func (d *dice) oldPorts() *[]v1alpha1.AdminNetworkPolicyPort {
	if d.one(2) {
		return nil
	}
	all := some(d, 1, 2, func() (p v1alpha1.AdminNetworkPolicyPort) {
		from, to := d.port(), d.port()
		switch {
		case d.one(4):
			name := pick(d, "web", "dns", "none")
			p.NamedPort = &name
		case from < to:
			p.PortRange = &v1alpha1.PortRange{Protocol: pick(d, append(allProtocols, corev1.Protocol(""))...), Start: from, End: to}
		default:
			p.PortNumber = &v1alpha1.Port{Protocol: pick(d, allProtocols...), Port: from}
		}
		return p
	})
	return &all
}
