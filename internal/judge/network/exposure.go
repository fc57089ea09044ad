package network

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// Known is an answer that may not be known.
type Known int

// The answers.
const (
	Unknown Known = iota
	Yes
	No
)

func (k Known) String() string { return [...]string{"unknown", "yes", "no"}[k] }

// Exposure is from where a workload's pods can be reached, by what publishes them and what their policies let in.
type Exposure struct {
	// Internet is known to be reached where something publishes the pods, or their addresses are the internet's, and no policy
	// refuses it; and not to be where all of the cluster was read, nothing publishes them, and their policies let in nobody but pods
	// of their own namespace: else a proxy of which nothing is known here may bring it.
	Internet Known
	// AnyPod and Namespace say that pods of all namespaces, or all pods of their own, are let in on some port.
	AnyPod, Namespace Known
	// Why is why the internet reaches them, or does not, in words; empty where it is not known.
	Why string
}

// Exposures are those of all workloads.
func (m *Model) Exposures() map[*Endpoint]Exposure {
	ways := map[*Endpoint][]Publication{}
	for _, p := range m.Published() {
		ways[p.To] = append(ways[p.To], p)
	}
	x := exposer{m: m, blind: m.Strange || slices.ContainsFunc(m.Doubts, func(d Doubt) bool { return d.Broken })}
	x.all = newSet(len(m.classes))
	home := ""
	for _, e := range m.Endpoints {
		if e.Kind == Pods {
			x.several = x.several || home != "" && home != e.Namespace
			home = e.Namespace
			for _, i := range m.of[e] {
				x.all.add(i)
			}
		}
		if e.Kind == Block && len(e.Addresses.Intersect(internet())) > 0 {
			x.outside = append(x.outside, e)
		}
		if e.Kind == Node {
			x.reached = x.reached.Union(e.Addresses.Intersect(internet()))
		}
	}
	all := map[*Endpoint]Exposure{}
	for _, e := range m.Endpoints {
		if e.Workload != nil {
			all[e] = x.of(e, ways[e])
		}
	}
	return all
}

type exposer struct {
	m       *Model
	outside []*Endpoint // blocks that hold addresses of the internet
	reached Addresses   // those of nodes that are the internet's
	all     set         // all pods
	several bool        // they are of several namespaces
	// blind says that there are policies that are not understood, by which more may be refused.
	blind bool
}

func (x *exposer) of(e *Endpoint, ways []Publication) (is Exposure) {
	pods := x.pods(e, &is)
	unsure := false
	for i := range ways {
		switch x.way(&ways[i], pods) {
		case Yes:
			is.Internet, is.Why = Yes, "reachable from the internet: "+ways[i].words()+x.because(&ways[i])
			return is
		case Unknown:
			unsure = true
		}
	}
	if public := e.Addresses.Intersect(internet()); e.Kind == Pods && len(public) > 0 {
		if ports := x.m.letIn(x.outside, e); len(ports) > 0 && !x.blind {
			is.Internet, is.Why = Yes, fmt.Sprintf("reachable from the internet: its address %s on %s", public.First(), ports)
			return is
		}
	}
	if e.Kind == Pods && !unsure && x.m.whole && x.alone(e) {
		is.Internet, is.Why = No, "nothing publishes it, and its policies let in nobody from outside of its namespace"
	}
	return is
}

// pods finds out which pods are let in. It gives the ports on which all are.
func (x *exposer) pods(e *Endpoint, is *Exposure) (any Ports) {
	if e.Kind == Host {
		is.AnyPod, is.Namespace = Yes, Yes
		return AllPorts()
	}
	own := newSet(len(x.m.classes))
	for _, one := range x.m.in(e.Namespace) {
		for _, i := range x.m.of[one] {
			if x.m.classes[i].kind == Pods {
				own.add(i)
			}
		}
	}
	var every, same Ports
	for _, i := range x.m.of[e] {
		for _, p := range x.m.faces(Ingress)[i] {
			all := within(x.all, p.peers)
			if all && (x.several || x.m.Open(e, Ingress)) {
				any = any.Union(p.ports)
			}
			if all {
				every = every.Union(p.ports)
			}
			if within(own, p.peers) {
				same = same.Union(p.ports)
			}
		}
	}
	is.AnyPod, is.Namespace = x.known(any, len(every) > 0), x.known(same, false)
	return any
}

// known is whether pods are let in on ports; perhaps says that they may be where there are none.
func (x *exposer) known(ports Ports, perhaps bool) Known {
	switch {
	case len(ports) == 0 && !perhaps:
		return No
	case len(ports) == 0 || x.blind:
		return Unknown
	}
	return Yes
}

// way says whether a way from outside leads from the internet to pods. Pods are the ports on which all pods are let in.
func (x *exposer) way(p *Publication, pods Ports) Known {
	let := p.Reached
	switch {
	case len(p.Reached) == 0 && !p.Unknown || p.inner || inner(p):
		return No
	case p.Doubtful != "":
		return Unknown
	case p.How == string(corev1.ServiceTypeLoadBalancer):
		if len(p.Within.Intersect(internet())) == 0 {
			return No
		}
	case p.How != p.By.Kind: // by a node's address: who reaches that, something outside of the cluster decides
		if len(x.reached) == 0 {
			return Unknown
		}
	case p.Missing: // by pods of a controller that is not known
		let = pods.Intersect(p.Ports)
	}
	if len(let) == 0 || x.blind && p.To.Kind == Pods {
		return Unknown
	}
	return Yes
}

// inner says that what publishes is for the own network alone, as annotations of clouds' controllers and classes say.
func inner(p *Publication) bool {
	of := p.By.Metadata("annotations")
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

// alone says that policies let in nobody but pods of the own namespace.
func (x *exposer) alone(e *Endpoint) bool {
	for _, i := range x.m.of[e] {
		for _, p := range x.m.faces(Ingress)[i] {
			for j := range p.peers.each {
				c := &x.m.classes[j]
				if c.kind != Pods || slices.ContainsFunc(c.endpoints, func(o *Endpoint) bool { return o.Namespace != e.Namespace }) {
					return false
				}
			}
		}
	}
	return true
}

func (p *Publication) words() string {
	text := strings.TrimSpace(p.By.Kind + " " + p.By.Home() + "/" + p.By.Name)
	if p.How != p.By.Kind {
		text += " (" + p.How + ")"
	}
	return text + " on " + p.Ports.String()
}

// because names the rules that let in what comes a way.
func (x *exposer) because(p *Publication) string {
	if p.To.Kind != Pods {
		return "; in the network of its node, no policy holds it"
	}
	from := p.From
	if len(from) == 0 {
		from = x.outside
	}
	for _, f := range from {
		for _, a := range x.m.Ask(f, p.To) {
			switch {
			case !a.Allowed() || !a.Ports.Meets(p.Ports):
				continue
			case len(a.Ingress.Rules) == 0:
				return "; no policy refuses it"
			}
			return "; " + a.Ingress.Rules[0].String() + " allows it"
		}
	}
	return ""
}

// letIn are the ports on which an endpoint's policies let in any of those that have none of their own.
func (m *Model) letIn(from []*Endpoint, e *Endpoint) (all Ports) {
	for _, i := range m.of[e] {
		for _, p := range m.faces(Ingress)[i] {
			if slices.ContainsFunc(from, func(f *Endpoint) bool {
				return slices.ContainsFunc(m.of[f], func(j int) bool { return m.classes[i].family&m.classes[j].family != 0 && p.peers.has(j) })
			}) {
				all = all.Union(p.ports)
			}
		}
	}
	return all
}
