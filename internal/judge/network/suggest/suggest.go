// Package suggest turns connections that are needed, as they were recorded or are declared, into the NetworkPolicies that
// allow these alone.
package suggest

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/plimsoll/plimsoll/internal/judge/network"
	"github.com/plimsoll/plimsoll/internal/read/kube"
)

// Need is a connection that is needed.
type Need struct {
	From, To *network.Endpoint
	// Address is the one that was met of an end that is addresses.
	Address  network.Addresses
	Protocol network.Protocol
	Port     int
	Why      string // where it is declared, or that it was recorded
	Count    int    // how often it was recorded
}

// Ports is the port as a set.
func (n *Need) Ports() network.Ports { return network.PortRange(n.Protocol, n.Port, n.Port) }

// Ends are both ends in words.
func (n *Need) Ends() (from, to string) {
	from, to = n.From.String(), n.To.String()
	if n.From.Kind == network.Block {
		from = n.Address.Words()
	}
	if n.To.Kind == network.Block {
		to = n.Address.Words()
	}
	return from, to
}

func (n *Need) String() string {
	from, to := n.Ends()
	return fmt.Sprintf("%s to %s on %s", from, to, n.Ports())
}

// Options say what is suggested.
type Options struct {
	// Unknown are what is needed and cannot be named, and Notes what else a person has to know.
	Unknown, Notes []string

	Namespaces []string // whose pods are held; none: all that have any, but for kube-system
	Replace    bool     // the NetworkPolicies that there are go away
	// Uses says that a workload has a use for the API server; nil: none has.
	Uses func(*kube.Workload) bool
}

// Answer is what is suggested, and what it does.
type Answer struct {
	Policies []*Policy
	Text     string // YAML
	// Cut are the needs that are refused, and Kept those that are not, when the policies are there.
	Kept, Cut []*Need
	// Refused are those of the needs that are cut which policies refuse already, and by which.
	Refused map[*Need]string
	// Unknown is what is needed and cannot be named, and so is refused; Notes are what else a person has to know.
	Unknown, Notes []string
}

// Make makes the policies that allow some needs, and holds the needs against them. Only the context ends it early.
func Make(ctx context.Context, m *network.Model, s *kube.Snapshot, needs []*Need, o Options) (*Answer, error) {
	b := builder{m: m, o: o, answer: &Answer{Unknown: slices.Clone(o.Unknown), Notes: slices.Clone(o.Notes), Refused: map[*Need]string{}}, of: map[*network.Endpoint]*Policy{}, held: Held(m, o.Namespaces)}
	b.findNames()
	for _, ns := range slices.Sorted(maps.Keys(b.held)) {
		b.namespace(ns)
	}
	for _, n := range needs {
		b.need(n)
	}
	b.closed()
	b.answer.Policies = slices.DeleteFunc(b.answer.Policies, func(p *Policy) bool { return !p.deny && len(p.rules[0])+len(p.rules[1]) == 0 })
	b.answer.Text = write(b.answer.Policies)
	return b.answer, b.verify(ctx, s, append(b.names(), needs...))
}

// Policy is one that is suggested.
type Policy struct {
	Namespace, Name string
	Why             string
	deny            bool
	selector        map[string]string // empty: all pods
	rules           [2][]*rule
	at              [2]map[string]*rule // by whom they allow
}

// rule allows peers some ports.
type rule struct {
	peers  map[string]bool // pods, as YAML
	blocks network.Addresses
	ports  network.Ports
	why    []string
}

type builder struct {
	m      *network.Model
	o      Options
	answer *Answer
	of     map[*network.Endpoint]*Policy
	held   map[string]bool

	dns      string // who answers for names, as YAML
	dnsPorts network.Ports
}

func (b *builder) unknown(format string, args ...any) {
	b.answer.Unknown = add(b.answer.Unknown, fmt.Sprintf(format, args...))
}

func (b *builder) note(format string, args ...any) {
	b.answer.Notes = add(b.answer.Notes, fmt.Sprintf(format, args...))
}

// Held are the namespaces whose pods are held: those that are named and have any, or all but kube-system.
func Held(m *network.Model, named []string) map[string]bool {
	held := map[string]bool{}
	for _, e := range m.Endpoints {
		if e.Kind == network.Pods && (slices.Contains(named, e.Namespace) || len(named) == 0 && e.Namespace != system) {
			held[e.Namespace] = true
		}
	}
	return held
}

const system = "kube-system"

// namespace begins a namespace: nothing is allowed, but to ask for names.
func (b *builder) namespace(ns string) {
	b.answer.Policies = append(b.answer.Policies, &Policy{Namespace: ns, Name: "default-deny", Why: "What no other policy allows is refused.", deny: true})
	dns := &Policy{Namespace: ns, Name: "allow-dns", Why: "All pods may ask for names."}
	dns.rules[network.Egress] = []*rule{{peers: map[string]bool{b.dns: true}, ports: b.dnsPorts, why: []string{"the pods behind Service kube-system/kube-dns"}}}
	b.answer.Policies = append(b.answer.Policies, dns)
	for _, e := range b.m.Endpoints {
		if e.Kind != network.Pods || e.Namespace != ns {
			continue
		}
		selector := selectorOf(e)
		if len(selector) == 0 {
			b.unknown("%s has no labels of its own: no policy can name it", e)
			continue
		}
		p := &Policy{Namespace: ns, Name: policyName(e), Why: "What " + e.Name + " needs.", selector: selector}
		b.of[e] = p
		b.answer.Policies = append(b.answer.Policies, p)
	}
}

// closed tells of whom nothing is known that they need.
func (b *builder) closed() {
	names := map[string][]string{}
	for _, e := range b.m.Endpoints {
		if p := b.of[e]; p != nil && len(p.rules[0])+len(p.rules[1]) == 0 {
			names[e.Namespace] = append(names[e.Namespace], e.Name)
		}
	}
	for _, ns := range slices.Sorted(maps.Keys(names)) {
		b.note("nothing is known that these of namespace %s need, and they are closed off, but for names: %s", ns, strings.Join(names[ns], ", "))
	}
}

// findNames finds who answers for names: the pods behind the Service, on the ports that it leads to.
func (b *builder) findNames() {
	for _, s := range b.m.Services() {
		if s.Namespace != system || s.Name != "kube-dns" || len(s.Endpoints) == 0 {
			continue
		}
		for _, e := range s.Endpoints {
			for _, p := range s.Ports {
				if p.Port != 53 {
					continue
				}
				for _, r := range p.Leads(e).Ranges() { // what is too long for UDP is asked once more by TCP, whatever the Service lists
					b.dnsPorts = b.dnsPorts.Union(network.PortRange(network.UDP, r.From, r.To)).Union(network.PortRange(network.TCP, r.From, r.To))
				}
			}
		}
		if selector := selectorOf(s.Endpoints[0]); len(selector) > 0 && len(b.dnsPorts) > 0 {
			b.dns = podPeer(system, selector)
			return
		}
	}
	b.note("Service kube-system/kube-dns is not among what was read: pods with k8s-app: kube-dns are taken to be behind it, on port 53")
	b.dns, b.dnsPorts = podPeer(system, map[string]string{"k8s-app": "kube-dns"}), network.PortRange(network.UDP, 53, 53).Union(network.PortRange(network.TCP, 53, 53))
}

// names are the needs of all pods that are held to ask for names.
func (b *builder) names() (all []*Need) {
	for _, s := range b.m.Services() {
		if s.Namespace != system || s.Name != "kube-dns" {
			continue
		}
		for _, from := range b.m.Endpoints {
			if from.Kind != network.Pods || !b.held[from.Namespace] {
				continue
			}
			for _, to := range s.Endpoints {
				for _, p := range s.Ports {
					for _, r := range p.Leads(to).Ranges() {
						if p.Port == 53 {
							all = append(all, &Need{From: from, To: to, Protocol: r.Protocol, Port: r.From, Why: askNames})
						}
					}
				}
			}
		}
	}
	return all
}

const askNames = "every pod asks for names"

// need allows what is needed, at both ends that are held.
func (b *builder) need(n *Need) {
	if n.From == n.To && !n.From.Several {
		return // a pod always reaches itself
	}
	if p := b.of[n.From]; p != nil {
		peer, block := b.peer(n, n.To, p.Namespace)
		p.allow(network.Egress, peer, block, n)
	}
	if p := b.of[n.To]; p != nil {
		peer, block := b.peer(n, n.From, p.Namespace)
		p.allow(network.Ingress, peer, block, n)
	}
}

// peer is an end as a rule of a policy in a namespace names it: pods, or addresses.
func (b *builder) peer(n *Need, e *network.Endpoint, from string) (string, network.Addresses) {
	switch e.Kind {
	case network.Pods:
		selector := selectorOf(e)
		if len(selector) == 0 {
			b.note("%s has no labels of its own: rules name all pods of its namespace", e)
		}
		if e.Namespace == from {
			return podPeer("", selector), nil
		}
		return podPeer(e.Namespace, selector), nil
	case network.Block:
		return "", n.Address
	}
	if len(e.Addresses) == 0 {
		b.unknown("the addresses of %s are not known: %s", e, n.Why)
	}
	return "", e.Addresses
}

func (p *Policy) allow(d network.Direction, peer string, block network.Addresses, n *Need) {
	if peer == "" && len(block) == 0 {
		return
	}
	key := peer
	if key == "" {
		key = block.String()
	}
	r := p.at[d][key]
	if r == nil {
		r = &rule{peers: map[string]bool{}, blocks: block}
		if peer != "" {
			r.peers[peer] = true
		}
		if p.at[d] == nil {
			p.at[d] = map[string]*rule{}
		}
		p.at[d][key] = r
		p.rules[d] = append(p.rules[d], r)
	}
	r.ports = r.ports.Union(n.Ports())
	if !slices.Contains(r.why, n.Why) {
		r.why = append(r.why, n.Why)
	}
}

// merge puts together peers that are allowed the same ports.
func merge(rules []*rule) (all []*rule) {
	for _, r := range rules {
		i := slices.IndexFunc(all, func(a *rule) bool { return a.ports.Equal(r.ports) })
		if i < 0 {
			all = append(all, &rule{peers: maps.Clone(r.peers), blocks: r.blocks, ports: r.ports, why: slices.Clone(r.why)})
			continue
		}
		maps.Copy(all[i].peers, r.peers)
		all[i].blocks = all[i].blocks.Union(r.blocks)
		for _, why := range r.why {
			if !slices.Contains(all[i].why, why) {
				all[i].why = append(all[i].why, why)
			}
		}
	}
	slices.SortFunc(all, func(a, b *rule) int { return cmp.Compare(a.ports.String(), b.ports.String()) })
	return all
}

func policyName(e *network.Endpoint) string {
	name := strings.ToLower(e.Workload.Kind) + "-" + e.Workload.Object.Name
	return strings.TrimSuffix(name[:min(len(name), 240)], "-")
}
