package path

import (
	"maps"
	"slices"
	"strings"

	"github.com/plimsoll/plimsoll/internal/judge/rbac"
	"github.com/plimsoll/plimsoll/internal/read/kube"
)

// builder fills a graph.
type builder struct {
	*Graph
	kube       *kube.Snapshot
	subjects   []rbac.Subject
	prims      []*Primitive
	namespaces map[string]bool
	accounts   map[string][]rbac.Subject // by namespace
	running    map[string][]*kube.Workload
	names      names
	done       map[[2]int]bool // edges that follow from what vertices are
}

// Build makes the graph of a model and the snapshot that it is of.
func Build(m *rbac.Model, s *kube.Snapshot) *Graph {
	subjects := m.Subjects()
	// To have it grow costs more than all that is computed: there is room for each grant and its role, and for what subjects lead to.
	vertices, edges := len(m.Grants)+len(m.Bindings)+2*len(subjects), 2*len(m.Grants)+8*len(subjects)
	b := &builder{
		Graph: &Graph{model: m, index: make(map[vertex]int, vertices), vertices: make([]vertex, 0, vertices), edges: make([]edge, 0, edges), unknown: map[int][]string{}},
		kube:  s, subjects: subjects, prims: Primitives(),
		namespaces: map[string]bool{}, accounts: map[string][]rbac.Subject{}, running: map[string][]*kube.Workload{}, done: make(map[[2]int]bool, len(subjects)),
	}
	b.at(admin)
	b.at(node)
	b.people()
	b.readNames()
	for _, g := range m.Grants {
		b.grant(g)
	}
	b.together()
	b.workloads()
	b.powers()
	b.out = lists(len(b.vertices), b.edges, func(e *edge) int { return e.from })
	b.in = lists(len(b.vertices), b.edges, func(e *edge) int { return e.to })
	return b.Graph
}

// people are all subjects, with the groups that they are in.
func (b *builder) people() {
	for _, o := range b.kube.Objects {
		if o.Is("", "Namespace") {
			b.namespaces[o.Name] = true
		}
	}
	for _, namespace := range b.model.Asked() {
		b.namespaces[namespace] = true
	}
	for _, s := range b.subjects {
		b.person(s)
	}
	for i := range b.kube.Workloads {
		b.person(AccountOf(&b.kube.Workloads[i]))
	}
	for _, g := range b.model.Grants {
		if g.Namespace != "" {
			b.namespaces[g.Namespace] = true
		}
	}
	masters := b.at(vertex{kind: subject, of: rbac.NewSubject(rbac.Group, "", "system:masters")})
	b.add(edge{from: masters, to: b.at(admin), word: "may do all, whatever RBAC says"})
	b.add(edge{from: b.at(admin), to: b.at(node), word: "runs a privileged pod on it"})
	b.add(edge{from: b.at(admin), to: b.at(secretsOf("")), word: "reads them"})
}

func (b *builder) person(s rbac.Subject) {
	v := vertex{kind: subject, of: s}
	if _, ok := b.index[v]; ok {
		return
	}
	at := b.at(v)
	if s.Kind == rbac.ServiceAccount {
		b.namespaces[s.Namespace] = true
		b.accounts[s.Namespace] = append(b.accounts[s.Namespace], s)
	}
	word := "is in the group"
	if s.Kind == rbac.Group {
		if strings.HasPrefix(s.Name, "system:") && !b.model.IsAsked(s) {
			return // its members have edges of their own: one more way to the same would be told as another path
		}
		word = "has members that are all in the group" // in which others they are, nobody says
	}
	for _, group := range s.Identity().Groups {
		if in := rbac.NewSubject(rbac.Group, "", group); in != s {
			b.add(edge{from: at, to: b.at(vertex{kind: subject, of: in}), word: word})
		}
	}
}

// grant adds what one grant leads to.
func (b *builder) grant(g *rbac.Grant) {
	if g.Role == nil {
		return
	}
	at := b.at(vertex{kind: grant, grant: g})
	b.add(edge{from: b.at(vertex{kind: subject, of: g.Subject}), to: at, word: "is bound"})
	b.add(edge{from: at, to: b.held(g.Role, g.Namespace), word: "to the role"})
}

// held is the vertex of a role in a scope: what it leads to is the same for all that are bound to it.
func (b *builder) held(r *rbac.Role, namespace string) int {
	v := vertex{kind: held, role: r, namespace: namespace}
	if at, ok := b.index[v]; ok {
		return at
	}
	at := b.at(v)
	for _, p := range b.prims {
		proof, ok := meets(r.Rules, p.needs, namespace)
		if ok {
			p.gives(b, v, hold{namespace: namespace, role: r, prim: p, proof: proof})
		}
	}
	b.byName(v)
	return at
}

// meets says that rules meet all needs, and by which of them.
func meets(rules []rbac.Rule, needs []need, namespace string) (proof string, ok bool) {
	var by []string
	for _, n := range needs {
		r := meet(rules, n, namespace)
		if r == nil {
			return "", false
		}
		if s := r.String(); !slices.Contains(by, s) {
			by = append(by, s)
		}
	}
	return strings.Join(by, "; "), true
}

func meet(rules []rbac.Rule, n need, namespace string) *rbac.Rule {
	if n.wide && namespace != "" {
		return nil
	}
	return meetIn(rules, n, namespace)
}

func meetIn(rules []rbac.Rule, n need, namespace string) *rbac.Rule {
	for i := range n.any {
		q := n.any[i]
		if q.Name == "" && q.Resource == "namespaces" {
			q.Name = namespace // which a rule may name
		}
		for j := range rules {
			if rules[j].Allows(&q) {
				return &rules[j]
			}
		}
	}
	return nil
}

// bindsTo adds the role that a rule lets one bind by name.
func (b *builder) bindsTo(from vertex, r *rbac.Rule, name string) {
	if name == "cluster-admin" {
		return // which the primitive itself is
	}
	for _, p := range []string{"bind", "bind-in"} {
		prim := b.prim(p)
		if _, ok := meets(from.role.Rules, prim.needs[1:], from.namespace); !ok || p == "bind" && from.namespace != "" {
			continue
		}
		scopes := []string{from.namespace}
		if p == "bind-in" && from.namespace == "" {
			scopes = slices.Sorted(maps.Keys(b.namespaces))
		}
		for _, other := range b.names.roles[name] {
			for _, ns := range scopes {
				b.held(other, ns)
				b.edge(from, vertex{kind: held, role: other, namespace: ns}, hold{namespace: ns, role: from.role, prim: prim, proof: r.String()})
			}
		}
	}
}

func (b *builder) prim(id string) *Primitive {
	return b.prims[slices.IndexFunc(b.prims, func(p *Primitive) bool { return p.ID == id })]
}

// edge adds what a hold leads to.
func (b *builder) edge(from, to vertex, h hold) {
	e := edge{from: b.at(from), to: b.at(to), prim: h.prim, proof: h.proof}
	for _, one := range h.guard {
		var list []int
		for _, g := range one {
			list = append(list, b.at(vertex{kind: grant, grant: g}))
		}
		e.guard = append(e.guard, list)
	}
	b.add(e)
}

// together adds what a subject can do by several grants and by none of them alone, its groups' included.
func (b *builder) together() {
	for _, s := range b.subjects {
		scopes := scopes(b.model.Rights(s.Identity()))
		for _, p := range b.prims {
			if len(p.needs) < 2 {
				continue
			}
			for _, all := range scopes {
				b.several(s, p, all[len(all)-1].Namespace, all)
			}
		}
	}
}

// scopes are the grants, which are in the order of their namespaces, that hold in each: those for all namespaces, and before those of
// one the same again. Where there is but one, it gives nothing together with others.
func scopes(all []*rbac.Grant) (each [][]*rbac.Grant) {
	var wide []*rbac.Grant
	for len(all) > 0 {
		n := slices.IndexFunc(all, func(g *rbac.Grant) bool { return g.Namespace != all[0].Namespace })
		if n < 0 {
			n = len(all)
		}
		one := all[:n]
		if one[0].Namespace == "" {
			wide = one
		} else {
			one = slices.Concat(wide, one)
		}
		if len(one) > 1 {
			each = append(each, one)
		}
		all = all[n:]
	}
	return each
}

// several adds what a primitive gives by grants that hold in a namespace or, where that is empty, in all.
func (b *builder) several(s rbac.Subject, p *Primitive, namespace string, all []*rbac.Grant) {
	by := func(g *rbac.Grant, n need) *rbac.Rule {
		if g.Role == nil || g.Namespace != "" && n.wide {
			return nil
		}
		return meetIn(g.Role.Rules, n, namespace)
	}
	if slices.ContainsFunc(p.needs, func(n need) bool {
		return !slices.ContainsFunc(all, func(g *rbac.Grant) bool { return by(g, n) != nil })
	}) {
		return
	}
	guard := make([][]*rbac.Grant, len(p.needs))
	var proof []string
	var role *rbac.Role
	for i, n := range p.needs {
		for _, g := range all {
			r := by(g, n)
			if r == nil {
				continue
			}
			if len(guard[i]) == 0 {
				proof = append(proof, r.String())
			}
			guard[i] = append(guard[i], g)
			if g.RoleKind == "Role" {
				role = g.Role
			}
		}
	}
	if onlyOne(guard) || namespace != "" && !slices.ContainsFunc(slices.Concat(guard...), func(g *rbac.Grant) bool { return g.Namespace != "" }) {
		return // one grant gives it all in any case, or it is given for all namespaces
	}
	p.gives(b, vertex{kind: subject, of: s}, hold{namespace: namespace, role: role, prim: p, proof: strings.Join(proof, "; "), guard: guard})
}

// onlyOne says that for each set of grants that does it, one of them does it alone.
func onlyOne(guard [][]*rbac.Grant) bool {
	return slices.ContainsFunc(guard, func(one []*rbac.Grant) bool {
		return len(one) == 1 && !slices.ContainsFunc(guard, func(list []*rbac.Grant) bool { return !slices.Contains(list, one[0]) })
	})
}
