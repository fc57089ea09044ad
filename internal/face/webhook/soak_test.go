package webhook

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/plimsoll/plimsoll/internal/deck/admit"
	"github.com/plimsoll/plimsoll/internal/read/admissionfile"
	"github.com/plimsoll/plimsoll/internal/read/kube"
	"github.com/plimsoll/plimsoll/internal/weigh/policy/native"
)

// brokenPolicies are one that errors on each pod, and one that costs more than it may.
const brokenPolicies = `
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: errs}
spec:
  failurePolicy: Ignore
  matchConstraints: {resourceRules: [{apiGroups: [''], apiVersions: [v1], operations: [CREATE], resources: [pods]}]}
  validations: [{expression: "object.metadata.annotations['absent'] == 'x'"}]
---
{apiVersion: admissionregistration.k8s.io/v1, kind: ValidatingAdmissionPolicyBinding, metadata: {name: errs}, spec: {policyName: errs, validationActions: [Deny]}}
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: costs}
spec:
  failurePolicy: Ignore
  matchConstraints: {resourceRules: [{apiGroups: [''], apiVersions: [v1], operations: [CREATE], resources: [pods]}]}
  validations: [{expression: "object.spec.containers.all(a, object.spec.containers.all(b, object.spec.containers.all(c, a.name + b.name + c.name != 'x')))"}]
---
{apiVersion: admissionregistration.k8s.io/v1, kind: ValidatingAdmissionPolicyBinding, metadata: {name: costs}, spec: {policyName: costs, validationActions: [Deny]}}
`

// TestSoak has a server asked well and badly, again and again, and wants nothing to be left behind: no goroutine, no room
// that is taken, and no more memory after the last round than after the first ones. It soaks for PLIMSOLL_TEST_SOAK, as in
// 10m, where that is set.
func TestSoak(t *testing.T) {
	objects, problems := kube.Manifest("broken.yaml", []byte(brokenPolicies))
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	policies, err := native.Compile(objects)
	if err != nil {
		t.Fatal(err)
	}
	file, err := admissionfile.Parse("admission.yaml", []byte("podSecurity: restricted\nchange: on\n"))
	if err != nil {
		t.Fatal(err)
	}
	line, err := admit.New(admit.Options{File: file, Native: policies})
	if err != nil {
		t.Fatal(err)
	}
	before := runtime.NumGoroutine()
	r := serve(t, Options{Line: line, Queue: 50, Timeout: 500 * time.Millisecond, Log: io.Discard})
	until := time.Time{}
	if long, err := time.ParseDuration(os.Getenv("PLIMSOLL_TEST_SOAK")); err == nil {
		until = time.Now().Add(long)
	}
	const warm, least = 3, 10
	var first uint64
	for round := 1; round <= least || time.Now().Before(until); round++ {
		soak(t, r)
		r.client.CloseIdleConnections()
		await(t, func() bool {
			return r.judging.waiting.Load() == 0 && r.changes.waiting.Load() == 0 && len(r.judging.slots) == 0 && len(r.changes.slots) == 0
		})
		switch held := heap(); {
		case round == warm:
			first = held
		case round > warm && held > first+8<<20:
			t.Fatalf("round %d: %d KiB are held, after the first ones %d", round, held>>10, first>>10)
		}
	}
	if !r.bodies.TryAcquire(maxBodies) {
		t.Error("room for bodies is lost")
	}
	if err := r.stop(); err != nil {
		t.Error(err)
	}
	await(t, func() bool { return runtime.NumGoroutine() <= before+1 })
}

// heap is what lives, in bytes.
func heap() uint64 {
	runtime.GC()
	runtime.GC() // what the first one freed may have held more
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// soak asks once in every way that there is.
func soak(t *testing.T, r *running) {
	t.Helper()
	many := strings.Repeat(`{"name": "a", "image": "good.example/a"},`, 2000)
	bodies := []string{
		reviewOf(good), reviewOf(evil), "", "null", "{", strings.Repeat("[", 1<<16), strings.Repeat(`{"a":`, 1<<16),
		strings.Replace(reviewOf(good), "admission.k8s.io/v1", "admission.k8s.io/v9", 1), strings.Replace(reviewOf(good), `"uid": "u1"`, `"uid": ""`, 1),
		strings.Replace(reviewOf(good), "CREATE", "EAT", 1), strings.Replace(reviewOf(good), `"containers": [`, `"containers": [`+many, 1),
		strings.Replace(reviewOf(good), `"object": {`, `"object": {"status": "`+strings.Repeat("x", 1<<20)+`", `, 1), strings.Repeat("x", maxBody+1),
	}
	var asked sync.WaitGroup
	for n := range 8 * len(bodies) {
		asked.Go(func() {
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			if n%5 == 0 { // some do not wait for the answer
				time.AfterFunc(time.Duration(n%7)*time.Millisecond, cancel)
			}
			path := []string{"/admit/fail", "/admit/change", "/admit/tell", "/admit/ignore"}[n%4]
			q, _ := http.NewRequestWithContext(ctx, http.MethodPost, r.url+path, bytes.NewReader([]byte(bodies[n%len(bodies)])))
			q.Header.Set("Content-Type", "application/json")
			if res, err := r.client.Do(q); err == nil {
				_, _ = io.Copy(io.Discard, res.Body)
				res.Body.Close()
			}
		})
	}
	for n := range 10 { // some stall, in the middle of a review or before it, or speak no TLS
		asked.Go(func() {
			c, err := tls.Dial("tcp", strings.TrimPrefix(r.url, "https://"), &tls.Config{InsecureSkipVerify: true}) // it is on loopback
			if err != nil {
				t.Error(err)
				return
			}
			defer c.Close()
			if n%2 == 0 {
				fmt.Fprintf(c, "POST /admit/fail HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n{", 1<<20)
				_, _ = c.Read(make([]byte, 100))
			}
		})
	}
	asked.Wait()
	if a := r.ask(t, "/admit/fail", reviewOf(good)); a == nil {
		t.Error("no answer")
	}
}
