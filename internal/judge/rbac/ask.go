package rbac

import (
	"slices"
	"strings"

	"github.com/plimsoll/plimsoll/finding"
)

// Reason is why somebody may do something: a grant and the rule of its role, or what the API server itself holds.
type Reason struct {
	Grant *Grant
	Rule  *Rule
	// By is what allows where no binding does: the group system:masters, or the node authorizer.
	By string
	// Only says what it is bound to that cannot be seen here: the pods that run on a node.
	Only string
}

// What the API server allows without RBAC.
const (
	byMasters = "group " + masters + ", whose members may do all, whatever RBAC says"
	byNode    = "node authorizer"
)

// Can says why an identity may do something, by every grant that allows it: none at all means that it may not.
func (m *Model) Can(id Identity, q *Request) (why []Reason) {
	if slices.Contains(id.Groups, masters) {
		why = append(why, Reason{By: byMasters})
	}
	if r, ok := nodeCan(id, q); ok {
		why = append(why, r)
	}
	for _, s := range id.Subjects() {
		for _, g := range m.of[s] {
			if rule := g.allows(q); rule != nil {
				why = append(why, Reason{Grant: g, Rule: rule})
			}
		}
	}
	return why
}

// allows is the first rule of a grant that allows a request; nil: none does.
func (g *Grant) allows(q *Request) *Rule {
	if g.Role == nil || g.Namespace != "" && g.Namespace != q.Namespace || g.Kind == roleBinding && q.Namespace == "" {
		return nil
	}
	for i := range g.Role.Rules {
		if g.Role.Rules[i].Allows(q) {
			return &g.Role.Rules[i]
		}
	}
	return nil
}

// Holder is somebody who may do something, and why. Where it is not cluster-wide, it is in one namespace.
type Holder struct {
	Subject   Subject
	Namespace string // empty: in all, and of what belongs to none
	Reason
}

// WhoCan lists who may do something: whoever bindings name, and what the API server holds itself. A request of no namespace
// is answered for the whole cluster and, where anywhere is set, for each namespace that somebody may do it in.
func (m *Model) WhoCan(q *Request, anywhere bool) (all []Holder) {
	all = append(all, Holder{Subject: Subject{Kind: Group, Name: masters}, Reason: Reason{By: byMasters}})
	if r, ok := nodeCan(Identity{nodePrefix + "*", []string{nodes}}, q); ok {
		all = append(all, Holder{Subject: Subject{Kind: Group, Name: nodes}, Reason: r})
	}
	for _, g := range m.Grants {
		one := *q
		if anywhere && g.Kind == roleBinding && q.Namespace == "" && q.URL == "" {
			one.Namespace = g.Namespace
		}
		if rule := g.allows(&one); rule != nil && g.Subject != (Subject{Kind: Group, Name: masters}) {
			all = append(all, Holder{Subject: g.Subject, Namespace: g.Namespace, Reason: Reason{Grant: g, Rule: rule}})
		}
	}
	slices.SortStableFunc(all, func(a, b Holder) int {
		if c := Compare(a.Subject, b.Subject); c != 0 {
			return c
		}
		return strings.Compare(a.Namespace, b.Namespace)
	})
	return all
}

// Impersonation are the rights that it takes to be an identity by its headers.
func Impersonation(id Identity) (all []Request) {
	s := NewSubject(User, "", id.User)
	if s.Kind == ServiceAccount {
		return []Request{{Verb: "impersonate", Resource: "serviceaccounts", Namespace: s.Namespace, Name: s.Name}}
	}
	all = append(all, Request{Verb: "impersonate", Resource: "users", Name: s.Name})
	for _, g := range id.Groups {
		all = append(all, Request{Verb: "impersonate", Resource: "groups", Name: g})
	}
	return all
}

// Rights are all grants of an identity, in the order of its subjects: those that hold cluster-wide first.
func (m *Model) Rights(id Identity) (all []*Grant) {
	for _, s := range id.Subjects() {
		all = append(all, m.of[s]...)
	}
	slices.SortStableFunc(all, func(a, b *Grant) int { return strings.Compare(a.Namespace, b.Namespace) })
	return all
}

// Covers says that a subject's own grants give all that a rule does, in a namespace or, where that is empty, in all. What takes too
// long to compare is not covered.
func (m *Model) Covers(s Subject, namespace string, rule *Rule) bool {
	var rules []Rule
	seen := map[*Role]bool{} // which may be bound again and again
	for _, g := range m.of[s] {
		if g.Role != nil && !seen[g.Role] && (g.Namespace == "" || g.Namespace == namespace) {
			seen[g.Role] = true
			rules = append(rules, g.Role.Rules...)
		}
	}
	left := effort(mostCompared)
	return covers(rules, rule, &left)
}

// Beyond is what an identity may do by no binding, in words.
func Beyond(id Identity) (all []string) {
	if slices.Contains(id.Groups, masters) {
		all = append(all, byMasters)
	}
	if strings.HasPrefix(id.User, nodePrefix) && slices.Contains(id.Groups, nodes) {
		all = append(all, byNode+": what kubelets need, and Secrets, ConfigMaps and tokens "+ofItsPods)
	}
	return all
}

// Of are the grants of one subject, without those of its groups.
func (m *Model) Of(s Subject) []*Grant { return slices.Clone(m.of[s]) }

// Knows says that a binding names the subject, that it is an account that is there, or that the API server makes it itself.
func (m *Model) Knows(s Subject) bool {
	if len(m.of[s]) > 0 || strings.HasPrefix(s.Name, "system:") {
		return true
	}
	return s.Kind == ServiceAccount && m.kube.Find("", ServiceAccount, s.Namespace, s.Name) != nil
}

// Subjects are all that bindings name, and all service accounts, in order.
func (m *Model) Subjects() []Subject {
	seen := make(map[Subject]bool, len(m.of))
	for s := range m.of {
		seen[s] = true
	}
	for _, o := range m.kube.Objects {
		if o.Is("", ServiceAccount) {
			seen[Subject{ServiceAccount, home(o), o.Name}] = true
		}
	}
	all := make([]Subject, 0, len(seen))
	for s := range seen {
		all = append(all, s)
	}
	slices.SortFunc(all, Compare)
	return all
}

// At is where the rule or the grant is written; nil: in no file.
func (r Reason) At() []finding.Location {
	if r.Grant == nil || r.Grant.Object == nil {
		return nil
	}
	return r.Grant.Object.At("subjects")
}
