package enforcement

import (
	"fmt"
	"slices"
	"strings"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/read/kube/pair"
)

// Bounds on what a report says: two kinds, directions, families, protocols and placements each.
const (
	mostWays = 32
	mostWhy  = 1 << 10 // bytes
	mostLack = 20
)

// Validate refuses what no probe says: words that are none of its own, a way that is told twice, texts without end.
func (k *Known) Validate() error {
	if k.Probed.IsZero() || len(k.Enforcement) > mostWays {
		return fmt.Errorf("it does not say when it was probed, or more than %d times whether policies are enforced", mostWays)
	}
	seen := map[finding.Enforcement]bool{}
	for i, e := range k.Enforcement {
		for _, of := range []struct {
			what, said string
			words      []string
		}{
			{"policies are", e.Result, []string{finding.Enforced, finding.Inert, finding.Inconclusive}},
			{"the policy is", e.Policy, kinds[:]},
			{"the direction is", e.Direction, directions[:]},
			{"the family is", e.Family, []string{"IPv4", "IPv6"}},
			{"the protocol is", e.Protocol, []string{"TCP", "UDP"}},
			{"the placement is", e.Placement, []string{pair.SameNode, pair.OtherNode}},
		} {
			if !slices.Contains(of.words, of.said) {
				return fmt.Errorf("enforcement[%d]: %s %.40q in it: use %s", i, of.what, of.said, strings.Join(of.words, ", "))
			}
		}
		if len(e.Why) > mostWhy {
			return fmt.Errorf("enforcement[%d]: why has more than %d bytes", i, mostWhy)
		}
		e.Result, e.Why = "", ""
		if seen[e] {
			return fmt.Errorf("enforcement[%d]: %s %s %s %s %s is told twice", i, e.Policy, e.Direction, e.Family, e.Protocol, e.Placement)
		}
		seen[e] = true
	}
	return nil
}

// Lacks takes what the report of a probe says it lacks, of the target that was probed, where rows do not say so.
func (k *Known) Lacks(gaps []finding.Gap, target string) {
	if slices.ContainsFunc(k.Enforcement, func(e finding.Enforcement) bool { return e.Result == finding.Inconclusive }) {
		return
	}
	for _, g := range gaps {
		if g.Target == target && g.Blocking && (g.Class == Inconclusive || g.Class == interrupted) && !strings.HasPrefix(g.What, notGone) && len(k.Missing) < mostLack {
			k.Missing = append(k.Missing, fmt.Sprintf("%.300s", g.What))
		}
	}
}
