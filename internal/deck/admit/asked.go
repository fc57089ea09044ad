package admit

import (
	"maps"
	"slices"

	v1 "k8s.io/api/admissionregistration/v1"

	"github.com/plimsoll/plimsoll/internal/read/kube"
	"github.com/plimsoll/plimsoll/internal/weigh/policy/native"
)

// Closed are the namespaces about which nobody is asked: without what they hold, a cluster does not start.
func Closed() []string { return []string{"kube-system", "kube-node-lease"} }

// NotOfANode leaves out what a kubelet does: it makes mirrors of what runs already, and must be able to while nothing
// else does.
func NotOfANode() v1.MatchCondition {
	return v1.MatchCondition{Name: "not-of-a-node", Expression: `!("system:nodes" in request.userInfo.groups)`}
}

// PodRules are the objects that make pods, when they are written.
func PodRules() (all []v1.RuleWithOperations) {
	resources := map[string][]string{"": {"pods/ephemeralcontainers"}}
	for _, m := range kube.Makers() {
		served, _ := native.Served(nil, m.GroupVersionKind)
		resources[m.Group] = append(resources[m.Group], served.Resource)
	}
	for _, group := range slices.Sorted(maps.Keys(resources)) {
		slices.Sort(resources[group])
		all = append(all, rule(group, []v1.OperationType{v1.Create, v1.Update}, resources[group]...))
	}
	return all
}

// ConnectRule is what is opened into containers that run.
func ConnectRule() v1.RuleWithOperations {
	return rule("", []v1.OperationType{v1.Connect}, "pods/attach", "pods/exec", "pods/portforward")
}

// ChangeRule is what is changed: pods when they are made.
func ChangeRule() v1.RuleWithOperations { return rule("", []v1.OperationType{v1.Create}, "pods") }

func rule(group string, operations []v1.OperationType, resources ...string) v1.RuleWithOperations {
	scope := v1.NamespacedScope
	return v1.RuleWithOperations{
		Operations: operations, Rule: v1.Rule{APIGroups: []string{group}, APIVersions: []string{"v1"}, Resources: resources, Scope: &scope},
	}
}
