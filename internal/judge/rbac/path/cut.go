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
	// them can be left out.
	Exact bool
	// Kept are the sources from which a path is left whatever is taken away of what people made: it is Kubernetes' own, or
	// needs no grant. The cut is that of all others.
	Kept []Path
	// OnPaths counts the grants that people made and that lie on any path.
	OnPaths int
}

// Cut finds them, for all sources that are not trusted.
func (g *Graph) Cut(to, namespace string, trusted func(rbac.Subject) bool) Cut {
	c := Cut{Exact: true}
	end := g.end(to, namespace)
	if end < 0 {
		return c
	}
	_, length := g.toward(nil, end)
	var from []int
	for _, at := range g.sources() {
		if v := g.vertices[at]; length[at] >= 0 && at != end && !trusted(v.of) {
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

// spare puts grants back that are not needed in a cut, in a fixed order. What is reached is kept from one to the next: putting
// one back only adds to it, and where it adds the end, it is taken back.
func (g *Graph) spare(cut gone, from []int, end int) {
	guards := map[int][]int32{}
	for n := range g.edges {
		for _, i := range slices.Concat(g.edges[n].guard...) {
			if cut[i] {
				guards[i] = append(guards[i], int32(n))
			}
		}
	}
	seen := g.forward(from, cut)
	for _, i := range slices.Sorted(maps.Keys(cut)) {
		delete(cut, i)
		var fresh, queue []int
		reach := func(e *edge) {
			if seen[e.from] && !seen[e.to] && !cut.blocks(e) {
				seen[e.to] = true
				fresh, queue = append(fresh, e.to), append(queue, e.to)
			}
		}
		for _, n := range slices.Concat(g.in[i], guards[i]) {
			reach(&g.edges[n])
		}
		for len(queue) > 0 && !seen[end] {
			v := queue[len(queue)-1]
			queue = queue[:len(queue)-1]
			for _, n := range g.out[v] {
				reach(&g.edges[n])
			}
		}
		if seen[end] {
			for _, v := range fresh {
				seen[v] = false
			}
			cut[i] = true
		}
	}
}
