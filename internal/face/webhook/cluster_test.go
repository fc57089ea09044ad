package webhook

import (
	"context"
	"fmt"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/yaml"

	"github.com/plimsoll/plimsoll/internal/deck/admit"
	"github.com/plimsoll/plimsoll/internal/tell/certificate"
	"github.com/plimsoll/plimsoll/testbed/cluster"
)

// door is a real API server that asks a running webhook.
type door struct {
	*cluster.Cluster
	t        *testing.T
	client   dynamic.Interface
	warnings *warnings
}

// warnings are those that client-go was told.
type warnings struct {
	sync.Mutex
	all []string
}

func (w *warnings) HandleWarningHeader(_ int, _, text string) {
	w.Lock()
	defer w.Unlock()
	w.all = append(w.all, text)
}

func (w *warnings) take() string {
	w.Lock()
	defer w.Unlock()
	all := strings.Join(w.all, "\n")
	w.all = nil
	return all
}

func newDoor(t *testing.T, flags ...string) *door {
	d := (&door{Cluster: cluster.Start(t, flags...), t: t}).as("admin", "system:masters")
	for _, name := range []string{"guard", "shop"} {
		d.must(d.create("namespaces", "{apiVersion: v1, kind: Namespace, metadata: {name: "+name+"}}"))
	}
	return d
}

// as is the same door, to which somebody else comes.
func (d *door) as(user string, groups ...string) *door {
	config, err := clientcmd.BuildConfigFromFlags("", d.Kubeconfig(user, groups...))
	if err != nil {
		d.t.Fatal(err)
	}
	of := &door{Cluster: d.Cluster, t: d.t, warnings: &warnings{}}
	config.WarningHandler, config.QPS = of.warnings, -1
	if of.client, err = dynamic.NewForConfig(config); err != nil {
		d.t.Fatal(err)
	}
	return of
}

// delete tries to delete what is of the whole cluster.
func (d *door) delete(resource, name string) error {
	return d.resource(resource, "v1", "").Delete(context.Background(), name, metav1.DeleteOptions{DryRun: []string{metav1.DryRunAll}})
}

// localhost is a certificate for this machine.
func localhost(t testing.TB) *certificate.Keeper {
	t.Helper()
	k, err := certificate.Open(context.Background(), &certificate.Own{Store: certificate.Folder(filepath.Join(t.TempDir(), "tls")), Names: []string{"localhost"}}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func (d *door) must(err error) {
	d.t.Helper()
	if err != nil {
		d.t.Fatal(err)
	}
}

func (d *door) resource(resource, version, namespace string) dynamic.ResourceInterface {
	group, v, ok := strings.Cut(version, "/")
	if !ok {
		group, v = "", version
	}
	r := d.client.Resource(schema.GroupVersionResource{Group: group, Version: v, Resource: resource})
	if namespace == "" {
		return r
	}
	return r.Namespace(namespace)
}

func (d *door) create(resource, text string, dry ...string) error {
	d.t.Helper()
	var fields map[string]any
	if err := yaml.Unmarshal([]byte(text), &fields); err != nil {
		d.t.Fatal(err)
	}
	o := &unstructured.Unstructured{Object: fields}
	_, err := d.resource(resource, o.GetAPIVersion(), o.GetNamespace()).Create(context.Background(), o, metav1.CreateOptions{DryRun: dry})
	return err
}

// register has the API server ask a server about a line.
func (d *door) register(l *admit.Line, r *running) *Registration {
	d.t.Helper()
	p := Place{Name: "plimsoll", URL: strings.Replace(r.url, "127.0.0.1", "localhost", 1), Seconds: 5}
	c := Configuration(l, p)
	fields, err := Fields(c)
	d.must(err)
	d.replace("validatingwebhookconfigurations", c.APIVersion, fields)
	ctx := context.Background()
	reg := &Registration{Client: d.client, Name: p.Name}
	if m := Mutation(l, p); m != nil {
		fields, err = Fields(m)
		d.must(err)
		d.replace("mutatingwebhookconfigurations", m.APIVersion, fields)
		reg.Changes = true
	}
	unsafe, err := reg.Inspect(ctx)
	d.must(err)
	d.must(unsafe)
	d.must(reg.Trust(ctx, r.o.Certificates.Bundle()))
	d.must(reg.Trust(ctx, r.o.Certificates.Bundle()))
	return reg
}

func (d *door) replace(resource, version string, fields map[string]any) {
	d.t.Helper()
	o, all := &unstructured.Unstructured{Object: fields}, d.resource(resource, version, "")
	_ = all.Delete(context.Background(), o.GetName(), metav1.DeleteOptions{})
	_, err := all.Create(context.Background(), o, metav1.CreateOptions{})
	d.must(err)
}

const (
	strict  = "failOn: none\nwarnOn: low\nconnect: deny\ndefault: deny\nallow: [{images: ['good.example/**']}]\n"
	pod     = "{apiVersion: v1, kind: Pod, metadata: {name: %s, namespace: %s}, spec: {containers: [{name: a, image: %s}]}}"
	cart    = "{apiVersion: apps/v1, kind: Deployment, metadata: {name: cart, namespace: shop}, spec: {replicas: 3, selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: b}}, spec: {containers: [{name: a, image: evil.example/miner}]}}}}"
	node    = "{apiVersion: v1, kind: Node, metadata: {name: %s}}"
	lease   = "{apiVersion: coordination.k8s.io/v1, kind: Lease, metadata: {name: %s, namespace: kube-system}}"
	access  = "{apiVersion: authorization.k8s.io/v1, kind: SubjectAccessReview, spec: {user: ann, nonResourceAttributes: {path: /, verb: get}}}"
	refused = `admission webhook "fail.admission.plimsoll.io" denied the request: plimsoll: admission/unlisted-image`
	failed  = `failed calling webhook "fail.admission.plimsoll.io"`
)

// TestCluster is the webhook before a real API server, from the first certificate to the last.
func TestCluster(t *testing.T) {
	d := newDoor(t)
	ctx, now := context.Background(), time.Now()
	d.must(d.create("deployments", cart)) // it is there before anybody asks

	// An authority that is due for renewal, and a certificate that is not.
	own := &certificate.Own{Store: &certificate.Secret{Client: d.client, Namespace: "guard", Name: "tls"}, Names: []string{"localhost"}}
	for _, then := range []time.Time{now.AddDate(0, 0, -244), now.AddDate(0, 0, -5)} {
		_, err := own.Current(ctx, then)
		d.must(err)
	}
	keeper, err := certificate.Open(ctx, own, now.AddDate(0, 0, -5))
	d.must(err)
	l := lineOf(t, strict, nil)
	r := serve(t, Options{Line: l, Certificates: keeper, Queue: 100})
	reg := d.register(l, r)
	await(t, func() bool { return d.create("pods", fmt.Sprintf(pod, "probe", "shop", evil), metav1.DryRunAll) != nil })

	t.Run("who comes in", d.comesIn)
	t.Run("who is there already", d.isThere)
	t.Run("another certificate under load", func(t *testing.T) {
		d.rotation(t, func() {
			first := keeper.Expiry()
			_, err := keeper.Refresh(ctx, now) // another authority, which is only trusted yet
			d.must(err)
			if !keeper.Expiry().Equal(first) || strings.Count(string(keeper.Bundle()), "BEGIN") != 2 {
				t.Error("the authorities do not overlap")
			}
			d.must(reg.Trust(ctx, keeper.Bundle()))
			time.Sleep(time.Second)
			_, err = keeper.Refresh(ctx, now.Add(15*time.Minute)) // and now it signs
			d.must(err)
			if keeper.Expiry().Equal(first) {
				t.Error("the certificate is the one before")
			}
			r.client.CloseIdleConnections()
		})
	})
	t.Run("another replica", func(t *testing.T) {
		other, err := certificate.Open(ctx, own, now.Add(16*time.Minute))
		if err != nil || !other.Expiry().Equal(keeper.Expiry()) {
			t.Errorf("it has another certificate: %v", err)
		}
	})
	t.Run("webhook down", func(t *testing.T) { d.down(t, r) })
}

func (d *door) comesIn(t *testing.T) {
	d.warnings.take()
	if err := d.create("pods", fmt.Sprintf(pod, "good", "shop", good)); err != nil {
		t.Fatal(err)
	}
	if got := d.warnings.take(); !strings.Contains(got, "plimsoll: pod/") {
		t.Errorf("client-go was told %q", got)
	}
	if err := d.create("pods", fmt.Sprintf(pod, "evil", "shop", evil)); err == nil || !strings.Contains(err.Error(), refused) {
		t.Errorf("an evil pod: %v", err)
	}
	if err := d.create("pods", fmt.Sprintf(pod, "evil", "kube-system", evil)); err != nil {
		t.Errorf("in kube-system: %v", err)
	}
	ctx, pods := context.Background(), d.resource("pods", "v1", "shop")
	for image, want := range map[string]string{evil: refused, good: ""} {
		patch := []byte(`{"spec": {"ephemeralContainers": [{"name": "d` + image[:1] + `", "image": "` + image + `"}]}}`)
		_, err := pods.Patch(ctx, "good", types.StrategicMergePatchType, patch, metav1.PatchOptions{}, "ephemeralcontainers")
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("a debugger of %s: %v", image, err)
		}
	}
	res, err := d.Client("admin", "system:masters").Post(d.URL+"/api/v1/namespaces/shop/pods/good/exec?"+url.Values{"command": {"sh"}, "stdin": {"true"}}.Encode(), "", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b := make([]byte, 1000)
	n, _ := res.Body.Read(b)
	if res.StatusCode != 403 || !strings.Contains(string(b[:n]), "admission/connect") {
		t.Errorf("exec: %d %s", res.StatusCode, b[:n])
	}
}

func (d *door) isThere(t *testing.T) {
	ctx, all := context.Background(), d.resource("deployments", "apps/v1", "shop")
	patch := func(text string) error {
		_, err := all.Patch(ctx, "cart", types.MergePatchType, []byte(text), metav1.PatchOptions{})
		return err
	}
	if err := patch(`{"metadata": {"finalizers": ["a.example/b"], "labels": {"x": "y"}}, "spec": {"replicas": 0}}`); err != nil {
		t.Errorf("scale down: %v", err)
	}
	if err := patch(`{"spec": {"template": {"metadata": {"labels": {"new": "pods"}}}}}`); err == nil || !strings.Contains(err.Error(), refused) {
		t.Errorf("another template: %v", err)
	}
	if err := all.Delete(ctx, "cart", metav1.DeleteOptions{}); err != nil {
		t.Errorf("delete: %v", err)
	}
	if err := patch(`{"metadata": {"finalizers": null}}`); err != nil {
		t.Errorf("finalize: %v", err)
	}
	if _, err := all.Get(ctx, "cart", metav1.GetOptions{}); err == nil {
		t.Error("it is still there")
	}
}

// rotation has several clients create pods while something happens, and wants every one to be answered.
func (d *door) rotation(t *testing.T, happens func()) {
	var asked, dropped atomic.Int64
	stop := make(chan struct{})
	var busy sync.WaitGroup
	for range 4 {
		busy.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				asked.Add(1)
				if err := d.create("pods", fmt.Sprintf(pod, "load", "shop", good), metav1.DryRunAll); err != nil {
					dropped.Add(1)
					t.Error(err)
					return
				}
			}
		})
	}
	await(t, func() bool { return asked.Load() > 20 })
	happens()
	until := asked.Load() + 200
	await(t, func() bool { return asked.Load() > until || dropped.Load() > 0 })
	close(stop)
	busy.Wait()
	t.Logf("%d reviews, %d dropped", asked.Load(), dropped.Load())
}

// down ends the webhook: what fails closed does, what fails open does, and the cluster starts again all the same.
func (d *door) down(t *testing.T, r *running) {
	if err := r.stop(); err != nil {
		t.Error(err)
	}
	one := fmt.Sprintf(pod, "one", "shop", good)
	if err := d.create("pods", one, metav1.DryRunAll); err == nil || !strings.Contains(err.Error(), failed) {
		t.Errorf("fail closed: %v", err)
	}
	d.StopServer()
	d.StartServer()
	for resource, text := range map[string]string{
		"nodes": fmt.Sprintf(node, "n1"), "leases": fmt.Sprintf(lease, "l1"), "subjectaccessreviews": access,
		"pods": fmt.Sprintf(pod, "dns", "kube-system", evil),
	} {
		if err := d.create(resource, text); err != nil {
			t.Errorf("after a restart: %s: %v", resource, err)
		}
	}
	if err := d.create("pods", one, metav1.DryRunAll); err == nil || !strings.Contains(err.Error(), failed) {
		t.Errorf("fail closed, after a restart: %v", err)
	}
	d.register(lineOf(t, strict+"onFailure: ignore\n", nil), r)
	await(t, func() bool { return d.create("pods", one, metav1.DryRunAll) == nil })
}
