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

// mostWaiting is how many connections are kept of which ports alone say who opened them: others may say otherwise. Beyond
// it ports decide.
const mostWaiting = 200_000

// opener is which end of a line opened the connection: as flags of TCP say, as it is known who listens, or by which port is
// one that connections are opened from. Where that is a guess, it is the one of the last.
func (l *Log) opener(f *Flow, from, to netip.AddrPort, flags int) (of end, guess bool) {
	listens := func(at netip.AddrPort) bool { return l.Listens != nil && l.Listens(f.Protocol, at) }
	switch asked, asks := listens(to), listens(from); {
	case f.Refused: // what is refused is what opens one
		return sender, false
	case f.Protocol == "TCP" && flags&syn != 0 && flags&ack == 0:
		return sender, false
	case f.Protocol == "TCP" && flags&syn != 0:
		return receiver, false
	case asked && !asks:
		return sender, false
	case asks && !asked:
		return receiver, false
	case from.Port() >= ephemeral && to.Port() < ephemeral:
		return sender, to.Port() >= system
	case from.Port() < ephemeral && to.Port() >= ephemeral:
		return receiver, from.Port() >= system
	}
	return neither, true
}

// direct takes a line by who opened its connection, or keeps it until all are read.
func (l *Log) direct(f *Flow, from, to netip.AddrPort, flags int) error {
	if from.Port() == 0 || to.Port() == 0 {
		return fmt.Errorf("port 0 is none")
	}
	of, guess := l.opener(f, from, to, flags)
	switch {
	case of == neither, guess && len(l.order) < mostWaiting:
		return l.wait(f, from, to)
	case of == sender:
		return nil
	}
	f.turn(from)
	if was := l.answers[f.Key]; was != nil {
		was.merge(f)
		return errKept
	}
	if len(l.answers) >= MaxFlows {
		return ErrTooMany
	}
	if l.answers == nil {
		l.answers = map[Key]*Flow{}
	}
	l.answers[f.Key] = f
	l.answered = append(l.answered, f)
	return errKept
}

// turn makes of an answer what was asked: answers come from the port that is asked.
func (f *Flow) turn(from netip.AddrPort) {
	f.From, f.To, f.Port = f.To, f.From, int(from.Port())
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

// Settle finds out who opened the connections of which no line alone says so, and takes answers for what was asked where that is
// not in the log. It is called when all files are read. What is not found out is [Log.Undirected].
func (l *Log) Settle() error {
	for _, f := range l.answered {
		if l.known[f.Key] != nil {
			l.Passed += f.Count
			continue
		}
		if err := l.add(*f); err != nil {
			return err
		}
	}
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
	l.order, l.answers, l.answered = nil, nil, nil
	for _, p := range order {
		opener := p.opener(asked[place{p.protocol, p.ends[0]}], asked[place{p.protocol, p.ends[1]}])
		if opener < 0 {
			l.Undirected++
			l.Which = cmp.Or(l.Which, fmt.Sprintf("%s and %s by %s", p.ends[0], p.ends[1], p.protocol))
			continue
		}
		f, answer := l.open[p][opener], l.open[p][1-opener]
		switch {
		case f == nil: // what it asks is not in the log, but what it is answered
			f = answer
			f.turn(p.ends[1-opener])
		case answer != nil:
			l.Passed += answer.Count
		}
		if err := l.add(*f); err != nil {
			return err
		}
	}
	l.open = nil
	return nil
}

// opener is which of the ends opened the connection, by how many others each of them has; -1: it is not known. Who has more is the
// one that answers, or else whose port is a server's own. A port that connections are opened from answers only where it has more
// than twice as many others: clients use one for several servers by chance.
func (p pair) opener(first, second int) int {
	a, b := p.ends[0].Port(), p.ends[1].Port()
	if (a < ephemeral) != (b < ephemeral) {
		low, more, other := 0, second, first
		if b < a {
			low, more, other = 1, first, second
		}
		switch {
		case more <= other:
			return 1 - low
		case more > 2*other:
			return low
		}
		return -1
	}
	switch {
	case first < second, first == second && a >= system && b < system:
		return 0
	case second < first, first == second && b >= system && a < system:
		return 1
	}
	return -1
}
