package network

import (
	"cmp"
	"net/netip"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"

	"github.com/plimsoll/plimsoll/internal/read/kube"
)

// lead is where a port of a Service leads to, as somebody wrote it.
type lead struct {
	at       netip.Addr
	name     string // of the Service's port
	protocol Protocol
	port     int
}

// ledTo are where EndpointSlices, or Endpoints, say that a Service leads: of one without a selector, nothing else does.
func (m *Model) ledTo(namespace, service string) []lead {
	if m.leads == nil {
		m.leads = map[string][]lead{}
		for _, o := range m.snapshot.Objects {
			switch {
			case o.Is("discovery.k8s.io", "EndpointSlice"):
				if of := o.Metadata("labels")[discoveryv1.LabelServiceName]; of != "" {
					m.leads[o.Home()+"/"+of] = append(m.leads[o.Home()+"/"+of], sliceLeads(o)...)
				}
			case o.Is("", "Endpoints"):
				m.leads[o.Home()+"/"+o.Name] = append(m.leads[o.Home()+"/"+o.Name], endpointsLeads(o)...)
			}
		}
	}
	return m.leads[namespace+"/"+service]
}

func sliceLeads(o *kube.Object) (all []lead) {
	var of discoveryv1.EndpointSlice
	if _, err := o.Decode(&of); err != nil {
		return nil
	}
	for _, p := range of.Ports {
		var one corev1.EndpointPort
		if p.Port == nil {
			continue
		}
		if one.Port = *p.Port; p.Name != nil {
			one.Name = *p.Name
		}
		if p.Protocol != nil {
			one.Protocol = *p.Protocol
		}
		for _, e := range of.Endpoints {
			for _, text := range e.Addresses {
				all = append(all, leadOf(text, one)...)
			}
		}
	}
	return all
}

func endpointsLeads(o *kube.Object) (all []lead) {
	//lint:ignore SA1019 manifests have them still, and the API server makes EndpointSlices of them
	var of corev1.Endpoints
	if _, err := o.Decode(&of); err != nil {
		return nil
	}
	for _, subset := range of.Subsets {
		for _, p := range subset.Ports {
			for _, a := range subset.Addresses {
				all = append(all, leadOf(a.IP, p)...)
			}
		}
	}
	return all
}

func leadOf(text string, p corev1.EndpointPort) []lead {
	a, err := netip.ParseAddr(text)
	protocol, ok := ProtocolOf(cmp.Or(string(p.Protocol), "TCP"))
	if err != nil || a.Zone() != "" || !ok || p.Port < 1 || p.Port > maxPort {
		return nil
	}
	return []lead{{a.Unmap(), p.Name, protocol, int(p.Port)}}
}

// lead finds who stands behind a Service that selects nobody. Addresses of no pod that was read are one endpoint of its own.
func (m *Model) lead(s *Service) {
	elsewhere := &Endpoint{Kind: Block, Namespace: s.Home(), Name: "where its EndpointSlices lead", Several: true}
	at := map[string]map[*Endpoint]Ports{}
	behind := map[*Endpoint]bool{}
	for _, l := range m.ledTo(s.Home(), s.Name) {
		e := m.At(l.at)
		if e == nil || e.Workload == nil {
			elsewhere.unread = elsewhere.unread || m.mayBePods(e, l.at)
			elsewhere.Addresses = append(elsewhere.Addresses, addressSpan{l.at, l.at})
			e = elsewhere
		} else if !behind[e] {
			behind[e] = true
			s.Endpoints = append(s.Endpoints, e)
		}
		if at[l.name] == nil {
			at[l.name] = map[*Endpoint]Ports{}
		}
		at[l.name][e] = append(at[l.name][e], PortRange(l.protocol, l.port, l.port)...)
	}
	elsewhere.Addresses = elsewhere.Addresses.Union(nil)
	if len(at) == 0 {
		elsewhere.unread = true
	} else {
		for i := range s.Ports {
			s.Ports[i].at = at[s.Ports[i].Name]
			for e, ports := range s.Ports[i].at {
				s.Ports[i].at[e] = ports.Union(nil)
			}
			if s.Ports[i].at == nil {
				s.Ports[i].at = map[*Endpoint]Ports{}
			}
		}
	}
	if len(elsewhere.Addresses) > 0 {
		elsewhere.Name = elsewhere.Addresses.String()
	}
	if elsewhere.unread || len(elsewhere.Addresses) > 0 {
		s.Elsewhere = elsewhere
	}
}

// mayBePods says that an address that is no pod's that was read may be one's nevertheless.
func (m *Model) mayBePods(e *Endpoint, a netip.Addr) bool {
	return (e == nil || e.Kind == Block) && (m.podRanges.Has(a) || len(m.podRanges) == 0 && !internet().Has(a))
}
