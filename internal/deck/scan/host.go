package scan

import (
	"slices"
	"strings"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/judge/node"
	hosts "github.com/plimsoll/plimsoll/internal/judge/node/all"
	"github.com/plimsoll/plimsoll/internal/judge/pod/container"
	"github.com/plimsoll/plimsoll/internal/read/host"
)

// programs are those of a control plane: a host that has none of them shows nothing of one.
var programs = []string{"kube-apiserver", "kube-controller-manager", "kube-scheduler", "etcd"}

// host judges what is set on a host.
func (s *scan) host(id string, h *host.Host) error {
	s.report.Targets = append(s.report.Targets, finding.Target{ID: id, Kind: "host", Name: h.Name, Origin: "host"})
	gaps := slices.Clone(h.Gaps)
	if !h.Has(programs...) {
		gaps = append(gaps, finding.Gap{Class: "not-visible", Count: 1, What: "no control plane is on this host: where it is another's, or managed, nothing is known of how it is set"})
	}
	static := slices.ContainsFunc(h.Components, func(c *host.Component) bool { return c.Manifest != "" })
	if static && !h.Has("kubelet", "k3s", "rke2") {
		gaps = append(gaps, finding.Gap{Class: "not-visible", Count: 1, What: "no kubelet is seen on this host, and something has to start its static pods: nothing is known of how it is set"})
	}
	if len(h.Components)+len(h.Containers) == 0 {
		gaps = append(gaps, finding.Gap{Class: "no-component", Blocking: true, Count: 1, What: "nothing of Kubernetes and no container engine was found" + unseen(h)})
	}
	if err := s.components(id, h, gaps); err != nil {
		return err
	}
	s.sights(&s.report.Targets[len(s.report.Targets)-1], s.containers(h))
	return nil
}

// containers runs the checks of containers on those that Docker runs.
func (s *scan) containers(h *host.Host) (seen []sight) {
	checks := container.Checks()
	for i := range checks {
		seen = append(seen, sight{card: &checks[i].Card, counts: &finding.Check{}})
	}
	for _, c := range h.Containers {
		facts := container.Facts{Container: c, Secret: s.redact.Worst}
		for i := range checks {
			hits := checks[i].Look(&facts)
			seen[i].hits = append(seen[i].hits, hits...)
			seen[i].counts.Evaluated++
			if len(hits) > 0 {
				seen[i].counts.Failed++
			}
		}
	}
	for i := range seen {
		switch {
		case len(h.Containers) > 0:
		case h.Elsewhere:
			seen[i].counts.NotAssessed = 1
		default:
			seen[i].counts.NotApplicable = 1
		}
	}
	return seen
}

func unseen(h *host.Host) string {
	if !h.Live {
		return ": no process is seen, and no file of one is here"
	}
	return ""
}

// components runs the checks of hosts and control planes, tells what they would have to know, and holds versions against
// advisories.
func (s *scan) components(id string, h *host.Host, gaps []finding.Gap) error {
	var seen []sight
	for _, c := range hosts.Checks() {
		if !s.o.runs(word(c.ID)) {
			continue
		}
		a := c.Run(h, s.o.Now)
		seen = append(seen, sight{card: &c.Card, hits: a.Hits, counts: tally(a)})
		if len(a.Unknown) > 0 {
			slices.Sort(a.Unknown)
			a.Unknown = slices.Compact(a.Unknown)
			gaps = append(gaps, finding.Gap{Class: "unknown-fact", Count: len(a.Unknown), What: c.ID + " would have to know " + some(a.Unknown)})
		}
	}
	for _, g := range gaps {
		g.Target, g.Path = id, strings.TrimPrefix(g.Path, "/")
		s.report.Coverage = append(s.report.Coverage, g)
	}
	s.sights(&s.report.Targets[len(s.report.Targets)-1], seen)
	return s.vulnerabilities(id, h)
}

// tally is how often a check passed and failed.
func tally(a node.Answer) *finding.Check {
	if !a.Applies() {
		return &finding.Check{NotApplicable: 1}
	}
	return &finding.Check{Evaluated: a.Passed + a.Failed, Failed: a.Failed, NotAssessed: a.Doubtful}
}
