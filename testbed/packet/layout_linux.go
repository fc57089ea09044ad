package packet

import (
	"context"
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/plimsoll/plimsoll/internal/judge/network"
	"github.com/plimsoll/plimsoll/testbed/wire"
)

// Layout is a cluster as the model reads it, and as namespaces.
type Layout struct {
	Model   *network.Model
	Refused []string // objects that the API server did not take
	// Tried are the connections that were, Reached those that arrived.
	Tried, Reached int

	t     *testing.T
	net   *wire.Network
	ports []int
	at    map[*network.Endpoint]*wire.Host
	nodes map[string]*wire.Host
}

// LayOut brings objects to the API server, the model's endpoints into namespaces, and the agent between them.
func (s *Server) LayOut(t *testing.T, objects []map[string]any, ports []int) *Layout {
	t.Helper()
	l := &Layout{t: t, net: wire.New(t), ports: ports, at: map[*network.Endpoint]*wire.Host{}, nodes: map[string]*wire.Host{}}
	t.Cleanup(func() { s.clear(t) })
	l.Refused = s.create(t, objects)
	l.Model = s.model(t)
	for _, d := range l.Model.Doubts {
		t.Fatal(d)
	}
	l.hosts()
	agent := s.StartAgent(l.net.Router)
	t.Cleanup(agent.Stop)
	return l
}

// hosts makes a namespace for each pod with addresses, each node with addresses, which those in its network share, and
// one for each block of addresses.
func (l *Layout) hosts() {
	taken := map[netip.Addr]bool{}
	for _, e := range l.Model.Endpoints {
		if e.Kind != network.Pods && e.Kind != network.Node {
			continue
		}
		all := addressesOf(e)
		if len(all) == 0 {
			l.t.Fatalf("%s has no address, and cannot be laid out", e)
		}
		for _, a := range all {
			taken[a] = true
		}
		l.at[e] = l.net.Add(e.String(), all...)
		l.net.Listen(l.at[e], l.ports)
		if e.Kind == network.Node {
			l.nodes[e.Name] = l.at[e]
		}
	}
	for _, e := range l.Model.Endpoints {
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

// Connection is one that the map says something of.
type Connection struct {
	From, To *network.Endpoint
	Protocol string // of wire.Protocols
	Port     int
}

// Of says that ports, as the model has them, are the connection's.
func (c Connection) Of(ports network.Ports) bool {
	protocol, _ := network.ProtocolOf(strings.ToUpper(c.Protocol))
	return ports.Has(protocol, c.Port)
}

// Compare tries all connections, and gives those that the map says otherwise. Where an endpoint has several addresses, it
// is reached if one of them is. Those that are known are not waited for.
func (l *Layout) Compare(known ...string) (otherwise []Connection) {
	reach, _ := l.Model.Map(context.Background()) // which nobody ends
	want, tries := map[Connection]bool{}, map[Connection][]wire.Try{}
	var all []Connection
	for _, from := range l.Model.Endpoints {
		mapped := map[*network.Endpoint]network.Ports{}
		for to, on := range reach.Reaches(from) {
			mapped[to] = on
		}
		for _, to := range l.Model.Endpoints {
			if l.at[from] == nil || l.at[to] == nil || from.Kind != network.Pods && to.Kind != network.Pods || l.ownNode(from, to) {
				continue
			}
			for _, t := range l.between(from, to) {
				one := Connection{from, to, t.Protocol, t.Port}
				if tries[one] == nil {
					all = append(all, one)
				}
				want[one] = from == to || one.Of(mapped[to])
				tries[one] = append(tries[one], t)
			}
		}
	}
	got := l.try(tries, all, 300*time.Millisecond)
	// What is refused is silence, and silence may be a slow machine's: what should arrive is given more time.
	for _, within := range []time.Duration{time.Second, 3 * time.Second, 10 * time.Second} {
		late := slices.DeleteFunc(slices.Clone(all), func(one Connection) bool { return !want[one] || got[one] || slices.Contains(known, one.String()) })
		maps.Copy(got, l.try(tries, late, within))
	}
	for _, one := range all {
		l.Tried++
		if got[one] {
			l.Reached++
		}
		if got[one] != want[one] {
			otherwise = append(otherwise, one)
		}
	}
	return otherwise
}

func (l *Layout) try(tries map[Connection][]wire.Try, some []Connection, within time.Duration) map[Connection]bool {
	l.t.Helper()
	var all []wire.Try
	var of []Connection
	for _, one := range some {
		for _, t := range tries[one] {
			all, of = append(all, t), append(of, one)
		}
	}
	reached, err := wire.Reached(all, within)
	if err != nil {
		l.t.Fatal(err)
	}
	got := map[Connection]bool{}
	for i, is := range reached {
		got[of[i]] = got[of[i]] || is
	}
	return got
}

func (c Connection) String() string {
	return c.From.String() + " -> " + c.To.String() + " " + c.Protocol + " " + strconv.Itoa(c.Port)
}

// ownNode says that a connection comes from the node that the pod is on, which no policy refuses. An agent knows it by the
// namespace that it comes from, which is the agent's own; here nodes have one each.
func (l *Layout) ownNode(from, to *network.Endpoint) bool {
	return to.Kind == network.Pods && to.Workload.Spec.NodeName != "" && l.at[from] == l.nodes[to.Workload.Spec.NodeName]
}

// between are all tries of one endpoint to another.
func (l *Layout) between(from, to *network.Endpoint) (all []wire.Try) {
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
