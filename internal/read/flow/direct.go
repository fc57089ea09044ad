package flow

import (
	"cmp"
	"fmt"
	"net/netip"
)

// ephemeral is the first port that Linux opens connections from, where nobody says otherwise, and system the first one that is no
// server's own (RFC 6335, 6).
const (
	ephemeral = 32768
	system    = 1024
)

// Flags of TCP, as VPC flow logs add them up.
const (
	syn = 2
	ack = 16
)

// end is one of the two of a line.
type end int

const (
	neither end = iota // it is not known
	sender
	receiver
)

// opener is which end of a line opened the connection: as flags of TCP say, as it is known who listens, or by which port is
// one that connections are opened from.
func (l *Log) opener(f *Flow, from, to netip.AddrPort, flags int) end {
	listens := func(at netip.AddrPort) bool { return l.Listens != nil && l.Listens(f.Protocol, at) }
	switch asked, asks := listens(to), listens(from); {
	case f.Refused: // what is refused is what opens one
		return sender
	case f.Protocol == "TCP" && flags&syn != 0 && flags&ack == 0:
		return sender
	case f.Protocol == "TCP" && flags&syn != 0:
		return receiver
	case asked && !asks:
		return sender
	case asks && !asked:
		return receiver
	case from.Port() >= ephemeral && to.Port() < ephemeral:
		return sender
	case from.Port() < ephemeral && to.Port() >= ephemeral:
		return receiver
	}
	return neither
}

// pair are the ends of a connection of which nobody knows who opened it, the smaller one first.
type pair struct {
	protocol string
	ends     [2]netip.AddrPort
}

// both are the lines of a pair, by which end sent them.
type both [2]*Flow

// wait keeps a line until all are read.
func (l *Log) wait(f *Flow, from, to netip.AddrPort) error {
	p, side := pair{f.Protocol, [2]netip.AddrPort{from, to}}, 0
	if to.Compare(from) < 0 {
		p.ends[0], p.ends[1], side = to, from, 1
	}
	if l.open == nil {
		l.open = map[pair]*both{}
	}
	of := l.open[p]
	if of == nil {
		if len(l.Flows)+len(l.order) >= MaxFlows {
			return ErrTooMany
		}
		of = &both{}
		l.open[p] = of
		l.order = append(l.order, p)
	}
	if was := of[side]; was != nil {
		was.merge(f)
	} else {
		of[side] = f
	}
	return errKept
}

// Settle finds out who opened the connections of which no line alone says so. It is called when all files are read. Who is asked by
// more others is the one that answers, or else whose port is a server's own; the rest is [Log.Undirected].
func (l *Log) Settle() error {
	type place struct {
		protocol string
		at       netip.AddrPort
	}
	asked := map[place]int{}
	for _, f := range l.Flows {
		if f.To.Address.IsValid() && !f.Refused {
			asked[place{f.Protocol, netip.AddrPortFrom(f.To.Address, uint16(f.Port))}] += 2 // it is known that it answers
		}
	}
	for _, p := range l.order {
		for _, at := range p.ends {
			asked[place{p.protocol, at}]++
		}
	}
	order := l.order
	l.order = nil
	for _, p := range order {
		of := l.open[p]
		first, second := asked[place{p.protocol, p.ends[0]}], asked[place{p.protocol, p.ends[1]}]
		if first == second && (p.ends[0].Port() < system) != (p.ends[1].Port() < system) {
			first, second = int(p.ends[1].Port()), int(p.ends[0].Port())
		}
		if first == second {
			l.Undirected++
			l.Which = cmp.Or(l.Which, fmt.Sprintf("%s and %s by %s", p.ends[0], p.ends[1], p.protocol))
			continue
		}
		opener := 0 // the end that is asked less
		if first > second {
			opener = 1
		}
		f := of[opener]
		if f == nil { // what it asks is not in the log, but what it is answered
			f = of[1-opener]
			f.From, f.To = f.To, f.From
		}
		f.Port = int(p.ends[1-opener].Port())
		if err := l.add(*f); err != nil {
			return err
		}
	}
	l.open = nil
	return nil
}
