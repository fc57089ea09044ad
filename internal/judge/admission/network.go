package admission

// NoNetworkPolicy is the card of pods that may speak with everybody.
var NoNetworkPolicy = card("admission/no-network-policy", "no NetworkPolicy holds the pod", "high",
	"A pod that no NetworkPolicy selects takes connections from every pod of the cluster and opens them to anywhere: who gets into it, or into any other, goes on from there.",
	"Select the pod by NetworkPolicies of its namespace for Ingress and for Egress; one with podSelector {} and both policyTypes denies all that no other allows.",
	"apiVersion: v1\nkind: Pod\nmetadata: {name: cart, namespace: shop}\nspec:\n  containers:\n  - {name: cart, image: registry.example/shop/cart}\n",
	"apiVersion: v1\nkind: Pod\nmetadata: {name: cart, namespace: shop}\nspec:\n  containers:\n  - {name: cart, image: registry.example/shop/cart}\n---\napiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: closed, namespace: shop}\nspec: {podSelector: {}, policyTypes: [Ingress, Egress]}\n")
