package rbac

import (
	"cmp"
	"iter"
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
		return cmp.Or(Compare(a.Subject, b.Subject), strings.Compare(a.Namespace, b.Namespace))
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

// Held goes through all grants of an identity, in no order that means anything.
func (m *Model) Held(id Identity) iter.Seq[*Grant] {
	return func(yield func(*Grant) bool) {
		for _, s := range id.Subjects() {
			for _, g := range m.of[s] {
				if !yield(g) {
					return
				}
			}
		}
	}
}

// Rights are all grants of an identity, those that hold cluster-wide first, by their bindings and subjects.
func (m *Model) Rights(id Identity) (all []*Grant) {
	for _, s := range id.Subjects() {
		all = append(all, m.of[s]...)
	}
	slices.SortStableFunc(all, func(a, b *Grant) int {
		return cmp.Or(
			strings.Compare(a.Namespace, b.Namespace), strings.Compare(a.String(), b.String()),
			strings.Compare(a.RoleKind+" "+a.RoleName, b.RoleKind+" "+b.RoleName), Compare(a.Subject, b.Subject),
		)
	})
	return all
}

// Gives says that a subject's own grants allow a request: those of its groups are not asked.
func (m *Model) Gives(s Subject, q *Request) bool {
	return slices.ContainsFunc(m.of[s], func(g *Grant) bool { return g.allows(q) != nil })
}

// Lacks is the part of a rule that a subject's own grants do not give it, in a namespace or, where that is empty, in all. What takes
// too long to compare is lacking as a whole.
func (m *Model) Lacks(s Subject, namespace string, rule *Rule) []Rule {
	var rules []Rule
	seen := map[*Role]bool{} // which may be bound again and again
	for _, g := range m.of[s] {
		if g.Role != nil && !seen[g.Role] && (g.Namespace == "" || g.Namespace == namespace) {
			seen[g.Role] = true
			rules = append(rules, g.Role.Rules...)
		}
	}
	left := effort(mostCompared)
	if covers(rules, rule, &left) {
		return nil
	}
	if rest := without(rule, rules, &left); left >= 0 && len(rules) > 0 {
		return rest
	}
	return []Rule{*rule}
}

// without is the part of a rule that others do not give: by verbs, as few rules as have the same ones.
func without(one *Rule, rules []Rule, left *effort) (rest []Rule) {
	type object struct{ group, word, name, url string }
	verbs := map[object][]string{}
	var order []object
	for q := range Requests(one) {
		if !left.spend(1) {
			return nil
		}
		if slices.ContainsFunc(rules, func(r Rule) bool { return left.spend(r.size()) && r.Allows(&q) }) {
			continue
		}
		o := object{q.Group, q.Resource, q.Name, q.URL}
		if q.Subresource != "" {
			o.word += "/" + q.Subresource
		}
		if verbs[o] == nil {
			order = append(order, o)
		}
		verbs[o] = append(verbs[o], q.Verb)
	}
	// One rule for what is alike in all but the resource or the path.
	for _, o := range order {
		if !left.spend(len(rest)) {
			return nil
		}
		r := Rule{Verbs: slices.Compact(verbs[o]), From: one.From}
		if o.url == "" {
			r.Groups = []string{o.group}
		}
		if o.name != "" {
			r.Names = []string{o.name}
		}
		i := slices.IndexFunc(rest, func(had Rule) bool {
			return slices.Equal(had.Verbs, r.Verbs) && slices.Equal(had.Groups, r.Groups) && slices.Equal(had.Names, r.Names)
		})
		if i < 0 {
			i, rest = len(rest), append(rest, r)
		}
		if o.url != "" {
			rest[i].URLs = append(rest[i].URLs, o.url)
		} else {
			rest[i].Resources = append(rest[i].Resources, o.word)
		}
	}
	return rest
}

// Own is what the API server itself lets an identity do, whatever bindings say: a rule, and why.
type Own struct {
	Subject Subject
	Rule    Rule
	Reason
}

// Beyond is what an identity may do by no binding.
func Beyond(id Identity) (all []Own) {
	if slices.Contains(id.Groups, masters) {
		all = append(all, Own{Subject{Kind: Group, Name: masters}, Rule{Verbs: []string{"*"}, Groups: []string{"*"}, Resources: []string{"*"}}, Reason{By: byMasters}})
	}
	if name, ok := strings.CutPrefix(id.User, nodePrefix); ok && slices.Contains(id.Groups, nodes) {
		for _, r := range builtins().rulesOf("system:node") {
			all = append(all, Own{Subject{Kind: User, Name: id.User}, r, Reason{By: byNode, Only: boundOf(name, &r)}})
		}
	}
	return all
}

// Of are the grants of one subject, without those of its groups.
func (m *Model) Of(s Subject) []*Grant { return slices.Clone(m.of[s]) }

// Unread are the bindings whose role was not read, of those that give something of what is asked about to somebody; nil: all.
// Of a whole cluster such a role is nowhere: its binding dangles, and gives nothing.
func (m *Model) Unread(about func(*Grant) bool) (all []*Binding) {
	if m.Whole {
		return nil
	}
	for _, g := range m.Grants {
		missing := g.Role == nil && !g.Builtin && (g.RoleKind == clusterRole || g.RoleKind == role && g.Kind == roleBinding)
		if missing && (len(all) == 0 || all[len(all)-1] != g.Binding) && (about == nil || about(g)) {
			all = append(all, g.Binding)
		}
	}
	return all
}

// Knows says that a binding names the subject, or that the API server itself makes it: any account, since it is in groups that
// bindings may name, and any node.
func (m *Model) Knows(s Subject) bool {
	switch {
	case len(m.of[s]) > 0 || s.Kind == ServiceAccount:
		return true
	case s.Kind == User:
		return s.Name == anonymous || strings.HasPrefix(s.Name, nodePrefix) && s.Name != nodePrefix
	}
	return slices.Contains([]string{masters, nodes, authenticated, unauthenticated, accounts}, s.Name) || strings.HasPrefix(s.Name, accounts+":")
}

// Named says that a binding names the subject, or that it is an account that is there.
func (m *Model) Named(s Subject) bool {
	return len(m.of[s]) > 0 || s.Kind == ServiceAccount && m.kube.Find("", ServiceAccount, s.Namespace, s.Name) != nil
}

// Empty says that no role and no binding was read.
func (m *Model) Empty() bool {
	return !slices.ContainsFunc(m.Roles, func(r *Role) bool { return !r.Assumed }) && !slices.ContainsFunc(m.Bindings, func(b *Binding) bool { return !b.Assumed })
}

// Subjects are all that bindings name, all service accounts, and whom a question is about, in order.
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
	for _, s := range m.asked {
		seen[s] = true
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
