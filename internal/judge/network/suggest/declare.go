package suggest

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/plimsoll/plimsoll/internal/judge/network"
	"github.com/plimsoll/plimsoll/internal/read/kube"
)

// Declaration is what manifests declare.
type Declaration struct {
	Needs []*Need
	// Unknown are what they declare and no policy can name, in words.
	Unknown []string
	Notes   []string // what else a person has to know
}

// Declared are the needs that manifests declare: Services and addresses that a container's settings and arguments name, what
// is published, who is asked for metrics, whom the API server calls, and who has a use for it.
func Declared(m *network.Model, s *kube.Snapshot, o Options) *Declaration {
	d := declarer{m: m, services: map[string]*network.Service{}, held: Held(m, o.Namespaces), servers: m.Servers()}
	for _, one := range m.Services() {
		d.services[one.Home()+"/"+one.Name] = one
	}
	var using []*network.Endpoint
	for _, e := range m.Endpoints {
		if e.Workload == nil {
			continue
		}
		for _, c := range slices.Concat(e.Workload.Spec.InitContainers, e.Workload.Spec.Containers) {
			d.container(e, s, &c)
		}
		if e.Kind == network.Pods && o.Uses != nil && o.Uses(e.Workload) {
			using = append(using, e)
		}
	}
	d.using(using)
	d.published()
	d.strays()
	d.monitored(s)
	for _, o := range s.Objects {
		d.called(o)
	}
	if len(d.secret) > 0 {
		d.Notes = append(d.Notes, "Secrets are never read, and what settings name that come of them is not allowed: "+strings.Join(d.secret, ", "))
	}
	return &d.Declaration
}

type declarer struct {
	Declaration
	m        *network.Model
	services map[string]*network.Service
	held     map[string]bool // namespaces whose pods are held
	servers  []network.Server
	scrapers []*network.Endpoint
	secret   []string // whose settings come of Secrets
}

// unknown notes what cannot be named of an end, where its pods are held; nil: of whichever.
func (d *declarer) unknown(e *network.Endpoint, format string, args ...any) {
	if e == nil || d.holds(e) {
		d.Unknown = add(d.Unknown, fmt.Sprintf(format, args...))
	}
}

// holds says that policies are suggested for pods.
func (d *declarer) holds(e *network.Endpoint) bool {
	return e.Kind == network.Pods && d.held[e.Namespace]
}

// add adds a text that is not among others.
func add(all []string, text string) []string {
	if slices.Contains(all, text) {
		return all
	}
	return append(all, text)
}

func (d *declarer) container(e *network.Endpoint, s *kube.Snapshot, c *corev1.Container) {
	of, unread := settings(s, e.Namespace, c)
	for _, one := range of {
		for _, p := range parties(one.value) {
			d.party(e, p, "by "+one.by+" of "+e.String())
		}
	}
	for _, from := range unread {
		switch {
		case !d.holds(e):
		case strings.HasPrefix(from, "Secret "):
			d.secret = add(d.secret, e.String()+" ("+from+")")
		default:
			d.unknown(e, "what settings of %s name that come of %s, which was not read", e, from)
		}
	}
}

// schemes are the ports that schemes have where nobody names one.
var schemes = map[string]int{"http": 80, "https": 443, "grpcs": 443, "wss": 443, "ws": 80, "ldap": 389, "ldaps": 636, "postgres": 5432, "postgresql": 5432, "mysql": 3306, "redis": 6379, "amqp": 5672, "mongodb": 27017, "nats": 4222}

// party notes that a host is needed.
func (d *declarer) party(e *network.Endpoint, p party, by string) {
	if a, err := netip.ParseAddr(p.name); err == nil {
		if port := max(p.port, schemes[p.scheme]); port > 0 && port < 65536 && !a.IsLoopback() && !a.IsUnspecified() {
			d.address(e, a.Unmap(), port, by)
		}
		return
	}
	s, pod := d.find(e.Namespace, strings.ToLower(p.name))
	switch {
	case s == nil && (p.scheme != "" || p.port > 0) && strings.Contains(p.name, ".") && !strings.HasSuffix(p.name, ".localhost"):
		d.unknown(e, "%s is declared %s: which addresses it has is not known", p.name, by)
	case s == nil:
	case s.Home() == "default" && s.Name == "kubernetes" && len(s.Endpoints) == 0:
		d.server(e, "declared "+by)
	case len(s.Endpoints) == 0:
		d.unknown(e, "Service %s/%s is declared %s: no pods that were read stand behind it", s.Home(), s.Name, by)
	default:
		d.service(e, s, p, pod, by)
	}
}

// service notes that a Service is needed. Pod says that one of its pods is named. Those of a Service without an address of
// its own are asked themselves, on whatever port is named.
func (d *declarer) service(e *network.Endpoint, s *network.Service, p party, pod bool, by string) {
	before := len(d.Needs)
	spec, _ := s.Fields["spec"].(map[string]any)
	direct := p.port > 0 && p.port < 65536 && (pod || spec["clusterIP"] == "None")
	port := p.port
	if is := schemes[p.scheme]; port == 0 && slices.ContainsFunc(s.Ports, func(of network.ServicePort) bool { return of.Port == is }) {
		port = is
	}
	for _, to := range s.Endpoints {
		if direct && len(s.Ports) == 0 {
			d.need(e, to, network.PortRange(network.TCP, port, port), by)
		}
		for _, of := range s.Ports {
			switch {
			case direct:
				d.need(e, to, network.PortRange(of.Protocol, port, port), by)
			case port == 0 || port == of.Port:
				d.need(e, to, of.Leads(to), by)
			}
		}
	}
	switch {
	case len(d.Needs) > before:
	case port > 0 && !slices.ContainsFunc(s.Ports, func(of network.ServicePort) bool { return of.Port == port }):
		d.unknown(e, "port %d of Service %s/%s is declared %s: it has no such port", port, s.Home(), s.Name, by)
	default:
		d.unknown(e, "Service %s/%s is declared %s: none of its ports leads to one that its pods have", s.Home(), s.Name, by)
	}
}

// using are the needs of those who have a use for the API server.
func (d *declarer) using(all []*network.Endpoint) {
	const why = "a token of its account is mounted, and a role grants that something"
	if len(d.servers) > 0 {
		for _, e := range all {
			d.server(e, "has a use for the API server: "+why)
		}
		return
	}
	var names []string
	for _, e := range all {
		if d.holds(e) {
			names = append(names, e.String())
		}
	}
	if len(names) > 0 {
		d.unknown(nil, "the API server, for %s (%s): name its addresses with --api-server", strings.Join(names, ", "), why)
	}
}

// server notes that the API server is needed.
func (d *declarer) server(e *network.Endpoint, why string) {
	if len(d.servers) == 0 {
		d.unknown(e, "the API server is %s: name its addresses with --api-server", why)
	}
	for _, s := range d.servers {
		for _, r := range s.Ports.Ranges() {
			n := &Need{From: e, To: s.Endpoint, Protocol: r.Protocol, Port: r.From, Why: why}
			if s.Kind == network.Block {
				n.Address = s.At
			}
			d.Needs = append(d.Needs, n)
		}
	}
}

// find is the Service that a name means: NAME, NAME.NAMESPACE, with svc and the cluster's domain behind them or not; or of a pod
// behind it, with the pod's name before.
func (d *declarer) find(namespace, name string) (s *network.Service, pod bool) {
	for _, end := range []string{".", ".cluster.local", ".svc"} {
		name = strings.TrimSuffix(name, end)
	}
	parts := append(strings.SplitN(name, ".", 4), "", "")
	if s := d.services[namespace+"/"+parts[0]]; s != nil && parts[1] == "" {
		return s, false
	}
	if s := d.services[parts[1]+"/"+parts[0]]; s != nil && parts[2] == "" {
		return s, false
	}
	if parts[2] == "" {
		parts[2] = namespace
	}
	return d.services[parts[2]+"/"+parts[1]], true
}

func (d *declarer) need(from, to *network.Endpoint, ports network.Ports, by string) {
	for _, r := range ports.Ranges() {
		d.Needs = append(d.Needs, &Need{From: from, To: to, Protocol: r.Protocol, Port: r.From, Why: "declared " + by})
	}
}

func (d *declarer) address(e *network.Endpoint, a netip.Addr, port int, by string) {
	to := d.m.At(a)
	n := &Need{From: e, To: to, Protocol: network.TCP, Port: port, Why: "declared " + by}
	if to.Kind == network.Block {
		n.Address = network.PrefixAddresses(netip.PrefixFrom(a, a.BitLen()))
	}
	d.Needs = append(d.Needs, n)
}

// published are the needs of those who come from outside.
func (d *declarer) published() {
	for _, p := range d.m.Published() {
		by := p.By.Kind + " " + p.By.Home() + "/" + p.By.Name
		if p.Detached != "" || p.Beside {
			continue
		}
		d.publish(&p, p.From, p.Within, by)
		var nodes network.Addresses
		for _, r := range d.m.Options().NodeRanges {
			nodes = nodes.Union(network.PrefixAddresses(r))
		}
		switch {
		case !p.Missing:
		case p.How == p.By.Kind:
			d.unknown(p.To, "%s publishes %s on %s: the pods of the controller that brings it are not among what was read, or not known as such: name them with --ingress-controller", by, p.To, p.Ports)
		case len(nodes) > 0:
			d.publish(&p, d.m.Endpoints, nodes, by)
		default:
			d.unknown(p.To, "%s publishes %s on %s, and nodes bring it with addresses of their own, which are not known: name them with --node-cidr", by, p.To, p.Ports)
		}
	}
}

// strays tells of names that Ingresses and routes have of what is not there: what they mean may be needed.
func (d *declarer) strays() {
	for _, s := range d.m.Strays() {
		if d.held[s.By.Home()] {
			d.Notes = add(d.Notes, fmt.Sprintf("%s %s/%s: %s: %s", s.By.Kind, s.By.Home(), s.By.Name, s.Field, s.What))
		}
	}
}

// publish lets ends bring a publication; of those that are addresses, those within some.
func (d *declarer) publish(p *network.Publication, ends []*network.Endpoint, within network.Addresses, by string) {
	for _, from := range ends {
		if from.Kind != network.Pods && p.To.Kind != network.Pods { // policies hold neither of them
			continue
		}
		var met network.Addresses
		if from.Kind == network.Block {
			met = d.m.Meet(from.Addresses.Intersect(within), p.To)
		}
		if len(met) == 0 && (from.Kind == network.Block || !slices.Contains(p.From, from)) {
			continue
		}
		for _, r := range p.Ports.Ranges() {
			d.Needs = append(d.Needs, &Need{From: from, To: p.To, Address: met, Protocol: r.Protocol, Port: r.From, Why: "published by " + by})
		}
	}
}

// called are the needs of the API server, which calls webhooks and the servers of other APIs by their Services. It calls from
// where it takes connections.
func (d *declarer) called(o *kube.Object) {
	type reference struct {
		Namespace string `json:"namespace"`
		Name      string `json:"name"`
		Port      *int   `json:"port"`
	}
	var of struct {
		Spec struct {
			Service *reference `json:"service"`
		} `json:"spec"`
		Webhooks []struct {
			ClientConfig struct {
				Service *reference `json:"service"`
			} `json:"clientConfig"`
		} `json:"webhooks"`
	}
	if o.Group() != "admissionregistration.k8s.io" && o.Group() != "apiregistration.k8s.io" {
		return
	}
	if _, err := o.Decode(&of); err != nil {
		return
	}
	all := []*reference{of.Spec.Service}
	for _, w := range of.Webhooks {
		all = append(all, w.ClientConfig.Service)
	}
	for _, r := range all {
		if r == nil {
			continue
		}
		s, port := d.services[r.Namespace+"/"+r.Name], 443
		if s == nil {
			continue
		}
		if r.Port != nil {
			port = *r.Port
		}
		d.calledService(s, port, o.Kind+" "+o.Name)
	}
}

func (d *declarer) calledService(s *network.Service, port int, by string) {
	if len(d.servers) == 0 {
		if d.held[s.Home()] {
			d.unknown(nil, "the API server calls Service %s/%s (%s): its addresses are not known, name them with --api-server", s.Home(), s.Name, by)
		}
		return
	}
	for _, to := range s.Endpoints {
		for _, p := range s.Ports {
			if p.Port != port {
				continue
			}
			for _, from := range d.servers {
				for _, r := range p.Leads(to).Ranges() {
					n := &Need{From: from.Endpoint, To: to, Protocol: r.Protocol, Port: r.From, Why: "declared by " + by + ", which the API server calls"}
					if from.Kind == network.Block {
						n.Address = from.At
					}
					d.Needs = append(d.Needs, n)
				}
			}
		}
	}
}
