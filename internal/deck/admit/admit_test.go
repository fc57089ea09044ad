package admit

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	admissionv1 "k8s.io/api/admission/v1"
	authenticationv1 "k8s.io/api/authentication/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/yaml"

	"github.com/plimsoll/plimsoll/internal/read/admissionfile"
	"github.com/plimsoll/plimsoll/internal/read/exceptionfile"
	"github.com/plimsoll/plimsoll/internal/weigh/exception"
)

var today = time.Date(2026, 11, 29, 0, 0, 0, 0, time.UTC)

// lineOf is a line drawn by a file.
func lineOf(t testing.TB, file string) *Line {
	t.Helper()
	f, err := admissionfile.Parse("admission.yaml", []byte(file))
	if err != nil {
		t.Fatal(err)
	}
	l, err := New(Options{File: f})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func raw(t testing.TB, text string) runtime.RawExtension {
	t.Helper()
	if text == "" {
		return runtime.RawExtension{}
	}
	b, err := yaml.YAMLToJSON([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return runtime.RawExtension{Raw: b}
}

// request is one about an object in YAML, and what it was before.
func request(t testing.TB, operation admissionv1.Operation, now, was string) *admissionv1.AdmissionRequest {
	t.Helper()
	o := raw(t, now)
	var head struct {
		APIVersion, Kind string
		Metadata         metav1.ObjectMeta
	}
	if err := json.Unmarshal(o.Raw, &head); len(o.Raw) > 0 && err != nil {
		t.Fatal(err)
	}
	group, version, grouped := strings.Cut(head.APIVersion, "/")
	if !grouped {
		group, version = "", group
	}
	return &admissionv1.AdmissionRequest{
		UID: "u1", Operation: operation, Namespace: head.Metadata.Namespace, Name: head.Metadata.Name,
		Kind: metav1.GroupVersionKind{Group: group, Version: version, Kind: head.Kind}, Object: o, OldObject: raw(t, was),
	}
}

const denyByDefault = `
default: deny
allow: [{images: ["good.example/**"]}]
`

func podWith(image, more string) string {
	return fmt.Sprintf("{apiVersion: v1, kind: Pod, metadata: {name: cart, namespace: shop%s}, spec: {containers: [{name: cart, image: %s}]}}", more, image)
}

func deployment(image, more string, replicas int) string {
	return fmt.Sprintf("{apiVersion: apps/v1, kind: Deployment, metadata: {name: cart, namespace: shop%s}, spec: {replicas: %d, template: {metadata: {labels: {app: cart}}, spec: {containers: [{name: cart, image: %s}]}}}}", more, replicas, image)
}

const evil, good = "evil.example/miner", "good.example/shop/cart:1"

func TestDecide(t *testing.T) {
	debugger := func(image string) string {
		return strings.Replace(podWith(evil, ""), "spec: {", "spec: {ephemeralContainers: [{name: d, image: "+image+"}], ", 1)
	}
	for name, c := range map[string]struct {
		file     string
		op       admissionv1.Operation
		now, was string
		allowed  bool
		message  string // a part of it, or of the first warning, or why it passed
	}{
		"a pod":                        {denyByDefault, "CREATE", podWith(good, ""), "", true, ""},
		"a pod that is not listed":     {denyByDefault, "CREATE", podWith(evil, ""), "", false, `admission/unlisted-image: image is not among those that may run: Pod cart, container cart: "evil.example/miner" (spec.containers[0].image). To mend it: Use an image`},
		"one that lies deeper":         {"default: deny\nallow: [{images: [registry.example/*]}]", "CREATE", podWith("registry.example/shop/cart", ""), "", false, `it lies deeper than registry.example/* reaches, in which * is one part of a path (spec.containers[0].image). To mend it: Write registry.example/** for all that lies below`},
		"an image that is no name":     {denyByDefault, "CREATE", podWith(`"%%"`, ""), "", false, "unlisted-image"},
		"a workload":                   {denyByDefault, "CREATE", deployment(evil, "", 1), "", false, "spec.template.spec.containers[0].image"},
		"a list for another namespace": {strings.Replace(denyByDefault, "**\"]", `**"], namespaces: [pay]`, 1), "CREATE", podWith(good, ""), "", false, "unlisted-image"},
		"what makes no pods":           {denyByDefault, "CREATE", "{apiVersion: v1, kind: Service, metadata: {name: s, namespace: shop}}", "", true, "makes no pods"},
		"scaled down":                  {denyByDefault, "UPDATE", deployment(evil, "", 0), deployment(evil, "", 3), true, "as they were"},
		"finalized":                    {denyByDefault, "UPDATE", deployment(evil, "", 1), deployment(evil, ", finalizers: [a/b]", 1), true, "as they were"},
		"being deleted":                {denyByDefault, "UPDATE", podWith(evil, ", deletionTimestamp: '2026-11-29T00:00:00Z'"), podWith(evil, ""), true, "as they were"},
		"a running pod's labels":       {denyByDefault, "UPDATE", podWith(evil, ", labels: {a: b}"), podWith(evil, ""), true, "as they were"},
		"another evil image":           {denyByDefault, "UPDATE", podWith(evil+":2", ""), podWith(evil, ""), false, "unlisted-image"},
		"a debugger beside the evil":   {denyByDefault, "UPDATE", debugger(good), podWith(evil, ""), true, ""},
		"an evil debugger":             {denyByDefault, "UPDATE", debugger(evil), podWith(evil, ""), false, "container d"},
		"a workload made evil":         {denyByDefault, "UPDATE", deployment(evil, "", 1), deployment(good, "", 1), false, "unlisted-image"},
		"a workload mended":            {denyByDefault, "UPDATE", deployment(good, "", 1), deployment(evil, "", 1), true, ""},
		"deleted":                      {denyByDefault, "DELETE", "", podWith(evil, ""), true, "what goes"},
		"exempt":                       {denyByDefault + "exempt: [sh*]", "CREATE", podWith(evil, ""), "", true, "exempt"},
		"only warned":                  {denyByDefault + "namespaces: [{names: [shop], mode: warn}]", "CREATE", podWith(evil, ""), "", true, "plimsoll: admission/unlisted-image"},
		"only noted":                   {denyByDefault + "namespaces: [{names: [shop], mode: audit}]", "CREATE", podWith(evil, ""), "", true, ""},
		"no pod":                       {denyByDefault, "CREATE", "{apiVersion: v1, kind: Pod, metadata: {name: cart, namespace: shop}, spec: {containers: 7}}", "", false, "could not judge this: read Pod cart: spec:"},
		"no object":                    {denyByDefault, "CREATE", "", "", false, "has no object"},
	} {
		t.Run(name, func(t *testing.T) {
			d := lineOf(t, c.file).Decide(context.Background(), All, request(t, c.op, c.now, c.was), today)
			said := d.Message + strings.Join(d.Warnings, "") + d.Passed
			if d.Allowed != c.allowed || !strings.Contains(said, c.message) || c.message == "" && said != "" {
				t.Errorf("allowed %t: %q", d.Allowed, said)
			}
		})
	}
}

// TestStages wants each thing to be said at one stage, and what only tells to deny nothing.
func TestStages(t *testing.T) {
	denies := map[Stage]bool{}
	for _, file := range []string{denyByDefault, denyByDefault + "onFailure: ignore", denyByDefault + "namespaces: [{names: [shop], mode: warn}]"} {
		l := lineOf(t, file)
		for _, s := range Stages() {
			d := l.Decide(context.Background(), s, request(t, "CREATE", podWith(evil, ""), ""), today)
			denies[s] = denies[s] || !d.Allowed
			if s == Tell && !d.Allowed {
				t.Errorf("%s: what tells denies: %s", file, d.Message)
			}
		}
	}
	if !denies[Fail] || !denies[Ignore] {
		t.Errorf("%v", denies)
	}
	l := lineOf(t, "failOn: none\nnamespaces: [{names: [pay], failOn: high}, {names: [dev], failOn: high, mode: warn}]")
	if !l.Has(Fail) || l.Has(Ignore) || !l.Denies(Fail, &l.File.Namespaces[0]) || l.Denies(Fail, &l.File.Namespaces[1]) || l.Denies(Fail, nil) {
		t.Error("it does not know where it denies")
	}
	if d := l.Unable(Fail, "x"); d.Allowed || d.Response("u").Result.Code != 503 {
		t.Errorf("%+v", d)
	}
	if d := l.Unable(Ignore, strings.Repeat("ä", 300)); !d.Allowed || len(d.Warnings[0]) > mostWarning {
		t.Errorf("%+v", d)
	}
}

// TestConnect wants exec to be noted, warned of or denied, and no argument of its command to be told.
func TestConnect(t *testing.T) {
	r := request(t, "CONNECT", "{apiVersion: v1, kind: PodExecOptions, command: [mysql, -psecret], container: db, tty: true}", "")
	r.Namespace, r.Name = "shop", "cart"
	for mode, want := range map[string]bool{"audit": true, "warn": true, "deny": false, "off": true} {
		d := lineOf(t, "connect: "+mode).Decide(context.Background(), All, r, today)
		text, err := json.Marshal(d)
		if err != nil {
			t.Fatal(err)
		}
		if d.Allowed != want || strings.Contains(string(text), "secret") || len(d.Findings) != map[bool]int{true: 0, false: 1}[mode == "off"] {
			t.Errorf("%s: %s", mode, text)
		}
	}
}

// TestOwner wants a controller's pod to answer to exceptions for its Deployment, and nobody else's.
func TestOwner(t *testing.T) {
	f, err := exceptionfile.Parse("e.yaml", []byte("exceptions: [{rule: admission/unlisted-image, subject: Deployment/shop/cart, reason: old, owner: shop, until: 2026-12-31}]"))
	if err != nil {
		t.Fatal(err)
	}
	l := lineOf(t, denyByDefault)
	l.Exceptions = func(_ string, now time.Time) *exception.Set {
		set, err := exception.Compile([]exceptionfile.File{f}, nil, now)
		if err != nil {
			t.Fatal(err)
		}
		return set
	}
	owned := podWith(evil, ", labels: {pod-template-hash: 5d4f}, ownerReferences: [{apiVersion: apps/v1, kind: ReplicaSet, name: cart-5d4f, uid: u, controller: true}]")
	for name, c := range map[string]struct {
		user, object string
		now          time.Time
		want         bool
	}{
		"the Deployment":         {"ann", deployment(evil, "", 1), today, true},
		"its pod":                {"system:serviceaccount:kube-system:replicaset-controller", owned, today, true},
		"one who says it is":     {"ann", owned, today, false},
		"one in another place":   {"system:serviceaccount:shop:replicaset-controller", owned, today, false},
		"an exception that ends": {"ann", deployment(evil, "", 1), today.AddDate(0, 2, 0), false},
	} {
		t.Run(name, func(t *testing.T) {
			r := request(t, "CREATE", c.object, "")
			r.UserInfo = authenticationv1.UserInfo{Username: c.user}
			d := l.Decide(context.Background(), All, r, c.now)
			if d.Allowed != c.want || c.want && d.annotations()["excepted"] != "admission/unlisted-image by e.yaml:1" {
				t.Errorf("%+v %v", d, d.annotations())
			}
		})
	}
}

func TestLate(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if d := lineOf(t, "").Decide(ctx, Fail, request(t, "CREATE", podWith(good, ""), ""), today); d.Allowed || d.Failed == "" {
		t.Errorf("%+v", d)
	}
}

func FuzzDecide(f *testing.F) {
	f.Add("CREATE", []byte(`{"spec":{"containers":[{"name":"a","image":"b"}]}}`), []byte(`{}`))
	l := lineOf(f, denyByDefault)
	f.Fuzz(func(t *testing.T, op string, now, was []byte) {
		r := &admissionv1.AdmissionRequest{Operation: admissionv1.Operation(op), Kind: metav1.GroupVersionKind{Version: "v1", Kind: "Pod"}}
		r.Object.Raw, r.OldObject.Raw = now, was
		if d := l.Decide(context.Background(), All, r, today); !d.Allowed && d.Message == "" {
			t.Error("it denies and does not say why")
		}
	})
}

func BenchmarkDecide(b *testing.B) {
	l := lineOf(b, denyByDefault)
	r := request(b, "CREATE", deployment(good, "", 1), "")
	b.ReportAllocs()
	for b.Loop() {
		l.Decide(context.Background(), Fail, r, today)
	}
}
