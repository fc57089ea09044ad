package gap

import (
	"fmt"
	"maps"
	"strings"

	"github.com/plimsoll/plimsoll/internal/check"
	"github.com/plimsoll/plimsoll/internal/judge/network"
)

// written are the checks of policies that do not say what they seem to.
func written() []Check {
	first := strings.Replace(wide, "NAME", "one", 1) + "  priority: 10\n  subject: {namespaces: {}}\n  ingress:\n  - {action: Deny, from: [{namespaces: {}}]}\n---\n"
	second := strings.Replace(wide, "NAME", "two", 1) + "  priority: PRIORITY\n  subject: {namespaces: {}}\n  ingress:\n  - {action: Pass, from: [{namespaces: {}}]}\n"
	return []Check{
		{Card: card("policy-selects-nothing", "a policy selects no pods", "low", "", check.Page{
			Why: "No pod that was read has the labels that the policy asks for, or is in the namespaces: it holds nobody. A label was misspelled, or the pods are gone.",
			Fix: "Give the policy the labels that the pods have, or delete it.",
			Bad: shop + head + "  podSelector: {matchLabels: {app: card}}\n", Good: shop + head + "  podSelector: {matchLabels: {app: cart}}\n",
		}), look: func(f *Facts) []check.Hit {
			return f.policies(func(p *network.Policy) (hits []check.Hit) {
				if !f.model.Selects(p) && f.has(p.Namespace) {
					hits = append(hits, at(p.Object, subjectField(p), p.Kind+" "+p.Name+": "+p.Selector()))
				}
				return hits
			})
		}},
		{Card: card("peer-selects-nothing", "a rule names pods that are none", "low", "", check.Page{
			Why:  "No pod that was read is one of those that the rule names: it allows, or denies, nothing. A label was misspelled, or namespaceSelector and podSelector, meant as two entries, are one.",
			Fix:  "Give the rule the labels that pods and namespaces have, or delete it.",
			Bad:  shop + head + "  podSelector: {}\n  ingress:\n  - from: [{podSelector: {matchLabels: {app: card}}}]\n",
			Good: shop + head + "  podSelector: {}\n  ingress:\n  - from: [{podSelector: {matchLabels: {app: cart}}}]\n",
		}), look: func(f *Facts) []check.Hit {
			return f.rules(func(r *network.Rule) (string, bool) {
				for _, p := range f.model.Parties(r) {
					if p.Nobody && p.Block == nil && p.Known {
						return p.Words, true
					}
				}
				return "", false
			})
		}},
		{Card: card("rule-void", "a rule changes nothing, as others decide before it or allow all that it allows", "low", "", check.Page{
			Why:  "Who reads the rule believes that it does something. Rules of policies of the Admin tier decide before it, by priority and order; or rules of other NetworkPolicies allow the same, so that taking this one away closes nothing.",
			Fix:  "Delete the rule, or put it before those that decide.",
			Bad:  shop + head + "  podSelector: {}\n  ingress:\n  - from: [{podSelector: {}}]\n  - from: [{podSelector: {matchLabels: {app: cart}}}]\n",
			Good: shop + head + "  podSelector: {}\n  ingress:\n  - from: [{podSelector: {}}]\n",
		}), look: func(f *Facts) []check.Hit {
			idle := maps.Clone(f.idle)
			for _, pair := range f.undecided { // of which nobody knows which one decides
				delete(idle, pair[0])
				delete(idle, pair[1])
			}
			return f.rules(func(r *network.Rule) (string, bool) {
				switch idle[r] {
				case network.Decided:
					return "earlier rules decide", true
				case network.Told:
					return "other rules allow the same", true
				}
				return "", false
			})
		}},
		{Card: card("order-undefined", "policies of one priority say different things, and nobody knows which one holds", "medium", "", check.Page{
			Why: "Of two ClusterNetworkPolicies of the same tier and priority that match a connection, a network may take either.",
			Fix: "Give each policy of a tier a priority of its own.",
			Bad: shop + first + strings.Replace(second, "PRIORITY", "10", 1), Good: shop + first + strings.Replace(second, "PRIORITY", "5", 1),
		}), look: func(f *Facts) (hits []check.Hit) {
			for _, pair := range f.undecided {
				if p := pair[1].Policy; f.own(p.Object) {
					hits = append(hits, at(p.Object, "spec.priority", fmt.Sprintf("%s and %s", pair[0], pair[1])))
				}
			}
			return hits
		}},
	}
}

// has says that pods of a namespace were read, or of any: a policy alone in its file says nothing of whom it selects.
func (f *Facts) has(namespace string) bool {
	for _, e := range f.model.Endpoints {
		if e.Kind == network.Pods && (namespace == "" || e.Namespace == namespace) {
			return true
		}
	}
	return false
}

func subjectField(p *network.Policy) string {
	if p.Tier == network.Namespaced {
		return "spec.podSelector"
	}
	return "spec.subject"
}
