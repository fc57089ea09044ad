// Package least turns who may do what, and what was done, into rights that nobody used and into the smallest roles that would
// have allowed the same.
package least

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/plimsoll/plimsoll/internal/judge/rbac"
)

// Use gathers what was done with the rights of a model.
type Use struct {
	model *rbac.Model
	names bool
	of    map[rbac.Subject]*used
	done  map[string]deed // each different request of each identity

	people map[[2]string]*Person // by account and tool

	Events  int // that were let through
	Refused int
	Foreign int // let through by what is not in the model: RBAC was another, or another authorizer
	First   time.Time
	Last    time.Time
}

type deed struct {
	id rbac.Identity
	q  rbac.Request
}

// used is what one subject used: by scope, by resource, which verbs, of which names, and when last.
type used struct {
	scopes map[string]map[rbac.Request]*named // the request without its name and namespace
	last   map[rightKey]time.Time
	rules  map[ruleKey]time.Time
}

type ruleKey struct {
	grant *rbac.Grant
	rule  *rbac.Rule
}

// named are the objects that something was done with. Bound says that what the subject holds names objects, and allows it with
// no others.
type named struct {
	names map[string]bool
	bound bool
}

// rightKey is one right of one grant.
type rightKey struct {
	grant *rbac.Grant
	q     rbac.Request
}

// New begins. Names says that the smallest roles name objects, where few were used.
func New(m *rbac.Model, names bool) *Use {
	return &Use{model: m, names: names, of: map[rbac.Subject]*used{}, done: map[string]deed{}}
}

// own says that a grant is one that people made, and so may be made smaller.
func own(g *rbac.Grant) bool { return g != nil && !g.Builtin && !g.Assumed }

// Add counts a request that was decided at a time.
func (u *Use) Add(id rbac.Identity, q rbac.Request, at time.Time, allowed bool) {
	if !allowed {
		u.Refused++
		return
	}
	u.Events++
	if u.First.IsZero() || at.Before(u.First) {
		u.First = at
	}
	if at.After(u.Last) {
		u.Last = at
	}
	why := u.model.Can(id, &q)
	if len(why) == 0 {
		u.Foreign++
		return
	}
	u.done[fmt.Sprint(id, q)] = deed{id, q}
	for _, r := range why {
		if !own(r.Grant) {
			continue
		}
		s := u.of[r.Grant.Subject]
		if s == nil {
			s = &used{map[string]map[rbac.Request]*named{}, map[rightKey]time.Time{}, map[ruleKey]time.Time{}}
			u.of[r.Grant.Subject] = s
		}
		bare := q
		bare.Name, bare.Namespace = "", ""
		if s.scopes[q.Namespace] == nil {
			s.scopes[q.Namespace] = map[rbac.Request]*named{}
		}
		if s.scopes[q.Namespace][bare] == nil {
			any := q
			any.Name = ""
			s.scopes[q.Namespace][bare] = &named{map[string]bool{}, !u.model.Gives(r.Grant.Subject, &any)}
		}
		s.scopes[q.Namespace][bare].names[q.Name] = true
		whole := ruleKey{r.Grant, r.Rule}
		s.rules[whole] = later(s.rules[whole], at)
		for one := range rbac.Requests(serving(r.Rule, &q)) {
			key := rightKey{r.Grant, one}
			s.last[key] = later(s.last[key], at)
		}
	}
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// serving is what of a rule, a "*" in it being one, is for a request: each of its words once.
func serving(r *rbac.Rule, q *rbac.Request) *rbac.Rule {
	only := func(list []string, serves func(rbac.Rule) bool, with func(string) rbac.Rule) (kept []string) {
		for _, word := range list {
			if serves(with(word)) && !slices.Contains(kept, word) {
				kept = append(kept, word)
			}
		}
		return kept
	}
	allows := func(one rbac.Rule) bool { return one.Allows(q) }
	all, any := []string{q.Verb}, []string{"*"}
	of := &rbac.Rule{Verbs: only(r.Verbs, allows, func(w string) rbac.Rule { return rbac.Rule{Verbs: []string{w}, Groups: any, Resources: any, URLs: any} })}
	if q.URL != "" {
		of.URLs = only(r.URLs, allows, func(w string) rbac.Rule { return rbac.Rule{Verbs: all, URLs: []string{w}} })
		return of
	}
	of.Groups = only(r.Groups, allows, func(w string) rbac.Rule { return rbac.Rule{Verbs: all, Groups: []string{w}, Resources: any} })
	of.Resources = only(r.Resources, allows, func(w string) rbac.Rule { return rbac.Rule{Verbs: all, Groups: any, Resources: []string{w}} })
	if slices.Contains(r.Names, q.Name) {
		of.Names = []string{q.Name}
	}
	return of
}

// mostRights is how many rights are told of one by one: what is past it is told by the rule.
const mostRights = 200_000

// Right is one verb on one resource that a grant gives, or one rule of it.
type Right struct {
	Grant *rbac.Grant
	What  string
	Last  time.Time // zero: not once
}

// Rights lists what every grant of people's making gives, and when it was used last; unused ones first within a grant.
func (u *Use) Rights() (all []Right) {
	left := mostRights
	for _, g := range u.model.Grants {
		if !own(g) || g.Role == nil {
			continue
		}
		seen := map[rbac.Request]bool{}
		var some []Right
		for i := range g.Role.Rules {
			rule := &g.Role.Rules[i]
			gives := g.Effect(rule)
			if gives == nil {
				continue // nobody can use it
			}
			n := gives.Amount()
			if n > left {
				r := Right{Grant: g, What: gives.String()}
				if s := u.of[g.Subject]; s != nil {
					r.Last = s.rules[ruleKey{g, rule}]
				}
				some = append(some, r)
				continue
			}
			left -= n
			for q := range rbac.Requests(gives) {
				if seen[q] {
					continue
				}
				seen[q] = true
				r := Right{Grant: g, What: said(q)}
				if s := u.of[g.Subject]; s != nil {
					r.Last = s.last[rightKey{g, q}]
				}
				some = append(some, r)
			}
		}
		slices.SortStableFunc(some, func(a, b Right) int { return a.Last.Compare(b.Last) })
		all = append(all, some...)
	}
	return all
}

func said(q rbac.Request) string {
	if q.URL != "" {
		return q.Verb + " " + q.URL
	}
	s := q.Verb + " " + q.Resource
	if q.Subresource != "" {
		s += "/" + q.Subresource
	}
	if q.Group != "" {
		s += "." + q.Group
	}
	if q.Name != "" {
		s += " named " + q.Name
	}
	return s
}

// Role is a smallest role, for one subject in one namespace or, where that is empty, in all.
type Role struct {
	Subject   rbac.Subject
	Namespace string
	Name      string
	Rules     []rbac.Rule
}

// mostNames is how many objects a rule names: of more it says nothing, unless what it is made of named them, too.
const mostNames = 10

// between stands between names while rules are put together: a user's may have spaces.
const between = "\x00"

// Roles are the smallest that allow what was done, for each subject that did anything.
func (u *Use) Roles() (all []Role) {
	for _, s := range slices.SortedFunc(maps.Keys(u.of), rbac.Compare) {
		for _, scope := range slices.Sorted(maps.Keys(u.of[s].scopes)) {
			all = append(all, Role{s, scope, roleName(s), u.rules(u.of[s].scopes[scope])})
		}
	}
	return all
}

// roleName is one that an API server takes.
func roleName(s rbac.Subject) string {
	name := strings.ToLower(s.Kind + "-" + s.Namespace + "-" + s.Name)
	if s.Namespace == "" {
		name = strings.ToLower(s.Kind + "-" + s.Name)
	}
	return "least-" + strings.Map(func(r rune) rune {
		if strings.ContainsRune("abcdefghijklmnopqrstuvwxyz0123456789-.:", r) {
			return r
		}
		return '-'
	}, name)
}

// rules are the fewest: verbs of one resource together, and resources of one group that have the same verbs.
func (u *Use) rules(scope map[rbac.Request]*named) (rules []rbac.Rule) {
	type of struct{ group, resource, url, names string }
	verbs := map[of][]string{}
	for q, done := range scope {
		resource := q.Resource
		if q.Subresource != "" {
			resource += "/" + q.Subresource
		}
		key := of{q.Group, resource, q.URL, ""}
		if list := slices.Sorted(maps.Keys(done.names)); done.bound || u.names && len(list) <= mostNames && list[0] != "" {
			key.names = strings.Join(list, between)
		}
		verbs[key] = append(verbs[key], q.Verb)
	}
	type alike struct{ group, verbs, names, kind string }
	merged := map[alike][]string{}
	for key, list := range verbs {
		slices.Sort(list)
		a := alike{key.group, strings.Join(list, " "), key.names, "resource"}
		if key.url != "" {
			a.kind = "url"
			merged[a] = append(merged[a], key.url)
			continue
		}
		merged[a] = append(merged[a], key.resource)
	}
	for a, list := range merged {
		slices.Sort(list)
		r := rbac.Rule{Verbs: strings.Fields(a.verbs)}
		if a.kind == "url" {
			r.URLs = list
		} else {
			r.Groups, r.Resources = []string{a.group}, list
			if a.names != "" {
				r.Names = strings.Split(a.names, between)
			}
		}
		rules = append(rules, r)
	}
	slices.SortFunc(rules, func(a, b rbac.Rule) int { return cmp.Compare(a.String(), b.String()) })
	return rules
}

// Replay asks a model, of the smallest roles in the place of the grants that people made, for each different request that was
// let through, and gives those that would not be any more.
func (u *Use) Replay(m *rbac.Model) (deeds int, refused []string) {
	for _, key := range slices.Sorted(maps.Keys(u.done)) {
		d := u.done[key]
		deeds++
		if len(m.Can(d.id, &d.q)) == 0 {
			q := d.q
			refused = append(refused, d.id.User+": "+said(q))
		}
	}
	return deeds, refused
}
