package network

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/labels"

	"github.com/plimsoll/plimsoll/internal/read/kube"
)

// Doubt is what keeps an answer from being whole.
type Doubt struct {
	Object *kube.Object // nil: all
	Field  string       // of the object; empty: all of it
	What   string
	// Broken says that the object itself cannot be understood, or that no API server takes it, and not only what it speaks of.
	Broken bool

	bears bearing
}

func (d Doubt) String() string {
	if d.Object == nil {
		return d.What
	}
	name := d.Object.Name
	if d.Object.Namespace != "" {
		name = d.Object.Namespace + "/" + name
	}
	text := strings.TrimRight(d.Object.Kind+" "+name, " ") + ": "
	if d.Field != "" {
		text += d.Field + ": "
	}
	text += d.What
	for _, at := range d.Object.At(d.Field) {
		return fmt.Sprintf("%s (%s:%d)", text, cmp.Or(at.Inner, at.Path), at.StartLine)
	}
	return text
}

// bearing is which connections a doubt may change; empty: all.
type bearing struct {
	policies  []*Policy  // those that all of these select an end of,
	direction *Direction // where they speak of it; nil: of both
	outside   bool       // with somebody who is no pod; false: with anybody
	either    []*Policy  // those that one of these selects an end of
	home      string     // those of pods of a namespace
	// Those between somebody who is one of who, and those whom a policy selects that names one of peers; and those of who is one
	// of who, and may be selected.
	peers    map[string]bool
	who      func(*Endpoint) bool
	subjects []*question
}

// inDirection is the direction that a field of a policy speaks of; nil: both.
func inDirection(field string) *Direction {
	for d := range Direction(2) {
		if strings.HasPrefix(field, "spec."+d.String()+"[") {
			return &d
		}
	}
	return nil
}

// Unsure are all doubts: those of what was read, and the rules of which nobody knows which one holds.
func (m *Model) Unsure(ctx context.Context) ([]Doubt, error) {
	undecided, err := m.Undecided(ctx)
	if err != nil {
		return nil, err
	}
	all := slices.Clone(m.Doubts)
	for _, pair := range undecided {
		all = append(all, Doubt{
			What:  fmt.Sprintf("%s and %s have one priority and say different things: nobody knows which one holds", pair[0], pair[1]),
			bears: bearing{policies: []*Policy{pair[0].Policy, pair[1].Policy}, direction: &pair[0].Direction},
		})
	}
	return all, nil
}

// Bears says that a doubt may change whether one of two ends reaches the other on some of the ports.
func (m *Model) Bears(d Doubt, from, to *End, ports Ports) bool {
	for _, f := range from.Endpoints {
		for _, t := range to.Endpoints {
			if f == t && !f.Several {
				continue // it always reaches itself
			}
			asked := ports
			if to.Service != nil {
				asked = to.Service.leads(t, ports)
			}
			if m.bears(d.bears, f, t, asked) {
				return true
			}
		}
	}
	return false
}

func (m *Model) bears(b bearing, from, to *Endpoint, ports Ports) bool {
	ends := [2]*Endpoint{Ingress: to, Egress: from}
	switch {
	case b.policies != nil:
		return slices.ContainsFunc([]Direction{Ingress, Egress}, func(d Direction) bool {
			return (b.direction == nil || *b.direction == d) && !(b.outside && ends[1-d].Kind == Pods) && m.selectedBy(ends[d], b.policies)
		})
	case b.either != nil:
		return slices.ContainsFunc(b.either, func(p *Policy) bool {
			return m.selectedBy(from, []*Policy{p}) || m.selectedBy(to, []*Policy{p})
		})
	case b.home != "":
		return from.Kind == Pods && from.Namespace == b.home || to.Kind == Pods && to.Namespace == b.home
	case b.who == nil:
		return true
	}
	for d, end := range ends {
		other := ends[1-d]
		if b.who(end) && slices.ContainsFunc(b.subjects, func(q *question) bool { return q.pods.Matches(labels.Set(end.labels)) }) {
			return true
		}
		if b.who(other) && m.names(end, other, Direction(d), b.peers, ports) {
			return true
		}
	}
	return false
}

// selectedBy says that all of some policies select an endpoint.
func (m *Model) selectedBy(e *Endpoint, policies []*Policy) bool {
	return slices.ContainsFunc(m.of[e], func(i int) bool {
		return !slices.ContainsFunc(policies, func(p *Policy) bool { return !slices.Contains(m.classes[i].policies, p) })
	})
}

// names says that a rule about one end, on some of the ports, names one of peers, and that whether the other end is one of them
// may matter: what NetworkPolicies allow already, one more of their rules does not change.
func (m *Model) names(end, other *Endpoint, d Direction, peers map[string]bool, ports Ports) bool {
	for _, i := range m.of[end] {
		for _, p := range m.classes[i].policies {
			for _, r := range p.Rules[d] {
				if slices.ContainsFunc(r.peers, func(of peer) bool { return peers[of.text] }) && r.mayMeet(ports) && !(p.Tier == Namespaced && m.allows(i, other, d, ports)) {
					return true
				}
			}
		}
	}
	return false
}

// mayMeet says that a rule is about some of the ports, or about one that it names.
func (r *Rule) mayMeet(ports Ports) bool {
	return r.every || slices.ContainsFunc(r.ports, func(of portMatch) bool { return of.name != "" || of.ports.Meets(ports) })
}

// allows says that one class takes part in connections with an endpoint on all of the ports.
func (m *Model) allows(class int, other *Endpoint, d Direction, ports Ports) bool {
	for _, j := range m.of[other] {
		var allowed Ports
		for _, b := range m.reasons(class, j, d) {
			if b.reason.Allowed {
				allowed = allowed.Union(b.ports)
			}
		}
		if len(ports.Minus(allowed)) > 0 {
			return false
		}
	}
	return true
}
