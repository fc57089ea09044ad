package exceptionfile

import (
	"strings"
	"testing"
)

const agent = "apiVersion: plimsoll.io/v1alpha1\nkind: Exception\nmetadata: {name: agent, namespace: shop, labels: {a: b}}\nspec: {rule: [pod/host-path], image: [registry.example/agent], reason: r, owner: o, until: \"2027-02-28\"}\n"

// TestObject wants an exception of a cluster to hold for its own namespace, and a wide one for those that it names.
func TestObject(t *testing.T) {
	wide := strings.NewReplacer("kind: Exception", "kind: ClusterException", ", namespace: shop", "", "rule:", "namespace: [kube-system], rule:").Replace(agent)
	f, err := Parse("e.yaml", []byte(agent+"---\n"+wide))
	if err != nil {
		t.Fatal(err)
	}
	if len(f.Exceptions) != 2 || f.Kind != Own {
		t.Fatalf("%+v", f)
	}
	own, all := f.Exceptions[0], f.Exceptions[1]
	if own.Rules[0] != "pod/host-path" || strings.Join(own.Namespaces, " ") != "shop" || !own.Until.Equal(day("2027-02-28")) || own.Place() != "e.yaml:4" {
		t.Errorf("%+v", own)
	}
	if strings.Join(all.Namespaces, " ") != "kube-system" {
		t.Errorf("%+v", all)
	}
	own.Line = 0
	if own.Place() != "e.yaml" {
		t.Error(own.Place())
	}
	for name, c := range map[string]struct{ was, is, want string }{
		"another namespace":    {"rule:", "namespace: [pay], rule:", `e.yaml:4: "namespace" is no key of an exception`},
		"all namespaces":       {"namespace: shop", `namespace: "*"`, "holds for its own namespace"},
		"no namespace":         {", namespace: shop", "", "holds for its own namespace"},
		"of a package":         {"rule: [pod/host-path]", "package: [openssl]", `"package" is no key of an exception`},
		"another version":      {"v1alpha1", "v2", `apiVersion "plimsoll.io/v2" is not known`},
		"another kind":         {"kind: Exception", "kind: Policy", `kind "Policy" is no exception`},
		"nobody answers for":   {"owner: o, ", "", "owner is missing"},
		"nothing but a reason": {"rule: [pod/host-path], image: [registry.example/agent], ", "", "names nothing would let everything pass"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := Parse("e.yaml", []byte(strings.Replace(agent, c.was, c.is, 1))); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}
