package pod

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// said are the checks of resources that find a manifest, and what they say of it.
func said(t *testing.T, text string) string {
	t.Helper()
	var got []string
	facts := factsOf(t, text)
	for _, c := range beyond() {
		name := strings.TrimPrefix(c.ID, "pod/")
		if !slices.Contains([]string{"no-memory-limit", "no-cpu-limit", "no-memory-request", "no-cpu-request", "limit-ratio", "refused-by-namespace", "no-quota", "empty-dir-size"}, name) {
			continue
		}
		hits, unknown := hitsIn(facts, c)
		for _, h := range hits {
			_, detail, _ := strings.Cut(h.Detail, ": ")
			got = append(got, strings.TrimSuffix(name+" "+h.Subject.Container+": "+detail, ": "))
		}
		for range unknown {
			got = append(got, name+"?")
		}
	}
	slices.Sort(got)
	return strings.Join(got, "\n")
}

func TestResources(t *testing.T) {
	of := func(kind, spec string) string {
		return "---\napiVersion: v1\nkind: " + kind + "\nmetadata: {name: shop, namespace: shop}\nspec: " + spec + "\n"
	}
	some := of("ResourceQuota", "{hard: {pods: '9'}}")
	full := "{requests: {cpu: 100m, memory: 64Mi}, limits: {cpu: '1', memory: 128Mi}}"
	one := func(resources string) string { return inContainer("resources: " + resources) }
	for _, c := range []struct{ name, text, want string }{
		{"all said", one(full) + some, ""},
		{"nothing said", one("{}") + some, "no-cpu-limit cart\nno-cpu-request cart\nno-memory-limit cart\nno-memory-request cart"},
		{"limits are requests too", one("{limits: {cpu: 1, memory: 1Gi}}") + some, ""},
		{"the pod says it for all", inPod("resources: "+full+"\ncontainers:\n- name: cart\n- name: proxy") + some, ""},
		{"a LimitRange says it for all", one("{}") + some + of("LimitRange", "{limits: [{type: Container, default: {cpu: 1, memory: 128Mi}}]}"), ""},
		{"its highest is the default", one("{}") + some + of("LimitRange", "{limits: [{type: Container, max: {cpu: 1, memory: 128Mi}}]}"), ""},
		{"one of another namespace", one(full) + some + strings.ReplaceAll(of("LimitRange", "{limits: [{type: Container, max: {cpu: 10m}}]}"), "shop}", "other}"), ""},
		{"one for pods gives no defaults", one("{}") + some + of("LimitRange", "{limits: [{type: Pod, max: {cpu: '1'}}]}"), "no-cpu-limit cart\nno-cpu-request cart\nno-memory-limit cart\nno-memory-request cart"},
		{"more than the highest", one(full) + some + of("LimitRange", "{limits: [{type: Container, max: {cpu: 500m}, min: {memory: 100Mi}, maxLimitRequestRatio: {cpu: 4}}]}"), "refused-by-namespace cart: cpu is 10.0 times its request, more than 4, says LimitRange shop\nrefused-by-namespace cart: cpu of 1 is more than 500m, says LimitRange shop\nrefused-by-namespace cart: memory of 64Mi is less than 100Mi, says LimitRange shop"},
		{"a pod's sum", inPod("containers:\n- {name: a, resources: "+full+"}\n- {name: b, resources: "+full+"}") + some + of("LimitRange", "{limits: [{type: Pod, max: {cpu: 1500m}}]}"), "refused-by-namespace : cpu of 2 is more than 1500m, says LimitRange shop"},
		{"a quota asks", one("{limits: {memory: 64Mi}, requests: {cpu: 10m}}") + of("ResourceQuota", "{hard: {limits.cpu: '4', requests.memory: 1Gi, cpu: '1', requests.storage: 1Ti, count/pods: 9}}"), "no-cpu-limit cart\nrefused-by-namespace cart: ResourceQuota shop counts limits.cpu, which each container must then say"},
		{"a quota asks, and a LimitRange answers", one("{}") + of("ResourceQuota", "{hard: {limits.cpu: '4', limits.memory: 1Gi}}") + of("LimitRange", "{limits: [{type: Container, default: {cpu: 1, memory: 128Mi}}]}"), ""},
		{"a quota for some pods", one(full) + of("ResourceQuota", "{hard: {limits.ephemeral-storage: 1Gi}, scopes: [BestEffort]}"), ""},
		{"too much for a quota", one(full) + of("ResourceQuota", "{hard: {limits.cpu: 500m}}"), "refused-by-namespace : one pod's limits of cpu are 1, and ResourceQuota shop has 500m for all"},
		{
			"init containers run one after another, sidecars stay", inPod("initContainers:\n- {name: side, restartPolicy: Always, resources: "+full+"}\n- {name: first, resources: "+full+"}\n- {name: second, resources: "+full+"}\ncontainers:\n- {name: cart, resources: "+full+"}") +
				of("ResourceQuota", "{hard: {limits.cpu: '2'}}"), "",
		},
		{
			"an init container is the most", inPod("initContainers:\n- {name: first, resources: {limits: {cpu: 4, memory: 1Gi}}}\ncontainers:\n- {name: cart, resources: "+full+"}") +
				of("ResourceQuota", "{hard: {limits.cpu: '2'}}"), "refused-by-namespace : one pod's limits of cpu are 4, and ResourceQuota shop has 2 for all",
		},
		{"no quota", one(full), "no-quota : namespace shop has no ResourceQuota"},
		{"no quota for what is dear", one("{limits: {cpu: 1, memory: 1Gi, nvidia.com/gpu: 1}}") + some, "no-quota cart: no ResourceQuota of namespace shop counts nvidia.com/gpu"},
		{"one for it", one("{limits: {cpu: 1, memory: 1Gi, nvidia.com/gpu: 1}}") + of("ResourceQuota", "{hard: {requests.nvidia.com/gpu: 2}}"), ""},
		{"a device without a limit", one("{requests: {cpu: 1, memory: 1Gi, nvidia.com/gpu: 1}, limits: {cpu: 1, memory: 1Gi}}") + some, "refused-by-namespace cart: a device is asked for by an equal limit"},
		{"much more than is kept free", one("{requests: {cpu: 0, memory: 16Mi}, limits: {cpu: 1, memory: 1Gi}}") + some, "limit-ratio cart: 64 times its request\nlimit-ratio cart: nothing is kept free"},
		{"a debugger has none of its own", inPod("containers:\n- {name: cart, resources: "+full+"}\nephemeralContainers:\n- name: d") + some, ""},
		{"memory that is counted", inPod("containers:\n- {name: cart, resources: "+full+"}\nvolumes:\n- {name: m, emptyDir: {medium: Memory}}") + some, ""},
		{"disk that is not", inPod("containers:\n- {name: cart, resources: "+full+"}\nvolumes:\n- {name: d, emptyDir: {}}") + some, "empty-dir-size : d"},
		{"a LimitRange of nonsense", one(full) + some + of("LimitRange", "{limits: [7, {type: Container, max: {cpu: many, memory: [1]}}, {type: Container, max: 3}]}"), ""},
	} {
		if diff := cmp.Diff(c.want, said(t, c.text)); diff != "" {
			t.Errorf("%s:\n%s", c.name, diff)
		}
	}
}

// TestQuotaOnce holds that what a namespace lacks is said once, and not for each workload.
func TestQuotaOnce(t *testing.T) {
	text := inContainer("") + "---\n" + strings.Replace(inContainer(""), "name: cart", "name: second", 1)
	if hits, _ := judged(t, noQuota(), text); len(hits) != 1 {
		t.Errorf("%d hits, want 1", len(hits))
	}
}
