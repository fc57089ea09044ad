package scan

import (
	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/judge/network"
	"github.com/plimsoll/plimsoll/internal/judge/network/gap"
	"github.com/plimsoll/plimsoll/internal/read/kube"
)

// lookAtNetwork runs all checks of networks on what is judged together: what one policy refuses, another may allow.
func (s *scan) lookAtNetwork(id string, l lot) (seen []sight, gaps []finding.Gap) {
	if !s.o.runs("network") || len(l.around.Workloads) == 0 {
		return nil, nil
	}
	own := func(o *kube.Object) bool { return l.own[o.Source.Path] }
	m := network.New(l.around, network.Options{Whole: l.whole})
	for _, p := range m.Policies {
		if own(p.Object) {
			s.excepted.object(id, p.Object)
		}
	}
	checks := gap.Checks()
	facts := gap.Read(m, l.around, own)
	for i := range checks {
		seen = append(seen, sight{card: &checks[i].Card, applies: true, hits: checks[i].Look(facts)})
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
	return seen, gaps
}
