package network

import (
	"cmp"
	"context"
	"math"
	"math/big"
	"net/netip"
	"slices"
	"strings"
)

// Selects says that a policy selects any pod that was read.
func (m *Model) Selects(p *Policy) bool {
	return slices.ContainsFunc(m.peers[p.subject.text], func(i int32) bool { return m.classes[i].kind == Pods })
}

// Selecting are the policies that select pods, in the order in which they are asked.
func (m *Model) Selecting(e *Endpoint) (all []*Policy) {
	for _, i := range m.of[e] {
		for _, p := range m.classes[i].policies {
			if !slices.Contains(all, p) {
				all = append(all, p)
			}
		}
	}
	return all
}

// Party is whom a rule names, in words, and who that is.
type Party struct {
	Words string
	// Nobody says that no endpoint is one of those that it names.
	Nobody bool
	// Everybody says that it is all pods of all namespaces, or all addresses of a family.
	Everybody bool
	Block     Addresses // where it is addresses
	// Known says that pods of a namespace that it names were read, or that it names none.
	Known bool
}

// Parties are whom a rule names; none where it names nobody in particular, and so everybody.
func (m *Model) Parties(r *Rule) (all []Party) {
	for _, p := range r.peers {
		one := Party{Words: p.text, Nobody: len(m.peers[p.text]) == 0, Block: p.block, Known: p.pods == nil || m.knows(p)}
		switch {
		case p.block != nil:
			one.Everybody = slices.ContainsFunc(families[:], func(f addressSpan) bool { return slices.Contains(p.block, f) })
		case p.pods != nil:
			one.Everybody = p.namespace == "" && p.namespaces.Empty() && p.pods.Empty()
		}
		all = append(all, one)
	}
	return all
}

// knows says that pods of a namespace that a selector names were read.
func (m *Model) knows(p peer) bool {
	if p.namespace != "" {
		return len(m.in(p.namespace)) > 0
	}
	m.in("")
	for name := range m.homes {
		if of, _ := m.NamespaceLabels(name); p.namespaces.Matches(of) {
			return true
		}
	}
	return false
}

// Open says that a pod takes, or opens, connections from or to all pods and the rest of the world, on all ports: nothing
// holds it in this direction, but perhaps against a few addresses.
func (m *Model) Open(e *Endpoint, d Direction) bool {
	if m.everybody == nil {
		m.everybody = newSet(len(m.classes))
		rest, most := -1, new(big.Int)
		for i := range m.classes {
			switch c := &m.classes[i]; c.kind {
			case Pods:
				m.everybody.add(i)
			case Block:
				if n := c.endpoints[0].Addresses.Intersect(internet()).size(); n.Cmp(most) > 0 && c.family&familyOf(families[0].from) != 0 {
					rest, most = i, n
				}
			}
		}
		if rest >= 0 {
			m.everybody.add(rest)
		}
	}
	for _, i := range m.of[e] {
		for _, p := range m.faces(d)[i] {
			if !within(m.everybody, p.peers) {
				return false
			}
		}
	}
	return true
}

// Isolated says that a NetworkPolicy isolates a pod in a direction.
func (m *Model) Isolated(e *Endpoint, d Direction) bool {
	for _, i := range m.of[e] {
		if slices.ContainsFunc(m.classes[i].policies, func(p *Policy) bool { return p.Isolates[d] }) {
			return true
		}
	}
	return false
}

// Meet are those of some addresses that are of a family of which an endpoint may have one, too.
func (m *Model) Meet(of Addresses, e *Endpoint) (all Addresses) {
	for _, f := range families {
		if slices.ContainsFunc(m.of[e], func(i int) bool { return m.classes[i].family&familyOf(f.from) != 0 }) {
			all = all.Union(of.Intersect(Addresses{f}))
		}
	}
	return all
}

// Between are the ports on which one endpoint reaches another.
func (m *Model) Between(from, to *Endpoint) (all Ports) {
	for _, a := range m.Ask(from, to) {
		if a.Allowed() {
			all = all.Union(a.Ports)
		}
	}
	return all
}

// At is the endpoint that has an address: a pod, a node, or the block that it is in.
func (m *Model) At(a netip.Addr) *Endpoint {
	if m.located == nil {
		m.locate()
	}
	if e := m.located[a.Unmap()]; e != nil {
		return e
	}
	i, found := slices.BinarySearchFunc(m.blocks, a.Unmap(), func(p placed, a netip.Addr) int { return p.from.Compare(a) })
	if !found {
		i--
	}
	if i < 0 || m.blocks[i].to.Less(a.Unmap()) {
		return nil
	}
	return m.blocks[i].endpoint
}

// placed is an interval of a block.
type placed struct {
	addressSpan
	endpoint *Endpoint
}

// locate notes who has which addresses. Those of pods and nodes were named one by one.
func (m *Model) locate() {
	m.located = map[netip.Addr]*Endpoint{}
	for _, e := range m.Endpoints {
		if e.Kind != Block {
			for a := range e.Addresses.Each {
				m.located[a] = e
			}
			continue
		}
		for _, s := range e.Addresses {
			m.blocks = append(m.blocks, placed{s, e})
		}
	}
	slices.SortFunc(m.blocks, func(a, b placed) int { return a.from.Compare(b.from) })
}

// Idle is why a rule changes nothing.
type Idle int

// The reasons.
const (
	Works   Idle = iota
	Decided      // earlier rules, or those of an earlier tier, decide about all that it matches
	Told         // others allow all that it allows
)

// Idles are the rules that others make void. A rule that names nobody, or selects nobody, is none of them.
func (m *Model) Idles(ctx context.Context) (map[*Rule]Idle, error) {
	all := map[*Rule]Idle{}
	for i := range m.classes {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		for d := range Direction(2) {
			m.idle(&m.classes[i], d, all)
		}
	}
	for r, is := range all {
		if is == Works {
			delete(all, r)
		}
	}
	return all, nil
}

// mostIdle is how many rules by how many sets of ports of one pod are looked through for those that are void. Beyond it
// none is said to be.
const mostIdle = 40_000

// idle notes which rules about a class have a part in what it allows.
func (m *Model) idle(c *class, d Direction, all map[*Rule]Idle) {
	rules, isolated := m.ruled(c, d)
	slices.SortStableFunc(rules, func(a, b ruled) int {
		if a.Policy.Tier != Namespaced || b.Policy.Tier != Namespaced {
			return cmp.Compare(a.Policy.Tier, b.Policy.Tier)
		}
		return breadth(a, b)
	})
	note := func(r *Rule, is Idle) {
		if was, known := all[r]; !known || is == Works || was != Works && is == Told {
			all[r] = is
		}
	}
	parted := cells(rules)
	if len(parted)*len(rules) > mostIdle {
		for _, r := range rules {
			note(r.Rule, Works)
		}
		return
	}
	for _, cell := range parted {
		w := m.walk(isolated)
		var told []ruled // rules of NetworkPolicies, and what each allows
		var parts []set
		for _, r := range rules {
			w.next(r.Policy.Tier)
			hit := r.on(cell, len(m.classes))
			if hit.empty() {
				continue
			}
			for i := range hit {
				hit[i] &= w.open[i]
			}
			if r.Policy.Tier == Namespaced && !hit.empty() {
				told, parts = append(told, r), append(parts, hit)
				continue
			}
			if hit.empty() {
				note(r.Rule, Decided)
				continue
			}
			note(r.Rule, Works)
			w.take(r.Action, hit)
		}
		before := newSet(len(m.classes)) // what those before allow
		for i, r := range told {
			if within(parts[i], before) {
				note(r.Rule, Told)
				continue
			}
			note(r.Rule, Works)
			for w, bits := range parts[i] {
				before[w] |= bits
			}
		}
	}
}

// breadth puts rules of NetworkPolicies in an order: the widest first, so that the narrower ones are void beside them.
// Who takes away all that are, in whatever order, closes nothing.
func breadth(a, b ruled) int {
	wide := func(r ruled) (n int) {
		for _, of := range r.matches {
			if of.all {
				return math.MaxInt
			}
			n += len(of.peers)
		}
		return n
	}
	if a.every != b.every && wide(a) == wide(b) {
		if a.every {
			return -1
		}
		return 1
	}
	return cmp.Or(cmp.Compare(wide(b), wide(a)), cmp.Compare(a.Policy.Namespace, b.Policy.Namespace), cmp.Compare(a.Policy.Name, b.Policy.Name), cmp.Compare(a.Index, b.Index))
}

func within(a, b set) bool {
	for i := range a {
		if a[i]&^b[i] != 0 {
			return false
		}
	}
	return true
}

// Everybody says that a rule names nobody in particular.
func (r *Rule) Everybody() bool { return r.peers == nil }

// PortsOf are the ports that a rule names, in words: names of ports as they are written.
func (m *Model) PortsOf(r *Rule) string {
	if r.every {
		return AllPorts().String()
	}
	var numbers Ports
	var names []string
	for _, p := range r.ports {
		if p.name != "" {
			names = append(names, "port "+p.name)
		}
		numbers = numbers.Union(p.ports)
	}
	if len(numbers) > 0 || len(names) == 0 {
		names = append([]string{numbers.String()}, names...)
	}
	return strings.Join(names, ", ")
}

// OutOfCluster are the ports on which a pod reaches addresses that are no pod's and no node's.
func (m *Model) OutOfCluster(e *Endpoint) (all Ports) {
	for _, i := range m.of[e] {
		for _, p := range m.faces(Egress)[i] {
			p.peers.each(func(j int) bool {
				if m.classes[j].kind != Block {
					return true
				}
				all = all.Union(p.ports)
				return false
			})
		}
	}
	return all
}

// Out are the ports on which a pod reaches anybody, as far as its own policies go.
func (m *Model) Out(e *Endpoint) (all Ports) {
	for _, i := range m.of[e] {
		for _, p := range m.faces(Egress)[i] {
			if !p.peers.empty() {
				all = all.Union(p.ports)
			}
		}
	}
	return all
}

// Meant are the ports that rules about a pod allow, of whomever.
func (m *Model) Meant(e *Endpoint, d Direction) (all Ports) {
	for _, i := range m.of[e] {
		rules, _ := m.ruled(&m.classes[i], d)
		for _, r := range rules {
			for _, of := range r.matches {
				if r.Action == Allow {
					all = all.Union(of.ports)
				}
			}
		}
	}
	return all
}

// PodRanges are the addresses that pods are known to have.
func (m *Model) PodRanges() Addresses { return m.podRanges }
