package network_test

import (
	"testing"

	"github.com/plimsoll/plimsoll/internal/judge/network"
	"github.com/plimsoll/plimsoll/internal/judge/network/networktest"
	"github.com/plimsoll/plimsoll/internal/read/kube"
)

// TestRows wants each two ends, one of which reaches the other, in one row, on all ports on which it does. Pods and the node
// that they run on may stand in two: what the node reaches of its own pods is told beside.
func TestRows(t *testing.T) {
	objects, problems := kube.Manifest("estate.yaml", networktest.Estate(120))
	if len(problems) > 0 {
		t.Fatal(problems[0])
	}
	all, err := network.New(kube.NewSnapshot(objects, nil), network.Options{}).Map(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	rows, err := all.Rows(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	type pair [2]*network.Endpoint
	told := map[pair]network.Ports{}
	for i := range rows {
		for _, from := range rows[i].From.All() {
			for _, to := range rows[i].To.All() {
				if _, twice := told[pair{from, to}]; twice {
					t.Errorf("%s to %s is in two rows", from, to)
				}
				if from != to || from.Several {
					told[pair{from, to}] = rows[i].Ports
				}
			}
		}
	}
	n := 0
	for _, from := range all.Endpoints {
		for to, ports := range all.Reaches(from) {
			if n++; !told[pair{from, to}].Equal(ports) {
				t.Errorf("%s to %s: %s in a row, %s in the map", from, to, told[pair{from, to}], ports)
			}
		}
	}
	if n < 1000 || n != len(told) {
		t.Errorf("%d pairs in rows, %d in the map", len(told), n)
	}
}
