package admit

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	jsonpatch "gopkg.in/evanphx/json-patch.v4"
	admissionv1 "k8s.io/api/admission/v1"

	"github.com/plimsoll/plimsoll/internal/judge/pod"
	"github.com/plimsoll/plimsoll/internal/read/admissionfile"
)

const (
	hardened = "change: on\npodSecurity: restricted\n"
	pinned   = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
)

// patched is an object after a patch, as the API server's own library applies it.
func patched(t *testing.T, before []byte, d *Decision) []byte {
	t.Helper()
	if len(d.Patch) == 0 {
		return before
	}
	p, err := jsonpatch.DecodePatch(d.Response("u").Patch)
	if err != nil {
		t.Fatal(err)
	}
	after, err := p.Apply(before)
	if err != nil {
		t.Fatalf("%v: %s\nof %s", err, d.Response("u").Patch, before)
	}
	return after
}

// TestChange denies a plain pod, changes it, and lets it in.
func TestChange(t *testing.T) {
	l := lineOf(t, hardened)
	r := request(t, admissionv1.Create, podWith("a.example/b:1", ""), "")
	if d := l.Decide(context.Background(), Fail, r, today); d.Allowed || len(d.Patch) > 0 {
		t.Errorf("a pod that was not changed: %+v", d)
	}
	tried := l.Decide(context.Background(), All, request(t, admissionv1.Create, podWith("a.example/b:1", ""), ""), today)
	d := l.Decide(context.Background(), Change, r, today)
	if diff := cmp.Diff(d.Patch, tried.Patch); diff != "" || !tried.Allowed {
		t.Errorf("tried out: %s\n%s", tried.Message, diff)
	}
	r.Object.Raw = patched(t, r.Object.Raw, d)
	if after := l.Decide(context.Background(), Fail, r, today); !after.Allowed {
		t.Errorf("changed, it is denied: %s", after.Message)
	}
	if again := l.Decide(context.Background(), Change, r, today); len(again.Patch) > 0 || len(again.Given) > 0 {
		t.Errorf("twice it is changed by %+v", again.Patch)
	}
	const want = "allowPrivilegeEscalation, automountServiceAccountToken, capabilities, readOnlyRootFilesystem, runAsNonRoot, seccompProfile"
	if got := d.Response("u").AuditAnnotations["changed"]; got != want {
		t.Errorf("the audit log has %q", got)
	}
}

// TestNotChanged is what stays as it is.
func TestNotChanged(t *testing.T) {
	plain := podWith("a.example/b:1", "")
	for _, c := range []struct {
		name, file string
		operation  admissionv1.Operation
		object     string
		sub        string
		passed     string
	}{
		{"no default is switched on", "failOn: high", admissionv1.Create, plain, "", "nothing is changed"},
		{"a namespace that is only warned of", "change: on\nnamespaces: [{names: [shop], mode: warn}]", admissionv1.Create, plain, "", "nothing is changed"},
		{"a namespace where it is off", "change: on\nnamespaces: [{names: [shop], change: 'off'}]", admissionv1.Create, plain, "", "nothing is changed"},
		{"an exempt one", "change: on\nexempt: [shop]", admissionv1.Create, plain, "", "exempt"},
		{"what runs", hardened, admissionv1.Update, plain, "", "when they are made"},
		{"a debugger", hardened, admissionv1.Update, plain, "ephemeralcontainers", "when they are made"},
		{"what makes pods", hardened, admissionv1.Create, deployment("a.example/b:1", "", 1), "", "only pods"},
	} {
		r := request(t, c.operation, c.object, "")
		r.SubResource = c.sub
		d := lineOf(t, c.file).Decide(context.Background(), Change, r, today)
		if len(d.Patch) > 0 || !d.Allowed || !strings.Contains(d.Passed, c.passed) {
			t.Errorf("%s: %+v", c.name, d)
		}
	}
	r := request(t, admissionv1.Create, podWith("a.example/b:1", ""), "")
	d := lineOf(t, "change: 'off'\nnamespaces: [{names: [shop], change: {except: [capabilities]}}]").Decide(context.Background(), Change, r, today)
	if len(d.Patch) == 0 || strings.Contains(fmt.Sprint(d.Given), "capabilities") {
		t.Errorf("a namespace of its own: %+v", d)
	}
}

// TestAsMade judges what makes pods as the pods that it makes.
func TestAsMade(t *testing.T) {
	for file, want := range map[string]bool{hardened: true, "podSecurity: restricted": false, "podSecurity: restricted\nchange: {except: [seccompProfile]}": false} {
		for _, object := range []string{
			deployment("a.example/b:1", "", 1),
			"{apiVersion: batch/v1, kind: CronJob, metadata: {name: c, namespace: shop}, spec: {jobTemplate: {spec: {template: {spec: {containers: [{name: a, image: 'a.example/b:1'}]}}}}}}",
			"{apiVersion: a.example/v1, kind: Cart, metadata: {name: c, namespace: shop}, spec: {'odd.key': [{spec: {containers: [{name: a, image: 'a.example/b:1'}]}}]}}",
		} {
			if d := lineOf(t, file).Decide(context.Background(), Fail, request(t, admissionv1.Create, object, ""), today); d.Allowed != want || len(d.Patch) > 0 {
				t.Errorf("%q: %t of %s: %s", file, d.Allowed, object, d.Message)
			}
		}
	}
	privileged := strings.Replace(deployment("a.example/b:1", "", 1), "image:", "securityContext: {privileged: true}, image:", 1)
	if d := lineOf(t, hardened).Decide(context.Background(), All, request(t, admissionv1.Create, privileged, ""), today); d.Allowed || !strings.Contains(d.Message, "pod/privileged") {
		t.Errorf("privileged: %s", d.Message)
	}
}

// TestResolve wants the digests of the images that are named, and of no others; and what the file says when there is none.
func TestResolve(t *testing.T) {
	f := "change: {digests: ['r.example/shop/**']%s}\nonFailure: %s\n"
	for _, c := range []struct {
		image, more, otherwise, failing string
		allowed                         bool
		want, says                      string
	}{
		{"r.example/shop/cart:1", "", "fail", "", true, "r.example/shop/cart:1@" + pinned, ""},
		{"r.example/shop/cart@" + pinned, "", "fail", "asked", true, "r.example/shop/cart@" + pinned, ""},
		{"evil.internal:22/x", "", "fail", "asked", true, "evil.internal:22/x", ""},
		{"r.example/shop/cart:1", "", "fail", "it hangs", false, "r.example/shop/cart:1", "the digest of image r.example/shop/cart:1 is not known: it hangs"},
		{"r.example/shop/cart:1", "", "ignore", "it hangs", true, "r.example/shop/cart:1", ""},
		{"r.example/shop/cart:1", ", onFailure: ignore", "fail", "it hangs", true, "r.example/shop/cart:1", ""},
		{"r.example/shop/cart:1", ", onFailure: fail", "ignore", "it hangs", false, "r.example/shop/cart:1", "it hangs"},
	} {
		l := lineOf(t, fmt.Sprintf(f, c.more, c.otherwise))
		l.Resolve = func(_ context.Context, _ string) (pod.Image, error) {
			if c.failing != "" {
				return pod.Image{}, errors.New(c.failing)
			}
			return pod.Image{Digest: pinned, User: "1"}, nil
		}
		r := request(t, admissionv1.Create, podWith("'"+c.image+"'", ""), "")
		d := l.Decide(context.Background(), Change, r, today)
		if d.Allowed != c.allowed || !strings.Contains(d.Message, c.says) {
			t.Errorf("%s %s: %t, %s", c.image, c.failing, d.Allowed, d.Message)
		}
		if c.failing == "it hangs" && c.allowed && (len(d.Given) == 0 || !strings.Contains(fmt.Sprint(d.Unknown), "it hangs")) {
			t.Errorf("without a digest the rest is not done, or nobody says so: %+v", d)
		}
		if after := string(patched(t, r.Object.Raw, d)); !strings.Contains(after, `"image":"`+c.want+`"`) {
			t.Errorf("%s: %s", c.image, after)
		}
	}
}

func TestWrongDefault(t *testing.T) {
	f, err := admissionfile.Parse("a.yaml", []byte("change: on\nnamespaces: [{names: [a], change: {except: [runAsRoot]}}]\n"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := New(Options{File: f}); err == nil || !strings.HasPrefix(err.Error(), `a.yaml: line 2: "runAsRoot" is no default: use automountServiceAccountToken, runAsNonRoot`) {
		t.Errorf("it says %v", err)
	}
}

// TestPatch makes of random values others, as the API server's library would have it.
func TestPatch(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for range 5000 {
		before, after := map[string]any{"a": random(r, 4)}, map[string]any{"a": random(r, 4)}
		if r.IntN(2) == 0 { // a list that lost some and got some, as ours do
			list := []any{map[string]any{"name": "a", "x": random(r, 2)}, map[string]any{"name": "a"}, map[string]any{"name": "b/~"}, "s"}
			before["a"] = list
			after["a"] = append(append([]any{}, list[r.IntN(4):]...), map[string]any{"name": "new"})
		}
		b, _ := json.Marshal(before)
		steps := patch(before, after, "")
		got := b
		if len(steps) > 0 {
			got = patched(t, b, &Decision{Patch: steps})
		}
		var is, want any
		_ = json.Unmarshal(got, &is)
		a, _ := json.Marshal(after)
		_ = json.Unmarshal(a, &want)
		if d := cmp.Diff(want, is); d != "" {
			t.Fatalf("%s to %s by %+v:\n%s", b, a, steps, d)
		}
	}
}

func random(r *rand.Rand, depth int) any {
	switch n := r.IntN(6); {
	case n < 2 && depth > 0:
		m := map[string]any{}
		for range r.IntN(4) {
			m[[]string{"a", "b/c", "~d", ""}[r.IntN(4)]] = random(r, depth-1)
		}
		return m
	case n < 4 && depth > 0:
		l := []any{}
		for range r.IntN(4) {
			l = append(l, random(r, depth-1))
		}
		return l
	case n == 4:
		return r.IntN(2) == 0
	}
	return []string{"x", "y"}[r.IntN(2)]
}

// TestSmall wants no step that could be smaller.
func TestSmall(t *testing.T) {
	r := request(t, admissionv1.Create, "{apiVersion: v1, kind: Pod, metadata: {name: a, namespace: shop, annotations: {x: z}}, spec: {securityContext: {}, volumes: [{name: v}], containers: [{name: b, image: 'a.example/b:1', securityContext: {capabilities: {add: [KILL]}}}]}}", "")
	d := lineOf(t, hardened).Decide(context.Background(), Change, r, today)
	want := []Operation{
		{"add", "/metadata/annotations/plimsoll.io~1changed", "automountServiceAccountToken, runAsNonRoot, seccompProfile, allowPrivilegeEscalation, capabilities, readOnlyRootFilesystem"},
		{"add", "/spec/automountServiceAccountToken", false},
		{"add", "/spec/containers/0/securityContext/allowPrivilegeEscalation", false},
		{"add", "/spec/containers/0/securityContext/capabilities/drop", []any{"ALL"}},
		{"add", "/spec/containers/0/securityContext/readOnlyRootFilesystem", true},
		{"add", "/spec/containers/0/volumeMounts", []any{map[string]any{"name": "plimsoll-0", "mountPath": "/tmp"}}},
		{"add", "/spec/securityContext/runAsNonRoot", true},
		{"add", "/spec/securityContext/seccompProfile", map[string]any{"type": "RuntimeDefault"}},
		{"add", "/spec/volumes/-", map[string]any{"name": "plimsoll-0", "emptyDir": map[string]any{}}},
	}
	if diff := cmp.Diff(want, d.Patch); diff != "" {
		t.Error(diff)
	}
}
