package network

import "net/netip"

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
	type on struct {
		*Endpoint
		port int
	}
	place := map[on]int{}
	add := func(a netip.Addr, port int) {
		one := on{m.At(a), port}
		i, known := place[one]
		if !known {
			i = len(all)
			place[one] = i
			all = append(all, Server{Endpoint: one.Endpoint, Ports: PortRange(TCP, port, port)})
		}
		all[i].At = append(all[i].At, addressSpan{a, a})
	}
	for _, a := range m.options.Servers {
		add(a.Addr().Unmap(), int(a.Port()))
	}
	if len(all) == 0 {
		for _, l := range m.ledTo("default", "kubernetes") {
			add(l.at, l.port)
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
	}
	for i := range all {
		all[i].At = all[i].At.Union(nil)
	}
	return all
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
