package oracle

import (
	"testing"

	"github.com/mattfenwick/cyclonus/pkg/connectivity/probe"
	"github.com/mattfenwick/cyclonus/pkg/matcher"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/plimsoll/plimsoll/internal/judge/network"
)

// TestDifferences are the places at which Cyclonus and Kubernetes' documentation part, and the map goes by the latter.
// None of Cyclonus' own test cases meets them, but for a pod and itself, which TestCyclonus leaves out.
func TestDifferences(t *testing.T) {
	in := func(from ...networkingv1.NetworkPolicyPeer) *networkingv1.NetworkPolicy {
		return &networkingv1.NetworkPolicy{
			ObjectMeta: metav1.ObjectMeta{Name: "p", Namespace: "x"},
			Spec: networkingv1.NetworkPolicySpec{
				PolicyTypes: []networkingv1.PolicyType{networkingv1.PolicyTypeIngress},
				Ingress:     []networkingv1.NetworkPolicyIngressRule{{From: from}},
			},
		}
	}
	pods := func(s metav1.LabelSelector) networkingv1.NetworkPolicyPeer {
		return networkingv1.NetworkPolicyPeer{PodSelector: &s, NamespaceSelector: &metav1.LabelSelector{}}
	}
	none := pods(metav1.LabelSelector{MatchLabels: map[string]string{"pod": "none"}})
	for _, c := range []struct {
		name            string
		policy          *networkingv1.NetworkPolicy
		from, to        int // of the nine pods
		cyclonus, truth bool
	}{
		{
			// k8s.io/apimachinery/pkg/labels, Requirement.Matches: the operator is NotIn, and the labels do not have the
			// requirement's key.
			name:   "NotIn takes what has no such label",
			policy: in(pods(metav1.LabelSelector{MatchExpressions: []metav1.LabelSelectorRequirement{{Key: "app", Operator: metav1.LabelSelectorOpNotIn, Values: []string{"web"}}}})),
			from:   1, to: 0, cyclonus: false, truth: true,
		},
		{
			// The same: Equals needs the key.
			name:   "no label is not a label of no value",
			policy: in(pods(metav1.LabelSelector{MatchLabels: map[string]string{"app": ""}})),
			from:   1, to: 0, cyclonus: true, truth: false,
		},
		{
			// kubernetes.io/docs/concepts/services-networking/network-policies: a pod cannot block access to itself.
			name:   "a pod reaches itself",
			policy: in(none),
			from:   0, to: 0, cyclonus: false, truth: true,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newState()
			s.policies = []*networkingv1.NetworkPolicy{c.policy}
			from, to := s.Pods[c.from], s.Pods[c.to]
			port := to.Containers[0]
			theirs := matcher.BuildNetworkPolicies(true, s.policies).IsTrafficAllowed(&matcher.Traffic{
				Source: s.peer(from), Destination: s.peer(to), ResolvedPort: port.Port, ResolvedPortName: port.PortName, Protocol: port.Protocol,
			})
			if theirs.IsAllowed() != c.cyclonus {
				t.Errorf("Cyclonus says %t", theirs.IsAllowed())
			}
			m := s.model(t)
			end := func(p *probe.Pod) (of *network.Endpoint) {
				for _, e := range m.Endpoints {
					if e.Namespace == p.Namespace && e.Name == "Pod "+p.Name {
						of = e
					}
				}
				return of
			}
			for _, a := range m.Ask(end(from), end(to)) {
				if a.Allowed() != c.truth {
					t.Errorf("the model says %t of %s", a.Allowed(), a.Ports)
				}
			}
		})
	}
}
