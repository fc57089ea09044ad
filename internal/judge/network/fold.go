package network

import (
	"cmp"
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
	var blocks Addresses
	for _, e := range g.Endpoints {
		if e.Kind == Block {
			blocks = blocks.Union(e.Addresses)
			continue
		}
		all = append(all, e.String())
	}
	switch {
	case len(blocks) == 0:
	case len(allAddresses().Minus(blocks)) == 0:
		all = append(all, "all addresses")
	default:
		all = append(all, blocks.String())
	}
	return all
}

func (g *Group) String() string { return strings.Join(g.Words(), ", ") }

// Rows folds the map: who reaches the same stands together, and so does whom they reach on the same ports. With a
// namespace, it is what its pods reach and who reaches them.
func (m *Map) Rows(namespace string) (rows []Row) {
	inside := func(e *Endpoint) bool { return namespace == "" || e.Namespace == namespace }
	fold := newFolder(m.Endpoints)
	type source struct {
		from []*Endpoint
		key  string
	}
	var sources []*source
	known := map[string]*source{}
	for _, e := range m.Endpoints {
		key := m.key(e, inside(e))
		if key == "" {
			continue
		}
		if known[key] == nil {
			known[key] = &source{key: key}
			sources = append(sources, known[key])
		}
		known[key].from = append(known[key].from, e)
	}
	for _, s := range sources {
		first := s.from[0]
		from := fold.group(s.from)
		for _, p := range m.parts(first) {
			var to []*Endpoint
			for _, e := range m.Endpoints {
				if (inside(first) || inside(e)) && slices.ContainsFunc(m.of[e], p.peers.has) && !(len(s.from) == 1 && e == first && !e.Several) {
					to = append(to, e)
				}
			}
			if len(to) > 0 {
				rows = append(rows, Row{from, fold.group(to), p.ports})
			}
		}
	}
	return rows
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
	one := Map{Model: m.Model, reach: make([][]part, 1)}
	row := newSet(len(m.classes))
	for _, cell := range portCells(sets) {
		clear(row)
		for _, i := range of {
			for w, bits := range face(m.reach[i]).at(cell) {
				row[w] |= bits
			}
		}
		one.add(0, cell, row)
	}
	return one.reach[0]
}

// key is the same for endpoints that reach the same; empty for one that reaches nobody.
func (m *Map) key(e *Endpoint, inside bool) string {
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
	if key.Len() > 0 && !inside {
		key.WriteString("outside")
	}
	return key.String()
}

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
