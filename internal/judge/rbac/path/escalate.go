package path

import (
	"slices"
	"strings"

	"github.com/plimsoll/plimsoll/internal/judge/rbac"
)

// escalates adds what rules give that name the roles to escalate and to change: every right to those that are bound to such a role,
// and so to the subject itself where it is.
func (b *builder) escalates(s rbac.Subject, namespace string, all []*rbac.Grant) {
	for _, kind := range []string{"ClusterRole", "Role"} {
		if kind == "Role" && namespace == "" {
			continue
		}
		prim := b.prim(map[string]string{"ClusterRole": "escalate", "Role": "escalate-role"}[kind])
		if !slices.ContainsFunc(all, func(g *rbac.Grant) bool { return g.Role != nil && len(namesOf(g.Role, prim)) > 0 }) {
			continue
		}
		for _, own := range all {
			if own.Role == nil || own.Role.Kind != kind || own.Namespace != namespace && kind == "ClusterRole" {
				continue
			}
			b.escalate(s, prim, own, all)
		}
	}
}

// namesOf are the roles that rules name for what a primitive needs.
func namesOf(r *rbac.Role, p *Primitive) (all []string) {
	for i := range r.Rules {
		one := &r.Rules[i]
		bare := *one
		bare.Names = nil
		if len(one.Names) > 0 && slices.ContainsFunc(p.needs, func(n need) bool {
			return slices.ContainsFunc(n.any, func(q rbac.Request) bool { return bare.Allows(&q) })
		}) {
			all = append(all, one.Names...)
		}
	}
	return all
}

// escalate adds that a subject gives every right to one of its own roles, by one grant or by several.
func (b *builder) escalate(s rbac.Subject, p *Primitive, own *rbac.Grant, all []*rbac.Grant) {
	guard := [][]*rbac.Grant{nil, nil, nil}
	for _, g := range all {
		if g.Role == own.Role && g.Namespace == own.Namespace {
			guard[2] = append(guard[2], g)
		}
	}
	var proof []string
	for i, n := range p.needs {
		for _, g := range all {
			if g.Role == nil || n.wide && g.Namespace != "" {
				continue
			}
			if r := naming(g.Role.Rules, n, own.Role.Name); r != nil {
				if len(guard[i]) == 0 && !slices.Contains(proof, r.String()) {
					proof = append(proof, r.String())
				}
				guard[i] = append(guard[i], g)
			}
		}
		if len(guard[i]) == 0 {
			return
		}
	}
	if guard[2][0] == own && !onlyOne(guard) {
		toAdminOf(b, vertex{kind: subject, of: s}, hold{namespace: own.Namespace, role: own.Role, prim: p, proof: strings.Join(proof, "; "), guard: guard})
	}
}

// escalatesItself adds that a role which is held lets its holders give it every right, by its name.
func (b *builder) escalatesItself(from vertex) {
	p := b.prim("escalate")
	if from.role.Kind == "Role" {
		p = b.prim("escalate-role")
	} else if from.namespace != "" {
		return // what belongs to no namespace, a RoleBinding does not give
	}
	var proof []string
	for _, n := range p.needs {
		r := naming(from.role.Rules, n, from.role.Name)
		if r == nil {
			return
		}
		if !slices.Contains(proof, r.String()) {
			proof = append(proof, r.String())
		}
	}
	toAdminOf(b, from, hold{namespace: from.namespace, role: from.role, prim: p, proof: strings.Join(proof, "; ")})
}

// naming is the rule that meets a need for an object of a name.
func naming(rules []rbac.Rule, n need, name string) *rbac.Rule {
	for i := range rules {
		for _, q := range n.any {
			q.Name = name
			if rules[i].Allows(&q) {
				return &rules[i]
			}
		}
	}
	return nil
}
