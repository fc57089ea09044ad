package network_test

import (
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/plimsoll/plimsoll/testbed/packet"
)

// smallShop is a cluster of two pods and a node.
const smallShop = `
{apiVersion: v1, kind: Namespace, metadata: {name: shop}}
---
{apiVersion: v1, kind: Node, metadata: {name: big, labels: {size: big}}, status: {addresses: [{type: InternalIP, address: 10.9.0.1}]}}
---
{apiVersion: v1, kind: Pod, metadata: {name: web, namespace: shop, labels: {app: web}}, spec: {containers: [{name: c, image: x, ports: [{name: web, containerPort: 80}]}],
  initContainers: [{name: sidecar, image: x, restartPolicy: Always, ports: [{name: metrics, containerPort: 90}]}]},
  status: {podIP: 10.1.0.1, podIPs: [{ip: 10.1.0.1}]}}
---
{apiVersion: v1, kind: Pod, metadata: {name: cart, namespace: shop, labels: {app: cart}}, spec: {nodeName: big, containers: [{name: c, image: x}]},
  status: {podIP: 10.1.0.2, podIPs: [{ip: 10.1.0.2}]}}
---
`

// TestAgent are the places at which kube-network-policies v0.8.0 and the documents part, and the map goes by the latter;
// TestPackets keeps out of them. Each is shown by real packets: who mends the agent, or loses the difference otherwise,
// has a failing case here, and takes it out of tame.
func TestAgent(t *testing.T) {
	s := packet.Start(t)
	for _, c := range []struct {
		name   string
		policy string
		agent  []string // where it is not as the map says
	}{
		{
			// Nothing, so that the rest is not for another reason.
			name: "no policy",
		},
		{
			// k8s.io/api/networking/v1, NetworkPolicyPort.Port: "a numerical or named port on a pod". A sidecar is a
			// container of the pod that goes on running; the agent looks through spec.containers.
			name: "a port of a sidecar",
			policy: `{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: p, namespace: shop}, spec: {podSelector: {matchLabels: {app: web}},
				ingress: [{ports: [{port: metrics}]}]}}`,
			agent: []string{"0.0.0.0/0, ::/0 -> shop/Pod web tcp 90", "node big -> shop/Pod web tcp 90", "shop/Pod cart -> shop/Pod web tcp 90"},
		},
		{
			// policy.networking.k8s.io/v1alpha1, AdminNetworkPolicyPort.NamedPort: "selects a port on a pod(s) based on
			// name"; AdminNetworkPolicyIngressRule.Ports: "ports which should be matched on the pods selected for this
			// policy". The agent asks who connects whether he has a port of the name, and then takes all ports.
			name: "a named port of an AdminNetworkPolicy, by which others come in",
			policy: `{apiVersion: policy.networking.k8s.io/v1alpha1, kind: AdminNetworkPolicy, metadata: {name: p}, spec: {priority: 1, subject: {namespaces: {}},
				ingress: [{action: Deny, from: [{namespaces: {}}], ports: [{namedPort: web}]}]}}`,
			agent: []string{
				"shop/Pod cart -> shop/Pod web tcp 80",
				"shop/Pod web -> shop/Pod cart sctp 80", "shop/Pod web -> shop/Pod cart sctp 8080", "shop/Pod web -> shop/Pod cart sctp 90",
				"shop/Pod web -> shop/Pod cart tcp 80", "shop/Pod web -> shop/Pod cart tcp 8080", "shop/Pod web -> shop/Pod cart tcp 90",
				"shop/Pod web -> shop/Pod cart udp 80", "shop/Pod web -> shop/Pod cart udp 8080", "shop/Pod web -> shop/Pod cart udp 90",
			},
		},
		{
			// v1alpha1, AdminNetworkPolicyEgressPeer.Nodes: "a way to select a set of nodes in the cluster". The agent
			// takes the pods on them.
			name: "nodes that an AdminNetworkPolicy speaks of",
			policy: `{apiVersion: policy.networking.k8s.io/v1alpha1, kind: AdminNetworkPolicy, metadata: {name: p}, spec: {priority: 1, subject: {pods: {namespaceSelector: {}, podSelector: {matchLabels: {app: web}}}},
				egress: [{action: Deny, to: [{nodes: {matchLabels: {size: big}}}], ports: [{portNumber: {protocol: UDP, port: 90}}]}]}}`,
			agent: []string{"shop/Pod web -> node big udp 90", "shop/Pod web -> shop/Pod cart udp 90"},
		},
		{
			// v1alpha1, BaselineAdminNetworkPolicySpec.Ingress: "rules to be applied to the selected pods if they are not
			// matched by any AdminNetworkPolicy or NetworkPolicy rules"; a policy about egress matches nobody who comes in,
			// as the two sorts of isolation "are declared independently" (kubernetes.io, concepts of network policies). The
			// agent asks no baseline about a pod that any NetworkPolicy selects; the words of v1alpha2,
			// ClusterNetworkPolicySpec.Tier, "Pods not selected by a v1.NetworkPolicy", can be read so.
			name: "a baseline for a pod with a NetworkPolicy in the other direction",
			policy: `{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: p, namespace: shop}, spec: {podSelector: {matchLabels: {app: web}}, policyTypes: [Egress], egress: [{}]}}
---
{apiVersion: policy.networking.k8s.io/v1alpha1, kind: BaselineAdminNetworkPolicy, metadata: {name: default}, spec: {subject: {namespaces: {}},
				ingress: [{action: Deny, from: [{namespaces: {}}], ports: [{portNumber: {protocol: TCP, port: 80}}]}]}}`,
			agent: []string{"shop/Pod cart -> shop/Pod web tcp 80"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			var objects []map[string]any
			for _, text := range strings.Split(smallShop+c.policy, "\n---\n") {
				var one map[string]any
				if err := yaml.Unmarshal([]byte(strings.ReplaceAll(text, "\t", " ")), &one); err != nil {
					t.Fatal(err)
				}
				if one != nil {
					objects = append(objects, one)
				}
			}
			l := s.LayOut(t, objects, []int{80, 90, unnamed})
			if len(l.Refused) > 0 {
				t.Fatal(l.Refused)
			}
			var got []string
			for _, one := range l.Compare(c.agent...) {
				got = append(got, one.String())
			}
			slices.Sort(got)
			if !slices.Equal(got, c.agent) {
				t.Errorf("the map says otherwise than packets of\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(c.agent, "\n"))
			}
		})
	}
}
