package kube

import (
	"slices"
	"testing"
)

// TestOwned wants nobody to hide a pod by what he writes of its owner.
func TestOwned(t *testing.T) {
	const above = `
{apiVersion: apps/v1, kind: ReplicaSet, metadata: {name: cart-1, namespace: shop, uid: r1}}
---
{apiVersion: apps/v1, kind: Deployment, metadata: {name: cart, namespace: shop, uid: d1}}
---
{apiVersion: v1, kind: ConfigMap, metadata: {name: m, namespace: shop, uid: m1}}
---
{apiVersion: argoproj.io/v1alpha1, kind: Rollout, metadata: {name: roll, namespace: shop, uid: o1}, spec: {template: {spec: {containers: [{name: a, image: a}]}}}}
---
{apiVersion: example.com/v1, kind: Thing, metadata: {name: empty, namespace: shop, uid: e1}}
---
`
	for name, test := range map[string]struct {
		object string
		owned  bool
	}{
		"by its ReplicaSet":       {`{apiVersion: v1, kind: Pod, metadata: {name: p, namespace: shop, ownerReferences: [{apiVersion: apps/v1, kind: ReplicaSet, name: cart-1, uid: r1, controller: true}]}}`, true},
		"by a custom controller":  {`{apiVersion: apps/v1, kind: ReplicaSet, metadata: {name: p, namespace: shop, ownerReferences: [{apiVersion: argoproj.io/v1alpha1, kind: Rollout, name: roll, uid: o1, controller: true}]}}`, true},
		"no uid is written":       {`{apiVersion: v1, kind: Pod, metadata: {name: p, namespace: shop, ownerReferences: [{apiVersion: apps/v1, kind: ReplicaSet, name: cart-1, controller: true}]}}`, true},
		"one that was before":     {`{apiVersion: v1, kind: Pod, metadata: {name: p, namespace: shop, ownerReferences: [{apiVersion: apps/v1, kind: ReplicaSet, name: cart-1, uid: r0, controller: true}]}}`, false},
		"makes no pods itself":    {`{apiVersion: v1, kind: Pod, metadata: {name: p, namespace: shop, ownerReferences: [{apiVersion: apps/v1, kind: Deployment, name: cart, uid: d1, controller: true}]}}`, false},
		"makes no pods":           {`{apiVersion: v1, kind: Pod, metadata: {name: p, namespace: shop, ownerReferences: [{apiVersion: v1, kind: ConfigMap, name: m, uid: m1, controller: true}]}}`, false},
		"a custom one with none":  {`{apiVersion: v1, kind: Pod, metadata: {name: p, namespace: shop, ownerReferences: [{apiVersion: example.com/v1, kind: Thing, name: empty, uid: e1, controller: true}]}}`, false},
		"does not control it":     {`{apiVersion: v1, kind: Pod, metadata: {name: p, namespace: shop, ownerReferences: [{apiVersion: apps/v1, kind: ReplicaSet, name: cart-1, uid: r1}]}}`, false},
		"of another namespace":    {`{apiVersion: v1, kind: Pod, metadata: {name: p, namespace: pay, ownerReferences: [{apiVersion: apps/v1, kind: ReplicaSet, name: cart-1, uid: r1, controller: true}]}}`, false},
		"itself":                  {`{apiVersion: argoproj.io/v1alpha1, kind: Rollout, metadata: {name: p, namespace: shop, uid: s, ownerReferences: [{apiVersion: argoproj.io/v1alpha1, kind: Rollout, name: p, uid: s, controller: true}]}, spec: {template: {spec: {containers: [{name: a, image: a}]}}}}`, false},
		"one that is not there":   {`{apiVersion: v1, kind: Pod, metadata: {name: p, namespace: shop, ownerReferences: [{apiVersion: apps/v1, kind: ReplicaSet, name: gone, uid: g, controller: true}]}}`, false},
		"a Deployment by another": {`{apiVersion: apps/v1, kind: Deployment, metadata: {name: p, namespace: shop, ownerReferences: [{apiVersion: apps/v1, kind: Deployment, name: cart, uid: d1, controller: true}]}}`, false},
	} {
		s := NewSnapshot(Manifest("all.yaml", []byte(above+test.object)))
		i := slices.IndexFunc(s.Objects, func(o *Object) bool { return o.Name == "p" })
		if got := s.Owned(s.Objects[i]); got != test.owned {
			t.Errorf("%s: owned is %v", name, got)
		}
	}
	const ring = `
{apiVersion: x.io/v1, kind: A, metadata: {name: a, namespace: shop, uid: a, ownerReferences: [{apiVersion: x.io/v1, kind: A, name: b, uid: b, controller: true}]}, spec: {template: {spec: {containers: [{name: a, image: a}]}}}}
---
{apiVersion: x.io/v1, kind: A, metadata: {name: b, namespace: shop, uid: b, ownerReferences: [{apiVersion: x.io/v1, kind: A, name: a, uid: a, controller: true}]}, spec: {template: {spec: {containers: [{name: a, image: a}]}}}}
---
{apiVersion: v1, kind: Pod, metadata: {name: c, namespace: shop, ownerReferences: [{apiVersion: x.io/v1, kind: A, name: a, uid: a, controller: true}]}, spec: {containers: [{name: a, image: a}]}}
`
	s := NewSnapshot(Manifest("ring.yaml", []byte(ring)))
	var names []string
	for _, w := range s.Workloads {
		names = append(names, w.Name)
	}
	if !slices.Equal(names, []string{"a", "b"}) {
		t.Errorf("of a ring, %v are judged", names)
	}
}
