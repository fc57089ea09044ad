package pair

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/plimsoll/plimsoll/internal/read/kube/client"
)

// mostListed bounds how many objects of a kind are looked at.
const mostListed = 20_000

// each lists objects, a page at a time.
func (r *run) each(ctx context.Context, kind schema.GroupVersionResource, namespace string, do func(*unstructured.Unstructured)) error {
	o := metav1.ListOptions{Limit: 100}
	for n := 0; ; {
		short, cancel := context.WithTimeout(ctx, requestFor)
		page, err := r.of(kind, namespace).List(short, o)
		cancel()
		if err != nil {
			return err
		}
		for i := range page.Items {
			do(&page.Items[i])
		}
		if n += len(page.Items); n > mostListed {
			return stop("there are more than %d %s", mostListed, kind.Resource)
		}
		if o.Continue = page.GetContinue(); o.Continue == "" {
			return nil
		}
	}
}

// usableNodes counts the nodes that take pods like these; known says that the account may list them.
func (r *run) usableNodes(ctx context.Context) (n int, known bool) {
	err := r.each(ctx, nodes, "", func(u *unstructured.Unstructured) {
		node, err := typed[corev1.Node](u)
		if err != nil || node.Spec.Unschedulable || node.Labels[corev1.LabelOSStable] != "linux" && node.Labels[corev1.LabelOSStable] != "" {
			return
		}
		if slices.ContainsFunc(node.Spec.Taints, func(t corev1.Taint) bool { return t.Effect != corev1.TaintEffectPreferNoSchedule }) {
			return
		}
		n++
	})
	return n, err == nil
}

// allowing notes the policies of others that may allow what those of the trial refuse: NetworkPolicies of the namespace
// that select its pods with a rule for that port, and policies of the Admin tier that may select them, and allow anything.
func (r *run) allowing(ctx context.Context) error {
	if err := r.relabel(ctx); err != nil {
		return err
	}
	note := func(kind, direction, name string) {
		key := Held{kind, direction}
		if !slices.Contains(r.trial.Allowing[key], name) {
			r.trial.Allowing[key] = append(r.trial.Allowing[key], name)
		}
	}
	err := r.each(ctx, networkPolicies, r.namespace, func(u *unstructured.Unstructured) {
		p, err := typed[networkingv1.NetworkPolicy](u)
		if err != nil || p.Labels[labelRun] == r.id {
			return
		}
		name := networkPolicyKind + " " + r.namespace + "/" + p.Name
		for _, t := range p.Spec.PolicyTypes { // the API server fills them in
			direction := strings.ToLower(string(t))
			of, err := metav1.LabelSelectorAsSelector(&p.Spec.PodSelector)
			if err != nil || !of.Matches(r.given[held(direction)]) {
				continue
			}
			if !slices.Contains(r.trial.Beside, name) {
				r.trial.Beside = append(r.trial.Beside, name)
			}
			if mayCover(p, direction) {
				note(networkPolicyKind, direction, name)
			}
		}
	})
	if err != nil {
		return stop("which policies are there already: %v", err)
	}
	for _, k := range adminKinds {
		kind, served, err := r.served(ctx, k)
		if err == nil && served {
			err = r.each(ctx, kind, "", func(u *unstructured.Unstructured) {
				if u.GetLabels()[labelRun] == r.id {
					return
				}
				for _, direction := range []string{ingress, egress} {
					if allows(u, direction) && r.maySelect(u, direction) {
						note(networkPolicyKind, direction, u.GetKind()+" "+u.GetName())
						if priority, _, _ := unstructured.NestedInt64(u.Object, "spec", "priority"); priority == 0 {
							note(clusterPolicyKind, direction, u.GetKind()+" "+u.GetName())
						}
					}
				}
			})
		}
		if err != nil {
			return stop("which policies are there already: %v", err)
		}
	}
	return nil
}

// relabel asks which labels the namespace has by now, where the probe made it: they are others' to add to.
func (r *run) relabel(ctx context.Context) error {
	i := slices.IndexFunc(r.made, func(m *made) bool { return m.kind == namespaces })
	if i < 0 {
		return nil
	}
	found, err := r.look(ctx, r.made[i])
	if err != nil || found == nil {
		return stop("which labels namespace %s has: %v", r.namespace, cmp.Or(err, errors.New("it is gone")))
	}
	r.space = found.GetLabels()
	return nil
}

// mayCover says that a rule of a policy may allow the port that those of the trial refuse, to somebody.
func mayCover(p *networkingv1.NetworkPolicy, direction string) bool {
	var rules [][]networkingv1.NetworkPolicyPort
	for _, r := range p.Spec.Ingress {
		if direction == ingress {
			rules = append(rules, r.Ports)
		}
	}
	for _, r := range p.Spec.Egress {
		if direction == egress {
			rules = append(rules, r.Ports)
		}
	}
	return slices.ContainsFunc(rules, func(ports []networkingv1.NetworkPolicyPort) bool {
		return len(ports) == 0 || slices.ContainsFunc(ports, covers)
	})
}

// covers says that a rule's port is that of the trial. By a name it never is: the pods give their ports none.
func covers(p networkingv1.NetworkPolicyPort) bool {
	switch {
	case p.Protocol != nil && *p.Protocol == corev1.ProtocolSCTP:
		return false
	case p.Port == nil:
		return true
	case p.Port.Type == intstr.String:
		return false
	case p.EndPort != nil:
		return p.Port.IntVal <= refusedPort && refusedPort <= *p.EndPort
	}
	return p.Port.IntVal == refusedPort
}

// adminKinds are those of policies that go before NetworkPolicies.
var adminKinds = []schema.GroupVersionKind{
	{Group: "policy.networking.k8s.io", Version: "v1alpha2", Kind: "ClusterNetworkPolicy"},
	{Group: "policy.networking.k8s.io", Version: "v1alpha1", Kind: "AdminNetworkPolicy"},
}

// allows says that a rule of a policy of the Admin tier allows something.
func allows(u *unstructured.Unstructured, direction string) bool {
	if tier, _, _ := unstructured.NestedString(u.Object, "spec", "tier"); tier == "Baseline" {
		return false
	}
	rules, _, _ := unstructured.NestedSlice(u.Object, "spec", direction)
	return slices.ContainsFunc(rules, func(one any) bool {
		rule, _ := one.(map[string]any)
		return rule["action"] == "Accept" || rule["action"] == "Allow"
	})
}

// maySelect says that a policy of the whole cluster selects the pods that a direction is about, as far as the labels of their
// namespace are known: of one that was there before, its name is.
func (r *run) maySelect(u *unstructured.Unstructured, direction string) bool {
	selector := func(fields ...string) (labels.Selector, bool) {
		of, found, err := unstructured.NestedMap(u.Object, append([]string{"spec", "subject"}, fields...)...)
		if err != nil || !found {
			return labels.Everything(), err == nil
		}
		s, err := typed[metav1.LabelSelector](&unstructured.Unstructured{Object: of})
		if err != nil {
			return nil, false
		}
		parsed, err := metav1.LabelSelectorAsSelector(s)
		return parsed, err == nil
	}
	known := labels.Set{corev1.LabelMetadataName: r.namespace}
	known = labels.Merge(known, r.space)
	for _, fields := range [][]string{{"namespaces"}, {"pods", "namespaceSelector"}} {
		s, ok := selector(fields...)
		if !ok {
			return true
		}
		requirements, _ := s.Requirements()
		for _, one := range requirements {
			if (known.Has(one.Key()) || r.o.Namespace == "") && !one.Matches(known) {
				return false
			}
		}
	}
	s, ok := selector("pods", "podSelector")
	return !ok || s.Matches(r.given[held(direction)])
}

func (r *run) served(ctx context.Context, k schema.GroupVersionKind) (schema.GroupVersionResource, bool, error) {
	ctx, cancel := context.WithTimeout(ctx, requestFor)
	defer cancel()
	kind, _, err := r.c.Resource(ctx, k)
	if errors.Is(err, client.ErrUnserved) {
		return kind, false, nil
	}
	return kind, err == nil, err
}

// servesClusterPolicies leaves out a kind that the cluster does not have, and notes it: the rest is tried.
func (r *run) servesClusterPolicies(ctx context.Context) {
	_, served, err := r.served(ctx, adminKinds[0])
	if err == nil && !served {
		err = errors.New("the cluster does not serve it")
	}
	if err != nil {
		r.trial.ClusterPolicy = false
		r.trial.Untried = append(r.trial.Untried, Untried{clusterPolicyKind, fmt.Sprintf("policy.networking.k8s.io/v1alpha2: %v", err), true})
	}
}
