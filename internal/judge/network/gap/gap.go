// Package gap turns who reaches whom into what is wrong with it: its checks.
package gap

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/check"
	"github.com/plimsoll/plimsoll/internal/judge/network"
	"github.com/plimsoll/plimsoll/internal/read/kube"
)

// Check is a card and the function that looks at all that was read.
type Check struct {
	check.Card
	look func(f *Facts) []check.Hit
	// unknown is what the check would have to know, and nobody said; nil: nothing beside what was read.
	unknown func(f *Facts) string
}

// Checks lists all checks of networks.
func Checks() []Check { return slices.Concat(held(), reached(), written(), mistaken(), published()) }

// Cards lists their cards.
func Cards() (all []check.Card) {
	for _, c := range Checks() {
		all = append(all, c.Card)
	}
	return all
}

// Facts are what checks look at.
type Facts struct {
	model *network.Model // as the policies are written
	real  *network.Model // as far as somebody enforces them everywhere
	sure  *network.Model // as far as somebody enforces them anywhere
	kube  *kube.Snapshot
	own   func(*kube.Object) bool
	use   func(*kube.Workload) Use

	idle      map[*network.Rule]network.Idle
	undecided [][2]*network.Rule
	servers   []network.Server // the API server's
}

// Models are what policies come to: as they are written; with what is not enforced everywhere void; and with what is enforced nowhere void.
// They are one where that is not known.
type Models struct{ Written, Real, Sure *network.Model }

// Read prepares the facts of models of a snapshot. Own says which objects are judged, and use what pods have of the API server. What takes long is done here, and
// ends with the context.
func Read(ctx context.Context, of Models, s *kube.Snapshot, own func(*kube.Object) bool, use func(*kube.Workload) Use) (*Facts, error) {
	m := of.Written
	f := &Facts{model: m, real: of.Real, sure: of.Sure, kube: s, own: own, use: use, servers: of.Real.Servers()}
	err := m.Prepare(ctx)
	if err == nil {
		err = of.Real.Prepare(ctx)
	}
	if err == nil {
		err = of.Sure.Prepare(ctx)
	}
	if err == nil {
		f.idle, err = m.Idles(ctx)
	}
	if err == nil {
		f.undecided, err = m.Undecided(ctx)
	}
	return f, err
}

// Look runs the check. Unknown is what it would have to know to find all; empty: nothing.
func (c Check) Look(f *Facts) (hits []check.Hit, unknown string) {
	if c.unknown != nil {
		unknown = c.unknown(f)
	}
	return c.look(f), unknown
}

func at(o *kube.Object, field, detail string) check.Hit {
	return check.Hit{Where: field, Detail: detail, At: o.At(field), Subject: o.Subject(field)}
}

// card is that of a check of networks. Names are the same check in other tools, and the controls that it stands for.
func card(id, title string, severity finding.Severity, names string, page check.Page) check.Card {
	return check.Card{
		ID: "network/" + id, Title: title, Kind: finding.KindNetwork, Severity: severity, Decks: []string{finding.Ship, finding.Admit, finding.Run}, Since: "0.1", Page: page,
	}.Named(names)
}

// pods are the endpoints that are judged, by namespace, in the order of the model.
func (f *Facts) pods(m *network.Model) (namespaces []string, of map[string][]*network.Endpoint) {
	of = map[string][]*network.Endpoint{}
	for _, e := range m.Endpoints {
		if e.Kind != network.Pods || !f.own(e.Workload.Object) {
			continue
		}
		if of[e.Namespace] == nil {
			namespaces = append(namespaces, e.Namespace)
		}
		of[e.Namespace] = append(of[e.Namespace], e)
	}
	return namespaces, of
}

// perNamespace makes one hit of each namespace of whose pods some are found. Says is what they do, as in "take".
func (f *Facts) perNamespace(says string, found func(*network.Endpoint) bool) []check.Hit {
	return f.perNamespaceOf(f.real, says, found)
}

// perNamespaceOf is the same of the pods of a model.
func (f *Facts) perNamespaceOf(m *network.Model, says string, found func(*network.Endpoint) bool) (hits []check.Hit) {
	namespaces, of := f.pods(m)
	for _, ns := range namespaces {
		var names []string
		var first *network.Endpoint
		for _, e := range of[ns] {
			if found(e) {
				if first == nil {
					first = e
				}
				names = append(names, e.Name)
			}
		}
		if first == nil {
			continue
		}
		detail := fmt.Sprintf("namespace %s: %d of %d %s: %s", ns, len(names), len(of[ns]), says, few(names))
		hit := at(first.Workload.Object, first.Workload.Path("metadata.labels"), detail)
		if o := f.kube.Find("", "Namespace", "", ns); o != nil && f.own(o) {
			hit = at(o, "metadata.name", detail)
		}
		hit.Subject = &finding.Subject{APIVersion: "v1", Kind: "Namespace", Name: ns, Field: "metadata.name"} // whatever it is told at
		hits = append(hits, hit)
	}
	return hits
}

// mostNamed is how many names a hit tells.
const mostNamed = 8

func few(names []string) string {
	if more := len(names) - mostNamed; more > 1 {
		return strings.Join(names[:mostNamed], ", ") + fmt.Sprintf(" and %d more", more)
	}
	return strings.Join(names, ", ")
}

// policies calls look for each policy that is judged.
func (f *Facts) policies(look func(p *network.Policy) []check.Hit) (hits []check.Hit) {
	for _, p := range f.model.Policies {
		if f.own(p.Object) {
			hits = append(hits, look(p)...)
		}
	}
	return hits
}

// rules calls look for each rule of each policy that is judged.
func (f *Facts) rules(look func(r *network.Rule) (detail string, found bool)) []check.Hit {
	return f.policies(func(p *network.Policy) (hits []check.Hit) {
		for _, rules := range p.Rules {
			for _, r := range rules {
				if detail, found := look(r); found {
					hits = append(hits, at(p.Object, r.Field(), r.String()+": "+detail))
				}
			}
		}
		return hits
	})
}

// Examples are made of these.
const (
	namespace = "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop}\n---\n"
	cart      = "apiVersion: v1\nkind: Pod\nmetadata: {name: cart, namespace: shop, labels: {app: cart}}\nspec:\n  containers:\n  - {name: cart, image: registry.example/shop/cart}\n---\n"
	shop      = namespace + cart
	head      = "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: cart, namespace: shop}\nspec:\n"
	wide      = "apiVersion: policy.networking.k8s.io/v1alpha2\nkind: ClusterNetworkPolicy\nmetadata: {name: NAME}\nspec:\n  tier: Admin\n"
)
