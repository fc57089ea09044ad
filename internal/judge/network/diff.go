package network

import (
	"context"
	"fmt"
	"slices"
)

// Diff are the connections that one map has and the other has not: those that were gained, and those that were lost. Both
// are made with the same [Options.Blocks], or addresses that only one of them tells apart count as changed. Workloads are
// the same where kind, namespace and name are.
func Diff(ctx context.Context, before, after *Map) (gained, lost *Map, err error) {
	j := &joint{known: map[string]int{}, at: map[string]*pair{}}
	for side, m := range []*Map{before, after} {
		for _, e := range m.Endpoints {
			key := fmt.Sprint(e.Kind, " ", e.String())
			p := j.at[key]
			if p == nil {
				p = &pair{}
				j.at[key] = p
				j.pairs = append(j.pairs, p)
			}
			p.endpoint, p.of[side] = e, m.of[e]
		}
	}
	all := &Model{of: map[*Endpoint][]int{}}
	var of [][2][]int // the classes of both maps that each joint class is of
	for _, p := range j.pairs {
		key := fmt.Sprint(p.endpoint.Kind, p.of)
		i, known := j.known[key]
		if !known {
			i = len(all.classes)
			j.known[key] = i
			all.classes = append(all.classes, class{kind: p.endpoint.Kind})
			of = append(of, p.of)
		}
		all.Endpoints = append(all.Endpoints, p.endpoint)
		all.classes[i].endpoints = append(all.classes[i].endpoints, p.endpoint)
		all.of[p.endpoint] = []int{i}
	}
	gained, lost = &Map{Model: all}, &Map{Model: all}
	for i := range all.classes {
		if err := ctx.Err(); err != nil {
			return nil, nil, err
		}
		was, is := before.ports(of[i][0]), after.ports(of[i][1])
		var more, less []part
		for k := range all.classes {
			had, has := union(was, of[k][0]), union(is, of[k][1])
			more, less = put(more, has.Minus(had), k, len(of)), put(less, had.Minus(has), k, len(of))
		}
		gained.reach, lost.reach = append(gained.reach, more), append(lost.reach, less)
	}
	return gained, lost, nil
}

type joint struct {
	known map[string]int
	at    map[string]*pair
	pairs []*pair
}

// pair is an endpoint, and its classes in both maps.
type pair struct {
	endpoint *Endpoint
	of       [2][]int
}

// ports are those on which some classes reach each other class.
func (m *Map) ports(of []int) []Ports {
	all := make([]Ports, len(m.classes))
	for _, i := range of {
		for _, p := range m.reach[i] {
			p.peers.each(func(j int) bool {
				all[j] = all[j].Union(p.ports)
				return true
			})
		}
	}
	return all
}

func union(of []Ports, classes []int) (all Ports) {
	for _, i := range classes {
		all = all.Union(of[i])
	}
	return all
}

// put adds a class to the part of its ports.
func put(parts []part, ports Ports, class, n int) []part {
	if len(ports) == 0 {
		return parts
	}
	i := slices.IndexFunc(parts, func(p part) bool { return p.ports.Equal(ports) })
	if i < 0 {
		i = len(parts)
		parts = append(parts, part{ports, newSet(n)})
	}
	parts[i].peers.add(class)
	return parts
}

// Beyond is what some publications bring from outside that others do not: on further ports, from further addresses, or from
// beyond the own network. Where nobody knows whether it is let in, it counts as let in.
func Beyond(these, others []Publication) (all []Publication) {
	known := map[publicationKey]Publication{}
	for _, p := range together(others) {
		known[p.key()] = p
	}
	for _, p := range together(these) {
		more := p.may()
		for _, inner := range []bool{p.Inner, false} { // what is not for the own network alone is for it, too
			key := p.key()
			key.inner = inner
			if was, old := known[key]; old && len(p.Within.Minus(was.Within)) == 0 {
				more = more.Minus(was.may())
			}
		}
		if len(more) > 0 {
			p.Ports, p.Reached, p.sure = more, p.Reached.Intersect(more), p.sure.Intersect(more)
			all = append(all, p)
		}
	}
	return all
}

// may are the ports on which it may be let in.
func (p *Publication) may() Ports {
	if p.Unknown {
		return p.Ports
	}
	return p.Reached
}

// publicationKey is the same for publications by one object in one way to one workload.
type publicationKey struct {
	how, by, to string
	inner       bool
}

func (p *Publication) key() publicationKey {
	return publicationKey{p.How, p.By.Kind + " " + p.By.Home() + "/" + p.By.Name, p.To.Namespace + " " + p.To.Name, p.Inner}
}

// together makes one of the publications that are the same.
func together(of []Publication) (all []Publication) {
	at := map[publicationKey]int{}
	for _, p := range of {
		i, known := at[p.key()]
		if !known {
			at[p.key()] = len(all)
			all = append(all, p)
			continue
		}
		one := &all[i]
		one.Ports, one.Reached, one.sure = one.Ports.Union(p.Ports), one.Reached.Union(p.Reached), one.sure.Union(p.sure)
		one.Within, one.Unknown, one.Own = one.Within.Union(p.Within), one.Unknown || p.Unknown, one.Own || p.Own
	}
	return all
}
