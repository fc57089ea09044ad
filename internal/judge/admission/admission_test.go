package admission

import (
	"slices"
	"strings"
	"testing"

	"github.com/plimsoll/plimsoll/internal/read/kube"
)

func read(t *testing.T, text string) *kube.Snapshot {
	t.Helper()
	objects, problems := kube.Manifest("a.yaml", []byte(text))
	if len(problems) > 0 {
		t.Fatal(problems[0])
	}
	return kube.NewSnapshot(objects, nil)
}

// TestExamples wants each check to find its bad example and not its good one.
func TestExamples(t *testing.T) {
	hits := func(c Check, text string) int {
		s := read(t, text)
		found, err := c.Look(s.Objects[0], s)
		if err != nil {
			t.Fatal(err)
		}
		return len(found)
	}
	for _, c := range Checks() {
		if hits(c, c.Page.Bad) != 1 || hits(c, c.Page.Good) != 0 {
			t.Errorf("%s: its examples are not as it says", c.ID)
		}
	}
	for text, want := range map[string]int{Connect.Page.Bad: 1, Connect.Page.Good: 0} {
		if got := Into(read(t, text).Objects[0]); len(got) != want {
			t.Errorf("connect: %v", got)
		}
	}
	allowed := func(image string) (bool, string) { return strings.HasPrefix(image, "registry.example/shop/"), "" }
	for text, want := range map[string]int{Unlisted.Page.Bad: 1, Unlisted.Page.Good: 0} {
		if got := NotListed(&read(t, text).Workloads[0], allowed); len(got) != want {
			t.Errorf("unlisted: %v", got)
		}
	}
}

// TestScope holds what a webhook is asked about against webhooks as others ship them.
func TestScope(t *testing.T) {
	const wide = `rules: [{apiGroups: ["*"], apiVersions: ["*"], operations: ["*"], resources: ["*/*"]}]`
	for name, c := range map[string]struct {
		rules, more string
		want        string
	}{
		"all there is":               {wide, "", "blocks-itself blocks-kube-system blocks-start slow"},
		"it may fail":                {wide, "\n  failurePolicy: Ignore\n  timeoutSeconds: 1", ""},
		"namespaced alone":           {strings.Replace(wide, "operations", `scope: Namespaced, operations`, 1), "\n  timeoutSeconds: 30", "blocks-itself blocks-kube-system blocks-start slow"},
		"conditions keep it out":     {wide, conditions(`request.namespace != "" && !(request.namespace in ["kube-system", "kube-node-lease", "guard"])`), ""},
		"Kyverno's own condition":    {wide, conditions(`!("system:nodes" in request.userInfo.groups)`), "blocks-itself blocks-kube-system blocks-start"},
		"a condition that fails":     {podRule, conditions(`object.spec.foo == 1`), "blocks-itself blocks-kube-system"},
		"a condition nobody can say": {podRule, conditions(`authorizer.group("").resource("pods").check("use").allowed()`), "blocks-itself blocks-kube-system"},
		"objects with a label alone": {podRule, "\n  timeoutSeconds: 1\n  objectSelector: {matchLabels: {a: b}}", ""},
		"another subresource":        {strings.Replace(podRule, "[pods]", `["pods/exec"]`, 1), "\n  timeoutSeconds: 1", ""},
		"its namespace opts in":      {podRule, "\n  timeoutSeconds: 1\n  namespaceSelector: {matchLabels: {guarded: 'yes'}}\n---\napiVersion: v1\nkind: Namespace\nmetadata: {name: guard, labels: {guarded: 'yes'}}", "blocks-itself"},
	} {
		t.Run(name, func(t *testing.T) {
			text := badWebhook(c.rules, c.more)
			if strings.Contains(c.more, "failurePolicy") {
				text = strings.Replace(text, "  failurePolicy: Fail\n", "", 1)
			}
			s := read(t, text)
			var got []string
			for _, one := range Checks() {
				hits, err := one.Look(s.Objects[0], s)
				if err != nil {
					t.Fatal(err)
				}
				if len(hits) > 0 {
					got = append(got, strings.TrimPrefix(one.ID, "admission/webhook-"))
				}
			}
			if sorted := strings.Join(slices.Sorted(slices.Values(got)), " "); sorted != c.want {
				t.Errorf("%s, want %s", sorted, c.want)
			}
		})
	}
}

func conditions(expression string) string {
	return "\n  timeoutSeconds: 1\n  matchConditions:\n  - {name: a, expression: '" + expression + "'}"
}
