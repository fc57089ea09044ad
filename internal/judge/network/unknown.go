package network

import (
	"fmt"
	"net/netip"
	"slices"
)

// unknown are the ways in which an endpoint of unknown address is met: in the blocks that hold all addresses that it may
// have. It has one of each family of which there are ranges.
func (c *classifier) unknown(kind Kind) (all []facet) {
	if known, ok := c.unknowns[kind]; ok {
		return known
	}
	ranges := c.m.podRanges
	if kind != Pods {
		ranges = c.m.nodeRanges
	}
	for _, f := range families {
		if may := ranges.Intersect(Addresses{f}); len(may) > 0 {
			all = append(all, facet{familyOf(f.from), c.certain(may, kind)})
		}
	}
	if all == nil {
		all = []facet{{anyFamily, c.anywhere(kind)}}
	}
	c.unknowns[kind] = all
	return all
}

// certain are the blocks that hold all addresses that there may be.
func (c *classifier) certain(may Addresses, kind Kind) (all []*question) {
	for _, q := range c.blocks {
		switch out := may.Minus(q.block); {
		case len(out) == 0:
			all = append(all, q)
		case len(may.Minus(out)) > 0:
			c.unsure(q, kind)
		}
	}
	return all
}

// anywhere are the blocks that hold all addresses of a family, where nobody says which ones there are.
func (c *classifier) anywhere(kind Kind) (all []*question) {
	for _, q := range c.blocks {
		switch {
		case slices.ContainsFunc(families[:], func(f addressSpan) bool { return slices.Contains(q.block, f) }):
			all = append(all, q)
		case len(q.block.Intersect(private)) > 0:
			c.unsure(q, kind)
		}
	}
	return all
}

func (c *classifier) unsure(q *question, kind Kind) {
	what := "pods"
	if kind != Pods {
		what = "nodes"
	}
	what = fmt.Sprintf("whether %s holds addresses of %s is not known; it is taken to hold none of those whose address is not known", q.text, what)
	c.doubt(what, func(e *Endpoint) bool { return len(e.Addresses) == 0 && (e.Kind == Pods) == (kind == Pods) }, q)
}

// doubt notes that it is not known whether who is one of those that questions ask for.
func (c *classifier) doubt(what string, who func(*Endpoint) bool, of ...*question) {
	i, known := c.doubted[what]
	if !known {
		i = len(c.m.Doubts)
		c.doubted[what] = i
		c.m.Doubts = append(c.m.Doubts, Doubt{What: what, bears: bearing{who: who, peers: map[string]bool{}}})
	}
	b := &c.m.Doubts[i].bears
	for _, q := range of {
		b.peers[q.text] = true
		if len(q.policies) > 0 && q.pods != nil && !slices.Contains(b.subjects, q) {
			b.subjects = append(b.subjects, q)
		}
	}
}

// private are the addresses that pods and nodes have where nobody says which (RFC 1918, 6598 and 4193).
var private = Addresses{
	prefixSpan(netip.MustParsePrefix("10.0.0.0/8")), prefixSpan(netip.MustParsePrefix("100.64.0.0/10")), prefixSpan(netip.MustParsePrefix("172.16.0.0/12")),
	prefixSpan(netip.MustParsePrefix("192.168.0.0/16")), prefixSpan(netip.MustParsePrefix("fc00::/7")),
}
