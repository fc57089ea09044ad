package scan

import (
	"fmt"
	"strings"
	"time"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/judge/network/enforcement"
	"github.com/plimsoll/plimsoll/internal/read/kube/pair"
)

// tried judges whether a cluster's network did what policies said while that was tried.
func (s *scan) tried(id string, t *pair.Trial) {
	n := enforcement.Judge(t)
	target := finding.Target{ID: id, Kind: "cluster", Name: t.Cluster, Origin: "probe", UID: t.UID, Network: n, Asked: triedBy(t)}
	s.report.Targets = append(s.report.Targets, target)
	for _, g := range enforcement.Gaps(t, n) {
		g.Target = id
		s.report.Coverage = append(s.report.Coverage, g)
	}
	s.sights(&s.report.Targets[len(s.report.Targets)-1], inert(&enforcement.Known{Network: n}))
}

// inert runs the checks of enforcement.
func inert(k *enforcement.Known) (seen []sight) {
	checks := enforcement.Checks()
	for i := range checks {
		hits, counts := checks[i].Look(k)
		seen = append(seen, sight{card: &checks[i].Card, hits: hits, counts: &counts})
	}
	return seen
}

// triedBy is all that the pods of a trial asked each other.
func triedBy(t *pair.Trial) (all []finding.Asked) {
	for n := range t.Phases {
		p := &t.Phases[n]
		under := "without a policy"
		if p.Policy != "" {
			under = "under a " + p.Policy + " for " + p.Direction
		}
		for _, r := range p.Replies {
			port := "the port that policies allow"
			if r.Refused {
				port = "the port that policies refuse"
			}
			answer := "answered"
			if !r.Answered {
				answer = r.Why
			}
			if n := r.Tries - r.Same; n > 0 {
				answer += fmt.Sprintf(", from %s on", (time.Duration(r.After) * time.Millisecond).Round(100*time.Millisecond))
			}
			all = append(all, finding.Asked{
				At: r.At.String(), Service: "listener", As: "asker", What: strings.Join([]string{r.Protocol, r.Placement, port, under}, ", "), Answer: fmt.Sprintf("%s (%d tries)", answer, r.Tries),
			})
		}
	}
	return all
}

// enforced tells each finding about a network whether anybody enforces what it speaks of, where that is known.
func (s *scan) enforced(seen []sight) {
	if s.o.Enforcement == nil {
		return
	}
	words := s.o.Enforcement.Words()
	for i := range seen {
		for n := range seen[i].hits {
			h := &seen[i].hits[n]
			h.Where = strings.TrimPrefix(h.Where+"; "+words, "; ")
		}
	}
}
