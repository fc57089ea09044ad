package export

import (
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	psa "k8s.io/pod-security-admission/policy"
	"sigs.k8s.io/yaml"

	"github.com/plimsoll/plimsoll/internal/judge/pod"
	"github.com/plimsoll/plimsoll/internal/read/kube"
	"github.com/plimsoll/plimsoll/internal/read/policyfile"
	"github.com/plimsoll/plimsoll/internal/weigh/policy"
)

// workloads are one for each kind that makes pods of a template, made of a pod.
func workloads(p *corev1.Pod) (all []asked) {
	template := corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{"a": "b"}, Annotations: p.Annotations}, Spec: p.Spec}
	template.Spec.EphemeralContainers = nil
	add := func(o runtime.Object, group, kind, resource string) {
		m := meta1(o)
		m.SetName("cart")
		m.SetNamespace(p.Namespace)
		v := schema.GroupVersion{Group: group, Version: "v1"}
		o.GetObjectKind().SetGroupVersionKind(v.WithKind(kind))
		all = append(all, asked{now: o, kind: v.WithKind(kind), resource: v.WithResource(resource), user: "alice", spec: &template.Spec})
	}
	add(&appsv1.Deployment{Spec: appsv1.DeploymentSpec{Template: template}}, "apps", "Deployment", "deployments")
	add(&appsv1.DaemonSet{Spec: appsv1.DaemonSetSpec{Template: template}}, "apps", "DaemonSet", "daemonsets")
	add(&appsv1.StatefulSet{Spec: appsv1.StatefulSetSpec{Template: template}}, "apps", "StatefulSet", "statefulsets")
	add(&appsv1.ReplicaSet{Spec: appsv1.ReplicaSetSpec{Template: template}}, "apps", "ReplicaSet", "replicasets")
	add(&batchv1.Job{Spec: batchv1.JobSpec{Template: template}}, "batch", "Job", "jobs")
	add(&batchv1.CronJob{Spec: batchv1.CronJobSpec{JobTemplate: batchv1.JobTemplateSpec{Spec: batchv1.JobSpec{Template: template}}}}, "batch", "CronJob", "cronjobs")
	add(&corev1.ReplicationController{Spec: corev1.ReplicationControllerSpec{Template: &template}}, "", "ReplicationController", "replicationcontrollers")
	add(&corev1.PodTemplate{Template: template}, "", "PodTemplate", "podtemplates")
	return all
}

// TestWorkloads holds what makes pods against what is written, when it is made and when it is changed.
func TestWorkloads(t *testing.T) {
	d := dice{rand.New(rand.NewPCG(3, 4))}
	s := sidesOf(t, lines[len(lines)-1], "")
	for range rounds() / 10 {
		before, after := workloads(d.pod("shop")), workloads(d.pod("shop"))
		for i := range after {
			s.compare(t, after[i])
			after[i].was = before[i].now
			s.compare(t, after[i])
			after[i].was = after[i].now
			if n := s.compare(t, after[i]); n > 0 {
				t.Errorf("%d findings in what says the same of its pods", n)
			}
		}
		if t.Failed() {
			return
		}
	}
}

// TestChangedPod holds pods against what is written that run already, and are changed as an API server lets them be.
func TestChangedPod(t *testing.T) {
	d := dice{rand.New(rand.NewPCG(5, 6))}
	found := 0
	for _, file := range lines {
		s := sidesOf(t, file, "")
		for range rounds() / 3 {
			was := d.pod(pick(d, "default", "shop", "dev-1"))
			maps.DeleteFunc(was.Annotations, func(key, _ string) bool { // the API server lets none name a container that is not there
				return !slices.ContainsFunc(was.Spec.Containers, func(c corev1.Container) bool { return strings.HasSuffix(key, "/"+c.Name) })
			})
			now := was.DeepCopy()
			if d.rarely() {
				now.Labels = map[string]string{"a": "b"}
			}
			if d.rarely() {
				now.Spec.Containers[0].Image = d.image()
			}
			if d.rarely() && len(was.Spec.Tolerations) == 0 && len(was.Spec.NodeSelector) == 0 { // beside another, it is news to the webhook alone
				now.Spec.Tolerations = append(now.Spec.Tolerations, corev1.Toleration{Operator: corev1.TolerationOpExists})
			}
			if d.rarely() {
				now.Spec.EphemeralContainers = append(now.Spec.EphemeralContainers, d.ephemeral("e1"))
			}
			found += s.compare(t, asked{now: now, was: was, kind: podKind, resource: podResource, user: "alice"})
			if t.Failed() {
				return
			}
		}
	}
	if found == 0 {
		t.Error("nothing was found")
	}
}

const exceptions = `exceptions:
- {rule: pod/privileged, kind: deployment, namespace: "sh*", name: "ca?t", reason: a, owner: shop, until: 2027-02-28}
- {rule: "kubescape/C-0046", image: "registry.example/shop/**", reason: b, owner: shop, until: 2027-02-28}
- {rule: pod/writable-root, image: "sha256:` + digest + `", reason: c, owner: shop, until: 2027-02-28}
- {rule: pod/net-raw, image: nginx, reason: d, owner: shop, until: 2027-02-28}
- {rule: admission/unlisted-image, image: "index.docker.io/*/cart", namespace: shop, reason: e, owner: shop, until: 2027-01-01}
- {rule: pod/host-aliases, reason: f, owner: shop, until: 2026-01-01}
- {rule: pod/token-mounted, kind: Pod, reason: g, owner: shop, until: 2027-02-28}
- {rule: pod/low-user, name: cart, reason: h, owner: shop, until: 2027-02-28}
- {rule: pod/host-pid, namespace: shop, package: openssl, reason: no pod has it, owner: shop, until: 2027-02-28}
`

// TestExceptions holds exceptions against what is written of them, also for pods that controllers make: they go by the
// name of what they are made of, and by their own where somebody only says so.
func TestExceptions(t *testing.T) {
	d := dice{rand.New(rand.NewPCG(7, 8))}
	s := sidesOf(t, lines[len(lines)-1], exceptions)
	yes := true
	for range rounds() {
		p := d.pod("shop")
		p.Name = pick(d, "cart", "cart-6d5f-x", "till")
		p.Labels = zeroOr(d, map[string]string{"pod-template-hash": "6d5f"})
		kind := pick(d, "ReplicaSet", "DaemonSet", "Robot")
		p.OwnerReferences = []metav1.OwnerReference{{APIVersion: "apps/v1", Kind: kind, Name: pick(d, "cart-6d5f", "cart"), Controller: &yes}}
		user := pick(d, "alice", "system:serviceaccount:kube-system:replicaset-controller", "system:kube-controller-manager", "system:serviceaccount:shop:x-controller")
		s.compare(t, asked{now: p, kind: podKind, resource: podResource, user: user})
		for _, a := range workloads(p) {
			s.compare(t, a)
		}
		if t.Failed() {
			return
		}
	}
	if !strings.Contains(s.text, "2027-01-02T00:00:00Z") {
		t.Error("the day on which an exception ends is not written")
	}
	if !strings.Contains(s.text, "the end of the exception at exceptions.yaml:6") {
		t.Error("it is not said how an exception ends")
	}
}

func library(t *testing.T) string {
	t.Helper()
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "k8s.io/pod-security-admission").Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}

// TestFixtures holds the fixtures of the Pod Security Standards, and the examples of all checks, against what is written.
func TestFixtures(t *testing.T) {
	sets := []*sides{sidesOf(t, "podSecurity: baseline", ""), sidesOf(t, "podSecurity: restricted\nfailOn: none", "")}
	n := 0
	try := func(text []byte) {
		objects, _ := kube.Manifest("x.yaml", text)
		for _, o := range objects {
			if !o.Is("", "Pod") {
				continue
			}
			var p corev1.Pod
			if err := yaml.Unmarshal(text, &p); err != nil {
				t.Fatal(err)
			}
			p.Namespace = "shop"
			for _, s := range sets {
				s.compare(t, asked{now: &p, kind: podKind, resource: podResource, user: "alice"})
			}
			n++
			return
		}
	}
	for _, c := range pod.Checks() {
		for _, text := range []string{c.Page.Bad, c.Page.Good} {
			first, _, _ := strings.Cut(text, "\n---\n")
			try([]byte(first))
		}
	}
	root := filepath.Join(library(t), "test", "testdata")
	newest := 0
	for _, level := range []string{"baseline", "restricted"} {
		all, err := filepath.Glob(filepath.Join(root, level, "v1.*", "*", "*.yaml"))
		if err != nil {
			t.Fatal(err)
		}
		for i, name := range all {
			if os.Getenv("PLIMSOLL_TEST") != "all" && i%17 != 0 {
				continue
			}
			b, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			try(b)
			newest++
		}
	}
	if newest < 100 {
		t.Errorf("%d fixtures of the standard in %s", newest, root)
	}
	t.Logf("%d pods, %d of them the standard's own fixtures", n, newest)
	if len(psa.DefaultChecks()) != 19 {
		t.Errorf("the standard has %d checks now: say the new ones in judge/pod", len(psa.DefaultChecks()))
	}
}

const policies = `apiVersion: plimsoll/v1
kind: Policy
metadata: {name: no-latest}
spec:
  subject: manifest
  params: {tags: [latest, edge], allowed: ["registry.example/*", "good.example/*"], most: 2}
  matchConditions:
  - {name: in-shop, expression: "object.metadata.namespace == 'shop'"}
  variables:
  - {name: bad, expression: "containers.filter(c, c.tag in params.tags)"}
  - {name: spec, expression: "pods.map(p, p.spec)"}
  validations:
  - {expression: "variables.bad.size() == 0", messageExpression: "'tag of ' + variables.bad.map(object, object.name).join(', ')"}
  - {expression: "containers.all(containers, (containers.registry + '/' + containers.repository).glob(params.allowed))", message: "no such image"}
  - {expression: "variables.spec.all(s, s.containers.size() <= params.most)", message: "too many"}
  - {expression: "images.all(i, i.sort != 'volume' || i.registry != 'docker.io' && i.tag != 'latest' && i.name != '')", message: "a volume"}
---
apiVersion: plimsoll/v1
kind: Policy
metadata: {name: kinds}
spec:
  subject: manifest
  action: warn
  validations:
  - {expression: "object.kind != 'Pod' || containers.exists(c, c.sort == 'init' || c.digest != '') || containers.all(c, c.image.glob('*/*'))", message: "m"}
---
apiVersion: plimsoll/v1
kind: Policy
metadata: {name: fresh}
spec:
  subject: manifest
  validations:
  - {expression: "now > timestamp('2020-01-01T00:00:00Z')", message: "m"}
---
apiVersion: plimsoll/v1
kind: Policy
metadata: {name: small}
spec:
  subject: image
  validations:
  - {expression: "image.size < 5", message: "m"}
`

// compiled are the policies.
func compiled(t *testing.T) []*policy.Policy {
	t.Helper()
	set, err := policyfile.Load(fstest.MapFS{"p.yaml": {Data: []byte(policies)}}, "p.yaml", "p.yaml")
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

// TestPolicies holds Plimsoll's own policies against what is written of them, and wants those that cannot be to be named.
func TestPolicies(t *testing.T) {
	d := dice{rand.New(rand.NewPCG(9, 10))}
	s := sidesOf(t, "failOn: none\npolicies: {no-latest: {mode: deny}}\nnamespaces: [{names: ['d*'], mode: audit}]", "", compiled(t)...)
	for range rounds() {
		p := d.pod(pick(d, "shop", "default"))
		s.compare(t, asked{now: p, kind: podKind, resource: podResource, user: "alice"})
		s.compare(t, workloads(p)[0])
		s.compare(t, workloads(p)[5])
		if t.Failed() {
			return
		}
	}
	for _, want := range []string{"plimsoll-policy-no-latest-deny", "plimsoll-policy-no-latest-audit", "plimsoll-policy-kinds-warn", `policy fresh: it asks about "now"`, "policy small: it is about the subject image"} {
		if !strings.Contains(s.text, want) {
			t.Errorf("%q is not written", want)
		}
	}
}
