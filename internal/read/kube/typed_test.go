package kube

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestTypedPod wants a pod that was read already to be what it is when it is read as a whole, and to stay as it was
// written where it was read.
func TestTypedPod(t *testing.T) {
	objects, problems := Manifest("p.yaml", []byte(`
apiVersion: v1
kind: Pod
metadata: {name: a, labels: {app: a}, creationTimestamp: 2026-01-02T03:04:05Z, ownerReferences: [{apiVersion: apps/v1, kind: ReplicaSet, name: r, uid: u, controller: true}]}
spec:
  serviceAccount: old
  hostNetwork: true
  overhead: {cpu: 1500u}
  terminationGracePeriodSeconds: -1
  initContainers: [{name: i, image: 'i:latest', restartPolicy: Always}]
  containers:
  - {name: c, image: 'c:1', ports: [{containerPort: 80}], resources: {limits: {cpu: 0.5, memory: 1000Mi}}, livenessProbe: {httpGet: {port: 80}}}
  ephemeralContainers: [{name: e, image: e}]
  volumes: [{name: v}, {name: s, secret: {secretName: s}}, {name: h, hostPath: {path: /}}]
  nonesuch: true
status: {phase: Running, qosClass: Burstable, containerStatuses: [{name: c, ready: true}]}
---
{apiVersion: v1, kind: Pod, metadata: {generateName: b-}, spec: null}
---
{apiVersion: v1, kind: Pod}
`))
	if len(problems) > 0 || len(objects) != 3 {
		t.Fatal(problems, objects)
	}
	for _, o := range objects {
		want, _, err := o.Typed()
		if err != nil {
			t.Fatal(err)
		}
		read, err := Workloads(o)
		if err != nil || len(read) != 1 {
			t.Fatal(err, read)
		}
		before := read[0].Spec.DeepCopy()
		got, err := read[0].TypedPod()
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(want, any(got)); d != "" {
			t.Errorf("%s: %s", o.Name, d)
		}
		if d := cmp.Diff(before, &read[0].Spec); d != "" {
			t.Errorf("%s was changed where it was read: %s", o.Name, d)
		}
	}
	objects, _ = Manifest("p.yaml", []byte("{apiVersion: v1, kind: Pod, spec: {}, status: {phase: 3}}"))
	read, err := Workloads(objects[0])
	if err != nil {
		t.Fatal(err)
	}
	if _, err := read[0].TypedPod(); err == nil {
		t.Error("a status of another type is read")
	}
}
