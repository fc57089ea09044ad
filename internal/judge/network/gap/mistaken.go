package gap

import (
	"fmt"
	"strings"

	"github.com/plimsoll/plimsoll/internal/check"
	"github.com/plimsoll/plimsoll/internal/judge/network"
)

// mistaken are the checks of policies in which something is named that is not there, or said where nobody listens.
func mistaken() []Check {
	const monitoring = "apiVersion: v1\nkind: Namespace\nmetadata: {name: monitoring, labels: {team: watch}}\n---\n"
	const web = namespace + "apiVersion: v1\nkind: Pod\nmetadata: {name: cart, namespace: shop, labels: {app: cart}}\nspec:\n  containers:\n  - name: cart\n    image: registry.example/shop/cart\n    ports: [{name: http, containerPort: 8080}]\n---\n"
	const service = "apiVersion: v1\nkind: Service\nmetadata: {name: cart, namespace: shop}\nspec: {selector: {app: cart}, ports: [{port: 80, targetPort: http}]}\n---\n"
	return []Check{
		{Card: card("section-ignored", "a policy has a section that its policyTypes leave out", "medium", "", check.Page{
			Why:  "A NetworkPolicy speaks of the directions in policyTypes alone; where it has none, of ingress, and of egress if it has a rule for that. What is written for the other direction does not count: these pods are as open there as if it did not stand there.",
			Fix:  "Add the direction to spec.policyTypes, or delete the section.",
			Bad:  shop + head + "  podSelector: {}\n  policyTypes: [Ingress]\n  egress:\n  - to: [{podSelector: {}}]\n",
			Good: shop + head + "  podSelector: {}\n  policyTypes: [Ingress, Egress]\n  egress:\n  - to: [{podSelector: {}}]\n",
		}), look: func(f *Facts) []check.Hit {
			return f.policies(func(p *network.Policy) (hits []check.Hit) {
				for _, d := range p.Ignored() {
					field := "spec." + d.String()
					hits = append(hits, at(p.Object, field, fmt.Sprintf("%s %s: %s does not count, as policyTypes leave it out", p.Kind, name(p.Object), field)))
				}
				return hits
			})
		}},
		{Card: card("namespaces-select-nothing", "a rule names namespaces that are none", "low", "", check.Page{
			Why:  "No namespace that was read has the labels that the rule asks for: it allows, or denies, nothing. Most often the name of a namespace was taken for a label; the label that an API server gives each is kubernetes.io/metadata.name. Of files, it is told only where a namespace of that name is among them.",
			Fix:  "Select the namespace by kubernetes.io/metadata.name, or give it the label.",
			Bad:  shop + monitoring + head + "  podSelector: {}\n  ingress:\n  - from: [{namespaceSelector: {matchLabels: {name: monitoring}}}]\n",
			Good: shop + monitoring + head + "  podSelector: {}\n  ingress:\n  - from: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: monitoring}}}]\n",
		}), look: func(f *Facts) []check.Hit { return f.said(f.model.NoNamespaces) }},
		{Card: card("port-name-unknown", "a rule names a port that no container has", "medium", "", check.Page{
			Why:  "No container of the pods that were read has a port of this name and protocol: the rule lets nothing through there, or denies nothing. The name was misspelled, is the Service's, or the container does not say its ports.",
			Fix:  "Write the name that the container's port has, or its number.",
			Bad:  web + head + "  podSelector: {}\n  ingress:\n  - ports: [{port: htpp}]\n",
			Good: web + head + "  podSelector: {}\n  ingress:\n  - ports: [{port: http}]\n",
		}), look: func(f *Facts) []check.Hit { return f.said(f.model.Nameless) }},
		{Card: card("service-port", "a rule names a Service's port where the pods have another", "medium", "", check.Page{
			Why:  "Policies are asked about the port of the pod: the Service's has been changed to it before. The rule speaks of a port on which nobody behind the Service listens, so that it lets nothing through, or denies nothing.",
			Fix:  "Write the port that the container listens on (the Service's targetPort), or its name.",
			Bad:  web + service + head + "  podSelector: {}\n  ingress:\n  - ports: [{port: 80}]\n",
			Good: web + service + head + "  podSelector: {}\n  ingress:\n  - ports: [{port: 8080}]\n",
		}), look: func(f *Facts) []check.Hit { return f.said(f.model.ServicePorts) }},
	}
}

// said makes a hit of each rule of which something is to be said.
func (f *Facts) said(of func(*network.Rule) []string) []check.Hit {
	return f.rules(func(r *network.Rule) (string, bool) {
		words := of(r)
		return strings.Join(words, "; "), len(words) > 0
	})
}
