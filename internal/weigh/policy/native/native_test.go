package native

import (
	"context"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/plimsoll/plimsoll/internal/expr/admission"
	"github.com/plimsoll/plimsoll/internal/read/kube"
	"github.com/plimsoll/plimsoll/testbed/fixture"
)

const head = "apiVersion: admissionregistration.k8s.io/v1\nkind: ValidatingAdmissionPolicy\nmetadata: {name: a}\nspec:\n"

const rule = "  matchConstraints: {resourceRules: [{apiGroups: [apps], apiVersions: [v1], operations: [CREATE], resources: [deployments]}]}\n"

const bound = "---\n{apiVersion: admissionregistration.k8s.io/v1, kind: ValidatingAdmissionPolicyBinding, metadata: {name: b}, spec: {policyName: a, validationActions: [Deny]}}\n"

func judge(t *testing.T, policies, object string, w World) *Judgement {
	t.Helper()
	set, err := Compile(parse(t, "p.yaml", policies))
	if err != nil {
		t.Fatal(err)
	}
	r, err := Creation(parse(t, "o.yaml", object)[0], "shop", admission.User{Name: "ann"}, w)
	if err != nil {
		t.Fatal(err)
	}
	return set.Judge(context.Background(), r, w)
}

// TestNotAssessed wants what nobody here knows to be neither let in nor denied.
func TestNotAssessed(t *testing.T) {
	namespace := "{apiVersion: v1, kind: Namespace, metadata: {name: shop, labels: {tier: gold}}}"
	selector := strings.Replace(bound, "policyName", "matchResources: {namespaceSelector: {matchLabels: {tier: gold}}}, policyName", 1)
	byName := strings.Replace(bound, "policyName", "matchResources: {namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: shop}}}, policyName", 1)
	for name, c := range map[string]struct {
		policy, object, around string
		want                   Action // empty: let in
		message                string
	}{
		"a namespace's labels":          {rule + "  validations: [{expression: 'false'}]\n" + selector, two, "", NotAssessed, "which labels namespace shop has (tier=gold)"},
		"labels that are known":         {rule + "  validations: [{expression: 'false'}]\n" + selector, two, namespace, Deny, ""},
		"a namespace's name":            {rule + "  validations: [{expression: 'false'}]\n" + byName, two, "", Deny, ""},
		"another name":                  {rule + "  validations: [{expression: 'false'}]\n" + strings.ReplaceAll(byName, "shop", "pay"), two, "", "", ""},
		"another name, and labels":      {rule + "  validations: [{expression: 'false'}]\n" + strings.ReplaceAll(selector, "tier: gold", "kubernetes.io/metadata.name: pay, tier: gold"), two, "", "", ""},
		"namespaceObject":               {rule + "  validations: [{expression: namespaceObject.metadata.labels.tier == 'gold'}]\n" + bound, two, "", NotAssessed, "what namespace shop is like"},
		"namespaceObject in a variable": {rule + "  variables: [{name: ns, expression: namespaceObject}]\n  validations: [{expression: variables.ns != null}]\n" + bound, two, "", NotAssessed, "what namespace shop is like"},
		"namespaceObject that is known": {rule + "  validations: [{expression: namespaceObject.metadata.labels.tier == 'gold'}]\n" + bound, two, namespace, "", ""},
		"a parameter":                   {rule + "  paramKind: {apiVersion: v1, kind: ConfigMap}\n  validations: [{expression: 'true'}]\n" + strings.Replace(bound, "policyName", "paramRef: {name: x, parameterNotFoundAction: Allow}, policyName", 1), two, "", NotAssessed, "ConfigMap x in namespace shop"},
		"who may":                       {rule + "  validations: [{expression: \"authorizer.group('').resource('pods').check('get').allowed()\"}]\n" + bound, two, "", NotAssessed, "whether ann may get pods"},
		"who may, and it is ignored":    {rule + "  failurePolicy: Ignore\n  validations: [{expression: \"!authorizer.requestResource.check('create').allowed()\"}]\n" + bound, two, "", NotAssessed, "whether ann may create deployments.apps"},
		"another version": {
			strings.Replace(rule, "apiVersions: [v1]", "apiVersions: [v1beta9]", 1) + "  validations: [{expression: 'false'}]\n" + bound, two, "", NotAssessed, "in version v1beta9",
		},
		"another version, exactly": {
			strings.Replace(rule, "apiVersions: [v1]", "apiVersions: [v1beta9]", 1) + "  validations: [{expression: 'false'}]\n" + bound, strings.Replace(two, "apps/v1", "apps/v1", 1), "", NotAssessed, "",
		},
		"a custom kind's defaults": {
			strings.NewReplacer("apps", "shop.example", "deployments", "carts").Replace(rule) + "  validations: [{expression: object.spec.size < 3}]\n" + bound, "{apiVersion: shop.example/v1, kind: Cart, metadata: {name: c}, spec: {}}", "", NotAssessed, "fills into a Cart",
		},
	} {
		t.Run(name, func(t *testing.T) {
			var around []*kube.Object
			if c.around != "" {
				around = parse(t, "around.yaml", c.around)
			}
			j := judge(t, head+c.policy, c.object, World{Around: kube.NewSnapshot(around, nil), Written: true})
			switch {
			case c.want == "" && len(j.Outcomes) == 0:
			case len(j.Outcomes) != 1 || j.Outcomes[0].Action != c.want || !strings.Contains(j.Outcomes[0].Message, c.message):
				t.Errorf("%+v", j.Outcomes)
			}
			found, gaps := j.Findings(parse(t, "o.yaml", c.object)[0], "t1", "")
			if (c.want == NotAssessed) != (len(gaps) == 1 && gaps[0].Blocking) || (c.want == Deny) != (len(found) == 1) {
				t.Errorf("%+v %+v", found, gaps)
			}
		})
	}
}

// TestWrong wants a bad policy to be refused, with its place.
func TestWrong(t *testing.T) {
	good := "  validations: [{expression: 'true'}]\n"
	for text, want := range map[string]string{
		head + good: "p.yaml:4:1: matchConstraints.resourceRules",
		head + rule: "it has neither validations nor auditAnnotations",
		head + rule + "  validations:\n  - expression: |\n      true &&\n        objet.x\n":                                           "p.yaml:9:3: spec.validations[0].expression: undeclared reference to 'objet'",
		head + rule + "  validations:\n  - expression: objet.x\n":                                                                     "p.yaml:7:17: spec.validations[0].expression: undeclared",
		head + rule + "  validations:\n  - expression: 'a.x'\n":                                                                       "p.yaml:7:18: spec.validations[0].expression: undeclared",
		head + rule + "  validatons: []\n" + good:                                                                                     `p.yaml:6:3: ValidatingAdmissionPolicy a: unknown field "spec.validatons"`,
		head + rule + "  failurePolicy: Warn\n" + good:                                                                                `p.yaml:6:3: failurePolicy "Warn"`,
		head + rule + "  variables: [{name: n, expression: '1'}]\n" + good:                                                            "p.yaml:6:3: ValidatingAdmissionPolicy a: json: cannot unmarshal bool",
		head + rule + "  matchConditions: [{name: a, expression: variables.x}]\n" + good:                                              "undefined field 'x'",
		head + rule + "  validations: [{expression: 'true', reason: Sad}]\n":                                                          `reason "Sad"`,
		head + rule + "  validations: [{expression: 'true', message: \"a\\nb\"}]\n":                                                   "a message is one line",
		head + strings.Replace(rule, "CREATE", "MAKE", 1) + good:                                                                      `operation "MAKE"`,
		strings.Replace(head, "/v1", "/v1beta1", 1) + rule + good:                                                                     "write admissionregistration.k8s.io/v1",
		head + rule + good + strings.Replace(bound, "policyName: a", "policyName: c", 1):                                              `p.yaml:8:`,
		head + rule + good + strings.Replace(bound, "[Deny]", "[Deny, Warn]", 1):                                                      "one of Deny and Warn",
		head + rule + good + strings.Replace(bound, "policyName", "paramRef: {name: x}, policyName", 1):                               "parameterNotFoundAction",
		head + rule + good + "---\n" + head + rule + good:                                                                             "policy a stands in p.yaml:3:",
		head + rule + good + "---\n{apiVersion: v1, kind: ConfigMap, metadata: {name: x}}\n":                                          "kind ConfigMap of v1 is no policy, and no policy takes it for a parameter",
		"{apiVersion: kyverno.io/v1, kind: ClusterPolicy, metadata: {name: x}}":                                                       "p.yaml:1:29: kind ClusterPolicy of kyverno.io/v1 is not evaluated here: docs/guide/migrate-policies.md",
		"{apiVersion: constraints.gatekeeper.sh/v1beta1, kind: K8sRequiredLabels, metadata: {name: x}}":                               "K8sRequiredLabels of constraints.gatekeeper.sh/v1beta1 is not evaluated here",
		"{apiVersion: policies.kyverno.io/v1, kind: ImageValidatingPolicy, metadata: {name: x}}":                                      "is not evaluated here",
		strings.Replace(kyvernoHead, "spec:\n", "spec:\n  evaluation: {mode: JSON}\n", 1) + "  validations: [{expression: 'true'}]\n": `mode "JSON"`,
		kyvernoHead + "  validations: [{expression: \"resource.Get('v1', 'pods', 'a', 'b') != null\"}]\n":                             "undeclared reference to 'resource'",
	} {
		_, err := Compile(parse(t, "p.yaml", text))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s\nis to say %q, and says:\n%v", text, want, err)
		}
	}
}

const kyvernoHead = "apiVersion: policies.kyverno.io/v1\nkind: ValidatingPolicy\nmetadata: {name: k}\nspec:\n" +
	"  validationActions: [Deny]\n  matchConstraints: {resourceRules: [{apiGroups: [''], apiVersions: [v1], operations: [CREATE], resources: [pods]}]}\n"

// TestKyverno wants a policy about pods to be one about what makes pods, too, unless it says otherwise.
func TestKyverno(t *testing.T) {
	policy := kyvernoHead + "  validations: [{message: 'no host network', expression: '!has(object.spec.hostNetwork) && object.metadata.name != \"\"'}]\n"
	host := "hostNetwork: true"
	for object, want := range map[string]string{
		podOf("a", host+", containers: [{name: a, image: b}]"): "k", podOf("b", "containers: [{name: a, image: b}]"): "",
		deploy("c", "", "1", host): "autogen-defaults-k", deploy("d", "", "1", ""): "",
		"{apiVersion: batch/v1, kind: CronJob, metadata: {name: e}, spec: {jobTemplate: {spec: {template: {spec: {hostNetwork: true, containers: [{name: a, image: b}]}}}}}}": "autogen-cronjobs-k",
	} {
		d := judge(t, policy, object, World{Written: true}).Denied()
		if (d == nil) != (want == "") || d != nil && d.Policy != want {
			t.Errorf("%s: %+v", object, d)
		}
		only := strings.Replace(policy, "spec:\n", "spec:\n  autogen: {podControllers: {controllers: []}}\n", 1)
		if d := judge(t, only, object, World{Written: true}).Denied(); d != nil && d.Policy != "k" {
			t.Errorf("%s: %+v", object, d)
		}
	}
}

const ordinary = "{apiVersion: v1, kind: Pod, metadata: {name: cart, namespace: default, labels: {team: shop}}, spec: {containers: [" +
	"{name: a, image: 'registry.example/a:1', resources: {limits: {memory: 1Gi}}}, {name: b, image: 'registry.example/b:1', resources: {limits: {memory: 1Gi}}}], volumes: [{name: v}]}}"

// BenchmarkJudge is one pod before fifty policies, from the object as it is written.
func BenchmarkJudge(b *testing.B) {
	set, err := Compile(parse(b, "p.yaml", fixture.FiftyPolicies()))
	if err != nil {
		b.Fatal(err)
	}
	o, w := parse(b, "o.yaml", ordinary)[0], World{Around: kube.NewSnapshot(parse(b, "n", "{apiVersion: v1, kind: Namespace, metadata: {name: default}}"), nil), Whole: true}
	b.ReportAllocs()
	for b.Loop() {
		r, err := Creation(o, "default", admission.User{Name: "ann"}, w)
		if err != nil {
			b.Fatal(err)
		}
		if j := set.Judge(context.Background(), r, w); len(j.Outcomes) > 0 || len(j.Looked) != 50 {
			b.Fatal(j.Outcomes, j.Looked)
		}
	}
}

func BenchmarkCompile(b *testing.B) {
	all := parse(b, "p.yaml", fixture.FiftyPolicies())
	for b.Loop() {
		if _, err := Compile(all); err != nil {
			b.Fatal(err)
		}
	}
}

// TestMutated wants policies that anybody wrote to be refused or to be evaluated, and neither to end us nor to be slow. It
// is no fuzz target: CEL keeps what it has parsed, so that the fuzzer takes every run for news.
func TestMutated(t *testing.T) {
	seeds := []string{head + rule + "  validations: [{expression: object.spec.replicas < 3}]\n" + bound, kyvernoHead + "  validations: [{expression: '!has(object.spec.hostNetwork)'}]\n", canaryPolicy}
	objects := parse(t, "o.yaml", two+"\n---\n"+ordinary)
	dice, compiled := rand.New(rand.NewPCG(1, 2)), 0
	began := time.Now()
	for i := range 1000 {
		b := []byte(seeds[i%len(seeds)])
		for range dice.IntN(4) {
			b[dice.IntN(len(b))] = byte(dice.IntN(256))
		}
		all, _ := kube.Manifest("p.yaml", b)
		set, err := Compile(all)
		if err != nil {
			continue
		}
		compiled++
		trial := &Trial{Set: set, World: World{Around: kube.NewSnapshot(objects, nil), Written: true}, Namespace: "shop"}
		for _, o := range objects {
			trial.Try(context.Background(), o, "t1", set.Counts("t1"))
		}
	}
	if took := time.Since(began); compiled < 100 || took > time.Minute {
		t.Errorf("%d of 1000 compiled, in %v", compiled, took)
	}
}
