package network

import (
	"context"
	"fmt"
	"iter"
	"slices"
)

// Map is who reaches whom.
type Map struct {
	*Model
	reach [][]part // by class: on which ports it reaches whom; no port is in two of them
	own   Ports    // on which a pod's own node is told to reach it
	lacks bool     // it is of what is refused
}

// TooLargeError says why a map is not told.
type TooLargeError struct{ Why string }

func (e *TooLargeError) Error() string { return e.Why }

// Map computes all connections that are allowed between all endpoints, of which at least one are pods. It goes through
// the cells of ports one by one, and takes room for a bit for each two classes, and again
// for each set of ports on which a class reaches others than on the rest: where that is too much, it is a [TooLargeError].
func (m *Model) Map(ctx context.Context) (*Map, error) {
	if err := m.Prepare(ctx); err != nil {
		return nil, err
	}
	out, in := m.faces(Egress), m.faces(Ingress)
	n := len(m.classes)
	all := &Map{Model: m, reach: make([][]part, n), own: AllPorts()}
	pods, families := newSet(n), [4]set{1: newSet(n), 2: newSet(n), 3: newSet(n)}
	for i := range m.classes {
		if m.classes[i].kind == Pods {
			pods.add(i)
		}
		for f := range families {
			if m.classes[i].family&f != 0 {
				families[f].add(i)
			}
		}
	}
	row := newSet(n)
	gathers, words := make([]gather, n), 0
	var rows, from []set
	for _, cell := range faceCells(out, in) {
		last := rows
		rows = make([]set, n)
		for i := range rows {
			rows[i] = in[i].at(cell)
		}
		if last == nil || !flip(from, last, rows) {
			from = transpose(rows)
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		for i := range n {
			to, met := out[i].at(cell), families[m.classes[i].family]
			for w := range row {
				row[w] = to[w] & from[i][w] & met[w]
				if m.classes[i].kind != Pods {
					row[w] &= pods[w]
				}
			}
			if words += gathers[i].add(cell, row); words > mostWords {
				return nil, &TooLargeError{fmt.Sprintf("the policies tell %d kinds of ends apart by so many ports that who reaches whom takes more than %d MiB", n, mostWords>>17)}
			}
		}
	}
	for i := range gathers {
		all.reach[i] = gathers[i].end()
	}
	return all, nil
}

// mostWords bounds the room that a map takes, in words of 64 bits.
const mostWords = 64 << 20

// gather makes the parts of what a class reaches, of cells of ports that come one by one.
type gather struct {
	parts []part
	at    map[uint64]int // by the sum of the peers: the last part that has it
}

// add adds peers on some ports, and says how many words that took.
func (g *gather) add(cell Ports, row set) int {
	if row.empty() {
		return 0
	}
	sum := row.sum()
	if k, known := g.at[sum]; known && slices.Equal(g.parts[k].peers, row) {
		ports := g.parts[k].ports
		if last := &ports[len(ports)-1]; last.protocol() == cell[0].protocol() && last.to+1 == cell[0].from && len(cell) == 1 {
			last.to = cell[0].to
			return 0
		}
		g.parts[k].ports = append(ports, cell...) // in no order yet
		return len(cell)
	}
	if g.at == nil {
		g.at = map[uint64]int{}
	}
	g.at[sum] = len(g.parts)
	g.parts = append(g.parts, part{slices.Clone(cell), slices.Clone(row)})
	return len(row)
}

// end are the parts.
func (g *gather) end() []part {
	for k := range g.parts {
		g.parts[k].ports = g.parts[k].ports.Union(nil)
	}
	return g.parts
}

// at are the peers on ports that no part tells apart.
func (f face) at(cell Ports) set {
	first := cell[0].from
	for _, p := range f {
		if slices.ContainsFunc(p.ports, func(s span) bool { return s.from <= first && first <= s.to }) {
			return p.peers
		}
	}
	return nil // never: its parts have all ports
}

// faceCells cut all ports along the borders of all faces.
func faceCells(of ...[]face) []Ports {
	var sets []Ports
	known := map[string]bool{}
	for _, faces := range of {
		for _, f := range faces {
			for _, p := range f {
				if text := p.ports.String(); !known[text] {
					known[text] = true
					sets = append(sets, p.ports)
				}
			}
		}
	}
	return portCells(sets)
}

// Reaches are the endpoints that one reaches, in their order, and on which ports. An endpoint of several addresses that
// are treated differently reaches what one of them does. Its own pod is left out: a pod always reaches itself.
func (m *Map) Reaches(from *Endpoint) iter.Seq2[*Endpoint, Ports] {
	return func(yield func(*Endpoint, Ports) bool) {
		ports := m.ports(m.of[from])
		for _, to := range m.Endpoints {
			if to == from && !to.Several {
				continue
			}
			all := union(ports, m.of[to])
			if onNode(from, to) && m.meet(from, to) {
				all = all.Union(m.own)
			}
			if len(all) > 0 && !yield(to, all) {
				return
			}
		}
	}
}

// meet says that two endpoints have addresses of one family.
func (m *Model) meet(from, to *Endpoint) bool {
	return slices.ContainsFunc(m.of[from], func(i int) bool {
		return slices.ContainsFunc(m.of[to], func(j int) bool { return m.classes[i].family&m.classes[j].family != 0 })
	})
}
