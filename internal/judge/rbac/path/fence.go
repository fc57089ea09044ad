package path

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/plimsoll/plimsoll/internal/read/kube"
)

// Denial is a ValidatingAdmissionPolicy that denies a pod, by a binding.
type Denial struct{ Policy, Binding string }

// Forbids says by which policies a pod is denied that somebody creates.
type Forbids func(pod *kube.Object) []Denial

// fence is what keeps those who run pods in a namespace from its node.
type fence struct {
	level string   // of Pod Security, where it does; empty: it does not
	by    []Denial // the policies that forbid what is forbidden least
}

func (f *fence) open() bool { return f.level == "" && len(f.by) == 0 }

// key is the same for namespaces that the same takes to open.
func (f *fence) key() string { return fmt.Sprint(f.level != "", f.by) }

// asRoot are pods that are root on the node that they run on, each in its way: all that Pod Security forbids from baseline up.
func asRoot(namespace string) (all []*kube.Object) {
	for _, spec := range []map[string]any{
		{"containers": []any{map[string]any{"name": "c", "image": "c", "securityContext": map[string]any{"privileged": true}}}},
		{"containers": []any{map[string]any{"name": "c", "image": "c"}}, "volumes": []any{map[string]any{"name": "v", "hostPath": map[string]any{"path": "/"}}}},
		{"hostPID": true, "containers": []any{map[string]any{"name": "c", "image": "c", "securityContext": map[string]any{"capabilities": map[string]any{"add": []any{"SYS_ADMIN", "SYS_PTRACE"}}}}}},
	} {
		meta := map[string]any{"name": "root", "namespace": namespace}
		all = append(all, &kube.Object{APIVersion: "v1", Kind: "Pod", Namespace: namespace, Name: "root", Fields: map[string]any{"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": spec}})
	}
	return all
}

// readFences looks at what each namespace forbids, and makes the primitives that open those that are closed.
func (b *builder) readFences(forbids Forbids) {
	closed := map[string][]string{}
	for _, ns := range slices.Sorted(maps.Keys(b.namespaces)) {
		f := &fence{}
		if level, _ := b.level(ns); level != "privileged" {
			f.level = level
		}
		if forbids != nil {
			f.by = least(ns, forbids)
		}
		b.fence[ns] = f
		if !f.open() {
			closed[f.key()] = append(closed[f.key()], ns)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(closed)) {
		b.prims = append(b.prims, opening(b.fence[closed[key][0]], closed[key]))
	}
}

// least are the denials of the pod that the fewest policies deny.
func least(namespace string, forbids Forbids) (by []Denial) {
	for i, pod := range asRoot(namespace) {
		one := forbids(pod)
		if i == 0 || policiesIn(one) < policiesIn(by) {
			by = one
		}
	}
	return by
}

func policiesIn(by []Denial) int {
	all := map[string]bool{}
	for _, d := range by {
		all[d.Policy] = true
	}
	return len(all)
}

// opening is what opens some namespaces that the same keeps closed, and uses it.
func opening(f *fence, namespaces []string) *Primitive {
	in := map[string]bool{}
	for _, ns := range namespaces {
		in[ns] = true
	}
	p := &Primitive{ID: "unguard", Closes: "give nobody who runs pods the right to change what forbids them"}
	var does, why []string
	if f.level != "" {
		p.ID, p.Closes = "relabel", "give nobody who runs pods the right to change namespaces"
		does, why = append(does, "takes the Pod Security label off the namespace"), append(why, "what a namespace enforces is a label of it")
		p.needs = append(p.needs, need{any: do("", "namespaces", "", "update", "patch"), in: in})
	}
	bindings := map[string][]string{}
	for _, d := range f.by {
		bindings[d.Policy] = append(bindings[d.Policy], d.Binding)
	}
	for _, policy := range slices.Sorted(maps.Keys(bindings)) {
		p.ID = "unguard"
		does, why = append(does, "takes the policy "+policy+" away"), append(why, "what the policy "+policy+" forbids, nothing else does")
		any := named(policy, do(registrations, "validatingadmissionpolicies", "", "update", "patch", "delete"))
		if of := slices.Compact(slices.Sorted(slices.Values(bindings[policy]))); len(of) == 1 {
			any = append(any, named(of[0], do(registrations, "validatingadmissionpolicybindings", "", "update", "patch", "delete"))...)
		}
		p.needs = append(p.needs, need{any: any, wide: true, names: apart})
	}
	p.Title, p.Why = strings.Join(does, ", ")+", and runs a privileged pod", strings.Join(why, "; ")
	p.needs = append(p.needs, need{any: runs()})
	p.gives = func(b *builder, from vertex, h hold) {
		if h.namespace == "" || in[h.namespace] {
			b.edge(from, node, h)
		}
	}
	return p
}

// opens says that who runs pods in a namespace, or in any, has a node.
func (b *builder) opens(namespace string) bool {
	if f := b.fence[namespace]; f != nil {
		return f.open()
	}
	for _, f := range b.fence {
		if f.open() {
			return true
		}
	}
	return false
}
