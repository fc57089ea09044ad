package path

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/plimsoll/plimsoll/internal/read/kube"
)

// Denial is a ValidatingAdmissionPolicy that denies a pod, by a binding.
type Denial struct{ Policy, Binding string }

// Forbids says by which policies a pod is denied that somebody creates.
type Forbids func(pod *kube.Object) []Denial

// fence is what keeps those who run pods in a namespace from its node.
type fence struct {
	level  string   // of Pod Security, where it does; empty: it does not
	by     []Denial // the policies that forbid what is forbidden least
	moved  []string // those of them that choose namespaces by labels that can be changed
	unsure []string // policies that deny it, and nobody knows to whom, or for what
}

func (f *fence) open() bool { return f.level == "" && len(f.by) == 0 }

// key is the same for namespaces that the same takes to open.
func (f *fence) key() string { return fmt.Sprint(f.level != "", f.by) }

// rootCaps are capabilities that are root on the node; SYS_PTRACE is where the pod sees the node's processes.
var rootCaps = []string{"ALL", "SYS_ADMIN", "SYS_MODULE"}

// harmless is a pod that is nobody's root.
func harmless(namespace string) *kube.Object { return podOf(namespace, nil, nil) }

// asRoot are pods that are root on the node that they run on, each in one of the ways that [escapes] knows, and otherwise as the
// harmless one: all that Pod Security forbids from baseline up.
func asRoot(namespace string) (all []*kube.Object) {
	all = append(all, podOf(namespace, nil, map[string]any{"privileged": true}))
	adds := func(name string) map[string]any {
		return map[string]any{"capabilities": map[string]any{"add": []any{name}}}
	}
	for _, path := range roots {
		all = append(all, podOf(namespace, map[string]any{"volumes": []any{map[string]any{"name": "v", "hostPath": map[string]any{"path": path}}}}, nil))
	}
	for _, name := range rootCaps {
		all = append(all, podOf(namespace, nil, adds(name)))
	}
	return append(all, podOf(namespace, map[string]any{"hostPID": true}, adds("SYS_PTRACE")))
}

// podOf is a pod with some of its spec, and of its container's security context.
func podOf(namespace string, spec, context map[string]any) *kube.Object {
	container := map[string]any{"name": "c", "image": "c"}
	if context != nil {
		container["securityContext"] = context
	}
	whole := map[string]any{"containers": []any{container}}
	maps.Copy(whole, spec)
	meta := map[string]any{"name": "root", "namespace": namespace}
	return &kube.Object{APIVersion: "v1", Kind: "Pod", Namespace: namespace, Name: "root", Fields: map[string]any{"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": whole}}
}

// readFences looks at what each namespace forbids, and makes the primitives that open those that are closed.
func (b *builder) readFences(forbids Forbids) {
	closed := map[string][]string{}
	for _, ns := range slices.Sorted(maps.Keys(b.namespaces)) {
		f := &fence{}
		if forbids != nil {
			f = b.least(ns, forbids)
		}
		if level, _ := b.level(ns); level != "privileged" {
			f.level = level
		}
		b.fence[ns] = f
		if !f.open() {
			closed[f.key()] = append(closed[f.key()], ns)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(closed)) {
		f := b.fence[closed[key][0]]
		b.prims = append(b.prims, opening(f, closed[key], false))
		if len(f.moved) > 0 {
			b.prims = append(b.prims, opening(f, closed[key], true))
		}
	}
}

// least is the fence against the pod that the fewest policies deny. One that denies the harmless pod, too, forbids something else that
// a pod may well have; one that lets some pass by who they are, or by what they call their pod, is no fence for those.
func (b *builder) least(namespace string, forbids Forbids) (best *fence) {
	twin := forbids(harmless(namespace))
	for _, pod := range asRoot(namespace) {
		f := &fence{}
		for _, d := range forbids(pod) {
			passes, labels := b.exempts(d)
			switch {
			case slices.Contains(twin, d) || passes:
				f.unsure = append(f.unsure, d.Policy)
				continue
			case labels:
				f.moved = append(f.moved, d.Policy)
			}
			f.by = append(f.by, d)
		}
		slices.Sort(f.unsure)
		f.unsure = slices.Compact(f.unsure)
		if best == nil || slices.Compare(f.height(), best.height()) < 0 {
			best = f
		}
		if len(f.by)+len(f.unsure) == 0 {
			break
		}
	}
	return best
}

// height is how much it takes to get over a fence.
func (f *fence) height() []int {
	all := map[string]bool{}
	for _, d := range f.by {
		all[d.Policy] = true
	}
	return []int{len(all), len(f.unsure)}
}

// exempts says that a policy, or its binding, lets pass somebody, or a pod that is called otherwise; and that it chooses namespaces
// by labels which whoever changes a namespace can change.
func (b *builder) exempts(d Denial) (passes, labels bool) {
	choose := func(m *admissionv1.MatchResources) {
		if m == nil {
			return
		}
		passes = passes || chooses(m.ObjectSelector)
		labels = labels || chooses(m.NamespaceSelector)
	}
	if o := b.kube.Find(registrations, "ValidatingAdmissionPolicy", "", d.Policy); o != nil {
		typed, _, _ := o.Typed()
		if policy, ok := typed.(*admissionv1.ValidatingAdmissionPolicy); ok {
			choose(policy.Spec.MatchConstraints)
			said := asks(&policy.Spec)
			labels = labels || strings.Contains(said, "namespaceObject")
			said = strings.NewReplacer("namespaceObject.metadata", "", "metadata.namespace", "").Replace(said)
			passes = passes || slices.ContainsFunc([]string{"userInfo", "authorizer", "metadata"}, func(word string) bool { return strings.Contains(said, word) })
		}
	}
	if o := b.kube.Find(registrations, "ValidatingAdmissionPolicyBinding", "", d.Binding); o != nil {
		typed, _, _ := o.Typed()
		if binding, ok := typed.(*admissionv1.ValidatingAdmissionPolicyBinding); ok {
			choose(binding.Spec.MatchResources)
		}
	}
	return passes, labels
}

// asks are the expressions of a policy.
func asks(p *admissionv1.ValidatingAdmissionPolicySpec) string {
	var all strings.Builder
	for _, c := range p.MatchConditions {
		all.WriteString(c.Expression + "\n")
	}
	for _, v := range p.Variables {
		all.WriteString(v.Expression + "\n")
	}
	for _, v := range p.Validations {
		all.WriteString(v.Expression + "\n")
	}
	return all.String()
}

// chooses says that a selector goes by labels that can be changed: a namespace's name, as a label, cannot.
func chooses(s *metav1.LabelSelector) bool {
	if s == nil {
		return false
	}
	for key := range s.MatchLabels {
		if key != corev1.LabelMetadataName {
			return true
		}
	}
	return slices.ContainsFunc(s.MatchExpressions, func(r metav1.LabelSelectorRequirement) bool { return r.Key != corev1.LabelMetadataName })
}

// opening is what opens some namespaces that the same keeps closed, and uses it: by moving them out of the policies that choose them
// by labels, or by taking those away.
func opening(f *fence, namespaces []string, move bool) *Primitive {
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
		why = append(why, "what the policy "+policy+" forbids, nothing else does")
		any := named(policy, do(registrations, "validatingadmissionpolicies", "", "update", "patch", "delete"))
		if of := slices.Compact(slices.Sorted(slices.Values(bindings[policy]))); len(of) == 1 {
			any = append(any, named(of[0], do(registrations, "validatingadmissionpolicybindings", "", "update", "patch", "delete"))...)
		}
		if move && slices.Contains(f.moved, policy) {
			does, why = append(does, "takes the namespace out of what the policy "+policy+" chooses"), append(why, "it chooses namespaces by their labels")
			p.needs = append(p.needs, need{any: do("", "namespaces", "", "update", "patch"), in: in})
			continue
		}
		does = append(does, "takes the policy "+policy+" away")
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
