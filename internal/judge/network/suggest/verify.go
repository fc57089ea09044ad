package suggest

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/plimsoll/plimsoll/internal/judge/network"
	"github.com/plimsoll/plimsoll/internal/read/kube"
)

// verify holds the needs against the cluster as it is with the policies.
func (b *builder) verify(ctx context.Context, s *kube.Snapshot, needs []*Need) error {
	made, problems := kube.Manifest("suggested.yaml", []byte(b.answer.Text))
	if len(problems) > 0 {
		return fmt.Errorf("read what is suggested: %v", problems[0])
	}
	kept := b.kept(s, made)
	after := network.New(kube.NewSnapshot(slices.Concat(kept, made), nil), b.m.Options())
	at := map[string]*network.Endpoint{}
	for _, e := range after.Endpoints {
		at[fmt.Sprint(e.Kind, e)] = e
	}
	find := func(n *Need, e *network.Endpoint) *network.Endpoint {
		if e.Kind == network.Block {
			return after.At(n.Address.First())
		}
		return at[fmt.Sprint(e.Kind, e)]
	}
	for _, n := range needs {
		if !b.concerns(n) {
			continue
		}
		from, to := find(n, n.From), find(n, n.To)
		if from == nil || to == nil || len(after.Between(from, to).Intersect(n.Ports())) == 0 {
			b.answer.Cut = append(b.answer.Cut, n)
			if by := b.refused(n); by != "" {
				b.answer.Refused[n] = by
			}
			continue
		}
		if n.Why != askNames {
			b.answer.Kept = append(b.answer.Kept, n)
		}
	}
	b.sharing(after)
	return b.wider(ctx, after, kept, made)
}

// concerns says that a need has an end whose pods are held: only such are what is suggested about.
func (b *builder) concerns(n *Need) bool {
	held := func(e *network.Endpoint) bool { return e.Kind == network.Pods && b.held[e.Namespace] }
	return held(n.From) || held(n.To)
}

// kept are the objects that stay beside what is made.
func (b *builder) kept(s *kube.Snapshot, made []*kube.Object) (objects []*kube.Object) {
	named := map[[2]string]bool{}
	for _, o := range made {
		named[[2]string{o.Namespace, o.Name}] = true
	}
	var gone []string
	for _, o := range s.Objects {
		is := o.Is("networking.k8s.io", "NetworkPolicy")
		switch {
		case is && named[[2]string{o.Home(), o.Name}]:
			b.note("NetworkPolicy %s/%s is there: what is suggested takes its place", o.Home(), o.Name)
		case is && b.o.Replace && b.held[o.Home()]:
			gone = append(gone, o.Home()+"/"+o.Name)
		default:
			objects = append(objects, o)
		}
	}
	if len(gone) > 0 {
		b.note("NetworkPolicy %s are taken for gone: delete them when these are there", strings.Join(gone, ", "))
	}
	return objects
}

// wider tells of the NetworkPolicies that stay and allow more than what is made, each with an example.
func (b *builder) wider(ctx context.Context, after *network.Model, kept, made []*kube.Object) error {
	old := func(o *kube.Object) bool { return o.Is("networking.k8s.io", "NetworkPolicy") && b.held[o.Home()] }
	left := map[*kube.Object]bool{} // of whom nothing is told yet
	for _, o := range kept {
		if old(o) {
			left[o] = true
		}
	}
	if len(left) == 0 {
		return nil
	}
	of := b.m.Options()
	of.Blocks = append(slices.Clone(of.Blocks), after.Blocks()...)
	alone := network.New(kube.NewSnapshot(slices.Concat(slices.DeleteFunc(slices.Clone(kept), old), made), nil), of)
	least, err := alone.Map(ctx)
	if err != nil {
		return err
	}
	all, err := after.Map(ctx)
	if err != nil {
		return err
	}
	more, _, err := network.Diff(ctx, least, all)
	if err != nil {
		return err
	}
	looked := 0
	for _, from := range after.Endpoints {
		for to, ports := range more.Reaches(from) {
			if looked++; looked > mostLooked || len(left) == 0 {
				return ctx.Err()
			}
			for _, a := range after.Ask(from, to) {
				for _, r := range slices.Concat(a.Egress.Rules, a.Ingress.Rules) {
					if a.Allowed() && a.Ports.Meets(ports) && left[r.Policy.Object] {
						delete(left, r.Policy.Object)
						b.note("%s stays, and allows more than is needed: %s to %s on %s, for one. Delete it when these are there; --replace takes it for gone", nameOf(r.Policy), from, to, a.Ports.Intersect(ports))
					}
				}
			}
		}
	}
	return nil
}

// mostLooked is how many connections are looked at for policies that allow too much.
const mostLooked = 200_000

// refused are the policies that refuse a need already, as it is; empty: it is allowed.
func (b *builder) refused(n *Need) string {
	var by []string
	for _, a := range b.m.Ask(n.From, n.To) {
		if a.Allowed() && a.Ports.Meets(n.Ports()) {
			return ""
		}
		if !a.Ports.Meets(n.Ports()) {
			continue
		}
		for _, why := range []network.Reason{a.Egress, a.Ingress} {
			if why.Allowed {
				continue
			}
			for _, r := range why.Rules {
				by = add(by, r.String())
			}
			for _, p := range why.Isolating {
				by = add(by, nameOf(p))
			}
		}
	}
	return strings.Join(by, ", ")
}

func nameOf(p *network.Policy) string {
	return strings.Replace(p.Kind+" "+p.Namespace+"/"+p.Name, " /", " ", 1)
}

// sharing tells of policies that select pods of other workloads than the one that they are for.
func (b *builder) sharing(after *network.Model) {
	selected := map[string][]string{} // by policy: workloads
	for _, e := range after.Endpoints {
		if e.Kind != network.Pods {
			continue
		}
		for _, p := range after.Selecting(e) {
			if p.Kind == "NetworkPolicy" && b.held[p.Namespace] {
				selected[p.Namespace+"/"+p.Name] = append(selected[p.Namespace+"/"+p.Name], e.Name)
			}
		}
	}
	told := map[string]bool{}
	for _, p := range b.answer.Policies {
		of := selected[p.Namespace+"/"+p.Name]
		key := p.Namespace + " " + matching(p.selector)
		if len(p.selector) == 0 || len(of) < 2 || told[key] {
			continue
		}
		told[key] = true
		var by []string
		for _, k := range slices.Sorted(maps.Keys(p.selector)) {
			by = append(by, k+"="+p.selector[k])
		}
		b.note("labels do not tell apart %s of namespace %s: what policies allow one of them by %s, they allow all", strings.Join(of, ", "), p.Namespace, strings.Join(by, ","))
	}
}
