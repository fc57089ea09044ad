// Package directory holds what a cluster lets people and groups of a directory do against who is in that directory: who
// has rights and left, and which groups nobody is in.
package directory

import (
	"fmt"
	"strings"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/check"
	"github.com/plimsoll/plimsoll/internal/read/kube"
)

const rbac = "rbac.authorization.k8s.io"

// Known is who is in the directory.
type Known struct {
	UserPrefix, GroupPrefix string
	Person                  func(name string) (known bool, out string)
	Group                   func(name string) (known, living bool)
}

// Check is a card and the function that looks at one subject of a binding.
type Check struct {
	check.Card
	look func(k *Known, s *subject) (detail string, found bool)
}

// subject is whom a binding names.
type subject struct {
	kind, name string // User or Group
}

// Checks lists all checks.
func Checks() []Check { return []Check{personGone, personOut, groupUnknown, groupEmpty, personBound} }

// Is says that an object binds people to rights.
func Is(o *kube.Object) bool {
	return o.Is(rbac, "RoleBinding") || o.Is(rbac, "ClusterRoleBinding")
}

// Result is what the checks found in one binding.
type Result struct {
	Hits     map[string][]check.Hit // by the id of the check
	Subjects int                    // of the directory
}

// Look runs all checks on a binding.
func Look(o *kube.Object, k *Known) Result {
	r := Result{Hits: map[string][]check.Hit{}}
	all, _ := o.Fields["subjects"].([]any)
	ref, _ := o.Fields["roleRef"].(map[string]any)
	for i, one := range all {
		fields, _ := one.(map[string]any)
		s := &subject{}
		s.kind, _ = fields["kind"].(string)
		s.name, _ = fields["name"].(string)
		if !k.is(s) {
			continue
		}
		r.Subjects++
		for _, c := range Checks() {
			detail, found := c.look(k, s)
			if !found {
				continue
			}
			field := fmt.Sprintf("subjects[%d]", i)
			r.Hits[c.ID] = append(r.Hits[c.ID], check.Hit{
				Where: field, Detail: fmt.Sprintf("%s %s gives %v %v to %s", o.Kind, o.Name, ref["kind"], ref["name"], detail),
				At: o.At(field), Subject: o.Subject(field), Severity: c.Severity,
			})
		}
	}
	return r
}

// is says whether a subject is the directory's to name.
func (k *Known) is(s *subject) bool {
	return s.kind == "User" && strings.HasPrefix(s.name, k.UserPrefix) || s.kind == "Group" && strings.HasPrefix(s.name, k.GroupPrefix)
}

func card(id, title string, severity finding.Severity, why, fix, bad, good string) check.Card {
	return check.Card{
		ID: id, Title: title, Kind: finding.KindAccess, Severity: severity, Decks: []string{"admit"}, Since: "0.1",
		Page: check.Page{Why: why, Fix: fix, Bad: bad, Good: good},
	}
}

// binding is the example of a page.
func binding(kind, name string) string {
	return `apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: see, namespace: shop}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: see}
subjects:
- {apiGroup: rbac.authorization.k8s.io, kind: ` + kind + `, name: "` + name + `"}
`
}

const team = "ldap:devs"

var personGone = Check{
	Card: card("directory/person-gone", "person with rights is not in the directory", finding.High,
		"Who left is not in the directory any more, and has kept the rights: they are there again for the next person of that name, and for whoever may make an account.",
		"Take the subject out of the binding, or the binding away.", binding("User", "ldap:gone"), binding("Group", team)),
	look: func(k *Known, s *subject) (string, bool) {
		known, _ := k.person(s)
		return s.name + ", whom the directory does not have", s.kind == "User" && !known
	},
}

var personOut = Check{
	Card: card("directory/person-out", "person with rights may not sign in", finding.Medium,
		"The account is disabled, locked or expired. Most of those are never used again, and the rights wait for whoever brings the account back.",
		"Take the subject out of the binding, unless the account is to be used again.", binding("User", "ldap:disabled"), binding("Group", team)),
	look: func(k *Known, s *subject) (string, bool) {
		_, out := k.person(s)
		return s.name + ": " + out, out != ""
	},
}

var groupUnknown = Check{
	Card: card("directory/group-unknown", "group with rights is not in the directory", finding.High,
		"Nobody is in a group that is not there, until somebody makes one of that name: whoever may do that in the directory has the rights. It may also be a name with a typing error, and then those whom it was for lack them.",
		"Name the group as the directory does, or take the subject out of the binding.", binding("Group", "ldap:no-such"), binding("Group", team)),
	look: func(k *Known, s *subject) (string, bool) {
		known, _ := k.group(s)
		return s.name + ", which the directory does not have, or does not tell the cluster of", s.kind == "Group" && !known
	},
}

var groupEmpty = Check{
	Card: card("directory/group-empty", "nobody is in a group with rights", finding.Low,
		"Rights that nobody has used are rights that nobody looks at. Whoever is put into the group has them, and may not know.",
		"Take the binding away, or put those into the group whom it is for.", binding("Group", "ldap:empty"), binding("Group", team)),
	look: func(k *Known, s *subject) (string, bool) {
		known, living := k.group(s)
		return s.name + ", in which nobody is who may sign in", known && !living
	},
}

var personBound = Check{
	Card: card("directory/person-bound", "person has rights by name, and not by a group", finding.Low,
		"A binding to a person stays when the person changes to other work, for the directory does not know of it. Groups are kept where people come and go.",
		"Make a group in the directory for the work, and bind that.", binding("User", "ldap:alice"), binding("Group", team)),
	look: func(k *Known, s *subject) (string, bool) {
		known, _ := k.person(s)
		return s.name + " by name", known
	},
}

func (k *Known) person(s *subject) (known bool, out string) {
	if s.kind != "User" {
		return false, ""
	}
	return k.Person(s.name)
}

func (k *Known) group(s *subject) (known, living bool) {
	if s.kind != "Group" {
		return false, false
	}
	return k.Group(s.name)
}
