package network

import (
	"slices"
	"testing"

	"github.com/plimsoll/plimsoll/internal/read/kube"
)

const hosts = `
apiVersion: v1
kind: Node
metadata: {name: near, labels: {zone: a}}
status: {addresses: [{type: InternalIP, address: 10.9.0.1}]}
---
apiVersion: v1
kind: Node
metadata: {name: far, labels: {zone: b}}
status: {addresses: [{type: InternalIP, address: "fd00:9::2"}]}
---
apiVersion: v1
kind: Pod
metadata: {name: agent, namespace: shop}
spec: {hostNetwork: true, nodeName: far, containers: [{name: c, image: x}]}
---
apiVersion: v1
kind: Pod
metadata: {name: db, namespace: shop}
spec: {nodeName: near, containers: [{name: c, image: x}]}
status: {podIP: 10.1.0.1}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: none, namespace: shop}
spec: {podSelector: {}, policyTypes: [Ingress]}
`

// TestHostPod: a pod in the network of its node has that node's addresses, and no other's.
func TestHostPod(t *testing.T) {
	m := load(t, hosts, Options{Whole: true})
	if all := m.Ask(m.find(t, "shop/Pod db"), m.find(t, "shop/Pod agent")); len(all) != 0 {
		t.Errorf("a pod of an IPv4 address reaches one of an IPv6 address: %v", all)
	}
}

// TestOwnNode: what policies say of a pod does not hold for its node (networking.k8s.io/v1, NetworkPolicySpec.Ingress).
func TestOwnNode(t *testing.T) {
	m := load(t, hosts, Options{Whole: true})
	reached := map[string]string{}
	all, err := m.Map(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, node := range []string{"node near", "node far"} {
		for to, ports := range all.Reaches(m.find(t, node)) {
			reached[node+" "+to.String()] = ports.String()
		}
	}
	if got := reached["node near shop/Pod db"]; got != "all ports" {
		t.Errorf("a pod's own node reaches it on %q", got)
	}
	if got := reached["node far shop/Pod db"]; got != "" {
		t.Errorf("another node reaches the pod on %q", got)
	}
}

const dual = `
apiVersion: v1
kind: Node
metadata: {name: near}
spec: {podCIDRs: [10.1.0.0/16, "fd00:1::/64"]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: cart, namespace: shop}
spec: {template: {metadata: {labels: {app: cart}}, spec: {containers: [{name: c, image: x}]}}}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: four, namespace: shop}
spec: {podSelector: {}, ingress: [{from: [{ipBlock: {cidr: 0.0.0.0/0}}]}]}
`

// TestDualStack: a pod whose address is not known has one of each family, and all of IPv4 holds the one.
func TestDualStack(t *testing.T) {
	m := load(t, dual, Options{Whole: true})
	if len(m.Doubts) > 0 {
		t.Error(m.Doubts)
	}
	cart := m.find(t, "shop/Deployment cart")
	var allowed []bool
	for _, a := range m.Ask(cart, cart) {
		allowed = append(allowed, a.Allowed())
	}
	if !slices.Equal(allowed, []bool{true, false}) {
		t.Errorf("over IPv4, and over IPv6: %t", allowed)
	}
}

// TestPodAddresses: blocks are held against the addresses of pods that a Deployment made, one by one, where they are known.
func TestPodAddresses(t *testing.T) {
	const text = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: cart, namespace: shop}
spec: {replicas: 2, template: {metadata: {labels: {app: cart}}, spec: {containers: [{name: c, image: x}]}}}
---
apiVersion: v1
kind: Pod
metadata: {name: db, namespace: shop, labels: {app: db}}
spec: {containers: [{name: c, image: x}]}
status: {podIP: 10.1.0.9}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: db, namespace: shop}
spec: {podSelector: {matchLabels: {app: db}}, ingress: [{from: [{ipBlock: {cidr: 10.1.0.0/31}}]}]}
`
	of := func(all ...string) Options {
		return Options{PodAddresses: func(o *kube.Object) []string {
			if o.Name == "cart" {
				return all
			}
			return nil
		}}
	}
	for name, c := range map[string]struct {
		o                Options
		allowed, refused bool
		doubts           int
	}{
		"not known":       {Options{}, false, true, 1},
		"all in it":       {of("10.1.0.0", "10.1.0.1"), true, false, 0},
		"one of them not": {of("10.1.0.1", "10.1.0.2"), true, true, 0},
		"none":            {of("10.1.0.2", "fe80::1%eth0", "x"), false, true, 0},
	} {
		m := load(t, text, c.o)
		allowed, refused := false, false
		for _, a := range m.Ask(m.find(t, "shop/Deployment cart"), m.find(t, "shop/Pod db")) {
			allowed, refused = allowed || a.Allowed(), refused || !a.Allowed()
		}
		if allowed != c.allowed || refused != c.refused || len(m.Doubts) != c.doubts {
			t.Errorf("%s: allowed %v, refused %v, doubts %v", name, allowed, refused, m.Doubts)
		}
	}
}
