package enforcement

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/judge/network"
	"github.com/plimsoll/plimsoll/internal/read/kube/pair"
)

// Known is what is known of a cluster's enforcement; nil: nothing is.
type Known struct {
	*finding.Network
	Missing []string // what the probe was told to lack, where its rows do not say so
	Foreign bool     // nothing says that it is of the cluster that is looked at
	Old     string   // for how long it is known, where that is too long
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

// Void says on which ports nobody enforces a policy: by protocol, as they were tried. Sure: by no family of addresses and in no
// placement that was tried; else in some. Nil: there are none. Policies of the Admin and Baseline tiers are what
// ClusterNetworkPolicies were tried as.
func (k *Known) Void(sure bool) func(p *network.Policy, d network.Direction) network.Ports {
	if k == nil {
		return nil
	}
	open := map[string]network.Ports{}
	for _, kind := range kinds {
		for _, direction := range directions {
			if ports := k.open(kind, direction, sure); len(ports) > 0 {
				open[kind+" "+direction] = ports
			}
		}
	}
	if len(open) == 0 {
		return nil
	}
	return func(p *network.Policy, d network.Direction) network.Ports {
		kind := NetworkPolicy
		if p.Tier != network.Namespaced {
			kind = ClusterNetworkPolicy
		}
		return open[kind+" "+d.String()]
	}
}

// open are the ports on which a kind is not enforced. A protocol that was not tried is open where all are that were.
func (k *Known) open(kind, direction string, sure bool) (ports network.Ports) {
	inert, all := map[string]int{}, map[string]int{}
	for i := range k.Enforcement {
		e := &k.Enforcement[i]
		if e.Policy != kind || e.Direction != direction {
			continue
		}
		all[e.Protocol]++
		if e.Result == finding.Inert {
			inert[e.Protocol]++
		}
	}
	held := false
	for protocol, n := range all {
		if inert[protocol] == 0 || sure && inert[protocol] < n {
			held = true
			continue
		}
		if p, ok := network.ProtocolOf(protocol); ok {
			ports = ports.Union(network.PortsOfProtocol(p))
		}
	}
	if !held && len(all) > 0 {
		return network.AllPorts()
	}
	return ports
}

// Part says where policies are inert that are not so everywhere, as in "IPv6"; empty: there are none such.
func (k *Known) Part() string {
	var all []string
	for _, kind := range kinds {
		for _, direction := range directions {
			if result, which := k.Result(kind, direction); result == finding.Inert && which != "" && !slices.Contains(all, which) {
				all = append(all, which)
			}
		}
	}
	return strings.Join(all, ", ")
}

// Gaps tell what a probe did not find out. They block nothing, as that of the probe itself does, but for a probe that may be of
// another cluster. Tiers says that there are policies of the Admin or the Baseline tier.
func (k *Known) Gaps(tiers bool) (gaps []finding.Gap) {
	if k == nil {
		return nil
	}
	add := func(format string, args ...any) {
		gaps = append(gaps, finding.Gap{Class: Inconclusive, Count: 1, What: fmt.Sprintf(format, args...)})
	}
	if k.Foreign {
		add("whether policies are enforced: nothing says that the probe of %s is of this cluster", k.When())
		gaps[0].Blocking = true
	}
	for _, kind := range kinds {
		tried := kind == NetworkPolicy || slices.ContainsFunc(k.Enforcement, func(e finding.Enforcement) bool { return e.Policy == kind })
		switch {
		case !tried && tiers:
			add("whether policies of the Admin and Baseline tiers are enforced was not tried: plimsoll cluster probe --network --cluster-policy does")
		case tried:
			for _, direction := range directions {
				if unknown, why := k.unknown(kind, direction); unknown {
					add("whether %s%s policies are enforced was probed at %s, and is not known%s", map[string]string{ClusterNetworkPolicy: "the cluster's "}[kind], direction, k.When(), why)
				}
			}
		}
	}
	for _, what := range k.Missing {
		add("probed at %s: %s", k.When(), what)
	}
	return gaps
}

// Notes tell what bears on an answer without making it another one.
func (k *Known) Notes() (gaps []finding.Gap) {
	if k == nil {
		return nil
	}
	add := func(what string) { gaps = append(gaps, finding.Gap{Class: Inconclusive, Count: 1, What: what}) }
	if k.Old != "" {
		add("whether policies are enforced was probed at " + k.When() + ", " + k.Old + " ago, and networks change: probe again")
	}
	if len(k.Enforcement) > 0 && !slices.ContainsFunc(k.Enforcement, func(e finding.Enforcement) bool { return e.Placement == pair.OtherNode }) {
		add("whether policies are enforced was probed at " + k.When() + " between pods of one node, as there was no second one")
	}
	return gaps
}

// unknown says that a part of a kind and direction is not known, and none is known to be inert.
func (k *Known) unknown(kind, direction string) (unknown bool, which string) {
	result, _ := k.Result(kind, direction)
	if result == "" {
		return true, ""
	}
	var rows []*finding.Enforcement
	for i := range k.Enforcement {
		if e := &k.Enforcement[i]; e.Policy == kind && e.Direction == direction {
			rows = append(rows, e)
		}
	}
	if which = ways(rows, finding.Inconclusive); which != "" {
		which = " (" + which + ")"
	}
	return result == finding.Inconclusive, which
}

// When is the time of the probe.
func (k *Known) When() string { return k.Probed.UTC().Format(time.RFC3339) }

// Words say what is known, as in "ingress policies are enforced, egress policies are inert (IPv6), as probed at …"; of each kind, where
// both were tried.
func (k *Known) Words() string {
	if k == nil {
		return ""
	}
	if !slices.ContainsFunc(k.Enforcement, func(e finding.Enforcement) bool { return e.Policy == ClusterNetworkPolicy }) {
		return k.words(NetworkPolicy, "policies") + ", as probed at " + k.When()
	}
	return k.words(NetworkPolicy, "NetworkPolicies") + ", " + k.words(ClusterNetworkPolicy, "ClusterNetworkPolicies") + ", as probed at " + k.When()
}

func (k *Known) words(kind, name string) string {
	results := map[string]string{}
	var parts []string
	for _, direction := range directions {
		result, which := k.Result(kind, direction)
		if which != "" {
			which = " (" + which + ")"
		}
		results[direction] = result + which
		if result == "" || result == finding.Inconclusive {
			results[direction] = "enforced or not, which is not known"
		}
		parts = append(parts, fmt.Sprintf("%s %s are %s", direction, name, results[direction]))
	}
	if results[directions[0]] == results[directions[1]] {
		return name + " are " + results[directions[0]]
	}
	return strings.Join(parts, ", ")
}
