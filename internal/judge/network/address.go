package network

import (
	"math/big"
	"net/netip"
	"slices"
	"strings"
)

// Addresses is a set of IP addresses: intervals in their order (IPv4 before IPv6) that neither touch nor overlap.
type Addresses []addressSpan

// addressSpan is an interval of one family, both ends within.
type addressSpan struct{ from, to netip.Addr }

// family is all of IPv4, or of IPv6.
var families = [...]addressSpan{prefixSpan(netip.MustParsePrefix("0.0.0.0/0")), prefixSpan(netip.MustParsePrefix("::/0"))}

func allAddresses() Addresses { return families[:] }

// PrefixAddresses are the addresses of a CIDR.
func PrefixAddresses(p netip.Prefix) Addresses { return Addresses{prefixSpan(p)} }

func prefixSpan(p netip.Prefix) addressSpan {
	from := p.Masked().Addr()
	last := from.AsSlice()
	for bit := p.Bits(); bit < len(last)*8; bit++ {
		last[bit/8] |= 0x80 >> (bit % 8)
	}
	to, _ := netip.AddrFromSlice(last)
	return addressSpan{from, to}
}

// Has says that an address is in the set.
func (a Addresses) Has(address netip.Addr) bool {
	address = address.Unmap()
	return slices.ContainsFunc(a, func(s addressSpan) bool {
		return s.from.BitLen() == address.BitLen() && s.from.Compare(address) <= 0 && address.Compare(s.to) <= 0
	})
}

// Minus are the addresses of a set that are not in another.
func (a Addresses) Minus(b Addresses) (rest Addresses) {
	next := 0 // of b: those before end before the span at hand
	for _, s := range a {
		for next < len(b) && b[next].to.Less(s.from) {
			next++
		}
		gone := false
		for _, t := range b[next:] {
			if s.to.Less(t.from) {
				break
			}
			if s.from.Less(t.from) {
				rest = append(rest, addressSpan{s.from, t.from.Prev()})
			}
			if !t.to.Less(s.to) {
				gone = true
				break
			}
			s.from = t.to.Next()
		}
		if !gone {
			rest = append(rest, s)
		}
	}
	return rest
}

// Intersect are the addresses in both of two sets.
func (a Addresses) Intersect(b Addresses) Addresses { return a.Minus(a.Minus(b)) }

// Union are the addresses in one of two sets.
func (a Addresses) Union(b Addresses) (one Addresses) {
	all := slices.Concat(a, b)
	slices.SortFunc(all, func(x, y addressSpan) int { return x.from.Compare(y.from) })
	for _, s := range all {
		if n := len(one) - 1; n >= 0 && one[n].from.BitLen() == s.from.BitLen() && (!one[n].to.Less(s.from) || one[n].to.Next() == s.from) {
			if one[n].to.Less(s.to) {
				one[n].to = s.to
			}
			continue
		}
		one = append(one, s)
	}
	return one
}

// String is the set in words: CIDRs where an interval is one, its ends where it is none; of most of a family what it
// lacks, as in "0.0.0.0/0 except 10.0.0.0/8".
func (a Addresses) String() string {
	var words []string
	for _, f := range families {
		whole := Addresses{f}
		has, lacks := a.Intersect(whole), whole.Minus(a)
		switch {
		case len(has) == 0:
		case len(lacks) > 0 && len(lacks) < len(has):
			words = append(words, f.String()+" except "+lacks.list(" "))
		default:
			words = append(words, has.list(", "))
		}
	}
	if len(words) == 0 {
		return "none"
	}
	return strings.Join(words, ", ")
}

func (a Addresses) list(between string) string {
	words := make([]string, len(a))
	for i, s := range a {
		words[i] = s.String()
	}
	return strings.Join(words, between)
}

func (s addressSpan) String() string {
	if s.from == s.to {
		return s.from.String()
	}
	for bits := range s.from.BitLen() {
		if p := netip.PrefixFrom(s.from, bits); p.Masked() == p && prefixSpan(p) == s {
			return p.String()
		}
	}
	return s.from.String() + "-" + s.to.String()
}

// Each calls yield with each address, one by one: of sets that are known to be small.
func (a Addresses) Each(yield func(netip.Addr) bool) {
	for _, s := range a {
		for at := s.from; ; at = at.Next() {
			if !yield(at) {
				return
			}
			if at == s.to {
				break
			}
		}
	}
}

// First is the first address of a set that has any.
func (a Addresses) First() netip.Addr { return a[0].from }

// Prefixes are the fewest CIDRs that are the set, in their order.
func (a Addresses) Prefixes() (all []netip.Prefix) {
	for _, s := range a {
		for from := s.from; from.IsValid() && !s.to.Less(from); {
			bits := from.BitLen()
			for bits > 0 {
				wider := netip.PrefixFrom(from, bits-1)
				if wider.Masked() != wider || s.to.Less(prefixSpan(wider).to) {
					break
				}
				bits--
			}
			p := netip.PrefixFrom(from, bits)
			all = append(all, p)
			from = prefixSpan(p).to.Next()
		}
	}
	return all
}

// Public says that the set has most of the internet's addresses of a family.
func (a Addresses) Public() bool {
	for _, f := range families {
		public := internet().Intersect(Addresses{f})
		if twice := new(big.Int).Lsh(a.Intersect(public).size(), 1); twice.Cmp(public.size()) > 0 {
			return true
		}
	}
	return false
}

// size is how many addresses there are.
func (a Addresses) size() *big.Int {
	n := new(big.Int)
	for _, s := range a {
		from, to := new(big.Int).SetBytes(s.from.AsSlice()), new(big.Int).SetBytes(s.to.AsSlice())
		n.Add(n, to.Sub(to, from)).Add(n, big.NewInt(1))
	}
	return n
}
