package operator

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	openreports "github.com/openreports/reports-api/apis/openreports.io/v1alpha1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	kjson "sigs.k8s.io/json"

	"github.com/plimsoll/plimsoll/internal/deck/admit"
	"github.com/plimsoll/plimsoll/internal/deck/background"
	"github.com/plimsoll/plimsoll/internal/judge/secret"
	"github.com/plimsoll/plimsoll/internal/read/admissionfile"
	"github.com/plimsoll/plimsoll/internal/read/kube"
	"github.com/plimsoll/plimsoll/internal/weigh/statute"
	"github.com/plimsoll/plimsoll/testbed/cluster"
)

// world is a real API server, and who asks it.
type world struct {
	*cluster.Cluster
	t      *testing.T
	client dynamic.Interface
	line   *admit.Line // nil: none
}

var resources = map[string]schema.GroupVersionResource{
	"CustomResourceDefinition": {Group: "apiextensions.k8s.io", Version: "v1", Resource: "customresourcedefinitions"},
	"Namespace":                {Version: "v1", Resource: "namespaces"},
	"Pod":                      {Version: "v1", Resource: "pods"},
	"Deployment":               {Group: "apps", Version: "v1", Resource: "deployments"},
	"Lease":                    {Group: "coordination.k8s.io", Version: "v1", Resource: "leases"},
	"ClusterRole":              {Group: "rbac.authorization.k8s.io", Version: "v1", Resource: "clusterroles"},
	"ClusterRoleBinding":       {Group: "rbac.authorization.k8s.io", Version: "v1", Resource: "clusterrolebindings"},
	"Role":                     {Group: "rbac.authorization.k8s.io", Version: "v1", Resource: "roles"},
	"RoleBinding":              {Group: "rbac.authorization.k8s.io", Version: "v1", Resource: "rolebindings"},
	"NetworkPolicy":            {Group: "networking.k8s.io", Version: "v1", Resource: "networkpolicies"},
	"Policy":                   {Group: "plimsoll.io", Version: "v1alpha1", Resource: "policies"},
	"Exception":                {Group: "plimsoll.io", Version: "v1alpha1", Resource: "exceptions"},
	"ClusterException":         {Group: "plimsoll.io", Version: "v1alpha1", Resource: "clusterexceptions"},
	"Report":                   {Group: "openreports.io", Version: "v1alpha1", Resource: "reports"},
	"ClusterReport":            {Group: "openreports.io", Version: "v1alpha1", Resource: "clusterreports"},
}

func newWorld(t *testing.T) *world {
	w := &world{Cluster: cluster.Start(t), t: t}
	config := w.config("admin", "system:masters")
	var err error
	if w.client, err = dynamic.NewForConfig(config); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/openreports/reports-api").Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{"../../../deploy/chart/crds", filepath.Join(strings.TrimSpace(string(out)), "config", "crd")} {
		names, err := filepath.Glob(filepath.Join(dir, "*.yaml"))
		if err != nil || len(names) == 0 {
			t.Fatalf("%s holds no definitions: %v", dir, err)
		}
		for _, name := range names {
			b, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			w.apply(string(b))
		}
	}
	w.eventually("the kinds are served", func() string {
		for _, kind := range []string{"Policy", "Exception", "ClusterException", "Report", "ClusterReport"} {
			if _, err := w.client.Resource(resources[kind]).List(context.Background(), metav1.ListOptions{}); err != nil {
				return err.Error()
			}
		}
		return ""
	})
	w.apply("{apiVersion: v1, kind: Namespace, metadata: {name: shop}}\n---\n{apiVersion: v1, kind: Namespace, metadata: {name: guard}}")
	return w
}

func (w *world) config(user string, groups ...string) *rest.Config {
	w.t.Helper()
	config, err := clientcmd.BuildConfigFromFlags("", w.Kubeconfig(user, groups...))
	if err != nil {
		w.t.Fatal(err)
	}
	config.QPS = -1
	return config
}

func (w *world) of(kind, namespace string) dynamic.ResourceInterface {
	r := w.client.Resource(resources[kind])
	if namespace == "" {
		return r
	}
	return r.Namespace(namespace)
}

// try creates the objects of a manifest, or replaces them.
func (w *world) try(text string) error {
	all, problems := kube.Manifest("objects.yaml", []byte(text))
	if len(problems) > 0 {
		w.t.Fatal(problems[0])
	}
	for _, o := range all {
		_, err := w.of(o.Kind, o.Namespace).Apply(context.Background(), o.Name, &unstructured.Unstructured{Object: o.Fields}, metav1.ApplyOptions{FieldManager: "test", Force: true})
		if err != nil {
			return err
		}
	}
	return nil
}

func (w *world) apply(text string) {
	w.t.Helper()
	if err := w.try(text); err != nil {
		w.t.Fatal(err)
	}
}

// eventually wants something to hold within a minute; what is missing is said.
func (w *world) eventually(what string, missing func() string) time.Duration {
	w.t.Helper()
	begun, last := time.Now(), ""
	for time.Since(begun) < time.Minute {
		if last = missing(); last == "" {
			return time.Since(begun)
		}
		time.Sleep(100 * time.Millisecond)
	}
	w.t.Fatalf("%s: never: %s", what, last)
	return 0
}

// report reads one as OpenReports' own types do, strictly.
func (w *world) report(namespace string) (*openreports.Report, int) {
	kind := "Report"
	if namespace == "" {
		kind = "ClusterReport"
	}
	u, err := w.of(kind, namespace).Get(context.Background(), background.Name, metav1.GetOptions{})
	if err != nil {
		return nil, 0
	}
	text, err := json.Marshal(u.Object)
	if err != nil {
		w.t.Fatal(err)
	}
	r := &openreports.Report{}
	strict, err := kjson.UnmarshalStrict(text, r)
	if err != nil || len(strict) > 0 {
		w.t.Fatal(err, strict)
	}
	return r, len(text)
}

// result is what a report says of a rule about an object: fail, skip …; empty where it says nothing.
func (w *world) result(namespace, rule, name string) string {
	r, _ := w.report(namespace)
	if r == nil {
		return "no report"
	}
	for _, one := range r.Results {
		if one.Policy == rule && len(one.Subjects) > 0 && one.Subjects[0].Name == name {
			return string(one.Result)
		}
	}
	return ""
}

func (w *world) wants(namespace, rule, name, result string) time.Duration {
	w.t.Helper()
	return w.eventually(rule+" of "+name+" is "+result, func() string {
		if got := w.result(namespace, rule, name); got != result {
			return fmt.Sprintf("it is %q", got)
		}
		return ""
	})
}

func (w *world) condition(kind, namespace, name, of, status, text string) {
	w.t.Helper()
	w.eventually(kind+" "+name+" has "+of+" "+status, func() string {
		u, err := w.of(kind, namespace).Get(context.Background(), name, metav1.GetOptions{})
		if err != nil {
			return err.Error()
		}
		all, _, _ := unstructured.NestedSlice(u.Object, "status", "conditions")
		for _, c := range all {
			c := c.(map[string]any)
			if c["type"] == of && c["status"] == status && strings.Contains(fmt.Sprint(c["message"]), text) {
				return ""
			}
		}
		return fmt.Sprint(all)
	})
}

// start runs a controller with the rights of its own role until the test or the caller ends it.
func (w *world) start(lease, health string) (stop func()) {
	w.t.Helper()
	engine, err := secret.New(nil)
	if err != nil {
		w.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	config := w.config("controller", "plimsoll-controllers")
	o := Options{
		Config: config, Rules: background.Options{Secret: engine.Worst, Redact: engine.Redact}, Lease: lease, Health: health, Metrics: "0",
		Log: slog.NewTextHandler(os.Stderr, nil), Now: time.Now,
	}
	if w.line != nil {
		o.Around = w.line.Beside()
		o.Rules.Line = func(b *statute.Book) (background.Line, error) { return w.line.With(b) }
	}
	go func() { ended <- Run(ctx, o) }()
	done := false
	stop = func() {
		if done {
			return
		}
		done = true
		cancel()
		if err := <-ended; err != nil {
			w.t.Errorf("the controller ended: %v", err)
		}
	}
	w.t.Cleanup(stop)
	return stop
}

const cart = `apiVersion: apps/v1
kind: Deployment
metadata: {name: cart, namespace: shop}
spec:
  selector: {matchLabels: {app: cart}}
  template:
    metadata: {labels: {app: cart}}
    spec: {containers: [{name: cart, image: registry.example/cart:1, securityContext: {privileged: %t}}]}
`

// roles gives the user of the controller the roles that it is shipped with, and nothing else.
func (w *world) roles() {
	w.t.Helper()
	b, err := os.ReadFile("../../../deploy/controller/role.yaml")
	if err != nil {
		w.t.Fatal(err)
	}
	w.apply(strings.ReplaceAll(string(b), "namespace: plimsoll", "namespace: guard"))
	for kind, role := range map[string]string{"ClusterRoleBinding": "ClusterRole", "RoleBinding": "Role"} {
		where := map[string]string{"RoleBinding": ", namespace: guard"}[kind]
		w.apply(fmt.Sprintf("{apiVersion: rbac.authorization.k8s.io/v1, kind: %s, metadata: {name: controller%s}, roleRef: {apiGroup: rbac.authorization.k8s.io, kind: %s, name: plimsoll-controller}, subjects: [{apiGroup: rbac.authorization.k8s.io, kind: Group, name: plimsoll-controllers}]}", kind, where, role))
	}
}

// TestCluster is the controller before a real API server, with no more rights than its role has.
func TestCluster(t *testing.T) {
	w := newWorld(t)
	w.roles()
	w.apply(fmt.Sprintf(cart, true))
	w.start("guard", "0")
	w.wants("shop", "pod/privileged", "cart", "fail")

	w.apply("{apiVersion: plimsoll.io/v1alpha1, kind: Policy, metadata: {name: typo}, spec: {subject: manifest, validations: [{expression: \"objct.kind == 'Pod'\"}]}}")
	w.condition("Policy", "", "typo", "Ready", "False", "objct")
	w.apply("{apiVersion: plimsoll.io/v1alpha1, kind: Policy, metadata: {name: owned}, spec: {subject: manifest, action: warn, validations: [{expression: \"object.kind != 'Deployment' || 'owner' in object.metadata.?labels.orValue({})\"}]}}")
	w.condition("Policy", "", "owned", "Ready", "True", "")
	w.wants("shop", "policy/owned", "cart", "warn")

	w.apply("{apiVersion: plimsoll.io/v1alpha1, kind: Exception, metadata: {name: cart, namespace: shop}, spec: {rule: [pod/privileged], reason: r, owner: o, until: \"2099-01-01\"}}")
	t.Logf("an exception held after %s", w.wants("shop", "pod/privileged", "cart", "skip"))
	w.condition("Exception", "shop", "cart", "Used", "True", "")
	w.apply("{apiVersion: plimsoll.io/v1alpha1, kind: ClusterException, metadata: {name: old}, spec: {rule: [pod/privileged], reason: r, owner: o, until: \"2020-01-01\"}}")
	w.condition("ClusterException", "", "old", "Expired", "True", "2020-01-01")
	w.apply("{apiVersion: plimsoll.io/v1alpha1, kind: Exception, metadata: {name: none, namespace: guard}, spec: {rule: [pod/privileged], reason: r, owner: o, until: \"2099-01-01\"}}")
	w.condition("Exception", "guard", "none", "Used", "False", "take it out")

	if err := w.of("Exception", "shop").Delete(context.Background(), "cart", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	w.wants("shop", "pod/privileged", "cart", "fail")
	w.apply(fmt.Sprintf(cart, false))
	t.Logf("what was mended was gone after %s", w.wants("shop", "pod/privileged", "cart", ""))

	reports := w.of("Report", "shop")
	if err := reports.Delete(context.Background(), background.Name, metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	w.wants("shop", "policy/owned", "cart", "warn") // a report that is deleted comes back
	before, err := reports.Get(context.Background(), background.Name, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := reports.Patch(context.Background(), background.Name, types.MergePatchType, []byte(`{"summary": {"warn": 0}, "results": []}`), metav1.PatchOptions{}); err != nil {
		t.Fatal(err)
	}
	w.wants("shop", "policy/owned", "cart", "warn") // and so does what is struck out of it
	after, err := reports.Get(context.Background(), background.Name, metav1.GetOptions{})
	if diff := cmp.Diff(before.Object["summary"], after.Object["summary"]); err != nil || diff != "" {
		t.Error(err, diff)
	}
	time.Sleep(3 * settle)
	rests, err := reports.Get(context.Background(), background.Name, metav1.GetOptions{})
	if err != nil || rests.GetResourceVersion() != after.GetResourceVersion() {
		t.Errorf("it is written again and again: %v", err)
	}

	for name, c := range map[string]struct{ text, want string }{
		"another's namespace": {"{apiVersion: plimsoll.io/v1alpha1, kind: Exception, metadata: {name: x, namespace: shop}, spec: {namespace: [pay], rule: [a], reason: r, owner: o, until: \"2099-01-01\"}}", "namespace"},
		"nothing named":       {"{apiVersion: plimsoll.io/v1alpha1, kind: Exception, metadata: {name: x, namespace: shop}, spec: {reason: r, owner: o, until: \"2099-01-01\"}}", "names nothing"},
		"no day":              {"{apiVersion: plimsoll.io/v1alpha1, kind: Exception, metadata: {name: x, namespace: shop}, spec: {rule: [a], reason: r, owner: o, until: soon}}", "until"},
		"a name with dots":    {"{apiVersion: plimsoll.io/v1alpha1, kind: Policy, metadata: {name: a.b}, spec: {subject: manifest, validations: [{expression: \"true\"}]}}", "lower case letters"},
	} {
		if err := w.try(c.text); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestLine wants a report to say what the door would: what it denies, what it lets in, and where it does not look.
func TestLine(t *testing.T) {
	w := newWorld(t)
	w.roles()
	file, err := admissionfile.Parse("admission.yaml", []byte("failOn: none\nwarnOn: high\nnoNetworkPolicy: deny\nexempt: [guard]\n"))
	if err != nil {
		t.Fatal(err)
	}
	if w.line, err = admit.New(admit.Options{File: file}); err != nil {
		t.Fatal(err)
	}
	w.apply(fmt.Sprintf(cart, true))
	w.start("", "0")
	w.wants("shop", "admission/no-network-policy", "cart", "fail")
	w.wants("shop", "pod/privileged", "cart", "warn")
	w.wants("guard", "line/exempt", "guard", "skip")
	w.apply("{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: all, namespace: shop}, spec: {podSelector: {}, policyTypes: [Ingress, Egress]}}")
	w.wants("shop", "admission/no-network-policy", "cart", "")
	w.apply("{apiVersion: plimsoll.io/v1alpha1, kind: Policy, metadata: {name: owned}, spec: {subject: manifest, validations: [{expression: \"'owner' in object.metadata.?labels.orValue({})\"}]}}")
	w.wants("shop", "policy/owned", "cart", "fail")
}

// TestMuch wants 2,000 findings to be one report under 64 KiB, that counts them all.
func TestMuch(t *testing.T) {
	w := newWorld(t)
	w.roles()
	for i := range 160 {
		w.apply(fmt.Sprintf("{apiVersion: v1, kind: Pod, metadata: {name: pod-%d, namespace: shop}, spec: {hostPID: %t, containers: [{name: a, image: registry.example/a}]}}", i, i == 77))
	}
	w.start("", "0")
	took := w.wants("shop", "pod/host-pid", "pod-77", "fail")
	var size int
	w.eventually("all are counted", func() string {
		r, n := w.report("shop")
		if size = n; r.Summary.Fail < 2000 {
			return fmt.Sprint(r.Summary)
		}
		return ""
	})
	if size > background.MostBytes {
		t.Errorf("the stored report has %d bytes", size)
	}
	t.Logf("%d bytes, %s after the start", size, took)
}

// TestReplicas wants one of two to lead, and the other to follow when it ends.
func TestReplicas(t *testing.T) {
	w := newWorld(t)
	w.roles()
	w.apply(fmt.Sprintf(cart, true))
	const one, two = "127.0.0.1:18081", "127.0.0.1:18082"
	first := w.start("guard", one)
	w.wants("shop", "pod/privileged", "cart", "fail")
	holder := func() string {
		u, err := w.of("Lease", "guard").Get(context.Background(), "plimsoll-controller", metav1.GetOptions{})
		if err != nil {
			return ""
		}
		name, _, _ := unstructured.NestedString(u.Object, "spec", "holderIdentity")
		return name
	}
	leader := holder()
	w.start("guard", two)
	for _, at := range []string{one, two} {
		w.eventually(at+" is ready", func() string {
			res, err := http.Get("http://" + at + "/readyz")
			if err != nil {
				return err.Error()
			}
			defer res.Body.Close()
			if res.StatusCode != http.StatusOK {
				return res.Status
			}
			return ""
		})
	}
	if holder() != leader || leader == "" {
		t.Errorf("the second took the lease of %q", leader)
	}
	first()
	w.eventually("the second leads", func() string {
		if now := holder(); now == leader || now == "" {
			return now
		}
		return ""
	})
	w.apply(fmt.Sprintf(cart, false))
	w.wants("shop", "pod/privileged", "cart", "")
}
