package network

import "slices"

// Reason is why one end of a connection takes part in it, or does not.
type Reason struct {
	Allowed bool
	// Rules are those that say so: all that allow it, of NetworkPolicies; the one that decides, of policies with priorities.
	Rules []*Rule
	// Isolating are the NetworkPolicies that select the pod and do not allow it.
	Isolating []*Policy
	// Passed is the rule that left it to the next tier, if one did.
	Passed *Rule
}

// Answer is whether ports are reached, and why.
type Answer struct {
	From, To string // in words
	Ends     [2]Kind
	Ports    Ports
	Egress   Reason // of whom it comes from
	Ingress  Reason // of whom it goes to
	OwnNode  bool   // it is from the pod's own node, which always reaches it
	Same     bool   // it is the one pod itself
}

// Allowed says that the connection is.
func (a *Answer) Allowed() bool { return a.OwnNode || a.Same || a.Egress.Allowed && a.Ingress.Allowed }

// Answers answers what a person asked: whether any of the endpoints at one end reaches those at the other, on some ports.
// Of a Service they are those that it leads to.
func (m *Model) Answers(from, to *End, ports Ports) (all []Answer) {
	for _, f := range from.Endpoints {
		for _, t := range to.Endpoints {
			asked := ports
			if to.Service != nil {
				asked = to.Service.leads(t, ports)
			}
			for _, a := range m.Ask(f, t) {
				if a.Ports = a.Ports.Intersect(asked); len(a.Ports) > 0 {
					a.From, a.To, a.Ends = from.words(f), to.words(t), [2]Kind{f.Kind, t.Kind}
					all = append(all, a)
				}
			}
		}
	}
	return all
}

// words name an endpoint as far as it was named.
func (e *End) words(one *Endpoint) string {
	if one.Kind != Block {
		return one.String()
	}
	switch of := one.Addresses.Intersect(e.Within); {
	case len(e.Within.Minus(of)) == 0:
		return e.Name
	case len(of) <= 2:
		return e.Name + " at " + of.String()
	}
	return e.Name + " within " + one.Name
}

// leads are the ports of a pod that those of a Service lead to, which are asked about.
func (s *Service) leads(e *Endpoint, asked Ports) (all Ports) {
	for _, p := range s.Ports {
		if asked.Has(p.Protocol, p.Port) {
			all = all.Union(p.Leads(e))
		}
	}
	return all
}

// Ask answers whether one endpoint reaches another, on all ports: each is in one answer for each two of the endpoints'
// addresses that are treated differently.
func (m *Model) Ask(from, to *Endpoint) (all []Answer) {
	own := onNode(from, to)
	for _, i := range m.of[from] {
		for _, j := range m.of[to] {
			if m.classes[i].family&m.classes[j].family == 0 {
				continue
			}
			out, in := m.reasons(i, j, Egress), m.reasons(j, i, Ingress)
			for _, o := range out {
				for _, n := range in {
					if both := o.ports.Intersect(n.ports); len(both) > 0 {
						all = append(all, Answer{Ports: both, Egress: o.reason, Ingress: n.reason, OwnNode: own, Same: from == to && !from.Several})
					}
				}
			}
		}
	}
	return all
}

// onNode says that one is the node that the other runs on, or is in its network.
func onNode(from, to *Endpoint) bool {
	return (from.Kind == Node || from.Kind == Host) && to.Kind == Pods && to.On() != "" && from.On() == to.On()
}

type because struct {
	ports  Ports
	reason Reason
}

// reasons are why a class takes part in connections with a peer, in one direction, by ports.
func (m *Model) reasons(class, peer int, d Direction) (all []because) {
	rules, _ := m.ruled(&m.classes[class], d)
	var meant []ruled
	for _, r := range rules {
		r.matches = slices.DeleteFunc(slices.Clone(r.matches), func(of match) bool { return !of.names(peer) })
		if len(r.matches) > 0 {
			meant = append(meant, r)
		}
	}
	var isolating []*Policy
	for _, p := range m.classes[class].policies {
		if p.Isolates[d] {
			isolating = append(isolating, p)
		}
	}
	for _, cell := range cells(meant) {
		reason := decide(meant, isolating, cell)
		i := slices.IndexFunc(all, func(b because) bool { return b.reason.same(reason) })
		if i < 0 {
			all = append(all, because{cell, reason})
			continue
		}
		all[i].ports = all[i].ports.Union(cell)
	}
	return all
}

func (r Reason) same(s Reason) bool {
	return r.Allowed == s.Allowed && slices.Equal(r.Rules, s.Rules) && r.Passed == s.Passed && slices.Equal(r.Isolating, s.Isolating)
}

// decide goes through the tiers for one peer, on ports that no rule tells apart.
func decide(rules []ruled, isolating []*Policy, cell Ports) (reason Reason) {
	skip := -1 // the tier that a rule passed
	for tier := Admin; tier <= Baseline; tier++ {
		for _, r := range rules {
			if r.Policy.Tier != tier || int(tier) == skip || !slices.ContainsFunc(r.matches, func(of match) bool { return of.ports.Meets(cell) }) {
				continue
			}
			if r.Action == Pass {
				reason.Passed, skip = r.Rule, int(tier)
				continue
			}
			reason.Allowed = r.Action == Allow
			reason.Rules = append(reason.Rules, r.Rule)
			if tier != Namespaced {
				return reason
			}
		}
		if tier == Namespaced && len(isolating) > 0 {
			if !reason.Allowed {
				reason.Isolating = isolating
			}
			return reason
		}
	}
	reason.Allowed = true
	return reason
}
