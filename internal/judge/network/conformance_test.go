package network_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"k8s.io/streaming/pkg/httpstream"
	"k8s.io/streaming/pkg/httpstream/spdy"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"
	"sigs.k8s.io/network-policy-api/apis/v1alpha2"
	"sigs.k8s.io/network-policy-api/conformance/tests"
	"sigs.k8s.io/network-policy-api/conformance/utils/config"
	"sigs.k8s.io/network-policy-api/conformance/utils/suite"

	"github.com/plimsoll/plimsoll/internal/judge/network"
	"github.com/plimsoll/plimsoll/internal/read/kube"
)

// TestConformance runs the conformance suites of sigs.k8s.io/network-policy-api as they are, against a cluster in which
// the model says what arrives: the suites write objects, and ask by running a command in a pod. Of the same policies in
// the form that they had before, of v1alpha1, it has to say the same.
func TestConformance(t *testing.T) {
	c := newCluster(t)
	s := suite.New(suite.Options{
		Client: c.Client, ClientSet: c.set, KubeConfig: *c.config,
		EnableAllSupportedFeatures: true,
		TimeoutConfig:              config.TimeoutConfig{PokeInterval: time.Millisecond, PokeTimeout: time.Minute},
	})
	s.Setup(t)
	for _, one := range tests.ConformanceTests {
		t.Run(one.ShortName, func(t *testing.T) {
			before := c.poked.Load()
			if one.Run(t, s); c.poked.Load() == before {
				t.Error("no connection was tried")
			}
		})
	}
	t.Logf("%d suites tried %d connections", len(tests.ConformanceTests), c.poked.Load())
}

// cluster is an API server of stored objects, whose pods connect as the model says.
type cluster struct {
	client.Client
	set    kubernetes.Interface
	config *rest.Config
	poked  atomic.Int64
	pods   int

	lock sync.Mutex
	text string // of all objects, when the models were made
	last [2]*network.Model
}

func newCluster(t *testing.T) *cluster {
	c := &cluster{}
	known := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{scheme.AddToScheme, v1alpha2.Install} {
		if err := add(known); err != nil {
			t.Fatal(err)
		}
	}
	c.Client = fake.NewClientBuilder().WithScheme(known).WithInterceptorFuncs(interceptor.Funcs{Create: c.create}).Build()
	for i := range 2 {
		node := &corev1.Node{ObjectMeta: v1.ObjectMeta{Name: fmt.Sprintf("node-%d", i), Labels: map[string]string{"kubernetes.io/os": "linux"}}}
		node.Status.Addresses = []corev1.NodeAddress{{Type: corev1.NodeInternalIP, Address: fmt.Sprintf("172.18.0.%d", 2+i)}}
		if err := c.Create(t.Context(), node); err != nil {
			t.Fatal(err)
		}
	}
	server := httptest.NewServer(http.HandlerFunc(c.exec))
	t.Cleanup(server.Close)
	c.config = &rest.Config{Host: server.URL}
	var err error
	if c.set, err = kubernetes.NewForConfig(c.config); err != nil {
		t.Fatal(err)
	}
	return c
}

// create stores an object, and the pods of a StatefulSet, which are ready at once.
func (c *cluster) create(ctx context.Context, store client.WithWatch, o client.Object, opts ...client.CreateOption) error {
	if err := store.Create(ctx, o, opts...); err != nil || o.GetObjectKind().GroupVersionKind().Kind != "StatefulSet" {
		return err
	}
	var set appsv1.StatefulSet
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(o.(*unstructured.Unstructured).Object, &set); err != nil {
		return err
	}
	for i := range int(*set.Spec.Replicas) {
		pod := &corev1.Pod{ObjectMeta: v1.ObjectMeta{Name: fmt.Sprintf("%s-%d", set.Name, i), Namespace: set.Namespace, Labels: set.Spec.Template.Labels}, Spec: set.Spec.Template.Spec}
		pod.Spec.NodeName = fmt.Sprintf("node-%d", i%2)
		c.pods++
		pod.Status.PodIP = fmt.Sprintf("10.244.0.%d", c.pods)
		if pod.Spec.HostNetwork {
			pod.Status.PodIP = fmt.Sprintf("172.18.0.%d", 2+i%2)
		}
		if err := store.Create(ctx, pod); err != nil {
			return err
		}
	}
	set.Status.ReadyReplicas = *set.Spec.Replicas
	return store.Status().Update(ctx, &set)
}

// exec answers what the suites run: /agnhost connect --protocol=tcp ADDRESS:PORT, whose error is on stderr.
func (c *cluster) exec(w http.ResponseWriter, r *http.Request) {
	parts := strings.Split(r.URL.Path, "/") // /api/v1/namespaces/NAMESPACE/pods/POD/exec
	if len(parts) != 8 || parts[7] != "exec" {
		http.NotFound(w, r)
		return
	}
	stderr := ""
	if arrives, err := c.arrives(r.Context(), parts[4], parts[6], r.URL.Query()["command"]); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	} else if !arrives {
		stderr = "TIMEOUT\n"
	}
	if _, err := httpstream.Handshake(r, w, []string{"v4.channel.k8s.io"}); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	streams := make(chan httpstream.Stream, 3)
	conn := spdy.NewResponseUpgrader().UpgradeResponse(w, r, func(s httpstream.Stream, _ <-chan struct{}) error {
		streams <- s
		return nil
	})
	if conn == nil {
		return
	}
	defer conn.Close()
	status := v1.Status{Status: v1.StatusSuccess}
	if stderr != "" {
		status = v1.Status{Status: v1.StatusFailure, Reason: "NonZeroExitCode", Message: "command terminated with exit code 1", Details: &v1.StatusDetails{Causes: []v1.StatusCause{{Type: "ExitCode", Message: "1"}}}}
	}
	by := map[string]httpstream.Stream{}
	for range 3 {
		s := <-streams
		by[s.Headers().Get(corev1.StreamType)] = s
	}
	fmt.Fprint(by[corev1.StreamTypeStderr], stderr)
	text, _ := json.Marshal(status)
	_, _ = by[corev1.StreamTypeError].Write(text)
	for _, s := range by {
		_ = s.Close()
	}
	<-conn.CloseChan()
}

// arrives asks the model of all objects.
func (c *cluster) arrives(ctx context.Context, namespace, pod string, command []string) (bool, error) {
	c.poked.Add(1)
	if len(command) != 5 {
		return false, fmt.Errorf("not understood: %q", command)
	}
	protocol, known := network.ProtocolOf(strings.TrimPrefix(command[3], "--protocol="))
	host, text, err := net.SplitHostPort(command[4])
	if err != nil || !known {
		return false, fmt.Errorf("not understood: %q", command)
	}
	port, err := strconv.Atoi(text)
	if err != nil {
		return false, err
	}
	models, err := c.models(ctx)
	if err != nil {
		return false, err
	}
	var answers [2]bool
	for i, m := range models {
		if answers[i], err = reaches(m, namespace, pod, host, protocol, port); err != nil {
			return false, err
		}
	}
	if answers[0] != answers[1] {
		return false, fmt.Errorf("%s: as ClusterNetworkPolicies %t, as AdminNetworkPolicies %t", command, answers[0], answers[1])
	}
	return answers[0], nil
}

func reaches(m *network.Model, namespace, pod, host string, protocol network.Protocol, port int) (bool, error) {
	var from, to []*network.Endpoint
	for _, e := range m.Endpoints {
		if e.Kind != network.Block && e.Namespace == namespace && e.Name == "Pod "+pod {
			from = append(from, e)
		}
		if (e.Kind == network.Pods || e.Kind == network.Node) && e.Addresses.Has(netip.MustParseAddr(host)) {
			to = append(to, e)
		}
	}
	if len(from) != 1 || len(to) != 1 || len(m.Doubts) > 0 {
		return false, fmt.Errorf("from %v to %v: %v", from, to, m.Doubts)
	}
	for _, a := range m.Ask(from[0], to[0]) {
		if a.Ports.Has(protocol, port) {
			return a.Allowed(), nil
		}
	}
	return false, fmt.Errorf("no answer from %s to %s", from[0], to[0])
}

// models are two of all objects: one of the policies as they are, one of the same policies as they were written before.
func (c *cluster) models(ctx context.Context) ([2]*network.Model, error) {
	var text []byte
	for _, list := range []client.ObjectList{&corev1.NamespaceList{}, &corev1.NodeList{}, &corev1.PodList{}, &networkingv1.NetworkPolicyList{}} {
		if err := c.List(ctx, list); err != nil {
			return c.last, err
		}
		kinds, _, err := c.Scheme().ObjectKinds(list)
		if err != nil {
			return c.last, err
		}
		list.GetObjectKind().SetGroupVersionKind(kinds[0])
		text = appended(text, list)
	}
	var policies v1alpha2.ClusterNetworkPolicyList
	if err := c.List(ctx, &policies); err != nil {
		return c.last, err
	}
	texts := [2][]byte{text, slices.Clone(text)}
	for _, p := range policies.Items {
		p.APIVersion, p.Kind = "policy.networking.k8s.io/v1alpha2", "ClusterNetworkPolicy"
		texts[0] = appended(texts[0], p)
		texts[1] = appended(texts[1], older(&p))
	}
	c.lock.Lock()
	defer c.lock.Unlock()
	if string(texts[0]) == c.text {
		return c.last, nil
	}
	for i, text := range texts {
		objects, problems := kube.Manifest("cluster.yaml", text)
		if len(problems) > 0 {
			return c.last, fmt.Errorf("%v", problems)
		}
		c.last[i] = network.New(kube.NewSnapshot(objects, nil), network.Options{Whole: true})
	}
	c.text = string(texts[0])
	return c.last, nil
}

func appended(text []byte, o any) []byte {
	one, err := json.Marshal(o)
	if err != nil {
		panic(err)
	}
	return append(append(text, one...), "\n---\n"...)
}
