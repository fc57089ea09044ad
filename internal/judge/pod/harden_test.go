package pod

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	psa "k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"
	"sigs.k8s.io/yaml"

	"github.com/plimsoll/plimsoll/internal/read/kube"
)

// podOf reads the pod of a manifest with one object.
func podOf(t *testing.T, fields map[string]any, image func(string) (Image, bool)) *Facts {
	t.Helper()
	all, err := kube.Workloads(&kube.Object{APIVersion: "v1", Kind: "Pod", Name: "p", Fields: fields})
	if err != nil {
		t.Fatal(err)
	}
	return &Facts{Workload: &all[0], Image: image}
}

func fieldsOf(t *testing.T, text string) (fields map[string]any) {
	t.Helper()
	if err := yaml.Unmarshal([]byte(text), &fields); err != nil {
		t.Fatal(err)
	}
	return fields
}

const (
	aDigest    = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
	serversPod = `
volumes: [{name: kube-api-access-x7bq2, projected: {defaultMode: 420, sources: [{serviceAccountToken: {expirationSeconds: 3607, path: token}}, {configMap: {name: kube-root-ca.crt, items: [{key: ca.crt, path: ca.crt}]}}, {downwardAPI: {items: [{path: namespace, fieldRef: {apiVersion: v1, fieldPath: metadata.namespace}}]}}]}}]
containers: [{name: a, image: a, volumeMounts: [{name: kube-api-access-x7bq2, readOnly: true, mountPath: /var/run/secrets/kubernetes.io/serviceaccount}]}]`
)

// TestHarden holds what a pod is given against what the page says that it is.
func TestHarden(t *testing.T) {
	image := func(reference string) (Image, bool) {
		known := map[string]Image{
			"nginx":              {User: "101", Volumes: []string{"/var/cache/nginx/", "/tmp"}, Digest: aDigest},
			"root":               {User: ""},
			"named":              {User: "postgres:postgres"},
			"proc":               {User: "1", Volumes: []string{"/proc/x"}},
			"nginx:1@" + aDigest: {User: "101", Digest: aDigest},
		}
		i, ok := known[reference]
		return i, ok
	}
	all := Wanted{Requests: map[string]string{"cpu": "10m", "memory": "32Mi"}, EmptyDir: "1Gi"}
	only := func(d ...Default) Wanted {
		w := all
		w.Except = slices.DeleteFunc(Defaults(), func(of Default) bool { return slices.Contains(d, of) })
		return w
	}
	for _, c := range []struct {
		name       string
		wanted     Wanted
		spec, want string
		given      string
	}{
		{
			"all of it", all, "containers: [{name: a, image: nginx}]", `
automountServiceAccountToken: false
securityContext: {runAsNonRoot: true, seccompProfile: {type: RuntimeDefault}}
volumes: [{name: plimsoll-0, emptyDir: {sizeLimit: 1Gi}}, {name: plimsoll-1, emptyDir: {sizeLimit: 1Gi}}]
containers:
- name: a
  image: nginx@` + aDigest + `
  resources: {requests: {cpu: 10m, memory: 32Mi}}
  securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}, readOnlyRootFilesystem: true}
  volumeMounts: [{name: plimsoll-0, mountPath: /tmp}, {name: plimsoll-1, mountPath: /var/cache/nginx}]`,
			"automountServiceAccountToken, runAsNonRoot, seccompProfile, allowPrivilegeEscalation, capabilities, readOnlyRootFilesystem, requests, digest",
		},
		{"added capabilities are kept", only(Capabilities), "containers: [{name: a, securityContext: {capabilities: {add: [NET_BIND_SERVICE]}}}]", "containers: [{name: a, securityContext: {capabilities: {add: [NET_BIND_SERVICE], drop: [ALL]}}}]", "capabilities"},
		{"what is dropped already is the writer's choice", only(Capabilities), "containers: [{name: a, securityContext: {capabilities: {drop: [NET_RAW]}}}]", "", ""},
		{"false is set", all, "automountServiceAccountToken: true\nsecurityContext: {runAsNonRoot: false, seccompProfile: {type: Unconfined}}\nresources: {requests: {cpu: 1, memory: 1Gi}}\ncontainers: [{name: a, image: x@" + aDigest + ", securityContext: {allowPrivilegeEscalation: true, readOnlyRootFilesystem: false, capabilities: {drop: [KILL]}}}]", "", ""},
		{"privileged is left alone", only(NonRoot, NoEscalation, Capabilities, ReadOnlyRoot), "containers: [{name: a, securityContext: {privileged: true}}]", "", ""},
		{"an image that runs as root", only(NonRoot, Capabilities), "containers: [{name: a, image: root}]", "", ""},
		{"an image whose user is a word", only(NonRoot), "containers: [{name: a, image: named}]", "", ""},
		{"a word, and a number in the pod", only(NonRoot), "containers: [{name: a, image: named, securityContext: {runAsUser: 70}}]", "containers: [{name: a, image: named, securityContext: {runAsUser: 70}}]\nsecurityContext: {runAsNonRoot: true}", "runAsNonRoot"},
		{"an image that wants what cannot be had", only(ReadOnlyRoot), "containers: [{name: a, image: proc}]", "", ""},
		{"mounted already, and names that are taken", only(ReadOnlyRoot), "volumes: [{name: plimsoll-0, emptyDir: {}}]\ncontainers: [{name: a, volumeMounts: [{name: plimsoll-0, mountPath: /tmp/}]}, {name: b}]", "volumes: [{name: plimsoll-0, emptyDir: {}}, {name: plimsoll-0x, emptyDir: {sizeLimit: 1Gi}}]\ncontainers: [{name: a, securityContext: {readOnlyRootFilesystem: true}, volumeMounts: [{name: plimsoll-0, mountPath: /tmp/}]}, {name: b, securityContext: {readOnlyRootFilesystem: true}, volumeMounts: [{name: plimsoll-0x, mountPath: /tmp}]}]", "readOnlyRootFilesystem"},
		{"bounds are said", only(Requests), "containers: [{name: a, resources: {limits: {cpu: 1}, requests: {memory: 1Gi}}}, {name: b, resources: {limits: {cpu: 1}}}]", "containers: [{name: a, resources: {limits: {cpu: 1}, requests: {memory: 1Gi}}}, {name: b, resources: {limits: {cpu: 1}, requests: {memory: 32Mi}}}]", "requests"},
		{"the token that is there already", only(NoToken), serversPod, "automountServiceAccountToken: false\ncontainers: [{name: a, image: a}]", "automountServiceAccountToken"},
		{"a token of its own", only(NoToken), strings.ReplaceAll(serversPod, "3607, path: token", "60, path: other"), "automountServiceAccountToken: false" + strings.ReplaceAll(serversPod, "3607, path: token", "60, path: other"), "automountServiceAccountToken"},
		{"another account's token", only(NoToken), "serviceAccountName: cart" + serversPod, "", ""},
		{"Windows", all, "os: {name: windows}\ncontainers: [{name: a}]", "", ""},
		{"a debugger is no container that starts with it", only(NoEscalation), "containers: []\nephemeralContainers: [{name: d}]", "", ""},
		{"init containers", only(NoEscalation), "initContainers: [{name: i}]\ncontainers: []", "initContainers: [{name: i, securityContext: {allowPrivilegeEscalation: false}}]\ncontainers: []", "allowPrivilegeEscalation"},
	} {
		t.Run(c.name, func(t *testing.T) {
			before := map[string]any{"spec": fieldsOf(t, c.spec)}
			kept := clone(before)
			want := before
			if c.want != "" {
				want = map[string]any{"spec": fieldsOf(t, c.want), "metadata": map[string]any{"annotations": map[string]any{"plimsoll.io/changed": c.given}}}
			}
			got, given := podOf(t, before, image).Harden(c.wanted)
			if d := cmp.Diff(want, got); d != "" {
				t.Error(d)
			}
			if said := fmt.Sprint(given); strings.ReplaceAll(c.given, ",", "") != strings.Trim(said, "[]") {
				t.Errorf("it says %s", said)
			}
			if !reflect.DeepEqual(before, kept) {
				t.Error("the pod itself was changed")
			}
		})
	}
}

// TestChangedGrows adds to what a pod says it was given, and keeps no word that is not ours.
func TestChangedGrows(t *testing.T) {
	before := fieldsOf(t, "{metadata: {annotations: {plimsoll.io/changed: 'requests, nothing, runAsNonRoot'}}, spec: {containers: [{name: a}]}}")
	got, _ := podOf(t, before, nil).Harden(Wanted{Except: []Default{NoToken, NonRoot, Seccomp, ReadOnlyRoot, Capabilities}})
	if said := got["metadata"].(map[string]any)["annotations"].(map[string]any)[Changed]; said != "runAsNonRoot, allowPrivilegeEscalation, requests" {
		t.Errorf("it says %q", said)
	}
}

// TestHardenRandom hardens pods of all sorts: once is enough, what was said is said still, no check finds more than
// before, and who said nothing passes restricted, as Kubernetes' own library judges it.
func TestHardenRandom(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	image := func(reference string) (Image, bool) {
		return Image{User: "10001", Volumes: []string{"/data", "/tmp/x"}, Digest: aDigest}, strings.Contains(reference, "known")
	}
	wanted := Wanted{Requests: map[string]string{"cpu": "10m"}, EmptyDir: "1Gi"}
	evaluator, err := policy.NewEvaluator(policy.DefaultChecks(), nil)
	if err != nil {
		t.Fatal(err)
	}
	bare := 0
	checks := Checks()
	for range 500 {
		before, plain := randomPod(r)
		f := podOf(t, before, image)
		after, given := f.Harden(wanted)
		g := podOf(t, after, image)
		if again, more := g.Harden(wanted); len(more) > 0 || !reflect.DeepEqual(again, after) {
			t.Fatalf("twice it is given %v:\n%s", more, text(after))
		}
		if lost := lacks(after, before, ""); lost != "" {
			t.Fatalf("%s is not as it was in\n%s\nbut\n%s", lost, text(before), text(after))
		}
		for _, c := range checks {
			was, _ := c.Look(f)
			is, _ := c.Look(g)
			if len(is) > len(was) {
				t.Fatalf("%s finds %d, and not %d as before, in\n%s", c.ID, len(is), len(was), text(after))
			}
		}
		if len(given) > 0 && !strings.Contains(text(after), "plimsoll.io/changed") {
			t.Fatalf("it does not say so:\n%s", text(after))
		}
		if plain {
			bare++
			results := evaluator.EvaluatePod(psa.LevelVersion{Level: psa.LevelRestricted, Version: psa.LatestVersion()}, &g.Meta, &g.Spec)
			if all := policy.AggregateCheckResults(results); !all.Allowed {
				t.Fatalf("restricted: %s in\n%s", all.ForbiddenDetail(), text(after))
			}
		}
	}
	if bare < 100 {
		t.Errorf("%d pods say nothing", bare)
	}
}

func text(v any) string {
	b, _ := json.MarshalIndent(v, "", " ")
	return string(b)
}

// lacks is where a value does not hold what another does, order included; what is more does not count.
func lacks(after, before any, at string) string {
	switch b := before.(type) {
	case map[string]any:
		a, _ := after.(map[string]any)
		for k, v := range b {
			if lost := lacks(a[k], v, at+"."+k); lost != "" {
				return lost
			}
		}
	case []any:
		a, _ := after.([]any)
		for i, v := range b {
			if i >= len(a) {
				return at
			}
			if lost := lacks(a[i], v, at+"[]"); lost != "" {
				return lost
			}
		}
	case string:
		a, _ := after.(string)
		if a != b && !(strings.HasSuffix(at, ".image") && a == b+"@"+aDigest) {
			return at
		}
	default:
		if !reflect.DeepEqual(after, before) {
			return at
		}
	}
	return ""
}

// randomPod is a pod that says some things; plain: nothing of its security.
func randomPod(r *rand.Rand) (fields map[string]any, plain bool) {
	plain = r.IntN(4) == 0
	maybe := func(in map[string]any, key string, values ...any) {
		if !plain && r.IntN(3) == 0 {
			in[key] = clone(values[r.IntN(len(values))])
		}
	}
	spec := map[string]any{}
	maybe(spec, "automountServiceAccountToken", true, false)
	maybe(spec, "serviceAccountName", "cart", "default")
	maybe(spec, "hostNetwork", true)
	maybe(spec, "resources", map[string]any{"requests": map[string]any{"cpu": "1"}})
	maybe(spec, "os", map[string]any{"name": "linux"}, map[string]any{"name": "windows"})
	maybe(spec, "securityContext", map[string]any{}, map[string]any{"runAsUser": int64(0)}, map[string]any{"runAsNonRoot": false}, map[string]any{"seccompProfile": map[string]any{"type": "Unconfined"}})
	maybe(spec, "volumes", []any{map[string]any{"name": "plimsoll-0", "emptyDir": map[string]any{"sizeLimit": "1Gi"}}})
	for _, sort := range []string{"initContainers", "containers"} {
		var list []any
		for i := range 1 + r.IntN(3) {
			c := map[string]any{"name": fmt.Sprintf("%s-%d", strings.ToLower(sort), i), "image": []any{"a", "known:1", "reg.example:5000/known"}[r.IntN(3)]}
			own := map[string]any{}
			maybe(own, "privileged", true, false)
			maybe(own, "runAsUser", int64(0), int64(10001))
			maybe(own, "runAsNonRoot", true, false)
			maybe(own, "readOnlyRootFilesystem", true, false)
			maybe(own, "capabilities", map[string]any{}, map[string]any{"add": []any{"SYS_ADMIN"}}, map[string]any{"drop": []any{"KILL"}})
			if len(own) > 0 || r.IntN(3) == 0 {
				c["securityContext"] = own
			}
			if p, _ := own["privileged"].(bool); !p {
				maybe(own, "allowPrivilegeEscalation", true, false)
			}
			maybe(c, "volumeMounts", []any{map[string]any{"name": "plimsoll-0", "mountPath": "/data"}})
			maybe(c, "resources", map[string]any{"limits": map[string]any{"cpu": "1"}}, map[string]any{"requests": map[string]any{"memory": "1Gi"}})
			list = append(list, c)
		}
		spec[sort] = list
	}
	return map[string]any{"spec": spec}, plain
}
