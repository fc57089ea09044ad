package network

import "slices"

// Merged are the connections of one group of endpoints to another.
type Merged struct {
	From, To int
	Ports    Ports
}

// Merge tells the map by n groups of endpoints, of which group says the one that each is in. Connections of a group's endpoints
// among themselves are told, too.
func (m *Map) Merge(n int, group func(*Endpoint) int) []Merged {
	g := m.grouping(n, group)
	all := make([]merging, n)
	for i := range m.reach {
		for _, p := range m.reach[i] {
			to := newSet(n)
			p.peers.each(func(j int) bool {
				for w, bits := range g.of[j] {
					to[w] |= bits
				}
				return true
			})
			g.of[i].each(func(from int) bool {
				had := to.has(from)
				if had && !g.within(from, i, p.peers) {
					to[from/64] &^= 1 << (from % 64)
				}
				all[from].add(p.ports, to)
				if had {
					to.add(from)
				}
				return true
			})
		}
	}
	for _, of := range g.ownNodes() {
		to := newSet(n)
		to.add(group(of[1]))
		all[group(of[0])].add(m.own, to)
	}
	var merged []Merged
	for from := range all {
		for to, ports := range all[from].ports(n) {
			if len(ports) > 0 {
				merged = append(merged, Merged{from, to, ports})
			}
		}
	}
	return merged
}

// grouping is which endpoints of which classes are in which groups.
type grouping struct {
	m       *Map
	of      []set                 // groups, by class
	members []map[int][]*Endpoint // by class and group
}

func (m *Map) grouping(n int, group func(*Endpoint) int) *grouping {
	g := &grouping{m, make([]set, len(m.classes)), make([]map[int][]*Endpoint, len(m.classes))}
	for i := range m.classes {
		g.of[i], g.members[i] = newSet(n), map[int][]*Endpoint{}
		for _, e := range m.classes[i].endpoints {
			g.of[i].add(group(e))
			g.members[i][group(e)] = append(g.members[i][group(e)], e)
		}
	}
	return g
}

// within says that endpoints of a class in a group reach others in the group, among some peers. One that is alone does not
// count as reaching itself.
func (g *grouping) within(group, class int, peers set) (found bool) {
	from := g.members[class][group]
	peers.each(func(j int) bool {
		to := g.members[j][group]
		found = len(to) > 1 || len(to) == 1 && (len(from) > 1 || from[0] != to[0] || to[0].Several)
		return !found
	})
	return found
}

// ownNodes are the nodes, and pods in their network, and the pods that run on them.
func (g *grouping) ownNodes() (pairs [][2]*Endpoint) {
	var placed []*Endpoint
	for _, e := range g.m.Endpoints {
		if e.Kind == Pods && e.Workload.Spec.NodeName != "" {
			placed = append(placed, e)
		}
	}
	for _, from := range g.m.Endpoints {
		if from.Kind != Node && from.Kind != Host {
			continue
		}
		for _, to := range placed {
			if onNode(from, to) && g.m.meet(from, to) {
				pairs = append(pairs, [2]*Endpoint{from, to})
			}
		}
	}
	return pairs
}

// merging gathers what one group reaches: which groups, by ports as they come.
type merging struct {
	sets  []Ports
	to    []set
	known map[string]int
}

func (g *merging) add(ports Ports, to set) {
	if to.empty() {
		return
	}
	if g.known == nil {
		g.known = map[string]int{}
	}
	text := ports.String()
	i, known := g.known[text]
	if !known {
		i = len(g.sets)
		g.known[text] = i
		g.sets, g.to = append(g.sets, ports), append(g.to, slices.Clone(to))
		return
	}
	for w, bits := range to {
		g.to[i][w] |= bits
	}
}

// ports are those on which each group is reached.
func (g *merging) ports(n int) []Ports {
	all := make([]Ports, n)
	for i, ports := range g.sets {
		g.to[i].each(func(to int) bool {
			all[to] = all[to].Union(ports)
			return true
		})
	}
	return all
}
