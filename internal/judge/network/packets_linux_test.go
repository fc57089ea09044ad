package network_test

import (
	"os"
	"slices"
	"strconv"
	"testing"

	"github.com/plimsoll/plimsoll/testbed/packet"
)

// TestPackets lays random clusters out as network namespaces, has kube-network-policies enforce their policies, which it
// reads of a real API server, and tries every connection that the map knows of, allowed or refused: with TCP, UDP and the
// first packet of SCTP, over IPv4 and IPv6, on each port that is named and one that is not. The model reads the same API
// server, and has nothing in common with the agent, which is others' reading of the same policies.
//
// What is not laid out is said in tame. PLIMSOLL_TEST_PACKETS says how many clusters, and PLIMSOLL_TEST_SEED one of them.
func TestPackets(t *testing.T) {
	first, clusters := uint64(1), uint64(16)
	if text := os.Getenv("PLIMSOLL_TEST_PACKETS"); text != "" {
		clusters = number(t, text)
	}
	if text := os.Getenv("PLIMSOLL_TEST_SEED"); text != "" {
		first, clusters = number(t, text), 1
	}
	s := packet.Start(t)
	tried, reached := 0, 0
	for seed, left := first, clusters; left > 0 && !t.Failed(); seed++ {
		d := newDice(seed)
		if tame(d) < 3 && clusters > 1 {
			continue // of few policies, which refuse little
		}
		left--
		t.Run(strconv.FormatUint(seed, 10), func(t *testing.T) {
			l := s.LayOut(t, fields(d.objects), portsOf(d))
			otherwise := l.Compare()
			for _, one := range otherwise[:min(len(otherwise), 10)] {
				t.Errorf("%s: the map says otherwise than packets, and %d more:%s", one, len(otherwise)-1, reasons(l, one))
			}
			tried, reached = tried+l.Tried, reached+l.Reached
			t.Logf("%d objects, %d refused by the server, %d connections: %d allowed", len(d.objects), len(l.Refused), l.Tried, l.Reached)
			for _, r := range l.Refused {
				t.Log(r)
			}
			if t.Failed() {
				t.Logf("%s", d.text(true))
			}
		})
	}
	t.Logf("%d connections of %d clusters: %d allowed", tried, clusters, reached)
	if clusters >= 10 && (reached < tried/10 || reached > tried*9/10) {
		t.Errorf("%d of %d connections are allowed: such clusters show little", reached, tried)
	}
}

func fields(objects []any) (all []map[string]any) {
	for _, o := range objects {
		all = append(all, o.(map[string]any))
	}
	return all
}

// unnamed is a port that no policy speaks of.
const unnamed = 8080

func portsOf(d *dice) (all []int) {
	all = []int{unnamed}
	for _, n := range d.numbers {
		all = append(all, int(n))
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// reasons are what the model says of a connection.
func reasons(l *packet.Layout, c packet.Connection) (text string) {
	for _, a := range l.Model.Ask(c.From, c.To) {
		if c.Of(a.Ports) {
			text += answer(a.OwnNode, words(a.Egress), words(a.Ingress))
		}
	}
	return text
}
