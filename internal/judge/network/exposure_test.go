package network

import (
	"strings"
	"testing"
)

// TestExposures holds from where a pod can be reached against what is written beside each case.
func TestExposures(t *testing.T) {
	const (
		pod     = "apiVersion: v1\nkind: Pod\nmetadata: {name: cart, namespace: shop, labels: {app: cart}}\nspec: {containers: [{name: c, image: x, ports: [{containerPort: 8080}]}]}\n"
		other   = "---\napiVersion: v1\nkind: Pod\nmetadata: {name: other, namespace: far}\nspec: {containers: [{name: c, image: x}]}\n"
		policy  = "---\napiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: cart, namespace: shop}\nspec: {podSelector: {}, policyTypes: [Ingress], ingress: [RULES]}\n"
		service = "---\napiVersion: v1\nkind: Service\nmetadata: {name: cart, namespace: shop, annotations: {A: B}}\nspec: {selector: {app: cart}, ports: [{port: 80, targetPort: 8080}], TYPE}\n"
		ingress = "---\napiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: cart, namespace: shop}\nspec: {defaultBackend: {service: {name: cart, port: {number: 80}}}}\n"
		public  = "---\napiVersion: v1\nkind: Node\nmetadata: {name: n1}\nstatus: {addresses: [{type: ExternalIP, address: 8.8.8.8}]}\n"
		strange = "---\napiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata: {name: a, namespace: shop}\nspec: {}\n"
		nginx   = "---\napiVersion: v1\nkind: Pod\nmetadata: {name: nginx, namespace: in, labels: {app.kubernetes.io/name: ingress-nginx}}\nspec: {containers: [{name: c, image: x}]}\n"
		lb, np  = "type: LoadBalancer", "type: NodePort"
	)
	rules := func(of string) string { return strings.Replace(policy, "RULES", of, 1) }
	typed := func(of string) string { return strings.Replace(service, "TYPE", of, 1) }
	all := "{from: [{ipBlock: {cidr: 0.0.0.0/0}}], ports: [{port: 8080}]}"
	for name, c := range map[string]struct {
		text                string
		partly              bool
		internet, any, same Known
		why                 string
	}{
		"nothing holds it":             {pod + other, false, Unknown, Yes, Yes, ""},
		"a load balancer":              {pod + other + typed(lb), true, Yes, Yes, Yes, "Service shop/cart (LoadBalancer) on TCP 8080; no policy refuses it"},
		"and a policy allows it":       {pod + other + typed(lb) + rules(all), true, Yes, Yes, Yes, "NetworkPolicy shop/cart ingress[0] allows it"},
		"and a policy refuses it":      {pod + other + typed(lb+", externalTrafficPolicy: Local") + rules(""), false, No, No, No, "nothing"},
		"refused in a part":            {pod + other + typed(lb+", externalTrafficPolicy: Local") + rules(""), true, Unknown, No, No, ""},
		"nodes may bring it":           {pod + other + typed(lb) + rules(""), false, Unknown, No, No, ""},
		"another policy may refuse it": {pod + other + typed(lb) + strange, true, Unknown, Unknown, Unknown, ""},
		"for the own network":          {pod + other + strings.Replace(typed(lb), "A: B", `service.beta.kubernetes.io/aws-load-balancer-internal: "true"`, 1), false, Unknown, Yes, Yes, ""},
		"from private addresses":       {pod + other + typed(lb+", loadBalancerSourceRanges: [10.0.0.0/8]"), false, Unknown, Yes, Yes, ""},
		"node port, nodes not known":   {pod + other + typed(np), true, Unknown, Yes, Yes, ""},
		"node port of public nodes":    {pod + other + public + typed(np), true, Yes, Yes, Yes, "(NodePort)"},
		"Ingress":                      {pod + other + typed("type: ClusterIP") + ingress, true, Yes, Yes, Yes, "Ingress shop/cart"},
		"Ingress, controller let in":   {pod + other + nginx + typed("type: ClusterIP") + ingress + rules("{from: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: in}}}]}"), true, Yes, No, No, "Ingress shop/cart on TCP 8080; NetworkPolicy shop/cart ingress[0] allows it"},
		"Ingress, controller refused":  {pod + other + nginx + typed("type: ClusterIP") + ingress + rules("{from: [{podSelector: {}}]}"), false, No, No, Yes, "nothing publishes"},
		"Ingress, blocks alone":        {pod + other + typed("type: ClusterIP") + ingress + rules("{from: [{ipBlock: {cidr: 8.0.0.0/8}}]}"), true, Unknown, No, No, ""},
		"its own namespace":            {pod + other + rules("{from: [{podSelector: {}}]}"), false, No, No, Yes, "nothing publishes it"},
		"its own namespace, in a part": {pod + other + rules("{from: [{podSelector: {}}]}"), true, Unknown, No, Yes, ""},
		"other namespaces":             {pod + other + rules("{from: [{namespaceSelector: {}}]}"), false, Unknown, Yes, Yes, ""},
		"other namespaces, none known": {pod + rules("{from: [{namespaceSelector: {}}]}"), false, No, Unknown, Yes, "nothing"},
		"hostPort":                     {strings.Replace(pod, "8080}", "8080, hostPort: 80}", 1) + other, false, Unknown, Yes, Yes, ""},
		"hostPort of public nodes":     {strings.Replace(pod, "8080}", "8080, hostPort: 80}", 1) + other + public, true, Yes, Yes, Yes, "Pod shop/cart (hostPort) on TCP 8080; no policy refuses it"},
		"in the node's network":        {strings.Replace(pod, "spec: {", "spec: {hostNetwork: true, ", 1) + other + rules(""), false, Unknown, Yes, Yes, ""},
		"public in the node's network": {strings.Replace(pod, "spec: {", "spec: {hostNetwork: true, ", 1) + other + public, false, Yes, Yes, Yes, "Pod shop/cart (hostNetwork) on TCP 8080; in the network of its node"},
		"an address of the internet":   {pod + "status: {podIP: 2600::7}\n" + other, false, Yes, Yes, Yes, "its address 2600::7"},
		"refused at one":               {pod + "status: {podIP: 2600::7}\n" + other + rules(""), false, No, No, No, "nothing"},
	} {
		m := load(t, c.text, Options{Whole: !c.partly})
		for e, x := range m.Exposures() {
			if e.Title() != "cart" {
				continue
			}
			if x.Internet != c.internet || x.AnyPod != c.any || x.Namespace != c.same || !strings.Contains(x.Why, c.why) || (x.Why == "") != (c.internet == Unknown) {
				t.Errorf("%s: internet %s, any pod %s, its namespace %s: %q", name, x.Internet, x.AnyPod, x.Namespace, x.Why)
			}
		}
	}
}
