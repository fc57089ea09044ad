package oracle

import (
	"encoding/json"
	"fmt"
	"iter"
	"maps"
	"slices"
	"testing"

	"github.com/mattfenwick/cyclonus/pkg/connectivity/probe"
	"github.com/mattfenwick/cyclonus/pkg/generator"
	"github.com/mattfenwick/cyclonus/pkg/matcher"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/plimsoll/plimsoll/internal/judge/network"
	"github.com/plimsoll/plimsoll/internal/read/kube"
)

const nameLabel = "kubernetes.io/metadata.name"

var protocols = []corev1.Protocol{corev1.ProtocolTCP, corev1.ProtocolUDP, corev1.ProtocolSCTP}

// TestCyclonus goes through all of Cyclonus' test cases, step by step, on its three namespaces of three pods.
func TestCyclonus(t *testing.T) {
	steps, asked, allowed := 0, 0, 0
	cases := allCases()
	for _, c := range cases {
		for where, state := range c.states(t) {
			steps++
			n, yes := state.compare(t, where)
			asked, allowed = asked+n, allowed+yes
		}
	}
	if len(cases) < 400 || allowed == 0 || allowed == asked {
		t.Errorf("%d of %d connections of %d cases are allowed: they show nothing", allowed, asked, len(cases))
	}
	t.Logf("%d cases, %d steps, %d connections: %d allowed", len(cases), steps, asked, allowed)
}

// testCase is one of Cyclonus'.
type testCase struct{ *generator.TestCase }

// allCases are all that Cyclonus has, with and without rules for DNS.
func allCases() (all []testCase) {
	for _, dns := range []bool{true, false} {
		for _, c := range generator.NewTestCaseGenerator(dns, address(0), []string{"x", "y", "z"}, nil, nil).GenerateAllTestCases() {
			all = append(all, testCase{c})
		}
	}
	return all
}

// states are what the cluster has after each step, and in words where that is.
func (c testCase) states(t *testing.T) iter.Seq2[string, *state] {
	return func(yield func(string, *state) bool) {
		now := newState()
		for i, step := range c.Steps {
			for _, a := range step.Actions {
				if err := now.act(a); err != nil {
					t.Fatalf("%s, step %d: %v", c.Description, i, err)
				}
			}
			if !yield(fmt.Sprintf("%s, step %d", c.Description, i), now) {
				return
			}
		}
	}
}

// state is what a cluster has at a step of a test case.
type state struct {
	*probe.Resources
	policies []*networkingv1.NetworkPolicy
}

func address(i int) string { return fmt.Sprintf("192.168.10.%d", 10+i) }

func newState() *state {
	s := &state{Resources: &probe.Resources{Namespaces: map[string]map[string]string{}}}
	for _, ns := range []string{"x", "y", "z"} {
		s.Namespaces[ns] = map[string]string{"ns": ns, nameLabel: ns}
		for _, name := range []string{"a", "b", "c"} {
			pod := probe.NewDefaultPod(ns, name, []int{80, 81}, protocols, false, "x")
			pod.IP = address(len(s.Pods))
			s.Pods = append(s.Pods, pod)
		}
	}
	return s
}

// act changes the cluster.
func (s *state) act(a *generator.Action) (err error) {
	next := s.Resources
	switch {
	case a.CreatePolicy != nil:
		s.policies = append(s.policies, a.CreatePolicy.Policy)
	case a.UpdatePolicy != nil:
		s.policies[s.policy(a.UpdatePolicy.Policy.Namespace, a.UpdatePolicy.Policy.Name)] = a.UpdatePolicy.Policy
	case a.DeletePolicy != nil:
		i := s.policy(a.DeletePolicy.Namespace, a.DeletePolicy.Name)
		s.policies = slices.Delete(slices.Clone(s.policies), i, i+1)
	case a.CreateNamespace != nil:
		next, err = s.CreateNamespace(a.CreateNamespace.Namespace, named(a.CreateNamespace.Namespace, a.CreateNamespace.Labels))
	case a.SetNamespaceLabels != nil:
		next, err = s.UpdateNamespaceLabels(a.SetNamespaceLabels.Namespace, named(a.SetNamespaceLabels.Namespace, a.SetNamespaceLabels.Labels))
	case a.DeleteNamespace != nil:
		next, err = s.DeleteNamespace(a.DeleteNamespace.Namespace)
	case a.CreatePod != nil:
		if next, err = s.CreatePod(a.CreatePod.Namespace, a.CreatePod.Pod, a.CreatePod.Labels); err == nil {
			next.Pods[len(next.Pods)-1].IP = address(len(next.Pods) - 1)
		}
	case a.SetPodLabels != nil:
		next, err = s.SetPodLabels(a.SetPodLabels.Namespace, a.SetPodLabels.Pod, a.SetPodLabels.Labels)
	case a.DeletePod != nil:
		next, err = s.DeletePod(a.DeletePod.Namespace, a.DeletePod.Pod)
	default:
		err = fmt.Errorf("unknown action %v", a)
	}
	s.Resources = next
	return err
}

func (s *state) policy(namespace, name string) int {
	return slices.IndexFunc(s.policies, func(p *networkingv1.NetworkPolicy) bool { return p.Namespace == namespace && p.Name == name })
}

// named adds the label that an API server gives every namespace.
func named(name string, labels map[string]string) map[string]string {
	labels = maps.Clone(labels)
	labels[nameLabel] = name
	return labels
}

// compare asks both of every two pods, on the ports that pods listen on.
func (s *state) compare(t *testing.T, where string) (asked, allowed int) {
	t.Helper()
	theirs := matcher.BuildNetworkPolicies(true, s.policies)
	model := s.model(t)
	ends := map[string]*network.Endpoint{}
	for _, e := range model.Endpoints {
		ends[e.Namespace+"/"+e.Name] = e
	}
	reach, err := model.Map(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, from := range s.Pods {
		mapped := map[*network.Endpoint]network.Ports{}
		for to, ports := range reach.Reaches(ends[from.Namespace+"/Pod "+from.Name]) {
			mapped[to] = ports
		}
		for _, to := range s.Pods {
			if from == to {
				continue // which Cyclonus leaves to policies, and Kubernetes always lets through
			}
			for _, c := range to.Containers {
				protocol, _ := network.ProtocolOf(string(c.Protocol))
				got := mapped[ends[to.Namespace+"/Pod "+to.Name]].Has(protocol, c.Port)
				want := theirs.IsTrafficAllowed(&matcher.Traffic{
					Source: s.peer(from), Destination: s.peer(to),
					ResolvedPort: c.Port, ResolvedPortName: c.PortName, Protocol: c.Protocol,
				}).IsAllowed()
				asked++
				if want {
					allowed++
				}
				if got != want {
					t.Fatalf("%s: %s/%s -> %s/%s %s %d: the map says %t, Cyclonus %t\n%s", where, from.Namespace, from.Name, to.Namespace, to.Name, c.Protocol, c.Port, got, want, s.text(t))
				}
			}
		}
	}
	return asked, allowed
}

func (s *state) peer(p *probe.Pod) *matcher.TrafficPeer {
	return &matcher.TrafficPeer{IP: p.IP, Internal: &matcher.InternalPeer{PodLabels: p.Labels, NamespaceLabels: s.Namespaces[p.Namespace], Namespace: p.Namespace}}
}

func (s *state) objects(t *testing.T) (all []map[string]any) {
	add := func(o any) {
		fields, err := runtime.DefaultUnstructuredConverter.ToUnstructured(o)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, fields)
	}
	for name, labels := range s.Namespaces {
		add(&corev1.Namespace{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Namespace"}, ObjectMeta: metav1.ObjectMeta{Name: name, Labels: labels}})
	}
	for _, p := range s.Pods {
		pod := p.KubePod()
		pod.APIVersion, pod.Kind, pod.Status.PodIP, pod.Status.PodIPs = "v1", "Pod", p.IP, []corev1.PodIP{{IP: p.IP}}
		add(pod)
	}
	for _, p := range s.policies {
		p = p.DeepCopy()
		p.APIVersion, p.Kind = "networking.k8s.io/v1", "NetworkPolicy"
		add(p)
	}
	return all
}

func (s *state) text(t *testing.T) (text []byte) {
	for _, o := range s.objects(t) {
		one, err := json.Marshal(o)
		if err != nil {
			t.Fatal(err)
		}
		text = append(append(text, one...), "\n---\n"...)
	}
	return text
}

func (s *state) model(t *testing.T) *network.Model {
	objects, problems := kube.Manifest("cyclonus.yaml", s.text(t))
	for _, p := range problems {
		t.Fatal(p)
	}
	m := network.New(kube.NewSnapshot(objects, nil), network.Options{Whole: true})
	for _, d := range m.Doubts {
		t.Fatal(d)
	}
	return m
}
