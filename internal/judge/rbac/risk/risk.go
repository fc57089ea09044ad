// Package risk turns who may do what, and what they can make of it, into what is wrong with it: its checks.
package risk

import (
	"slices"
	"strings"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/check"
	"github.com/plimsoll/plimsoll/internal/judge/rbac"
	"github.com/plimsoll/plimsoll/internal/judge/rbac/path"
	"github.com/plimsoll/plimsoll/internal/read/kube"
)

// Check is a card and the function that looks at all that was read.
type Check struct {
	check.Card
	whole bool // it can only be said of a whole cluster
	look  func(f *Facts) []check.Hit
}

// Checks lists all checks of RBAC.
func Checks() []Check {
	return slices.Concat(granted(), ruled(), kept())
}

// Cards lists their cards.
func Cards() (all []check.Card) {
	for _, c := range Checks() {
		all = append(all, c.Card)
	}
	return all
}

// Facts are what checks look at.
type Facts struct {
	model *rbac.Model
	kube  *kube.Snapshot
	own   func(*kube.Object) bool
	reach []path.Reach // who can be the cluster's master
}

// Read prepares the facts of a snapshot. Own says which objects are judged, and whole that there are no others. Without
// objects of RBAC among them there is nothing to look at, and none are given.
func Read(s *kube.Snapshot, own func(*kube.Object) bool, whole bool) *Facts {
	if !slices.ContainsFunc(s.Objects, func(o *kube.Object) bool { return own(o) && Is(o) }) {
		return nil
	}
	f := &Facts{model: rbac.New(s, rbac.Options{Whole: whole}), kube: s, own: own}
	f.reach = path.Build(f.model, s, nil).From(path.ToAdmin, "", func(rbac.Subject) bool { return false }, 1)
	return f
}

// Is says that an object is one that these checks look at.
func Is(o *kube.Object) bool {
	return o.Group() == "rbac.authorization.k8s.io" || o.Is("", "Secret") || o.Is("certificates.k8s.io", "CertificateSigningRequest")
}

// Problems are the objects that cannot be read as RBAC.
func (f *Facts) Problems() []*kube.Problem {
	return f.model.Problems[len(f.kube.Problems):]
}

// Unread are the roles that bindings name and that were not read.
func (f *Facts) Unread() (all []string) {
	for _, b := range f.model.Unread(func(g *rbac.Grant) bool { return f.own(g.Object) }) {
		all = append(all, b.RoleKind+" "+b.RoleName+" of "+b.String())
	}
	return all
}

// Look runs the check. Applies says that it could be run on what was read.
func (c Check) Look(f *Facts) (hits []check.Hit, applies bool) {
	if c.whole && !f.model.Whole {
		return nil, false
	}
	return c.look(f), true
}

// at is a hit at a field of an object.
func at(o *kube.Object, field, detail string) check.Hit {
	return check.Hit{Where: field, Detail: detail, At: o.At(field), Subject: o.Subject(field)}
}

// card is that of a check of RBAC. Names are the same check in other tools, and the controls that it stands for.
func card(id, title string, severity finding.Severity, names string, page check.Page) check.Card {
	return check.Card{
		ID: "rbac/" + id, Title: title, Kind: finding.KindAccess, Severity: severity, Decks: []string{finding.Ship, finding.Admit, finding.Run}, Since: "0.1", Page: page,
	}.Named(names)
}

// grants calls f for each grant that is judged: of those that people made.
func (f *Facts) grants(look func(g *rbac.Grant) (detail string, found bool)) (hits []check.Hit) {
	for _, g := range f.model.Grants {
		if g.Builtin || g.Assumed || !f.own(g.Object) {
			continue
		}
		if detail, found := look(g); found {
			hits = append(hits, at(g.Object, subjectField(g), strings.TrimSpace(g.String()+", "+g.Subject.String()+" "+detail)))
		}
	}
	return hits
}

// Examples are made of one role and one binding.
const (
	exampleRole = "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {name: cart}\nrules:\n"
	exampleHead = "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRoleBinding\nmetadata: {name: cart}\n"
)

func binds(role, subject string) string {
	return exampleHead + "roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: " + role + "}\nsubjects:\n- " + subject + "\n"
}

const cart = "{kind: ServiceAccount, namespace: shop, name: cart}"
