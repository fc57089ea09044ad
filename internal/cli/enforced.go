package cli

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"time"

	"github.com/spf13/pflag"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/deck/scan"
	"github.com/plimsoll/plimsoll/internal/judge/network/enforcement"
)

// enforcedOptions say where it stands what a probe of the cluster's network came to.
type enforcedOptions struct{ file string }

func (o *enforcedOptions) flags(f *pflag.FlagSet) {
	f.StringVar(&o.file, "network-probe", "", "JSON report `FILE` of cluster probe --network of the same cluster: what nobody enforces counts for nothing, and findings say what is known")
}

// Bounds on a report of a probe: its size, and the age from which on it is warned of.
const (
	maxProbe    = 16 << 20
	oldProbe    = 7 * 24 * time.Hour
	earlyProbe  = 5 * time.Minute // clocks go wrong
	mostEnforce = 1000
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
	r.Targets = slices.DeleteFunc(r.Targets, func(t finding.Target) bool { return t.Network == nil })
	r.Targets = slices.CompactFunc(r.Targets, func(a, b finding.Target) bool { return a.UID == b.UID && reflect.DeepEqual(a.Network, b.Network) }) // a scan tells it of each
	switch {
	case len(r.Targets) == 0:
		return nil, fmt.Errorf("it is a report, and not one of cluster probe --network")
	case len(r.Targets) > 1:
		return nil, fmt.Errorf("it holds the networks of %d clusters: give a report of one", len(r.Targets))
	}
	n := r.Targets[0].Network
	if n.Probed.IsZero() || len(n.Enforcement) > mostEnforce {
		return nil, fmt.Errorf("it does not say when it was probed, or more than %d times whether policies are enforced", mostEnforce)
	}
	for _, e := range n.Enforcement {
		if !slices.Contains([]string{finding.Enforced, finding.Inert, finding.Inconclusive}, e.Result) {
			return nil, fmt.Errorf("policies are %q in it: use %s, %s or %s", e.Result, finding.Enforced, finding.Inert, finding.Inconclusive)
		}
	}
	return &enforcement.Known{Network: n, UID: r.Targets[0].UID}, nil
}

// of refuses what was probed in another cluster than the one with that uid. Files of no cluster are taken at the caller's word.
func (o *enforcedOptions) of(g *global, known *enforcement.Known, uid string) error {
	switch {
	case known == nil:
	case uid == "" || known.UID == "":
		g.say("plimsoll: --network-probe %s: nothing says that it is of the same cluster", o.file)
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
