package network

import (
	"net/netip"
	"slices"

	discoveryv1 "k8s.io/api/discovery/v1"

	"github.com/plimsoll/plimsoll/internal/read/kube"
)

// Server is where the API server takes connections: at an endpoint, or some of its addresses, on some ports.
type Server struct {
	*Endpoint
	At    Addresses
	Ports Ports
}

// securePort is where the API server listens, where nobody says otherwise (kube-apiserver --secure-port).
const securePort = 6443

// Servers are where the API server is known to take connections: at the addresses of [Options.Servers], or else behind the
// Service kubernetes of namespace default, and on the nodes of the control plane. None: it is not known. The Service's own
// address is none of them, as it is changed to one of these before policies are asked.
func (m *Model) Servers() (all []Server) {
	add := func(a netip.Addr, port int) {
		a = a.Unmap()
		s := Server{m.At(a), Addresses{{a, a}}, PortRange(TCP, port, port)}
		if i := slices.IndexFunc(all, func(t Server) bool { return t.Endpoint == s.Endpoint && t.Ports.Equal(s.Ports) }); i >= 0 {
			all[i].At = all[i].At.Union(s.At)
			return
		}
		all = append(all, s)
	}
	for _, a := range m.options.Servers {
		add(a.Addr(), int(a.Port()))
	}
	if len(all) > 0 {
		return all
	}
	for _, o := range m.snapshot.Objects {
		if o.Home() == "default" && o.Is("discovery.k8s.io", "EndpointSlice") && o.Metadata("labels")["kubernetes.io/service-name"] == "kubernetes" {
			slice(o, add)
		}
	}
	for _, e := range m.Endpoints {
		labels := e.Labels()
		_, control := labels["node-role.kubernetes.io/control-plane"]
		if _, before := labels["node-role.kubernetes.io/master"]; e.Kind == Node && (control || before) {
			for _, s := range e.Addresses {
				add(s.from, securePort)
			}
		}
	}
	return all
}

// slice reads the addresses of an EndpointSlice.
func slice(o *kube.Object, add func(netip.Addr, int)) {
	var of discoveryv1.EndpointSlice
	if _, err := o.Decode(&of); err != nil {
		return
	}
	for _, e := range of.Endpoints {
		for _, text := range e.Addresses {
			for _, p := range of.Ports {
				if p.Port != nil {
					address(text, int(*p.Port), add)
				}
			}
		}
	}
}

func address(text string, port int, add func(netip.Addr, int)) {
	if a, err := netip.ParseAddr(text); err == nil && a.Zone() == "" && port >= 1 && port <= maxPort {
		add(a, port)
	}
}

// Leaves are the ports on which a pod reaches what is no pod: nodes, or addresses.
func (m *Model) Leaves(e *Endpoint) (all Ports) {
	for _, i := range m.of[e] {
		for _, p := range m.faces(Egress)[i] {
			p.peers.each(func(j int) bool {
				if m.classes[j].kind == Pods {
					return true
				}
				all = all.Union(p.ports)
				return false
			})
		}
	}
	return all
}
