package suggest

import (
	"fmt"
	"net/netip"
	"regexp"
	"strings"
	"sync"

	"github.com/plimsoll/plimsoll/internal/judge/network"
	"github.com/plimsoll/plimsoll/internal/read/flow"
)

// Recorded are flows as needs, and what became of the rest.
type Recorded struct {
	Needs []*Need
	// Refused were refused when they were recorded, Names ask for names, and Unknown have an end that is nobody who was read.
	Refused, Names int
	Unknown        []string
	Connections    int // of all that were not refused
	Explained      int // of those, by needs
}

// Flows finds the ends of flows. An end is known by namespace and workload, by its pod's name, or by its address.
func Flows(m *network.Model, log *flow.Log) *Recorded {
	r := &Recorded{}
	find := newFinder(m)
	known := map[string]*Need{}
	for _, f := range log.Flows {
		if f.Refused {
			r.Refused++
			continue
		}
		r.Connections += f.Count
		protocol, ok := network.ProtocolOf(f.Protocol)
		from, out := find.end(f.From)
		to, in := find.end(f.To)
		if !ok || from == nil || to == nil {
			r.Unknown = append(r.Unknown, words(f))
			continue
		}
		if from.Kind == network.Block && to.Kind == network.Block { // it concerns no pod
			r.Connections -= f.Count
			continue
		}
		r.Explained += f.Count
		if f.Port == 53 && to.Kind == network.Pods && to.Namespace == system {
			r.Names++
			continue
		}
		n := &Need{From: from, To: to, Protocol: protocol, Port: f.Port, Why: "recorded", Count: f.Count, Address: in}
		if to.Kind != network.Block {
			n.Address = out
		}
		if was := known[n.String()]; was != nil {
			was.Count += n.Count
			continue
		}
		known[n.String()] = n
		r.Needs = append(r.Needs, n)
	}
	for _, n := range r.Needs {
		times := fmt.Sprintf("%d times", n.Count)
		if n.Count == 1 {
			times = "once"
		}
		n.Why = "recorded " + times + ": " + n.String()
	}
	return r
}

// Listens says where somebody is known to take connections: where containers say so, behind Services, and on their nodes' ports.
func Listens(m *network.Model) func(protocol string, at netip.AddrPort) bool {
	of := map[*network.Endpoint]network.Ports{}
	var nodes network.Ports
	for _, e := range m.Endpoints {
		of[e] = e.Listens()
	}
	for _, s := range m.Services() {
		for _, p := range s.Ports {
			for _, e := range s.Endpoints {
				of[e] = of[e].Union(p.Leads(e))
			}
			nodes = nodes.Union(network.PortRange(p.Protocol, max(p.Node, 1), p.Node))
		}
	}
	find := newFinder(m)
	return func(name string, at netip.AddrPort) bool {
		protocol, ok := network.ProtocolOf(name)
		e := find.at[at.Addr()]
		if !ok || e == nil {
			return false
		}
		return of[e].Has(protocol, int(at.Port())) || e.Kind == network.Node && nodes.Has(protocol, int(at.Port()))
	}
}

func words(f *flow.Flow) string {
	end := func(p flow.Party) string {
		switch {
		case p.Pod != "":
			return p.Namespace + "/" + p.Pod
		case p.Address.IsValid():
			return p.Address.String()
		}
		return "somebody"
	}
	return fmt.Sprintf("%s to %s on %s %d", end(f.From), end(f.To), f.Protocol, f.Port)
}

// finder finds endpoints by what records say.
type finder struct {
	m     *network.Model
	named map[string][]*network.Endpoint // by namespace and name
	at    map[netip.Addr]*network.Endpoint
}

func newFinder(m *network.Model) *finder {
	f := &finder{m, map[string][]*network.Endpoint{}, map[netip.Addr]*network.Endpoint{}}
	for _, e := range m.Endpoints {
		if e.Workload != nil {
			key := e.Namespace + "/" + e.Workload.Object.Name
			f.named[key] = append(f.named[key], e)
		}
		if e.Kind == network.Block || e.Kind == network.Host {
			continue
		}
		for a := range e.Addresses.Each {
			f.at[a] = e
		}
	}
	return f
}

// suffix is what controllers put behind a workload's name to make a pod's: a revision and letters, letters, or a number.
var suffix = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^(.+?)(?:-[a-z0-9]{5,10})?-(?:[a-z0-9]{5}|\d{1,5}|\*)$`)
})

// end is who an end of a flow is; of addresses, which ones.
func (f *finder) end(p flow.Party) (*network.Endpoint, network.Addresses) {
	if p.Namespace != "" {
		kind, name, both := strings.Cut(p.Workload, " ")
		if !both {
			kind, name = "", kind
		}
		for _, name := range append([]string{name}, podNames(p.Pod)...) {
			var of []*network.Endpoint
			for _, e := range f.named[p.Namespace+"/"+name] {
				if kind == "" || e.Workload.Kind == kind {
					of = append(of, e)
				}
			}
			switch len(of) {
			case 0:
			case 1:
				return of[0], nil
			default:
				return nil, nil // two of one name, and nothing says which one it was
			}
		}
	}
	if !p.Address.IsValid() {
		return nil, nil
	}
	if e := f.at[p.Address]; e != nil && !p.Outside {
		return e, nil
	}
	one := network.PrefixAddresses(netip.PrefixFrom(p.Address, p.Address.BitLen()))
	if len(f.m.PodRanges().Intersect(one)) > 0 {
		return nil, nil // a pod that is not among what was read
	}
	return f.m.At(p.Address), one
}

// podNames are the names that the workload of a pod may have, the longest first.
func podNames(pod string) (all []string) {
	all = append(all, pod)
	if m := suffix().FindStringSubmatch(pod); m != nil {
		short := m[1]
		long := pod[:strings.LastIndex(pod, "-")]
		all = append(all, long, short)
	}
	return all
}
