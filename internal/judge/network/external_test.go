package network

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
)

// TestBeyond: what is newly published is told, whatever way it comes, and what was there before is not.
func TestBeyond(t *testing.T) {
	const (
		pod      = "apiVersion: v1\nkind: Pod\nmetadata: {name: cart, namespace: shop, labels: {app: cart}}\nspec: {containers: [{name: c, image: x, ports: [{name: web, containerPort: 8080}]}]}\n---\n"
		node     = "apiVersion: v1\nkind: Node\nmetadata: {name: n1}\nstatus: {addresses: [{type: InternalIP, address: 10.0.0.1}]}\n---\n"
		deny     = "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: d, namespace: shop}\nspec: {podSelector: {}}\n---\n"
		internal = `service.beta.kubernetes.io/aws-load-balancer-internal: "true"`
	)
	service := func(note, spec string) string {
		return "apiVersion: v1\nkind: Service\nmetadata: {name: cart, namespace: shop, annotations: {" + note + "}}\nspec: {" + spec + ", ports: [{port: 80, targetPort: web}]}\n"
	}
	takes := "selector: {app: cart}, type: "
	host := strings.Replace(pod, "spec: {", "spec: {hostNetwork: true, ", 1)
	for name, c := range map[string]struct {
		before, after string
		gained, lost  string
	}{
		"nothing":                     {pod + service("", takes+"NodePort"), pod + service("", takes+"NodePort"), "", ""},
		"for all, no more its own":    {pod + service(internal, takes+"LoadBalancer"), pod + service("", takes+"LoadBalancer"), "LoadBalancer", ""},
		"for its own, no more all":    {pod + service("", takes+"LoadBalancer"), pod + service(internal, takes+"LoadBalancer"), "", "LoadBalancer"},
		"a node port that is refused": {pod + node + deny + service("", takes+"ClusterIP"), pod + node + deny + service("", takes+"NodePort"), "NodePort", ""},
		"and stays on the node":       {pod + node + deny + service("", takes+"ClusterIP"), pod + node + deny + service("", takes+"NodePort, externalTrafficPolicy: Local"), "", ""},
		"externalIPs beside":          {pod + service("", takes+"NodePort"), pod + service("", takes+"NodePort, externalIPs: [8.8.8.8]"), "externalIPs", ""},
		"externalIPs of the internet": {pod + service("", takes+"NodePort, externalIPs: [10.8.8.8]"), pod + service("", takes+"NodePort, externalIPs: [8.8.8.8]"), "externalIPs", ""},
		"a balancer for a node port":  {pod + service("", takes+"NodePort"), pod + service("", takes+"LoadBalancer"), "LoadBalancer", ""},
		"in the network of its node":  {host + service("", takes+"ClusterIP"), host + service("", takes+"LoadBalancer, allocateLoadBalancerNodePorts: false"), "LoadBalancer", ""},
		"without a selector":          {pod + service("", "type: ClusterIP"), pod + service("", "type: LoadBalancer, allocateLoadBalancerNodePorts: false"), "LoadBalancer", ""},
		"more ports of a node":        {pod, strings.Replace(pod, "8080}", "8080, hostPort: 80}", 1), "hostPort", ""},
	} {
		was, is := load(t, c.before, Options{}).Published(), load(t, c.after, Options{}).Published()
		if gained, lost := hows(Beyond(is, was)), hows(Beyond(was, is)); gained != c.gained || lost != c.lost {
			t.Errorf("%s: gained %q, lost %q", name, gained, lost)
		}
	}
}

func hows(of []Publication) string {
	var all []string
	for _, p := range of {
		all = append(all, p.How)
	}
	return strings.Join(all, " ")
}

// TestServers: the API server is where EndpointSlices say, each endpoint once for each port, and where Endpoints say as well.
func TestServers(t *testing.T) {
	const (
		labels = "metadata: {name: kubernetes, namespace: default, labels: {kubernetes.io/service-name: kubernetes}}\n"
		slice  = "apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\n" + labels + "addressType: IPv4\nendpoints: [{addresses: [192.0.2.10]}, {addresses: [192.0.2.11]}]\nports: [{port: 6443}, {port: 443}]\n"
		old    = "apiVersion: v1\nkind: Endpoints\n" + labels + "subsets: [{addresses: [{ip: 192.0.2.10}], ports: [{port: 6443}, {port: 443}]}]\n"
	)
	for _, text := range []string{slice, old} {
		all := load(t, text, Options{}).Servers()
		if len(all) != 2 || all[0].Ports.String() != "TCP 6443" || all[1].Ports.String() != "TCP 443" || !all[0].At.Has(netip.MustParseAddr("192.0.2.10")) {
			t.Errorf("%v", all)
		}
	}
}

// TestAt: an address is looked up as one would find it by going through all endpoints.
func TestAt(t *testing.T) {
	text := strings.Replace(hosts, "policyTypes: [Ingress]}", "ingress: [{from: [{ipBlock: {cidr: 10.0.0.0/8, except: [10.1.0.0/16]}}, {ipBlock: {cidr: \"fd00::/8\"}}]}]}", 1)
	m := load(t, text, Options{})
	for _, word := range []string{"0.0.0.0", "9.255.255.255", "10.0.0.0", "10.1.0.1", "10.1.0.2", "10.9.0.1", "255.255.255.255", "::", "fd00:9::2", "fe00::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "::ffff:10.1.0.1"} {
		a := netip.MustParseAddr(word)
		var want *Endpoint
		for _, e := range m.Endpoints {
			if e.Addresses.Has(a) && (want == nil || e.Kind != Block) {
				want = e
			}
		}
		if got := m.At(a); got != want || got == nil {
			t.Errorf("%s: %v, and not %v", word, got, want)
		}
	}
	if n := m.At(netip.MustParseAddr("10.9.0.1")); fmt.Sprint(n) != "node near" {
		t.Errorf("a node's address is at %s", n)
	}
}
