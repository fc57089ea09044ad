package path

import (
	"fmt"
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/plimsoll/plimsoll/internal/judge/rbac"
	"github.com/plimsoll/plimsoll/internal/read/kube"
)

// large is a cluster of so many bindings: ten for each namespace and its accounts, roles of its own, and for every hundredth one that
// holds in the whole cluster.
func large(bindings int) []*kube.Object {
	var all []*kube.Object
	object := func(version, kind, namespace, name string, more map[string]any) {
		meta := map[string]any{"name": name}
		if namespace != "" {
			meta["namespace"] = namespace
		}
		more["apiVersion"], more["kind"], more["metadata"] = version, kind, meta
		all = append(all, &kube.Object{APIVersion: version, Kind: kind, Namespace: namespace, Name: name, Fields: more})
	}
	const version = rbacGroup + "/v1"
	list := func(words ...string) (out []any) {
		for _, w := range words {
			out = append(out, w)
		}
		return out
	}
	rule := func(verb, group, resource string) map[string]any {
		return map[string]any{"verbs": list(verb), "apiGroups": list(group), "resources": list(resource)}
	}
	some := []map[string]any{
		rule("create", "", "pods"), rule("get", "", "secrets"), rule("list", "", "pods"), rule("create", "", "pods/exec"), rule("create", "apps", "deployments"),
		rule("get", "", "configmaps"), rule("create", "", "serviceaccounts/token"), rule("update", rbacGroup, "roles"), rule("create", rbacGroup, "rolebindings"), rule("patch", "", "namespaces"),
	}
	for i := range bindings {
		namespace, name := fmt.Sprint("ns-", i/10), fmt.Sprint("a-", i%10)
		object("v1", "ServiceAccount", namespace, name, map[string]any{})
		if i%10 == 0 {
			object("v1", "Namespace", "", namespace, map[string]any{})
		}
		object(version, "Role", namespace, name, map[string]any{"rules": []any{some[i%10], some[(i/10)%10]}})
		kind, home, to := "RoleBinding", namespace, map[string]any{"kind": "Role", "name": name}
		if i%100 == 99 {
			kind, home, to = "ClusterRoleBinding", "", map[string]any{"kind": "ClusterRole", "name": "edit"}
		}
		if i%5000 == 4999 {
			to = map[string]any{"kind": "ClusterRole", "name": "cluster-admin"}
		}
		object(version, kind, home, fmt.Sprint("b-", i), map[string]any{"roleRef": to, "subjects": []any{map[string]any{"kind": "ServiceAccount", "namespace": namespace, "name": name}, map[string]any{"kind": "Group", "name": fmt.Sprint("team-", i%500)}}})
	}
	return all
}

// BenchmarkPaths makes the graph of many bindings, asks it for the shortest paths from everybody to all of the cluster, and for the cut.
func BenchmarkPaths(b *testing.B) {
	for _, n := range []int{500, 5_000, 50_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			objects := large(n)
			var most, before runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&before)
			reached, cut := 0, Cut{}
			start := cpu(b)
			for b.Loop() {
				s := kube.NewSnapshot(objects, nil)
				g := Build(rbac.New(s, rbac.Options{}), s, nil)
				reached = len(g.From(ToAdmin, "", nobody, 1))
				cut = g.Cut(ToAdmin, "", nobody)
				runtime.ReadMemStats(&most)
			}
			b.ReportMetric((cpu(b)-start).Seconds()/float64(b.N), "cpu-s")
			b.ReportMetric(float64(reached), "sources")
			b.ReportMetric(float64(len(cut.Grants)), "cut")
			b.ReportMetric(float64(most.HeapInuse)/(1<<20), "heap-MB")
			if reached == 0 || len(cut.Grants) == 0 {
				b.Errorf("%d reach it, and the cut has %d grants", reached, len(cut.Grants))
			}
		})
	}
}

// cpu is the processor time that the process has taken: on a busy machine it says more than the clock.
func cpu(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
