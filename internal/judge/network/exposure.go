package network

import (
	"context"
	"slices"
	"strings"
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
	// Internet is known to be reached where something publishes the pods at addresses of the internet, or theirs are such, and no
	// policy refuses it; and not to be where all of the cluster was read, nothing publishes them that policies do not refuse, and
	// these let in nobody but pods of their own namespace: else a proxy of which nothing is known here may bring it.
	Internet Known
	// AnyPod and Namespace say that pods of all namespaces, or all pods of their own, are let in on some port.
	AnyPod, Namespace Known
	// Why is why the internet reaches them, or does not, in words; empty where it is not known.
	Why string
}

// Exposures are those of all workloads.
func (m *Model) Exposures(ctx context.Context) (map[*Endpoint]Exposure, error) {
	if err := m.Prepare(ctx); err != nil {
		return nil, err
	}
	x := newExposer(m)
	all := map[*Endpoint]Exposure{}
	for _, e := range m.Endpoints {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if e.Workload != nil {
			all[e] = x.of(e)
		}
	}
	return all, nil
}

type exposer struct {
	m       *Model
	ways    map[*Endpoint][]Publication
	unread  map[string]bool // namespaces in which something publishes whom nobody knows
	direct  map[*Endpoint]direct
	outside *callers // blocks that hold addresses of the internet
	nodes   []*Endpoint
	pods    set             // all of them
	homes   map[string]home // by namespace
	several bool            // pods are of several namespaces
	// blind says that there are policies that are not understood, by which more may be refused.
	blind bool
}

// home are the classes of pods of a namespace, and those of them that have no others in them.
type home struct{ all, alone set }

func newExposer(m *Model) *exposer {
	x := &exposer{
		m: m, ways: map[*Endpoint][]Publication{}, unread: map[string]bool{}, direct: map[*Endpoint]direct{}, pods: newSet(len(m.classes)), homes: map[string]home{},
		blind: m.Strange || slices.ContainsFunc(m.Doubts, func(d Doubt) bool { return d.Broken }),
	}
	p := m.publisher()
	x.outside, x.nodes = p.within(internet(), false), p.nodes
	for _, way := range p.all {
		if way.Detached == "" {
			x.ways[way.To] = append(x.ways[way.To], way)
			x.unread[way.To.Namespace] = x.unread[way.To.Namespace] || way.To.unread
		}
	}
	for i := range m.classes {
		if m.classes[i].kind != Pods {
			continue
		}
		x.pods.add(i)
		spaces := map[string]bool{}
		for _, e := range m.classes[i].endpoints {
			spaces[e.Namespace] = true
		}
		for space := range spaces {
			h, known := x.homes[space]
			if !known {
				h = home{newSet(len(m.classes)), newSet(len(m.classes))}
				x.homes[space] = h
			}
			if h.all.add(i); len(spaces) == 1 {
				h.alone.add(i)
			}
		}
	}
	x.several = len(x.homes) > 1
	return x
}

func (x *exposer) of(e *Endpoint) (is Exposure) {
	var every Ports
	is.AnyPod, is.Namespace, every = x.podsIn(e)
	own := x.directly(e)
	if is.Internet, is.Why = own.internet, own.why; is.Internet == Yes {
		return is
	}
	refused := own.refused
	for i := range x.ways[e] {
		way := &x.ways[e][i]
		if way.How != way.By.Kind {
			continue
		}
		switch known, from := x.brought(way, every); known {
		case Yes:
			is.Internet, is.Why = Yes, "reachable from the internet: "+way.Title()+" on "+way.Ports.String()+x.because(way, from)
			return is
		case No:
			refused = append(refused, way.Title())
		default:
			own.unsure = true
		}
	}
	if e.Kind == Pods && !own.unsure && x.m.whole && !x.unread[e.Namespace] && x.alone(e) {
		is.Internet, is.Why = No, "nothing publishes it, and its policies let in nobody from outside of its namespace"
		if len(refused) > 0 {
			is.Why = "published by " + firstOf(refused) + ", and its policies refuse it, and let in nobody from outside of its namespace"
		}
	}
	return is
}

// firstOf are the first of some texts.
func firstOf(texts []string) string {
	const most = 3
	slices.Sort(texts)
	if texts = slices.Compact(texts); len(texts) > most {
		return strings.Join(texts[:most], ", ") + " and others"
	}
	return strings.Join(texts, ", ")
}

// podsIn finds out which pods are let in. It gives the ports on which all are.
func (x *exposer) podsIn(e *Endpoint) (any, namespace Known, every Ports) {
	if e.Kind == Host {
		return Yes, Yes, AllPorts()
	}
	var perhaps, same Ports
	open := x.several || x.m.Open(e, Ingress)
	for _, i := range x.m.of[e] {
		for _, p := range x.m.faces(Ingress)[i] {
			if within(x.pods, p.peers) {
				perhaps = append(perhaps, p.ports...)
			}
			if within(x.homes[e.Namespace].all, p.peers) {
				same = append(same, p.ports...)
			}
		}
	}
	if open {
		every = perhaps.Union(nil)
	}
	return x.known(len(every) > 0, len(perhaps) > 0), x.known(len(same) > 0, false), every
}

// known is whether pods are let in on some port; perhaps says that they may be where there is none.
func (x *exposer) known(some, perhaps bool) Known {
	switch {
	case !some && !perhaps:
		return No
	case !some || x.blind:
		return Unknown
	}
	return Yes
}

// alone says that policies let in nobody but pods of the own namespace.
func (x *exposer) alone(e *Endpoint) bool {
	for _, i := range x.m.of[e] {
		for _, p := range x.m.faces(Ingress)[i] {
			if !within(p.peers, x.homes[e.Namespace].alone) {
				return false
			}
		}
	}
	return true
}
