package kube

import (
	"strings"
	"testing"
)

// TestSettle: what is installed without a namespace lies in the release's, where its kind lies in one.
func TestSettle(t *testing.T) {
	const text = `
{apiVersion: apps/v1, kind: Deployment, metadata: {name: a}}
---
{apiVersion: apps/v1, kind: Deployment, metadata: {name: b, namespace: other}}
---
{apiVersion: v1, kind: Namespace, metadata: {name: c}}
---
{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole, metadata: {name: d}}
---
{apiVersion: policy.networking.k8s.io/v1alpha1, kind: AdminNetworkPolicy, metadata: {name: e}}
---
{apiVersion: apiextensions.k8s.io/v1, kind: CustomResourceDefinition, metadata: {name: f}, spec: {group: x.example, scope: Cluster, names: {kind: Wide}}}
---
{apiVersion: apiextensions.k8s.io/v1, kind: CustomResourceDefinition, metadata: {name: g}, spec: {group: x.example, scope: Namespaced, names: {kind: ClusterThing}}}
---
{apiVersion: x.example/v1, kind: Wide, metadata: {name: h}}
---
{apiVersion: x.example/v1, kind: ClusterThing, metadata: {name: i}}
---
{apiVersion: y.example/v1, kind: ClusterIssuer, metadata: {name: j}}
---
{apiVersion: monitoring.coreos.com/v1, kind: ServiceMonitor, metadata: {name: k}}
`
	objects, problems := Manifest("a.yaml", []byte(text))
	if len(problems) > 0 {
		t.Fatal(problems[0])
	}
	Settle(objects, "shop")
	var got []string
	for _, o := range objects {
		meta, _ := o.Fields["metadata"].(map[string]any)
		if said, _ := meta["namespace"].(string); said != o.Namespace {
			t.Errorf("%s %s: %q and %q", o.Kind, o.Name, said, o.Namespace)
		}
		got = append(got, o.Name+"="+o.Namespace)
	}
	if all := strings.Join(got, " "); all != "a=shop b=other c= d= e= f= g= h= i=shop j= k=shop" {
		t.Error(all)
	}
}
