package network

import (
	"net/netip"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/plimsoll/plimsoll/internal/read/kube"
)

// service publishes what is behind a Service: by its load balancer, by ports of nodes, and by addresses that lead to nodes
// (core/v1, ServiceSpec). Each is a way of its own, as each is taken at other addresses.
func (p *publisher) service(o *kube.Object) {
	s := p.services[o.Home()+"/"+o.Name]
	var of corev1.Service
	if s == nil || s.Type == corev1.ServiceTypeExternalName {
		return
	}
	if _, err := o.Decode(&of); err != nil {
		return
	}
	local := of.Spec.ExternalTrafficPolicy == corev1.ServiceExternalTrafficPolicyLocal
	way := func(how string) Publication {
		return Publication{By: o, How: how, Within: internet(), local: local}
	}
	every := func(ServicePort) bool { return true }
	switch s.Type {
	case corev1.ServiceTypeLoadBalancer:
		balanced := way(string(s.Type))
		balanced.Inner = inner(o)
		if len(of.Spec.LoadBalancerSourceRanges) > 0 {
			balanced.Within = rangesOf(of.Spec.LoadBalancerSourceRanges)
		}
		p.serve(balanced, s, every)
		// A load balancer has node ports, but where it is told to have none; its ranges do not hold for these.
		none := of.Spec.AllocateLoadBalancerNodePorts != nil && !*of.Spec.AllocateLoadBalancerNodePorts
		beside := way(string(corev1.ServiceTypeNodePort))
		beside.Beside = true
		p.serve(beside, s, func(port ServicePort) bool { return port.Node > 0 || !none })
	case corev1.ServiceTypeNodePort:
		p.serve(way(string(s.Type)), s, every)
	}
	if len(of.Spec.ExternalIPs) > 0 {
		led := way("externalIPs")
		led.at = parseAddresses(of.Spec.ExternalIPs)
		led.Inner = len(led.at.Intersect(internet())) == 0
		p.serve(led, s, every)
	}
}

func rangesOf(texts []string) (all Addresses) {
	for _, text := range texts {
		if prefix, err := netip.ParsePrefix(strings.TrimSpace(text)); err == nil {
			all = append(all, prefixSpan(prefix))
		}
	}
	return all.Union(nil)
}

// inner says that what publishes is for the own network alone: by the addresses that it was given, or else as annotations of
// clouds' controllers say.
func inner(o *kube.Object) bool {
	if given := balancers(o); len(given) > 0 {
		return len(given.Intersect(internet())) == 0
	}
	of := o.Metadata("annotations")
	yes := func(key string, values ...string) bool { return slices.Contains(values, strings.ToLower(of[key])) }
	return yes("service.beta.kubernetes.io/aws-load-balancer-internal", "true", "0.0.0.0/0") ||
		yes("service.beta.kubernetes.io/aws-load-balancer-scheme", "internal") ||
		yes("service.beta.kubernetes.io/azure-load-balancer-internal", "true") ||
		yes("networking.gke.io/load-balancer-type", "internal") || yes("cloud.google.com/load-balancer-type", "internal") ||
		yes("service.beta.kubernetes.io/openstack-internal-load-balancer", "true") ||
		yes("service.beta.kubernetes.io/oci-load-balancer-internal", "true") ||
		yes("service.beta.kubernetes.io/alibaba-cloud-loadbalancer-address-type", "intranet") ||
		yes("alb.ingress.kubernetes.io/scheme", "internal") || yes("kubernetes.io/ingress.class", "gce-internal")
}

// balancers are the addresses of load balancers that a Service or an Ingress says it was given (LoadBalancerStatus).
func balancers(o *kube.Object) Addresses {
	status, _ := o.Fields["status"].(map[string]any)
	given, _ := status["loadBalancer"].(map[string]any)
	all, _ := given["ingress"].([]any)
	var texts []string
	for _, one := range all {
		of, _ := one.(map[string]any)
		if text, ok := of["ip"].(string); ok {
			texts = append(texts, text)
		}
	}
	return parseAddresses(texts)
}

// serve publishes all that stands behind some ports of a Service.
func (p *publisher) serve(way Publication, s *Service, takes func(ServicePort) bool) {
	leads := s.leading(takes)
	way.from = p.within(way.Within, !way.local)
	way.From = way.from.endpoints
	for _, e := range s.Behind() {
		way.To, way.Ports = e, leads(e)
		if len(way.Ports) > 0 {
			p.served(way)
		}
	}
}

// served notes a way by a Service. Unless traffic stays on the node that it came to, pods see the address of a node in most
// networks, and that of who sent it in others: it is sure to be let in only where a node is.
func (p *publisher) served(one Publication) {
	if one.To.Kind != Pods {
		p.publish(one, false)
		return
	}
	m := p.m
	one.Reached = m.letIn(one.from, one.To)
	one.sure, one.surely = one.Reached, one.from
	if !one.local {
		nodes := p.within(nil, true)
		one.Missing = len(p.nodes) == 0
		if one.sure, one.surely = m.letIn(nodes, one.To), nodes; one.Missing { // one may have any address
			one.sure, one.surely = m.letAll(p.within(allAddresses(), false), one.To), one.from
		}
		if own := p.nodeOf(one.To); own != nil {
			one.sure = one.sure.Union(m.Between(own, one.To))
		} else {
			one.Own = !one.Missing
		}
		one.Reached = one.Reached.Union(one.sure)
	}
	one.Reached, one.sure = one.Reached.Intersect(one.Ports), one.sure.Intersect(one.Ports)
	one.Own = one.Own && !one.Reached.Equal(one.Ports)
	one.Unknown = one.Own || one.Missing && !one.Reached.Equal(one.Ports)
	p.all = append(p.all, one)
}

// nodeOf is the node that pods are known to be on; nil: none.
func (p *publisher) nodeOf(e *Endpoint) *Endpoint {
	if e.Workload.Kind != "Pod" || e.Workload.Spec.NodeName == "" {
		return nil
	}
	return p.node[e.Workload.Spec.NodeName]
}

// mayShare says that pods may be on the node that others use the network of, where one of both is on a node that is not known.
func mayShare(host, e *Endpoint) bool {
	return host.Workload.Spec.NodeName == "" || e.Workload.Kind != "Pod" || e.Workload.Spec.NodeName == ""
}

// publish notes a way to pods. Unknown says that there may be others who bring it than those that are named.
func (p *publisher) publish(one Publication, unknown bool) {
	switch {
	case one.Detached != "":
	case one.To.Kind != Pods: // whom no policy selects
		one.Reached, one.sure, one.Unknown = one.Ports, one.Ports, one.To.unread
	default:
		if one.from == nil {
			one.from = p.m.callers(one.From)
		}
		one.Reached = p.m.letIn(one.from, one.To)
		for _, from := range one.from.pods {
			if one.Own = one.Own || from.Kind == Host && mayShare(from, one.To); from.Kind == Pods || onNode(from, one.To) {
				one.Reached = one.Reached.Union(p.m.Between(from, one.To))
			}
		}
		one.Reached = one.Reached.Intersect(one.Ports)
		one.Own = one.Own && !one.Reached.Equal(one.Ports)
		one.sure = one.Reached
		one.Unknown, one.Missing = one.Own || unknown && !one.Reached.Equal(one.Ports), unknown
		if unknown && one.How == one.By.Kind {
			one.From, one.from = nil, nil
		}
	}
	p.all = append(p.all, one)
}
