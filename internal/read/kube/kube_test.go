package kube

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const shop = `# a comment
apiVersion: v1
kind: Namespace
metadata: {name: shop}
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: cart
  namespace: shop
spec:
  template:
    metadata:
      labels: {app: cart}
    spec:
      hostPID: yes
      containers:
      - name: cart
        image: shop/cart:1
        securityContext:
          privileged: on
---
apiVersion: v1
kind: List
items:
- apiVersion: v1
  kind: Pod
  metadata:
    name: one
    annotations:
      a.b/c: "1"
  spec:
    containers:
    - {name: a, image: a, securtyContext: {}}
---
apiVersion: kubeflow.org/v1
kind: MPIJob
metadata: {name: train}
spec:
  replicas:
    worker:
      template:
        spec: {containers: [{name: w, image: w}]}
    launcher:
      template:
        spec: {containers: [{name: l, image: l}]}
`

func TestManifest(t *testing.T) {
	objects, problems := Manifest("shop.yaml", []byte(shop))
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	var names []string
	for _, o := range objects {
		names = append(names, o.Kind+" "+o.Namespace+"/"+o.Name)
	}
	if diff := cmp.Diff([]string{"Namespace /shop", "Deployment shop/cart", "Pod /one", "MPIJob /train"}, names); diff != "" {
		t.Error(diff)
	}
	for _, c := range []struct {
		object       int
		field        string
		line, column int
	}{
		{0, "", 2, 1},
		{1, "metadata.name", 9, 3},
		{1, "spec.template.spec.containers[0].securityContext.privileged", 21, 11},
		{1, "spec.template.spec.containers[0].resources.limits", 18, 9}, // what is not written stands where its container does
		{2, "metadata.annotations[a.b/c]", 31, 7},
		{2, "spec", 32, 3},
	} {
		at := objects[c.object].At(c.field)[0]
		if at.StartLine != c.line || at.Column != c.column {
			t.Errorf("%s: %d:%d, want %d:%d", c.field, at.StartLine, at.Column, c.line, c.column)
		}
	}
}

func TestWorkloads(t *testing.T) {
	objects, _ := Manifest("shop.yaml", []byte(shop))
	var got []string
	for _, o := range objects {
		all, err := Workloads(o)
		if err != nil {
			t.Fatal(err)
		}
		for _, w := range all {
			got = append(got, w.Kind+" "+w.Path("spec")+" "+w.Spec.Containers[0].Name)
			got = append(got, w.Unknown...)
		}
	}
	want := []string{
		"Deployment spec.template.spec cart", "Pod spec a", `unknown field "containers[0].securtyContext"`,
		"MPIJob spec.replicas.launcher.template.spec l", "MPIJob spec.replicas.worker.template.spec w",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	w, _ := Workloads(objects[1])
	if !w[0].Spec.HostPID || !*w[0].Spec.Containers[0].SecurityContext.Privileged {
		t.Error("yes and on are true in YAML 1.1, which is what Kubernetes reads")
	}
}

func TestOwnersRemain(t *testing.T) {
	const replicas = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: cart, namespace: shop}
spec: {template: {spec: {containers: [{name: c, image: c}]}}}
---
apiVersion: apps/v1
kind: ReplicaSet
metadata: {name: cart-1, namespace: shop, ownerReferences: [{apiVersion: apps/v1, kind: Deployment, name: cart, controller: true}]}
spec: {template: {spec: {containers: [{name: c, image: c}]}}}
---
apiVersion: v1
kind: Pod
metadata: {name: cart-1-a, namespace: shop, ownerReferences: [{apiVersion: apps/v1, kind: ReplicaSet, name: cart-1, controller: true}]}
spec: {containers: [{name: c, image: c}]}
---
apiVersion: v1
kind: Pod
metadata: {name: orphan, namespace: shop, ownerReferences: [{apiVersion: apps/v1, kind: ReplicaSet, name: gone, controller: true}]}
spec: {containers: [{name: c, image: c}]}
`
	s := NewSnapshot(Manifest("all.yaml", []byte(replicas)))
	var names []string
	for _, w := range s.Workloads {
		names = append(names, w.Kind+" "+w.Name)
	}
	if diff := cmp.Diff([]string{"Deployment cart", "Pod orphan"}, names); diff != "" {
		t.Error(diff)
	}
}

// TestBareWorkloads finds specs of pods that custom resources hold without a template, and changes them in place.
func TestBareWorkloads(t *testing.T) {
	const text = `
apiVersion: example.org/v1
kind: Sandbox
metadata: {name: a}
spec:
  podTemplate: {hostPID: true, containers: [{name: c, image: c}]}
status:
  podTemplate: {containers: [{name: c, image: c}]}
---
apiVersion: example.org/v1
kind: Agent
metadata: {name: b}
spec: {containers: [{name: d, image: d}]}
---
apiVersion: example.org/v1
kind: Patch
metadata: {name: c}
spec: {containers: [{name: of-another}]}
---
apiVersion: metrics.k8s.io/v1beta1
kind: PodMetrics
metadata: {name: m}
containers: [{name: c, usage: {cpu: 1}}]
`
	objects, _ := Manifest("m.yaml", []byte(text))
	var got []string
	for _, o := range objects {
		all, err := Workloads(o)
		if err != nil {
			t.Fatal(err)
		}
		for _, w := range all {
			got = append(got, w.Kind+" "+w.Path("spec.containers[0]")+" "+w.Path("metadata.labels")+" "+w.Spec.Containers[0].Name)
			w.Put(map[string]any{"spec": map[string]any{"containers": w.Written["spec"].(map[string]any)["containers"], "hostIPC": true}})
		}
		for _, w := range must(Workloads(o)) {
			if w.Spec.HostPID || !w.Spec.HostIPC {
				t.Errorf("%s was not changed: %+v", w.Kind, w.Spec)
			}
		}
	}
	want := []string{"Sandbox spec.podTemplate.containers[0] spec.podTemplate c", "Agent spec.containers[0] spec d"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func must(all []Workload, _ error) []Workload { return all }

// TestMistyped names the field whose value is of another type, and YAML's reading of bare words.
func TestMistyped(t *testing.T) {
	for text, want := range map[string]string{
		"spec: {volumes: [{name: y}]}":               "spec: volumes.name cannot be true or false, as which YAML reads n, y, on, off, yes and no: put it in quotes",
		"spec: {hostPID: 'true'}":                    "spec: hostPID cannot be a string",
		"spec: {containers: [{command: a}]}":         "spec: containers.command cannot be a string",
		"metadata: {labels: {version: 1}}":           "metadata: labels cannot be a number",
		"spec: {terminationGracePeriodSeconds: 1.5}": "spec: terminationGracePeriodSeconds cannot be a number 1.5",
	} {
		objects, _ := Manifest("m.yaml", []byte("apiVersion: v1\nkind: Pod\n"+text+"\n"))
		if _, err := Workloads(objects[0]); err == nil || err.Error() != want {
			t.Errorf("%s: %v\nwant %s", text, err, want)
		}
	}
}

// TestOwnedAndAnother wants what says that it is owned, and is not what its owner makes, to be judged for itself; and what
// has another's identity as well.
func TestOwnedAndAnother(t *testing.T) {
	owner := `
apiVersion: batch/v1
kind: CronJob
metadata: {name: nightly, namespace: shop, uid: u1}
spec: {jobTemplate: {spec: {template: {spec: {containers: [{name: a, image: a}]}}}}}
---
apiVersion: batch/v1
kind: Job
metadata: {name: nightly-1, namespace: shop, uid: UID, ownerReferences: [{apiVersion: batch/v1, kind: CronJob, name: nightly, uid: u1, controller: true}]}
spec: {template: {META spec: {SPEC containers: [{name: a, image: a}]}}}
`
	for _, c := range []struct {
		meta, spec, uid string
		workloads       int
	}{
		{"", "", "u2", 1},
		{"", "nodeName: n, schedulerName: default-scheduler, serviceAccountName: default, ", "u2", 1},
		{"", "hostPID: true, ", "u2", 2},
		{"", "hostPID: true, ", "u1", 2},
		{"", "volumes: [{name: kube-api-access-x, projected: {sources: [{serviceAccountToken: {path: token}}]}}], ", "u2", 1},
		{"", "volumes: [{name: kube-api-access-x, hostPath: {path: /}}], ", "u2", 2},
		{"", "volumes: [{name: v, persistentVolumeClaim: {claimName: c}}], ", "u2", 2},
		{"metadata: {annotations: {container.apparmor.security.beta.kubernetes.io/a: unconfined}}, ", "", "u2", 2},
	} {
		objects, problems := Manifest("m.yaml", []byte(strings.NewReplacer("META", c.meta, "SPEC", c.spec, "UID", c.uid).Replace(owner)))
		if len(problems) > 0 {
			t.Fatal(problems[0])
		}
		if got := len(NewSnapshot(objects, nil).Workloads); got != c.workloads {
			t.Errorf("%+v: %d workloads", c, got)
		}
	}
}
