package cli

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/pflag"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/deck/scan"
	"github.com/plimsoll/plimsoll/internal/judge/network"
	"github.com/plimsoll/plimsoll/internal/judge/network/enforcement"
)

// enforcedOptions say where it stands what a probe of the cluster's network came to.
type enforcedOptions struct{ file string }

func (o *enforcedOptions) flags(f *pflag.FlagSet) {
	f.StringVar(&o.file, "network-probe", "", "JSON report `FILE` of cluster probe --network of the same cluster: what nobody enforces counts for nothing, and findings say what is known")
}

// Bounds on a report of a probe: its size, and the age from which on it is warned of.
const (
	maxProbe   = 16 << 20
	oldProbe   = 7 * 24 * time.Hour
	earlyProbe = 5 * time.Minute // clocks go wrong
)

// read reads the report; nil where none is named.
func (o *enforcedOptions) read(g *global) (*enforcement.Known, error) {
	if o.file == "" {
		return nil, nil
	}
	text, err := readFile(o.file, maxProbe)
	if err != nil {
		return nil, usage("--network-probe: %w", err)
	}
	known, err := probed(text)
	if err != nil {
		return nil, usage("--network-probe %s: %w", o.file, err)
	}
	age := g.env.Now().Sub(known.Probed)
	if age < -earlyProbe {
		return nil, usage("--network-probe %s: it was probed at %s, which is yet to come: a clock is wrong, here or there", o.file, known.When())
	}
	g.say("plimsoll: %s, %s ago", known.Words(), roughly(age))
	if age > oldProbe {
		known.Old = roughly(age)
		g.say("plimsoll: --network-probe %s: it is older than %s, and networks change: probe again", o.file, roughly(oldProbe))
	}
	return known, nil
}

// probed finds what was probed in a report.
func probed(text []byte) (*enforcement.Known, error) {
	var r finding.Report
	if err := json.Unmarshal(text, &r); err != nil || r.Schema != finding.Schema {
		return nil, fmt.Errorf("it is no JSON report of plimsoll (%s)", finding.Schema)
	}
	var one *finding.Target // a scan tells it of each of its targets
	clusters := 0
	for i := range r.Targets {
		t := &r.Targets[i]
		if t.Network == nil {
			continue
		}
		if t.Network.UID == "" {
			t.Network.UID = t.UID
		}
		if t.UID != "" && t.UID != t.Network.UID {
			return nil, fmt.Errorf("it says of target %s that it is the cluster with the uid %q, and that its network is of that with the uid %q", t.ID, t.UID, t.Network.UID)
		}
		switch {
		case one == nil:
			one, clusters = t, 1
		case !one.Network.Probed.Equal(t.Network.Probed) || !slices.Equal(one.Network.Enforcement, t.Network.Enforcement) || one.Network.UID != t.Network.UID && one.Network.UID != "" && t.Network.UID != "":
			clusters++
		case one.Network.UID == "":
			one = t
		}
	}
	switch {
	case one == nil:
		return nil, fmt.Errorf("it is a report, and not one of cluster probe --network")
	case clusters > 1:
		return nil, fmt.Errorf("it holds the networks of %d clusters: give a report of one", clusters)
	}
	known := &enforcement.Known{Network: one.Network}
	if err := known.Validate(); err != nil {
		return nil, err
	}
	known.Lacks(r.Coverage, one.ID)
	return known, nil
}

// of refuses what was probed in another cluster than the one with that uid. Files of no cluster are taken at the caller's word; a
// probe of no known cluster is not, where the cluster is known.
func (o *enforcedOptions) of(g *global, known *enforcement.Known, uid string) error {
	switch {
	case known == nil:
	case uid == "":
		g.say("plimsoll: --network-probe %s: nothing says that it is of the same cluster", o.file)
	case known.UID == "":
		known.Foreign = true
	case uid != known.UID:
		return usage("--network-probe %s: it is of another cluster: its namespace kube-system has the uid %s, and here it is %s", o.file, known.UID, uid)
	}
	return nil
}

// into has a scan know what is known, of each cluster that it is of.
func (o *enforcedOptions) into(g *global, so *scan.Options, subjects []scan.Subject, known *enforcement.Known) error {
	so.Enforcement = known
	uids := map[string]bool{}
	for _, one := range subjects {
		uid := "" // files are of no cluster
		if one.Cluster != nil {
			uid = one.Cluster.UID
		}
		if uids[uid] {
			continue
		}
		uids[uid] = true
		if err := o.of(g, known, uid); err != nil {
			return err
		}
	}
	return nil
}

// enforcement notes what a probe did not find out.
func (w *wires) enforcement() {
	tiers := slices.ContainsFunc(w.written.Policies, func(p *network.Policy) bool { return p.Tier != network.Namespaced })
	for _, g := range w.known.Gaps(tiers) {
		if w.untried = append(w.untried, g.What); g.Blocking {
			w.read = append(w.read, g.What)
		}
	}
}

// unknown is all that is not known, or not for certain.
func (w *wires) unknown() (all []string) {
	all = slices.Clone(w.gaps)
	for _, what := range w.untried {
		if !slices.Contains(all, what) {
			all = append(all, what)
		}
	}
	for _, g := range w.known.Notes() {
		all = append(all, g.What)
	}
	return all
}

// idle says that a probe was given in vain.
func (o *enforcedOptions) idle(g *global, r *finding.Report) {
	if o.file != "" && !slices.ContainsFunc(r.Targets, func(t finding.Target) bool { return t.Network != nil }) {
		g.say("plimsoll: --network-probe %s changes nothing: no manifest was judged, or not by checks of networks", o.file)
	}
}

// roughly is a time in the largest unit of which it is more than one.
func roughly(d time.Duration) string {
	switch {
	case d >= 48*time.Hour:
		return count(int(d/(24*time.Hour)), "day")
	case d >= 2*time.Hour:
		return count(int(d/time.Hour), "hour")
	}
	return count(int(max(d, 0)/time.Minute), "minute")
}
