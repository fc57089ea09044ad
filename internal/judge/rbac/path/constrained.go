package path

import (
	"slices"
	"strings"

	"github.com/plimsoll/plimsoll/internal/judge/rbac"
)

// Constrained impersonation (Kubernetes 1.36, k8s.io/apiserver/pkg/endpoints/filters/impersonation): who may impersonate:MODE somebody,
// and impersonate-on:MODE:VERB something, does that as somebody who may do it, too. So each step may be done with others' rights, each
// of its requests as another one; what is gained is no identity, but what the step gives.
const authenticationGroup = "authentication.k8s.io"

// mode is a kind of identity that is impersonated.
type mode struct {
	name, resource string
	is             func(rbac.Subject) bool
}

func modes() []mode {
	return []mode{
		{"serviceaccount", "serviceaccounts", func(s rbac.Subject) bool { return s.Kind == rbac.ServiceAccount }},
		{"user-info", "users", func(s rbac.Subject) bool { return s.Kind == rbac.User && !strings.HasPrefix(s.Name, "system:node:") }},
	}
}

// verb is the one that it takes to do something as an identity of the mode.
func (m *mode) verb(v string) string { return "impersonate-on:" + m.name + ":" + v }

// constrained adds what subjects can do as others, where a role says so at all.
func (b *builder) constrained() {
	if !slices.ContainsFunc(b.model.Roles, func(r *rbac.Role) bool {
		return slices.ContainsFunc(r.Rules, func(one rbac.Rule) bool {
			return slices.ContainsFunc(one.Verbs, func(v string) bool { return strings.HasPrefix(v, "impersonate-on:") })
		})
	}) {
		return
	}
	b.asNodes()
	for _, m := range modes() {
		for _, s := range b.subjects {
			as := b.whom(s, &m)
			if len(as.who) == 0 {
				continue
			}
			mine := b.model.Rights(s.Identity())
			for _, ns := range namespacesOf(mine, as.grants) {
				for _, p := range b.prims {
					b.does(s, p, &m, as, mine, ns)
				}
			}
		}
	}
}

// asNodes adds what it gives to ask for tokens as a node.
func (b *builder) asNodes() {
	for i, name := range []string{"arbitrary-node", "associated-node"} {
		names := []worth{chosen, apart}[i]
		p := &Primitive{
			ID: "as-" + name, Title: "asks for tokens as the node that pods run on", Why: "who may impersonate:" + name + " and do it on what creates a token is given what the node is given: tokens of the accounts of its pods",
			Closes: "give impersonate-on for the reads alone that are needed", needs: []need{
				{any: join(do(authenticationGroup, "nodes", "", "impersonate:"+name), named("*", do(authenticationGroup, "nodes", "", "impersonate:"+name))), wide: true, names: names},
				{any: do("", "serviceaccounts", "token", "impersonate-on:"+name+":create")},
			}, gives: toPower(kubelets),
		}
		for _, s := range b.subjects {
			if name == "associated-node" && s.Kind != rbac.ServiceAccount {
				continue // it is a pod's, whose token says where it runs
			}
			mine := b.model.Rights(s.Identity())
			for _, ns := range namespacesOf(mine) {
				guard := make([][]*rbac.Grant, len(p.needs))
				proof, all := b.givers(p.needs, mine, ns, guard)
				if all {
					p.gives(b, vertex{kind: subject, of: s}, hold{namespace: ns, prim: p, proof: proof, guard: guard})
				}
			}
		}
	}
}

// identity is whom a subject may be, by which of its grants, and what those may do.
type identity struct {
	by     []*rbac.Grant
	who    []rbac.Subject
	grants []*rbac.Grant
	proof  string
}

// whom are the identities of a mode that a subject may impersonate. Groups go with a user, whoever that is; the group system:masters
// the API server lets nobody say in this way.
func (b *builder) whom(s rbac.Subject, m *mode) (as *identity) {
	as = &identity{}
	user := false
	for g := range b.model.Held(s.Identity()) {
		if g.Role == nil || g.Namespace != "" && m.name != "serviceaccount" {
			continue
		}
		for i := range g.Role.Rules {
			r := &g.Role.Rules[i]
			may := func(resource, name string) bool {
				return r.Allows(&rbac.Request{Verb: "impersonate:" + m.name, Group: authenticationGroup, Resource: resource, Name: name})
			}
			was := len(as.who)
			for _, other := range b.subjects {
				here := g.Namespace == "" || g.Namespace == other.Namespace
				group := m.name == "user-info" && other.Kind == rbac.Group && other.Name != "system:masters" && may("groups", other.Name)
				if other != s && here && (m.is(other) && may(m.resource, other.Name) || group) {
					as.who = append(as.who, other)
				}
			}
			bare := *r
			bare.Names = nil
			all := m.name == "user-info" && bare.Allows(&rbac.Request{Verb: "impersonate:user-info", Group: authenticationGroup, Resource: "users"})
			user = user || all
			if len(as.who) > was || all {
				as.by, as.proof = append(as.by, g), r.String()
			}
		}
	}
	if m.name == "user-info" && !user {
		return &identity{}
	}
	for _, other := range as.who {
		as.grants = append(as.grants, b.model.Rights(other.Identity())...)
	}
	return as
}

// namespacesOf are those that grants hold in; empty: all.
func namespacesOf(lists ...[]*rbac.Grant) (all []string) {
	all = []string{""}
	for _, list := range lists {
		for _, g := range list {
			all = append(all, g.Namespace)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// givers are, for each need, the grants that meet it in a namespace.
func (b *builder) givers(needs []need, grants []*rbac.Grant, namespace string, guard [][]*rbac.Grant) (proof string, all bool) {
	m := &meeting{b: b, namespace: namespace}
	var by []string
	for i := range needs {
		for _, g := range grants {
			if g.Namespace != "" && g.Namespace != namespace {
				continue
			}
			if r := m.of(g, &needs[i]); r != nil {
				if len(guard[i]) == 0 {
					by = append(by, r.String())
				}
				if !slices.Contains(guard[i], g) {
					guard[i] = append(guard[i], g)
				}
			}
		}
		if len(guard[i]) == 0 {
			return "", false
		}
	}
	return strings.Join(by, "; "), true
}

// checked are verbs that the API server asks about beside a request: of the one who is impersonated, alone.
var checked = []string{"escalate", "bind", "approve"}

func isChecked(n need) bool { return slices.Contains(checked, n.any[0].Verb) }

// does adds what a primitive gives to a subject that does it as others: each of its requests as any of them, but where the API server
// checks another right with it, as one who has both.
func (b *builder) does(s rbac.Subject, p *Primitive, m *mode, as *identity, mine []*rbac.Grant, namespace string) {
	if strings.HasPrefix(p.ID, "impersonate-") {
		return // one is not impersonated by one who is impersonated
	}
	var needs []need
	for _, n := range p.needs {
		if isChecked(n) {
			continue
		}
		n.any = slices.Clone(n.any)
		for j := range n.any {
			n.any[j].Verb = m.verb(n.any[j].Verb)
		}
		needs = append(needs, n)
	}
	mineBy := make([][]*rbac.Grant, len(needs))
	proof, ok := b.givers(needs, mine, namespace, mineBy)
	if !ok {
		return
	}
	one := *p
	one.Title += ", as another one who may"
	one.Why = "with constrained impersonation it is done as one who may do it; " + p.Why
	one.Closes = "take away impersonate-on for the verb, or name in resourceNames who may be impersonated; or " + p.Closes
	give := func(grants []*rbac.Grant) {
		theirs := make([][]*rbac.Grant, len(p.needs))
		if _, ok := b.givers(p.needs, grants, namespace, theirs); ok {
			guard := slices.Concat(mineBy, theirs, [][]*rbac.Grant{as.by})
			p.gives(b, vertex{kind: subject, of: s}, hold{namespace: namespace, prim: &one, proof: as.proof + "; " + proof, guard: guard})
		}
	}
	if !slices.ContainsFunc(p.needs, isChecked) {
		give(as.grants)
		return
	}
	for _, other := range as.who {
		give(b.model.Rights(other.Identity()))
	}
}
