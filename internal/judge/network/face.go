package network

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// match is a part of a rule: peers on ports.
type match struct {
	ports Ports
	peers members
	all   bool // everybody
}

func (m match) names(peer int) bool {
	if m.all {
		return true
	}
	_, found := slices.BinarySearch(m.peers, int32(peer))
	return found
}

// matches are what a rule of a policy of a class matches. The names of ports are those of the pods that are reached: of
// the class itself, or of each peer.
func (m *Model) matches(r *Rule, c *class) (all []match) {
	whole := match{all: r.peers == nil, ports: AllPorts()}
	switch len(r.peers) {
	case 0:
	case 1:
		whole.peers = m.peers[r.peers[0].text]
	default:
		for _, p := range r.peers {
			whole.peers = append(whole.peers, m.peers[p.text]...)
		}
		slices.Sort(whole.peers)
		whole.peers = slices.Compact(whole.peers)
	}
	if r.every {
		return []match{whole}
	}
	whole.ports = nil
	for _, p := range r.ports {
		switch {
		case p.name == "":
			whole.ports = whole.ports.Union(p.ports)
		case r.Direction == Ingress:
			whole.ports = whole.ports.Union(c.endpoints[0].named(p))
		default:
			all = append(all, m.namedMatches(p, whole)...)
		}
	}
	if len(whole.ports) > 0 {
		all = append(all, whole)
	}
	return all
}

// namedMatches are the peers that have a port of a name, by what it is.
func (m *Model) namedMatches(p portMatch, of match) (all []match) {
	at := map[string]int{}
	one := func(i int) {
		ports := m.classes[i].endpoints[0].named(p)
		if m.classes[i].kind != Pods || len(ports) == 0 {
			return
		}
		k, known := at[ports.String()]
		if !known {
			k = len(all)
			at[ports.String()] = k
			all = append(all, match{ports: ports})
		}
		all[k].peers = append(all[k].peers, int32(i))
	}
	if of.all {
		for i := range m.classes {
			one(i)
		}
		return all
	}
	for _, i := range of.peers {
		one(int(i))
	}
	return all
}

// ruled is a rule, and what it matches for a class.
type ruled struct {
	*Rule
	matches []match
}

// ruled are the rules that speak of a class in a direction, in their order, and what they match.
func (m *Model) ruled(c *class, d Direction) (all []ruled, isolated bool) {
	for _, p := range c.policies {
		isolated = isolated || p.Isolates[d]
		for _, r := range p.Rules[d] {
			all = append(all, ruled{r, m.matched(r, c)})
		}
	}
	return all, isolated
}

// matched are the matches of a rule, which are those of every class where it names no port of the class's own.
func (m *Model) matched(r *Rule, c *class) []match {
	if r.Direction == Ingress && slices.ContainsFunc(r.ports, func(p portMatch) bool { return p.name != "" }) {
		return m.matches(r, c)
	}
	of, known := m.kept[r]
	if !known {
		of = m.matches(r, c)
		m.kept[r] = of
	}
	return of
}

// cells cut all ports along the borders of what rules match.
func cells(rules []ruled) []Ports {
	var sets []Ports
	for _, r := range rules {
		for _, of := range r.matches {
			if !slices.ContainsFunc(sets, of.ports.Equal) {
				sets = append(sets, of.ports)
			}
		}
	}
	return portCells(sets)
}

// face is what a class allows in one direction: which peers, by ports. Its parts have all ports together, and none twice.
type face []part

type part struct {
	ports Ports
	peers set
}

// faces are the faces of all classes in a direction. Classes that the same policies speak of share one.
func (m *Model) faces(d Direction) []face {
	if m.faced[d] == nil {
		_ = m.makeFaces(context.Background(), d) // which nobody ends
	}
	return m.faced[d]
}

// Prepare works out what the policies of all pods allow, which most questions need. Where the context ends before, the next
// question begins anew.
func (m *Model) Prepare(ctx context.Context) error {
	for d := range Direction(2) {
		if m.faced[d] == nil {
			if err := m.makeFaces(ctx, d); err != nil {
				return err
			}
		}
	}
	return nil
}

func (m *Model) makeFaces(ctx context.Context, d Direction) error {
	all := make([]face, len(m.classes))
	known := map[string]face{}
	key := m.faceKeys(d)
	for i := range m.classes {
		if err := ctx.Err(); err != nil {
			return err
		}
		c := &m.classes[i]
		of, ok := known[key(c)]
		if !ok {
			of = m.face(c, d)
			known[key(c)] = of
		}
		all[i] = of
	}
	m.faced[d] = all
	return nil
}

// faceKeys tells classes apart by what decides their faces in a direction: the policies that have a say, and the ports that
// rules name.
func (m *Model) faceKeys(d Direction) func(*class) string {
	number := m.numbers()
	return func(c *class) string {
		var key strings.Builder
		names := map[string]bool{}
		for _, p := range c.policies {
			if p.Isolates[d] || len(p.Rules[d]) > 0 {
				fmt.Fprintf(&key, "%d ", number[p])
			}
			for _, r := range p.Rules[d] {
				for _, port := range r.ports {
					names[port.name] = d == Ingress
				}
			}
		}
		key.WriteString(c.endpoints[0].signature(names))
		return key.String()
	}
}

// numbers are the places of policies in their order.
func (m *Model) numbers() map[*Policy]int {
	all := map[*Policy]int{}
	for i, p := range m.Policies {
		all[p] = i
	}
	return all
}

func (m *Model) face(c *class, d Direction) (all face) {
	rules, isolated := m.ruled(c, d)
	for _, cell := range cells(rules) {
		peers := m.allowed(rules, isolated, cell)
		if i := slices.IndexFunc(all, func(p part) bool { return slices.Equal(p.peers, peers) }); i >= 0 {
			all[i].ports = all[i].ports.Union(cell)
			continue
		}
		all = append(all, part{cell, peers})
	}
	return all
}

// allowed are the peers that rules allow on ports that no rule tells apart.
func (m *Model) allowed(rules []ruled, isolated bool, cell Ports) set {
	w := m.walk(isolated)
	for _, r := range rules {
		w.next(r.Policy.Tier)
		if hit := r.on(cell, len(w.open)*64); hit != nil {
			w.take(r.Action, hit)
		}
	}
	w.next(Baseline + 1)
	for i := range w.allowed {
		w.allowed[i] |= w.open[i]
	}
	return w.allowed
}

// on are the peers that a rule matches on ports that no rule tells apart; nil: it does not speak of these.
func (r ruled) on(cell Ports, n int) (hit set) {
	for _, of := range r.matches {
		if !of.ports.Meets(cell) {
			continue
		}
		if hit == nil {
			hit = newSet(n)
		}
		if of.all {
			for i := range hit {
				hit[i] = ^uint64(0)
			}
			break
		}
		for _, i := range of.peers {
			hit.add(int(i))
		}
	}
	return hit
}

// walk goes through the tiers.
type walk struct {
	tier     Tier
	isolated bool
	open     set // about whom nothing is said yet
	allowed  set
	passed   set // to the next tier
}

func (m *Model) walk(isolated bool) *walk {
	n := len(m.classes)
	return &walk{isolated: isolated, open: fullSet(n), allowed: newSet(n), passed: newSet(n)}
}

// next goes on to a tier: those that were passed are open again, and NetworkPolicies leave nobody open whom they isolate.
func (w *walk) next(to Tier) {
	for ; w.tier < to; w.tier++ {
		for i := range w.open {
			w.open[i] |= w.passed[i]
		}
		clear(w.passed)
		if w.tier == Namespaced && w.isolated {
			clear(w.open)
		}
	}
}

// take has a rule do what it does with those that it matches. Of NetworkPolicies several may allow the same.
func (w *walk) take(action Action, hit set) {
	for i := range hit {
		which := hit[i] & w.open[i]
		switch action {
		case Allow:
			w.allowed[i] |= which
		case Pass:
			w.passed[i] |= which
		}
		w.open[i] &^= which
	}
}
