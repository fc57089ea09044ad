package export

import (
	"encoding/json"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/cel-go/cel"
	"github.com/google/go-cmp/cmp"
	jsonpatch "gopkg.in/evanphx/json-patch.v4"
	v1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	apiequality "k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/runtime"
	apiadmission "k8s.io/apiserver/pkg/admission"
	plugincel "k8s.io/apiserver/pkg/admission/plugin/cel"
	"k8s.io/apiserver/pkg/admission/plugin/policy/mutating/patch"
	"k8s.io/apiserver/pkg/admission/plugin/webhook/matchconditions"
	celconfig "k8s.io/apiserver/pkg/apis/cel"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/cel/environment"

	"github.com/plimsoll/plimsoll/internal/deck/admit"
	"github.com/plimsoll/plimsoll/internal/judge/pod"
)

// changer is a MutatingAdmissionPolicy as the API server's own packages evaluate it.
type changer struct {
	compiler  *plugincel.CompositedCompiler
	condition matchconditions.Matcher
	patcher   patch.Patcher
}

type named v1.Variable

func (v named) GetName() string          { return v.Name }
func (v named) GetExpression() string    { return v.Expression }
func (v named) ReturnTypes() []*cel.Type { return []*cel.Type{cel.AnyType, cel.DynType} }

func changersOf(t *testing.T, n *Native) (all []changer) {
	t.Helper()
	for _, o := range n.Objects {
		p, ok := o.(*v1.MutatingAdmissionPolicy)
		if !ok {
			continue
		}
		c, err := plugincel.NewCompositedCompiler(environment.MustBaseEnvSet(environment.DefaultCompatibilityVersion()))
		if err != nil {
			t.Fatal(err)
		}
		opts := plugincel.OptionalVariableDeclarations{HasAuthorizer: true}
		for _, v := range p.Spec.Variables {
			if r := c.CompileAndStoreVariable(named(v), opts, environment.StoredExpressions); r.Error != nil {
				t.Fatalf("%s: %v\n%s", v.Name, r.Error, v.Expression)
			}
		}
		var conditions []plugincel.ExpressionAccessor
		for i := range p.Spec.MatchConditions {
			conditions = append(conditions, (*matchconditions.MatchCondition)(&p.Spec.MatchConditions[i]))
		}
		made := changer{compiler: c, condition: matchconditions.NewMatcher(c.CompileCondition(conditions, opts, environment.StoredExpressions), p.Spec.FailurePolicy, "policy", "validate", p.Name)}
		opts.HasPatchTypes = true
		made.patcher = patch.NewJSONPatcher(c.CompileMutatingEvaluator(&patch.JSONPatchCondition{Expression: p.Spec.Mutations[0].JSONPatch.Expression}, opts, environment.StoredExpressions))
		all = append(all, made)
	}
	return all
}

// change has all that match change a pod that is made.
func change(t *testing.T, all []changer, p *corev1.Pod) *corev1.Pod {
	t.Helper()
	scheme := runtime.NewScheme()
	if err := corev1.AddToScheme(scheme); err != nil {
		t.Fatal(err)
	}
	for _, c := range all {
		ctx := c.compiler.CreateContext(t.Context())
		attributes := apiadmission.NewAttributesRecord(p, nil, podKind, p.Namespace, p.Name, podResource, "", apiadmission.Create, nil, false, &user.DefaultInfo{Name: "alice", Groups: []string{"system:authenticated"}})
		of := &apiadmission.VersionedAttributes{Attributes: attributes, VersionedKind: podKind, VersionedObject: apiadmission.NewLazyObject(p), VersionedOldObject: apiadmission.NewLazyObject(nil)}
		switch m := c.condition.Match(ctx, of, nil, nil); {
		case m.Error != nil:
			t.Fatal(m.Error)
		case !m.Matches:
			continue
		}
		o, err := c.patcher.Patch(ctx, patch.Request{MatchedResource: podResource, VersionedAttributes: of, ObjectInterfaces: apiadmission.NewObjectInterfacesFromScheme(scheme)}, celconfig.RuntimeCELCostBudget)
		if err != nil {
			b, _ := json.Marshal(p)
			t.Fatalf("%v: %s", err, b)
		}
		p = o.(*corev1.Pod)
	}
	return p
}

// byWebhook is a pod as the webhook changes it.
func byWebhook(t *testing.T, s *sides, p *corev1.Pod) (changed *corev1.Pod, given []pod.Default) {
	t.Helper()
	r := asked{now: p, kind: podKind, resource: podResource, user: "alice"}.webhook(t)
	d := s.line.Decide(t.Context(), admit.Change, r, today)
	raw := r.Object.Raw
	if steps := d.Response("u").Patch; len(steps) > 0 {
		decoded, err := jsonpatch.DecodePatch(steps)
		if err != nil {
			t.Fatal(err)
		}
		if raw, err = decoded.Apply(raw); err != nil {
			t.Fatal(err)
		}
	}
	changed = &corev1.Pod{}
	if err := json.Unmarshal(raw, changed); err != nil {
		t.Fatal(err)
	}
	return changed, d.Given
}

var changing = []string{
	"change: on\npodSecurity: restricted\nwarnOn: info",
	"change: {requests: {cpu: 10m, memory: 32Mi, ephemeral-storage: 1Gi}, emptyDir: 256Mi}\nfailOn: low\nwarnOn: info\nnamespaces:\n" +
		"- {names: [dev-*], change: {except: [readOnlyRootFilesystem, automountServiceAccountToken, runAsNonRoot, capabilities]}}\n" +
		"- {names: [shop], mode: warn, change: on}\n- {names: [pay], change: 'off'}\nexempt: [none]",
}

// token is the volume that the API server puts in, as it is or nearly.
func token(d dice) corev1.Volume {
	v := corev1.Volume{Name: "kube-api-access-" + pick(d, "x", "y"), VolumeSource: corev1.VolumeSource{Projected: &corev1.ProjectedVolumeSource{Sources: []corev1.VolumeProjection{
		{ServiceAccountToken: &corev1.ServiceAccountTokenProjection{Path: "token", Audience: zeroOr(d, "vault")}},
		{ConfigMap: &corev1.ConfigMapProjection{LocalObjectReference: corev1.LocalObjectReference{Name: "kube-root-ca.crt"}}},
		{DownwardAPI: &corev1.DownwardAPIProjection{}},
	}}}}
	if d.rarely() {
		v.Projected.Sources = v.Projected.Sources[:2]
	}
	return v
}

// plainPod is one that leaves much open that can be given.
func (d dice) plainPod(namespace string) *corev1.Pod {
	p := d.pod(namespace)
	if d.IntN(3) > 0 {
		p.Spec.OS, p.Spec.NodeSelector = nil, nil
	}
	if d.rarely() {
		p.Annotations[pod.Changed] = pick(d, "seccompProfile", "requests, digest", "")
	}
	if len(p.Annotations) == 0 {
		p.Annotations = nil
	}
	mounted := d.IntN(3) == 0
	if mounted {
		p.Spec.Volumes = append(p.Spec.Volumes, token(d))
	}
	if d.rarely() {
		p.Spec.Volumes = append(p.Spec.Volumes, corev1.Volume{Name: "plimsoll-0", VolumeSource: d.volume()}, corev1.Volume{Name: "plimsoll-0x", VolumeSource: d.volume()})
	}
	for _, list := range [][]corev1.Container{p.Spec.InitContainers, p.Spec.Containers} {
		for i := range list {
			c := &list[i]
			for m := range c.VolumeMounts {
				c.VolumeMounts[m].MountPath = pick(d, "/x", "/tmp", "/tmp/", "/tmp/a", "tmp", "//./tmp")
			}
			if mounted && d.IntN(3) > 0 {
				name := p.Spec.Volumes[len(p.Spec.Volumes)-1].Name
				if !strings.HasPrefix(name, "kube-") {
					name = "kube-api-access-x"
				}
				c.VolumeMounts = append(c.VolumeMounts, corev1.VolumeMount{Name: name, MountPath: pick(d, "/var/run/secrets/kubernetes.io/serviceaccount", "/var/run/secrets/kubernetes.io/serviceaccount", "/x")})
			}
		}
	}
	return p
}

// TestChanges wants a pod to come out of the written policies as it comes out of the webhook, and to be changed once; and
// what makes pods to be judged as they will be.
func TestChanges(t *testing.T) {
	d := dice{rand.New(rand.NewPCG(21, 22))}
	for _, file := range changing {
		s := sidesOf(t, file, "")
		all := changersOf(t, s.out)
		if len(all) == 0 {
			t.Fatal("nothing changes pods")
		}
		seen := map[pod.Default]int{}
		for i := range 10 + rounds()/3 {
			p := d.plainPod(pick(d, "default", "shop", "pay", "dev-1", "none"))
			want, given := byWebhook(t, s, p.DeepCopy())
			for _, g := range given {
				seen[g]++
			}
			got := change(t, all, p.DeepCopy())
			if !apiequality.Semantic.DeepEqual(want, got) {
				b, _ := json.Marshal(p)
				t.Fatalf("webhook (-) and policy (+) change it otherwise:\n%s\n%s", cmp.Diff(want, got), b)
			}
			if again := change(t, all, got.DeepCopy()); !apiequality.Semantic.DeepEqual(got, again) {
				t.Fatalf("twice it is changed:\n%s", cmp.Diff(got, again))
			}
			s.compare(t, asked{now: got, kind: podKind, resource: podResource, user: "alice"})
			if i%10 == 0 {
				for _, a := range workloads(p) {
					s.compare(t, a)
				}
			}
			if t.Failed() {
				return
			}
		}
		t.Logf("given alike: %v", seen)
		if n := len(slices.Collect(maps.Keys(seen))); n < 6 {
			t.Errorf("only %d defaults were given", n)
		}
	}
}
