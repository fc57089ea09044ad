// Package network turns NetworkPolicies and ClusterNetworkPolicies, and the pods, nodes and addresses that they speak
// of, into who reaches whom: exactly, per port and address, with the rules that say so.
//
// What is judged is what policies allow, as the API documents say it (networking.k8s.io/v1; policy.networking.k8s.io
// v1alpha2 and its forerunners of v1alpha1), of TCP, UDP and SCTP. Whether a network enforces them is not known here,
// nor whether anybody listens.
package network

import (
	"fmt"

	"k8s.io/apimachinery/pkg/labels"

	"github.com/plimsoll/plimsoll/internal/read/kube"
)

// Direction is which end of a connection a rule speaks of.
type Direction int

// The directions.
const (
	Ingress Direction = iota
	Egress
)

func (d Direction) String() string { return [...]string{"ingress", "egress"}[d] }

// Tier is when a policy has its say.
type Tier int

// The tiers, in the order in which they are asked (policy.networking.k8s.io/v1alpha2, ClusterNetworkPolicySpec.Tier).
const (
	Admin Tier = iota
	Namespaced
	Baseline
)

func (t Tier) String() string { return [...]string{"Admin", "NetworkPolicy", "Baseline"}[t] }

// Action is what a rule does with what it matches.
type Action int

// The actions. Rules of NetworkPolicies allow.
const (
	Allow Action = iota
	Deny
	Pass // to the next tier
)

func (a Action) String() string { return [...]string{"allow", "deny", "pass"}[a] }

// Policy is one policy of whatever kind.
type Policy struct {
	*kube.Object
	Tier     Tier
	Priority int // within its tier: the lower, the earlier
	// Isolates says of a NetworkPolicy, by direction, that its pods are refused what none allows.
	Isolates [2]bool
	Rules    [2][]*Rule

	subject peer
}

// Selector is whose traffic the policy speaks of, in words.
func (p *Policy) Selector() string { return p.subject.String() }

// voidOn has a policy count for nothing on some ports: a NetworkPolicy allows them, and one of another tier passes them on.
func (p *Policy) voidOn(d Direction, ports Ports) {
	switch {
	case len(ports) == 0:
		return
	case ports.Equal(AllPorts()):
		p.Isolates[d], p.Rules[d] = false, nil
		return
	case !p.Isolates[d] && len(p.Rules[d]) == 0:
		return
	}
	r := &Rule{Policy: p, Direction: d, Index: len(p.Rules[d]), Name: "nobody enforces it", Action: Pass}
	if p.Tier == Namespaced {
		r.Action = Allow
	}
	for _, one := range ports.Ranges() {
		r.ports = append(r.ports, portMatch{protocol: one.Protocol, ports: PortRange(one.Protocol, one.From, one.To)})
	}
	p.Rules[d] = append([]*Rule{r}, p.Rules[d]...)
}

// Rule is one rule of a policy.
type Rule struct {
	Policy    *Policy
	Direction Direction
	Index     int
	Name      string // may be empty
	Action    Action

	peers []peer // any of them; nil: everybody
	ports []portMatch
	every bool // all ports
}

// Field is where the rule stands in its object.
func (r *Rule) Field() string { return fmt.Sprintf("spec.%s[%d]", r.Direction, r.Index) }

func (r *Rule) String() string {
	name := r.Policy.Kind + " " + r.Policy.Name
	if r.Policy.Namespace != "" {
		name = r.Policy.Kind + " " + r.Policy.Namespace + "/" + r.Policy.Name
	}
	if r.Name != "" {
		return fmt.Sprintf("%s %s[%d] %q", name, r.Direction, r.Index, r.Name)
	}
	return fmt.Sprintf("%s %s[%d]", name, r.Direction, r.Index)
}

// peer is whom a policy or a rule speaks of: pods, nodes, or addresses.
type peer struct {
	namespace  string          // the one that the pods are in; empty: see namespaces
	namespaces labels.Selector // of which the pods may be
	pods       labels.Selector // nil: none
	nodes      labels.Selector // nil: none
	block      Addresses       // nil: none
	text       string          // in words, and the same for the same peers
}

func (p peer) String() string { return p.text }

// portMatch is a port, or several, that a rule names.
type portMatch struct {
	protocol Protocol
	name     string // of a container's port, of whatever protocol where any says so; empty: ports
	any      bool
	ports    Ports
}
