package network

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/plimsoll/plimsoll/internal/read/kube"
)

// Kind is what an endpoint is.
type Kind int

// The kinds of endpoints.
const (
	Pods  Kind = iota // of one workload
	Host              // pods of one workload in the network of their node, which no policy selects
	Node              // a node itself
	Block             // addresses that are none of these
)

// Endpoint is one end of connections.
type Endpoint struct {
	Kind      Kind
	Workload  *kube.Workload // of Pods and Host
	Node      *kube.Object   // of Node
	Namespace string         // of Pods and Host
	Name      string         // Deployment cart; a node's name; CIDRs
	// Addresses are those that the endpoint is known to have: of a Block, all of them.
	Addresses Addresses
	// Several says that there may be more than one pod, which are not all one end of a connection to itself.
	Several bool

	labels map[string]string
	ports  []containerPort
	unread bool // who is there was not read
}

type containerPort struct {
	name     string
	protocol Protocol
	number   int
}

func (e *Endpoint) String() string {
	switch e.Kind {
	case Node:
		return "node " + e.Name
	case Block:
		return e.Name
	}
	return e.Namespace + "/" + e.Name
}

// Title is the name of the workload or of the node, without its kind; CIDRs.
func (e *Endpoint) Title() string {
	if e.Workload != nil {
		return e.Workload.Object.Name
	}
	return e.Name
}

// WorkloadKind is the kind of the workload; empty where it is none.
func (e *Endpoint) WorkloadKind() string {
	if e.Workload != nil {
		return e.Workload.Kind
	}
	return ""
}

// On is the node that the endpoint is, or that all of its pods run on, where one object says so of them: of pods that
// others make it is not asked where they are, but of those in the network of a node. Empty: it is not known.
func (e *Endpoint) On() string {
	switch {
	case e.Kind == Node:
		return e.Name
	case e.Kind == Host, e.Kind == Pods && e.Workload.Kind == "Pod":
		return e.Workload.Spec.NodeName
	}
	return ""
}

// Labels are those of pods or of a node. They are not to be changed.
func (e *Endpoint) Labels() map[string]string { return e.labels }

// Internet says that all of the endpoint are addresses of the internet.
func (e *Endpoint) Internet() bool {
	return e.Kind == Block && len(e.Addresses.Minus(internet())) == 0
}

// Listens are the ports that the containers of pods say they take connections on.
func (e *Endpoint) Listens() (all Ports) {
	for _, p := range e.ports {
		all = all.Union(PortRange(p.protocol, p.number, p.number))
	}
	return all
}

// named are the ports of a name that the endpoint's containers have.
func (e *Endpoint) named(m portMatch) (all Ports) {
	for _, p := range e.ports {
		if p.name == m.name && (m.any || p.protocol == m.protocol) {
			all = all.Union(PortRange(p.protocol, p.number, p.number))
		}
	}
	return all
}

// podEndpoint is the end that a workload's pods are.
func podEndpoint(w *kube.Workload) *Endpoint {
	e := &Endpoint{Workload: w, Namespace: w.Home(), Name: w.Kind + " " + w.Name, labels: w.Meta.Labels, Several: several(w)}
	for _, c := range listening(w) {
		e.listen(c.Ports)
	}
	slices.SortFunc(e.ports, func(a, b containerPort) int {
		return cmp.Or(cmp.Compare(a.name, b.name), cmp.Compare(a.protocol, b.protocol), cmp.Compare(a.number, b.number))
	})
	e.ports = slices.Compact(e.ports)
	if w.Spec.HostNetwork {
		e.Kind = Host
		return e
	}
	e.Addresses = podAddresses(w)
	return e
}

// listening are the containers that run as long as their pod: sidecars, and those that are no init containers.
func listening(w *kube.Workload) (all []corev1.Container) {
	for _, c := range w.Spec.InitContainers {
		if c.RestartPolicy != nil && *c.RestartPolicy == corev1.ContainerRestartPolicyAlways {
			all = append(all, c)
		}
	}
	return append(all, w.Spec.Containers...)
}

// ended says that a pod's containers have ended for good: it has no network any more (PodStatus.Phase).
func ended(w *kube.Workload) bool {
	status, _ := w.Fields["status"].(map[string]any)
	return w.Kind == "Pod" && (status["phase"] == string(corev1.PodSucceeded) || status["phase"] == string(corev1.PodFailed))
}

func (e *Endpoint) listen(ports []corev1.ContainerPort) {
	for _, p := range ports {
		protocol, ok := ProtocolOf(cmp.Or(string(p.Protocol), "TCP"))
		if ok && p.ContainerPort >= 1 && p.ContainerPort <= maxPort {
			e.ports = append(e.ports, containerPort{p.Name, protocol, int(p.ContainerPort)})
		}
	}
}

// several says that a workload may have more than one pod at a time.
func several(w *kube.Workload) bool {
	if w.Kind == "Pod" {
		return false
	}
	spec, _ := w.Fields["spec"].(map[string]any)
	switch w.Kind {
	case "Deployment", "ReplicaSet", "StatefulSet", "ReplicationController":
		n, written := spec["replicas"].(int64)
		return written && n > 1 || w.Kind == "Deployment" // which has two of them while it changes
	}
	return true
}

// podAddresses are those that a running pod says that it has.
func podAddresses(w *kube.Workload) (all Addresses) {
	if w.Kind != "Pod" {
		return nil
	}
	var is struct {
		Status struct {
			PodIP  string
			PodIPs []struct{ IP string }
		}
	}
	if !read(w.Fields, &is) {
		return nil
	}
	texts := []string{is.Status.PodIP}
	for _, one := range is.Status.PodIPs {
		texts = append(texts, one.IP)
	}
	return parseAddresses(texts)
}

// nodeEndpoint is the end that a node is. Ranges are those that it gives its pods addresses of.
func nodeEndpoint(o *kube.Object) (e *Endpoint, ranges Addresses) {
	e = &Endpoint{Kind: Node, Node: o, Name: o.Name, labels: o.Metadata("labels")}
	var is struct {
		Spec struct {
			PodCIDR  string
			PodCIDRs []string
		}
		Status struct {
			Addresses []struct{ Type, Address string }
		}
	}
	if !read(o.Fields, &is) {
		return e, nil
	}
	var texts []string
	for _, a := range is.Status.Addresses {
		texts = append(texts, a.Address) // names of hosts are none
	}
	e.Addresses = parseAddresses(texts)
	for _, text := range append(is.Spec.PodCIDRs, is.Spec.PodCIDR) {
		if p, err := netip.ParsePrefix(text); err == nil {
			ranges = ranges.Union(PrefixAddresses(p))
		}
	}
	return e, ranges
}

func parseAddresses(texts []string) (all Addresses) {
	for _, text := range texts {
		if a, err := netip.ParseAddr(text); err == nil && a.Zone() == "" {
			a = a.Unmap()
			all = append(all, addressSpan{a, a})
		}
	}
	return all.Union(nil)
}

// read reads a few fields of an object; false where they are of other types.
func read(fields map[string]any, into any) bool {
	text, err := json.Marshal(map[string]any{"spec": few(fields["spec"], "podCIDR", "podCIDRs"), "status": few(fields["status"], "podIP", "podIPs", "addresses")})
	return err == nil && json.Unmarshal(text, into) == nil
}

func few(v any, keys ...string) map[string]any {
	from, _ := v.(map[string]any)
	kept := map[string]any{}
	for _, k := range keys {
		if v, ok := from[k]; ok {
			kept[k] = v
		}
	}
	return kept
}

// signature is what the ports of an endpoint are to rules that name them.
func (e *Endpoint) signature(names map[string]bool) string {
	var text strings.Builder
	for _, p := range e.ports {
		if names[p.name] {
			fmt.Fprintf(&text, "%s/%d/%d ", p.name, p.protocol, p.number)
		}
	}
	return text.String()
}
