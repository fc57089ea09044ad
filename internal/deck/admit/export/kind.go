package export

import (
	"errors"
	"fmt"
	"slices"

	v1 "k8s.io/api/admissionregistration/v1"

	"github.com/plimsoll/plimsoll/internal/deck/admit"
	"github.com/plimsoll/plimsoll/internal/read/kube"
	"github.com/plimsoll/plimsoll/internal/weigh/policy"
)

const kindOf = `(request.kind.kind + "." + request.kind.group)`

// subjects are the objects that a policy looks at: what makes pods, or the kinds that it names. Names are those that its
// expressions name. An error says what an API server does not know of them.
func subjects(p *policy.Policy, names []string) (*v1.MatchResources, []v1.MatchCondition, error) {
	if len(p.Kinds) == 0 {
		return about(admit.PodRules()...), []v1.MatchCondition{changesPods()}, nil
	}
	var kinds []string
	for _, k := range p.Kinds {
		own := k.Group == "" || (&kube.Object{APIVersion: k.Group + "/v1"}).Known()
		if !own && (slices.Contains(names, "pods") || slices.Contains(names, "containers") || slices.Contains(names, "images")) {
			return nil, nil, errors.New("it asks about the pods of custom resources, which only the webhook knows by their shape")
		}
		kinds = append(kinds, k.Kind+"."+k.Group)
	}
	rules := admit.RulesOf(p)
	for i := range rules {
		if slices.Equal(rules[i].Resources, []string{"pods"}) {
			rules[i].Resources = append(rules[i].Resources, "pods/ephemeralcontainers")
		}
	}
	of := v1.MatchCondition{Name: "kind", Expression: kindOf + " in " + quoted(kinds)}
	return about(rules...), []v1.MatchCondition{of, changesObject()}, nil
}

// changesObject is true unless an object is as it was, but for what others than its owner write. A pod that runs is looked
// at when it gets other containers, or other labels.
func changesObject() v1.MatchCondition {
	differs := func(field string) string {
		return fmt.Sprintf("dyn(object).metadata.?%[1]s.orValue({}) != dyn(oldObject).metadata.?%[1]s.orValue({})", field)
	}
	const others = `!(k in ["metadata", "status"])`
	return v1.MatchCondition{Name: "changes", Expression: `request.operation != "UPDATE" || ` + differs("labels") + ` || (` + kindOf + ` == "Pod." ? (` + podChanges() + `) : ` + differs("annotations") +
		` || dyn(object).exists(k, ` + others + ` && (!(k in dyn(oldObject)) || dyn(object)[k] != dyn(oldObject)[k])) || dyn(oldObject).exists(k, ` + others + ` && !(k in dyn(object))))`}
}
