package migration

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	v1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/plimsoll/plimsoll/internal/expr/admission"
	"github.com/plimsoll/plimsoll/internal/judge/pod/psp"
	"github.com/plimsoll/plimsoll/internal/judge/pod/standard"
	"github.com/plimsoll/plimsoll/internal/read/kube"
	"github.com/plimsoll/plimsoll/internal/weigh/policy/native"
)

// TestRandomPolicies wants what is written of random policies to decide about random pods as they did; and the level that
// is closest to a policy to refuse nothing but what is said.
func TestRandomPolicies(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 5))
	admitted, denied, leveled := 0, 0, map[standard.Level]int{}
	for range 24 {
		set := randomSet(t, r)
		policies := compiled(t, set)
		for range 25 {
			pod := randomPod(r)
			by := admission.User{Name: "ann", Groups: []string{"system:authenticated"}}
			want := set.Choose(pod, "shop", by)
			if want.Policy == nil {
				denied++
			} else {
				admitted++
				pod = want.Pod
				leveled[closest(t, want)]++
			}
			kind := schema.GroupVersionKind{Version: "v1", Kind: "Pod"}
			j := policies.Judge(context.Background(), &admission.Request{
				Operation: "CREATE", Kind: kind, Resource: kind.GroupVersion().WithResource("pods"), Namespace: "shop", Name: pod.Name, Object: pod, User: by,
				May: set.Grants.May, NamespaceObject: &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "shop"}},
			}, native.World{Around: kube.NewSnapshot(nil, nil), Whole: true})
			if got := j.Denied() == nil; got != (want.Policy != nil) || len(j.Looked) != 1 {
				t.Fatalf("old %v %+v, new %+v\n%s\n%s", want.Policy, want.Refused, j.Outcomes, marshal(pod), policiesOf(set))
			}
		}
	}
	t.Log(admitted, denied, leveled)
	if admitted < 50 || denied < 100 || leveled[standard.Baseline] < 3 || leveled[standard.Restricted] < 3 {
		t.Errorf("%d admitted, %d denied, levels %v: too few to say anything", admitted, denied, leveled)
	}
}

func closest(t *testing.T, c psp.Choice) standard.Level {
	t.Helper()
	level, silent := Closest(c.Policy)
	for _, v := range standard.Evaluate(standard.Line{Level: level, Version: standard.Newest()}, &c.Pod.ObjectMeta, &c.Pod.Spec) {
		if !slices.ContainsFunc(silent, func(d Difference) bool { return d.Check == v.Check }) {
			t.Fatalf("%s is closest to %s, and refuses what it admitted: %s %s\n%s", level, c.Policy.Name, v.Check, v.Detail, marshal(c.Pod))
		}
	}
	return level
}

func compiled(t *testing.T, set *psp.Set) *native.Set {
	t.Helper()
	b, err := Write(Validating(set), Binding(v1.Deny))
	if err != nil {
		t.Fatal(err)
	}
	objects, problems := kube.Manifest("p.yaml", b)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	policies, err := native.Compile(objects)
	if err != nil {
		t.Fatal(err)
	}
	return policies
}

func policiesOf(set *psp.Set) (all string) {
	for _, p := range set.Policies {
		b, _ := json.Marshal(p.Object.Fields)
		all += string(b) + "\n"
	}
	return all
}

// randomSet are a few policies, some of which each service account may use.
func randomSet(t *testing.T, r *rand.Rand) *psp.Set {
	t.Helper()
	var objects []*kube.Object
	add := func(fields map[string]any) {
		b, err := json.Marshal(fields)
		if err != nil {
			t.Fatal(err)
		}
		read, problems := kube.Manifest("o.json", b)
		if len(problems) > 0 {
			t.Fatal(problems)
		}
		objects = append(objects, read...)
	}
	for i := range 1 + r.IntN(3) {
		name := fmt.Sprintf("random-%d", i)
		add(randomPolicy(generator{r}, name))
		role := map[string]any{"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": map[string]any{"name": name, "namespace": "shop"}}
		role["rules"] = []any{map[string]any{
			"apiGroups": []string{pick(r, "policy", "extensions", "*")}, "resources": []string{"podsecuritypolicies"}, "resourceNames": []string{name}, "verbs": []string{"use"},
		}}
		add(role)
		add(map[string]any{
			"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": map[string]any{"name": name, "namespace": "shop"},
			"roleRef": map[string]any{"kind": "Role", "name": name},
			"subjects": []any{
				map[string]any{"kind": "ServiceAccount", "namespace": "shop", "name": pick(r, "web", "db")},
				map[string]any{"kind": "Group", "name": pick(r, "nobody", "system:serviceaccounts", "system:authenticated")},
			},
		})
	}
	set, errs := psp.NewSet(objects)
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	return set
}

// randomPolicy begins with one that allows much, or with one that allows little.
func randomPolicy(g generator, name string) map[string]any {
	annotations := map[string]any{}
	spec := map[string]any{
		"runAsUser": g.rule(true), "seLinux": map[string]any{"rule": "RunAsAny"}, "supplementalGroups": g.rule(false), "fsGroup": g.rule(false), "volumes": []string{"*"},
	}
	switch {
	case g.chance(3):
		spec["runAsUser"] = map[string]any{"rule": "MustRunAsNonRoot"}
		spec["allowPrivilegeEscalation"], spec["requiredDropCapabilities"], spec["volumes"] = false, []string{"ALL"}, []string{"emptyDir", "configMap", "secret"}
		annotations["seccomp.security.alpha.kubernetes.io/allowedProfileNames"] = "runtime/default"
		annotations["seccomp.security.alpha.kubernetes.io/defaultProfileName"] = pick(g.Rand, "runtime/default", "docker/default", "unconfined")
	case g.chance(2):
		annotations["seccomp.security.alpha.kubernetes.io/allowedProfileNames"] = "runtime/default,"
		spec["allowedCapabilities"], spec["volumes"] = []string{"CHOWN", "KILL"}, []string{"emptyDir", "configMap", "secret", "nfs", "persistentVolumeClaim"}
	default:
		annotations["seccomp.security.alpha.kubernetes.io/allowedProfileNames"] = pick(g.Rand, "*", "*", "runtime/default,", "docker/default")
		spec["allowedCapabilities"] = pick(g.Rand, []string{"*"}, []string{"CHOWN", "KILL"}, []string{"SYS_ADMIN"}, nil)
		for _, field := range []string{"privileged", "hostNetwork", "hostPID", "hostIPC"} {
			spec[field] = g.chance(2)
		}
		if g.chance(2) {
			spec["hostPorts"] = []any{map[string]any{"min": 8000, "max": 8100}}
		}
		if g.chance(3) {
			spec["defaultAddCapabilities"] = []string{"NET_BIND_SERVICE"}
		}
		if g.chance(3) {
			spec["volumes"] = []string{pick(g.Rand, "hostPath", "csi"), "secret", "emptyDir", "cephFS", "flexVolume"}
		}
	}
	if g.chance(3) {
		spec["allowedHostPaths"] = []any{map[string]any{"pathPrefix": pick(g.Rand, "/", "/var/log", "/var/lib/app/"), "readOnly": g.chance(2)}, map[string]any{"pathPrefix": "/var/lib/app"}}
	}
	if g.chance(3) {
		spec["allowedCSIDrivers"], spec["allowedFlexVolumes"] = []any{map[string]any{"name": "csi.example"}}, []any{map[string]any{"driver": "example/lvm"}}
	}
	if g.chance(4) {
		spec["seLinux"] = map[string]any{"rule": "MustRunAs", "seLinuxOptions": map[string]any{"user": "system_u", "role": "system_r", "type": "container_t", "level": pick(g.Rand, "s0:c1,c2", "s0", "s0:c3")}}
	}
	if g.chance(4) {
		spec["readOnlyRootFilesystem"] = true
	}
	if g.chance(4) {
		spec["runAsGroup"] = g.rule(false)
	}
	if g.chance(4) {
		spec["runtimeClass"] = map[string]any{"allowedRuntimeClassNames": []string{"gvisor", "kata"}, "defaultRuntimeClassName": "kata"}
	}
	if g.chance(4) {
		spec["allowedUnsafeSysctls"], spec["forbiddenSysctls"] = []string{"net.core.*", "kernel.msgmax"}, []string{"net.core.som*"}
	}
	if g.chance(4) {
		annotations["apparmor.security.beta.kubernetes.io/allowedProfileNames"] = pick(g.Rand, "runtime/default", "runtime/default,unconfined", "localhost/own")
		annotations["apparmor.security.beta.kubernetes.io/defaultProfileName"] = pick(g.Rand, "runtime/default", "localhost/own")
	}
	return map[string]any{"apiVersion": "policy/v1beta1", "kind": "PodSecurityPolicy", "metadata": map[string]any{"name": name, "annotations": annotations}, "spec": spec}
}

func (g generator) rule(user bool) map[string]any {
	ranges := []any{map[string]any{"min": 1, "max": 1000}, map[string]any{"min": 5000, "max": 5000}}
	if g.chance(2) {
		return map[string]any{"rule": "RunAsAny"}
	}
	if user && g.chance(2) {
		return map[string]any{"rule": "MustRunAsNonRoot"}
	}
	if !user && g.chance(2) {
		return map[string]any{"rule": "MayRunAs", "ranges": ranges}
	}
	return map[string]any{"rule": "MustRunAs", "ranges": ranges}
}
