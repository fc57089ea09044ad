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
	"github.com/plimsoll/plimsoll/internal/judge/network/networktest"
	"github.com/plimsoll/plimsoll/internal/read/kube"
)

// estate is a cluster of n workloads.
func estate(b testing.TB, n int) *kube.Snapshot {
	b.Helper()
	objects, problems := kube.Manifest("estate.yaml", networktest.Estate(n))
	for _, p := range problems {
		b.Fatal(p)
	}
	return kube.NewSnapshot(objects, nil)
}

// TestEstate holds the map against answers where there are many classes: random clusters have few.
func TestEstate(t *testing.T) {
	m := network.New(estate(t, 300), network.Options{Whole: true})
	reach, err := m.Map(t.Context())
	if err != nil {
		t.Fatal(err)
	}
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
				all, err := network.New(s, network.Options{Whole: true}).Map(b.Context())
				if err != nil {
					b.Fatal(err)
				}
				runtime.KeepAlive(all)
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
		all, err := m.Map(b.Context())
		if err != nil {
			b.Fatal(err)
		}
		rows, err := all.Rows(b.Context(), "")
		if err != nil {
			b.Fatal(err)
		}
		for _, row := range rows {
			words += len(row.From.Words()) + len(row.To.Words())
		}
		if idle, err := m.Idles(b.Context()); err != nil || len(idle) > 0 || words == 0 {
			b.Fatal("no rule is void, and some connections are allowed")
		}
	}
}

// BenchmarkExposures says from where the workloads of a loaded model can be reached.
func BenchmarkExposures(b *testing.B) {
	for _, n := range sizes {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			m := network.New(estate(b, n), network.Options{Whole: true})
			for b.Loop() {
				if all, err := m.Exposures(b.Context()); err != nil || len(all) < n {
					b.Fatal("some workload is missing")
				}
			}
		})
	}
}
