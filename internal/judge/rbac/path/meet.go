package path

import (
	"slices"
	"strings"

	"github.com/plimsoll/plimsoll/internal/judge/rbac"
	"github.com/plimsoll/plimsoll/internal/read/kube"
)

// set is some of the needs of all primitives, by number.
type set [4]uint64

func (s *set) add(n int)      { s[n/64] |= 1 << (n % 64) }
func (s *set) has(n int) bool { return s[n/64]&(1<<(n%64)) != 0 }
func (s *set) join(o *set)    { s[0], s[1], s[2], s[3] = s[0]|o[0], s[1]|o[1], s[2]|o[2], s[3]|o[3] }

func (s *set) holds(o *set) bool {
	return o[0]&^s[0] == 0 && o[1]&^s[1] == 0 && o[2]&^s[2] == 0 && o[3]&^s[3] == 0
}

// index says which needs a rule may meet at all, by the resources that it names: most rules name none that any need is about.
type index struct {
	by   map[string]set // by a resource with its subresource, and by a path's beginning
	of   map[*Primitive]set
	all  set
	role map[*rbac.Role]set

	number map[*need]int
}

const paths = "/" // in the place of a resource

func indexOf(prims []*Primitive) *index {
	x := &index{map[string]set{}, map[*Primitive]set{}, set{}, map[*rbac.Role]set{}, map[*need]int{}}
	n := 0
	for _, p := range prims {
		var own set
		for i := range p.needs {
			x.number[&p.needs[i]] = n
			for _, q := range p.needs[i].any {
				word := q.Resource
				if q.Subresource != "" {
					word += "/" + q.Subresource
				}
				if q.URL != "" {
					word = paths
				}
				s := x.by[word]
				s.add(n)
				x.by[word] = s
			}
			own.add(n)
			if n < 64*len(set{})-1 {
				n++ // the last number stands for all needs past it
			}
		}
		x.of[p] = own
		x.all.join(&own)
	}
	return x
}

// may are the needs that a role's rules may meet.
func (x *index) may(r *rbac.Role) set {
	if s, ok := x.role[r]; ok {
		return s
	}
	var s set
	for i := range r.Rules {
		if len(r.Rules[i].URLs) > 0 {
			of := x.by[paths]
			s.join(&of)
		}
		for _, word := range r.Rules[i].Resources {
			if strings.Contains(word, "*") {
				s = x.all
				break
			}
			of := x.by[word]
			s.join(&of)
		}
	}
	x.role[r] = s
	return s
}

// meeting is one look at whether rules meet needs.
type meeting struct {
	b         *builder
	namespace string
	missing   []string // what rules name and nobody read, and that would meet a need
}

// meets says that rules meet all needs, and by which of them.
func (m *meeting) meets(rules []rbac.Rule, needs []need) (proof string, ok bool) {
	var by []string
	m.missing = nil
	for i := range needs {
		had := len(m.missing)
		r := m.meet(rules, &needs[i])
		if r == nil && len(m.missing) == had {
			m.missing = nil
			return "", false
		}
		if r == nil {
			continue
		}
		m.missing = m.missing[:had] // another rule does it
		if s := r.String(); !slices.Contains(by, s) {
			by = append(by, s)
		}
	}
	return strings.Join(by, "; "), len(m.missing) == 0
}

func (m *meeting) meet(rules []rbac.Rule, n *need) *rbac.Rule {
	if n.wide && m.namespace != "" {
		return nil
	}
	return m.meetIn(rules, n)
}

// meetIn is the rule that meets a need where it holds in the namespace, or in all.
func (m *meeting) meetIn(rules []rbac.Rule, n *need) *rbac.Rule {
	for i := range n.any {
		q := &n.any[i]
		if m.namespace != "" && q.URL == "" && slices.Contains(unspaced, q.Resource) {
			if !n.wide {
				continue
			}
		}
		if q.Name == "" && q.Resource == "namespaces" && m.namespace != "" {
			one := *q // which a rule may name
			one.Name = m.namespace
			q = &one
		}
		for j := range rules {
			if rules[j].Allows(q) || len(rules[j].Names) > 0 && m.byName(&rules[j], n, q) {
				return &rules[j]
			}
		}
	}
	return nil
}

// unspaced are resources of needs, which others of namespaces meet as well, that are in none: a RoleBinding does not give them.
var unspaced = []string{
	"nodes", "clusternetworkpolicies", "adminnetworkpolicies", "ciliumclusterwidenetworkpolicies", "globalnetworkpolicies",
	"clusterpolicies", "clusterexceptions", "constrainttemplates", "validatingpolicies", "mutatingpolicies", "imagevalidatingpolicies",
}

// byName says that a rule that names objects meets a request of a need: that it names one that is there. To create one is not
// allowed by its name: it has none yet.
func (m *meeting) byName(r *rbac.Rule, n *need, q *rbac.Request) bool {
	if n.names == apart || q.Name != "" || q.Verb == "create" && q.Subresource == "" || q.Verb == "deletecollection" || q.Verb == "list" || q.Verb == "watch" {
		return false
	}
	bare := *r
	bare.Names = nil
	if !bare.Allows(q) {
		return false
	}
	if n.names == chosen {
		return q.Resource != "users" || slices.ContainsFunc(r.Names, func(name string) bool {
			return rbac.NewSubject(rbac.User, "", name).Kind == rbac.User // accounts are asked about as such
		})
	}
	named := m.b.named(r)
	if q.Resource == "namespaces" {
		in := n.in
		if in == nil {
			in = m.b.namespaces
		}
		for ns := range in {
			if named[ns] {
				return true
			}
		}
		return false
	}
	of := [2]string{q.Group, q.Resource}
	for _, o := range m.b.names.kinds[of] {
		if named[o.Name] && (m.namespace == "" || o.Namespace == "" || o.Namespace == m.namespace) {
			return true
		}
	}
	if !m.b.names.read[of] {
		m.missing = append(m.missing, namesMissing(q.Resource, r.Names))
	}
	return false
}

// named are the names of a rule, to be found among objects: there may be many of both.
func (b *builder) named(r *rbac.Rule) map[string]bool {
	first := &r.Names[0]
	if b.names.sets[first] == nil {
		set := make(map[string]bool, len(r.Names))
		for _, name := range r.Names {
			set[name] = true
		}
		b.names.sets[first] = set
	}
	return b.names.sets[first]
}

// plural is the resource of a kind.
func plural(kind string) string {
	s := strings.ToLower(kind)
	switch {
	case strings.HasSuffix(s, "endpoints"):
		return s
	case strings.HasSuffix(s, "y") && !strings.HasSuffix(s, "ay"):
		return s[:len(s)-1] + "ies"
	case strings.HasSuffix(s, "s"):
		return s + "es"
	}
	return s + "s"
}

// readKinds are the kinds of which all objects were read.
func (b *builder) readKinds() map[[2]string]bool {
	read := map[[2]string]bool{}
	if b.model.Whole {
		for _, k := range kube.Read() {
			read[[2]string{k.Group, plural(k.Kind)}] = true
		}
	}
	return read
}
