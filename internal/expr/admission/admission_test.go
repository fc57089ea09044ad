package admission

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	v1 "k8s.io/api/admissionregistration/v1"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/yaml"
)

func specOf(t testing.TB, text string) *v1.ValidatingAdmissionPolicySpec {
	t.Helper()
	var spec v1.ValidatingAdmissionPolicySpec
	if err := yaml.UnmarshalStrict([]byte(text), &spec); err != nil {
		t.Fatal(err)
	}
	return &spec
}

func deployment(replicas int32) *Request {
	return &Request{
		Operation: "CREATE", Kind: schema.GroupVersionKind{Group: "apps", Version: "v1", Kind: "Deployment"},
		Resource: schema.GroupVersionResource{Group: "apps", Version: "v1", Resource: "deployments"}, Namespace: "shop", Name: "cart",
		Object:          &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Name: "cart", Namespace: "shop"}, Spec: appsv1.DeploymentSpec{Replicas: &replicas}},
		NamespaceObject: &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "shop", Labels: map[string]string{"tier": "gold"}}},
		User:            User{Name: "ann", Groups: []string{"dev"}},
	}
}

func TestEvaluate(t *testing.T) {
	may := func(_ context.Context, a Access) (bool, string, bool, error) { return a.Verb == "use", "", true, nil }
	params := &corev1.ConfigMap{Data: map[string]string{"most": "3"}}
	for name, c := range map[string]struct {
		spec    string
		may     Authorizer
		want    Verdict // of the first decision; empty: none
		message string
	}{
		"admitted":      {"validations: [{expression: object.spec.replicas <= 5}]", nil, Admitted, ""},
		"denied":        {"validations: [{expression: object.spec.replicas > 5}]", nil, Denied, "failed expression: object.spec.replicas > 5"},
		"a message":     {"validations: [{expression: object.spec.replicas > 5, message: ' more '}]", nil, Denied, "more"},
		"a made one":    {"validations: [{expression: object.spec.replicas > 5, message: less, messageExpression: \"'only ' + string(object.spec.replicas)\"}]", nil, Denied, "only 4"},
		"of two lines":  {`validations: [{expression: object.spec.replicas > 5, message: one, messageExpression: "'a\\nb'"}]`, nil, Denied, "one"},
		"one that errs": {"validations: [{expression: object.spec.replicas > 5, message: one, messageExpression: string(object.spec.none)}]", nil, Denied, "one"},
		"no such field": {"validations: [{expression: object.spec.none > 5}]", nil, Failed, "expression 'object.spec.none > 5' resulted in error: no such key: none"},
		"a variable":    {"{variables: [{name: double, expression: object.spec.replicas * 2}], validations: [{expression: variables.double == 8}]}", nil, Admitted, ""},
		"a condition":   {"{matchConditions: [{name: a, expression: request.userInfo.username == 'bob'}], validations: [{expression: 'false'}]}", nil, "", ""},
		"of no namespace": {
			"{matchConditions: [{name: a, expression: namespaceObject == null}], validations: [{expression: namespaceObject.metadata.labels.tier == 'gold'}]}", nil, Admitted, "",
		},
		"one that errs, and denies":  {"{matchConditions: [{name: a, expression: object.none == 1}], validations: [{expression: 'true'}]}", nil, Failed, "no such key: none"},
		"one that errs, and ignores": {"{failurePolicy: Ignore, matchConditions: [{name: a, expression: object.none == 1}], validations: [{expression: 'false'}]}", nil, "", ""},
		"a parameter":                {"{paramKind: {apiVersion: v1, kind: ConfigMap}, validations: [{expression: object.spec.replicas <= int(params.data.most)}]}", nil, Denied, "params.data.most"},
		"asked":                      {"validations: [{expression: \"authorizer.group('apps').resource('deployments').check('use').allowed()\"}]", may, Admitted, ""},
		"asked in vain":              {"validations: [{expression: \"authorizer.group('apps').resource('deployments').namespace('shop').check('use').allowed()\"}]", nil, Unknown, "whether ann may use deployments.apps in shop"},
		"asked and negated":          {"validations: [{expression: \"!authorizer.path('/healthz').check('get').allowed()\"}]", nil, Unknown, "whether ann may get /healthz"},
		"not asked after all":        {"validations: [{expression: \"true || authorizer.path('/healthz').check('get').allowed()\"}]", nil, Admitted, ""},
		"a condition asks":           {"{matchConditions: [{name: a, expression: \"authorizer.path('/x').check('get').allowed()\"}], validations: [{expression: 'true'}]}", nil, Unknown, "/x"},
		"another condition is false": {"{matchConditions: [{name: a, expression: \"authorizer.path('/x').check('get').allowed()\"}, {name: b, expression: 'false'}], validations: [{expression: 'true'}]}", nil, "", ""},
		"a reason":                   {"validations: [{expression: 'false', reason: Forbidden}]", nil, Denied, ""},
		"too much": {
			"validations: [{expression: \"MANY.all(a, MANY.all(b, MANY.all(c, a + b + c != '')))\"}]", nil, Failed, "cost",
		},
		"too long a text":     {"{variables: [{name: s, expression: \"'MUCH'.replace('a', 'MUCH').replace('a', 'MUCH').replace('a', 'MUCH')\"}], validations: [{expression: variables.s.size() == 1}]}", nil, Failed, "would give a text of more than"},
		"too much in a value": {"{variables: [{name: v0, expression: '[1, 1]'}NESTED], validations: [{expression: variables.v50 == variables.v50}]}", nil, Failed, "cost"},
	} {
		t.Run(name, func(t *testing.T) {
			c.spec = strings.ReplaceAll(c.spec, "MANY", "'"+strings.Repeat("a,", 500)+"'.split(',')")
			c.spec = strings.ReplaceAll(c.spec, "MUCH", strings.Repeat("a", 100))
			var nested strings.Builder
			for i := range 50 {
				fmt.Fprintf(&nested, ", {name: v%d, expression: '[variables.v%d, variables.v%[2]d]'}", i+1, i)
			}
			c.spec = strings.ReplaceAll(c.spec, "NESTED", nested.String())
			p, err := Compile(specOf(t, c.spec))
			if err != nil {
				t.Fatal(err)
			}
			r := deployment(4)
			r.May = c.may
			got := p.Evaluate(context.Background(), r, params)
			switch {
			case c.want == "" && len(got.Decisions) == 0:
			case len(got.Decisions) == 0:
				t.Error("it did not look")
			case got.Decisions[0].Verdict != c.want || !strings.Contains(got.Decisions[0].Message, c.message):
				t.Errorf("%+v", got.Decisions[0])
			}
		})
	}
}

func TestAnnotations(t *testing.T) {
	p, err := Compile(specOf(t, `
auditAnnotations:
- {key: replicas, valueExpression: "'has ' + string(object.spec.replicas)"}
- {key: none, valueExpression: "null"}
- {key: bad, valueExpression: "string(object.spec.none)"}`))
	if err != nil {
		t.Fatal(err)
	}
	got := p.Evaluate(context.Background(), deployment(4), nil).Annotations
	if len(got) != 2 || got[0].Value != "has 4" || got[1].Key != "bad" || !strings.Contains(got[1].Failed, "no such key") {
		t.Errorf("%+v", got)
	}
}

func TestCompileWrong(t *testing.T) {
	_, err := Compile(specOf(t, `
variables: [{name: n, expression: "1 +"}]
validations:
- expression: |
    true &&
      objet.spec
- expression: "1"
- {expression: "true", messageExpression: authorizer.path('/').check('get').reason()}
- {expression: params.x == 1}`))
	var all []string
	for _, e := range err.(interface{ Unwrap() []error }).Unwrap() {
		var one *Error
		if errors.As(e, &one) {
			all = append(all, strings.Join([]string{one.Field, string(rune('0' + one.At.Line)), string(rune('0' + one.At.Column)), one.At.Message}, " "))
		}
	}
	text := strings.Join(all, "\n")
	for _, want := range []string{
		"spec.variables[0].expression 1 ", "spec.validations[0].expression 2 3 undeclared reference to 'objet'",
		"spec.validations[1].expression 1 1 must evaluate to bool but got int", "spec.validations[2].messageExpression 1 1 undeclared reference to 'authorizer'",
		"spec.validations[3].expression 1 1 undeclared reference to 'params'",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not said in:\n%s", want, text)
		}
	}
}
