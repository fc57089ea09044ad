package pods

import (
	"fmt"
	"net/http"
	"os/exec"
	"slices"
	"strings"
	"time"

	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"sigs.k8s.io/network-policy-api/apis/v1alpha2"
)

// Set says what is done with a namespace from now on.
func (w *World) Set(namespace string, m Mode) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.modes[namespace] = m
}

// hold is what a policy of the probe's shape says: all but some ports are refused, to or from some pods.
type hold struct {
	kind, namespace, direction string
	pods                       labels.Selector
	ports                      map[string][]int32 // by protocol: allowed
	since                      time.Time
}

var directions = []string{"ingress", "egress"}

// holds reads the policies.
func (w *World) holds() (all []hold, err error) {
	var list networkingv1.NetworkPolicyList
	if err := w.ask(http.MethodGet, "/apis/networking.k8s.io/v1/networkpolicies", nil, &list); err != nil {
		return nil, err
	}
	for _, p := range list.Items {
		h := hold{kind: "NetworkPolicy", namespace: p.Namespace, ports: map[string][]int32{}, since: p.CreationTimestamp.Time}
		h.pods, _ = metav1.LabelSelectorAsSelector(&p.Spec.PodSelector)
		var ports []networkingv1.NetworkPolicyPort
		for _, r := range p.Spec.Ingress {
			ports = append(ports, r.Ports...)
		}
		for _, r := range p.Spec.Egress {
			ports = append(ports, r.Ports...)
		}
		for _, one := range ports {
			h.ports[strings.ToLower(string(*one.Protocol))] = append(h.ports[strings.ToLower(string(*one.Protocol))], one.Port.IntVal)
		}
		for _, t := range p.Spec.PolicyTypes {
			h.direction = strings.ToLower(string(t))
			all = append(all, h)
		}
	}
	var wide v1alpha2.ClusterNetworkPolicyList
	if w.ask(http.MethodGet, "/apis/policy.networking.k8s.io/v1alpha2/clusternetworkpolicies", nil, &wide) != nil {
		return all, nil // it is not served
	}
	for _, p := range wide.Items {
		h := hold{kind: "ClusterNetworkPolicy", namespace: p.Spec.Subject.Pods.NamespaceSelector.MatchLabels["kubernetes.io/metadata.name"], ports: map[string][]int32{}, since: p.CreationTimestamp.Time}
		h.pods, _ = metav1.LabelSelectorAsSelector(&p.Spec.Subject.Pods.PodSelector)
		h.direction = directions[0]
		var protocols []v1alpha2.ClusterNetworkPolicyProtocol
		for _, r := range p.Spec.Ingress {
			protocols = append(protocols, r.Protocols...)
		}
		for _, r := range p.Spec.Egress {
			h.direction = directions[1]
			protocols = append(protocols, r.Protocols...)
		}
		for _, one := range protocols {
			if one.TCP != nil {
				h.ports["tcp"] = append(h.ports["tcp"], one.TCP.DestinationPort.Number)
			}
			if one.UDP != nil {
				h.ports["udp"] = append(h.ports["udp"], one.UDP.DestinationPort.Number)
			}
		}
		all = append(all, h)
	}
	return all, nil
}

// agent does as a policy agent: it loads rules for all pods and policies, as far as their modes want it.
func (w *World) agent() {
	all, err := w.holds()
	if err != nil {
		return
	}
	w.mu.Lock()
	for _, h := range all {
		if w.modes[h.namespace].Sticky && !slices.ContainsFunc(w.stuck, func(s hold) bool { return s.namespace == h.namespace && s.direction == h.direction }) {
			w.stuck = append(w.stuck, h)
		}
	}
	all = append(all, w.stuck...)
	var lines []string
	for _, p := range w.running {
		mode := w.modes[p.Namespace]
		for _, ip := range p.Status.PodIPs {
			word, family := "ip", "IPv4"
			if strings.Contains(ip.IP, ":") {
				word, family = "ip6", "IPv6"
			}
			if mode.Drop {
				lines = append(lines, fmt.Sprintf("%s daddr %s drop", word, ip.IP))
			}
			for _, h := range all {
				lines = append(lines, w.rules(p, mode, h, word, family, ip.IP)...)
			}
		}
	}
	w.mu.Unlock()
	slices.Sort(lines)
	lines = slices.Compact(lines)
	text := "add table inet agent\ndelete table inet agent\ntable inet agent {\n\tchain passing {\n\t\ttype filter hook forward priority 0; policy accept;\n\t\tct state established,related accept\n\t\t" + strings.Join(lines, "\n\t\t") + "\n\t}\n}\n"
	if text == w.loaded {
		return
	}
	cmd := exec.Command("nft", "-f", "-")
	cmd.Stdin = strings.NewReader(text)
	var b []byte
	if err := w.net.Router.Do(func() (err error) { b, err = cmd.CombinedOutput(); return err }); err != nil {
		w.t.Errorf("nft: %v: %s\n%s", err, b, text)
	}
	w.loaded = text
}

// rules are what a policy comes to for one address of a pod.
func (w *World) rules(p *pod, mode Mode, h hold, word, family, ip string) (lines []string) {
	not := func(what string) bool { return slices.Contains(mode.Inert, what) }
	if h.namespace != p.Namespace || !h.pods.Matches(labels.Set(p.Labels)) || not(h.direction) || not(h.kind) || not(family) || time.Since(h.since) < mode.Slow {
		return nil
	}
	end, other := "daddr", "saddr"
	if h.direction == "egress" {
		end, other = other, end
	}
	var peers []string // those on nodes for which it is enforced; all
	for _, q := range w.running {
		same := q.Spec.NodeName == p.Spec.NodeName
		if same && !not("same-node") || !same && !not("other-node") {
			for _, a := range q.Status.PodIPs {
				if strings.Contains(a.IP, ":") == (word == "ip6") {
					peers = append(peers, a.IP)
				}
			}
		}
	}
	if len(peers) == 0 {
		return nil
	}
	slices.Sort(peers)
	for _, protocol := range []string{"tcp", "udp"} {
		if not(strings.ToUpper(protocol)) {
			continue
		}
		ports := ""
		if len(h.ports[protocol]) > 0 && !mode.AllPorts {
			ports = strings.Trim(strings.ReplaceAll(fmt.Sprint(h.ports[protocol]), " ", ", "), "[]")
			ports = " " + protocol + " dport != { " + ports + " }"
		}
		lines = append(lines, fmt.Sprintf("%s %s %s %s %s { %s } meta l4proto %s%s drop", word, end, ip, word, other, strings.Join(peers, ", "), protocol, ports))
	}
	return lines
}
