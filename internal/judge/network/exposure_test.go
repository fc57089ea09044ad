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
		private = "---\napiVersion: v1\nkind: Node\nmetadata: {name: n2}\nstatus: {addresses: [{type: InternalIP, address: 10.1.1.1}]}\n"
		slice   = "---\napiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\nmetadata: {name: cart-1, namespace: shop, labels: {kubernetes.io/service-name: cart}}\naddressType: IPv4\nendpoints: [{addresses: [10.4.4.4]}]\nports: [{port: 9090}]\n"
		strange = "---\napiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata: {name: a, namespace: shop}\nspec: {}\n"
		nginx   = "---\napiVersion: v1\nkind: Pod\nmetadata: {name: nginx, namespace: in, labels: {app.kubernetes.io/name: ingress-nginx}}\nspec: {containers: [{name: c, image: x}]}\n"
		lb, np  = "type: LoadBalancer", "type: NodePort"
	)
	rules := func(of string) string { return strings.Replace(policy, "RULES", of, 1) }
	typed := func(of string) string { return strings.Replace(service, "TYPE", of, 1) }
	front := func(of string) string {
		return "---\napiVersion: v1\nkind: Service\nmetadata: {name: nginx, namespace: in}\nspec: {selector: {app.kubernetes.io/name: ingress-nginx}, ports: [{port: 80}], " + of + "}\n"
	}
	deployment := strings.Replace(pod, "apiVersion: v1\nkind: Pod\nmetadata: {name: cart, namespace: shop, labels: {app: cart}}\nspec: ", "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: cart, namespace: shop}\nspec: {template: {metadata: {labels: {app: cart}}, spec: ", 1)
	deployment = strings.TrimSuffix(deployment, "\n") + "}}\n"
	on := func(node, of string) string {
		return strings.Replace(of, "spec: {containers", "spec: {nodeName: "+node+", containers", 1)
	}
	host := func(of string) string { return strings.Replace(of, "spec: {", "spec: {hostNetwork: true, ", 1) }
	port := func(of string) string { return strings.Replace(pod, "8080}", "8080, hostPort: 80"+of+"}", 1) }
	alone := "{from: [{podSelector: {}}]}"
	headless := strings.Replace(typed(lb), "selector: {app: cart}, ", "", 1)
	at := pod + "status: {podIP: 10.4.4.4}\n" + other
	all := "{from: [{ipBlock: {cidr: 0.0.0.0/0}}], ports: [{port: 8080}]}"
	for name, c := range map[string]struct {
		text                string
		partly              bool
		internet, any, same Known
		why                 string
	}{
		"nothing holds it":                            {pod + other, false, Unknown, Yes, Yes, ""},
		"a load balancer":                             {pod + other + typed(lb), true, Yes, Yes, Yes, "Service shop/cart (LoadBalancer) on TCP 8080; no policy refuses it"},
		"and a policy allows it":                      {pod + other + typed(lb) + rules(all), true, Yes, Yes, Yes, "NetworkPolicy shop/cart ingress[0] allows it"},
		"and a policy refuses it":                     {pod + other + typed(lb+", externalTrafficPolicy: Local") + rules(""), false, No, No, No, "published by Service shop/cart (LoadBalancer), and its policies refuse it"},
		"refused in a part":                           {pod + other + typed(lb+", externalTrafficPolicy: Local") + rules(""), true, Unknown, No, No, ""},
		"nodes may bring it":                          {pod + other + typed(lb) + rules(""), false, Unknown, No, No, ""},
		"another policy may refuse it":                {pod + other + typed(lb) + strange, true, Unknown, Unknown, Unknown, ""},
		"for the own network":                         {pod + other + strings.Replace(typed(lb), "A: B", `service.beta.kubernetes.io/aws-load-balancer-internal: "true"`, 1), false, Unknown, Yes, Yes, ""},
		"from private addresses":                      {pod + other + typed(lb+", loadBalancerSourceRanges: [10.0.0.0/8]"), false, Unknown, Yes, Yes, ""},
		"node port, nodes not known":                  {pod + other + typed(np), true, Unknown, Yes, Yes, ""},
		"node port of public nodes":                   {pod + other + public + typed(np), true, Yes, Yes, Yes, "(NodePort)"},
		"Ingress":                                     {pod + other + typed("type: ClusterIP") + ingress, true, Yes, Yes, Yes, "Ingress shop/cart"},
		"Ingress, controller let in":                  {pod + other + nginx + front(lb) + typed("type: ClusterIP") + ingress + rules("{from: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: in}}}]}"), true, Yes, No, No, "Ingress shop/cart on TCP 8080; NetworkPolicy shop/cart ingress[0] allows it"},
		"Ingress, controller refused":                 {pod + other + nginx + typed("type: ClusterIP") + ingress + rules("{from: [{podSelector: {}}]}"), false, No, No, Yes, "published by Ingress shop/cart, and its policies refuse it"},
		"Ingress, blocks alone":                       {pod + other + typed("type: ClusterIP") + ingress + rules("{from: [{ipBlock: {cidr: 8.0.0.0/8}}]}"), true, Unknown, No, No, ""},
		"its own namespace":                           {pod + other + rules("{from: [{podSelector: {}}]}"), false, No, No, Yes, "nothing publishes it"},
		"its own namespace, in a part":                {pod + other + rules("{from: [{podSelector: {}}]}"), true, Unknown, No, Yes, ""},
		"other namespaces":                            {pod + other + rules("{from: [{namespaceSelector: {}}]}"), false, Unknown, Yes, Yes, ""},
		"other namespaces, none known":                {pod + rules("{from: [{namespaceSelector: {}}]}"), false, No, Unknown, Yes, "nothing"},
		"hostPort":                                    {strings.Replace(pod, "8080}", "8080, hostPort: 80}", 1) + other, false, Unknown, Yes, Yes, ""},
		"hostPort of public nodes":                    {strings.Replace(pod, "8080}", "8080, hostPort: 80}", 1) + other + public, true, Yes, Yes, Yes, "Pod shop/cart (hostPort) on TCP 8080; no policy refuses it"},
		"in the node's network":                       {strings.Replace(pod, "spec: {", "spec: {hostNetwork: true, ", 1) + other + rules(""), false, Unknown, Yes, Yes, ""},
		"public in the node's network":                {strings.Replace(pod, "spec: {", "spec: {hostNetwork: true, ", 1) + other + public, false, Yes, Yes, Yes, "Pod shop/cart (hostNetwork) on TCP 8080; in the network of its node"},
		"an address of the internet":                  {pod + "status: {podIP: 2600::7}\n" + other, false, Yes, Yes, Yes, "its address 2600::7"},
		"a pod's node may bring it":                   {deployment + other + public + typed(np) + rules(alone), false, Unknown, No, Yes, ""},
		"a pod's node brings it":                      {on("n1", pod) + other + public + typed(np) + rules(alone), false, Yes, No, Yes, "from its own node"},
		"its node may bring a balancer's":             {deployment + other + private + typed(lb) + rules(alone), false, Unknown, No, Yes, ""},
		"a node's address is not let in":              {pod + other + public + typed(lb) + rules("{from: [{ipBlock: {cidr: 9.0.0.0/8}}]}"), true, Unknown, No, No, ""},
		"nor is one that is not known":                {pod + other + typed(lb) + rules("{from: [{ipBlock: {cidr: 9.0.0.0/8}}]}"), true, Unknown, No, No, ""},
		"who sent it is let in":                       {pod + other + public + typed(lb+", externalTrafficPolicy: Local") + rules("{from: [{ipBlock: {cidr: 9.0.0.0/8}}]}"), true, Yes, No, No, "ingress[0] allows it"},
		"a balancer of a private address":             {pod + other + typed(lb) + "status: {loadBalancer: {ingress: [{ip: 10.3.3.3}]}}\n", true, Unknown, Yes, Yes, ""},
		"a balancer's node port":                      {pod + other + public + typed(lb) + "status: {loadBalancer: {ingress: [{ip: 10.3.3.3}]}}\n", true, Yes, Yes, Yes, "(NodePort)"},
		"a balancer without node ports":               {pod + other + public + typed(lb+", allocateLoadBalancerNodePorts: false") + "status: {loadBalancer: {ingress: [{ip: 10.3.3.3}]}}\n", true, Unknown, Yes, Yes, ""},
		"externalIPs of the own network":              {pod + other + public + typed("externalIPs: [10.9.9.9]"), true, Unknown, Yes, Yes, ""},
		"externalIPs":                                 {pod + other + private + typed("externalIPs: [8.8.4.4]"), true, Yes, Yes, Yes, "(externalIPs)"},
		"externalIPs of a name":                       {pod + other + public + typed("type: ExternalName, externalName: x, externalIPs: [8.8.4.4]"), true, Unknown, Yes, Yes, ""},
		"Ingress, controller reached":                 {pod + other + nginx + front(lb) + typed("type: ClusterIP") + ingress, true, Yes, Yes, Yes, "Ingress shop/cart"},
		"Ingress, controller of the own network":      {pod + other + nginx + front("type: ClusterIP") + typed("type: ClusterIP") + ingress, true, Unknown, Yes, Yes, ""},
		"Ingress, controller perhaps on its node":     {pod + other + host(nginx) + typed("type: ClusterIP") + ingress + rules(alone), false, Unknown, No, Yes, ""},
		"hostPort of its node alone":                  {port(", hostIP: 127.0.0.1") + other + public, true, Unknown, Yes, Yes, ""},
		"hostPort of the own network":                 {port(", hostIP: 10.1.1.1") + other + public, true, Unknown, Yes, Yes, ""},
		"in the network of a private node":            {host(on("n2", pod)) + other + private + public, true, Unknown, Yes, Yes, ""},
		"in that of its node":                         {host(on("n1", pod)) + other + private + public, true, Yes, Yes, Yes, "(hostNetwork)"},
		"no selector, and EndpointSlices":             {at + headless + slice, true, Yes, Yes, Yes, "Service shop/cart (LoadBalancer) on TCP 9090"},
		"no selector, EndpointSlices, and a policy":   {at + headless + slice + rules(alone), false, Unknown, No, Yes, ""},
		"no selector, and Endpoints":                  {at + headless + "---\napiVersion: v1\nkind: Endpoints\nmetadata: {name: cart, namespace: shop}\nsubsets: [{addresses: [{ip: 10.4.4.4}], ports: [{port: 9090}]}]\n", true, Yes, Yes, Yes, "on TCP 9090"},
		"no selector, and none of either":             {at + headless + rules(alone), false, Unknown, No, Yes, ""},
		"no selector, and another's address":          {at + headless + strings.Replace(slice, "10.4.4.4", "10.4.4.5", 1) + rules(alone), false, Unknown, No, Yes, ""},
		"no selector, and an address of the internet": {at + headless + strings.Replace(slice, "10.4.4.4", "8.8.8.8", 1) + rules(alone), false, No, No, Yes, "nothing publishes it"},
		"refused at one":                              {pod + "status: {podIP: 2600::7}\n" + other + rules(""), false, No, No, No, "nothing"},
	} {
		m := load(t, c.text, Options{Whole: !c.partly})
		seen := 0
		for e, x := range exposed(t, m) {
			if e.Title() != "cart" {
				continue
			}
			seen++
			if x.Internet != c.internet || x.AnyPod != c.any || x.Namespace != c.same || !strings.Contains(x.Why, c.why) || (x.Why == "") != (c.internet == Unknown) {
				t.Errorf("%s: internet %s, any pod %s, its namespace %s: %q", name, x.Internet, x.AnyPod, x.Namespace, x.Why)
			}
		}
		if seen != 1 {
			t.Errorf("%s: asked about %d workloads", name, seen)
		}
	}
}

func exposed(t *testing.T, m *Model) map[*Endpoint]Exposure {
	t.Helper()
	all, err := m.Exposures(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return all
}
