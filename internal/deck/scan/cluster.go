package scan

import (
	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/read/kube"
	"github.com/plimsoll/plimsoll/internal/read/kube/client"
	"github.com/plimsoll/plimsoll/internal/read/kube/dump"
)

// Cluster is what a cluster holds: read from its API server, or from a dump of that.
type Cluster struct {
	*client.Contents
	Dumped bool
}

// cluster judges the objects of a cluster as those of manifests, which they once were.
func (s *scan) cluster(id string, c *Cluster) {
	t := finding.Target{ID: id, Kind: "cluster", Name: c.Name, Origin: "api"}
	worst := s.redact.Worst
	if c.Dumped {
		t.Origin, worst = "dump", dump.Worst(worst)
	}
	s.report.Targets = append(s.report.Targets, t)
	whole := len(c.Kinds) == 0
	for _, m := range c.Missing {
		whole = whole && !m.Blocking
		s.report.Coverage = append(s.report.Coverage, finding.Gap{Class: m.Class, Blocking: m.Blocking, Target: id, What: m.What, Count: 1})
	}
	if !s.concerns(manifests) {
		return
	}
	all := lot{kube.NewSnapshot(c.Objects, nil), map[string]bool{"": true}, whole} // they stand in no file
	seen, gaps := s.judgeLots(id, []lot{all}, worst)
	for _, g := range gaps {
		g.Target = id
		s.report.Coverage = append(s.report.Coverage, g)
	}
	s.sights(&s.report.Targets[len(s.report.Targets)-1], seen)
}
