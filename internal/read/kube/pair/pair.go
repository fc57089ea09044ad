// Package pair finds out whether a cluster's network does what policies say: it makes two pods, or three where there are
// two nodes, that ask each other; then a policy that forbids a part of it; and takes the policy away again.
//
// What is read is what the pods met, by direction, family of addresses, protocol and node: a [Trial]. What it means is
// judged elsewhere. The pods run Plimsoll's own image ([Listen], [Ask]) and leave what they found as the message with which
// a container ends, so that nobody enters a pod or reads its log. All that is made has an end of its own, or is taken away when Try
// returns, also where ctx ended before.
package pair

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/plimsoll/plimsoll/internal/read/kube/client"
)

// The directions, and the kinds of policy.
const (
	ingress           = "ingress"
	egress            = "egress"
	networkPolicyKind = "NetworkPolicy"
	clusterPolicyKind = "ClusterNetworkPolicy"
)

// The placements of two pods.
const (
	SameNode  = "same-node"
	OtherNode = "other-node"
)

// Options say where, with what and for how long it is tried.
type Options struct {
	Namespace     string        // that exists; empty: OwnNamespace is made, and taken away
	Image         string        // of Plimsoll
	Settle        time.Duration // a policy may take to hold, and to be forgotten
	Start         time.Duration // a pod may take to run
	ClusterPolicy bool          // try a ClusterNetworkPolicy, too
	Say           func(text string)
	Now           func() time.Time
}

// Link is one way from the asker to a listener.
type Link struct {
	Placement string // SameNode, OtherNode
	Family    string // IPv4, IPv6
	Protocol  string // TCP, UDP
	Refused   bool   // the port that policies of the trial refuse, and not the one that they allow
}

// Reply is what the asker met on a link.
type Reply struct {
	Link
	At netip.AddrPort
	Outcome
}

// Phase is what the asker met under a policy; without one where Policy is empty.
type Phase struct {
	Policy    string // its kind
	Direction string // ingress: it holds the listeners; egress: it holds the asker
	Replies   []Reply
}

// Untried is a placement, or a kind of policy, that was not tried. Blocking says that it could have been.
type Untried struct {
	What, Why string
	Blocking  bool
}

// Held is what a policy of the trial is of.
type Held struct{ Policy, Direction string }

// Trial is all that was tried.
type Trial struct {
	Cluster, UID  string // its name in the kubeconfig; empty UID: it is not known
	Namespace     string
	Ended         time.Time
	ClusterPolicy bool // was to be tried
	Phases        []Phase
	Untried       []Untried
	// Stopped says why it came to no end; empty: it did.
	Stopped string
	// Allowing are policies of others that may allow what those of the trial refuse.
	Allowing map[Held][]string
	Beside   []string // policies of others that select the pods, and may refuse them anything
	Injected []string // containers that somebody put into the pods
	Left     []string // what could not be taken away again
}

// Interrupted is why a trial ended whose ctx did.
const Interrupted = "the probe was interrupted"

// link is a way whose address is known.
type link struct {
	Link
	at netip.AddrPort
}

// run is a trial that goes on.
type run struct {
	c         *client.Cluster
	o         Options
	id, nonce string
	namespace string
	trial     *Trial
	made      []*made
	owner     *metav1.OwnerReference // the first listener, which takes NetworkPolicies with it
	given     map[string]labels.Set  // the labels that pods have, by role, with all that others put there
	space     labels.Set             // those of the namespace, where the probe made it
	node      string
	links     []link
}

// stopped ends a trial, and is told in it.
type stopped struct{ why string }

func (e stopped) Error() string { return e.why }

func stop(format string, args ...any) error { return stopped{fmt.Sprintf(format, args...)} }

// Try tries. Whatever goes wrong stands in the trial.
func Try(ctx context.Context, c *client.Cluster, o Options) *Trial {
	random := make([]byte, 20)
	_, _ = rand.Read(random) // it never fails
	r := &run{c: c, o: o, id: hex.EncodeToString(random[:4]), nonce: hex.EncodeToString(random[4:]), namespace: o.Namespace, given: map[string]labels.Set{}}
	if r.namespace == "" {
		r.namespace = OwnNamespace
	}
	r.trial = &Trial{Cluster: c.Name, Namespace: r.namespace, ClusterPolicy: o.ClusterPolicy, Allowing: map[Held][]string{}}
	if err := r.all(ctx); err != nil {
		r.trial.Stopped = err.Error()
		if ctx.Err() != nil {
			r.trial.Stopped = Interrupted
		}
	}
	r.trial.Ended = o.Now().UTC().Truncate(time.Second)
	r.clean(ctx)
	return r.trial
}

// plan are the policies of the phases; before, between and after them there is none.
func (r *run) plan() (all []Phase) {
	kinds := []string{networkPolicyKind}
	if r.trial.ClusterPolicy {
		kinds = append(kinds, clusterPolicyKind)
	}
	for _, kind := range kinds {
		all = append(all, Phase{}, Phase{Policy: kind, Direction: ingress}, Phase{}, Phase{Policy: kind, Direction: egress})
	}
	return append(all, Phase{})
}

// longest is how long a trial may take.
func (r *run) longest() time.Duration {
	return time.Duration(len(r.plan())+2)*(r.o.Start+r.o.Settle) + time.Minute
}

func (r *run) all(ctx context.Context) (err error) {
	short, cancel := context.WithTimeout(ctx, 2*requestFor)
	defer cancel()
	if _, err := r.c.Version(short); err != nil {
		return stop("reach the cluster %s: %v", r.c.Name, err)
	}
	if r.trial.UID, err = r.c.UID(short); err != nil {
		return stop("which cluster this is (the uid of its namespace kube-system): %v", err)
	}
	if r.o.ClusterPolicy {
		r.servesClusterPolicies(ctx)
	}
	if r.o.Namespace == "" {
		_, u, err := r.create(ctx, namespaces, "", r.namespaceObject())
		if err != nil {
			return err
		}
		r.space = u.GetLabels()
		r.o.Say("namespace " + r.namespace + " is made")
	}
	if err := r.listeners(ctx); err != nil {
		return err
	}
	for n, phase := range r.plan() {
		if err := r.phase(ctx, n, phase); err != nil {
			return err
		}
	}
	return r.allowing(ctx)
}

// listeners starts a listener, and another one on another node.
func (r *run) listeners(ctx context.Context) error {
	first, err := r.start(ctx, r.listenerPod(r.name("listener"), placement{}))
	if err != nil {
		return err
	}
	r.node = first.Spec.NodeName
	r.owner = &metav1.OwnerReference{APIVersion: "v1", Kind: "Pod", Name: first.Name, UID: first.UID}
	if err := r.reach(first, SameNode); err != nil {
		return err
	}
	usable, known := r.usableNodes(ctx)
	if known && usable < 2 {
		r.trial.Untried = append(r.trial.Untried, Untried{OtherNode, "no second node takes pods", false})
		return nil
	}
	second, err := r.start(ctx, r.listenerPod(r.name("listener-2"), placement{r.node, true}))
	if err != nil {
		if ctx.Err() != nil {
			return err
		}
		r.trial.Untried = append(r.trial.Untried, Untried{OtherNode, err.Error(), true})
		return nil
	}
	return r.reach(second, OtherNode)
}

// reach notes the ways to a listener.
func (r *run) reach(p *corev1.Pod, where string) error {
	ips := []string{p.Status.PodIP}
	for _, ip := range p.Status.PodIPs {
		ips = append(ips, ip.IP)
	}
	seen := map[string]bool{}
	for _, text := range ips {
		ip, err := netip.ParseAddr(text)
		if err != nil || ip.Zone() != "" {
			continue
		}
		family := "IPv6"
		if ip = ip.Unmap(); ip.Is4() {
			family = "IPv4"
		}
		if seen[family] {
			continue
		}
		seen[family] = true
		for _, protocol := range []string{"TCP", "UDP"} {
			for _, port := range []uint16{refusedPort, allowedPort} {
				r.links = append(r.links, link{Link{where, family, protocol, port == refusedPort}, netip.AddrPortFrom(ip, port)})
			}
		}
	}
	if len(seen) == 0 {
		return stop("pod %s has no address", p.Name)
	}
	r.o.Say(fmt.Sprintf("pod %s listens on node %s at %s", p.Name, p.Spec.NodeName, strings.Join(slices.Compact(ips), ", ")))
	return nil
}

// phase makes the policy, has a new pod ask, and takes the policy away.
func (r *run) phase(ctx context.Context, n int, p Phase) error {
	says := "without a policy"
	name := r.name(fmt.Sprintf("policy-%d", n))
	var policy any
	kind := networkPolicies
	switch p.Policy {
	case networkPolicyKind:
		policy = r.networkPolicy(name, p.Direction)
	case clusterPolicyKind:
		policy, kind = r.clusterPolicy(name, p.Direction), clusterPolicies
	}
	var m *made
	if policy != nil {
		says = "under a " + p.Policy + " for " + p.Direction
		var err error
		if m, _, err = r.create(ctx, kind, r.scope(kind), policy); err != nil {
			return err
		}
	}
	targets := make([]Target, len(r.links))
	for i, l := range r.links {
		targets[i] = Target{strings.ToLower(l.Protocol), l.at, p.Policy == "" || !l.Refused}
	}
	pod, err := r.finish(ctx, r.askerPod(r.name(fmt.Sprintf("asker-%d", n)), placement{r.node, false}, targets))
	if err != nil {
		return err
	}
	found, err := message(pod, len(targets))
	if err != nil {
		return err
	}
	for i, l := range r.links {
		p.Replies = append(p.Replies, Reply{l.Link, l.at, found[i]})
	}
	r.trial.Phases = append(r.trial.Phases, p)
	r.o.Say(fmt.Sprintf("%s: %s", says, p.summary()))
	if n == 0 {
		if err := r.allowing(ctx); err != nil { // now it is known which labels the pods have
			return err
		}
		r.links = slices.DeleteFunc(r.links, func(l link) bool { return !p.works(l.Link) })
		if len(r.links) == 0 {
			return stop("without a policy the pods do not reach each other%s", p.whyNot())
		}
	}
	if m != nil {
		return r.removeWithin(ctx, m, r.o.Start)
	}
	return nil
}

// works says that a link was answered in a phase, and the other port beside it.
func (p *Phase) works(l Link) bool {
	for _, refused := range []bool{true, false} {
		l.Refused = refused
		if i := slices.IndexFunc(p.Replies, func(r Reply) bool { return r.Link == l }); i < 0 || !p.Replies[i].Answered || !p.Replies[i].Settled {
			return false
		}
	}
	return true
}

func (p *Phase) summary() string {
	answered := 0
	for _, r := range p.Replies {
		if r.Answered {
			answered++
		}
	}
	return fmt.Sprintf("%d of %d ways answer", answered, len(p.Replies))
}

func (p *Phase) whyNot() string {
	var all []string
	for _, r := range p.Replies {
		if r.Why != "" && !slices.Contains(all, r.Why) {
			all = append(all, r.Why)
		}
	}
	return " (" + strings.Join(all, ", ") + "): the network is broken, or refuses it already"
}

// Message is what an asker leaves: its outcomes.
func Message(outcomes []Outcome) ([]byte, error) { return json.Marshal(outcomes) }

// message reads what an asker left.
func message(p *corev1.Pod, want int) ([]Outcome, error) {
	i := slices.IndexFunc(p.Status.ContainerStatuses, func(c corev1.ContainerStatus) bool { return c.Name == container })
	if i < 0 || p.Status.ContainerStatuses[i].State.Terminated == nil {
		return nil, stop("pod %s ended without a word: %s", p.Name, state(p))
	}
	end := p.Status.ContainerStatuses[i].State.Terminated
	var all []Outcome
	if err := json.Unmarshal([]byte(end.Message), &all); err != nil || len(all) != want || end.ExitCode != 0 {
		return nil, stop("pod %s ended with status %d and said what is not understood: %.300q", p.Name, end.ExitCode, end.Message)
	}
	for i := range all {
		if len(all[i].Why) > 200 || (all[i].Why == "") != all[i].Answered || all[i].Same < 1 || all[i].Tries < all[i].Same || all[i].After < 0 {
			return nil, stop("pod %s said what is not understood: %.300q", p.Name, end.Message)
		}
	}
	return all, nil
}

func (r *run) name(part string) string { return "plimsoll-" + r.id + "-" + part }
