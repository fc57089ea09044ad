package network

import (
	"strings"
	"testing"
)

const doubtful = `
apiVersion: v1
kind: Namespace
metadata: {name: shop}
---
apiVersion: v1
kind: Pod
metadata: {name: cart, namespace: shop, labels: {app: cart}}
spec: {containers: [{name: c, image: x}]}
---
apiVersion: v1
kind: Pod
metadata: {name: checkout, namespace: shop, labels: {app: checkout}}
spec: {containers: [{name: c, image: x}]}
---
apiVersion: v1
kind: Pod
metadata: {name: db, namespace: data, labels: {app: db}}
spec: {containers: [{name: c, image: x}]}
---
`

// TestBears: a doubt makes those answers incomplete that it may change, and no other.
func TestBears(t *testing.T) {
	const name = "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: p, namespace: shop}\nspec: "
	const out = "{podSelector: {matchLabels: {app: checkout}}, policyTypes: [Egress], egress: "
	for what, c := range map[string]struct {
		text string
		bear string // the doubt
		yes  []string
		no   []string
	}{
		"a block, for whom it is meant": {
			name + out + "[{to: [{ipBlock: {cidr: 0.0.0.0/0, except: [10.0.0.0/8]}}], ports: [{port: 80}]}]}", "of pods is not known",
			[]string{"shop/checkout shop/cart 80", "shop/checkout data/db 80"},
			[]string{"shop/cart shop/checkout 80", "shop/checkout shop/cart 81", "shop/cart data/db 80", "shop/checkout 8.8.8.8 80", "shop/checkout shop/checkout 80"},
		},
		"what is allowed anyhow": {
			name + out + "[{to: [{ipBlock: {cidr: 0.0.0.0/0, except: [10.0.0.0/8]}}]}, {to: [{podSelector: {}}]}]}", "of pods is not known",
			[]string{"shop/checkout data/db 80"},
			[]string{"shop/checkout shop/cart 80"},
		},
		"labels of a namespace": {
			name + "{podSelector: {matchLabels: {app: cart}}, ingress: [{from: [{namespaceSelector: {matchLabels: {tier: data}}}]}]}", "namespace data is not among",
			[]string{"data/db shop/cart 80"},
			[]string{"shop/checkout shop/cart 80", "shop/cart data/db 80", "data/db shop/checkout 80"},
		},
		"a policy that no server takes": {
			name + out + "[{to: [{podSelector: {}}], ports: [{port: '80'}]}]}", `"80" is a text`,
			[]string{"shop/checkout shop/cart 80", "shop/checkout data/db 443"},
			[]string{"shop/cart data/db 80", "shop/cart shop/checkout 80"},
		},
		"a selector that is none": {
			name + "{podSelector: {matchLabels: {'a b': c}}}", "spec.podSelector",
			[]string{"data/db shop/cart 80"},
			[]string{"data/db data/db 80", "data/db 8.8.8.8 80"},
		},
		"a kind that there is not": {
			"apiVersion: v1\nkind: NetworkPolicy\nmetadata: {name: p, namespace: data}", "no API server has",
			[]string{"data/db shop/cart 80"},
			[]string{"shop/checkout shop/cart 80"},
		},
		"two of one name": {
			name + "{podSelector: {matchLabels: {app: cart}}}\n---\n" + name + "{podSelector: {matchLabels: {app: checkout}}}", "shop/p is defined more than once",
			[]string{"data/db shop/cart 80", "shop/checkout data/db 80"},
			[]string{"data/db 8.8.8.8 80"},
		},
		"names": {
			"apiVersion: policy.networking.k8s.io/v1alpha1\nkind: AdminNetworkPolicy\nmetadata: {name: p}\n" +
				"spec: {priority: 1, subject: {namespaces: {}}, egress: [{action: Deny, to: [{domainNames: ['*.example.com']}]}]}", "are not counted",
			[]string{"shop/cart 8.8.8.8 80"},
			[]string{"shop/cart data/db 80", "8.8.8.8 shop/cart 80"},
		},
		"what others write": {
			"apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata: {name: p, namespace: data}", "Cilium",
			[]string{"shop/checkout shop/cart 80"},
			nil,
		},
	} {
		m := load(t, doubtful+c.text, Options{})
		all, err := m.Unsure(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var of []Doubt
		for _, d := range all {
			if strings.Contains(d.String(), c.bear) {
				of = append(of, d)
			}
		}
		if len(of) != 1 {
			t.Errorf("%s: %d doubts of it: %v", what, len(of), all)
			continue
		}
		for _, asked := range append(c.yes, c.no...) {
			words := strings.Fields(asked)
			from, err := m.Find(words[0])
			if err != nil {
				t.Fatal(err)
			}
			to, err := m.Find(words[1])
			if err != nil {
				t.Fatal(err)
			}
			ports := PortRange(TCP, 80, 80)
			if words[2] != "80" {
				ports = PortRange(TCP, 81, 500)
			}
			want := false
			for _, yes := range c.yes {
				want = want || yes == asked
			}
			if got := m.Bears(of[0], from, to, ports); got != want {
				t.Errorf("%s: %s bears on %s: %t", what, of[0], asked, got)
			}
		}
	}
}

// TestWhere: a doubt names the file and the line that it is of.
func TestWhere(t *testing.T) {
	m := load(t, "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: p, namespace: shop}\nspec:\n  podSelector: {}\n  ingress:\n  - ports:\n    - protocol: tcp\n", Options{})
	if len(m.Doubts) != 1 || m.Doubts[0].String() != `NetworkPolicy shop/p: spec.ingress[0].ports[0].protocol: "tcp" is none of TCP, UDP and SCTP (test.yaml:8)` {
		t.Error(m.Doubts)
	}
}
