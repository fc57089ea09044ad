package network

import (
	"cmp"
	"net/netip"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"

	"github.com/plimsoll/plimsoll/internal/read/kube"
)

// Publication is a way from outside of the cluster to pods: by a Service's load balancer or node port, an Ingress, or a
// route of a Gateway.
type Publication struct {
	By   *kube.Object
	How  string      // LoadBalancer, NodePort, externalIPs, Ingress, HTTPRoute …
	From []*Endpoint // who brings it: addresses and nodes, or the pods of a controller; none where that is not known
	// Within are the addresses that may bring it, of those who have more.
	Within Addresses
	To     *Endpoint
	Ports  Ports // of the pods
	// Reached are those of them on which the policies let it in. Unknown says that who brings it is not among what was
	// read, so that they may be fewer, or more.
	Reached Ports
	Unknown bool
	Missing bool // who else brings it, or who does at all, is not among what was read
}

// Published are all ways from outside to pods, in the order of the objects.
func (m *Model) Published() (all []Publication) {
	p := publisher{m: m, services: map[string]*Service{}}
	for _, s := range m.Services() {
		p.services[s.Home()+"/"+s.Name] = s
	}
	for _, e := range m.Endpoints {
		if e.Kind == Node {
			p.nodes = append(p.nodes, e)
		}
		if e.Workload != nil && carries(e) {
			p.carriers = append(p.carriers, e)
		}
	}
	for _, o := range m.snapshot.Objects {
		switch {
		case o.Is("", "Service"):
			p.service(o)
		case o.Is(networkingGroup, "Ingress"):
			p.ingress(o)
		case o.Group() == "gateway.networking.k8s.io" && strings.HasSuffix(o.Kind, "Route"):
			p.route(o)
		}
	}
	return p.all
}

type publisher struct {
	m        *Model
	services map[string]*Service
	nodes    []*Endpoint
	carriers []*Endpoint
	all      []Publication
}

// names are what the well-known controllers of Ingresses and Gateways call themselves in app.kubernetes.io/name, or app.
var names = []string{
	"ingress-nginx", "nginx-ingress", "traefik", "haproxy-ingress", "kubernetes-ingress", "contour", "envoy", "kong", "istio-ingressgateway", "gateway-helm", "cilium-envoy",
}

// carries says that pods bring connections from outside to others.
func carries(e *Endpoint) bool {
	of := e.Workload.Meta.Labels
	return of["gateway.networking.k8s.io/gateway-name"] != "" || slices.Contains(names, of["app.kubernetes.io/name"]) || slices.Contains(names, of["app"])
}

func (p *publisher) service(o *kube.Object) {
	s := p.services[o.Home()+"/"+o.Name]
	var of corev1.Service
	if s == nil {
		return
	}
	if _, err := o.Decode(&of); err != nil {
		return
	}
	how := string(s.Type)
	if s.Type != corev1.ServiceTypeLoadBalancer && s.Type != corev1.ServiceTypeNodePort {
		if len(of.Spec.ExternalIPs) == 0 {
			return
		}
		how = "externalIPs"
	}
	from := internet()
	if s.Type == corev1.ServiceTypeLoadBalancer && len(of.Spec.LoadBalancerSourceRanges) > 0 {
		from = nil
		for _, text := range of.Spec.LoadBalancerSourceRanges {
			if prefix, err := netip.ParsePrefix(strings.TrimSpace(text)); err == nil {
				from = from.Union(PrefixAddresses(prefix))
			}
		}
	}
	var sources []*Endpoint
	for _, e := range p.m.Endpoints {
		if e.Kind == Block && len(e.Addresses.Intersect(from)) > 0 {
			sources = append(sources, e)
		}
	}
	// Unless traffic stays on the node that it came to, it comes from that one's address.
	elsewhere := of.Spec.ExternalTrafficPolicy != corev1.ServiceExternalTrafficPolicyLocal
	if elsewhere {
		sources = append(sources, p.nodes...)
	}
	for _, e := range s.Endpoints {
		var ports Ports
		for _, port := range s.Ports {
			ports = ports.Union(port.Leads(e))
		}
		p.publish(Publication{By: o, How: how, From: sources, Within: from, To: e, Ports: ports}, elsewhere && len(p.nodes) == 0)
	}
}

// publish notes a way to pods. Unknown says that there may be others who bring it than those that are named.
func (p *publisher) publish(one Publication, unknown bool) {
	if one.To.Kind != Pods { // whom no policy selects
		one.Reached = one.Ports
		p.all = append(p.all, one)
		return
	}
	var others []*Endpoint
	for _, from := range one.From {
		if from.Kind != Pods && !onNode(from, one.To) {
			others = append(others, from)
			continue
		}
		one.Reached = one.Reached.Union(p.m.Between(from, one.To).Intersect(one.Ports))
	}
	one.Reached = one.Reached.Union(p.m.letIn(others, one.To).Intersect(one.Ports))
	one.Unknown, one.Missing = unknown && !one.Reached.Equal(one.Ports), unknown
	if unknown && one.How == one.By.Kind {
		one.From = nil
	}
	p.all = append(p.all, one)
}

func (p *publisher) ingress(o *kube.Object) {
	var of networkingv1.Ingress
	if _, err := o.Decode(&of); err != nil {
		return
	}
	var backends []networkingv1.IngressBackend
	if of.Spec.DefaultBackend != nil {
		backends = append(backends, *of.Spec.DefaultBackend)
	}
	for _, rule := range of.Spec.Rules {
		if rule.HTTP != nil {
			for _, path := range rule.HTTP.Paths {
				backends = append(backends, path.Backend)
			}
		}
	}
	for _, b := range backends {
		if b.Service != nil {
			p.behind(o, o.Home()+"/"+b.Service.Name, func(port ServicePort) bool {
				return port.Port == int(b.Service.Port.Number) || b.Service.Port.Name != "" && port.Name == b.Service.Port.Name
			})
		}
	}
}

// route reads what routes of the Gateway API have in common (gateway.networking.k8s.io/v1, BackendRef).
func (p *publisher) route(o *kube.Object) {
	var of struct {
		Spec struct {
			Rules []struct {
				BackendRefs []struct {
					Group     *string `json:"group"`
					Kind      *string `json:"kind"`
					Namespace *string `json:"namespace"`
					Name      string  `json:"name"`
					Port      *int32  `json:"port"`
				} `json:"backendRefs"`
			} `json:"rules"`
		} `json:"spec"`
	}
	if _, err := o.Decode(&of); err != nil {
		return
	}
	for _, rule := range of.Spec.Rules {
		for _, b := range rule.BackendRefs {
			if b.Kind != nil && *b.Kind != "Service" || b.Group != nil && *b.Group != "" || b.Port == nil {
				continue
			}
			namespace := o.Home()
			if b.Namespace != nil {
				namespace = cmp.Or(*b.Namespace, namespace)
			}
			p.behind(o, namespace+"/"+b.Name, func(port ServicePort) bool { return port.Port == int(*b.Port) })
		}
	}
}

// behind publishes the pods behind a Service, to which controllers bring what comes from outside.
func (p *publisher) behind(o *kube.Object, service string, takes func(ServicePort) bool) {
	s := p.services[service]
	if s == nil {
		return
	}
	sources, unknown := p.carriers, false
	if len(sources) == 0 { // the most that anybody could be: one of whom no rule speaks
		unknown = true
		for _, e := range p.m.Endpoints {
			if e.Kind == Block {
				sources = append(sources, e)
			}
		}
	}
	for _, e := range s.Endpoints {
		var ports Ports
		for _, port := range s.Ports {
			if takes(port) {
				ports = ports.Union(port.Leads(e))
			}
		}
		if len(ports) > 0 && !slices.ContainsFunc(p.all, func(q Publication) bool { return q.By == o && q.To == e && q.Ports.Equal(ports) }) {
			p.publish(Publication{By: o, How: o.Kind, From: sources, To: e, Ports: ports}, unknown)
		}
	}
}
