package network

import (
	"fmt"
	"slices"
)

// callers are endpoints that may open connections.
type callers struct {
	endpoints []*Endpoint
	pods      []*Endpoint // those of them that are a workload's
	by        [4]set      // the classes of those that have no policies of their own, by the family of whom they meet
}

func (m *Model) callers(of []*Endpoint) *callers {
	all := &callers{endpoints: of}
	for family := range all.by {
		all.by[family] = newSet(len(m.classes))
	}
	for _, e := range of {
		if e.Workload != nil {
			all.pods = append(all.pods, e)
		}
		for _, i := range m.of[e] {
			for family := range all.by {
				if e.Kind != Pods && m.classes[i].family&family != 0 {
					all.by[family].add(i)
				}
			}
		}
	}
	return all
}

// within are the blocks that have some of some addresses, and all nodes, if asked for.
func (p *publisher) within(of Addresses, nodes bool) *callers {
	key := fmt.Sprintln("nodes", nodes)
	for _, s := range of {
		from, to := s.from.As16(), s.to.As16()
		key += string(from[:]) + string(to[:])
	}
	return p.gathered(key, func() (all []*Endpoint) {
		for _, e := range p.m.Endpoints {
			if e.Kind == Block && e.Addresses.meets(of) {
				all = append(all, e)
			}
		}
		if nodes {
			all = append(all, p.nodes...)
		}
		return all
	})
}

// gathered are callers that are known by a key: most ways have the same.
func (p *publisher) gathered(key string, of func() []*Endpoint) *callers {
	all := p.sources[key]
	if all == nil {
		all = p.m.callers(of())
		p.sources[key] = all
	}
	return all
}

// letIn are the ports on which an endpoint's policies let in any of those that have none of their own.
func (m *Model) letIn(from *callers, e *Endpoint) (all Ports) {
	for _, i := range m.of[e] {
		for _, p := range m.faces(Ingress)[i] {
			if meet(p.peers, from.by[m.classes[i].family]) {
				all = append(all, p.ports...)
			}
		}
	}
	return all.Union(nil)
}

// letAll are the ports on which an endpoint's policies let in all of them, of one family.
func (m *Model) letAll(from *callers, e *Endpoint) (all Ports) {
	for _, i := range m.of[e] {
		for _, p := range m.faces(Ingress)[i] {
			for _, f := range families {
				family := familyOf(f.from)
				if m.classes[i].family&family != 0 && within(from.by[family], p.peers) {
					all = append(all, p.ports...)
				}
			}
		}
	}
	return all.Union(nil)
}

// firstIn is one of them whom an endpoint's policies let in on some ports; nil: none.
func (m *Model) firstIn(from *callers, e *Endpoint, ports Ports) (found *Endpoint) {
	for _, i := range m.of[e] {
		for _, p := range m.faces(Ingress)[i] {
			if !p.ports.Meets(ports) {
				continue
			}
			let := slices.Clone(from.by[m.classes[i].family])
			keep(let, p.peers)
			for j := range let.each {
				return m.classes[j].endpoints[0]
			}
		}
	}
	return nil
}

// meets says that two sets have an address in common.
func (a Addresses) meets(b Addresses) bool {
	for i, j := 0, 0; i < len(a) && j < len(b); {
		switch {
		case a[i].to.Less(b[j].from):
			i++
		case b[j].to.Less(a[i].from):
			j++
		default:
			return true
		}
	}
	return false
}
