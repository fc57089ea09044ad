package pod

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/check"
)

// quota is a ResourceQuota that holds for every pod of its namespace.
type quota struct {
	name string
	hard amounts
}

// quotas are those of the workload's namespace; those that hold for some pods only are left out.
func (f *Facts) quotas() (all []quota) {
	for _, o := range f.of("ResourceQuota", f.Namespace) {
		spec, _ := o.Fields["spec"].(map[string]any)
		if spec["scopes"] == nil && spec["scopeSelector"] == nil {
			all = append(all, quota{o.Name, quantities(spec["hard"])})
		}
	}
	return all
}

// counted are what quotas count of a pod: requests, which may be written without saying so, and limits.
func counted(key corev1.ResourceName) (name corev1.ResourceName, limits, ok bool) {
	list, rest, cut := strings.Cut(string(key), ".")
	switch {
	case cut && list == "limits":
		return corev1.ResourceName(rest), true, true
	case cut && list == "requests":
		return corev1.ResourceName(rest), false, rest != "storage"
	}
	return key, false, key == corev1.ResourceCPU || key == corev1.ResourceMemory || key == corev1.ResourceEphemeralStorage
}

const quotaExample = "---\napiVersion: v1\nkind: ResourceQuota\nmetadata:\n  name: shop\n  namespace: shop\nspec:\n  hard:\n    limits.memory: 8Gi\n"

func refusedByNamespace() Check {
	return Check{
		Card: card("refused-by-namespace", "a namespace's limits refuse the pods of a workload", finding.Low,
			"nsa-1.2/resource-policies", check.Page{
				Why:  "A Deployment is taken, and its pods are not: the API server says so in events of the ReplicaSet only, and the old version, with what was wrong with it, runs on.",
				Fix:  "Write the requests and limits that the ResourceQuota asks for, within the LimitRange's bounds; or let a LimitRange say them for all.",
				Bad:  inContainer("image: example.org/cart:1") + quotaExample,
				Good: inContainer("resources:\n  limits:\n    memory: 256Mi") + quotaExample,
			}),
		native: each(`!(c.name in ephemeral) && c.?resources.?requests.orValue({}).exists(n, n.contains("/") && !n.matches("^([^/]*[.])?kubernetes[.]io/") && (!(n in c.?resources.?limits.orValue({})) || quantity(c.resources.limits[n]).compareTo(quantity(c.resources.requests[n])) != 0))`),
		look: func(f *Facts) (hits []hit) {
			for _, q := range f.quotas() {
				hits = append(hits, f.refusedByQuota(q)...)
			}
			for _, b := range f.limitRanges() {
				hits = append(hits, f.refusedByRange(b)...)
			}
			return append(hits, f.unevenDevices()...)
		},
	}
}

func (f *Facts) refusedByQuota(q quota) (hits []hit) {
	for _, key := range slices.Sorted(maps.Keys(q.hard)) {
		name, limits, ok := counted(key)
		if !ok {
			continue
		}
		each, list := f.request, "requests"
		if limits {
			each, list = f.limit, "limits"
		}
		for _, c := range f.spending() {
			if _, said := each(c, name); !said && !extended(name) {
				hits = append(hits, hit{
					container: c.Name, field: fmt.Sprintf("%s.resources.%s.%s", c.field, list, name),
					detail: fmt.Sprintf("ResourceQuota %s counts %s, which each container must then say", q.name, key),
				})
			}
		}
		if sum := f.whole(name, each); sum.Cmp(q.hard[key]) > 0 {
			hard := q.hard[key]
			hits = append(hits, hit{field: "spec", detail: fmt.Sprintf("one pod's %s of %s are %s, and ResourceQuota %s has %s for all", list, name, sum.String(), q.name, hard.String())})
		}
	}
	return hits
}

// refusedByRange holds containers, or the pod, against one bound. What is not said has its default, which fits.
func (f *Facts) refusedByRange(b bounds) (hits []hit) {
	for _, name := range b.names() {
		if b.of == "Pod" {
			for _, what := range b.broken(name, f.whole(name, f.request), f.whole(name, f.limit)) {
				hits = append(hits, hit{field: "spec", detail: what})
			}
			continue
		}
		for _, c := range f.spending() {
			request, asks := f.request(c, name)
			limit, bounded := f.limit(c, name)
			if b.of != "Container" || !asks || !bounded {
				continue
			}
			for _, what := range b.broken(name, request, limit) {
				hits = append(hits, hit{container: c.Name, field: c.field + ".resources", detail: what})
			}
		}
	}
	return hits
}

// broken says what of a bound a request and a limit break.
func (b bounds) broken(name corev1.ResourceName, request, limit resource.Quantity) (all []string) {
	add := func(what string, args ...any) {
		all = append(all, fmt.Sprintf(what, args...)+", says LimitRange "+b.object)
	}
	if highest, ok := b.highest[name]; ok && limit.Cmp(highest) > 0 {
		add("%s of %s is more than %s", name, limit.String(), highest.String())
	}
	if lowest, ok := b.lowest[name]; ok && request.Cmp(lowest) < 0 {
		add("%s of %s is less than %s", name, request.String(), lowest.String())
	}
	if highest, ok := b.ratio[name]; ok {
		if times, ok := ratio(limit, request); ok && times > highest.AsApproximateFloat64() {
			add("%s is %.1f times its request, more than %s", name, times, highest.String())
		}
	}
	return all
}

// names are what a bound is about, in order.
func (b bounds) names() (all []corev1.ResourceName) {
	for _, of := range []amounts{b.lowest, b.highest, b.ratio} {
		all = slices.AppendSeq(all, maps.Keys(of))
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// unevenDevices are asked for without a limit, or with another: devices are given out whole.
func (f *Facts) unevenDevices() (hits []hit) {
	for _, c := range f.spending() {
		for _, name := range slices.Sorted(maps.Keys(c.Resources.Requests)) {
			request := c.Resources.Requests[name]
			if limit, ok := c.Resources.Limits[name]; extended(name) && (!ok || limit.Cmp(request) != 0) {
				hits = append(hits, hit{container: c.Name, field: fmt.Sprintf("%s.resources.requests.%s", c.field, name), detail: "a device is asked for by an equal limit"})
			}
		}
	}
	return hits
}

func noQuota() Check {
	return Check{
		Card: card("no-quota", "a namespace may take all of the cluster", finding.Low,
			"trivy/KSV-0040 nsa-1.2/resource-policies attack/T1496 attack/T1499", check.Page{
				Why:  "Who may make pods in the namespace, or broke into one that may, makes as many as fit: a miner, or so many that others find no room.",
				Fix:  "Make a ResourceQuota for requests and limits of cpu and memory, and for devices (requests.nvidia.com/gpu) that are paid for.",
				Bad:  inContainer("image: example.org/cart:1"),
				Good: inContainer("image: example.org/cart:1") + quotaExample,
			}),
		beyond: "it asks for the namespace's quotas",
		look: func(f *Facts) (hits []hit) {
			if !f.Whole {
				return []hit{{unknown: "the quotas of namespace " + f.Namespace}}
			}
			if len(f.of("ResourceQuota", f.Namespace)) == 0 {
				if f.first() && !strings.HasPrefix(f.Namespace, "kube-") {
					hits = append(hits, hit{field: "metadata.namespace", outer: true, detail: "namespace " + f.Namespace + " has no ResourceQuota"})
				}
				return hits
			}
			for _, c := range f.spending() {
				for _, name := range slices.Sorted(maps.Keys(c.Resources.Limits)) {
					if extended(name) && !f.inQuota("requests."+name) {
						hits = append(hits, hit{container: c.Name, field: fmt.Sprintf("%s.resources.limits.%s", c.field, name), detail: fmt.Sprintf("no ResourceQuota of namespace %s counts %s", f.Namespace, name)})
					}
				}
			}
			return hits
		},
	}
}

// first says that the workload is the one that speaks for its namespace, so that a thing is said once.
func (f *Facts) first() bool {
	for i := range f.Around.Workloads {
		if w := &f.Around.Workloads[i]; w.Namespace == f.Namespace {
			return w.Object == f.Object && w.Field == f.Field
		}
	}
	return true
}

func (f *Facts) inQuota(key corev1.ResourceName) bool {
	return slices.ContainsFunc(f.quotas(), func(q quota) bool { _, ok := q.hard[key]; return ok })
}
