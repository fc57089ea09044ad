// Package chart_test renders the chart of the webhook, holds it against Plimsoll's own checks, and has a real API server
// take it and what it does.
package chart_test

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/plimsoll/plimsoll/internal/cli"
	"github.com/plimsoll/plimsoll/internal/read/kube"
	"github.com/plimsoll/plimsoll/internal/read/kube/chart"
	"github.com/plimsoll/plimsoll/internal/read/kube/client"
	"github.com/plimsoll/plimsoll/internal/read/kube/render"
	"github.com/plimsoll/plimsoll/testbed/cluster"
)

var update = flag.Bool("update", false, "write deploy/kubernetes/plimsoll.yaml anew")

// plain are the manifests for those who have no Helm, made of the chart.
const plain = "../kubernetes/plimsoll.yaml"

const head = `# Plimsoll's webhook, for kubectl apply -f. It is made of deploy/chart (go test ./deploy/chart -update): change that.
# What may not be crossed stands in the ConfigMap plimsoll-line: docs/guide/admission.md.
apiVersion: v1
kind: Namespace
metadata:
  name: plimsoll
  labels:
    pod-security.kubernetes.io/enforce: restricted
    pod-security.kubernetes.io/enforce-version: v1.37
    pod-security.kubernetes.io/audit: restricted
    pod-security.kubernetes.io/audit-version: latest
    pod-security.kubernetes.io/warn: restricted
    pod-security.kubernetes.io/warn-version: latest
`

// rendered is the chart, as plimsoll in the namespace plimsoll.
func rendered(t *testing.T, set ...string) string {
	t.Helper()
	ask := render.Chart{Values: render.Values{Release: "plimsoll", Namespace: "plimsoll", KubeVersion: "1.37", Set: set}}
	err := fs.WalkDir(os.DirFS("."), ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasSuffix(path, ".go") {
			return err
		}
		b, err := os.ReadFile(path)
		ask.Files = append(ask.Files, render.File{Path: path, Bytes: b})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	answer, err := chart.Render(ask)
	if err != nil || len(answer.Missing) > 0 {
		t.Fatal(err, answer.Missing)
	}
	var b strings.Builder
	b.WriteString(head)
	slices.SortStableFunc(answer.Documents, func(a, b render.Document) int { return strings.Compare(a.Path, b.Path) })
	for _, d := range answer.Documents {
		for part := range strings.SplitSeq(d.Text, "\n---") {
			if strings.TrimSpace(strings.Trim(part, "-")) != "" {
				fmt.Fprintf(&b, "---\n%s\n", strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(part), "---")))
			}
		}
	}
	return b.String()
}

// TestPlain keeps the plain manifests those of the chart.
func TestPlain(t *testing.T) {
	now := rendered(t)
	if *update {
		if err := os.WriteFile(plain, []byte(now), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if kept, err := os.ReadFile(plain); err != nil || string(kept) != now {
		t.Fatalf("%s is not what the chart makes (%v): go test ./deploy/chart -update", plain, err)
	}
}

// TestOwnChecks holds the chart against all checks: nothing is found, with every switch of it on.
func TestOwnChecks(t *testing.T) {
	digest := "image.digest=sha256:" + strings.Repeat("0", 64)
	file := filepath.Join(t.TempDir(), "plimsoll.yaml")
	text := rendered(t, digest, "policies.a\\.yaml=a", "exceptions.b\\.yaml=b", "networkPolicy.apiServer={10.0.0.1/32}", "networkPolicy.registries={10.1.0.0/16}", "registryLogin=shop")
	if !strings.Contains(text, ".dockerconfigjson, path: config.json") && !strings.Contains(text, "key: .dockerconfigjson") {
		t.Error("the registries' Secret is mounted nowhere")
	}
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	code, out := plimsoll("scan", file, "--pod-security", "restricted", "--fail-on", "info", "--checks", "manifest")
	if code != 0 {
		t.Errorf("exit status %d:\n%s", code, out)
	}
}

func plimsoll(args ...string) (int, string) {
	var out bytes.Buffer
	code := cli.Run(context.Background(), cli.Env{
		Args: args, Stdin: strings.NewReader(""), Stdout: &out, Stderr: &out, Getenv: func(string) string { return "" }, Now: time.Now,
	})
	return code, out.String()
}

// TestCluster has a real API server take the manifests, and does as their pods would: with the rights of their accounts
// and no others, the Job registers the webhooks, the server has them trust its certificate, and with the role they go.
func TestCluster(t *testing.T) {
	c := cluster.Start(t)
	c.StartManager()
	admin := open(t, c.Kubeconfig("admin", "system:masters"))
	objects, problems := kube.Manifest(plain, []byte(rendered(t)))
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	ctx, end := context.WithTimeout(context.Background(), 2*time.Minute)
	defer end()
	containers := map[string]map[string]any{}
	for _, o := range objects {
		if err := create(ctx, admin, o); err != nil {
			t.Fatalf("%s %s: %v", o.Kind, o.Name, err)
		}
		workloads, err := kube.Workloads(o)
		if err != nil {
			t.Fatal(err)
		}
		for _, w := range workloads {
			written := w.Written["spec"].(map[string]any)
			containers[o.Kind] = written["containers"].([]any)[0].(map[string]any)
			// The level that its namespace enforces holds for pods: let one in.
			p := &kube.Object{APIVersion: "v1", Kind: "Pod", Namespace: "plimsoll", Name: strings.ToLower(o.Kind), Fields: map[string]any{
				"apiVersion": "v1", "kind": "Pod", "metadata": map[string]any{"name": strings.ToLower(o.Kind), "namespace": "plimsoll"}, "spec": maps.Clone(written),
			}}
			if err := create(ctx, admin, p, metav1.DryRunAll); err != nil {
				t.Errorf("the pod of %s %s: %v", o.Kind, o.Name, err)
			}
		}
	}

	line := filepath.Join(t.TempDir(), "admission.yaml")
	if err := os.WriteFile(line, []byte(data(objects, "plimsoll-line")), 0o600); err != nil {
		t.Fatal(err)
	}
	args := func(kind, account string, more ...string) []string {
		t.Helper()
		var all []string
		for _, a := range containers[kind]["args"].([]any) {
			all = append(all, strings.ReplaceAll(a.(string), "/etc/plimsoll/line/admission.yaml", line))
		}
		return append(append(all, "--kubeconfig", c.Kubeconfig("system:serviceaccount:plimsoll:"+account, "system:serviceaccounts", "system:serviceaccounts:plimsoll", "system:authenticated")), more...)
	}
	serving, stop := context.WithCancel(ctx)
	served := make(chan string, 1)
	go func() { // it comes first, and waits
		var out bytes.Buffer
		code := cli.Run(serving, cli.Env{
			Args: args("Deployment", "plimsoll", "--listen", "127.0.0.1:0", "--drain", "0s"), Stdin: strings.NewReader(""), Stdout: &out, Stderr: &out,
			Getenv: func(string) string { return "" }, Now: time.Now,
		})
		served <- fmt.Sprintf("exit status %d:\n%s", code, out.String())
	}()
	if code, out := plimsoll(args("Job", "plimsoll-register")...); code != 0 {
		t.Fatalf("the Job: %d\n%s", code, out)
	}
	webhooks := admin.Resource(schema.GroupVersionResource{Group: "admissionregistration.k8s.io", Version: "v1", Resource: "validatingwebhookconfigurations"})
	await(t, ctx, "the server's authority", func() bool {
		o, err := webhooks.Get(ctx, "plimsoll", metav1.GetOptions{})
		return err == nil && strings.Contains(fmt.Sprint(o.Object), "caBundle")
	}, served)
	stop()
	if said := <-served; !strings.HasPrefix(said, "exit status 0") {
		t.Error(said)
	}
	role := admin.Resource(schema.GroupVersionResource{Group: "rbac.authorization.k8s.io", Version: "v1", Resource: "clusterroles"})
	if err := role.Delete(ctx, "plimsoll", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	await(t, ctx, "the end of the webhooks", func() bool {
		_, err := webhooks.Get(ctx, "plimsoll", metav1.GetOptions{})
		return apierrors.IsNotFound(err)
	}, nil)
}

func open(t *testing.T, kubeconfig string) client.Interface {
	t.Helper()
	c, err := client.Open(kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// resources are the plural names of the kinds in the chart.
var resources = map[string]string{"NetworkPolicy": "networkpolicies"}

func create(ctx context.Context, c client.Interface, o *kube.Object, dry ...string) error {
	name := resources[o.Kind]
	if name == "" {
		name = strings.ToLower(o.Kind) + "s"
	}
	version := o.APIVersion[strings.LastIndexByte(o.APIVersion, '/')+1:]
	of := c.Resource(schema.GroupVersionResource{Group: o.Group(), Version: version, Resource: name})
	u := &unstructured.Unstructured{Object: o.Fields}
	var err error
	if o.Namespace == "" {
		_, err = of.Create(ctx, u, metav1.CreateOptions{DryRun: dry})
	} else {
		_, err = of.Namespace(o.Namespace).Create(ctx, u, metav1.CreateOptions{DryRun: dry})
	}
	return err
}

func data(objects []*kube.Object, name string) (text string) {
	for _, o := range objects {
		if o.Kind == "ConfigMap" && o.Name == name {
			for _, v := range o.Fields["data"].(map[string]any) {
				text += v.(string)
			}
		}
	}
	return text
}

func await(t *testing.T, ctx context.Context, what string, there func() bool, ended chan string) {
	t.Helper()
	for !there() {
		select {
		case said := <-ended:
			t.Fatalf("the server ended: %s", said)
		case <-ctx.Done():
			t.Fatalf("%s does not come", what)
		case <-time.After(100 * time.Millisecond):
		}
	}
}
