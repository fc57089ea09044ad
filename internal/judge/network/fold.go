package network

import (
	"cmp"
	"context"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
)

// Row is connections that are told together.
type Row struct {
	From, To Group
	Ports    Ports
}

// Group are endpoints that are told together.
type Group struct {
	Every      bool     // all pods
	Namespaces []string // of which all pods are in the group; empty where it has every pod
	Endpoints  []*Endpoint
	all        []*Endpoint // all of them, one by one
}

// All are the endpoints of the group, one by one, in the order of the model.
func (g *Group) All() []*Endpoint { return g.all }

// Words name the group: "all pods", "shop/*", "shop/Deployment cart", "10.0.0.0/8", "all addresses".
func (g *Group) Words() (all []string) {
	if g.Every {
		all = append(all, "all pods")
	}
	for _, ns := range g.Namespaces {
		all = append(all, ns+"/*")
	}
	for _, e := range g.Ends() {
		if e.Kind == Block {
			all = append(all, e.Addresses.Words())
			continue
		}
		all = append(all, e.String())
	}
	return all
}

// Ends are the endpoints of the group that its namespaces do not have, with all addresses as one: there may be thousands.
func (g *Group) Ends() (all []*Endpoint) {
	var blocks Addresses
	for _, e := range g.Endpoints {
		if e.Kind == Block {
			blocks = append(blocks, e.Addresses...)
			continue
		}
		all = append(all, e)
	}
	if len(blocks) > 0 {
		all = append(all, &Endpoint{Kind: Block, Addresses: blocks.Union(nil)})
	}
	return all
}

// Words are the set in words, and those that many know where they are true.
func (a Addresses) Words() string {
	switch {
	case len(allAddresses().Minus(a)) == 0:
		return "all addresses"
	case len(a.Minus(internet())) > 0:
	case len(internet().Minus(a)) == 0:
		return "the internet"
	case len(internet().Intersect(families[:1]).Minus(a)) == 0 && len(a.Minus(families[:1])) == 0:
		return "the internet by IPv4"
	}
	return a.String()
}

func (g *Group) String() string { return strings.Join(g.Words(), ", ") }

// Rows folds the map: who reaches the same stands together, and so does whom they reach on the same ports. With a
// namespace, it is what its pods reach and who reaches them. Where that is more than anybody reads, it is the first rows and a
// [TooLargeError].
func (m *Map) Rows(ctx context.Context, namespace string) ([]Row, error) {
	inside := func(e *Endpoint) bool { return namespace == "" || e.Namespace == namespace }
	all := func(*Endpoint) bool { return true }
	outside := func(e *Endpoint) bool { return !inside(e) }
	rows, err := m.Between(ctx, inside, all)
	if err != nil {
		return rows, err
	}
	more, err := m.Between(ctx, outside, inside)
	return append(rows, more...), err
}

// mostTold bounds the names that rows have in all: whoever reads them has room for that.
const mostTold = 1_000_000

// Between folds what some reach of others. Where that is more than anybody reads, it is the first rows and a [TooLargeError].
func (m *Map) Between(ctx context.Context, from, to func(*Endpoint) bool) (rows []Row, err error) {
	fold := newFolder(m.Endpoints)
	var keys []string
	sources := map[string][]*Endpoint{}
	for _, e := range m.Endpoints {
		key := ""
		if from(e) {
			key = m.key(e)
		}
		if key == "" {
			continue
		}
		if m.lacks && e.Kind != Pods && e.Kind != Block { // which pods are its own, no other has
			key += e.String()
		}
		if sources[key] == nil {
			keys = append(keys, key)
		}
		sources[key] = append(sources[key], e)
	}
	names, in := 0, make([][]int32, len(m.classes))
	for _, key := range keys {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		first := sources[key][0]
		alone := len(sources[key]) == 1 && !first.Several
		group := fold.group(sources[key])
		more := m.reachedBy(first, fold, in, func(e *Endpoint) bool {
			return !(alone && e == first) && to(e) && !(m.lacks && onNode(first, e))
		})
		for i := range more {
			more[i].From = group
			names += group.size() + more[i].To.size()
		}
		if rows = append(rows, more...); names > mostTold {
			return rows, &TooLargeError{fmt.Sprintf("who reaches whom has more than %d names in its rows", mostTold)}
		}
	}
	return append(rows, m.ownNodes(fold, from, to)...), nil
}

// reachedBy are rows of those whom an endpoint reaches: each of them in one row, with those that it reaches on the same ports,
// in the order of the ports. In is room for the parts that each class is in.
func (m *Map) reachedBy(from *Endpoint, fold *folder, in [][]int32, to func(*Endpoint) bool) (rows []Row) {
	parts := m.parts(from)
	for j := range in {
		in[j] = in[j][:0]
	}
	for i, p := range parts {
		for j := range p.peers.each {
			in[j] = append(in[j], int32(i))
		}
	}
	joined, at := map[string]Ports{}, map[string]int{} // by the parts that an end is in; by ports
	var reached [][]*Endpoint
	var which []int32
	var text []byte
	for _, e := range m.Endpoints {
		which, text = which[:0], text[:0]
		for _, j := range m.of[e] {
			which = append(which, in[j]...)
		}
		if len(which) == 0 || !to(e) {
			continue
		}
		for _, i := range which {
			text = binary.LittleEndian.AppendUint32(text, uint32(i))
		}
		ports, known := joined[string(text)]
		if !known {
			for _, i := range which {
				ports = append(ports, parts[i].ports...)
			}
			ports = ports.Union(nil)
			joined[string(text)] = ports
		}
		key := ports.String()
		i, known := at[key]
		if !known {
			i = len(rows)
			at[key] = i
			rows, reached = append(rows, Row{Ports: ports}), append(reached, nil)
		}
		reached[i] = append(reached[i], e)
	}
	for i := range rows {
		rows[i].To = fold.group(reached[i])
	}
	slices.SortStableFunc(rows, func(a, b Row) int { return slices.CompareFunc(a.Ports, b.Ports, span.compare) })
	return rows
}

// ownNodes are what nodes reach of the pods that run on them, whatever policies say.
func (m *Map) ownNodes(fold *folder, from, to func(*Endpoint) bool) (rows []Row) {
	if len(m.own) == 0 {
		return nil
	}
	for _, e := range m.Endpoints {
		if e.Kind != Node && e.Kind != Host || !from(e) {
			continue
		}
		var reached []*Endpoint
		for _, t := range m.Endpoints {
			if onNode(e, t) && m.meet(e, t) && to(t) {
				reached = append(reached, t)
			}
		}
		if len(reached) > 0 {
			rows = append(rows, Row{fold.group([]*Endpoint{e}), fold.group(reached), m.own})
		}
	}
	return rows
}

// On is the map of some ports alone.
func (m *Map) On(ports Ports) *Map {
	of := &Map{Model: m.Model, reach: make([][]part, len(m.reach)), own: m.own.Intersect(ports)}
	for i := range m.reach {
		for _, p := range m.reach[i] {
			if both := p.ports.Intersect(ports); len(both) > 0 {
				of.reach[i] = append(of.reach[i], part{both, p.peers})
			}
		}
	}
	return of
}

// Lacking is the map of what is refused on some ports, between ends of which at least one are pods: by all addresses that
// both have. Pods that have none of one family are refused to each other; addresses of a family that pods have none of are no
// ends of theirs.
func (m *Map) Lacking(ctx context.Context, ports Ports) (*Map, error) {
	n := len(m.classes)
	all := &Map{Model: m.Model, reach: make([][]part, n)}
	for i := range m.classes {
		row := newSet(n)
		for j := range m.classes {
			a, b := &m.classes[i], &m.classes[j]
			if a.kind == Pods && b.kind == Pods || (a.kind == Pods || b.kind == Pods) && a.family&b.family != 0 {
				row.add(j)
			}
		}
		var g gather
		g.add(ports, row)
		all.reach[i] = g.end()
	}
	of, _, err := Diff(ctx, m.On(ports), all)
	if err != nil {
		return nil, err
	}
	of.lacks = true
	return of, nil
}

// parts are what an endpoint reaches at any of its addresses, by ports.
func (m *Map) parts(e *Endpoint) []part {
	of := m.of[e]
	if len(of) == 1 {
		return m.reach[of[0]]
	}
	var sets []Ports
	for _, i := range of {
		for _, p := range m.reach[i] {
			sets = append(sets, p.ports)
		}
	}
	var one gather
	row := newSet(len(m.classes))
	for _, cell := range portCells(sets) {
		clear(row)
		for _, i := range of {
			for w, bits := range face(m.reach[i]).at(cell) {
				row[w] |= bits
			}
		}
		one.add(cell, row)
	}
	return one.end()
}

// key is the same for endpoints that reach the same; empty for one that reaches nobody.
func (m *Map) key(e *Endpoint) string {
	var key strings.Builder
	for _, p := range m.parts(e) {
		key.WriteString(p.ports.String())
		for _, w := range p.peers {
			for range 8 {
				key.WriteByte(byte(w))
				w >>= 8
			}
		}
	}
	return key.String()
}

// size is how many names tell the group, and blocks of addresses.
func (g *Group) size() int { return 1 + len(g.Namespaces) + len(g.Endpoints) }

// folder knows how many pods there are in all and in each namespace.
type folder struct {
	of   map[string]int
	pods int
}

func newFolder(all []*Endpoint) *folder {
	f := &folder{of: map[string]int{}}
	for _, e := range all {
		if e.Kind == Pods {
			f.of[e.Namespace]++
			f.pods++
		}
	}
	return f
}

func (f *folder) group(all []*Endpoint) Group {
	g := Group{all: all}
	of, pods := map[string]int{}, 0
	for _, e := range all {
		if e.Kind == Pods {
			of[e.Namespace]++
			pods++
		}
	}
	g.Every = pods > 1 && pods == f.pods
	for ns, n := range of {
		if !g.Every && n > 1 && n == f.of[ns] {
			g.Namespaces = append(g.Namespaces, ns)
		}
	}
	slices.Sort(g.Namespaces)
	for _, e := range all {
		if _, whole := slices.BinarySearch(g.Namespaces, e.Namespace); e.Kind != Pods || !g.Every && !whole {
			g.Endpoints = append(g.Endpoints, e)
		}
	}
	slices.SortStableFunc(g.Endpoints, func(a, b *Endpoint) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
	})
	return g
}
