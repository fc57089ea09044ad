package rbac

import (
	_ "embed"
	"iter"
	"slices"
	"strings"
	"sync"

	"github.com/plimsoll/plimsoll/internal/read/kube"
)

//go:generate go test . -run TestBuiltin -update

// The roles and bindings that an API server and its controllers make, as they come from one (Kubernetes 1.37), its resources,
// and what kubeadm and CoreDNS add.
var (
	//go:embed builtin.json
	builtinObjects []byte
	//go:embed addons.yaml
	addonObjects []byte
	//go:embed resources.txt
	resourceLines string
)

// builtin is what is known by its content.
type builtin struct {
	roles    map[[3]string]knownRole
	bindings map[[3]string]knownBinding
}

type knownRole struct {
	*Role
	addOn bool
}

type knownBinding struct {
	*Binding
	addOn bool
}

var builtins = sync.OnceValue(func() *builtin {
	known := &builtin{map[[3]string]knownRole{}, map[[3]string]knownBinding{}}
	enter := func(name string, text []byte, addOn bool) {
		objects, _ := kube.Manifest(name, text) // a test reads them, too
		m := &Model{}
		for _, o := range objects {
			o.Source = kube.Source{}
			switch o.Kind {
			case role, clusterRole:
				r, _ := readRole(o)
				r.Builtin = true
				m.Roles = append(m.Roles, r)
				known.roles[[3]string{r.Kind, r.Namespace, r.Name}] = knownRole{r, addOn}
			case roleBinding, clusterRoleBinding:
				b, _ := readBinding(o)
				b.Builtin = true
				known.bindings[[3]string{b.Kind, b.Namespace, b.Name}] = knownBinding{b, addOn}
			}
		}
		m.aggregate()
	}
	enter("builtin.json", builtinObjects, false)
	enter("addons.yaml", addonObjects, true)
	return known
})

// role says that a role gives no more than the one that is known by its name. One that takes too long to compare gives more.
func (k *builtin) role(r *Role) bool {
	known, ok := k.roles[[3]string{r.Kind, r.Namespace, r.Name}]
	if !ok || r.Aggregates() && !known.Aggregates() {
		return false
	}
	left := effort(mostCompared)
	return !slices.ContainsFunc(r.Rules, func(one Rule) bool { return !covers(known.Rules, &one, &left) })
}

// binding says that a binding gives the role to no others than the one that is known by its name.
func (k *builtin) binding(b *Binding) bool {
	known, ok := k.bindings[[3]string{b.Kind, b.Namespace, b.Name}]
	if !ok || b.RoleKind != known.RoleKind || b.RoleName != known.RoleName {
		return false
	}
	return !slices.ContainsFunc(b.Subjects, func(s Subject) bool { return !slices.Contains(known.Subjects, s) })
}

func (k *builtin) rulesOf(clusterRoleName string) []Rule {
	return k.roles[[3]string{clusterRole, "", clusterRoleName}].Rules
}

// Bounds on work that grows as a product of what a file holds. Of the roles that are known, none takes a tenth of it.
const (
	mostCompared = 1 << 18 // words held against words, to say that some rules cover others
	mostGathered = 1 << 22 // words of rules that ClusterRoles gather of others
)

// effort is how much may still be done: what would take more is not done at all.
type effort int

// spend says that there was enough left.
func (e *effort) spend(n int) bool {
	*e -= effort(n)
	return *e >= 0
}

// covers says that all that a rule allows is allowed by some others. What takes more than the effort is not covered.
func covers(rules []Rule, one *Rule, left *effort) bool {
	for i := range rules {
		if !left.spend(one.size() + rules[i].size()) {
			return false
		}
		if rules[i].contains(one) {
			return true
		}
	}
	for q := range Requests(one) { // together, then
		if !slices.ContainsFunc(rules, func(r Rule) bool { return left.spend(r.size()) && r.Allows(&q) }) {
			return false
		}
	}
	return true
}

// size is how many words a rule has.
func (r *Rule) size() int {
	return len(r.Verbs) + len(r.Groups) + len(r.Resources) + len(r.Names) + len(r.URLs) + 1
}

// contains says that a rule by itself allows all that another does, but for what it takes patterns to see.
func (r *Rule) contains(one *Rule) bool {
	named := len(r.Names) == 0 || len(one.Names) > 0 && within(one.Names, r.Names, "")
	onResources := len(one.Groups) == 0 || len(one.Resources) == 0 || named && within(one.Groups, r.Groups, "*") && within(one.Resources, r.Resources, "*")
	return onResources && within(one.Verbs, r.Verbs, "*") && (len(one.URLs) == 0 || within(one.URLs, r.URLs, "*"))
}

// within says that each word of a list is in another, or that any is, in time that grows with their sum.
func within(list, of []string, any string) bool {
	if any != "" && slices.Contains(of, any) || slices.Equal(list, of) {
		return true
	}
	if len(of) < 16 {
		return !slices.ContainsFunc(list, func(s string) bool { return !slices.Contains(of, s) })
	}
	set := make(map[string]bool, len(of))
	for _, s := range of {
		set[s] = true
	}
	return !slices.ContainsFunc(list, func(s string) bool { return !set[s] })
}

// Requests are what a rule allows, one by one, in no namespace; a "*" in it stands for itself, which only a "*" allows. There
// may be more of them than can be gone through: [Rule.Amount].
func Requests(r *Rule) iter.Seq[Request] {
	names := r.Names
	if len(names) == 0 {
		names = []string{""}
	}
	return func(yield func(Request) bool) {
		for _, verb := range r.Verbs {
			for _, u := range r.URLs {
				if !yield(Request{Verb: verb, URL: u}) {
					return
				}
			}
			for _, g := range r.Groups {
				for _, word := range r.Resources {
					resource, sub, _ := strings.Cut(word, "/")
					for _, n := range names {
						if !yield(Request{Verb: verb, Group: g, Resource: resource, Subresource: sub, Name: n}) {
							return
						}
					}
				}
			}
		}
	}
}

// Amount is how many requests a rule allows: with the bound on lists, no more than an int holds.
func (r *Rule) Amount() int {
	return len(r.Verbs) * (len(r.URLs) + len(r.Groups)*len(r.Resources)*max(1, len(r.Names)))
}

// Resource is one that Kubernetes itself serves.
type Resource struct {
	Group, Name string
	Namespaced  bool
	Subs        []string // its subresources
}

// Resources lists them, for Kubernetes 1.37.
var Resources = sync.OnceValue(func() (all []Resource) {
	for line := range strings.Lines(resourceLines) {
		f := strings.Fields(line) // name group|- namespaced|cluster subs|-
		if len(f) != 4 {
			continue
		}
		r := Resource{Name: f[0], Namespaced: f[2] == "namespaced"}
		if f[1] != "-" {
			r.Group = f[1]
		}
		if f[3] != "-" {
			r.Subs = strings.Split(f[3], ",")
		}
		all = append(all, r)
	}
	return all
})

// asked are resources that nothing serves: the API server asks whether somebody may impersonate them, or approve for them.
var asked = []Resource{
	{Name: "users"},
	{Name: "groups"},
	{Name: "userextras", Group: "authentication.k8s.io"},
	{Name: "uids", Group: "authentication.k8s.io"},
	{Name: "signers", Group: "certificates.k8s.io"},
}

// Asked says that a resource is one that nothing serves, whose objects are whatever name is asked about.
func (r *Resource) Asked() bool {
	return slices.ContainsFunc(asked, func(a Resource) bool { return a.Name == r.Name && a.Group == r.Group })
}

// Find is a resource by its name, and by its group where the name has one: deployments, or deployments.apps. Of several
// groups that serve one of the name (events) the first counts.
func Find(word string) (Resource, bool) {
	for _, list := range [][]Resource{Resources(), asked} {
		for _, r := range list {
			if word == r.Name || word == r.Name+"."+r.Group {
				return r, true
			}
		}
	}
	return Resource{}, false
}

// Idle is what of a rule a RoleBinding does not give: paths, and resources that belong to no namespace. A Namespace itself, the
// API server takes to be in the namespace of its name.
func (r *Rule) Idle() (all []string) {
	all = append(all, r.URLs...)
	for _, word := range r.Resources {
		name, _, _ := strings.Cut(word, "/")
		known, spaced := false, name == "namespaces"
		for _, list := range [][]Resource{Resources(), asked} {
			for _, one := range list {
				if one.Name == name && has(r.Groups, one.Group, "*") {
					known, spaced = true, spaced || one.Namespaced
				}
			}
		}
		foreign := slices.ContainsFunc(r.Groups, func(g string) bool { return g == "*" || !strings.HasSuffix(g, ".k8s.io") && strings.Contains(g, ".") })
		if known && !spaced && !foreign {
			all = append(all, word)
		}
	}
	return all
}

// Effect is what a grant gives of a rule of its role: a RoleBinding nothing that is Idle; nil: nothing.
func (g *Grant) Effect(r *Rule) *Rule {
	if g.Kind != roleBinding {
		return r
	}
	idle := r.Idle()
	if len(idle) == 0 {
		return r
	}
	one := *r
	one.URLs = nil
	one.Resources = slices.DeleteFunc(slices.Clone(r.Resources), func(word string) bool { return slices.Contains(idle, word) })
	if len(one.Resources) == 0 {
		return nil
	}
	return &one
}

// verbs are those that the API server itself asks about, of objects and of paths.
var verbs = []string{
	"get", "list", "watch", "create", "update", "patch", "delete", "deletecollection", "*",
	"use", "bind", "escalate", "impersonate", "approve", "sign", "attest", "post", "put", "head", "options",
}

// Verbs are all that mean something: the API server's own, and those that roles name, which other programs may ask about.
func (m *Model) Verbs() []string {
	all := slices.Clone(verbs)
	for _, r := range m.Roles {
		for i := range r.Rules {
			all = append(all, r.Rules[i].Verbs...)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}
