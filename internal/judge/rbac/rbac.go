// Package rbac turns Kubernetes' RBAC objects into who may do what, with the binding, the role and the rule that say so, and
// into what is wrong with them. It answers as the API server's own authorizers do: RBAC, the group system:masters, and the
// node authorizer. Webhooks that authorize, and ABAC, are not seen.
package rbac

import (
	"cmp"
	"slices"
	"strings"
)

// Rule is one rule of a role, as in a PolicyRule of rbac.authorization.k8s.io/v1.
type Rule struct {
	Verbs     []string `json:"verbs"`
	Groups    []string `json:"apiGroups,omitempty"`
	Resources []string `json:"resources,omitempty"`
	Names     []string `json:"resourceNames,omitempty"`
	URLs      []string `json:"nonResourceURLs,omitempty"`

	// From is the ClusterRole that an aggregated one has it of.
	From string `json:"-"`
}

// Request is one thing that somebody wants to do.
type Request struct {
	Verb string

	Group, Resource, Subresource string
	Namespace                    string // empty: in no namespace, or in all
	Name                         string // empty: of no object, or of any

	URL string // in the place of a resource
}

// Allows says that the rule allows a request, as the API server's authorizer does it (RuleAllows of
// kubernetes/plugin/pkg/auth/authorizer/rbac).
func (r *Rule) Allows(q *Request) bool {
	if !has(r.Verbs, q.Verb, "*") {
		return false
	}
	if q.URL != "" {
		return slices.ContainsFunc(r.URLs, func(u string) bool {
			return u == "*" || u == q.URL || strings.HasSuffix(u, "*") && strings.HasPrefix(q.URL, strings.TrimRight(u, "*"))
		})
	}
	return has(r.Groups, q.Group, "*") && r.onResource(q.Resource, q.Subresource) && (len(r.Names) == 0 || slices.Contains(r.Names, q.Name))
}

func (r *Rule) onResource(resource, sub string) bool {
	whole := resource
	if sub != "" {
		whole += "/" + sub
	}
	return slices.ContainsFunc(r.Resources, func(one string) bool {
		return one == "*" || one == whole || sub != "" && len(one) == len(sub)+2 && strings.HasPrefix(one, "*/") && one[2:] == sub
	})
}

func has(list []string, either, or string) bool {
	for _, s := range list {
		if s == either || s == or {
			return true
		}
	}
	return false
}

// String is the rule as people write it: get,list secrets,pods.apps in their groups.
func (r *Rule) String() string {
	s := strings.Join(r.Verbs, ",")
	if len(r.URLs) > 0 {
		return s + " " + strings.Join(r.URLs, ",")
	}
	s += " " + strings.Join(r.Resources, ",")
	if groups := strings.Join(r.Groups, ","); groups != "" {
		s += " of " + groups
	}
	if len(r.Names) > 0 {
		s += " named " + strings.Join(r.Names, ",")
	}
	return s
}

// Kinds of subject.
const (
	User           = "User"
	Group          = "Group"
	ServiceAccount = "ServiceAccount"
)

// Names and groups that mean something to the API server itself.
const (
	accountPrefix   = "system:serviceaccount:"
	nodePrefix      = "system:node:"
	masters         = "system:masters"
	nodes           = "system:nodes"
	authenticated   = "system:authenticated"
	unauthenticated = "system:unauthenticated"
	anonymous       = "system:anonymous"
	accounts        = "system:serviceaccounts"
)

// Subject is whom a binding names: a user, a group, or a service account of a namespace.
type Subject struct{ Kind, Namespace, Name string }

// NewSubject is one in the only form that is compared: a user whose name is a service account's is that account.
func NewSubject(kind, namespace, name string) Subject {
	if kind == User {
		if ns, account, ok := strings.Cut(strings.TrimPrefix(name, accountPrefix), ":"); ok && strings.HasPrefix(name, accountPrefix) && !strings.Contains(account, ":") {
			return Subject{ServiceAccount, ns, account}
		}
	}
	if kind != ServiceAccount {
		namespace = ""
	}
	return Subject{kind, namespace, name}
}

func (s Subject) String() string {
	if s.Kind == ServiceAccount {
		return "ServiceAccount " + s.Namespace + "/" + s.Name
	}
	return s.Kind + " " + s.Name
}

// Username is what the API server calls a user or an account.
func (s Subject) Username() string {
	if s.Kind == ServiceAccount {
		return accountPrefix + s.Namespace + ":" + s.Name
	}
	return s.Name
}

// Compare orders subjects by kind, namespace and name.
func Compare(a, b Subject) int {
	return cmp.Or(strings.Compare(a.Kind, b.Kind), strings.Compare(a.Namespace, b.Namespace), strings.Compare(a.Name, b.Name))
}

// Identity is who sends a request: a user and the groups that the API server puts it in.
type Identity struct {
	User   string
	Groups []string
}

// Identity is the one that a subject has when it is authenticated: a service account's groups are fixed, a node's too. Of a
// user they are those that are given; of a group it is a nameless member.
func (s Subject) Identity(groups ...string) Identity {
	switch {
	case s.Kind == ServiceAccount:
		return Identity{s.Username(), []string{accounts, accounts + ":" + s.Namespace, authenticated}}
	case s.Kind == Group && s.Name == unauthenticated:
		return Identity{anonymous, []string{unauthenticated}}
	case s.Kind == Group:
		groups = append([]string{s.Name}, groups...)
		if strings.HasPrefix(s.Name, accounts+":") {
			groups = append(groups, accounts)
		}
	case s.Name == anonymous:
		return Identity{anonymous, []string{unauthenticated}}
	case strings.HasPrefix(s.Name, nodePrefix):
		groups = append(slices.Clone(groups), nodes)
	}
	id := Identity{Groups: append(slices.Clone(groups), authenticated)}
	if s.Kind == User {
		id.User = s.Name
	}
	slices.Sort(id.Groups)
	id.Groups = slices.Compact(id.Groups)
	return id
}

// Subjects are those by which bindings mean the identity.
func (id Identity) Subjects() []Subject {
	var all []Subject
	if id.User != "" {
		all = append(all, NewSubject(User, "", id.User))
	}
	for _, g := range id.Groups {
		all = append(all, Subject{Kind: Group, Name: g})
	}
	return all
}
