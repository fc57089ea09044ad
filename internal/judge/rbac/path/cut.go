package path

import (
	"maps"
	"slices"
	"strings"

	"github.com/plimsoll/plimsoll/internal/judge/rbac"
)

// Cut are grants whose removal leaves no path to an end.
type Cut struct {
	Grants []*rbac.Grant
	// Exact says that there are no fewer: each step of all paths needs one grant. Else they were found greedily, and none of
	// them can be left out, or something is unknown.
	Exact bool
	// Unknown says which objects roles name that were not read, as far as the sources hold them: they may be on paths.
	Unknown []string
	// Kept are the sources from which a path is left whatever is taken away of what people made: it is Kubernetes' own, or
	// needs no grant. The cut is that of all others.
	Kept []Path
	// OnPaths counts the grants that people made and that lie on any path.
	OnPaths int
}

// Cut finds them, for all sources that are not trusted.
func (g *Graph) Cut(to, namespace string, trusted func(rbac.Subject) bool) (c Cut) {
	c.Exact = true
	end := g.end(to, namespace)
	all := slices.DeleteFunc(g.sources(), func(at int) bool { return at == end || trusted(g.vertices[at].of) })
	defer func() {
		c.Unknown = g.unknownOf(all)
		c.Exact = c.Exact && len(c.Unknown) == 0
	}()
	if end < 0 {
		return c
	}
	_, length := g.toward(nil, end)
	var from []int
	for _, at := range all {
		if length[at] >= 0 {
			from = append(from, at)
		}
	}
	seen := g.forward(from, nil)
	c.OnPaths = g.onPaths(seen, length)
	from, c.Kept = g.kept(from, end)
	if len(from) == 0 {
		return c
	}
	seen = g.forward(from, nil)
	f := newFlow(len(g.vertices))
	for _, v := range from {
		f.add(f.source, f.in(v), infinite)
	}
	f.add(f.out(end), f.sink, infinite)
	for i, v := range g.vertices {
		capacity := infinite
		if v.kind == grant && !v.grant.Builtin && !v.grant.Assumed {
			capacity = 1
		}
		if seen[i] && length[i] >= 0 {
			f.add(f.in(i), f.out(i), capacity)
		}
	}
	stand := map[int][]int{} // for the edges that need several grants
	for n := range g.edges {
		e := &g.edges[n]
		if !seen[e.from] || length[e.to] < 0 {
			continue
		}
		if len(e.guard) == 0 {
			f.add(f.out(e.from), f.in(e.to), infinite)
			continue
		}
		c.Exact = false
		least := g.least(e.guard)
		if least == nil {
			f.add(f.out(e.from), f.in(e.to), infinite)
			continue
		}
		at := f.vertex()
		stand[at] = least
		f.add(f.out(e.from), at, int32(len(least)))
		f.add(at, f.in(e.to), infinite)
	}
	f.max()
	cut := gone{}
	reached := f.reached()
	for i, v := range g.vertices {
		if v.kind == grant && reached[f.in(i)] && !reached[f.out(i)] && seen[i] && length[i] >= 0 {
			cut[i] = true
		}
	}
	for at, least := range stand {
		for _, grant := range least {
			if !reached[at] && reached[f.before(at)] {
				cut[grant] = true
			}
		}
	}
	if !c.Exact {
		g.spare(cut, from, end)
	}
	for i := range cut {
		c.Grants = append(c.Grants, g.vertices[i].grant)
	}
	slices.SortFunc(c.Grants, func(a, b *rbac.Grant) int {
		if x := strings.Compare(a.String(), b.String()); x != 0 {
			return x
		}
		return rbac.Compare(a.Subject, b.Subject)
	})
	return c
}

// kept parts sources from those that get to the end without any grant that people made.
func (g *Graph) kept(from []int, end int) (rest []int, kept []Path) {
	without := gone{}
	for i, v := range g.vertices {
		if v.kind == grant && !v.grant.Builtin && !v.grant.Assumed {
			without[i] = true
		}
	}
	next, length := g.toward(without, end)
	for _, v := range from {
		if length[v] < 0 {
			rest = append(rest, v)
			continue
		}
		kept = append(kept, g.describe(g.walk(v, next)))
	}
	return rest, kept
}

// unknownOf lists what is not known of what sources get to.
func (g *Graph) unknownOf(from []int) (all []string) {
	if len(g.unknown) == 0 {
		return nil
	}
	seen := g.forward(from, nil)
	for at, list := range g.unknown {
		if seen[at] {
			all = append(all, list...)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// onPaths counts the grants of people's making between the sources and the end.
func (g *Graph) onPaths(seen []bool, length []int) int {
	all := gone{}
	for i, v := range g.vertices {
		all[i] = v.kind == grant && seen[i] && length[i] >= 0
	}
	for n := range g.edges {
		if e := &g.edges[n]; seen[e.from] && length[e.to] >= 0 {
			for _, i := range slices.Concat(e.guard...) {
				all[i] = true
			}
		}
	}
	n := 0
	for i, on := range all {
		if on && !g.vertices[i].grant.Builtin && !g.vertices[i].grant.Assumed {
			n++
		}
	}
	return n
}

// least is the smallest of the lists of grants of which one is needed, as far as people made them.
func (g *Graph) least(guard [][]int) (least []int) {
	for _, list := range guard {
		own := slices.ContainsFunc(list, func(i int) bool { return g.vertices[i].grant.Builtin || g.vertices[i].grant.Assumed })
		if !own && (least == nil || len(list) < len(least)) {
			least = list
		}
	}
	return least
}

// spare puts grants back that are not needed in a cut, in a fixed order: one that opens a way to the end is taken away again. What
// is reached from the sources and what reaches the end is kept from one to the next, since putting one back only adds to both. So
// most that stay in the cut are known by a look at what they open, and what is searched is searched once.
func (g *Graph) spare(cut gone, from []int, end int) {
	opens := g.opens(cut)
	seen, ends := g.forward(from, cut), g.backward(end, cut)
	for _, i := range slices.Sorted(maps.Keys(cut)) {
		delete(cut, i)
		if g.joins(i, opens[i], cut, seen, ends) {
			cut[i] = true
			continue
		}
		var fresh []int
		through := false
		reach := func(e *edge) {
			if seen[e.from] && !seen[e.to] && !cut.blocks(e) {
				seen[e.to], through = true, through || ends[e.to]
				fresh = append(fresh, e.to)
			}
		}
		for _, n := range opens[i] {
			reach(&g.edges[n])
		}
		for at := 0; at < len(fresh) && !through; at++ {
			for _, n := range g.out[fresh[at]] {
				reach(&g.edges[n])
			}
		}
		if through {
			for _, v := range fresh {
				seen[v] = false
			}
			cut[i] = true
			continue
		}
		g.grow(ends, opens[i], cut)
	}
}

// opens are the edges that each grant of a cut stands in the way of.
func (g *Graph) opens(cut gone) map[int][]int32 {
	all := make(map[int][]int32, len(cut))
	for i := range cut {
		all[i] = slices.Concat(g.in[i], g.out[i])
	}
	for n := range g.edges {
		for _, list := range g.edges[n].guard {
			for _, i := range list {
				if cut[i] {
					all[i] = append(all[i], int32(n))
				}
			}
		}
	}
	return all
}

// joins says that a grant that is put back is itself all that was missing between what is reached and what reaches the end. Longer
// ways, over several of the edges that it opens, are not looked for.
func (g *Graph) joins(i int, opens []int32, cut gone, seen, ends []bool) bool {
	enters, leaves := false, false
	for _, n := range opens {
		e := &g.edges[n]
		if cut.blocks(e) {
			continue
		}
		if seen[e.from] && ends[e.to] {
			return true
		}
		enters, leaves = enters || e.to == i && seen[e.from], leaves || e.from == i && ends[e.to]
	}
	return enters && leaves
}

// backward are the vertices that get to an end.
func (g *Graph) backward(end int, without gone) []bool {
	ends := make([]bool, len(g.vertices))
	ends[end] = true
	g.grow(ends, g.in[end], without)
	return ends
}

// grow adds to the vertices that get to an end those that do so by some edges.
func (g *Graph) grow(ends []bool, by []int32, without gone) {
	queue := slices.Clone(by)
	for len(queue) > 0 {
		e := &g.edges[queue[len(queue)-1]]
		queue = queue[:len(queue)-1]
		if ends[e.to] && !ends[e.from] && !without.blocks(e) {
			ends[e.from] = true
			queue = append(queue, g.in[e.from]...)
		}
	}
}
