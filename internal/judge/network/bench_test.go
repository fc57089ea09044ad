package network_test

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"runtime/metrics"
	"strings"
	"testing"
	"time"

	"github.com/plimsoll/plimsoll/internal/judge/network"
	"github.com/plimsoll/plimsoll/internal/read/kube"
)

// estate is a cluster of n workloads, 20 to a namespace: half as many policies as workloads, as a careful site has them,
// and a dozen of the whole cluster.
func estate(b testing.TB, n int) *kube.Snapshot {
	b.Helper()
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
	objects, problems := kube.Manifest("estate.yaml", []byte(text.String()))
	for _, p := range problems {
		b.Fatal(p)
	}
	return kube.NewSnapshot(objects, nil)
}

// TestEstate holds the map against answers where there are many classes: random clusters have few.
func TestEstate(t *testing.T) {
	m := network.New(estate(t, 300), network.Options{Whole: true})
	reach := m.Map()
	dice := rand.New(rand.NewPCG(2, 2))
	for range 40 {
		from := m.Endpoints[dice.IntN(len(m.Endpoints))]
		mapped := map[*network.Endpoint]network.Ports{}
		for to, ports := range reach.Reaches(from) {
			mapped[to] = ports
		}
		for _, to := range m.Endpoints {
			if from == to || from.Kind != network.Pods && to.Kind != network.Pods {
				continue
			}
			var want network.Ports
			for _, a := range m.Ask(from, to) {
				if a.Allowed() {
					want = want.Union(a.Ports)
				}
			}
			if got := mapped[to]; !got.Equal(want) {
				t.Fatalf("%s -> %s: the map says %s, the answers %s", from, to, got, want)
			}
		}
	}
}

var sizes = []int{100, 1000, 10000}

// BenchmarkMap makes the model and the whole map. Goals at 10,000 workloads in 500 namespaces with 5,000 policies: 3 s and
// 1 GB.
func BenchmarkMap(b *testing.B) {
	for _, n := range sizes {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			s := estate(b, n)
			peak := watchHeap()
			for b.Loop() {
				runtime.KeepAlive(network.New(s, network.Options{Whole: true}).Map())
			}
			b.ReportMetric(float64(peak())/1e6, "MB-peak")
		})
	}
}

// watchHeap samples what is on the heap, with what is not collected yet, until its end is called; what was there before
// is left out.
func watchHeap() (end func() uint64) {
	read := func() uint64 {
		of := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
		metrics.Read(of)
		return of[0].Value.Uint64()
	}
	runtime.GC()
	before, peak := read(), uint64(0)
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for tick := time.NewTicker(time.Millisecond); ; {
			select {
			case <-stop:
				tick.Stop()
				return
			case <-tick.C:
				peak = max(peak, read())
			}
		}
	}()
	return func() uint64 {
		close(stop)
		<-stopped
		return max(peak, before) - before
	}
}

// BenchmarkAsk asks one question of a loaded model. Goal: 50 ms.
func BenchmarkAsk(b *testing.B) {
	for _, n := range sizes {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			m := network.New(estate(b, n), network.Options{Whole: true})
			var from, to *network.Endpoint
			for _, e := range m.Endpoints {
				switch e.String() {
				case "team1/Deployment app6":
					from = e
				case "team2/Deployment app2":
					to = e
				}
			}
			for b.Loop() {
				if len(m.Ask(from, to)) == 0 {
					b.Fatal("no answer")
				}
			}
		})
	}
}

// BenchmarkBlocks makes and tells the map of one policy that names 5,000 addresses, each in a rule of its own, on a few ports.
func BenchmarkBlocks(b *testing.B) {
	var text strings.Builder
	text.WriteString("{apiVersion: v1, kind: Pod, metadata: {name: cart, namespace: shop}, spec: {containers: [{name: c, image: x}]}}\n---\n" +
		"apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: many, namespace: shop}\nspec:\n  podSelector: {}\n  ingress:\n")
	for i := range 5000 {
		fmt.Fprintf(&text, "  - {from: [{ipBlock: {cidr: 203.%d.%d.%d/32}}], ports: [{port: %d}]}\n", i/4096, i/16%256, i%16*2, 443+i%5)
	}
	objects, problems := kube.Manifest("many.yaml", []byte(text.String()))
	if len(problems) > 0 {
		b.Fatal(problems[0])
	}
	s := kube.NewSnapshot(objects, nil)
	for b.Loop() {
		m := network.New(s, network.Options{Whole: true})
		words := 0
		for _, row := range m.Map().Rows("") {
			words += len(row.From.Words()) + len(row.To.Words())
		}
		if len(m.Idles()) > 0 || words == 0 {
			b.Fatal("no rule is void, and some connections are allowed")
		}
	}
}
