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
	needs      *index
	fence      map[string]*fence // by namespace
	hooks      []hook
	server     server
	done       map[[2]int]bool // edges that follow from what vertices are
}

// Build makes the graph of a model and the snapshot that it is of. Forbids says what its policies deny; nil: that is not asked.
func Build(m *rbac.Model, s *kube.Snapshot, forbids Forbids) *Graph {
	subjects := m.Subjects()
	// To have it grow costs more than all that is computed: there is room for each grant and its role, and for what subjects lead to.
	vertices, edges := len(m.Grants)+len(m.Bindings)+2*len(subjects), 2*len(m.Grants)+8*len(subjects)
	b := &builder{
		Graph: &Graph{model: m, index: make(map[vertex]int, vertices), vertices: make([]vertex, 0, vertices), edges: make([]edge, 0, edges), unknown: map[int][]string{}},
		kube:  s, subjects: subjects, prims: Primitives(), fence: map[string]*fence{}, server: readServer(s),
		namespaces: map[string]bool{}, accounts: map[string][]rbac.Subject{}, running: map[string][]*kube.Workload{}, done: make(map[[2]int]bool, len(subjects)),
	}
	b.at(admin)
	b.at(node)
	b.people()
	b.readNames()
	b.readHooks()
	b.readFences(forbids)
	b.workloads()
	b.prims = slices.DeleteFunc(b.prims, func(p *Primitive) bool { return p.there != nil && !p.there(b) })
	b.needs = indexOf(b.prims)
	for _, g := range m.Grants {
		b.grant(g)
	}
	b.together()
	b.constrained()
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
	for _, end := range []vertex{network, policies, logs, others, outage} {
		b.add(edge{from: b.at(admin), to: b.at(end), word: "may do all with it"})
	}
	if slices.ContainsFunc(b.kube.Objects, clouded) {
		b.add(edge{from: b.at(admin), to: b.at(cloud), word: "runs a pod that has it"})
	}
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
	may := b.needs.may(r)
	m := &meeting{b: b, namespace: namespace}
	for _, p := range b.prims {
		if of := b.needs.of[p]; !may.holds(&of) {
			continue
		}
		proof, ok := m.meets(r.Rules, p.needs)
		if ok {
			p.gives(b, v, hold{namespace: namespace, role: r, prim: p, proof: proof})
		}
		b.miss(at, r, m.missing)
	}
	b.byName(v)
	return at
}

// bindsTo adds the role that a rule lets one bind by name.
func (b *builder) bindsTo(from vertex, r *rbac.Rule, name string) {
	if name == "cluster-admin" || len(b.names.roles[name]) == 0 {
		return // which the primitive itself is
	}
	for _, p := range []string{"bind", "bind-in"} {
		prim := b.prim(p)
		m := &meeting{b: b, namespace: from.namespace}
		if _, ok := m.meets(from.role.Rules, prim.needs[1:]); !ok || p == "bind" && from.namespace != "" {
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
	var several []*Primitive
	for _, p := range b.prims {
		if len(p.needs) > 1 {
			several = append(several, p)
		}
	}
	for _, s := range b.subjects {
		id := s.Identity()
		var may set
		n := 0
		for g := range b.model.Held(id) {
			if g.Role != nil {
				n++
				of := b.needs.may(g.Role)
				may.join(&of)
			}
		}
		could := n > 1 && slices.ContainsFunc(several, func(p *Primitive) bool { of := b.needs.of[p]; return may.holds(&of) })
		if !could {
			continue
		}
		for _, all := range scopes(b.model.Rights(id)) {
			for _, p := range several {
				if of := b.needs.of[p]; may.holds(&of) {
					b.several(s, p, all[len(all)-1].Namespace, all)
				}
			}
			b.escalates(s, all[len(all)-1].Namespace, all)
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
	m := &meeting{b: b, namespace: namespace}
	guard, proof := make([][]*rbac.Grant, len(p.needs)), make([]string, 0, len(p.needs))
	var missing []string
	var role *rbac.Role
	for i := range p.needs {
		m.missing = nil
		for _, g := range all {
			r := m.of(g, &p.needs[i])
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
		if len(guard[i]) == 0 && len(m.missing) == 0 {
			return
		}
		if len(guard[i]) == 0 {
			missing = append(missing, m.missing...)
		}
	}
	v := vertex{kind: subject, of: s}
	if len(missing) > 0 {
		b.miss(b.at(v), nil, missing)
		return
	}
	if onlyOne(guard) || namespace != "" && !slices.ContainsFunc(slices.Concat(guard...), func(g *rbac.Grant) bool { return g.Namespace != "" }) {
		return // one grant gives it all in any case, or it is given for all namespaces
	}
	p.gives(b, v, hold{namespace: namespace, role: role, prim: p, proof: strings.Join(proof, "; "), guard: guard})
}

// of is the rule of a grant that meets a need where the grant holds.
func (m *meeting) of(g *rbac.Grant, n *need) *rbac.Rule {
	if g.Role == nil || g.Namespace != "" && n.wide {
		return nil
	}
	may := m.b.needs.may(g.Role)
	if number, ok := m.b.needs.number[n]; ok && !may.has(number) {
		return nil
	}
	return m.meetIn(g.Role.Rules, n)
}

// onlyOne says that for each set of grants that does it, one of them does it alone.
func onlyOne(guard [][]*rbac.Grant) bool {
	return slices.ContainsFunc(guard, func(one []*rbac.Grant) bool {
		return len(one) == 1 && !slices.ContainsFunc(guard, func(list []*rbac.Grant) bool { return !slices.Contains(list, one[0]) })
	})
}
