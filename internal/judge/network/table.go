package network

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
)

// Table is all that [Model.Ask] answers, in pieces that many pairs of endpoints share: whoever has the table can say of any
// two endpoints whether one reaches the other, on which ports, and why, without rules and tiers being walked again. It
// takes room for classes, policies and rules, and not for pairs.
type Table struct {
	Classes []Class
	Faces   []Face
	Sets    [][]int32 // classes that a part of a rule names, in their order
	Reasons [][]Because

	of map[*Endpoint][]int // its classes
}

// Class are endpoints that all policies treat alike, at some of their addresses.
type Class struct {
	Kind     Kind
	Family   int       // of its addresses: 1 of IPv4, 2 of IPv6, 3 of both, or not known
	Policies []*Policy // that select it, in their order
	Isolated [2]bool   // by direction: a NetworkPolicy isolates its pods
	Faces    [2]int    // by direction, in the table's
}

// Face is why the classes that have it take part in connections in one direction: with whom depends on which of some sets
// the peer is in.
type Face struct {
	Sets  []int // in the table's
	Sides []Side
}

// Side is what holds with peers that are in some of the face's sets and in none of the others. There is one for each peer.
type Side struct {
	In  []int // places in the face's Sets, in their order
	Why int   // in the table's Reasons
}

// Because is a reason, and the ports that it is of. Those of one side have all ports together, and none twice.
type Because struct {
	Ports  Ports
	Reason Reason
}

// Answers are what the table says of two endpoints: the same as [Model.Ask], of each two reasons the ports that both are of.
func (t *Table) Answers(from, to *Endpoint) (all []Answer) {
	own, same := onNode(from, to), from == to && !from.Several
	for _, i := range t.of[from] {
		for _, j := range t.of[to] {
			a, b := &t.Classes[i], &t.Classes[j]
			if a.Family&b.Family == 0 {
				continue
			}
			for _, o := range t.why(a.Faces[Egress], j) {
				for _, n := range t.why(b.Faces[Ingress], i) {
					if both := o.Ports.Intersect(n.Ports); len(both) > 0 {
						all = append(all, Answer{Ports: both, Egress: o.Reason, Ingress: n.Reason, OwnNode: own, Same: same})
					}
				}
			}
		}
	}
	return all
}

func (t *Table) why(face, peer int) []Because {
	f := &t.Faces[face]
	var in []int
	for k, s := range f.Sets {
		if _, found := slices.BinarySearch(t.Sets[s], int32(peer)); found {
			in = append(in, k)
		}
	}
	i := slices.IndexFunc(f.Sides, func(s Side) bool { return slices.Equal(s.In, in) })
	return t.Reasons[f.Sides[i].Why]
}

// ClassesOf are the places of an endpoint's classes in the table: one, but where its addresses are treated differently.
func (m *Model) ClassesOf(e *Endpoint) []int { return m.of[e] }

// Table makes the table; nil where it would name more than most things.
func (m *Model) Table(most int) *Table {
	t := tabler{m: m, table: &Table{Classes: make([]Class, len(m.classes)), of: m.of}, number: m.numbers(), sets: map[string]int{}, reasons: map[string]int{}, most: most}
	for d := range Direction(2) {
		known, key := map[string]int{}, m.faceKeys(d)
		for i := range m.classes {
			c, one := &m.classes[i], &t.table.Classes[i]
			one.Kind, one.Family, one.Policies = c.kind, c.family, c.policies
			one.Isolated[d] = slices.ContainsFunc(c.policies, func(p *Policy) bool { return p.Isolates[d] })
			of := key(c)
			at, ok := known[of]
			if !ok {
				at = len(t.table.Faces)
				known[of] = at
				t.table.Faces = append(t.table.Faces, t.face(i, d))
				if t.named > most {
					return nil
				}
			}
			one.Faces[d] = at
		}
	}
	return t.table
}

// tabler makes a table.
type tabler struct {
	m             *Model
	table         *Table
	number        map[*Policy]int
	sets, reasons map[string]int // by what they are
	named, most   int
}

// face is that of a class: the peers are parted by which matches of its rules name them, one match after the other, and
// one of each part is asked about.
func (t *tabler) face(i int, d Direction) (f Face) {
	rules, _ := t.m.ruled(&t.m.classes[i], d)
	parted := newParting(len(t.m.classes))
	for _, r := range rules {
		for _, of := range r.matches {
			if of.all {
				continue
			}
			if set := t.set(of.peers); !slices.Contains(f.Sets, set) {
				parted.by(of.peers, len(f.Sets))
				f.Sets = append(f.Sets, set)
			}
		}
	}
	for part, peer := range parted.first() {
		if peer >= 0 && t.named <= t.most {
			one := Side{In: parted.sets(part), Why: t.why(t.m.reasons(i, peer, d))}
			f.Sides = append(f.Sides, one)
			t.named += 1 + len(one.In)
		}
	}
	t.named += len(f.Sets)
	return f
}

func (t *tabler) set(of members) int {
	var key []byte
	for _, i := range of {
		key = binary.LittleEndian.AppendUint32(key, uint32(i))
	}
	at, known := t.sets[string(key)]
	if !known {
		at = len(t.table.Sets)
		t.sets[string(key)] = at
		t.table.Sets = append(t.table.Sets, of)
		t.named += len(of)
	}
	return at
}

func (t *tabler) why(of []because) int {
	key := reasonKey(of, t.number)
	at, known := t.reasons[key]
	if !known {
		at = len(t.table.Reasons)
		t.reasons[key] = at
		all := make([]Because, len(of))
		for i, b := range of {
			all[i] = Because{b.ports, b.reason}
			t.named += 1 + len(b.reason.Rules) + len(b.reason.Isolating)
		}
		t.table.Reasons = append(t.table.Reasons, all)
	}
	return at
}

// reasonKey is the same for the same reasons.
func reasonKey(why []because, number map[*Policy]int) string {
	var key strings.Builder
	rule := func(r *Rule) { fmt.Fprintf(&key, " %d.%d", number[r.Policy], r.Index) }
	for _, b := range why {
		fmt.Fprintf(&key, "%s %t", b.ports, b.reason.Allowed)
		for _, r := range b.reason.Rules {
			rule(r)
		}
		if key.WriteByte('/'); b.reason.Passed != nil {
			rule(b.reason.Passed)
		}
		for _, p := range b.reason.Isolating {
			fmt.Fprintf(&key, " %d", number[p])
		}
		key.WriteByte(';')
	}
	return key.String()
}

// parting parts numbers by sets of them: those that are in the same sets stay together.
type parting struct {
	part []int32 // of each number
	from []parted
}

// parted is how a part came to be: numbers of another that are in a set, too.
type parted struct{ part, set int }

func newParting(n int) *parting { return &parting{part: make([]int32, n), from: []parted{{-1, -1}}} }

// by parts the numbers that a set has from those that it has not.
func (p *parting) by(of members, set int) {
	fresh := map[int32]int32{}
	for _, i := range of {
		to, known := fresh[p.part[i]]
		if !known {
			to = int32(len(p.from))
			p.from = append(p.from, parted{int(p.part[i]), set})
			fresh[p.part[i]] = to
		}
		p.part[i] = to
	}
}

// first is the first number of each part; -1 where none is left in it.
func (p *parting) first() []int {
	all := make([]int, len(p.from))
	for part := range all {
		all[part] = -1
	}
	for i, part := range p.part {
		if all[part] < 0 {
			all[part] = i
		}
	}
	return all
}

// sets are those that a part's numbers are in, in their order.
func (p *parting) sets(part int) (all []int) {
	for ; p.from[part].part >= 0; part = p.from[part].part {
		all = append(all, p.from[part].set)
	}
	slices.Reverse(all)
	return all
}
