package path

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/plimsoll/plimsoll/internal/judge/rbac"
	"github.com/plimsoll/plimsoll/internal/read/kube"
)

// names finds what rules mean that name objects.
type names struct {
	objects  map[[3]string][]*kube.Object // by group, resource and name, in all namespaces
	accounts map[string][]rbac.Subject
	roles    map[string][]*rbac.Role // ClusterRoles
	inside   map[string][]*rbac.Role // Roles, by namespace
	read     map[[2]string]bool      // groups and resources of which all objects were read
	named    map[string][]*rbac.Role // Roles, by their names
	kinds    map[[2]string][]*kube.Object
	sets     map[*string]map[string]bool // the names of rules, by the first
	pods     map[*kube.Object]*kube.Workload
}

func (b *builder) readNames() {
	b.names = names{map[[3]string][]*kube.Object{}, map[string][]rbac.Subject{}, map[string][]*rbac.Role{}, map[string][]*rbac.Role{}, b.readKinds(), map[string][]*rbac.Role{}, map[[2]string][]*kube.Object{}, map[*string]map[string]bool{}, map[*kube.Object]*kube.Workload{}}
	for _, o := range b.kube.Objects {
		key := [3]string{o.Group(), plural(o.Kind), o.Name}
		b.names.objects[key] = append(b.names.objects[key], o)
		kind := [2]string{key[0], key[1]}
		b.names.kinds[kind] = append(b.names.kinds[kind], o)
	}
	for _, ns := range slices.Sorted(maps.Keys(b.accounts)) {
		for _, s := range b.accounts[ns] {
			b.names.accounts[s.Name] = append(b.names.accounts[s.Name], s)
		}
	}
	for _, r := range b.model.Roles {
		if r.Kind == "ClusterRole" {
			b.names.roles[r.Name] = append(b.names.roles[r.Name], r)
		} else {
			b.names.inside[r.Namespace], b.names.named[r.Name] = append(b.names.inside[r.Namespace], r), append(b.names.named[r.Name], r)
		}
	}
	for i := range b.kube.Workloads {
		w := &b.kube.Workloads[i]
		b.names.pods[w.Object] = w
	}
}

// byNames is one rule that names objects, of a role that is held.
type byNames struct {
	*builder
	from  vertex
	rule  *rbac.Rule
	bare  rbac.Rule // it, if it named none
	proof string
	done  map[[2]string]bool // of what was added
}

// byName adds what rules give that name objects: whom to be, which role to bind, which workload to change, which pod to go into,
// which token to read. What they name and the snapshot does not hold is remembered: nobody can say what it gives.
func (b *builder) byName(from vertex) {
	if len(namesOf(from.role, b.prim("escalate")))+len(namesOf(from.role, b.prim("escalate-role"))) > 0 {
		b.escalatesItself(from)
	}
	for i := range from.role.Rules {
		r := &from.role.Rules[i]
		if len(r.Names) == 0 {
			continue
		}
		n := &byNames{b, from, r, *r, r.String(), map[[2]string]bool{}}
		n.bare.Names = nil
		all := slices.Compact(slices.Sorted(slices.Values(r.Names)))
		n.people(all)
		n.things(all)
	}
}

// allows says that the rule allows one of some requests, for the objects that it names. To create one never is: it has no name yet.
func (n *byNames) allows(asks []rbac.Request) (of []rbac.Request) {
	for i := range asks {
		if (asks[i].Verb != "create" || asks[i].Subresource != "") && n.bare.Allows(&asks[i]) {
			of = append(of, asks[i])
		}
	}
	return of
}

// to adds an edge, once.
func (n *byNames) to(prim string, v vertex) {
	key := [2]string{prim, fmt.Sprint(n.at(v))}
	if !n.done[key] {
		n.done[key] = true
		n.edge(n.from, v, hold{namespace: n.from.namespace, role: n.from.role, prim: n.prim(prim), proof: n.proof})
	}
}

func (n *byNames) here(namespace string) bool {
	return n.from.namespace == "" || n.from.namespace == namespace
}

// people are whom the rule lets one be, and what it lets one bind.
func (n *byNames) people(all []string) {
	wide := n.from.namespace == ""
	m := &meeting{b: n.builder, namespace: n.from.namespace}
	_, alsoUser := m.meets(n.from.role.Rules, n.prim("impersonate-group").needs[1:])
	users := wide && len(n.allows(do("", "users", "", "impersonate"))) > 0
	groups := wide && alsoUser && len(n.allows(do("", "groups", "", "impersonate"))) > 0
	be := len(n.allows(do("", "serviceaccounts", "", "impersonate"))) > 0
	token := len(n.allows(do("", "serviceaccounts", "token", "create"))) > 0
	bind := len(n.allows(do(rbacGroup, "clusterroles", "", "bind"))) > 0
	bindInside := len(n.allows(do(rbacGroup, "roles", "", "bind"))) > 0
	for _, name := range all {
		if s := rbac.NewSubject(rbac.User, "", name); users && s.Kind == rbac.User { // accounts are asked about as such
			n.to("impersonate-user", vertex{kind: subject, of: s})
		}
		if groups {
			n.to("impersonate-group", vertex{kind: subject, of: rbac.NewSubject(rbac.Group, "", name)})
		}
		if be || token {
			for _, s := range n.names.accounts[name] {
				if be && n.here(s.Namespace) {
					n.to("impersonate-account", vertex{kind: subject, of: s})
				}
				if token && n.here(s.Namespace) {
					n.to("token", vertex{kind: subject, of: s})
				}
			}
		}
		if bind {
			n.bindsTo(n.from, n.rule, name)
		}
		if bindInside {
			n.bindsInside(name)
		}
	}
}

// things are objects that stand for more than themselves.
func (n *byNames) things(all []string) {
	for _, prim := range []string{"workloads", "exec", "debug", "secrets"} {
		seen := map[string]bool{} // a resource that several verbs are for
		for _, q := range n.allows(n.prim(prim).needs[0].any) {
			if seen[q.Group+"/"+q.Resource] {
				continue
			}
			seen[q.Group+"/"+q.Resource] = true
			var missing []string
			for _, name := range all {
				if !n.thing(prim, q, name) {
					missing = append(missing, name)
				}
			}
			if len(missing) > 0 {
				n.miss(n.at(n.from), n.from.role, []string{namesMissing(q.Resource, missing)})
			}
		}
	}
}

// thing adds what the right on one object gives, and says that the snapshot holds it.
func (n *byNames) thing(prim string, q rbac.Request, name string) (known bool) {
	for _, o := range n.names.objects[[3]string{q.Group, q.Resource, name}] {
		ns := o.Namespace
		if ns == "" {
			ns = "default"
		}
		if !n.here(ns) {
			continue
		}
		switch prim {
		case "workloads":
			n.namespaces[ns], known = true, true
			n.to(prim, vertex{kind: power, name: pods, namespace: ns})
		case "secrets":
			known = true
			if account := o.Metadata("annotations")["kubernetes.io/service-account.name"]; account != "" && o.Fields["type"] == "kubernetes.io/service-account-token" {
				n.to(prim, vertex{kind: subject, of: rbac.NewSubject(rbac.ServiceAccount, ns, account)})
			}
		default:
			if w := n.names.pods[n.kube.Maker(o)]; w != nil {
				known = true
				n.to(prim, podsOf(w))
			}
		}
	}
	if q.Resource == "pods" && !known {
		return n.ordinal(prim, name)
	}
	return known
}

// ordinal finds the pods of StatefulSets, whose names are known before they run: web-0 of web.
func (n *byNames) ordinal(prim, name string) (known bool) {
	at := strings.LastIndexByte(name, '-')
	if at < 0 || name[at+1:] == "" || strings.Trim(name[at+1:], "0123456789") != "" {
		return false
	}
	for _, o := range n.names.objects[[3]string{"apps", "statefulsets", name[:at]}] {
		if w := n.names.pods[n.kube.Maker(o)]; w != nil && n.here(AccountOf(w).Namespace) {
			known = true
			n.to(prim, podsOf(w))
		}
	}
	return known
}

// bindsInside adds the Roles of a name that the rule lets one bind.
func (n *byNames) bindsInside(name string) {
	m := &meeting{b: n.builder, namespace: n.from.namespace}
	prim := n.prim("bind-role")
	if len(n.names.named[name]) == 0 {
		return
	}
	if _, ok := m.meets(n.from.role.Rules, prim.needs[1:]); !ok {
		return
	}
	for _, r := range n.names.named[name] {
		if n.here(r.Namespace) {
			n.held(r, r.Namespace)
			n.to("bind-role", vertex{kind: held, role: r, namespace: r.Namespace})
		}
	}
}

// namesMissing says which names of a resource nobody read.
func namesMissing(resource string, missing []string) string {
	what := strings.Join(missing[:min(3, len(missing))], ", ")
	if more := len(missing) - 3; more > 0 {
		what += fmt.Sprintf(" and %d more", more)
	}
	return resource + " that were not read: " + what
}

// miss remembers what a role that is held, or a subject by several, names and nobody read.
func (b *builder) miss(at int, r *rbac.Role, missing []string) {
	if len(missing) == 0 || r != nil && (r.Builtin || r.Assumed) {
		return
	}
	who := b.vertices[at].String()
	for _, what := range missing {
		b.unknown[at] = append(b.unknown[at], who+" names "+what)
	}
}
