package admit

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
)

// startGroups are those of what a starting cluster needs before any pod runs; nodes are in the core group.
var startGroups = []string{"authentication.k8s.io", "authorization.k8s.io", "certificates.k8s.io", "coordination.k8s.io", "flowcontrol.apiserver.k8s.io"}

// NotForAStart is a condition that leaves out what a starting cluster needs before any pod runs, whatever policies say
// that they are about.
func NotForAStart() admissionregistrationv1.MatchCondition {
	return admissionregistrationv1.MatchCondition{
		Name: "not-for-a-start",
		Expression: `request.userInfo.username != "system:apiserver" && !(request.resource.group == "" && request.resource.resource == "nodes") && ` +
			`!(request.resource.group in ["` + strings.Join(startGroups, `", "`) + `"])`,
	}
}

// NeverAsked says of each policy that is about nothing but what a starting cluster needs that nobody is asked about it.
func (l *Line) NeverAsked() (all []string) {
	for _, name := range slices.Sorted(maps.Keys(l.said)) {
		rules := l.said[name].rules
		if len(rules) > 0 && !slices.ContainsFunc(rules, func(r admissionregistrationv1.RuleWithOperations) bool { return !onlyForAStart(r) }) {
			all = append(all, fmt.Sprintf("policy %s: it is about nothing but nodes, leases, access reviews or the like, which are let in unasked: a cluster must be able to start", name))
		}
	}
	return all
}

func onlyForAStart(r admissionregistrationv1.RuleWithOperations) bool {
	needed := !slices.ContainsFunc(r.APIGroups, func(g string) bool { return !slices.Contains(startGroups, g) })
	return needed || slices.Equal(r.APIGroups, []string{""}) && slices.Equal(r.Resources, []string{"nodes"})
}
