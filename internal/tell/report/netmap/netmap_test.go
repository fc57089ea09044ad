package netmap

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/plimsoll/plimsoll/internal/judge/network"
	"github.com/plimsoll/plimsoll/internal/judge/network/networktest"
	"github.com/plimsoll/plimsoll/internal/read/kube"
	"github.com/plimsoll/plimsoll/internal/tell/report/page"
)

// shop is a small cluster: a cart that anybody reaches, its database that the cart alone reaches, and a neighbour.
const shop = `
{apiVersion: v1, kind: Namespace, metadata: {name: shop}}
---
{apiVersion: apps/v1, kind: Deployment, metadata: {name: cart, namespace: shop}, spec: {replicas: 2, selector: {matchLabels: {app: cart}}, template: {metadata: {labels: {app: cart}}, spec: {containers: [{name: c, image: x, ports: [{name: http, containerPort: 8080}]}]}}}}
---
{apiVersion: apps/v1, kind: StatefulSet, metadata: {name: db, namespace: shop}, spec: {selector: {matchLabels: {app: db}}, template: {metadata: {labels: {app: db, tier: data}}, spec: {containers: [{name: c, image: x}]}}}}
---
{apiVersion: v1, kind: Pod, metadata: {name: other, namespace: far, labels: {app: other}}, spec: {nodeName: n1, containers: [{name: c, image: x}]}}
---
{apiVersion: v1, kind: Node, metadata: {name: n1}, spec: {podCIDR: 10.1.0.0/16}, status: {addresses: [{type: InternalIP, address: 192.168.7.1}]}}
---
{apiVersion: v1, kind: Service, metadata: {name: cart, namespace: shop}, spec: {type: LoadBalancer, selector: {app: cart}, ports: [{port: 80, targetPort: http}]}}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: db, namespace: shop}
spec:
  podSelector: {matchLabels: {app: db}}
  policyTypes: [Ingress, Egress]
  ingress:
  - from: [{podSelector: {matchLabels: {app: cart}}}]
    ports: [{port: 5432}]
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: cart-out, namespace: shop}
spec:
  podSelector: {matchLabels: {app: cart}}
  policyTypes: [Egress]
  egress:
  - to: [{podSelector: {matchLabels: {app: db}}}]
  - to: [{ipBlock: {cidr: 0.0.0.0/0, except: [10.0.0.0/8]}}]
    ports: [{port: 443}]
---
apiVersion: policy.networking.k8s.io/v1alpha2
kind: ClusterNetworkPolicy
metadata: {name: no-metadata}
spec:
  tier: Admin
  priority: 1
  subject: {namespaces: {}}
  egress:
  - {action: Deny, name: metadata, to: [{networks: [169.254.169.254/32]}]}
`

func modelOf(t testing.TB, manifest string) *network.Model {
	t.Helper()
	objects, problems := kube.Manifest("k8s.yaml", []byte(manifest))
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	return network.New(kube.NewSnapshot(objects, nil), network.Options{Whole: true})
}

var made = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

func written(t testing.TB, f Facts, most bounds) string {
	t.Helper()
	var b bytes.Buffer
	f.Version, f.Made = "1.0", made
	if err := write(t.Context(), &b, f, most); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// hostile names what a cluster could be named by somebody who wants to be read otherwise.
func hostile() string {
	long := strings.Repeat("n", 253)
	return fmt.Sprintf(`
{apiVersion: v1, kind: Pod, metadata: {name: "</script><script>alert(1)</script>", namespace: "<img src=x onerror=alert(1)>", labels: {"a\"><svg/onload=alert(1)>": "</title>"}}, spec: {containers: [{name: c, image: x}]}}
---
{apiVersion: v1, kind: Pod, metadata: {name: "evil%scod.exe", namespace: %q, labels: {app: "${alert(1)}"}}, spec: {containers: [{name: c, image: x}]}}
---
{apiVersion: v1, kind: Pod, metadata: {name: "__proto__", namespace: "constructor", labels: {"__proto__": "x"}}, spec: {containers: [{name: c, image: x}]}}
---
{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: "<b>bold", namespace: "constructor"}, spec: {podSelector: {}, ingress: [{from: [{namespaceSelector: {}}]}]}}
`, `\u202e`, long)
}

// TestAlone wants the page to need nothing from elsewhere, and no name in it to be markup.
func TestAlone(t *testing.T) {
	out := written(t, Facts{Model: modelOf(t, hostile()), Gaps: []string{"<script>alert(2)</script>\u202e"}}, usual)
	for _, bad := range []string{"<img", "<script>alert", "\u202e", "<link", "@import", "url(", "<iframe", "<svg/onload", "</title><"} {
		if strings.Contains(strings.Replace(out, `url(#tip`, "", 1), bad) {
			t.Errorf("the page holds %q", bad)
		}
	}
	if m := regexp.MustCompile(`(?i)<[^>]*\s(on[a-z]+|style|src)=`).FindString(strings.Split(out, `id="data">`)[0]); m != "" {
		t.Errorf("the page has an attribute that its policy forbids: %s", m)
	}
	for _, part := range []string{page.Style + style, script()} {
		if !strings.Contains(out, "'"+page.Hash(part)+"'") || strings.Contains(part, "</") || strings.Contains(part, "<!--") {
			t.Error("the policy does not name the page's own style and script")
		}
	}
	for _, forbidden := range []string{"innerHTML", "eval(", "document.write", "insertAdjacentHTML", "fetch(", "XMLHttpRequest", "localStorage"} {
		if strings.Contains(script(), forbidden) {
			t.Errorf("the script uses %s", forbidden)
		}
	}
	if n := strings.Count(out, "<script"); n != 2 {
		t.Errorf("%d scripts, want 2: the data and what reads it", n)
	}
}

// TestTells wants what there is to know on the page also without its script, and what is not known at its top.
func TestTells(t *testing.T) {
	m := modelOf(t, shop)
	out := written(t, Facts{Model: m, Gaps: []string{"a policy is not understood"}}, usual)
	for _, want := range []string{
		`<header class="verdict incomplete">`, "3 workloads in 2 namespaces, 3 policies.", "<li>a policy is not understood</li>",
		"<td>shop/Deployment cart</td><td>TCP 5432</td><td>shop/StatefulSet db</td>", "<td>Service shop/cart (LoadBalancer)</td><td>shop/Deployment cart</td><td>TCP 8080</td><td>TCP 8080</td>",
		"Plimsoll 1.0, 2026-11-24 12:00 UTC",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	if certain := written(t, Facts{Model: m}, usual); strings.Contains(certain, "incomplete</p>") || strings.Contains(certain, "Not certain") {
		t.Error("a page of what is certain says that it is not")
	}
	if open := written(t, Facts{Model: modelOf(t, hostile()[:strings.LastIndex(hostile(), "---")])}, usual); !strings.Contains(open, "nothing was read that keeps anybody from anybody") {
		t.Error("a cluster without policies is not told to be open")
	}
}

// TestBounds wants what has no place on a page to be named.
func TestBounds(t *testing.T) {
	m := modelOf(t, string(networktest.Estate(100)))
	for want, most := range map[string]bounds{
		"reasons, and connections of single workloads: they would take more than 10 entries": {10, 1000, 1000, 10},
		"88 ends: they are counted in their namespaces":                                      {1000000, 43, 1000, 10},
		"connections of namespaces from ":                                                    {1000000, 1000, 5, 10},
		"more rows: plimsoll net map writes all":                                             {1000000, 1000, 1000, 1},
	} {
		out := written(t, Facts{Model: m}, most)
		if !strings.Contains(out, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
}

// TestNamespace wants of one namespace only what it reaches, and who reaches it.
func TestNamespace(t *testing.T) {
	m := modelOf(t, string(networktest.Estate(100)))
	f := Facts{Model: m, Namespace: "team1"}
	all, err := m.Map(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	d := dataOf(f, all, usual)
	if d.Only < 0 || d.Groups[d.Only].Name != "team1" || len(d.Edges) == 0 {
		t.Fatalf("only %d of %v", d.Only, d.Groups)
	}
	for _, e := range d.Edges {
		for i := 2; i < len(e); i += 2 {
			if e[0] != d.Only && (e[i] != d.Only || e[i+1] != d.Only) {
				t.Errorf("an edge of others: %v", e)
			}
		}
	}
	if out := written(t, f, usual); !strings.Contains(out, "only what pods of team1 reach, and who reaches them") {
		t.Error("the page does not say that it is of one namespace")
	}
}

// BenchmarkPage makes the page of a cluster that was read.
func BenchmarkPage(b *testing.B) {
	for _, n := range []int{20, 100, 1000, 10000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			m := modelOf(b, string(networktest.Estate(n)))
			for b.Loop() {
				b.ReportMetric(float64(len(written(b, Facts{Model: m}, usual)))/1e6, "MB")
			}
		})
	}
}

// TestStrangers wants the page of a namespace to tell nothing of those whom it does not meet.
func TestStrangers(t *testing.T) {
	m := modelOf(t, `
{apiVersion: v1, kind: Pod, metadata: {name: web, namespace: shop}, spec: {containers: [{name: c, image: x}]}}
---
{apiVersion: v1, kind: Pod, metadata: {name: submarine, namespace: secret, labels: {customer: acme}}, spec: {containers: [{name: c, image: x}]}}
---
{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: periscope, namespace: secret}, spec: {podSelector: {}, policyTypes: [Ingress, Egress]}}
`)
	page := written(t, Facts{Model: m, Namespace: "shop"}, usual)
	for _, word := range []string{"submarine", "acme", "secret", "periscope"} {
		if strings.Contains(page, word) {
			t.Errorf("the page of shop says %s", word)
		}
	}
	if page := written(t, Facts{Model: m}, usual); !strings.Contains(page, "acme") || !strings.Contains(page, "secret/periscope") {
		t.Error("the page of all lacks the others")
	}
}

// TestPublishedBeyond wants what has no room to be counted, and names that are cut alike to stay apart.
func TestPublishedBeyond(t *testing.T) {
	long := strings.Repeat("x", 245)
	text := ""
	for i := range 3 {
		text += fmt.Sprintf(`
{apiVersion: v1, kind: Pod, metadata: {name: p%d, namespace: shop, labels: {app: p%[1]d}}, spec: {containers: [{name: c, image: x}]}}
---
{apiVersion: v1, kind: Service, metadata: {name: p%[1]d, namespace: shop}, spec: {selector: {app: p%[1]d}, ports: [{port: 80}]}}
---
{apiVersion: networking.k8s.io/v1, kind: Ingress, metadata: {name: %[2]s%[1]d, namespace: %[3]s}, spec: {defaultBackend: {service: {name: p%[1]d, port: {number: 80}}}}}
---`, i, long, "shop")
	}
	m := modelOf(t, text)
	all, err := m.Map(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	publishers := func(most bounds) (n int, leftOut string) {
		d := dataOf(Facts{Model: m}, all, most)
		for _, e := range d.Ends {
			if e.Kind == publishes {
				n++
			}
		}
		return n, strings.Join(d.leftOut, "; ")
	}
	if n, left := publishers(usual); n != 3 || left != "" {
		t.Errorf("%d publish, left out %q", n, left)
	}
	few := usual
	few.ends = len(m.Endpoints) + 1
	if n, left := publishers(few); n != 1 || !strings.Contains(left, "2 ways from outside") {
		t.Errorf("%d publish, left out %q", n, left)
	}
}
