package network

import (
	"os"
	"strings"
	"testing"
)

// TestRoutes holds which routes a Gateway takes against the Gateway API's documents: parentRefs, allowedRoutes, hostnames and
// ReferenceGrants.
func TestRoutes(t *testing.T) {
	const base = `
apiVersion: v1
kind: Namespace
metadata: {name: shop, labels: {expose: "yes"}}
---
apiVersion: v1
kind: Namespace
metadata: {name: gw}
---
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop, labels: {app: web}}
spec: {containers: [{name: c, image: x}]}
---
apiVersion: v1
kind: Pod
metadata: {name: db, namespace: data, labels: {app: db}}
spec: {containers: [{name: c, image: x}]}
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec: {selector: {app: web}, ports: [{port: 80, targetPort: 8080}]}
---
apiVersion: v1
kind: Service
metadata: {name: db, namespace: data}
spec: {selector: {app: db}, ports: [{port: 80}]}
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: ext, namespace: gw}
spec:
  listeners:
  - {name: https, port: 443, protocol: HTTPS, hostname: "*.example.com", allowedRoutes: {namespaces: {from: Selector, selector: {matchLabels: {expose: "yes"}}}}}
  - {name: other, port: 444, protocol: HTTPS, allowedRoutes: {namespaces: {from: Selector, selector: {matchLabels: {expose: "no"}}}}}
  - {name: same, port: 80, protocol: HTTP}
  - {name: raw, port: 9000, protocol: TCP, hostname: a.b, allowedRoutes: {namespaces: {from: All}}}
  - {name: grpc, port: 81, protocol: HTTP, allowedRoutes: {namespaces: {from: All}, kinds: [{kind: GRPCRoute}]}}
---
`
	const web = "[{name: web, port: 80}]"
	grant := func(from, to string) string {
		return "\n---\napiVersion: gateway.networking.k8s.io/v1beta1\nkind: ReferenceGrant\nmetadata: {name: g, namespace: data}\nspec: {from: [{group: gateway.networking.k8s.io, kind: HTTPRoute, namespace: " + from + "}], to: [{group: \"\", kind: Service" + to + "}]}"
	}
	for name, c := range map[string]struct{ parents, hosts, backends, more, want string }{
		"taken":                    {"{name: ext, namespace: gw, sectionName: https}", "shop.example.com", web, "", "TCP 8080"},
		"taken, of any listener":   {"{name: ext, namespace: gw}", "a.b.example.com", web, "", "TCP 8080"},
		"its hostname is wider":    {"{name: ext, namespace: gw, port: 443}", "\"*.com\"", web, "", "TCP 8080"},
		"in another way, too":      {"{name: nosuch}, {name: ext, namespace: gw}", "a.example.com", web, "", "TCP 8080"},
		"of its own namespace":     {"{name: ext, namespace: gw, sectionName: same}", "", web, "", "listener same of Gateway gw/ext takes routes of its own namespace alone"},
		"of namespaces chosen":     {"{name: ext, namespace: gw, sectionName: other}", "", web, "", "takes routes of namespaces with expose=no, and not of shop"},
		"the hostname is not":      {"{name: ext, namespace: gw, sectionName: https}", "example.com", web, "", "is of hostname *.example.com"},
		"of other kinds":           {"{name: ext, namespace: gw, sectionName: grpc}", "", web, "", "takes GRPCRoute alone"},
		"of another protocol":      {"{name: ext, namespace: gw, sectionName: raw}", "", web, "", "takes TCPRoute alone"},
		"no such listener":         {"{name: ext, namespace: gw, sectionName: https, port: 80}", "", web, "", "has no such listener"},
		"no such Gateway":          {"{name: nosuch}", "", web, "", "there is no Gateway shop/nosuch"},
		"a Gateway not read":       {"{name: ext, namespace: infra}", "", web, "", "TCP 8080; Gateway infra/ext is not among what was read"},
		"of a set of listeners":    {"{name: set, kind: ListenerSet}", "", web, "", "TCP 8080; whether ListenerSet set takes it is not known"},
		"no parent":                {"", "", web, "", "it names no Gateway"},
		"for the mesh":             {"{name: web, kind: Service, group: \"\"}", "", web, "", "nothing"},
		"of another namespace":     {"{name: ext, namespace: gw}", "a.example.com", "[{name: db, namespace: data, port: 80}]", "", "no ReferenceGrant of namespace data lets it name Service db"},
		"granted":                  {"{name: ext, namespace: gw}", "a.example.com", "[{name: db, namespace: data, port: 80}]", grant("shop", ""), "TCP 80"},
		"granted by name":          {"{name: ext, namespace: gw}", "a.example.com", "[{name: db, namespace: data, port: 80}]", grant("shop", ", name: db"), "TCP 80"},
		"another name is granted":  {"{name: ext, namespace: gw}", "a.example.com", "[{name: db, namespace: data, port: 80}]", grant("shop", ", name: web"), "no ReferenceGrant"},
		"granted to somebody else": {"{name: ext, namespace: gw}", "a.example.com", "[{name: db, namespace: data, port: 80}]", grant("gw", ""), "no ReferenceGrant"},
	} {
		t.Run(name, func(t *testing.T) {
			m := load(t, base+"apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: {name: r, namespace: shop}\nspec: {parentRefs: ["+c.parents+"], hostnames: ["+c.hosts+"], rules: [{backendRefs: "+c.backends+"}]}"+c.more, Options{})
			got := "nothing"
			for _, p := range m.Published() {
				p.Unknown = false
				got = p.LetIn()
				if (p.Detached != "") != (len(p.Reached) == 0) || (p.Detached != "") != (len(m.Strays()) == 1) {
					t.Errorf("let in on %s, %+v", p.Reached, m.Strays())
				}
			}
			if c.want != got && !strings.Contains(got, "not attached: ") || !strings.Contains(got, c.want) {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
}

// TestHostPorts are published, but for those of a node's own address; a pod that has ended is nowhere.
func TestHostPorts(t *testing.T) {
	m := load(t, `
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: edge, namespace: in}
spec: {template: {metadata: {labels: {app: edge}}, spec: {containers: [{name: c, image: x, ports: [{containerPort: 8080, hostPort: 80}, {containerPort: 9090}, {containerPort: 7, hostPort: 7, hostIP: 127.0.0.1}]}]}}}
---
apiVersion: v1
kind: Pod
metadata: {name: agent, namespace: in}
spec: {hostNetwork: true, containers: [{name: c, image: x, ports: [{containerPort: 9100}]}]}
---
apiVersion: v1
kind: Pod
metadata: {name: held, namespace: in, labels: {app: held}}
spec: {containers: [{name: c, image: x, ports: [{containerPort: 53, hostPort: 53, protocol: UDP}]}]}
---
apiVersion: v1
kind: Pod
metadata: {name: done, namespace: in}
spec: {containers: [{name: c, image: x, ports: [{containerPort: 1, hostPort: 1}]}]}
status: {phase: Succeeded}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: held, namespace: in}
spec: {podSelector: {matchLabels: {app: held}}, policyTypes: [Ingress]}
`, Options{})
	var got []string
	for _, p := range m.Published() {
		got = append(got, p.How+" "+p.To.String()+" "+p.Ports.String()+": "+p.LetIn())
	}
	want := "hostPort in/DaemonSet edge TCP 8080: TCP 8080, hostNetwork in/Pod agent TCP 9100: TCP 9100, hostPort in/Pod held UDP 53: none"
	if all := strings.Join(got, ", "); all != want {
		t.Errorf("%s\nwant %s", all, want)
	}
	if _, err := m.Find("in/done"); err == nil || !strings.Contains(err.Error(), "has ended") {
		t.Error(err)
	}
}

// TestCarriers: the guide has the names by which controllers are known.
func TestCarriers(t *testing.T) {
	guide, err := os.ReadFile("../../../docs/guide/net.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range Carriers {
		if !strings.Contains(string(guide), "`"+name+"`") {
			t.Errorf("%s is not in docs/guide/net.md", name)
		}
	}
}
