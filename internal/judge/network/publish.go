package network

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"

	"github.com/plimsoll/plimsoll/internal/read/kube"
)

// Publication is a way from outside of the cluster to pods: by a Service's load balancer or node port, an Ingress, a
// route of a Gateway, or a port of their node.
type Publication struct {
	By   *kube.Object
	How  string      // LoadBalancer, NodePort, externalIPs, Ingress, HTTPRoute, hostPort, hostNetwork …
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
	// Detached is why it leads to nobody, as a route does that no Gateway takes; Doubtful is what is not known of that. Both are
	// empty where it does lead there.
	Detached, Doubtful string

	// Inner says that it is for the own network alone: its addresses are none of the internet's, or it is said to be so.
	Inner bool
	// Own says that the pods may be let in from the node that they are on, which is not known, and which no policy holds back.
	Own bool
	// Beside says that it comes with another way, and is not meant: the node ports that a load balancer has.
	Beside bool

	sure   Ports     // of Reached, on which it is let in also where what comes has the address of a node
	from   *callers  // From
	surely *callers  // of whom sure is
	local  bool      // it is taken on the nodes alone that the pods are on
	at     Addresses // where it is taken; none: not known
}

// LetIn are the ports on which it is let in, in words, and what is not known of them.
func (p *Publication) LetIn() string {
	text := p.Reached.String()
	switch {
	case p.Detached != "":
		return text + "; not attached: " + p.Detached
	case p.Own:
		text += "; from the node that the pods are on, all"
	case p.Unknown && p.To.unread:
		text = "not known"
	case p.Unknown:
		text += "; who brings it is not among what was read"
	case !p.sure.Equal(p.Reached):
		text += "; from the address of a node, " + p.sure.String()
	}
	if p.Doubtful != "" {
		text += "; " + p.Doubtful
	}
	return text
}

// Title names what publishes, and how.
func (p *Publication) Title() string {
	text := strings.TrimSpace(p.By.Kind + " " + p.By.Home() + "/" + p.By.Name)
	var how []string
	if p.How != p.By.Kind {
		how = append(how, p.How)
	}
	if p.Inner {
		how = append(how, "for the own network")
	}
	if p.How == string(corev1.ServiceTypeLoadBalancer) && len(internet().Minus(p.Within)) > 0 {
		how = append(how, "from "+p.Within.Words())
	}
	if len(how) == 0 {
		return text
	}
	return text + " (" + strings.Join(how, ", ") + ")"
}

// Stray is a name that something which publishes has of what is not there, or does not take it.
type Stray struct {
	By       *kube.Object
	Field    string
	What     string
	Detached bool // it is of a route that is not attached; else of a Service, or a port of one, that is not there
}

// Published are all ways from outside to pods, in the order of the objects; those by ports of their nodes are the last.
func (m *Model) Published() []Publication { return slices.Clone(m.publisher().all) }

// Strays are the names that Ingresses and routes have of what is not there.
func (m *Model) Strays() []Stray { return m.publisher().strays }

func (m *Model) publisher() *publisher {
	if m.publishes != nil {
		return m.publishes
	}
	p := &publisher{m: m, services: map[string]*Service{}, node: map[string]*Endpoint{}, sources: map[string]*callers{}, known: map[string]bool{}, grants: readGrants(m.snapshot.Objects)}
	for _, s := range m.Services() {
		p.services[s.Home()+"/"+s.Name] = s
	}
	for _, e := range m.Endpoints {
		if e.Kind == Node {
			p.nodes, p.node[e.Name] = append(p.nodes, e), e
		}
		if e.Workload != nil && m.carries(e) {
			p.carriers = append(p.carriers, e)
		}
	}
	for _, o := range m.snapshot.Objects {
		switch {
		case o.Is("", "Service"):
			p.service(o)
		case o.Is(networkingGroup, "Ingress"):
			p.ingress(o)
		case o.Group() == gatewayGroup && strings.HasSuffix(o.Kind, "Route"):
			p.route(o)
		}
	}
	for _, e := range m.Endpoints {
		if e.Workload != nil {
			p.host(e)
		}
	}
	m.publishes = p
	return p
}

type publisher struct {
	m        *Model
	services map[string]*Service
	grants   map[string][]referenceGrant // by namespace
	nodes    []*Endpoint
	node     map[string]*Endpoint // of nodes
	carriers []*Endpoint
	sources  map[string]*callers // by who they are
	known    map[string]bool     // what was published by Ingresses and routes
	homes    map[string]bool     // namespaces of which anything was read
	all      []Publication
	strays   []Stray
}

// seen says that anything of a namespace was read.
func (p *publisher) seen(namespace string) bool {
	if p.homes == nil {
		p.homes = map[string]bool{}
		for _, o := range p.m.snapshot.Objects {
			p.homes[o.Namespace] = true
			if o.Is("", "Namespace") {
				p.homes[o.Name] = true
			}
		}
	}
	return p.homes[namespace]
}

// Carriers are what the well-known controllers of Ingresses and Gateways call themselves in the label
// app.kubernetes.io/name, or app.
var Carriers = []string{
	"apisix", "cilium-envoy", "contour", "emissary-ingress", "envoy", "gateway-helm", "haproxy-ingress", "ingress-nginx", "istio-ingress", "istio-ingressgateway",
	"kong", "kubernetes-ingress", "nginx-gateway-fabric", "nginx-ingress", "rke2-ingress-nginx", "traefik",
}

// gatewayLabel is on the pods that a Gateway's controller makes for it (gateway.networking.k8s.io, GEP-1762).
const gatewayLabel = "gateway.networking.k8s.io/gateway-name"

// carries says that pods bring connections from outside to others: those that were named, or else those of controllers that
// are known by their labels, but for the jobs that install them.
func (m *Model) carries(e *Endpoint) bool {
	if len(m.options.Carriers) > 0 {
		return slices.Contains(m.options.Carriers, e.Namespace+"/"+e.Workload.Object.Name)
	}
	of := e.Workload.Meta.Labels
	job := e.Workload.Kind == "Job" || e.Workload.Kind == "CronJob"
	return of[gatewayLabel] != "" || !job && (slices.Contains(Carriers, of["app.kubernetes.io/name"]) || slices.Contains(Carriers, of["app"]))
}

func (p *publisher) ingress(o *kube.Object) {
	var of networkingv1.Ingress
	if _, err := o.Decode(&of); err != nil {
		return
	}
	one := func(field string, b *networkingv1.IngressBackend) {
		if b == nil || b.Service == nil {
			return
		}
		port := b.Service.Port
		if port.Name == "use-annotation" { // of AWS' controller: an action, and no Service
			return
		}
		p.behind(Publication{By: o, How: o.Kind}, backend{field, o.Home(), b.Service.Name, cmp.Or(port.Name, fmt.Sprint(port.Number)), func(s ServicePort) bool {
			return s.Port == int(port.Number) || port.Name != "" && s.Name == port.Name
		}})
	}
	one("spec.defaultBackend", of.Spec.DefaultBackend)
	for i, rule := range of.Spec.Rules {
		if rule.HTTP != nil {
			for j := range rule.HTTP.Paths {
				one(fmt.Sprintf("spec.rules[%d].http.paths[%d].backend", i, j), &rule.HTTP.Paths[j].Backend)
			}
		}
	}
}

// backend is a Service that something names in a field, and which of its ports.
type backend struct {
	field, namespace, service, port string
	takes                           func(ServicePort) bool
}

// behind publishes the pods behind a Service, to which controllers bring what comes from outside.
func (p *publisher) behind(way Publication, b backend) {
	s := p.services[b.namespace+"/"+b.service]
	if s == nil {
		unread := slices.ContainsFunc(p.m.snapshot.Of("", "Service", b.namespace), func(o *kube.Object) bool { return o.Name == b.service })
		if !unread && (p.m.whole || len(p.m.in(b.namespace)) > 0) {
			p.strays = append(p.strays, Stray{By: way.By, Field: b.field, What: fmt.Sprintf("there is no Service %s/%s", b.namespace, b.service)})
		}
		return
	}
	if s.Type != corev1.ServiceTypeExternalName && !slices.ContainsFunc(s.Ports, b.takes) {
		p.strays = append(p.strays, Stray{By: way.By, Field: b.field, What: fmt.Sprintf("Service %s/%s has no port %s", b.namespace, b.service, b.port)})
	}
	unknown := len(p.carriers) == 0
	way.Inner = way.Inner || inner(way.By)
	if way.from = p.gathered("carriers", func() []*Endpoint { return p.carriers }); unknown { // the most that anybody could be: one of whom no rule speaks
		way.from = p.within(allAddresses(), false)
	}
	way.From = way.from.endpoints
	leads := s.leading(b.takes)
	for _, e := range s.Behind() {
		way.To, way.Ports = e, leads(e)
		key := fmt.Sprintf("%p %p %s", way.By, e, way.Ports)
		if len(way.Ports) > 0 && !p.known[key] {
			p.known[key] = true
			p.publish(way, unknown)
		}
	}
}

// host publishes pods on ports of their nodes: those of hostPort, and all that containers in the network of their node say.
func (p *publisher) host(e *Endpoint) {
	way := Publication{By: e.Workload.Object, How: "hostPort", Within: internet(), To: e, local: true}
	if e.Kind == Host {
		way.How = "hostNetwork"
	}
	var public, inner Ports
	for _, c := range listening(e.Workload) {
		for _, port := range c.Ports {
			protocol, ok := ProtocolOf(cmp.Or(string(port.Protocol), "TCP"))
			on, err := netip.ParseAddr(port.HostIP)
			if !ok || port.ContainerPort < 1 || port.ContainerPort > maxPort || e.Kind == Pods && port.HostPort < 1 || err == nil && on.IsLoopback() {
				continue
			}
			at := &public
			if err == nil && !on.IsUnspecified() && !internet().Has(on.Unmap()) {
				at = &inner
			}
			*at = at.Union(PortRange(protocol, int(port.ContainerPort), int(port.ContainerPort)))
		}
	}
	if len(public)+len(inner) == 0 {
		return
	}
	way.from = p.within(way.Within, false)
	way.From = way.from.endpoints
	for i, ports := range []Ports{public, inner} {
		if len(ports) > 0 {
			way.Ports, way.Inner = ports, i == 1
			p.publish(way, false)
		}
	}
}
