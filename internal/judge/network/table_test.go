package network_test

import (
	"cmp"
	"fmt"
	"slices"
	"testing"

	"github.com/plimsoll/plimsoll/internal/judge/network"
	"github.com/plimsoll/plimsoll/internal/judge/network/networktest"
	"github.com/plimsoll/plimsoll/internal/read/kube"
)

// TestTable holds the table against answers, one by one, and what is merged by namespaces against the map: of a cluster with
// many classes, and of random ones, whose ends have several addresses, and whose policies are of all kinds.
func TestTable(t *testing.T) {
	objects, problems := kube.Manifest("placed.yaml", []byte(networktest.Placed))
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	models := map[string]*network.Model{
		"estate": network.New(estate(t, 100), network.Options{Whole: true}),
		"placed": network.New(kube.NewSnapshot(objects, nil), network.Options{Whole: true}),
	}
	for seed := range uint64(200) {
		d := newDice(seed)
		objects, problems := kube.Manifest("random.yaml", d.text(false))
		if len(problems) > 0 {
			t.Fatal(problems)
		}
		models[fmt.Sprint("random ", seed)] = network.New(kube.NewSnapshot(objects, nil), network.Options{Whole: true})
	}
	asked, owned := 0, 0
	for name, m := range models {
		table := m.Table(1 << 30)
		for _, from := range m.Endpoints {
			for _, to := range m.Endpoints {
				if from.Kind != network.Pods && to.Kind != network.Pods {
					continue
				}
				want := m.Ask(from, to)
				got := table.Answers(from, to)
				asked += len(want)
				if len(want) > 0 && want[0].OwnNode && from.Kind == network.Host && from.WorkloadKind() == "Deployment" {
					owned++
				}
				if !slices.EqualFunc(got, want, func(a, b network.Answer) bool {
					return a.Allowed() == b.Allowed() && a.OwnNode == b.OwnNode && a.Same == b.Same && a.Ports.Equal(b.Ports) && same(a.Egress, b.Egress) && same(a.Ingress, b.Ingress)
				}) {
					t.Fatalf("%s: %s -> %s:\n%+v\nwant\n%+v", name, from, to, got, want)
				}
			}
		}
		if name == "estate" && m.Table(10) != nil {
			t.Error("a table of hundreds of reasons has ten")
		}
		merges(t, m)
	}
	if asked < 10_000 || owned == 0 {
		t.Errorf("only %d answers were compared, %d of Deployments in the network of a pod's node", asked, owned)
	}
}

func same(a, b network.Reason) bool {
	return a.Allowed == b.Allowed && slices.Equal(a.Rules, b.Rules) && slices.Equal(a.Isolating, b.Isolating) && a.Passed == b.Passed
}

func merges(t *testing.T, m *network.Model) {
	t.Helper()
	groups := map[string]int{}
	group := func(e *network.Endpoint) int {
		key := cmp.Or(e.Namespace, "outside")
		if _, known := groups[key]; !known {
			groups[key] = len(groups)
		}
		return groups[key]
	}
	for _, e := range m.Endpoints {
		group(e)
	}
	all, err := m.Map(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := map[[2]int]network.Ports{}
	for _, from := range m.Endpoints {
		for to, ports := range all.Reaches(from) {
			pair := [2]int{group(from), group(to)}
			want[pair] = want[pair].Union(ports)
		}
	}
	got := all.Merge(len(groups), group)
	if len(got) != len(want) {
		t.Errorf("%d pairs of groups, want %d", len(got), len(want))
	}
	for _, one := range got {
		if !want[[2]int{one.From, one.To}].Equal(one.Ports) {
			t.Errorf("%d to %d: %s, want %s", one.From, one.To, one.Ports, want[[2]int{one.From, one.To}])
		}
	}
}

func BenchmarkTable(b *testing.B) {
	m := network.New(estate(b, 10000), network.Options{Whole: true})
	all, err := m.Map(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	groups := map[string]int{}
	for _, e := range m.Endpoints {
		if _, known := groups[e.Namespace]; !known {
			groups[e.Namespace] = len(groups)
		}
	}
	for b.Loop() {
		table := m.Table(1 << 40)
		sides, peers := 0, 0
		for _, f := range table.Faces {
			sides += len(f.Sides)
		}
		for _, s := range table.Sets {
			peers += len(s)
		}
		b.ReportMetric(float64(len(table.Faces)), "faces")
		b.ReportMetric(float64(sides), "sides")
		b.ReportMetric(float64(len(table.Reasons)), "reasons")
		b.ReportMetric(float64(peers), "peers")
		b.ReportMetric(float64(len(all.Merge(len(groups), func(e *network.Endpoint) int { return groups[e.Namespace] }))), "merged")
	}
}
