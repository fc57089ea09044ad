package network_test

import (
	"maps"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/plimsoll/plimsoll/internal/judge/network"
	"github.com/plimsoll/plimsoll/testbed/wire"
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
	wire.New(t) // or there is no need for a server
	s := newServer(t)
	tried, reached := 0, 0
	for seed, left := first, clusters; left > 0 && !t.Failed(); seed++ {
		d := newDice(seed)
		if tame(d) < 3 && clusters > 1 {
			continue // of few policies, which refuse little
		}
		left--
		t.Run(strconv.FormatUint(seed, 10), func(t *testing.T) {
			l := s.layOut(t, d.objects, portsOf(d))
			for _, one := range l.compare() {
				t.Errorf("%s: the map says otherwise than packets:%s", one, l.reasons(one))
			}
			tried, reached = tried+l.tried, reached+l.reached
			t.Logf("%d objects, %d refused by the server, %d connections: %d allowed", len(d.objects), len(l.refused), l.tried, l.reached)
			for _, r := range l.refused {
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

// layout is a cluster as the model reads it, and as namespaces.
type layout struct {
	*testing.T
	net     *wire.Network
	model   *network.Model
	ports   []int
	refused []string // objects that the API server did not take
	at      map[*network.Endpoint]*wire.Host
	nodes   map[string]*wire.Host

	tried, reached int
}

// layOut brings objects to the API server, the model's endpoints into namespaces, and the agent between them.
func (s *server) layOut(t *testing.T, objects []any, ports []int) *layout {
	t.Helper()
	l := &layout{T: t, net: wire.New(t), ports: ports, at: map[*network.Endpoint]*wire.Host{}, nodes: map[string]*wire.Host{}}
	t.Cleanup(func() { s.clear(t) })
	l.refused = s.create(t, objects)
	l.model = s.model(t)
	for _, d := range l.model.Doubts {
		t.Fatal(d)
	}
	l.hosts()
	agent := s.StartAgent(l.net.Router)
	t.Cleanup(agent.Stop)
	return l
}

// hosts makes a namespace for each pod with addresses, each node with addresses, which those in its network share, and
// one for all others.
func (l *layout) hosts() {
	taken := map[netip.Addr]bool{}
	for _, e := range l.model.Endpoints {
		if e.Kind != network.Pods && e.Kind != network.Node || len(e.Addresses) == 0 {
			continue
		}
		all := addressesOf(e)
		for _, a := range all {
			taken[a] = true
		}
		l.at[e] = l.net.Add(e.String(), all...)
		l.net.Listen(l.at[e], l.ports)
		if e.Kind == network.Node {
			l.nodes[e.Name] = l.at[e]
		}
	}
	for _, e := range l.model.Endpoints {
		switch e.Kind {
		case network.Host:
			if h := l.nodes[e.Workload.Spec.NodeName]; h != nil {
				l.at[e] = h
			}
		case network.Block:
			if all := oneEach(e, taken); all != nil {
				l.at[e] = l.net.Add(e.String(), all...)
				l.net.Listen(l.at[e], l.ports)
			}
		}
	}
}

// oneEach are addresses of a block that nobody else has, one of each family: to policies they are all the same.
func oneEach(block *network.Endpoint, taken map[netip.Addr]bool) (all []netip.Addr) {
	may := []netip.Addr{netip.MustParseAddr("198.51.100.1"), netip.MustParseAddr("2001:db8::1")} // for documentation
	for _, of := range block.Addresses.Prefixes() {
		for a, n := of.Addr(), 0; of.Contains(a) && n < 20; a, n = a.Next(), n+1 {
			may = append(may, a)
		}
	}
	for _, a := range may {
		family := func(b netip.Addr) bool { return a.Is4() == b.Is4() }
		if block.Addresses.Has(a) && ordinary(a) && !taken[a] && !slices.ContainsFunc(all, family) {
			all = append(all, a)
		}
	}
	return all
}

// addressesOf are those of a pod or a node, one by one.
func addressesOf(e *network.Endpoint) (all []netip.Addr) {
	for _, of := range e.Addresses.Prefixes() {
		for a := of.Addr(); of.Contains(a); a = a.Next() {
			all = append(all, a)
		}
	}
	return all
}

// ordinary says that a host may have an address.
func ordinary(a netip.Addr) bool {
	return a.IsGlobalUnicast() && !(a.Is4() && (a.As4()[0] == 0 || a.As4()[0] >= 240)) && !strings.HasPrefix(a.String(), "::")
}

// wanted is a connection that the map says something of.
type wanted struct {
	from, to *network.Endpoint
	protocol string
	port     int
}

// compare tries all connections, and gives those that the map says otherwise. Where an endpoint has several addresses, it
// is reached if one of them is. Those that are known are not waited for.
func (l *layout) compare(known ...string) (otherwise []wanted) {
	reach := l.model.Map()
	want, tries := map[wanted]bool{}, map[wanted][]wire.Try{}
	var all []wanted
	for _, from := range l.model.Endpoints {
		mapped := map[*network.Endpoint]network.Ports{}
		for to, on := range reach.Reaches(from) {
			mapped[to] = on
		}
		for _, to := range l.model.Endpoints {
			if l.at[from] == nil || l.at[to] == nil || from.Kind != network.Pods && to.Kind != network.Pods || l.ownNode(from, to) {
				continue
			}
			for _, t := range l.between(from, to) {
				one := wanted{from, to, t.Protocol, t.Port}
				if tries[one] == nil {
					all = append(all, one)
				}
				protocol, _ := network.ProtocolOf(strings.ToUpper(t.Protocol))
				want[one] = from == to || mapped[to].Has(protocol, t.Port)
				tries[one] = append(tries[one], t)
			}
		}
	}
	got := l.try(tries, all, 300*time.Millisecond)
	// What is refused is silence, and silence may be a slow machine's: what should arrive is given more time.
	for _, within := range []time.Duration{time.Second, 3 * time.Second, 10 * time.Second} {
		late := slices.DeleteFunc(slices.Clone(all), func(one wanted) bool { return !want[one] || got[one] || slices.Contains(known, one.String()) })
		maps.Copy(got, l.try(tries, late, within))
	}
	for _, one := range all {
		l.tried++
		if got[one] {
			l.reached++
		}
		if got[one] != want[one] {
			otherwise = append(otherwise, one)
		}
	}
	return otherwise
}

func (l *layout) try(tries map[wanted][]wire.Try, some []wanted, within time.Duration) map[wanted]bool {
	l.Helper()
	var all []wire.Try
	var of []wanted
	for _, one := range some {
		for _, t := range tries[one] {
			all, of = append(all, t), append(of, one)
		}
	}
	reached, err := wire.Reached(all, within)
	if err != nil {
		l.Fatal(err)
	}
	got := map[wanted]bool{}
	for i, is := range reached {
		got[of[i]] = got[of[i]] || is
	}
	return got
}

func (w wanted) String() string {
	return w.from.String() + " -> " + w.to.String() + " " + w.protocol + " " + strconv.Itoa(w.port)
}

// ownNode says that a connection comes from the node that the pod is on, which no policy refuses. An agent knows it by the
// namespace that it comes from, which is the agent's own; here nodes have one each.
func (l *layout) ownNode(from, to *network.Endpoint) bool {
	return to.Kind == network.Pods && to.Workload.Spec.NodeName != "" && l.at[from] == l.nodes[to.Workload.Spec.NodeName]
}

// between are all tries of one endpoint to another.
func (l *layout) between(from, to *network.Endpoint) (all []wire.Try) {
	for _, source := range l.at[from].Addresses {
		for _, target := range l.at[to].Addresses {
			if source.Is4() != target.Is4() || from == to && source != target {
				continue
			}
			for _, protocol := range wire.Protocols {
				for _, port := range l.ports {
					all = append(all, wire.Try{From: l.at[from], To: l.at[to], Source: source, Target: target, Protocol: protocol, Port: port})
				}
			}
		}
	}
	return all
}

// reasons are what the model says of a connection.
func (l *layout) reasons(w wanted) (text string) {
	protocol, _ := network.ProtocolOf(strings.ToUpper(w.protocol))
	for _, a := range l.model.Ask(w.from, w.to) {
		if a.Ports.Has(protocol, w.port) {
			text += answer(a.OwnNode, words(a.Egress), words(a.Ingress))
		}
	}
	return text
}
