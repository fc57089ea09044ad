package path

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/plimsoll/plimsoll/internal/judge/rbac"
	"github.com/plimsoll/plimsoll/internal/read/kube"
)

// policy is one with its binding, of which either says more.
func policyOf(more, bound string) string {
	return "apiVersion: admissionregistration.k8s.io/v1\nkind: ValidatingAdmissionPolicy\nmetadata: {name: p}\nspec: {validations: [{expression: 'false'}]" + more + "}\n---\n" +
		"apiVersion: admissionregistration.k8s.io/v1\nkind: ValidatingAdmissionPolicyBinding\nmetadata: {name: p}\nspec: {policyName: p, validationActions: [Deny]" + bound + "}\n"
}

// TestFences holds that a policy keeps nobody from a node whom it may let pass, nor by denying what harmless pods have, too, nor with
// one way to be root that it does not know.
func TestFences(t *testing.T) {
	const runs = "{apiGroups: [''], resources: [pods], verbs: [create]}"
	says := func(words ...string) Forbids {
		return func(pod *kube.Object) []Denial {
			text, err := json.Marshal(pod.Fields["spec"])
			if err != nil {
				t.Fatal(err)
			}
			for _, word := range words {
				if strings.Contains(string(text), word) {
					return []Denial{{"p", "p"}}
				}
			}
			return nil
		}
	}
	all := says("privileged", "hostPath", "capabilities")
	exempt := func(expression string) string {
		return ", matchConditions: [{name: a, expression: \"" + expression + "\"}]"
	}
	for name, c := range map[string]struct {
		rule, objects string
		forbids       Forbids
		path          bool
		says          string
	}{
		"all is denied":                {runs, policyOf("", ""), all, false, ""},
		"images of others are":         {runs, policyOf("", ""), says("image"), true, "unless p forbids it"},
		"all but loading modules is":   {runs, policyOf("", ""), says("privileged", "hostPath", "SYS_ADMIN", "ALL", "PTRACE"), true, ""},
		"all but the engine's socket":  {runs, policyOf("", ""), says("privileged", `"path":"/"`, `"path":"/etc"`, "capabilities"), true, ""},
		"somebody is exempt":           {runs, policyOf(exempt("request.userInfo.username != 'a'"), ""), all, true, "unless p forbids it"},
		"a pod of another name is":     {runs, policyOf(exempt("object.metadata.name != 'a'"), ""), all, true, "unless p forbids it"},
		"a namespace is, by its name":  {runs, policyOf(exempt("object.metadata.namespace != 'a'"), ", matchResources: {namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: shop}}}"), all, false, ""},
		"namespaces are, by labels":    {runs, policyOf("", ", matchResources: {namespaceSelector: {matchLabels: {guarded: 'yes'}}}"), all, false, ""},
		"and it may change them":       {runs + ", {apiGroups: [''], resources: [namespaces], verbs: [patch]}", policyOf("", ", matchResources: {namespaceSelector: {matchLabels: {guarded: 'yes'}}}"), all, true, ""},
		"it may change those without":  {runs + ", {apiGroups: [''], resources: [namespaces], verbs: [patch]}", policyOf("", ""), all, false, ""},
		"the policy chooses by labels": {runs + ", {apiGroups: [''], resources: [namespaces], verbs: [patch]}", policyOf(", matchConstraints: {namespaceSelector: {matchLabels: {guarded: 'yes'}}}", ""), all, true, ""},
		"pods are, by labels":          {runs, policyOf("", ", matchResources: {objectSelector: {matchLabels: {guarded: 'yes'}}}"), all, true, "unless p forbids it"},
	} {
		g := graphOf(t, shop(c.rule, c.objects), c.forbids)
		var steps []string
		for _, r := range g.From(ToNode, "", func(s rbac.Subject) bool { return s.Name != "bot" }, 1) {
			for _, step := range r.Paths[0].Steps {
				if strings.HasSuffix(step.From, "bot") && !strings.Contains(step.To, "web") {
					steps = append(steps, strings.Join(step.Terms, "; "))
				}
			}
		}
		if (len(steps) > 0) != c.path || !strings.Contains(strings.Join(steps, ""), c.says) || c.says == "" && strings.Contains(strings.Join(steps, ""), "unless p") {
			t.Errorf("%s: %q", name, steps)
		}
	}
}

func graphOf(t *testing.T, text string, forbids Forbids) *Graph {
	t.Helper()
	objects, problems := kube.Manifest("a.yaml", []byte(text))
	if len(problems) > 0 {
		t.Fatal(problems[0])
	}
	s := kube.NewSnapshot(objects, nil)
	return Build(rbac.New(s, rbac.Options{}), s, forbids)
}
