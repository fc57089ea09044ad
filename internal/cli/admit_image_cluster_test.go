package cli

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/registry"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/yaml"

	"github.com/plimsoll/plimsoll/internal/read/image/imagetest"
	"github.com/plimsoll/plimsoll/testbed/cluster"
)

// TestDoorOfCluster has a real API server ask the program itself, which asks a registry: about what is not signed, what
// is signed meanwhile, what runs, and when the registry is gone.
func TestDoorOfCluster(t *testing.T) {
	c := cluster.Start(t)
	b := newBench(t)
	b.now = time.Now()
	kubeconfig := c.Kubeconfig("admin", "system:masters")
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	config.QPS, config.WarningHandler = -1, noWarnings{}
	client, err := dynamic.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	in := func(group, version, resource string) dynamic.NamespaceableResourceInterface {
		return client.Resource(schema.GroupVersionResource{Group: group, Version: version, Resource: resource})
	}
	object := func(text string, args ...any) *unstructured.Unstructured {
		o := &unstructured.Unstructured{}
		if err := yaml.Unmarshal(fmt.Appendf(nil, text, args...), &o.Object); err != nil {
			t.Fatal(err)
		}
		return o
	}
	for _, name := range []string{"guard", "shop"} {
		if _, err := in("", "v1", "namespaces").Create(t.Context(), object("{apiVersion: v1, kind: Namespace, metadata: {name: %s}}", name), metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	pods := in("", "v1", "pods").Namespace("shop")
	pod := func(name, image string, dry ...string) error {
		_, err := pods.Create(t.Context(), object("{apiVersion: v1, kind: Pod, metadata: {name: %s}, spec: {containers: [{name: a, image: '%s'}]}}", name, image), metav1.CreateOptions{DryRun: dry})
		return err
	}
	denied := func(what string, err error, says string) {
		t.Helper()
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v, want %q", what, err, says)
		}
	}

	s := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0)), registry.WithReferrersSupport(true)))
	defer s.Close()
	b.layout.Push(t, s.URL)
	imagetest.New(imagetest.Image{Name: "shop/bad:1", Layers: []imagetest.Layer{{Files: []imagetest.File{{Path: "bad"}}}}}).Push(t, s.URL)
	host := strings.TrimPrefix(s.URL, "http://")
	at, bad := host+"/shop/cart:1.4", host+"/shop/bad:1"
	b.file("line.yaml", fmt.Appendf(nil, "failOn: none\nimages: [{match: ['%s/**'], digest: resolved, verdict: {keys: [key.pub], maxAge: 7d}}]\n", host))
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	l.Close()
	url := "https://localhost" + address[strings.LastIndexByte(address, ':'):]
	b.want(0, "", "admit", "export", "--to", "webhook", "--url", url, "--line", "@line.yaml", "--apply", "--kubeconfig", kubeconfig)

	before := runtime.NumGoroutine()
	var later atomic.Int64
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	var said bytes.Buffer
	ended := make(chan int, 1)
	go func() {
		ended <- Run(ctx, Env{
			Args: []string{
				"admit", "serve", "--line", b.files["line.yaml"], "--listen", address, "--host", "localhost", "--tls-secret", "guard/tls",
				"--register", "plimsoll", "--kubeconfig", kubeconfig, "--decisions", "none", "--drain", "0s",
			},
			Stdin: strings.NewReader(""), Stdout: io.Discard, Stderr: &said, Getenv: func(string) string { return "" },
			Now: func() time.Time { return time.Now().Add(time.Duration(later.Load())) },
		})
	}()
	for i := 0; ; i++ { // until the API server has heard of the webhooks
		if err := pod("early", at, metav1.DryRunAll); err != nil && strings.Contains(err.Error(), "verdict: there is none") {
			break
		} else if i == 200 {
			t.Fatalf("nothing is denied: %v", err)
		}
		time.Sleep(50 * time.Millisecond)
	}
	denied("what is not signed", pod("cart", at), "admission/unproven-image")
	b.want(0, "", "attest", "--key", "@key", "--to", at, "@report")
	later.Store(int64(20 * time.Second)) // what nobody had signed is asked again by then
	if err := pod("cart", at); err != nil {
		t.Fatalf("what is signed: %v", err)
	}
	cart, err := pods.Get(t.Context(), "cart", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	of, _, _ := unstructured.NestedSlice(cart.Object, "spec", "containers")
	if got := of[0].(map[string]any)["image"]; got != at+"@"+b.digest {
		t.Errorf("its image is stored as %v", got)
	}

	debugged := cart.DeepCopy()
	debugger := []any{map[string]any{"name": "debugger", "image": bad, "terminationMessagePolicy": "File", "imagePullPolicy": "Always"}}
	if err := unstructured.SetNestedSlice(debugged.Object, debugger, "spec", "ephemeralContainers"); err != nil {
		t.Fatal(err)
	}
	_, err = pods.Update(t.Context(), debugged, metav1.UpdateOptions{}, "ephemeralcontainers")
	denied("a debugger", err, "spec.ephemeralContainers[0].image")
	updated := cart.DeepCopy()
	of[0].(map[string]any)["image"] = bad
	if err := unstructured.SetNestedSlice(updated.Object, of, "spec", "containers"); err != nil {
		t.Fatal(err)
	}
	_, err = pods.Update(t.Context(), updated, metav1.UpdateOptions{})
	denied("another image for what runs", err, "admission/unproven-image")
	denied("the same", err, "Write "+bad+"@sha256:")
	const deployment = "{apiVersion: apps/v1, kind: Deployment, metadata: {name: d}, spec: {selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: b}}, spec: {initContainers: [{name: i, image: '%s'}], containers: [{name: a, image: '%s'}]}}}}"
	_, err = in("apps", "v1", "deployments").Namespace("shop").Create(t.Context(), object(deployment, bad, at), metav1.CreateOptions{})
	denied("what makes pods", err, "spec.template.spec.initContainers[0].image")
	if _, err = in("apps", "v1", "deployments").Namespace("shop").Create(t.Context(), object(deployment, at, at), metav1.CreateOptions{}); err != nil {
		t.Errorf("what makes pods of what is signed: %v", err)
	}

	s.Close() // and then comes a pod an hour later, and one after the verdict has run out
	later.Store(int64(time.Hour))
	if err := pod("kept", at); err != nil {
		t.Errorf("by what is known: %v", err)
	}
	denied("what nobody knows", pod("unknown", host+"/shop/other:1"), "registry "+host)
	later.Store(int64(23*time.Hour + 8*24*time.Hour))
	denied("too old", pod("old", at), "registry "+host)
	later.Store(0)

	stop()
	if status := <-ended; status != 0 {
		t.Errorf("it ends with %d: %s", status, said.String())
	}
	for i := 0; runtime.NumGoroutine() > before+10; i++ { // client-go keeps its connections
		if i == 300 {
			t.Fatalf("%d goroutines, there were %d", runtime.NumGoroutine(), before)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

type noWarnings struct{}

func (noWarnings) HandleWarningHeader(int, string, string) {}
