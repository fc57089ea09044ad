package suggest

import (
	"fmt"
	"net/netip"
	"regexp"
	"strings"
	"sync"

	corev1 "k8s.io/api/core/v1"

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
		for _, p := range e.Addresses.Prefixes() {
			if p.IsSingleIP() {
				f.at[p.Addr()] = e
			}
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
		for _, e := range f.named[p.Namespace+"/"+name] {
			if kind == "" || e.Workload.Kind == kind {
				return e, nil
			}
		}
		for _, name := range podNames(p.Pod) {
			if of := f.named[p.Namespace+"/"+name]; len(of) > 0 {
				return of[0], nil
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

// Declared are the needs that manifests declare: Services that a container's settings and arguments name, and what is
// published.
func Declared(m *network.Model) (all []*Need) {
	services := map[string]*network.Service{}
	for _, s := range m.Services() {
		services[space(s)+"/"+s.Name] = s
	}
	for _, e := range m.Endpoints {
		if e.Workload == nil {
			continue
		}
		for _, c := range append(append([]corev1.Container(nil), e.Workload.Spec.InitContainers...), e.Workload.Spec.Containers...) {
			for _, env := range c.Env {
				all = append(all, named(e, services, env.Value, "declared by "+env.Name+" of "+e.String())...)
			}
			for _, arg := range append(append([]string(nil), c.Command...), c.Args...) {
				all = append(all, named(e, services, arg, "declared by an argument of "+e.String())...)
			}
		}
	}
	return append(all, published(m)...)
}

func space(s *network.Service) string {
	if s.Namespace == "" {
		return "default"
	}
	return s.Namespace
}

// host is a name of a host where one stands: alone, behind a scheme or an account, before a port or a path.
var host = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`(?:^|://|@|[,;= ])([a-z0-9](?:[a-z0-9.-]*[a-z0-9])?)(?::(\d{1,5}))?(?:[/?,; ]|$)`)
})

// maxSetting is how much of a setting is looked at.
const maxSetting = 4096

// named are the needs of an endpoint for Services that a text names.
func named(e *network.Endpoint, services map[string]*network.Service, text, why string) (all []*Need) {
	text = text[:min(len(text), maxSetting)]
	for _, m := range host().FindAllStringSubmatch(text, -1) {
		name := strings.TrimSuffix(strings.TrimSuffix(m[1], ".cluster.local"), ".svc")
		service, namespace, qualified := strings.Cut(name, ".")
		if !qualified {
			namespace = e.Namespace
		}
		s := services[namespace+"/"+service]
		if s == nil {
			continue
		}
		for _, to := range s.Endpoints {
			for _, p := range s.Ports {
				if m[2] == "" || m[2] == fmt.Sprint(p.Port) {
					all = append(all, leads(e, to, p, why)...)
				}
			}
		}
	}
	return all
}

func leads(from, to *network.Endpoint, p network.ServicePort, why string) (all []*Need) {
	for _, r := range p.Leads(to).Ranges() {
		all = append(all, &Need{From: from, To: to, Protocol: r.Protocol, Port: r.From, Why: why})
	}
	return all
}

// published are the needs of those who come from outside.
func published(m *network.Model) (all []*Need) {
	for _, p := range m.Published() {
		for _, from := range p.From {
			var within network.Addresses
			if from.Kind == network.Block {
				if within = m.Meet(from.Addresses.Intersect(p.Within), p.To); len(within) == 0 {
					continue
				}
			}
			for _, r := range p.Ports.Ranges() {
				all = append(all, &Need{From: from, To: p.To, Address: within, Protocol: r.Protocol, Port: r.From, Why: "published by " + p.By.Kind + " " + p.By.Name})
			}
		}
	}
	return all
}
