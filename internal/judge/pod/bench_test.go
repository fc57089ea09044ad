package pod

import "testing"

// ordinary is a Deployment as people write them.
const ordinary = `apiVersion: apps/v1
kind: Deployment
metadata:
  name: cart
  namespace: shop
  labels: {app: cart}
spec:
  replicas: 3
  selector:
    matchLabels: {app: cart}
  template:
    metadata:
      labels: {app: cart}
    spec:
      serviceAccountName: cart
      initContainers:
      - name: migrate
        image: example.org/cart:1.4.2
        args: [migrate]
      containers:
      - name: cart
        image: example.org/cart:1.4.2
        ports:
        - containerPort: 8080
        env:
        - name: LOG_LEVEL
          value: info
        - name: DB_HOST
          value: db.shop.svc
        - name: DB_PASSWORD
          valueFrom:
            secretKeyRef: {name: db, key: password}
        resources:
          requests: {cpu: 100m, memory: 128Mi}
          limits: {memory: 256Mi}
        livenessProbe:
          httpGet: {path: /healthz, port: 8080}
        volumeMounts:
        - name: tmp
          mountPath: /tmp
      - name: proxy
        image: example.org/proxy:2.0
      volumes:
      - name: tmp
        emptyDir: {}
`

// BenchmarkChecks runs all checks on one ordinary Deployment, with its places in the file.
func BenchmarkChecks(b *testing.B) {
	f := factsOf(b, ordinary)[0]
	checks := Checks()
	b.ReportAllocs()
	hits := 0
	for b.Loop() {
		hits = 0
		for i := range checks {
			found, _ := checks[i].Look(f)
			hits += len(found)
		}
	}
	b.ReportMetric(float64(hits), "hits/op")
}
