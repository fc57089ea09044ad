package network

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

// ends are what each pod's policies allow, by direction and peer.
func ends(m *Model) map[string]string {
	all := map[string]string{}
	for _, e := range m.Endpoints {
		for _, other := range m.Endpoints {
			if e.Kind != Pods {
				continue
			}
			for d := range Direction(2) {
				var ports Ports
				for _, i := range m.of[e] {
					for _, j := range m.of[other] {
						if m.classes[i].family&m.classes[j].family == 0 {
							continue
						}
						for _, b := range m.reasons(i, j, d) {
							if b.reason.Allowed {
								ports = ports.Union(b.ports)
							}
						}
					}
				}
				all[fmt.Sprint(e, d, other)] = ports.String()
			}
		}
	}
	return all
}

// permutations are all orders of n things.
func permutations(n int) (all [][]int) {
	if n == 0 {
		return [][]int{nil}
	}
	for _, p := range permutations(n - 1) {
		for at := range n {
			q := append([]int{}, p[:at]...)
			all = append(all, append(append(q, n-1), p[at:]...))
		}
	}
	return all
}

// TestUndecided asks random policies of few priorities in every order that their names give: what is told as undecided is what
// the order changes, and nothing else.
func TestUndecided(t *testing.T) {
	dice := rand.New(rand.NewPCG(7, 7))
	pick := func(of ...string) string { return of[dice.IntN(len(of))] }
	const pods = `
apiVersion: v1
kind: Pod
metadata: {name: cart, namespace: shop, labels: {app: cart}}
spec: {containers: [{name: c, image: x}]}
status: {podIP: 10.0.0.1}
---
apiVersion: v1
kind: Pod
metadata: {name: db, namespace: shop, labels: {app: db}}
spec: {containers: [{name: c, image: x}]}
status: {podIP: 10.0.0.2}
`
	decided, undecided := 0, 0
	for round := range 250 {
		var policies []string
		for range 3 {
			tier := pick("Admin", "Admin", "Baseline")
			text := fmt.Sprintf("---\napiVersion: policy.networking.k8s.io/v1alpha2\nkind: ClusterNetworkPolicy\nmetadata: {name: NAME}\nspec:\n  tier: %s\n  priority: %s\n  subject: {pods: {namespaceSelector: {}, podSelector: {matchLabels: {app: %s}}}}\n  ingress:\n", tier, pick("1", "1", "2"), pick("cart", "db"))
			for range 1 + dice.IntN(2) {
				port := pick("", ", protocols: [{tcp: {destinationPort: {number: 80}}}]")
				text += fmt.Sprintf("  - {action: %s, from: [{pods: {namespaceSelector: {}, podSelector: %s}}]%s}\n", pick("Accept", "Deny", "Pass"), pick("{}", "{matchLabels: {app: cart}}", "{matchLabels: {app: db}}"), port)
			}
			policies = append(policies, text)
		}
		rest := ""
		if dice.IntN(2) == 0 {
			rest = "---\napiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: a, namespace: shop}\nspec: {podSelector: {matchLabels: {app: db}}, ingress: [" + pick("", "{from: [{podSelector: {matchLabels: {app: cart}}}], ports: [{port: 80}]}") + "]}\n"
		}
		var first map[string]string
		changes := ""
		told := 0
		for _, order := range permutations(len(policies)) {
			text := pods + rest
			for i, p := range policies {
				text += strings.Replace(p, "NAME", fmt.Sprint("p", order[i]), 1)
			}
			m := load(t, text, Options{Whole: true})
			got := ends(m)
			if first == nil {
				pairs, err := m.Undecided(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				first, told = got, len(pairs)
			}
			for key, ports := range got {
				if ports != first[key] {
					changes = fmt.Sprintf("%s: %s or %s", key, first[key], ports)
				}
			}
		}
		if (told > 0) != (changes != "") {
			t.Fatalf("round %d: %d pairs are told, and the order changes %q:\n%s%s", round, told, changes, strings.Join(policies, ""), rest)
		}
		if told > 0 {
			undecided++
		} else {
			decided++
		}
	}
	if decided < 40 || undecided < 40 {
		t.Errorf("%d decided, %d undecided: the dice are loaded", decided, undecided)
	}
}

// TestUndecidedWithoutPriority: a BaselineAdminNetworkPolicy may be asked before any other of its tier or after it, and where
// NetworkPolicies isolate, none of them is.
func TestUndecidedWithoutPriority(t *testing.T) {
	const pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: cart, namespace: shop}\nspec: {containers: [{name: c, image: x}]}\n"
	baseline := func(name string, priority int, action string) string {
		return fmt.Sprintf("---\napiVersion: policy.networking.k8s.io/v1alpha2\nkind: ClusterNetworkPolicy\nmetadata: {name: %s}\nspec: {tier: Baseline, priority: %d, subject: {namespaces: {}}, ingress: [{action: %s, from: [{namespaces: {}}]}]}\n", name, priority, action)
	}
	const old = "---\napiVersion: policy.networking.k8s.io/v1alpha1\nkind: BaselineAdminNetworkPolicy\nmetadata: {name: default}\nspec: {subject: {namespaces: {}}, ingress: [{action: Deny, from: [{namespaces: {}}]}]}\n"
	const isolated = "---\napiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: a, namespace: shop}\nspec: {podSelector: {}}\n"
	for name, c := range map[string]struct {
		text string
		want int
	}{
		"another one":                {pod + old + baseline("a", 7, "Accept"), 1},
		"what it passes is let in":   {pod + old + baseline("a", 7, "Pass"), 1},
		"the same":                   {pod + old + baseline("a", 7, "Deny"), 0},
		"the first decides":          {pod + old + baseline("a", 3, "Deny") + baseline("b", 7, "Accept"), 0},
		"isolated":                   {pod + old + baseline("a", 7, "Accept") + isolated, 0},
		"accepted and passed":        {pod + baseline("a", 7, "Accept") + baseline("b", 7, "Pass"), 0},
		"accepted and denied":        {pod + baseline("a", 7, "Accept") + baseline("b", 7, "Deny"), 1},
		"of different priorities":    {pod + baseline("a", 7, "Accept") + baseline("b", 8, "Deny"), 0},
		"refused to all that remain": {pod + baseline("a", 1, "Deny") + baseline("b", 8, "Deny") + baseline("c", 8, "Accept"), 0},
	} {
		if got, err := load(t, c.text, Options{Whole: true}).Undecided(t.Context()); err != nil || len(got) != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
