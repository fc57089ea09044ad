package pod

import (
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
)

// amounts are quantities by the name of what they measure.
type amounts = map[corev1.ResourceName]resource.Quantity

// bounds are what a LimitRange says of one container, or of one pod.
type bounds struct {
	object          string  // the LimitRange's name
	of              string  // Container, Pod, or PersistentVolumeClaim
	limit, request  amounts // of a container that says none
	lowest, highest amounts
	ratio           amounts
}

// limitRanges are those of the workload's namespace, with the defaults that the API server writes into them: a
// container's default limit is its highest one, and its default request the default limit, or the lowest.
func (f *Facts) limitRanges() (all []bounds) {
	for _, o := range f.of("LimitRange", f.Namespace) {
		spec, _ := o.Fields["spec"].(map[string]any)
		items, _ := spec["limits"].([]any)
		for _, i := range items {
			item, _ := i.(map[string]any)
			b := bounds{
				object: o.Name, limit: quantities(item["default"]), request: quantities(item["defaultRequest"]),
				lowest: quantities(item["min"]), highest: quantities(item["max"]), ratio: quantities(item["maxLimitRequestRatio"]),
			}
			if b.of, _ = item["type"].(string); b.of == "Container" {
				fill(b.limit, b.highest)
				fill(b.request, b.limit)
				fill(b.request, b.lowest)
			}
			all = append(all, b)
		}
	}
	return all
}

func fill(into, from amounts) {
	for name, q := range from {
		if _, ok := into[name]; !ok {
			into[name] = q
		}
	}
}

// quantities reads amounts as they are written; one that is none is left out, as the API server refuses it.
func quantities(fields any) amounts {
	all := amounts{}
	texts, _ := fields.(map[string]any)
	for name, v := range texts {
		if q, ok := quantity(v); ok {
			all[corev1.ResourceName(name)] = q
		}
	}
	return all
}

func quantity(v any) (q resource.Quantity, ok bool) {
	switch v := v.(type) {
	case string:
		q, err := resource.ParseQuantity(v)
		return q, err == nil
	case int64:
		return *resource.NewQuantity(v, resource.DecimalSI), true
	case float64:
		return *resource.NewMilliQuantity(int64(v*1000), resource.DecimalSI), true
	}
	return q, false
}

// limit is what a container may take at most: its own limit, its pod's, or its namespace's default.
func (f *Facts) limit(c container, name corev1.ResourceName) (resource.Quantity, bool) {
	if q, ok := c.Resources.Limits[name]; ok {
		return q, true
	}
	if p := f.Spec.Resources; p != nil {
		if q, ok := p.Limits[name]; ok {
			return q, true
		}
	}
	return f.defaulted(name, func(b bounds) amounts { return b.limit })
}

// request is what is kept free for a container: its own request, its limit, its pod's, or its namespace's default.
func (f *Facts) request(c container, name corev1.ResourceName) (resource.Quantity, bool) {
	for _, own := range []corev1.ResourceList{c.Resources.Requests, c.Resources.Limits} {
		if q, ok := own[name]; ok {
			return q, true
		}
	}
	if p := f.Spec.Resources; p != nil {
		for _, own := range []corev1.ResourceList{p.Requests, p.Limits} {
			if q, ok := own[name]; ok {
				return q, true
			}
		}
	}
	return f.defaulted(name, func(b bounds) amounts { return b.request })
}

func (f *Facts) defaulted(name corev1.ResourceName, of func(b bounds) amounts) (q resource.Quantity, ok bool) {
	for _, b := range f.limitRanges() {
		if q, ok := of(b)[name]; ok && b.of == "Container" {
			return q, true
		}
	}
	return q, false
}

// spending are the containers that resources are given to: those that were put in later have none of their own.
func (f *Facts) spending() []container {
	all := f.containers()
	if i := slices.IndexFunc(all, func(c container) bool { return c.sort == ephemeral }); i >= 0 {
		return all[:i] // they stand last
	}
	return all
}

// sidecar says that an init container stays beside the others.
func (c container) sidecar() bool {
	return c.sort == "initContainers" && c.RestartPolicy != nil && *c.RestartPolicy == corev1.ContainerRestartPolicyAlways
}

// whole is what the pod needs at once, of what each container is said to: all that stay, or one init container
// beside the sidecars before it, whichever is more.
func (f *Facts) whole(name corev1.ResourceName, each func(c container, name corev1.ResourceName) (resource.Quantity, bool)) (sum resource.Quantity) {
	var most resource.Quantity
	for _, c := range f.spending() {
		q, _ := each(c, name)
		if c.sort == "initContainers" && !c.sidecar() {
			q.Add(sum) // so far only sidecars are in it
			if q.Cmp(most) > 0 {
				most = q
			}
			continue
		}
		sum.Add(q)
	}
	if most.Cmp(sum) > 0 {
		return most
	}
	return sum
}

// extended says that a name is a device's, such as nvidia.com/gpu, which is given out whole.
func extended(name corev1.ResourceName) bool {
	domain, _, ok := strings.Cut(string(name), "/")
	return ok && domain != "kubernetes.io" && !strings.HasSuffix(domain, ".kubernetes.io")
}
