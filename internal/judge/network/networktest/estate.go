// Package networktest makes clusters that networks are tested with.
package networktest

import (
	"fmt"
	"strings"
)

// Estate is a cluster of n workloads as manifests, 20 to a namespace: half as many policies as workloads, as a careful site has them,
// and a dozen of the whole cluster.
func Estate(n int) []byte {
	var text strings.Builder
	add := func(format string, args ...any) {
		fmt.Fprintf(&text, format, args...)
		text.WriteString("\n---\n")
	}
	policy := func(namespace, name, spec string, args ...any) {
		add(`{"apiVersion":"networking.k8s.io/v1","kind":"NetworkPolicy","metadata":{"name":%q,"namespace":%q},"spec":%s}`, name, namespace, fmt.Sprintf(spec, args...))
	}
	for _, name := range []string{"kube-system", "ingress", "monitoring"} {
		add(`{"apiVersion":"v1","kind":"Namespace","metadata":{"name":%q,"labels":{"role":%q}}}`, name, name)
		add(`{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"main","namespace":%q},"spec":{"template":{"metadata":{"labels":{"k8s-app":%q}},"spec":{"containers":[{"name":"c","image":"x","ports":[{"name":"dns","protocol":"UDP","containerPort":53}]}]}}}}`, name, name)
	}
	for i := range 20 {
		add(`{"apiVersion":"v1","kind":"Node","metadata":{"name":"node%d","labels":{"zone":"z%d"}},"spec":{"podCIDR":"10.%d.0.0/16"},"status":{"addresses":[{"type":"InternalIP","address":"192.168.7.%d"}]}}`, i, i%3, 100+i, i+1)
	}
	for i := range n / 20 {
		ns := fmt.Sprintf("team%d", i)
		add(`{"apiVersion":"v1","kind":"Namespace","metadata":{"name":%q,"labels":{"team":"t%d","stage":"s%d"}}}`, ns, i%40, i%3)
		for j := range 20 {
			add(`{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"app%d","namespace":%q},"spec":{"template":{"metadata":{"labels":{"app":"app%d","tier":"t%d","version":"v%d"}},"spec":{"containers":[{"name":"c","image":"x","ports":[{"name":"http","containerPort":%d},{"name":"metrics","containerPort":9090}]}]}}}}`, j, ns, j, j%4, i*j%7, 8000+j%5)
		}
		policy(ns, "deny", `{"podSelector":{},"policyTypes":["Ingress","Egress"]}`)
		policy(ns, "dns", `{"podSelector":{},"policyTypes":["Egress"],"egress":[{"to":[{"namespaceSelector":{"matchLabels":{"kubernetes.io/metadata.name":"kube-system"}},"podSelector":{"matchLabels":{"k8s-app":"kube-system"}}}],"ports":[{"protocol":"UDP","port":53},{"port":53}]}]}`)
		policy(ns, "ingress", `{"podSelector":{"matchLabels":{"tier":"t0"}},"ingress":[{"from":[{"namespaceSelector":{"matchLabels":{"role":"ingress"}}}],"ports":[{"port":"http"}]}]}`)
		policy(ns, "metrics", `{"podSelector":{},"ingress":[{"from":[{"namespaceSelector":{"matchLabels":{"role":"monitoring"}}}],"ports":[{"port":"metrics"}]}]}`)
		policy(ns, "outside", `{"podSelector":{"matchLabels":{"tier":"t1"}},"policyTypes":["Egress"],"egress":[{"to":[{"ipBlock":{"cidr":"0.0.0.0/0","except":["10.0.0.0/8","169.254.169.254/32"]}}],"ports":[{"port":443}]},{"to":[{"ipBlock":{"cidr":"203.0.113.%d/32"}}],"ports":[{"port":5432}]}]}`, i%200)
		policy(ns, "neighbour", `{"podSelector":{"matchLabels":{"tier":"t2"}},"policyTypes":["Ingress","Egress"],"ingress":[{"from":[{"namespaceSelector":{"matchLabels":{"team":"t%d"}},"podSelector":{"matchLabels":{"tier":"t2"}}}],"ports":[{"port":"http"}]}],"egress":[{"to":[{"namespaceSelector":{"matchLabels":{"team":"t%d"}}}]}]}`, (i+1)%40, (i+39)%40)
		for j := range 4 {
			policy(ns, fmt.Sprintf("app%d", j), `{"podSelector":{"matchLabels":{"app":"app%d"}},"policyTypes":["Ingress","Egress"],"ingress":[{"from":[{"podSelector":{"matchLabels":{"app":"app%d"}}}],"ports":[{"port":%d},{"port":9000,"endPort":9010}]}],"egress":[{"to":[{"podSelector":{"matchLabels":{"app":"app%d"}}}],"ports":[{"port":"http"}]}]}`, j, j+4, 8000+j%5, j+5)
		}
	}
	for i, rule := range []string{
		`"egress":[{"action":"Deny","to":[{"networks":["169.254.169.254/32"]}]}]`,
		`"egress":[{"action":"Accept","to":[{"pods":{"namespaceSelector":{"matchLabels":{"kubernetes.io/metadata.name":"kube-system"}},"podSelector":{}}}],"protocols":[{"udp":{"destinationPort":{"number":53}}}]}]`,
		`"ingress":[{"action":"Accept","from":[{"namespaces":{"matchLabels":{"role":"monitoring"}}}],"protocols":[{"destinationNamedPort":"metrics"}]}]`,
		`"egress":[{"action":"Deny","to":[{"nodes":{}}],"protocols":[{"tcp":{"destinationPort":{"number":10250}}}]}]`,
		`"ingress":[{"action":"Pass","from":[{"namespaces":{"matchLabels":{"stage":"s0"}}}]},{"action":"Deny","from":[{"namespaces":{"matchLabels":{"stage":"s2"}}}],"protocols":[{"tcp":{"destinationPort":{"range":{"start":1,"end":1023}}}}]}]`,
	} {
		for stage := range 3 {
			add(`{"apiVersion":"policy.networking.k8s.io/v1alpha2","kind":"ClusterNetworkPolicy","metadata":{"name":"all%d-%d"},"spec":{"tier":"Admin","priority":%d,"subject":{"namespaces":{"matchLabels":{"stage":"s%d"}}},%s}}`, i, stage, i*3+stage, stage, rule)
		}
	}
	return []byte(text.String())
}

// Placed are pods of which it is said where they run, in the network of their node and not, and policies that let nobody in.
const Placed = `
{apiVersion: v1, kind: Namespace, metadata: {name: shop}}
---
{apiVersion: v1, kind: Node, metadata: {name: near}, status: {addresses: [{type: InternalIP, address: 10.9.0.1}]}}
---
{apiVersion: v1, kind: Node, metadata: {name: far}, status: {addresses: [{type: InternalIP, address: 10.9.0.2}]}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: agent, namespace: shop}
spec: {template: {metadata: {labels: {app: agent}}, spec: {hostNetwork: true, nodeName: near, containers: [{name: c, image: x}]}}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: cart, namespace: shop}
spec: {template: {metadata: {labels: {app: cart}}, spec: {nodeName: near, containers: [{name: c, image: x}]}}}
---
{apiVersion: v1, kind: Pod, metadata: {name: db, namespace: shop}, spec: {nodeName: near, containers: [{name: c, image: x}]}, status: {podIP: 10.1.0.1}}
---
{apiVersion: v1, kind: Pod, metadata: {name: log, namespace: shop}, spec: {hostNetwork: true, nodeName: far, containers: [{name: c, image: x}]}}
---
{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: none, namespace: shop}, spec: {podSelector: {}, policyTypes: [Ingress]}}
`
