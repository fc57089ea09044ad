// Package pods is a stand-in for what a testbed's cluster lacks: a scheduler, kubelets and a network. It is a mock, and
// shows that Plimsoll does right by what these do, not what any of them does. Pods of the real API server are placed on
// two nodes, and the command of each is a real process, as an unprivileged user, in a network namespace of its own; a router
// between them refuses what policies say, as far as the namespace's [Mode] wants it to. Nothing outside of these
// namespaces is touched.
package pods

import "time"

// Options say what the stand-in stands in for.
type Options struct {
	Program string   // what each image is
	Nodes   []string // that pods are placed on
	Agent   bool     // somebody else's agent enforces policies, and the stand-in enforces none
}

// Mode is what the stand-in does with the pods of a namespace. The zero value is a network that enforces everything.
type Mode struct {
	Inert     []string      // nothing is enforced of these: ingress, egress, IPv4, IPv6, TCP, UDP, same-node, other-node, NetworkPolicy, ClusterNetworkPolicy
	Slow      time.Duration // a policy holds so long after it was made
	Drop      bool          // nothing gets through, whatever policies say
	AllPorts  bool          // a policy refuses also the ports that it allows
	Sticky    bool          // a policy holds on after it is gone
	NoNode    bool          // no node has room
	OneNode   bool          // the second one has none
	NoImage   bool          // the image is not to be had
	OneFamily bool          // pods have an IPv4 address alone
}
