package network

import (
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/labels"
)

// Ignored are the directions of which a NetworkPolicy has a section, and does not speak: what it says there does not count
// (networking.k8s.io/v1, NetworkPolicySpec.PolicyTypes).
func (p *Policy) Ignored() (all []Direction) {
	spec, _ := p.Fields["spec"].(map[string]any)
	for d := range Direction(2) {
		if _, written := spec[d.String()].([]any); written && p.Tier == Namespaced && !p.Isolates[d] {
			all = append(all, d)
		}
	}
	return all
}

// NoNamespaces are the selectors of a rule that take no namespace, in words. Where not all namespaces were read, only
// those are told that have the name of one as the value of a label that it does not have: the others may be elsewhere.
func (m *Model) NoNamespaces(r *Rule) (all []string) {
	for _, p := range r.peers {
		if p.pods == nil || p.namespace != "" || p.namespaces.Empty() || m.takesSome(p.namespaces) {
			continue
		}
		requirements, selectable := p.namespaces.Requirements()
		meant := ""
		for _, of := range requirements {
			for name := range of.Values() {
				if _, read := m.namespaces[name]; read && of.Key() != nameLabel {
					meant = fmt.Sprintf("; namespace %s has no label %s=%s", name, of.Key(), name)
				}
			}
		}
		if selectable && (meant != "" || m.whole) {
			all = append(all, p.text+meant)
		}
	}
	return all
}

// takesSome says that a selector takes a namespace that was read, or of which pods were.
func (m *Model) takesSome(s labels.Selector) bool {
	for _, of := range m.namespaces {
		if s.Matches(of) {
			return true
		}
	}
	m.in("")
	for name := range m.homes {
		if of, _ := m.NamespaceLabels(name); s.Matches(of) {
			return true
		}
	}
	return false
}

// meant are the pods whose ports a rule names: those of its policy, or those that it lets connect to.
func (m *Model) meant(r *Rule) (all []*Endpoint) {
	of := m.peers[r.Policy.subject.text]
	if r.Direction == Egress {
		of = nil
		for _, p := range r.peers {
			of = append(of, m.peers[p.text]...)
		}
	}
	for _, i := range of {
		if c := &m.classes[i]; c.kind == Pods {
			all = append(all, c.endpoints...)
		}
	}
	return all
}

// Nameless are the names of ports in a rule that no container has of the pods that it speaks of, as far as these were read.
func (m *Model) Nameless(r *Rule) (all []string) {
	if !slices.ContainsFunc(r.ports, func(p portMatch) bool { return p.name != "" }) {
		return nil
	}
	pods := m.meant(r)
	for _, p := range r.ports {
		if p.name == "" || len(pods) == 0 || slices.ContainsFunc(pods, func(e *Endpoint) bool { return len(e.named(p)) > 0 }) {
			continue
		}
		what := "no container of " + someOf(pods) + " has a port " + p.name
		if !p.any {
			what += " of " + p.protocol.String()
		}
		if have := portNames(pods); len(have) > 0 {
			what += "; they have " + strings.Join(have, ", ")
		}
		all = append(all, what)
	}
	return all
}

// mostNames is how many names are told of what may be many.
const mostNames = 5

func someOf(of []*Endpoint) string {
	var words []string
	for _, e := range of[:min(len(of), mostNames)] {
		words = append(words, e.String())
	}
	if more := len(of) - len(words); more > 0 {
		words = append(words, fmt.Sprintf("%d more", more))
	}
	return strings.Join(words, ", ")
}

func portNames(of []*Endpoint) (all []string) {
	for _, e := range of {
		for _, p := range e.ports {
			if p.name != "" && !slices.Contains(all, p.name) && len(all) < mostNames {
				all = append(all, p.name)
			}
		}
	}
	return all
}

// ServicePorts are the ports in a rule that are a Service's, and no port of the pods behind it that the rule speaks of: these
// are asked about theirs, to which the Service's is changed before (networking.k8s.io/v1, NetworkPolicyPort).
func (m *Model) ServicePorts(r *Rule) (all []string) {
	if r.Direction == Egress && (r.peers == nil || slices.ContainsFunc(r.peers, func(p peer) bool { return p.pods == nil })) {
		return nil // the port may be of what is no pod
	}
	var single Ports
	for _, p := range r.ports {
		for _, one := range p.ports {
			if one.from == one.to {
				single = single.Union(Ports{one})
			}
		}
	}
	if len(single) == 0 {
		return nil
	}
	pods := m.meant(r)
	at := map[span]string{}
	for _, e := range pods {
		for _, s := range m.behind(e) {
			for _, p := range s.Ports {
				port := PortRange(p.Protocol, p.Port, p.Port)
				if leads := p.Leads(e); len(leads) > 0 && single.Meets(port) && at[port[0]] == "" {
					at[port[0]] = fmt.Sprintf("%s is a port of Service %s/%s, which leads to %s of %s", port, s.Home(), s.Name, leads, e)
				}
			}
		}
	}
	for port, words := range at {
		if !m.takesAny(pods, Ports{port}) {
			all = append(all, words)
		}
	}
	slices.Sort(all)
	return all
}

// takesAny says that any pods take connections on ports, as their containers, or the Services before them, say.
func (m *Model) takesAny(pods []*Endpoint, on Ports) bool {
	return slices.ContainsFunc(pods, func(e *Endpoint) bool {
		return e.Listens().Meets(on) || slices.ContainsFunc(m.behind(e), func(s *Service) bool {
			return slices.ContainsFunc(s.Ports, func(p ServicePort) bool { return p.Leads(e).Meets(on) })
		})
	})
}

// behind are the Services that lead to a pod.
func (m *Model) behind(e *Endpoint) []*Service {
	if m.before == nil {
		m.before = map[*Endpoint][]*Service{}
		for _, s := range m.Services() {
			for _, e := range s.Endpoints {
				m.before[e] = append(m.before[e], s)
			}
		}
	}
	return m.before[e]
}
