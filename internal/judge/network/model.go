package network

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"slices"

	"k8s.io/apimachinery/pkg/labels"

	"github.com/plimsoll/plimsoll/internal/read/kube"
)

// Options say what the objects alone do not.
type Options struct {
	// PodRanges are the addresses that pods have; none: those that nodes say.
	PodRanges []netip.Prefix
	// PodAddresses are those of the pods that an object made, where these are not among the objects; nil: nobody knows.
	PodAddresses func(*kube.Object) []string
	// NodeRanges are the addresses that nodes have of which none is known.
	NodeRanges []netip.Prefix
	// Servers are the API server's, where it takes connections.
	Servers []netip.AddrPort
	// Blocks are told apart beside those that rules name.
	Blocks []Addresses
	// Carriers are the workloads, as NAMESPACE/NAME, that bring what Ingresses and routes of Gateways publish; none: those that
	// are known by their labels.
	Carriers []string
	// Whole says that the objects are all that the cluster has: a namespace that is not among them does not exist.
	Whole bool
	// Void says on which ports nobody enforces what a policy says for a direction: it counts for nothing there. Nil: all are enforced.
	Void func(p *Policy, d Direction) Ports
}

// Model is a cluster's network as its policies make it. It is for one goroutine at a time: what it works out it keeps.
type Model struct {
	Policies  []*Policy // in the order in which they are asked
	Endpoints []*Endpoint
	Doubts    []Doubt // what keeps answers from being whole
	Strange   bool    // there are policies that are not understood, by which more may be refused

	options    Options
	snapshot   *kube.Snapshot
	whole      bool
	namespaces map[string]labels.Set
	podRanges  Addresses
	nodeRanges Addresses
	classes    []class
	of         map[*Endpoint][]int // its classes
	peers      map[string]members  // by the peer's text
	kept       map[*Rule][]match
	faced      [2][]face // nil: not made yet
	everybody  set       // all pods, and the rest of the world; nil: not made yet
	services   []*Service
	before     map[*Endpoint][]*Service // that lead to it
	homes      map[string][]*Endpoint   // by namespace
	leads      map[string][]lead        // by namespace and Service; nil: not read yet
	located    map[netip.Addr]*Endpoint // by address, those that are no blocks; nil: not worked out yet
	blocks     []placed                 // where blocks begin, in their order
	publishes  *publisher               // nil: not worked out yet
}

// class are endpoints that all policies treat alike.
type class struct {
	kind      Kind
	family    int         // of its addresses: 1 of IPv4, 2 of IPv6, 3 of both, or not known
	endpoints []*Endpoint // whose ports are the same, as far as rules name them
	policies  []*Policy   // that select it, in their order
}

// members are the classes that a peer names, in their order.
type members []int32

// New makes the model of what a snapshot holds.
func New(s *kube.Snapshot, o Options) *Model {
	m := &Model{options: o, snapshot: s, whole: o.Whole, namespaces: map[string]labels.Set{}, of: map[*Endpoint][]int{}, kept: map[*Rule][]match{}}
	of := readPolicies(s.Objects)
	m.Policies, m.Doubts, m.Strange = of.policies, of.doubts, of.strange
	for _, p := range m.Policies {
		for _, d := range []Direction{Ingress, Egress} {
			if o.Void != nil {
				p.voidOn(d, o.Void(p, d))
			}
		}
	}
	m.fit(mostCells, mostHeld)
	for _, ns := range s.Of("", "Namespace", "") {
		m.namespaces[ns.Name] = labels.Merge(ns.Metadata("labels"), labels.Set{nameLabel: ns.Name})
	}
	for _, n := range s.Of("", "Node", "") {
		e, ranges := nodeEndpoint(n)
		m.Endpoints = append(m.Endpoints, e)
		m.podRanges = m.podRanges.Union(ranges)
	}
	if len(o.PodRanges) > 0 {
		m.podRanges = nil
		for _, p := range o.PodRanges {
			m.podRanges = m.podRanges.Union(PrefixAddresses(p))
		}
	}
	for _, p := range o.NodeRanges {
		m.nodeRanges = m.nodeRanges.Union(PrefixAddresses(p))
	}
	for i := range s.Workloads {
		if w := &s.Workloads[i]; w.Kind != "PodTemplate" && !ended(w) {
			e := podEndpoint(w)
			if o.PodAddresses != nil && e.Kind == Pods {
				e.Addresses = e.Addresses.Union(parseAddresses(o.PodAddresses(w.Object)))
			}
			m.Endpoints = append(m.Endpoints, e)
		}
	}
	for _, cell := range addressCells(append(m.Blocks(), o.Blocks...)) {
		m.Endpoints = append(m.Endpoints, &Endpoint{Kind: Block, Name: cell.String(), Addresses: cell, Several: true})
	}
	m.classify()
	return m
}

// Options are those that the model was made with.
func (m *Model) Options() Options { return m.options }

// nameLabel is the label that an API server gives every namespace: its name.
const nameLabel = "kubernetes.io/metadata.name"

// Blocks are all blocks of addresses that rules name.
func (m *Model) Blocks() []Addresses { return blocksOf(m.Policies) }

func blocksOf(policies []*Policy) (all []Addresses) {
	known := map[string]bool{}
	for _, p := range policies {
		for _, of := range p.peers() {
			if of.block != nil && !known[of.text] {
				known[of.text] = true
				all = append(all, of.block)
			}
		}
	}
	return all
}

// peers are all peers of all rules.
func (p *Policy) peers() (all []peer) {
	for _, rules := range p.Rules {
		for _, r := range rules {
			all = append(all, r.peers...)
		}
	}
	return all
}

// NamespaceLabels are the labels of a namespace; known says that its object was read.
func (m *Model) NamespaceLabels(name string) (of labels.Set, known bool) {
	if of, known = m.namespaces[name]; known {
		return of, true
	}
	return labels.Set{nameLabel: name}, m.whole
}

// classify puts endpoints that all policies treat alike into one class.
func (m *Model) classify() {
	c := classifier{m: m, classes: map[string]int{}, doubted: map[string]int{}, unknowns: map[Kind][]facet{}}
	c.ask()
	for _, e := range m.Endpoints {
		for _, one := range c.facets(e) {
			c.join(e, one)
		}
	}
	m.peers = map[string]members{}
	for key, list := range c.members {
		m.peers[key] = slices.Compact(list) // as classes were made: in their order
	}
	place := map[*Policy]int{}
	for i, p := range m.Policies {
		place[p] = i
	}
	for i := range m.classes {
		m.classes[i].policies = c.selected[i]
		slices.SortFunc(m.classes[i].policies, func(a, b *Policy) int { return place[a] - place[b] })
	}
}

// classifier finds out which selectors take an endpoint.
type classifier struct {
	m        *Model
	names    map[string]bool // of ports that rules name
	within   map[string][]*question
	wide     []*question
	nodes    []*question
	blocks   []*question
	cells    *addressParts // all addresses, by blocks
	classes  map[string]int
	members  map[string][]int32
	doubted  map[string]int // the place among the model's doubts
	unknowns map[Kind][]facet

	selected map[int][]*Policy
}

// question is a peer of rules, or the subject of policies, asked once.
type question struct {
	peer
	number   int
	policies []*Policy // whose subject it is
	spaces   map[string]bool
}

// ask gathers the questions.
func (c *classifier) ask() {
	c.names, c.within, c.members, c.selected = map[string]bool{}, map[string][]*question{}, map[string][]int32{}, map[int][]*Policy{}
	known := map[string]*question{}
	one := func(p peer) *question {
		q := known[p.text]
		if q != nil {
			return q
		}
		q = &question{peer: p, number: len(known), spaces: map[string]bool{}}
		known[p.text] = q
		switch {
		case p.block != nil:
			c.blocks = append(c.blocks, q)
		case p.nodes != nil:
			c.nodes = append(c.nodes, q)
		case p.namespace != "":
			c.within[p.namespace] = append(c.within[p.namespace], q)
		default:
			c.wide = append(c.wide, q)
		}
		return q
	}
	for _, p := range c.m.Policies {
		q := one(p.subject)
		q.policies = append(q.policies, p)
		for _, of := range p.peers() {
			one(of)
		}
		for _, rules := range p.Rules {
			for _, r := range rules {
				for _, port := range r.ports {
					if port.name != "" {
						c.names[port.name] = true
					}
				}
			}
		}
	}
}

// facet is a way in which an endpoint is met: at some of its addresses, which answer the same questions with yes.
type facet struct {
	family int
	yes    []*question
}

const anyFamily = 3

func familyOf(a netip.Addr) int {
	if a.Is4() {
		return 1
	}
	return 2
}

// facets are the ways in which an endpoint is met: one, but where it has several addresses.
func (c *classifier) facets(e *Endpoint) (all []facet) {
	var yes []*question
	switch e.Kind {
	case Pods:
		yes = c.selectors(e)
	case Node:
		for _, q := range c.nodes {
			if q.nodes.Matches(labels.Set(e.labels)) {
				yes = append(yes, q)
			}
		}
	case Host:
		return c.hosts(e)
	case Block: // all of whose addresses are in the same blocks
		one := facet{yes: c.at(e.Addresses[0].from)}
		for _, s := range e.Addresses {
			one.family |= familyOf(s.from)
		}
		return []facet{one}
	}
	if len(e.Addresses) == 0 {
		for _, f := range c.unknown(e.Kind) {
			all = append(all, facet{f.family, slices.Concat(yes, f.yes)})
		}
		return all
	}
	for a := range e.Addresses.Each {
		all = append(all, facet{familyOf(a), append(slices.Clone(yes), c.at(a)...)})
	}
	return all
}

// hosts are the nodes whose network a workload uses: the one that it is on, or any, where it does not say.
func (c *classifier) hosts(e *Endpoint) (all []facet) {
	on := e.Workload.Spec.NodeName
	for _, n := range c.m.Endpoints {
		if n.Kind == Node && (on == "" || on == n.Name) {
			all = append(all, c.facets(n)...)
		}
	}
	if all != nil {
		return all
	}
	if len(c.nodes) > 0 {
		what := fmt.Sprintf("which nodes there are is not known, and whether %q are where %s runs is not either", c.nodes[0].text, e)
		c.doubt(what, func(one *Endpoint) bool { return one == e }, c.nodes...)
	}
	return c.unknown(e.Kind)
}

// selectors are the selectors that take a pod.
func (c *classifier) selectors(e *Endpoint) (all []*question) {
	of := labels.Set(e.labels)
	for _, q := range c.within[e.Namespace] {
		if q.pods.Matches(of) {
			all = append(all, q)
		}
	}
	for _, q := range c.wide {
		if c.takes(q, e.Namespace) && q.pods.Matches(of) {
			all = append(all, q)
		}
	}
	return all
}

// takes says that a selector of namespaces takes one.
func (c *classifier) takes(q *question, namespace string) bool {
	yes, asked := q.spaces[namespace]
	if asked {
		return yes
	}
	of, known := c.m.NamespaceLabels(namespace)
	yes = q.namespaces.Matches(of)
	q.spaces[namespace] = yes
	if !known {
		requirements, _ := q.namespaces.Requirements()
		if slices.ContainsFunc(requirements, func(r labels.Requirement) bool { return r.Key() != nameLabel }) {
			what := fmt.Sprintf("namespace %s is not among what was read: its labels are taken to be none", namespace)
			c.doubt(what, func(e *Endpoint) bool { return e.Kind == Pods && e.Namespace == namespace }, q)
		}
	}
	return yes
}

// at are the blocks that an address is in.
func (c *classifier) at(a netip.Addr) (all []*question) {
	if c.cells == nil {
		sets := make([]Addresses, len(c.blocks))
		for i, q := range c.blocks {
			sets[i] = q.block
		}
		c.cells = partAddresses(sets)
	}
	for _, i := range c.cells.in(a) {
		all = append(all, c.blocks[i])
	}
	return all
}

// join puts one facet of an endpoint into its class.
func (c *classifier) join(e *Endpoint, f facet) {
	numbers := make([]int, len(f.yes))
	for i, q := range f.yes {
		numbers[i] = q.number
	}
	slices.Sort(numbers)
	key := fmt.Appendf(nil, "%d %d %q", e.Kind, f.family, e.signature(c.names))
	for _, n := range numbers {
		key = binary.LittleEndian.AppendUint32(key, uint32(n))
	}
	i, known := c.classes[string(key)]
	if !known {
		i = len(c.m.classes)
		c.classes[string(key)] = i
		c.m.classes = append(c.m.classes, class{kind: e.Kind, family: f.family})
		for _, q := range f.yes {
			c.members[q.text] = append(c.members[q.text], int32(i))
			if e.Kind == Pods {
				c.selected[i] = append(c.selected[i], q.policies...)
			}
		}
	}
	if of := c.m.of[e]; !slices.Contains(of, i) {
		c.m.of[e] = append(of, i)
		c.m.classes[i].endpoints = append(c.m.classes[i].endpoints, e)
	}
}
