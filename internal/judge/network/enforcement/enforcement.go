// Package enforcement turns what pods met while policies came and went into whether a cluster's network does what
// policies say, and into what that means for who reaches whom.
package enforcement

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/read/kube/pair"
)

// The kinds of policy that are tried.
const (
	NetworkPolicy        = "NetworkPolicy"
	ClusterNetworkPolicy = "ClusterNetworkPolicy"
)

// kinds are those of policies, in the order in which they are told.
var kinds = [...]string{NetworkPolicy, ClusterNetworkPolicy}

// Directions are those that are tried.
var directions = [...]string{"ingress", "egress"}

// Judge says what a trial came to: a row for each kind of policy, direction and way between the pods.
func Judge(t *pair.Trial) *finding.Network {
	n := &finding.Network{Probed: t.Ended, UID: t.UID, Enforcement: []finding.Enforcement{}}
	if len(t.Phases) == 0 {
		return n
	}
	for _, kind := range kinds {
		if kind == ClusterNetworkPolicy && !t.ClusterPolicy {
			continue
		}
		for _, direction := range directions {
			at := slices.IndexFunc(t.Phases, func(p pair.Phase) bool { return p.Policy == kind && p.Direction == direction })
			for _, r := range t.Phases[0].Replies {
				if !r.Refused {
					continue
				}
				e := finding.Enforcement{Policy: kind, Direction: direction, Family: r.Family, Protocol: r.Protocol, Placement: r.Placement}
				e.Result, e.Why = decide(t, at, r.Link)
				if allowing := t.Allowing[pair.Held{Policy: kind, Direction: direction}]; e.Result == finding.Inert && len(allowing) > 0 {
					e.Result, e.Why = finding.Inconclusive, "it may be allowed by "+few(allowing)
				}
				n.Enforcement = append(n.Enforcement, e)
			}
			n.Enforcement = append(n.Enforcement, untried(t, kind, direction)...)
		}
	}
	return n
}

// notTried begins why a way is not known whose placement was not tried.
const notTried = "not tried: "

// untried are the ways of placements that could have been tried, and were not: who reads the report later is to know.
func untried(t *pair.Trial, kind, direction string) (rows []finding.Enforcement) {
	for _, u := range t.Untried {
		if !u.Blocking || u.What != pair.SameNode && u.What != pair.OtherNode {
			continue
		}
		for _, r := range t.Phases[0].Replies {
			e := finding.Enforcement{Policy: kind, Direction: direction, Family: r.Family, Protocol: r.Protocol, Placement: u.What, Result: finding.Inconclusive, Why: notTried + fmt.Sprintf("%.300s", u.Why)}
			if !slices.Contains(rows, e) {
				rows = append(rows, e)
			}
		}
	}
	return rows
}

// leastTries is how often somebody has to answer who ought not to, and mostLost how often at most he was silent before: the first may be lost
// to a network that begins. Who was silent for longer may have been held by a policy that let go.
const (
	leastTries = 3
	mostLost   = 2
)

// decide says what became of one way. It answers without a policy before and after, or nothing is known; and between them
// the port that the policy refuses says whether it holds, while the other one says that the policy alone is in the way.
func decide(t *pair.Trial, at int, l pair.Link) (result, why string) {
	allowed := l
	allowed.Refused = false
	for _, port := range []pair.Link{l, allowed} {
		if r := find(t, 0, port); r == nil || !r.Answered || !r.Settled {
			return finding.Inconclusive, "without a policy it does not answer" + because(r) + ": the network is broken, or refuses it already" + beside(t)
		}
	}
	switch {
	case at < 0:
		return finding.Inconclusive, "the policy was not tried"
	case at+1 >= len(t.Phases):
		return finding.Inconclusive, "whether it answers again without the policy was not tried"
	}
	for _, control := range []int{at - 1, at + 1} {
		for _, port := range []pair.Link{l, allowed} {
			if r := find(t, control, port); r == nil || !r.Answered || !r.Settled {
				when := map[bool]string{true: "after the policy was taken away", false: "before the policy was made"}[control > at]
				return finding.Inconclusive, when + " it did not answer" + because(r) + ": something else is in the way"
			}
		}
	}
	refused, let := find(t, at, l), find(t, at, allowed)
	switch {
	case refused == nil || let == nil:
		return finding.Inconclusive, "the policy was not tried"
	case refused.Answered && refused.Same >= leastTries && refused.Tries-refused.Same <= mostLost:
		return finding.Inert, fmt.Sprintf("answered %d times while a policy refused it%s", refused.Same, before(refused))
	case refused.Answered || !refused.Settled:
		return finding.Inconclusive, "now it was refused, and now answered" + before(refused)
	case !let.Answered || !let.Settled:
		return finding.Inconclusive, "what the policy allows was refused, too" + because(let)
	}
	return finding.Enforced, ""
}

// before says what came before the last tries, which agree.
func before(r *pair.Reply) string {
	lost := r.Tries - r.Same
	if lost <= 0 {
		return ""
	}
	return fmt.Sprintf(" (the last %d of %d tries agree, from %s on)", r.Same, r.Tries, (time.Duration(r.After) * time.Millisecond).Round(100*time.Millisecond))
}

func find(t *pair.Trial, phase int, l pair.Link) *pair.Reply {
	if phase < 0 || phase >= len(t.Phases) {
		return nil
	}
	all := t.Phases[phase].Replies
	if i := slices.IndexFunc(all, func(r pair.Reply) bool { return r.Link == l }); i >= 0 {
		return &all[i]
	}
	return nil
}

func because(r *pair.Reply) string {
	switch {
	case r == nil:
		return ""
	case r.Why != "":
		return " (" + r.Why + ")"
	}
	return " all the time"
}

// beside names what else may be in the way of pods that do not reach each other at all.
func beside(t *pair.Trial) string {
	all := slices.Clone(t.Beside)
	for _, direction := range directions {
		for _, name := range t.Allowing[pair.Held{Policy: NetworkPolicy, Direction: direction}] {
			if !slices.Contains(all, name) {
				all = append(all, name)
			}
		}
	}
	if len(t.Injected) > 0 {
		all = append(all, "containers that somebody put into the pods: "+few(t.Injected))
	}
	if len(all) == 0 {
		return ""
	}
	return "; there are " + few(all)
}

// Gaps are what is not known for it, and what could not be taken away again. What could not be otherwise blocks nothing.
func Gaps(t *pair.Trial, n *finding.Network) (gaps []finding.Gap) {
	add := func(blocking bool, count int, format string, args ...any) {
		gaps = append(gaps, finding.Gap{Class: Inconclusive, Blocking: blocking, Count: count, What: fmt.Sprintf(format, args...)})
	}
	switch t.Stopped {
	case "":
	case pair.Interrupted:
		gaps = append(gaps, finding.Gap{Class: interrupted, Blocking: true, Count: 1, What: "whether network policies are enforced: " + t.Stopped})
	default:
		add(true, 1, "whether network policies are enforced: %s%s", t.Stopped, beside(t))
	}
	var order []string
	by := map[string][]string{}
	for i := range n.Enforcement {
		e := &n.Enforcement[i]
		if e.Result != finding.Inconclusive || t.Stopped != "" && e.Why == "the policy was not tried" || strings.HasPrefix(e.Why, notTried) {
			continue
		}
		if by[e.Why] == nil {
			order = append(order, e.Why)
		}
		by[e.Why] = append(by[e.Why], strings.Join([]string{e.Policy, e.Direction, e.Family, e.Protocol, e.Placement}, " "))
	}
	for _, why := range order {
		add(true, len(by[why]), "%s: %s", few(by[why]), why)
	}
	for _, u := range t.Untried {
		add(u.Blocking, 1, "%s was not tried: %s", u.What, u.Why)
	}
	for _, what := range t.Left {
		add(true, 1, notGone+"%s", what)
	}
	return gaps
}

// Inconclusive is the class of gaps of a trial.
const Inconclusive = "inconclusive-probe"

const (
	interrupted = "interrupted"
	notGone     = "not taken away again: "
)

// mostNamed is how many names are told.
const mostNamed = 4

func few(names []string) string {
	if more := len(names) - mostNamed; more > 1 {
		return strings.Join(names[:mostNamed], ", ") + fmt.Sprintf(" and %d more", more)
	}
	return strings.Join(names, ", ")
}
