package network

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Protocol is one of those that policies know.
type Protocol uint8

// The protocols.
const (
	TCP Protocol = iota
	UDP
	SCTP
)

// protocols are all of them, by name.
var protocols = [...]string{"TCP", "UDP", "SCTP"}

func (p Protocol) String() string { return protocols[p] }

// ProtocolOf is the protocol of a name, in whatever case.
func ProtocolOf(name string) (Protocol, bool) {
	i := slices.Index(protocols[:], strings.ToUpper(name))
	return Protocol(max(i, 0)), i >= 0
}

const maxPort = 65535

// Ports is a set of ports of all protocols: intervals in their order that do not touch within a protocol.
type Ports []span

// span is an interval, both ends within, of one protocol: its number above 16 bits of port.
type span struct{ from, to uint32 }

func (s span) protocol() Protocol { return Protocol(s.from >> 16) }

func (s span) compare(t span) int {
	return cmp.Or(cmp.Compare(s.from, t.from), cmp.Compare(s.to, t.to))
}

// PortRange are the ports of a protocol from one to another, both within.
func PortRange(p Protocol, from, to int) Ports {
	if from > to {
		return nil
	}
	return Ports{{uint32(p)<<16 | uint32(from), uint32(p)<<16 | uint32(to)}}
}

// AllPorts are all ports of all protocols.
func AllPorts() Ports {
	return Ports{PortRange(TCP, 1, maxPort)[0], PortRange(UDP, 1, maxPort)[0], PortRange(SCTP, 1, maxPort)[0]}
}

// PortsOfProtocol are all ports of a protocol.
func PortsOfProtocol(p Protocol) Ports { return PortRange(p, 1, maxPort) }

// Has says that a port is in the set.
func (p Ports) Has(protocol Protocol, port int) bool {
	at := uint32(protocol)<<16 | uint32(port)
	return slices.ContainsFunc(p, func(s span) bool { return s.from <= at && at <= s.to })
}

// Union are the ports in one of two sets.
func (p Ports) Union(q Ports) Ports {
	all := slices.Concat(p, q)
	slices.SortFunc(all, func(a, b span) int { return int(int64(a.from) - int64(b.from)) })
	var one Ports
	for _, s := range all {
		if n := len(one) - 1; n >= 0 && one[n].protocol() == s.protocol() && s.from <= one[n].to+1 {
			one[n].to = max(one[n].to, s.to)
			continue
		}
		one = append(one, s)
	}
	return one
}

// Intersect are the ports in both of two sets.
func (p Ports) Intersect(q Ports) (both Ports) {
	for i, j := 0, 0; i < len(p) && j < len(q); {
		if from, to := max(p[i].from, q[j].from), min(p[i].to, q[j].to); from <= to {
			both = append(both, span{from, to})
		}
		if p[i].to < q[j].to {
			i++
		} else {
			j++
		}
	}
	return both
}

// Meets says that two sets have a port in common.
func (p Ports) Meets(q Ports) bool {
	for i, j := 0, 0; i < len(p) && j < len(q); {
		switch {
		case p[i].to < q[j].from:
			i++
		case q[j].to < p[i].from:
			j++
		default:
			return true
		}
	}
	return false
}

// Minus are the ports of a set that are not in another.
func (p Ports) Minus(q Ports) (rest Ports) {
	for _, s := range p {
		for _, t := range q {
			if t.to < s.from || t.from > s.to {
				continue
			}
			if t.from > s.from {
				rest = append(rest, span{s.from, t.from - 1})
			}
			s.from = t.to + 1
			if s.from > s.to {
				break
			}
		}
		if s.from <= s.to {
			rest = append(rest, s)
		}
	}
	return rest
}

// Range is an interval of ports of one protocol, both ends within.
type Range struct {
	Protocol Protocol
	From, To int
}

// Ranges are the intervals of the set, in their order.
func (p Ports) Ranges() (all []Range) {
	for _, s := range p {
		all = append(all, Range{s.protocol(), int(s.from & maxPort), int(s.to & maxPort)})
	}
	return all
}

// Equal says that two sets are the same.
func (p Ports) Equal(q Ports) bool { return slices.Equal(p, q) }

// String is the set in words: "TCP 80,8000-8100; UDP all".
func (p Ports) String() string {
	switch {
	case len(p) == 0:
		return "none"
	case p.Equal(AllPorts()):
		return "all ports"
	}
	var text strings.Builder
	for i, s := range p {
		switch from, to := s.from&maxPort, s.to&maxPort; {
		case i > 0 && p[i-1].protocol() == s.protocol():
			text.WriteByte(',')
			writeRange(&text, from, to)
		default:
			if i > 0 {
				text.WriteString("; ")
			}
			text.WriteString(s.protocol().String() + " ")
			writeRange(&text, from, to)
		}
	}
	return text.String()
}

func writeRange(text *strings.Builder, from, to uint32) {
	switch {
	case from == 1 && to == maxPort:
		text.WriteString("all")
	case from == to:
		fmt.Fprint(text, from)
	default:
		fmt.Fprintf(text, "%d-%d", from, to)
	}
}

// portCells cut all ports along the borders of sets, so that each set is made of whole cells. Cells that are in the
// same sets are one.
func portCells(sets []Ports) []Ports {
	var cuts []uint32
	for _, s := range append(slices.Clone(sets), AllPorts()) {
		for _, i := range s {
			cuts = append(cuts, i.from, i.to+1)
		}
	}
	slices.Sort(cuts)
	cuts = slices.Compact(cuts)
	var cells []Ports
	at := map[string]int{}
	for i := range len(cuts) - 1 {
		cell := Ports{{cuts[i], cuts[i+1] - 1}}
		if !cell.Meets(AllPorts()) {
			continue // between two protocols
		}
		in := make([]byte, (len(sets)+7)/8)
		for j, s := range sets {
			if s.Meets(cell) {
				in[j/8] |= 1 << (j % 8)
			}
		}
		if k, known := at[string(in)]; known {
			cells[k] = append(cells[k], cell...) // the next in their order; those that touch are in different sets
			continue
		}
		at[string(in)] = len(cells)
		cells = append(cells, cell)
	}
	return cells
}
