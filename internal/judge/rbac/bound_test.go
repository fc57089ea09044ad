package rbac

import (
	"fmt"
	"strings"
	"testing"

	"github.com/plimsoll/plimsoll/internal/read/kube"
)

// words are so many different ones.
func words(prefix string, n int) (all []string) {
	for i := range n {
		all = append(all, fmt.Sprint(prefix, i))
	}
	return all
}

// TestCoversInBounds has rules compared whose verbs, groups, resources and names make more requests than can be gone through, and
// counts what is compared.
func TestCoversInBounds(t *testing.T) {
	const n = 25_000
	wide := Rule{Verbs: words("v", n), Groups: words("g", n), Resources: words("r", n), Names: words("n", n)}
	turned := Rule{Verbs: append(words("v", n)[1:], "v0"), Groups: wide.Groups, Resources: wide.Resources, Names: wide.Names}
	again := Rule{Verbs: []string{"get"}, Groups: []string{""}}
	for range 2 * n {
		again.Resources = append(again.Resources, "pods/log")
	}
	parted := []Rule{{Verbs: []string{"get"}, Groups: []string{""}, Resources: []string{"pods"}}, {Verbs: []string{"get"}, Groups: []string{""}, Resources: []string{"*/log"}}}
	for name, c := range map[string]struct {
		rules []Rule
		one   Rule
		want  bool
	}{
		"other words":            {builtins().rulesOf("view"), wide, false},
		"all":                    {builtins().rulesOf("cluster-admin"), wide, true},
		"itself":                 {[]Rule{wide}, wide, true},
		"itself, in other order": {[]Rule{wide}, turned, true},
		"by several":             {parted, Rule{Verbs: []string{"get"}, Groups: []string{""}, Resources: []string{"pods", "pods/log"}}, true},
		"one right, many times":  {parted, again, false},
	} {
		left := effort(mostCompared)
		if got := covers(c.rules, &c.one, &left); got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
		if spent := mostCompared - left; spent > mostCompared+5*n {
			t.Errorf("%s: %d words are compared", name, spent)
		}
	}
}

// TestBuiltinInBounds wants a role that has the name of one that is known, and a rule that takes too long to compare, to be no known one.
func TestBuiltinInBounds(t *testing.T) {
	list := func(prefix string) string { return `["` + strings.Join(words(prefix, 40_000), `","`) + `"]` }
	text := fmt.Sprintf(`{"apiVersion":%q,"kind":"ClusterRole","metadata":{"name":"view"},"rules":[{"verbs":%s,"apiGroups":%s,"resources":%s}]}`, group+"/v1", list("v"), list("g"), list("r"))
	objects, problems := kube.Manifest("a.json", []byte(text))
	if len(problems) > 0 {
		t.Fatal(problems[0])
	}
	m := New(kube.NewSnapshot(objects, nil), Options{Whole: true})
	if len(m.Roles) != 1 || m.Roles[0].Builtin {
		t.Errorf("it counts as Kubernetes' own")
	}
	for _, known := range builtins().roles { // and each that is known has much room
		left := effort(mostCompared)
		for _, r := range known.Rules {
			for q := range Requests(&r) {
				for i := range known.Rules {
					left.spend(known.Rules[i].size())
					if known.Rules[i].Allows(&q) {
						break
					}
				}
			}
		}
		if left < mostCompared/10 {
			t.Errorf("%s takes %d of %d", known.Name, mostCompared-left, mostCompared)
		}
	}
}

// TestGatherInBounds has roles gather all others in a circle, which is a product of their number and their rules: what is not
// filled in is told.
func TestGatherInBounds(t *testing.T) {
	gather := func(n int) *Model {
		var all []string
		for i := range n {
			all = append(all, fmt.Sprintf(`{"apiVersion":%q,"kind":"ClusterRole","metadata":{"name":"r%d"},"aggregationRule":{"clusterRoleSelectors":[{}]},"rules":[{"verbs":["v%d"],"apiGroups":[""],"resources":["pods"]}]}`, group+"/v1", i, i))
		}
		objects, problems := kube.Manifest("a.json", []byte(`{"apiVersion":"v1","kind":"List","items":[`+strings.Join(all, ",")+`]}`))
		if len(problems) > 0 {
			t.Fatal(problems[0])
		}
		return New(kube.NewSnapshot(objects, nil), Options{})
	}
	if m := gather(5); len(m.Problems) > 0 || len(m.roles[[3]string{clusterRole, "", "r4"}].Rules) < 5 {
		t.Errorf("%v", m.Problems)
	}
	m := gather(700)
	rules := 0
	for _, r := range m.Roles {
		rules += len(r.Rules)
	}
	if rules > mostGathered || len(m.Problems) != 1 || !strings.Contains(m.Problems[0].What, "some lack rules") {
		t.Errorf("%d rules, %v", rules, m.Problems)
	}
}
