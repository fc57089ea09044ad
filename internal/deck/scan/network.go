package scan

import (
	"context"
	"slices"
	"sync"

	corev1 "k8s.io/api/core/v1"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/judge/network"
	"github.com/plimsoll/plimsoll/internal/judge/network/gap"
	"github.com/plimsoll/plimsoll/internal/judge/rbac"
	"github.com/plimsoll/plimsoll/internal/judge/rbac/path"
	"github.com/plimsoll/plimsoll/internal/judge/rbac/risk"
	"github.com/plimsoll/plimsoll/internal/read/kube"
)

// lookAtNetwork finds out from where workloads can be reached, and runs all checks of networks on what is judged together: what
// one policy refuses, another may allow.
func (s *scan) lookAtNetwork(ctx context.Context, id string, l lot) (seen []sight, gaps []finding.Gap) {
	if len(l.around.Workloads) == 0 {
		return nil, nil
	}
	own := func(o *kube.Object) bool { return l.own[o.Source.Path] }
	of := network.Options{
		Whole: l.whole, Servers: s.o.Servers, Carriers: s.o.Carriers, PodAddresses: l.addresses, PodRanges: s.o.PodRanges, NodeRanges: s.o.NodeRanges,
	}
	m := network.New(l.around, of)
	real, sure := m, m
	if of.Void = s.o.Enforcement.Void(false); of.Void != nil {
		real = network.New(l.around, of)
		if of.Void = s.o.Enforcement.Void(true); of.Void != nil {
			sure = network.New(l.around, of)
		}
	}
	if err := real.Prepare(ctx); err != nil {
		return nil, interrupted()
	}
	if err := s.expose(ctx, id, real, own); err != nil {
		return nil, interrupted()
	}
	if !s.o.runs("network") {
		return nil, nil
	}
	for _, p := range m.Policies {
		if own(p.Object) {
			s.excepted.object(id, p.Object)
		}
	}
	checks := gap.Checks()
	facts, err := gap.Read(ctx, gap.Models{Written: m, Real: real, Sure: sure}, l.around, own, ServerUse(l.around, l.whole))
	if err != nil {
		return nil, interrupted()
	}
	for i := range checks {
		one := sight{card: &checks[i].Card, applies: true}
		var unknown string
		if one.hits, unknown = checks[i].Look(facts); unknown != "" {
			one.counts = &finding.Check{NotAssessed: 1}
			gaps = append(gaps, finding.Gap{Class: "unknown-fact", Count: 1, What: checks[i].ID + " would have to know " + unknown})
		}
		seen = append(seen, one)
	}
	for _, d := range m.Doubts {
		if d.Object == nil || own(d.Object) {
			class := "unknown-fact"
			if d.Broken {
				class = "unreadable-file"
			}
			gaps = append(gaps, finding.Gap{Class: class, Blocking: d.Broken, Count: 1, What: d.String()})
		}
	}
	s.enforced(seen)
	return seen, gaps
}

func interrupted() []finding.Gap {
	return []finding.Gap{{Class: "interrupted", Blocking: true, Count: 1, What: "who reaches whom was not worked out, because the scan was interrupted"}}
}

// ServerUse says what pods of a snapshot have of the API server: whether a token is in them, and whether a role gives its account something. Where
// no role was read, an account of their own may have been given something.
func ServerUse(around *kube.Snapshot, whole bool) func(*kube.Workload) gap.Use {
	rights := sync.OnceValue(func() *rbac.Model {
		if !slices.ContainsFunc(around.Objects, risk.Is) {
			return nil
		}
		return rbac.New(around, rbac.Options{Whole: whole})
	})
	return func(w *kube.Workload) (use gap.Use) {
		use.Token = path.Mounts(around, w) || slices.ContainsFunc(w.Spec.Volumes, func(v corev1.Volume) bool {
			return v.Projected != nil && slices.ContainsFunc(v.Projected.Sources, func(p corev1.VolumeProjection) bool { return p.ServiceAccountToken != nil })
		})
		account, m := path.AccountOf(w), rights()
		if m == nil {
			use.Granted = account.Name != "default" && !whole
			return use
		}
		for g := range m.Held(account.Identity()) {
			use.Granted = use.Granted || !g.Assumed && !(g.Builtin && g.Subject.Kind == rbac.Group)
		}
		return use
	}
}

// expose notes from where the workloads that are judged can be reached. Of several pods of one object the one that is reached
// most counts.
func (s *scan) expose(ctx context.Context, id string, m *network.Model, own func(*kube.Object) bool) error {
	if s.exposed == nil {
		s.exposed = map[workloadKey]network.Exposure{}
	}
	of, err := m.Exposures(ctx)
	if err != nil {
		return err
	}
	for _, e := range m.Endpoints {
		x, known := of[e]
		if !known || !own(e.Workload.Object) {
			continue
		}
		key := keyOf(id, e.Workload.Subject(""))
		if was, twice := s.exposed[key]; twice && (was.Internet == network.Yes || x.Internet != network.Yes && was.Internet == network.Unknown) {
			continue
		}
		s.exposed[key] = x
	}
	return nil
}

// workloadKey names a workload of a target.
type workloadKey struct{ target, kind, namespace, name string }

func keyOf(target string, s *finding.Subject) workloadKey {
	return workloadKey{target, s.Kind, s.Namespace, s.Name}
}

// risk is what is known of what a finding is about, beyond its severity; nil: nothing.
func (s *scan) risk(f *finding.Finding) *finding.Risk {
	if f.Subject == nil {
		return f.Risk
	}
	x := s.exposed[keyOf(f.Target, f.Subject)]
	if x.Internet == network.Unknown {
		return f.Risk
	}
	var risk finding.Risk
	if f.Risk != nil {
		risk = *f.Risk
	}
	risk.Exposed, risk.Way = x.Internet.String(), x.Why
	return &risk
}
