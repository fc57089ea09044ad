package network

import (
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
)

// direct is what leads from the internet to pods by their own addresses, their nodes' or a Service's, without others between.
type direct struct {
	internet Known // Yes, or Unknown
	why      string
	refused  []string // what publishes them and is refused
	unsure   bool     // there is something that may lead to them
}

func (x *exposer) directly(e *Endpoint) direct {
	is, known := x.direct[e]
	if !known {
		is = x.leads(e)
		x.direct[e] = is
	}
	return is
}

func (x *exposer) leads(e *Endpoint) (is direct) {
	for i := range x.ways[e] {
		way := &x.ways[e][i]
		if way.How == way.By.Kind { // by a controller's pods
			continue
		}
		switch x.way(way) {
		case Yes:
			return direct{internet: Yes, why: "reachable from the internet: " + way.Title() + " on " + way.Ports.String() + x.because(way, nil)}
		case No:
			if !way.Beside {
				is.refused = append(is.refused, way.Title())
			}
		default:
			is.unsure = true
		}
	}
	if public := e.Addresses.Intersect(internet()); e.Kind == Pods && len(public) > 0 && !x.blind {
		if ports := x.m.letIn(x.outside, e); len(ports) > 0 {
			return direct{internet: Yes, why: fmt.Sprintf("reachable from the internet: its address %s on %s", public.First(), ports)}
		}
	}
	return is
}

// way says whether a way from outside leads from the internet to pods; No: policies refuse all of it.
func (x *exposer) way(p *Publication) Known {
	switch {
	case p.refused():
		return No
	case p.Inner || p.Doubtful != "" || len(p.sure) == 0 || x.blind && p.To.Kind == Pods:
		return Unknown
	case p.How == string(corev1.ServiceTypeLoadBalancer):
		if !p.Within.meets(internet()) {
			return Unknown
		}
	case len(p.at) == 0 && !x.public(p): // by a node's address: who reaches that, something outside of the cluster decides
		return Unknown
	}
	return Yes
}

// refused says that policies are known to refuse all of it.
func (p *Publication) refused() bool { return len(p.Reached) == 0 && !p.Unknown }

// public says that a way is taken at a node's address that is the internet's.
func (x *exposer) public(p *Publication) bool {
	has := func(n *Endpoint) bool { return n.Addresses.meets(internet()) }
	spec := &p.To.Workload.Spec
	some := slices.ContainsFunc(x.nodes, has)
	switch everywhere := p.To.Workload.Kind == "DaemonSet" && len(spec.NodeSelector) == 0 && spec.Affinity == nil; {
	case !p.local: // on all nodes
		return some
	case spec.NodeName != "":
		return slices.ContainsFunc(x.nodes, func(n *Endpoint) bool { return n.Name == spec.NodeName && has(n) })
	case everywhere:
		return some
	}
	return some && !slices.ContainsFunc(x.nodes, func(n *Endpoint) bool { return !has(n) })
}

// brought says whether what pods of a controller bring comes from the internet, and by which: where they were read, by those
// that the internet reaches. Every are the ports on which all pods are let in.
func (x *exposer) brought(p *Publication, every Ports) (is Known, by *Endpoint) {
	switch {
	case p.refused():
		return No, nil
	case p.Inner || p.Doubtful != "" || x.blind && p.To.Kind == Pods:
		return Unknown, nil
	case p.from == nil || len(p.from.pods) == 0:
		if every.Meets(p.Ports) {
			return Yes, nil
		}
		return Unknown, nil
	}
	for _, by := range p.from.pods {
		if x.directly(by).internet == Yes && (p.To.Kind != Pods || x.m.Between(by, p.To).Meets(p.Ports)) {
			return Yes, by
		}
	}
	return Unknown, nil
}

// because names the rules that let in what comes a way; by is who brings it, where that is known.
func (x *exposer) because(p *Publication, by *Endpoint) string {
	if p.To.Kind != Pods {
		return "; in the network of its node, no policy holds it"
	}
	if by == nil {
		from := p.surely
		if from == nil {
			from = x.outside
		}
		if by = x.m.firstIn(from, p.To, p.Ports); by == nil {
			return "; from its own node, which no policy holds back"
		}
	}
	for _, a := range x.m.Ask(by, p.To) {
		switch {
		case !a.Allowed() || !a.Ports.Meets(p.Ports):
			continue
		case a.OwnNode:
			return "; from its own node, which no policy holds back"
		case len(a.Ingress.Rules) == 0:
			return "; no policy refuses it"
		}
		return "; " + a.Ingress.Rules[0].String() + " allows it"
	}
	return ""
}
