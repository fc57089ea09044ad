package network

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/plimsoll/plimsoll/internal/read/kube"
)

// End is what a person names as one end of a connection.
type End struct {
	Name      string
	Endpoints []*Endpoint
	// Within are the addresses that were named, of endpoints that have more of them.
	Within Addresses
	// Service is a Service that was named: the endpoints are the pods behind it.
	Service *Service
}

// Internet are the addresses where anybody is.
func Internet() Addresses { return internet() }

// internet are the addresses that are neither private nor of a special use (RFC 6890): where anybody is.
var internet = sync.OnceValue(func() Addresses {
	all := allAddresses().Minus(private)
	for _, p := range []string{
		"0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "192.0.0.0/24", "192.0.2.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24",
		"224.0.0.0/4", "240.0.0.0/4", "::/8", "fe80::/10", "ff00::/8", "2001:db8::/32",
	} {
		all = all.Minus(PrefixAddresses(netip.MustParsePrefix(p)))
	}
	return all
})

// shorts are the short names of kinds, as kubectl has them.
var shorts = map[string]string{
	"deploy": "Deployment", "sts": "StatefulSet", "ds": "DaemonSet", "rs": "ReplicaSet", "po": "Pod", "cj": "CronJob", "rc": "ReplicationController",
}

// Find finds what a word names: NAMESPACE/NAME or NAMESPACE/KIND/NAME of a workload, service:NAMESPACE/NAME, node:NAME,
// an address or a CIDR, internet, or nodes. Error says which words would do.
func (m *Model) Find(word string) (*End, error) {
	scheme, rest, _ := strings.Cut(word, ":")
	switch {
	case word == "internet":
		return m.addresses(word, internet())
	case word == "nodes":
		return m.nodes(word, "")
	case scheme == "node":
		return m.nodes(word, rest)
	case scheme == "service" || scheme == "svc":
		return m.service(word, rest)
	}
	if a, err := netip.ParseAddr(word); err == nil {
		a = a.Unmap().WithZone("")
		if s := m.serviceAt(a); s != nil { // whose pods are asked about, as its address is changed to theirs
			return m.service(word, s.Home()+"/"+s.Name)
		}
		return m.addresses(word, Addresses{{a, a}})
	}
	if p, err := netip.ParsePrefix(word); err == nil {
		return m.addresses(word, PrefixAddresses(p))
	}
	if before, bits, cut := strings.Cut(word, "/"); cut && strings.Trim(before, "0123456789abcdefABCDEF.:") == "" && strings.ContainsAny(before, ".:") && strings.Trim(bits, "0123456789") == "" {
		return nil, fmt.Errorf("%q is no CIDR: write an address and the number of its fixed bits, as in 10.0.0.0/8", word)
	}
	return m.workload(word)
}

// serviceAt is the Service that has an address of its own.
func (m *Model) serviceAt(a netip.Addr) *kube.Object {
	for _, o := range m.snapshot.Objects {
		if !o.Is("", "Service") {
			continue
		}
		spec, _ := o.Fields["spec"].(map[string]any)
		all, _ := spec["clusterIPs"].([]any)
		for _, one := range append(all, spec["clusterIP"]) {
			if text, ok := one.(string); ok && text == a.String() {
				return o
			}
		}
	}
	return nil
}

func (m *Model) workload(word string) (*End, error) {
	parts := strings.Split(word, "/")
	if len(parts) < 2 || len(parts) > 3 || slices.Contains(parts, "") {
		return nil, fmt.Errorf("%q names no workload: write NAMESPACE/NAME or NAMESPACE/KIND/NAME, service:NAMESPACE/NAME, node:NAME, nodes, internet, an address or a CIDR", word)
	}
	name, kind := parts[len(parts)-1], ""
	if len(parts) == 3 {
		if kind = shorts[strings.ToLower(parts[1])]; kind == "" {
			kind = parts[1]
		}
	}
	end := &End{Name: word}
	kinds := map[string]bool{}
	for _, e := range m.Endpoints {
		if e.Workload != nil && e.Namespace == parts[0] && e.Workload.Object.Name == name && (kind == "" || strings.EqualFold(e.Workload.Kind, kind)) {
			end.Endpoints = append(end.Endpoints, e)
			kinds[strings.ToLower(e.Workload.Kind)] = true
		}
	}
	switch {
	case len(end.Endpoints) == 0 && m.snapshot.Find("", "Pod", parts[0], name) != nil:
		return nil, fmt.Errorf("pod %s has ended, and has no network any more", word)
	case len(end.Endpoints) == 0:
		return nil, fmt.Errorf("there is no workload %s%s", word, m.near(parts[0]))
	case len(kinds) > 1:
		return nil, fmt.Errorf("%s is %d workloads: name the kind, as in %s/%s/%s", word, len(kinds), parts[0], strings.ToLower(end.Endpoints[0].Workload.Kind), name)
	}
	return end, nil
}

// near names a few workloads of a namespace.
func (m *Model) near(namespace string) string {
	var names []string
	for _, e := range m.Endpoints {
		if e.Workload != nil && e.Namespace == namespace {
			names = append(names, namespace+"/"+e.Workload.Object.Name)
		}
	}
	if len(names) == 0 {
		return fmt.Sprintf(", and none in namespace %q", namespace)
	}
	more := ""
	if len(names) > 10 {
		names, more = names[:10], ", …"
	}
	return "; the namespace has " + strings.Join(names, ", ") + more
}

func (m *Model) nodes(word, name string) (*End, error) {
	end := &End{Name: word}
	for _, e := range m.Endpoints {
		if e.Kind == Node && (name == "" || e.Name == name) {
			end.Endpoints = append(end.Endpoints, e)
		}
	}
	if len(end.Endpoints) == 0 {
		return nil, fmt.Errorf("%s: no such node was read", word)
	}
	return end, nil
}

func (m *Model) addresses(word string, of Addresses) (*End, error) {
	end := &End{Name: word, Within: of}
	for _, e := range m.Endpoints {
		if len(e.Addresses) > 0 && len(e.Addresses.Intersect(of)) > 0 && (e.Kind == Block || len(of) == 1 && of[0].from == of[0].to) {
			end.Endpoints = append(end.Endpoints, e)
		}
	}
	if i := slices.IndexFunc(end.Endpoints, func(e *Endpoint) bool { return e.Kind != Block }); i >= 0 {
		end.Endpoints = end.Endpoints[i : i+1] // the address is a pod's, or a node's
	}
	return end, nil
}

// Service is a Service: which ports it offers, and where they lead.
type Service struct {
	*kube.Object
	Type      corev1.ServiceType
	Ports     []ServicePort
	Endpoints []*Endpoint // the pods that its selector takes, or that EndpointSlices name where it has none
	// Elsewhere is who else stands behind it, where it has no selector; nil: nobody. It is none of the model's endpoints.
	Elsewhere *Endpoint
}

// Behind are all who stand behind it.
func (s *Service) Behind() []*Endpoint {
	if s.Elsewhere == nil {
		return s.Endpoints
	}
	return append(slices.Clip(s.Endpoints), s.Elsewhere)
}

// leading says to which ports of an endpoint some ports of the Service lead.
func (s *Service) leading(takes func(ServicePort) bool) func(*Endpoint) Ports {
	var every Ports // which the same ports of all endpoints are
	var other []ServicePort
	for _, p := range s.Ports {
		switch {
		case !takes(p):
		case p.at == nil && p.target == "":
			every = append(every, p.Leads(nil)...)
		default:
			other = append(other, p)
		}
	}
	every = every.Union(nil)
	return func(e *Endpoint) Ports {
		if len(other) == 0 {
			return every
		}
		var all Ports
		for _, p := range other {
			all = append(all, p.Leads(e)...)
		}
		return every.Union(all)
	}
}

// ServicePort is one port of a Service, and the ports of its pods that it leads to.
type ServicePort struct {
	Name     string
	Protocol Protocol
	Port     int
	Node     int // its port on every node; 0: none
	number   int
	target   string // the name of a container's port; empty: see number
	// at are the ports that it leads to where the Service has no selector, by who stands behind it; nil: see number and target.
	at map[*Endpoint]Ports
}

// Leads are the ports of a pod that the port leads to.
func (p ServicePort) Leads(e *Endpoint) Ports {
	switch {
	case p.at != nil:
		return p.at[e]
	case p.target == "":
		return PortRange(p.Protocol, p.number, p.number)
	case e.unread: // what the name stands for is not known
		return PortRange(p.Protocol, p.Port, p.Port)
	}
	return e.named(portMatch{protocol: p.Protocol, name: p.target})
}

// Services are all Services that can be read.
func (m *Model) Services() []*Service {
	if m.services == nil {
		m.services = []*Service{}
		for _, o := range m.snapshot.Objects {
			if o.Is("", "Service") {
				if s, err := m.readService(o); err == nil {
					m.services = append(m.services, s)
				}
			}
		}
	}
	return m.services
}

// in are the endpoints of workloads of a namespace.
func (m *Model) in(namespace string) []*Endpoint {
	if m.homes == nil {
		m.homes = map[string][]*Endpoint{}
		for _, e := range m.Endpoints {
			if e.Workload != nil {
				m.homes[e.Namespace] = append(m.homes[e.Namespace], e)
			}
		}
	}
	return m.homes[namespace]
}

func (m *Model) readService(o *kube.Object) (*Service, error) {
	var of corev1.Service
	if _, err := o.Decode(&of); err != nil {
		return nil, err
	}
	s := &Service{Object: o, Type: of.Spec.Type}
	for _, p := range of.Spec.Ports {
		protocol, ok := ProtocolOf(string(p.Protocol))
		if !ok && p.Protocol != "" {
			continue
		}
		one := ServicePort{Name: p.Name, Protocol: protocol, Port: int(p.Port), Node: int(p.NodePort), number: int(p.TargetPort.IntVal), target: p.TargetPort.StrVal}
		if one.number == 0 && one.target == "" {
			one.number = one.Port
		}
		s.Ports = append(s.Ports, one)
	}
	if len(of.Spec.Selector) > 0 {
		takes := labels.SelectorFromSet(of.Spec.Selector)
		for _, e := range m.in(o.Home()) {
			if takes.Matches(labels.Set(e.Workload.Meta.Labels)) {
				s.Endpoints = append(s.Endpoints, e)
			}
		}
	} else if s.Type != corev1.ServiceTypeExternalName {
		m.lead(s)
	}
	return s, nil
}

func (m *Model) service(word, name string) (*End, error) {
	namespace, of, ok := strings.Cut(name, "/")
	if !ok {
		return nil, fmt.Errorf("%q names no Service: write service:NAMESPACE/NAME", word)
	}
	for _, o := range m.snapshot.Objects {
		if !o.Is("", "Service") || o.Home() != namespace || o.Name != of {
			continue
		}
		s, err := m.readService(o)
		switch {
		case err != nil:
			return nil, fmt.Errorf("%s: %w", word, err)
		case len(s.Endpoints) == 0:
			return nil, fmt.Errorf("%s: no pods that were read stand behind it", word)
		}
		return &End{Name: word, Endpoints: s.Endpoints, Service: s}, nil
	}
	return nil, fmt.Errorf("there is no Service %s", name)
}
