package network

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"sort"
)

// Bounds on the blocks of addresses that all policies name together. Each cell is an end of connections, and two ends take a
// bit for each set of ports; each block that holds a cell takes a few bytes for it.
const (
	mostCells = 50_000
	mostHeld  = 10_000_000 // cells in blocks: one that is in two counts twice
)

// mark is the same for addresses that are in the same sets: random numbers, one of each set, put together.
type mark [2]uint64

// sweep goes through all borders of sets once, and calls yield with each interval between two of them, with its mark and the
// sets that hold it, which are yield's until it returns.
func sweep(sets []Addresses, yield func(s addressSpan, of mark, in set) bool) {
	type border struct {
		at  netip.Addr
		set int32
	}
	borders := []border{{families[0].from, -1}, {families[1].from, -1}}
	numbers := make([]mark, len(sets))
	for i, s := range sets {
		numbers[i] = mark{rand.Uint64(), rand.Uint64()}
		for _, one := range s {
			borders = append(borders, border{one.from, int32(i)})
			if next := one.to.Next(); next.IsValid() { // what ends with its family ends there
				borders = append(borders, border{next, int32(i)})
			}
		}
	}
	slices.SortFunc(borders, func(a, b border) int { return a.at.Compare(b.at) })
	var now mark
	open := newSet(len(sets))
	for i := 0; i < len(borders); {
		from := borders[i].at
		if from == families[1].from {
			now = mark{}
			clear(open)
		}
		for ; i < len(borders) && borders[i].at == from; i++ {
			if set := borders[i].set; set >= 0 { // each border of a set opens or closes it: its intervals do not touch
				open[set/64] ^= 1 << (set % 64)
				now[0], now[1] = now[0]^numbers[set][0], now[1]^numbers[set][1]
			}
		}
		to := families[0].to
		if from.Is6() {
			to = families[1].to
		}
		if i < len(borders) && borders[i].at.BitLen() == from.BitLen() {
			to = borders[i].at.Prev()
		}
		if !yield(addressSpan{from, to}, now, open) {
			return
		}
	}
}

// addressCells cut all addresses along the borders of sets, so that each set is made of whole cells. Addresses that
// are in the same sets are one cell.
func addressCells(sets []Addresses) (cells []Addresses) {
	known := map[mark]int{}
	sweep(sets, func(s addressSpan, of mark, _ set) bool {
		k, old := known[of]
		if !old {
			k = len(cells)
			known[of] = k
			cells = append(cells, nil)
		}
		cells[k] = append(cells[k], s) // the next in their order; those that touch are in different sets
		return true
	})
	return cells
}

// addressParts are all addresses, cut into cells, and which of the sets hold each.
type addressParts struct {
	holders [][]int32    // by cell, in their order
	starts  []netip.Addr // of the intervals that cells are made of
	of      []int32      // the cell of each interval
}

// in are the sets that an address is in.
func (p *addressParts) in(a netip.Addr) []int32 {
	i, found := slices.BinarySearchFunc(p.starts, a, netip.Addr.Compare)
	if !found {
		i--
	}
	return p.holders[p.of[i]]
}

func partAddresses(sets []Addresses) *addressParts {
	p := &addressParts{}
	known := map[mark]int32{}
	sweep(sets, func(s addressSpan, of mark, in set) bool {
		k, old := known[of]
		if !old {
			k = int32(len(p.holders))
			known[of] = k
			holders := make([]int32, 0, in.count())
			for i := range in.each {
				holders = append(holders, int32(i))
			}
			p.holders = append(p.holders, holders)
		}
		p.starts, p.of = append(p.starts, s.from), append(p.of, k)
		return true
	})
	return p
}

// crowded says that there are more cells than most, or more of them in the first n sets than held.
func crowded(sets []Addresses, n, most, held int) (beyond bool) {
	known := map[mark]bool{}
	sweep(sets, func(_ addressSpan, of mark, in set) bool {
		if !known[of] {
			known[of] = true
			for i := range in.each {
				if i >= n {
					break
				}
				held--
			}
		}
		beyond = len(known) > most || held < 0
		return !beyond
	})
	return beyond
}

// fit leaves out policies whose blocks cannot be told apart beside those of all others within the bounds: those that name most.
func (m *Model) fit(most, held int) {
	weight, blocks, spans := map[*Policy]int{}, 0, 0
	for _, p := range m.Policies {
		for _, rules := range p.Rules {
			for _, r := range rules {
				for i := range r.peers {
					if n := len(r.peers[i].block); n > 0 {
						weight[p] += n
						blocks++
					}
				}
			}
		}
		spans += weight[p]
	}
	for _, a := range m.options.Blocks {
		spans += len(a)
	}
	if parts := 2 * (spans + 1); parts <= most && parts*blocks <= held { // at most
		return
	}
	order := slices.Clone(m.Policies)
	slices.SortStableFunc(order, func(a, b *Policy) int { return cmp.Compare(weight[a], weight[b]) })
	beyond := func(n int) bool {
		blocks := blocksOf(order[:n])
		return crowded(append(blocks, m.options.Blocks...), len(blocks), most, held)
	}
	if !beyond(len(order)) {
		return
	}
	out := map[*Policy]bool{}
	for _, p := range order[sort.Search(len(order), func(n int) bool { return weight[order[n]] > 0 && beyond(n+1) }):] {
		out[p] = true
	}
	m.Policies = slices.DeleteFunc(m.Policies, func(p *Policy) bool {
		if !out[p] {
			return false
		}
		m.Doubts = append(m.Doubts, Doubt{Object: p.Object, Broken: true, What: fmt.Sprintf(
			"its blocks of addresses and those of other policies overlap in more ways than are told apart (%d parts, which together are in %d blocks), and it is not counted: name fewer, wider ones", most, held)})
		return true
	})
}
