package network

import (
	"testing"

	"github.com/plimsoll/plimsoll/internal/read/kube"
)

func load(t testing.TB, text string, o Options) *Model {
	t.Helper()
	objects, problems := kube.Manifest("test.yaml", []byte(text))
	for _, p := range problems {
		t.Fatal(p)
	}
	return New(kube.NewSnapshot(objects, nil), o)
}

func (m *Model) find(t testing.TB, name string) *Endpoint {
	t.Helper()
	for _, e := range m.Endpoints {
		if e.String() == name {
			return e
		}
	}
	t.Fatalf("no endpoint %s", name)
	return nil
}

const shop = `
apiVersion: v1
kind: Namespace
metadata: {name: shop}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: cart, namespace: shop}
spec:
  template:
    metadata: {labels: {app: cart}}
    spec:
      containers: [{name: c, image: x, ports: [{name: web, containerPort: 8080}]}]
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db, namespace: shop}
spec:
  template:
    metadata: {labels: {app: db}}
    spec:
      containers: [{name: c, image: x, ports: [{name: sql, containerPort: 5432}]}]
---
apiVersion: v1
kind: Pod
metadata: {name: other, namespace: far, labels: {app: other}}
spec:
  containers: [{name: c, image: x}]
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: db, namespace: shop}
spec:
  podSelector: {matchLabels: {app: db}}
  ingress:
  - from: [{podSelector: {matchLabels: {app: cart}}}]
    ports: [{port: sql}]
`

func TestShop(t *testing.T) {
	m := load(t, shop, Options{Whole: true})
	got := map[string]string{}
	all, err := m.Map(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, from := range m.Endpoints {
		for to, ports := range all.Reaches(from) {
			got[from.String()+" -> "+to.String()] = ports.String()
		}
	}
	for pair, ports := range got {
		t.Log(pair, ports)
	}
	if got["shop/Deployment cart -> shop/StatefulSet db"] != "TCP 5432" || got["far/Pod other -> shop/StatefulSet db"] != "" {
		t.Error("wrong")
	}
}
