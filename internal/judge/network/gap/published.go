package gap

import (
	"fmt"
	"strings"

	"github.com/plimsoll/plimsoll/internal/check"
	"github.com/plimsoll/plimsoll/internal/judge/network"
)

// published are the checks of what is to be reached from outside, and is not.
func published() []Check {
	const (
		service = "apiVersion: v1\nkind: Service\nmetadata: {name: cart, namespace: shop}\nspec: {selector: {app: cart}, ports: [{port: 80, targetPort: 8080}]}\n---\n"
		ingress = "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: cart, namespace: shop}\nspec:\n  defaultBackend: {service: {name: cart, port: {number: 80}}}\n---\n"
		gateway = "apiVersion: gateway.networking.k8s.io/v1\nkind: Gateway\nmetadata: {name: public, namespace: shop}\nspec:\n  gatewayClassName: some\n  listeners: [{name: web, port: 80, protocol: HTTP, hostname: \"*.shop.example\"}]\n---\n"
		route   = "apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: {name: cart, namespace: shop}\nspec:\n  parentRefs: [{name: public}]\n  hostnames: [HOST]\n  rules: [{backendRefs: [{name: cart, port: 80}]}]\n---\n"
	)
	hosted := func(host string) string { return strings.Replace(route, "HOST", host, 1) }
	return []Check{
		{Card: card("published-closed", "pods are published, and their policies let in nobody who brings it", "low", "", check.Page{
			Why:  "A Service, an Ingress, a route or a port of the node leads from outside to pods whose policies let in nobody who brings it: it does not work, or was not to be published. Most often a rule names the Service's port where it has to name the pod's, or does not name the controller's namespace.",
			Fix:  "Allow who brings it, on the port of the pod; or take away what publishes it.",
			Bad:  shop + service + ingress + head + "  podSelector: {}\n  ingress:\n  - ports: [{port: 80}]\n",
			Good: shop + service + ingress + head + "  podSelector: {}\n  ingress:\n  - ports: [{port: 8080}]\n",
		}), look: closed},
		{Card: card("backend-missing", "an Ingress or a route names a Service that is not there", "medium", "", check.Page{
			Why:  "Who asks gets an error: there is no Service of the name, or it has not that port. Whoever may make Services in the namespace takes what comes to the name. Of files, it is told where pods of the namespace are among them.",
			Fix:  "Write the name and the port that the Service has, or delete the backend.",
			Bad:  shop + service + strings.Replace(ingress, "name: cart, port", "name: card, port", 1),
			Good: shop + service + ingress,
		}), look: func(f *Facts) []check.Hit { return f.strays(false) }},
		{Card: card("route-not-attached", "a route is not attached to any Gateway", "low", "", check.Page{
			Why:  "No listener takes the route, as its parentRefs, its namespace, its kind or its hostnames are others, or no ReferenceGrant lets it name a Service of another namespace: it publishes nothing. A change of the Gateway, made for something else, may publish it one day.",
			Fix:  "Have its parentRefs name a listener that takes it (allowedRoutes, hostname), grant what it names, or delete it.",
			Bad:  shop + service + gateway + hosted("cart.other.example"),
			Good: shop + service + gateway + hosted("cart.shop.example"),
		}), look: func(f *Facts) []check.Hit { return f.strays(true) }},
	}
}

func (f *Facts) strays(detached bool) (hits []check.Hit) {
	for _, s := range f.real.Strays() {
		if s.Detached == detached && f.own(s.By) {
			hits = append(hits, at(s.By, s.Field, fmt.Sprintf("%s %s: %s", s.By.Kind, name(s.By), s.What)))
		}
	}
	return hits
}

// closed finds what is published and let in on none of its ports, whoever brings it.
func closed(f *Facts) (hits []check.Hit) {
	if f.real.Strange {
		return nil // what others' policies may let in beside
	}
	for _, p := range f.real.Published() {
		if !f.own(p.By) || p.To.Kind != network.Pods || p.Detached+p.Doubtful != "" || p.Beside || len(p.Reached) > 0 {
			continue
		}
		if p.Unknown && f.real.Meant(p.To, network.Ingress).Meets(p.Ports) { // it may be those who bring it
			continue
		}
		hits = append(hits, at(p.By, "spec", fmt.Sprintf("%s %s leads to %s on %s, where its policies do not let it in", p.By.Kind, name(p.By), p.To, p.Ports)))
	}
	return hits
}
