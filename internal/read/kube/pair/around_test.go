package pair

import (
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"sigs.k8s.io/yaml"
)

// TestMaySelect wants a policy that allows to count where it may select the probe's pods, and only there.
func TestMaySelect(t *testing.T) {
	for subject, want := range map[string][2]bool{ // in a namespace of its own, and in one that was there
		"{namespaces: {}}":                                                                                               {true, true},
		"{namespaces: {matchLabels: {team: shop}}}":                                                                      {false, true},
		"{namespaces: {matchLabels: {kubernetes.io/metadata.name: shop}}}":                                               {false, false},
		"{namespaces: {matchLabels: {kubernetes.io/metadata.name: here}}}":                                               {false, true},
		"{namespaces: {matchExpressions: [{key: team, operator: DoesNotExist}]}}":                                        {true, true},
		"{namespaces: {matchExpressions: [{key: kubernetes.io/metadata.name, operator: NotIn, values: [here, there]}]}}": {true, false},
		"{pods: {namespaceSelector: {}, podSelector: {}}}":                                                               {true, true},
		"{pods: {namespaceSelector: {}, podSelector: {matchLabels: {app: cart}}}}":                                       {false, false},
		"{pods: {namespaceSelector: {}, podSelector: {matchLabels: {plimsoll.io/probe-role: listener}}}}":                {true, true},
		"{pods: {namespaceSelector: {}, podSelector: {matchLabels: {plimsoll.io/probe-role: asker}}}}":                   {false, false},
		"{namespaces: {matchExpressions: [{key: team, operator: Near}]}}":                                                {true, true},
		"{namespaces: 7}": {true, true},
	} {
		var fields map[string]any
		if err := yaml.Unmarshal([]byte("{spec: {subject: "+subject+"}}"), &fields); err != nil {
			t.Fatal(err)
		}
		for i, namespace := range []string{"", "here"} {
			r := &run{o: Options{Namespace: namespace}, namespace: namespace, id: "1"}
			r.given = map[string]labels.Set{listener: r.labels(listener), asker: r.labels(asker)}
			if namespace == "" {
				r.namespace = OwnNamespace
				r.space = r.namespaceObject().Labels
			}
			if got := r.maySelect(&unstructured.Unstructured{Object: fields}, ingress); got != want[i] {
				t.Errorf("%s of %q: %v", subject, namespace, got)
			}
		}
	}
}
