package network

import (
	"cmp"
	"context"
	"math"
	"slices"
)

// Undecided are the pairs of rules of policies of one tier and priority of which one may decide about a connection and the other
// may, and the end is not the same: nobody knows which of them holds. Where earlier rules decide about all that both match, or
// what comes after one that passes says what the other says, it is none.
func (m *Model) Undecided(ctx context.Context) (pairs [][2]*Rule, err error) {
	told := map[[2]*Rule]bool{}
	for i := range m.classes {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		for d := range Direction(2) {
			rules, isolated := m.ruled(&m.classes[i], d)
			suspects := slices.DeleteFunc(suspects(rules), func(pair [2]ruled) bool { return told[[2]*Rule{pair[0].Rule, pair[1].Rule}] })
			if len(suspects) == 0 {
				continue
			}
			parted, met := cells(rules), m.met(i)
			exact := len(parted)*len(rules) <= mostIdle
			var orders []order
			for _, cell := range parted {
				if exact {
					orders = append(orders, m.order(rules, isolated, cell, met))
				}
			}
			for _, pair := range suspects {
				if !exact || slices.ContainsFunc(orders, func(o order) bool { return o.differ(pair[0].Rule, pair[1].Rule) }) {
					told[[2]*Rule{pair[0].Rule, pair[1].Rule}] = true
					pairs = append(pairs, [2]*Rule{pair[0].Rule, pair[1].Rule})
				}
			}
		}
	}
	return pairs, nil
}

// suspects are the pairs of rules that match some connection both, and do different things.
func suspects(rules []ruled) (all [][2]ruled) {
	rules = slices.DeleteFunc(slices.Clone(rules), func(r ruled) bool { return r.Policy.Tier == Namespaced })
	for j, a := range rules {
		for _, b := range rules[j+1:] {
			if !a.Policy.beside(b.Policy) {
				if a.Policy.Tier == b.Policy.Tier && a.Policy.Tier == Baseline {
					continue // one without a priority may come later
				}
				break // they stand in the order of their priorities
			}
			if a.Policy != b.Policy && a.Action != b.Action && a.meets(b) {
				all = append(all, [2]ruled{a, b})
			}
		}
	}
	return all
}

// met are the classes that have an address of a family that a class has, too.
func (m *Model) met(class int) set {
	all := newSet(len(m.classes))
	for i := range m.classes {
		if m.classes[i].family&m.classes[class].family != 0 {
			all.add(i)
		}
	}
	return all
}

// order is which peers rules may decide about, on ports that no rule tells apart, and to what end: let in or out, or refused.
// Where it is not known what follows after a rule that passes, it is either.
type order map[*Rule][2]set

// differ says that two rules may both decide about a peer, to different ends.
func (o order) differ(a, b *Rule) bool {
	x, y := o[a], o[b]
	return x[0] != nil && y[0] != nil && (meet(x[0], y[1]) || meet(x[1], y[0]))
}

// order goes through the tiers, the last one first, as who passes leaves it to that.
func (m *Model) order(rules []ruled, isolated bool, cell Ports, met set) order {
	o := order{}
	n := len(m.classes)
	var tiers [3][]ruled
	for _, r := range rules {
		tiers[r.Policy.Tier] = append(tiers[r.Policy.Tier], r)
	}
	// Whom rules of the first tier leave to those that follow, in whatever order they are asked.
	left, passed := slices.Clone(met), newSet(n)
	type decision struct {
		ruled
		hit set
	}
	var first []decision
	for _, group := range turns(tiers[Admin]) {
		matched := newSet(n)
		for _, policy := range group {
			open := slices.Clone(left)
			for _, r := range policy {
				hit := r.on(cell, n)
				if hit == nil {
					continue
				}
				keep(hit, open)
				drop(open, hit)
				join(matched, hit)
				if r.Action == Pass {
					join(passed, hit)
				}
				first = append(first, decision{r, hit})
			}
		}
		drop(left, matched)
	}
	join(left, passed)
	// The last tier: nobody comes there whom NetworkPolicies isolate.
	unsure := newSet(n)
	if !isolated {
		unsure = o.last(tiers[Baseline], cell, left, n)
	}
	follows := m.allowed(slices.Concat(tiers[Namespaced], tiers[Baseline]), isolated, cell)
	for _, d := range first {
		ends := [2]set{newSet(n), newSet(n)}
		switch d.Action {
		case Pass:
			ends[0], ends[1] = slices.Clone(d.hit), slices.Clone(d.hit)
			keep(ends[0], follows)
			drop(ends[1], follows)
			both := slices.Clone(d.hit)
			keep(both, unsure)
			join(ends[0], both)
			join(ends[1], both)
		default:
			ends[d.Action] = d.hit
		}
		o[d.Rule] = ends
	}
	return o
}

// last notes what rules of the Baseline tier decide about those that come there, and gives those about whom it is not known. A
// BaselineAdminNetworkPolicy may be asked before each of the others, or after it.
func (o order) last(rules []ruled, cell Ports, left set, n int) (unsure set) {
	unsure = newSet(n)
	var allowed, denied set // by one without a priority
	free := slices.Clone(left)
	for _, group := range turns(rules) {
		without := group[0][0].Policy.Kind == withoutPriority
		open := left
		if !without {
			open = free
		}
		ends, matched := [2]set{newSet(n), newSet(n)}, newSet(n)
		for _, policy := range group {
			still := slices.Clone(open)
			for _, r := range policy {
				hit := r.on(cell, n)
				if hit == nil {
					continue
				}
				keep(hit, still)
				drop(still, hit)
				join(matched, hit)
				end := 0 // what is passed here is allowed
				if r.Action == Deny {
					end = 1
				}
				one := [2]set{newSet(n), newSet(n)}
				one[end] = hit
				o[r.Rule] = one
				join(ends[end], hit)
			}
		}
		if without {
			allowed, denied = ends[0], ends[1]
		} else {
			drop(free, matched)
		}
		for _, pair := range [][2]set{{ends[0], ends[1]}, {ends[0], denied}, {ends[1], allowed}} {
			if pair[1] != nil {
				both := slices.Clone(pair[0])
				keep(both, pair[1])
				join(unsure, both)
			}
		}
	}
	return unsure
}

// turns are the rules of one tier by policies that are asked at one time, and by policy. Those without a priority come first.
func turns(rules []ruled) (all [][][]ruled) {
	rank := func(r ruled) int {
		if r.Policy.Kind == withoutPriority {
			return math.MinInt
		}
		return r.Policy.Priority
	}
	rules = slices.Clone(rules)
	slices.SortStableFunc(rules, func(a, b ruled) int { return cmp.Compare(rank(a), rank(b)) })
	for i, r := range rules {
		switch last := len(all) - 1; {
		case i == 0 || rank(rules[i-1]) != rank(r):
			all = append(all, [][]ruled{{r}})
		case rules[i-1].Policy != r.Policy:
			all[last] = append(all[last], []ruled{r})
		default:
			group := all[last]
			group[len(group)-1] = append(group[len(group)-1], r)
		}
	}
	return all
}

// withoutPriority is the kind of the last tier that has none.
const withoutPriority = "BaselineAdminNetworkPolicy"

// beside says that nothing tells which of two policies is asked first: they have one priority in one tier, or one of them,
// a BaselineAdminNetworkPolicy, has none.
func (p *Policy) beside(q *Policy) bool {
	return p.Tier != Namespaced && p.Tier == q.Tier && (p.Priority == q.Priority || p.Kind != q.Kind && (p.Kind == withoutPriority || q.Kind == withoutPriority))
}

// meets says that two rules match some connection both.
func (r ruled) meets(s ruled) bool {
	for _, a := range r.matches {
		for _, b := range s.matches {
			if a.ports.Meets(b.ports) && (a.all || b.all || slices.ContainsFunc(a.peers, func(i int32) bool { return b.names(int(i)) })) {
				return true
			}
		}
	}
	return false
}
