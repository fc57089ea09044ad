package rbac

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"k8s.io/apimachinery/pkg/labels"

	"github.com/plimsoll/plimsoll/internal/read/kube"
)

const (
	group              = "rbac.authorization.k8s.io"
	role               = "Role"
	clusterRole        = "ClusterRole"
	roleBinding        = "RoleBinding"
	clusterRoleBinding = "ClusterRoleBinding"
)

// Role is a Role or a ClusterRole.
type Role struct {
	*kube.Object
	Kind, Namespace, Name string
	Rules                 []Rule
	Builtin               bool // it is as Kubernetes, or an add-on that is known, makes it
	Assumed               bool // it stands in nothing that was read: every cluster has it

	selects []labels.Selector // of the ClusterRoles whose rules it gathers
}

// Aggregates says that a controller fills in its rules.
func (r *Role) Aggregates() bool { return len(r.selects) > 0 }

// String is its kind and its name, with its namespace.
func (r *Role) String() string { return title(r.Kind, r.Namespace, r.Name) }

// Binding is a RoleBinding or a ClusterRoleBinding.
type Binding struct {
	*kube.Object
	Kind, Namespace, Name string
	RoleKind, RoleName    string
	Role                  *Role // nil: there is none of that name
	Subjects              []Subject
	Builtin               bool
	Assumed               bool
}

// String is its kind and its name, with its namespace.
func (b *Binding) String() string { return title(b.Kind, b.Namespace, b.Name) }

func title(kind, namespace, name string) string {
	if namespace == "" {
		return kind + " " + name
	}
	return kind + " " + namespace + "/" + name
}

// Unread says that its role was not read, so that what it gives is not known.
func (b *Binding) Unread() string {
	return fmt.Sprintf("%s %s of %s was not read: what it gives is not known", b.RoleKind, b.RoleName, b)
}

// Grant is what one binding gives to one of its subjects: the least that can be taken away.
type Grant struct {
	*Binding
	Subject Subject
	Index   int // of the subject in the binding
}

// Model is who may do what.
type Model struct {
	Roles    []*Role
	Bindings []*Binding
	Grants   []*Grant
	Problems []*kube.Problem // objects that no API server takes, or that cannot be read
	Whole    bool

	kube  *kube.Snapshot
	roles map[[3]string]*Role
	of    map[Subject][]*Grant

	asked   []Subject
	askedIn []string
}

// Ask adds subjects and namespaces that a question is about, whether or not anything names them.
func (m *Model) Ask(subjects []Subject, namespaces []string) {
	m.asked, m.askedIn = append(m.asked, subjects...), append(m.askedIn, namespaces...)
}

// Asked are the namespaces that a question is about.
func (m *Model) Asked() []string { return m.askedIn }

// IsAsked says that a question is about a subject.
func (m *Model) IsAsked(s Subject) bool { return slices.Contains(m.asked, s) }

// Options say how a model is made.
type Options struct {
	// Whole says that the snapshot is all of a cluster: roles are as its controllers have filled them in, and what is not
	// there is nowhere. Else the roles and bindings that every cluster has are taken to be there, and aggregated roles are
	// filled in as the controller will.
	Whole bool
}

// New makes the model of a snapshot. Of two roles of one name, as a base and its overlay have them, both count.
func New(s *kube.Snapshot, o Options) *Model {
	m := &Model{kube: s, Whole: o.Whole, roles: map[[3]string]*Role{}, Problems: slices.Clone(s.Problems)}
	known := builtins()
	for _, one := range s.Objects {
		if one.Group() == group {
			m.add(one, known)
		}
	}
	if !o.Whole {
		m.assume(known)
		m.aggregate()
	}
	m.of = make(map[Subject][]*Grant, len(m.Bindings))
	for _, b := range m.Bindings {
		namespace := ""
		if b.RoleKind == role {
			namespace = b.Namespace
		}
		if b.RoleKind == clusterRole || b.Kind == roleBinding {
			b.Role = m.roles[[3]string{b.RoleKind, namespace, b.RoleName}]
		}
		for i, s := range b.Subjects {
			if s == (Subject{}) {
				continue
			}
			g := &Grant{b, s, i}
			m.Grants = append(m.Grants, g)
			m.of[s] = append(m.of[s], g)
		}
	}
	return m
}

func (m *Model) add(o *kube.Object, known *builtin) {
	var err error
	switch o.Kind {
	case role, clusterRole:
		var r *Role
		if r, err = readRole(o); err != nil {
			break
		}
		r.Builtin = known.role(r)
		key := [3]string{r.Kind, r.Namespace, r.Name}
		if was := m.roles[key]; was != nil {
			was.Rules = append(was.Rules, r.Rules...)
			was.selects = append(was.selects, r.selects...)
			was.Builtin = was.Builtin && r.Builtin
			break
		}
		m.roles[key] = r
		m.Roles = append(m.Roles, r)
	case roleBinding, clusterRoleBinding:
		var b *Binding
		if b, err = readBinding(o); err != nil && len(b.Subjects) == 0 {
			break
		}
		b.Builtin = known.binding(b)
		m.Bindings = append(m.Bindings, b)
	}
	if err != nil {
		line, where := 0, ""
		if w := (wrongError{}); errors.As(err, &w) {
			where = w.where
		}
		if at := o.At(where); len(at) > 0 {
			line = at[0].StartLine
		}
		m.Problems = append(m.Problems, &kube.Problem{Path: o.Source.Path, Line: line, What: fmt.Sprintf("%s %s: %v", o.Kind, o.Name, err)})
	}
}

// assume adds what every cluster has, but for what was read under the same name.
func (m *Model) assume(known *builtin) {
	read := map[[3]string]bool{}
	for _, b := range m.Bindings {
		read[[3]string{b.Kind, b.Namespace, b.Name}] = true
	}
	for _, key := range slices.SortedFunc(maps.Keys(known.roles), compareKey) {
		r := known.roles[key]
		if m.roles[key] == nil && !r.addOn {
			one := *r.Role
			one.Assumed = true
			m.roles[key] = &one
			m.Roles = append(m.Roles, &one)
		}
	}
	for _, key := range slices.SortedFunc(maps.Keys(known.bindings), compareKey) {
		if b := known.bindings[key]; !read[key] && !b.addOn {
			one := *b.Binding
			one.Assumed = true
			m.Bindings = append(m.Bindings, &one)
		}
	}
}

// aggregate fills in the rules of ClusterRoles that gather those of others, as the controller does, again and again until
// nothing changes: roles may gather each other, in a circle too. What such a role says itself does not count, but in a
// circle, where it may have come round before it is written over: which, the controller's pace decides.
func (m *Model) aggregate() {
	var wide []*Role
	for _, r := range m.Roles {
		if r.Kind == clusterRole {
			wide = append(wide, r)
		}
	}
	slices.SortFunc(wide, func(a, b *Role) int { return compareText(a.Name, b.Name) })
	left := effort(mostGathered)
	gather, parts := gathering(wide, &left)
	has := map[*Role]map[string]bool{}
	for _, r := range gather {
		if !circular(r, parts, &left) {
			r.Rules = nil
		}
		has[r] = map[string]bool{}
		for i := range r.Rules {
			has[r][r.Rules[i].key()] = true
		}
	}
	for changed := true; changed && left > 0; {
		changed = false
		for _, r := range gather {
			for _, other := range parts[r] {
				for _, rule := range other.Rules {
					if !left.spend(rule.size()) {
						break
					}
					if rule.From == "" {
						rule.From = other.Name
					}
					if key := rule.key(); !has[r][key] {
						has[r][key] = true
						r.Rules = append(r.Rules, rule)
						changed = true
					}
				}
			}
		}
	}
	if left < 0 {
		o := gather[max(0, slices.IndexFunc(gather, func(r *Role) bool { return !r.Assumed }))].Object
		m.Problems = append(m.Problems, &kube.Problem{Path: o.Source.Path, What: fmt.Sprintf(
			"%d ClusterRoles gather the rules of others, and it takes too long to fill all of them in: some lack rules", len(gather))})
	}
}

// gathering are the roles that gather the rules of others, and which.
func gathering(wide []*Role, left *effort) (gather []*Role, parts map[*Role][]*Role) {
	parts = map[*Role][]*Role{}
	has := make([]labels.Set, len(wide))
	for i, r := range wide {
		has[i] = r.Object.Metadata("labels")
	}
	for _, r := range wide {
		if !r.Aggregates() {
			continue
		}
		gather = append(gather, r)
		for i, other := range wide {
			if other != r && left.spend(len(r.selects)) && slices.ContainsFunc(r.selects, func(s labels.Selector) bool { return s.Matches(has[i]) }) {
				parts[r] = append(parts[r], other)
			}
		}
	}
	return gather, parts
}

// circular says that a role gathers itself by way of others, or that it takes too long to see.
func circular(r *Role, parts map[*Role][]*Role, left *effort) bool {
	seen, queue := map[*Role]bool{}, parts[r]
	for len(queue) > 0 {
		one := queue[0]
		queue = queue[1:]
		if one == r {
			return true
		}
		if !seen[one] {
			seen[one] = true
			if !left.spend(len(parts[one])) {
				return true
			}
			queue = append(queue, parts[one]...)
		}
	}
	return false
}

// key tells a rule from others, wherever it is from.
func (r *Rule) key() string {
	return fmt.Sprintf("%q %q %q %q %q", r.Verbs, r.Groups, r.Resources, r.Names, r.URLs)
}

func compareKey(a, b [3]string) int { return slices.Compare(a[:], b[:]) }

func compareText(a, b string) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}
