package admission

import (
	"fmt"

	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/plimsoll/plimsoll/internal/check"
	"github.com/plimsoll/plimsoll/internal/read/kube"
)

// NoNetworkPolicy is the card of pods that may speak with everybody.
var NoNetworkPolicy = card("admission/no-network-policy", "no NetworkPolicy holds the pod", "high",
	"A pod that no NetworkPolicy selects takes connections from every pod of the cluster and opens them to anywhere: who gets into it, or into any other, goes on from there.",
	"Select the pod by NetworkPolicies of its namespace for Ingress and for Egress; one with podSelector {} and both policyTypes denies all that no other allows.",
	"apiVersion: v1\nkind: Pod\nmetadata: {name: cart, namespace: shop}\nspec:\n  containers:\n  - {name: cart, image: registry.example/shop/cart}\n",
	"apiVersion: v1\nkind: Pod\nmetadata: {name: cart, namespace: shop}\nspec:\n  containers:\n  - {name: cart, image: registry.example/shop/cart}\n---\napiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: closed, namespace: shop}\nspec: {podSelector: {}, policyTypes: [Ingress, Egress]}\n")

// Unheld says by which direction a pod is held by none of the NetworkPolicies of its namespace. What they let through
// is not weighed.
func Unheld(w *kube.Workload, policies []*kube.Object) (hits []check.Hit) {
	hit := func(detail string) {
		field := w.Path("metadata.labels")
		hits = append(hits, check.Hit{Where: field, Detail: fmt.Sprintf("%s %s: %s", w.Kind, w.Name, detail), At: w.At(field), Subject: w.Subject(field)})
	}
	if w.Spec.HostNetwork {
		hit("it is in its node's network, where no NetworkPolicy holds")
		return hits
	}
	held := map[networkingv1.PolicyType]bool{}
	for _, o := range policies {
		typed, _, err := o.Typed()
		p, ok := typed.(*networkingv1.NetworkPolicy)
		if err != nil || !ok {
			continue // one that cannot be read holds nothing
		}
		selector, err := metav1.LabelSelectorAsSelector(&p.Spec.PodSelector)
		if err != nil || !selector.Matches(labels.Set(w.Meta.Labels)) {
			continue
		}
		for _, t := range p.Spec.PolicyTypes { // which the API server fills in
			held[t] = true
		}
	}
	for _, t := range []networkingv1.PolicyType{networkingv1.PolicyTypeIngress, networkingv1.PolicyTypeEgress} {
		if !held[t] {
			hit(fmt.Sprintf("no NetworkPolicy for %s selects it", t))
		}
	}
	return hits
}
