package export

import (
	"context"
	"errors"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/fstest"

	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/plimsoll/plimsoll/internal/deck/admit"
	"github.com/plimsoll/plimsoll/internal/expr/admission"
	"github.com/plimsoll/plimsoll/internal/read/kube"
	"github.com/plimsoll/plimsoll/internal/read/policyfile"
	"github.com/plimsoll/plimsoll/internal/weigh/policy"
)

func compile(t *testing.T, text string) []*policy.Policy {
	t.Helper()
	set, err := policyfile.Load(fstest.MapFS{"p.yaml": {Data: []byte(text)}}, "p.yaml", "p.yaml")
	if err != nil {
		t.Fatal(err)
	}
	c, err := policy.NewCompiler()
	if err != nil {
		t.Fatal(err)
	}
	all, err := c.Compile(set)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

const ofKinds = `{apiVersion: plimsoll/v1, kind: Policy, metadata: {name: open}, spec: {subject: manifest, kinds: [Service, Ingress.networking.k8s.io],
  validations: [{expression: "object.metadata.?labels[?'team'].hasValue() && (object.kind != 'Service' || object.spec.?type.orValue('') != 'NodePort')", message: m}]}}
---
{apiVersion: plimsoll/v1, kind: Policy, metadata: {name: named}, spec: {subject: manifest, kinds: [Pod, Namespace], action: warn,
  validations: [{expression: "object.metadata.?labels[?'team'].hasValue() && containers.all(c, c.tag != 'latest') && pods.size() <= 1", message: m}]}}
---
{apiVersion: plimsoll/v1, kind: Policy, metadata: {name: custom}, spec: {subject: manifest, kinds: [Cart.shop.example],
  validations: [{expression: "object.spec.size < 3", message: m}]}}
---
{apiVersion: plimsoll/v1, kind: Policy, metadata: {name: shaped}, spec: {subject: manifest, kinds: [Cart.shop.example],
  validations: [{expression: "containers.size() < 3", message: m}]}}
---
{apiVersion: plimsoll/v1, kind: Policy, metadata: {name: nodes}, spec: {subject: manifest, kinds: [Node, Lease.coordination.k8s.io],
  validations: [{expression: "object.metadata.name != 'x'", message: m}]}}
`

// TestKinds holds policies that name kinds against what is written of them, when objects are made, change, and do not.
func TestKinds(t *testing.T) {
	d := dice{rand.New(rand.NewPCG(31, 32))}
	s := sidesOf(t, "failOn: none\nnamespaces: [{names: [dev], mode: warn}]", "", compile(t, ofKinds)...)
	for _, want := range []string{"# - policy shaped: it asks about the pods of custom resources", "plimsoll-policy-nodes-deny", "plimsoll-policy-custom-deny", "- networking.k8s.io"} {
		if !strings.Contains(s.text, want) {
			t.Errorf("%q is not written", want)
		}
	}
	meta := func() metav1.ObjectMeta {
		m := metav1.ObjectMeta{Name: "cart", Namespace: pick(d, "shop", "dev")}
		m.Labels = zeroOr(d, map[string]string{"team": "shop"}, map[string]string{"a": "b"})
		m.Annotations = zeroOr(d, map[string]string{"x": "y"})
		return m
	}
	made := func(i int) asked {
		switch i % 4 {
		case 0:
			o := &corev1.Service{ObjectMeta: meta(), Spec: corev1.ServiceSpec{Type: pick[corev1.ServiceType](d, "NodePort", "ClusterIP", "")}}
			o.Status.Conditions = zeroOr(d, []metav1.Condition{{Type: "a"}})
			return asked{now: o, kind: corev1.SchemeGroupVersion.WithKind("Service"), resource: corev1.SchemeGroupVersion.WithResource("services")}
		case 1:
			o := &networkingv1.Ingress{ObjectMeta: meta(), Spec: networkingv1.IngressSpec{IngressClassName: maybe(d, "a", "b")}}
			return asked{now: o, kind: networkingv1.SchemeGroupVersion.WithKind("Ingress"), resource: networkingv1.SchemeGroupVersion.WithResource("ingresses")}
		case 2:
			o := &corev1.Namespace{ObjectMeta: meta()}
			return asked{now: o, kind: corev1.SchemeGroupVersion.WithKind("Namespace"), resource: corev1.SchemeGroupVersion.WithResource("namespaces")}
		}
		o := &corev1.Pod{ObjectMeta: meta(), Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "a", Image: pick(d, "a.example/b:1", "a.example/b")}}}}
		return asked{now: o, kind: podKind, resource: podResource}
	}
	found := 0
	for i := range 5 * rounds() {
		a, was := made(i), made(i)
		a.user, a.spec = "alice", &corev1.PodSpec{}
		for _, o := range []asked{a, was} {
			o.now.GetObjectKind().SetGroupVersionKind(a.kind)
		}
		meta1(was.now).SetNamespace(meta1(a.now).GetNamespace())
		switch d.IntN(4) {
		case 0:
			a.was = a.now
		case 1:
			a.was = was.now
		case 2: // one thing alone is another
			a.was = a.now.DeepCopyObject()
			switch d.IntN(3) {
			case 0:
				meta1(a.now).SetLabels(map[string]string{"x": "y"})
			case 1:
				meta1(a.now).SetAnnotations(map[string]string{"new": "y"})
			default:
				meta1(a.now).SetFinalizers([]string{"x.example/y"})
			}
		}
		found += s.compare(t, a)
		if t.Failed() {
			return
		}
	}
	if found < 25 {
		t.Errorf("%d findings say too little", found)
	}
}

const toUse = `{apiVersion: plimsoll/v1, kind: Policy, metadata: {name: host-pods}, spec: {subject: manifest, use: [user, serviceAccount],
  matchConditions: [{name: of-the-host, expression: "pods.exists(p, has(p.spec.hostPID) && p.spec.hostPID)"}]}}
---
{apiVersion: plimsoll/v1, kind: Policy, metadata: {name: by-account}, spec: {subject: manifest, use: [serviceAccount],
  matchConditions: [{name: of-the-host, expression: "pods.exists(p, has(p.spec.hostIPC) && p.spec.hostIPC)"}],
  validations: [{expression: "containers.size() < 3", message: too many}]}}
---
{apiVersion: plimsoll/v1, kind: Policy, metadata: {name: services}, spec: {subject: manifest, use: [user], kinds: [Service]}}
`

// rights are who may use which policy in which namespace: USER POLICY NAMESPACE.
type rights map[string]bool

func (r rights) Of(kube.Need, string) ([]*kube.Object, error)            { return nil, nil }
func (r rights) Namespaced(kube.Need) (bool, error)                      { return false, nil }
func (r rights) Namespace(context.Context, string) (*kube.Object, error) { return nil, nil }
func (r rights) may(user, verb, group, resource, namespace, name string) bool {
	return verb == "use" && group == "plimsoll.io" && resource == "policies" && r[user+" "+name+" "+namespace]
}

func (r rights) Review(_ context.Context, q *authorizationv1.SubjectAccessReview) (s authorizationv1.SubjectAccessReviewStatus, err error) {
	a := q.Spec.ResourceAttributes
	if q.Spec.User == "nobody-knows" {
		return s, errors.New("it is away")
	}
	s.Allowed = r.may(q.Spec.User, a.Verb, a.Group, a.Resource, a.Namespace, a.Name)
	return s, nil
}

// TestUse wants the right to use a policy to be asked alike of the API server, by who asks and as whom pods run.
func TestUse(t *testing.T) {
	d := dice{rand.New(rand.NewPCG(33, 34))}
	s := sidesOf(t, "failOn: none", "", compile(t, toUse)...)
	r := rights{
		"ann host-pods shop": true, "ann services shop": true, "system:serviceaccount:shop:cart host-pods shop": true, "system:serviceaccount:shop:default by-account shop": true,
		"system:serviceaccount:pay:cart by-account pay": true,
	}
	s.line.Cluster = r
	s.may = func(_ context.Context, a admission.Access) (bool, string, bool, error) {
		return r.may(a.User.Name, a.Verb, a.Group, a.Resource, a.Namespace, a.Name), "", true, nil
	}
	found, yes := 0, true
	for range rounds() / 2 {
		p := d.pod(pick(d, "shop", "pay"))
		p.OwnerReferences = zeroOr(d, []metav1.OwnerReference{{APIVersion: "apps/v1", Kind: "DaemonSet", Name: "cart", Controller: &yes}})
		user := pick(d, "ann", "bob", "system:serviceaccount:kube-system:daemon-set-controller")
		found += s.compare(t, asked{now: p, kind: podKind, resource: podResource, user: user})
		for _, a := range workloads(p) {
			a.user = user
			found += s.compare(t, a)
		}
		o := &corev1.Service{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Service"}, ObjectMeta: metav1.ObjectMeta{Name: "cart", Namespace: p.Namespace}}
		found += s.compare(t, asked{now: runtime.Object(o), kind: schema.GroupVersionKind{Version: "v1", Kind: "Service"}, resource: schema.GroupVersionResource{Version: "v1", Resource: "services"}, user: user, spec: &corev1.PodSpec{}})
		if t.Failed() {
			return
		}
	}
	if found < 10 {
		t.Errorf("%d findings say too little", found)
	}
	p := &corev1.Pod{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Pod"}, ObjectMeta: metav1.ObjectMeta{Name: "x", Namespace: "shop"}, Spec: corev1.PodSpec{HostPID: true, Containers: []corev1.Container{{Name: "a", Image: "a.example/b:1"}}}}
	review := asked{now: p, kind: podKind, resource: podResource, user: "nobody-knows"}.webhook(t)
	if d := s.line.Decide(t.Context(), admit.Fail, review, today); d.Allowed || !strings.Contains(d.Message, "whether nobody-knows may use policies.plimsoll.io/host-pods in shop: it is away") {
		t.Errorf("where nobody knows: %t %s", d.Allowed, d.Message)
	}
	s.line.Cluster = nil
	if d := s.line.Decide(t.Context(), admit.Fail, review, today); d.Allowed || !strings.Contains(d.Message, "no cluster is asked") {
		t.Errorf("without a cluster: %t %s", d.Allowed, d.Message)
	}
}
