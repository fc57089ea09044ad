package enforcement

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/judge/network"
)

// Known is what is known of a cluster's enforcement; nil: nothing is.
type Known struct {
	*finding.Network
	UID string // of the cluster
}

// Result is what came of a kind of policy in a direction as a whole: inert where any way is, enforced where all are. Which
// says which ways, where it is not all of them.
func (k *Known) Result(kind, direction string) (result, which string) {
	var rows []*finding.Enforcement
	by := map[string]int{}
	for i := range k.Enforcement {
		if e := &k.Enforcement[i]; e.Policy == kind && e.Direction == direction {
			rows = append(rows, e)
			by[e.Result]++
		}
	}
	switch {
	case by[finding.Inert] > 0:
		result = finding.Inert
	case len(rows) == 0:
		return "", ""
	case by[finding.Inconclusive] > 0:
		return finding.Inconclusive, ""
	default:
		return finding.Enforced, ""
	}
	return result, ways(rows, result)
}

// ways names the rows of a result by what tells them from the others; empty: all are.
func ways(rows []*finding.Enforcement, result string) string {
	parts := []func(*finding.Enforcement) string{
		func(e *finding.Enforcement) string { return e.Family },
		func(e *finding.Enforcement) string { return e.Protocol },
		func(e *finding.Enforcement) string { return e.Placement },
	}
	var words []string
	exact, of := 1, 0
	for _, part := range parts {
		var all, some []string
		for _, e := range rows {
			if !slices.Contains(all, part(e)) {
				all = append(all, part(e))
			}
			if e.Result == result && !slices.Contains(some, part(e)) {
				some = append(some, part(e))
			}
		}
		exact *= len(some)
		if len(some) < len(all) {
			words = append(words, strings.Join(some, " and "))
		}
	}
	var each []string
	for _, e := range rows {
		if e.Result == result {
			of++
			each = append(each, e.Family+" "+e.Protocol+" "+e.Placement)
		}
	}
	if of != exact { // it is no simple part
		return few(each)
	}
	return strings.Join(words, " ")
}

// Void says which policies nobody, or not everywhere, enforces; nil where there are none. Policies of the Admin and Baseline
// tiers are what ClusterNetworkPolicies were tried as.
func (k *Known) Void() func(p *network.Policy, d network.Direction) bool {
	if k == nil {
		return nil
	}
	inert := map[string]bool{}
	for _, kind := range []string{NetworkPolicy, ClusterNetworkPolicy} {
		for _, direction := range directions {
			if result, _ := k.Result(kind, direction); result == finding.Inert {
				inert[kind+" "+direction] = true
			}
		}
	}
	if len(inert) == 0 {
		return nil
	}
	return func(p *network.Policy, d network.Direction) bool {
		kind := NetworkPolicy
		if p.Tier != network.Namespaced {
			kind = ClusterNetworkPolicy
		}
		return inert[kind+" "+d.String()]
	}
}

// Gaps tell what a probe did not find out. They block nothing: that of the probe itself does.
func (k *Known) Gaps() (gaps []finding.Gap) {
	for _, direction := range directions {
		if result, _ := k.Result(NetworkPolicy, direction); result == "" || result == finding.Inconclusive {
			gaps = append(gaps, finding.Gap{Class: Inconclusive, Count: 1, What: fmt.Sprintf("whether %s policies are enforced was probed at %s, and is not known", direction, k.When())})
		}
	}
	return gaps
}

// When is the time of the probe.
func (k *Known) When() string { return k.Probed.UTC().Format(time.RFC3339) }

// Words say what is known, as in "ingress policies are enforced, egress policies inert (IPv6), as probed at …".
func (k *Known) Words() string {
	if k == nil {
		return ""
	}
	results := map[string]string{}
	var parts []string
	for _, direction := range directions {
		result, which := k.Result(NetworkPolicy, direction)
		if which != "" {
			which = " (" + which + ")"
		}
		results[direction] = result + which
		if result == "" || result == finding.Inconclusive {
			results[direction] = "enforced or not, which is not known"
		}
		parts = append(parts, fmt.Sprintf("%s policies are %s", direction, results[direction]))
	}
	if results[directions[0]] == results[directions[1]] {
		parts = []string{"policies are " + results[directions[0]]}
	}
	return strings.Join(parts, ", ") + ", as probed at " + k.When()
}
