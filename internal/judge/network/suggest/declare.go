package suggest

import (
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	corev1 "k8s.io/api/core/v1"

	"github.com/plimsoll/plimsoll/internal/judge/network"
	"github.com/plimsoll/plimsoll/internal/read/kube"
)

// maxSetting is how much of a setting is looked at, in bytes.
const maxSetting = 4096

// Declaration is what manifests declare.
type Declaration struct {
	Needs []*Need
	// Unknown are what they declare and no policy can name, in words.
	Unknown []string
}

// Declared are the needs that manifests declare: Services and addresses that a container's settings and arguments name, what
// is published, and whom the API server calls.
func Declared(m *network.Model, s *kube.Snapshot) *Declaration {
	d := declarer{m: m, services: map[string]*network.Service{}}
	for _, one := range m.Services() {
		d.services[one.Home()+"/"+one.Name] = one
	}
	for _, e := range m.Endpoints {
		if e.Workload == nil {
			continue
		}
		for _, c := range slices.Concat(e.Workload.Spec.InitContainers, e.Workload.Spec.Containers) {
			d.container(e, &c)
		}
	}
	d.published()
	for _, o := range s.Objects {
		d.called(o)
	}
	return &d.Declaration
}

type declarer struct {
	Declaration
	m        *network.Model
	services map[string]*network.Service
}

func (d *declarer) unknown(format string, args ...any) {
	if text := fmt.Sprintf(format, args...); !slices.Contains(d.Unknown, text) {
		d.Unknown = append(d.Unknown, text)
	}
}

func (d *declarer) container(e *network.Endpoint, c *corev1.Container) {
	for _, env := range c.Env {
		d.setting(e, env.Value, "by "+env.Name+" of "+e.String())
	}
	for _, arg := range slices.Concat(c.Command, c.Args) {
		d.setting(e, arg, "by an argument of "+e.String())
	}
}

// setting finds the hosts that a text names. A bare word counts where it is all there is, or one of a list.
func (d *declarer) setting(e *network.Endpoint, text, by string) {
	text = text[:min(len(text), maxSetting)]
	prose := strings.ContainsAny(strings.TrimSpace(text), " \t\n")
	for word := range strings.FieldsFuncSeq(text, func(r rune) bool { return strings.ContainsRune(",; \t\n\"'|", r) }) {
		scheme, rest, schemed := strings.Cut(word, "://")
		switch i := strings.LastIndexByte(scheme, '='); {
		case schemed: // and --url=http://… begins with a name
			scheme = scheme[i+1:]
		default:
			scheme, rest = "", word[i+1:]
		}
		if at := strings.LastIndexByte(rest, '@'); at >= 0 {
			rest = rest[at+1:]
		}
		if end := strings.IndexAny(rest, "/?#"); end >= 0 {
			rest = rest[:end]
		}
		m := host().FindStringSubmatch(rest)
		if m == nil || prose && scheme == "" && m[2] == "" {
			continue
		}
		port, _ := strconv.Atoi(m[2])
		d.host(e, strings.Trim(m[1], "[]"), scheme, port, by)
	}
}

// host is a name or an address, and a port.
var host = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^([a-zA-Z0-9](?:[a-zA-Z0-9._-]*[a-zA-Z0-9])?|\[[0-9a-fA-F:.]+\])(?::(\d{1,5}))?$`)
})

// schemes are the ports that schemes have where nobody names one.
var schemes = map[string]int{"http": 80, "https": 443, "grpcs": 443, "wss": 443, "ws": 80, "ldap": 389, "ldaps": 636, "postgres": 5432, "postgresql": 5432, "mysql": 3306, "redis": 6379, "amqp": 5672, "mongodb": 27017, "nats": 4222}

func (d *declarer) host(e *network.Endpoint, name, scheme string, port int, by string) {
	if a, err := netip.ParseAddr(name); err == nil {
		if port = max(port, schemes[scheme]); port > 0 && port < 65536 && !a.IsLoopback() && !a.IsUnspecified() {
			d.address(e, a.Unmap(), port, by)
		}
		return
	}
	s, pod := d.find(e.Namespace, strings.ToLower(name))
	switch {
	case s == nil && (scheme != "" || port > 0) && strings.Contains(name, ".") && !strings.HasSuffix(name, ".localhost"):
		d.unknown("%s is declared %s: which addresses it has is not known", name, by)
	case s == nil:
	case len(s.Endpoints) == 0:
		d.unknown("Service %s/%s is declared %s: no pods that were read stand behind it", s.Home(), s.Name, by)
	default:
		for _, to := range s.Endpoints {
			for _, p := range s.Ports {
				if pod && port > 0 { // a pod is asked by its own name, and on its own ports
					d.need(e, to, network.PortRange(p.Protocol, port, port), by)
				} else if port == 0 || port == p.Port {
					d.need(e, to, p.Leads(to), by)
				}
			}
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
		if p.Detached != "" {
			continue
		}
		if p.Missing {
			d.unknown("%s publishes %s on %s: by whom is not among what was read (nodes, or the controller's pods)", by, p.To, p.Ports)
		}
		for _, from := range p.From {
			var within network.Addresses
			if from.Kind == network.Block {
				if within = d.m.Meet(from.Addresses.Intersect(p.Within), p.To); len(within) == 0 {
					continue
				}
			}
			for _, r := range p.Ports.Ranges() {
				d.Needs = append(d.Needs, &Need{From: from, To: p.To, Address: within, Protocol: r.Protocol, Port: r.From, Why: "published by " + by})
			}
		}
	}
}

// called are the needs of the API server, which calls webhooks and the servers of other APIs by their Services. It calls from
// the nodes of the control plane, where these are known.
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
	var servers []*network.Endpoint
	for _, e := range d.m.Endpoints {
		_, control := e.Labels()["node-role.kubernetes.io/control-plane"]
		if e.Kind == network.Node && control && len(e.Addresses) > 0 {
			servers = append(servers, e)
		}
	}
	if servers == nil {
		d.unknown("the API server calls Service %s/%s (%s): its addresses are not known", s.Home(), s.Name, by)
		return
	}
	for _, to := range s.Endpoints {
		for _, p := range s.Ports {
			for _, from := range servers {
				if p.Port == port {
					d.need(from, to, p.Leads(to), "by "+by+", which the API server calls")
				}
			}
		}
	}
}
