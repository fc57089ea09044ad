package migration

import (
	"bytes"
	"encoding/json"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	v1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/plimsoll/plimsoll/internal/expr/admission"
	"github.com/plimsoll/plimsoll/internal/judge/pod/psp"
	"github.com/plimsoll/plimsoll/internal/read/kube"
	"github.com/plimsoll/plimsoll/testbed/cluster"
)

// fixture are the policies of testdata, with their roles.
func fixture(t testing.TB) (*psp.Set, []*kube.Object) {
	t.Helper()
	b, err := os.ReadFile("testdata/policies.yaml")
	if err != nil {
		t.Fatal(err)
	}
	objects, problems := kube.Manifest("policies.yaml", b)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	s, errs := psp.NewSet(objects)
	if len(errs) > 0 || len(s.Grants.Missing) > 0 {
		t.Fatal(errs, s.Grants.Missing)
	}
	return s, objects
}

type server struct {
	t   testing.TB
	url string
}

// send asks the server for something; into, if it is not nil, is what it answers.
func (s server) send(by *http.Client, method, path string, body, into any) (status int, text string) {
	s.t.Helper()
	b, err := json.Marshal(body)
	if err != nil {
		s.t.Fatal(err)
	}
	request, err := http.NewRequest(method, s.url+path, bytes.NewReader(b))
	if err != nil {
		s.t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	answer, err := by.Do(request)
	if err != nil {
		s.t.Fatal(err)
	}
	defer answer.Body.Close()
	if b, err = io.ReadAll(answer.Body); err != nil {
		s.t.Fatal(err)
	}
	if into != nil && answer.StatusCode < 300 {
		if err := json.Unmarshal(b, into); err != nil {
			s.t.Fatal(err)
		}
	}
	return answer.StatusCode, string(b)
}

func (s server) must(by *http.Client, path string, body any) {
	s.t.Helper()
	if status, text := s.send(by, "POST", path, body, nil); status != http.StatusCreated {
		s.t.Fatalf("%s: %d %s", path, status, text)
	}
}

const (
	registration = "/apis/admissionregistration.k8s.io/v1/"
	roles        = "/apis/rbac.authorization.k8s.io/v1/"
)

// TestServer puts what is written into a real API server, beside the roles as they were, and wants it to decide about
// random pods, and to change them, as PodSecurityPolicies did.
func TestServer(t *testing.T) {
	set, objects := fixture(t)
	c := cluster.Start(t)
	s, admin := server{t, c.URL}, c.Client("admin", "system:masters")
	s.must(admin, "/api/v1/namespaces", map[string]any{"metadata": map[string]any{"name": "shop"}})
	for _, class := range []string{"gvisor", "kata", "runc"} {
		s.must(admin, "/apis/node.k8s.io/v1/runtimeclasses", map[string]any{"metadata": map[string]any{"name": class}, "handler": class})
	}
	for _, o := range objects {
		switch o.Kind {
		case "ClusterRole", "ClusterRoleBinding":
			s.must(admin, roles+strings.ToLower(o.Kind)+"s", o.Fields)
		case "Role", "RoleBinding":
			s.must(admin, roles+"namespaces/"+o.Namespace+"/"+strings.ToLower(o.Kind)+"s", o.Fields)
		}
	}
	s.must(admin, roles+"clusterroles", map[string]any{
		"metadata": map[string]any{"name": "makers"},
		"rules":    []any{map[string]any{"apiGroups": []string{""}, "resources": []string{"pods", "pods/ephemeralcontainers"}, "verbs": []string{"create", "update", "patch", "get"}}},
	})
	s.must(admin, roles+"clusterrolebindings", map[string]any{
		"metadata": map[string]any{"name": "makers"}, "roleRef": map[string]any{"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "makers"},
		"subjects": []any{map[string]any{"kind": "Group", "name": "makers", "apiGroup": "rbac.authorization.k8s.io"}},
	})
	s.must(admin, registration+"validatingadmissionpolicies", Validating(set))
	s.must(admin, registration+"validatingadmissionpolicybindings", Binding(v1.Deny))
	s.must(admin, registration+"mutatingadmissionpolicies", Mutating(set))
	s.must(admin, registration+"mutatingadmissionpolicybindings", MutatingBinding())
	who := map[string]*http.Client{"ann": c.Client("ann", "makers"), "eve": c.Client("eve", "makers"), "oli": c.Client("oli", "makers", "operators")}
	s.ready(who["ann"])
	s.same(set, who)
	s.update(set, admin, who["ann"])
}

// ready waits until the policies hold: both of them, for a pod that may pass only when it is changed.
func (s server) ready(by *http.Client) {
	s.t.Helper()
	pod := map[string]any{
		"metadata": map[string]any{"name": "first"}, "spec": map[string]any{"serviceAccountName": "db", "containers": []any{map[string]any{"name": "c", "image": "i"}}},
	}
	for range 100 {
		var got corev1.Pod
		if status, _ := s.send(by, "POST", "/api/v1/namespaces/shop/pods?dryRun=All", pod, &got); status == http.StatusCreated && got.Annotations["kubernetes.io/psp"] != "" {
			pod["spec"].(map[string]any)["hostPID"] = true
			if status, _ = s.send(by, "POST", "/api/v1/namespaces/shop/pods?dryRun=All", pod, nil); status == http.StatusUnprocessableEntity || status == http.StatusForbidden {
				return
			}
			delete(pod["spec"].(map[string]any), "hostPID")
		}
		time.Sleep(200 * time.Millisecond)
	}
	s.t.Fatal("the policies do not come into force")
}

// same compares the decisions about random pods, and the pods that come out.
func (s server) same(set *psp.Set, who map[string]*http.Client) {
	s.t.Helper()
	random := rand.New(rand.NewPCG(7, 7))
	groups := map[string][]string{"ann": {"makers"}, "eve": {"makers"}, "oli": {"makers", "operators"}}
	chosen, changed, denied, invalid := map[string]int{}, 0, 0, 0
	for i := range 600 {
		pod := randomPod(random)
		user := pick(random, "ann", "ann", "ann", "eve", "oli")
		want := set.Choose(pod, "shop", admission.User{Name: user, Groups: append(groups[user], "system:authenticated")})
		var got corev1.Pod
		status, text := s.send(who[user], "POST", "/api/v1/namespaces/shop/pods?dryRun=All", pod, &got)
		switch {
		case status == http.StatusForbidden && strings.Contains(text, "no PodSecurityPolicy that may be used"):
			if denied++; want.Policy != nil {
				s.t.Errorf("%d: %s admitted it, and the server says %s\n%s", i, want.Policy.Name, text, marshal(pod))
			}
		case status == http.StatusCreated && want.Policy == nil:
			s.t.Errorf("%d: nothing admitted it (%v), and the server does by %q\n%s", i, want.Refused, got.Annotations["kubernetes.io/psp"], marshal(pod))
		case status == http.StatusCreated:
			chosen[want.Policy.Name]++
			if want.Mutated {
				changed++
			}
			if by := got.Annotations["kubernetes.io/psp"]; by != want.Policy.Name {
				s.t.Errorf("%d: chosen was %s, and the server chose %q\n%s", i, want.Policy.Name, by, marshal(pod))
			} else if diff := cmp.Diff(contexts(want.Pod), contexts(&got), cmpopts.EquateEmpty()); diff != "" {
				s.t.Errorf("%d: by %s: %s\n%s", i, by, diff, marshal(pod))
			}
		case status == http.StatusUnprocessableEntity || status == http.StatusBadRequest:
			if invalid++; invalid < 4 {
				s.t.Log(text)
			}
		default:
			s.t.Fatalf("%d: %d %s\n%s", i, status, text, marshal(pod))
		}
		if s.t.Failed() {
			return
		}
	}
	s.t.Log(chosen, "changed", changed, "denied", denied, "invalid", invalid)
	for _, p := range set.Policies {
		// GCE's addon policy is granted in kube-system alone.
		if chosen[p.Name] == 0 && !slices.Contains([]string{"gce.unprivileged-addon"}, p.Name) && p.Name != "privileged" {
			s.t.Errorf("%s was never chosen", p.Name)
		}
	}
	if denied < 100 || changed < 40 || invalid > 100 {
		s.t.Errorf("%d denied, %d changed, %d invalid: the pods are too much alike", denied, changed, invalid)
	}
}

// update holds changes of pods, and ephemeral containers, against the policies.
func (s server) update(set *psp.Set, admin, by *http.Client) {
	s.t.Helper()
	pod := map[string]any{
		"metadata": map[string]any{"name": "kept"},
		"spec":     map[string]any{"serviceAccountName": "default", "containers": []any{map[string]any{"name": "c", "image": "i", "securityContext": map[string]any{"runAsUser": 7, "seccompProfile": map[string]any{"type": "RuntimeDefault"}}}}},
	}
	pod["spec"].(map[string]any)["securityContext"] = map[string]any{"seccompProfile": map[string]any{"type": "RuntimeDefault"}}
	s.must(by, "/api/v1/namespaces/shop/pods", pod)
	var got corev1.Pod
	s.send(by, "GET", "/api/v1/namespaces/shop/pods/kept", nil, &got)
	got.Labels = map[string]string{"a": "b"}
	if status, text := s.send(by, "PUT", "/api/v1/namespaces/shop/pods/kept", &got, &got); status != http.StatusOK {
		s.t.Errorf("a label: %d %s", status, text)
	}
	debug := corev1.EphemeralContainer{EphemeralContainerCommon: corev1.EphemeralContainerCommon{Name: "debug", Image: "i", SecurityContext: &corev1.SecurityContext{Privileged: ptr(true)}}}
	got.Spec.EphemeralContainers = []corev1.EphemeralContainer{debug}
	status, text := s.send(by, "PUT", "/api/v1/namespaces/shop/pods/kept/ephemeralcontainers", &got, nil)
	if status != http.StatusForbidden || !strings.Contains(text, "restricted refuses") {
		s.t.Errorf("a privileged ephemeral container: %d %s", status, text)
	}
	if status, text = s.send(admin, "PUT", "/api/v1/namespaces/shop/pods/kept/ephemeralcontainers", &got, nil); status != http.StatusOK {
		s.t.Errorf("a privileged ephemeral container, by who may all: %d %s", status, text)
	}
}

// contexts are what policies look at and fill in, by name.
func contexts(p *corev1.Pod) map[string]any {
	c := p.Spec.SecurityContext
	if c == nil {
		c = &corev1.PodSecurityContext{}
	}
	c = c.DeepCopy()
	all := map[string]any{"runtimeClass": p.Spec.RuntimeClassName}
	for i, one := range slices.Concat(p.Spec.InitContainers, p.Spec.Containers) {
		s := one.SecurityContext
		if s == nil {
			s = &corev1.SecurityContext{}
		}
		// What an annotation says of AppArmor, the server writes into the field.
		if s = s.DeepCopy(); p.Annotations["container.apparmor.security.beta.kubernetes.io/"+one.Name] != "" {
			s.AppArmorProfile = nil
		}
		all[one.Name+string(rune('0'+i))] = s
	}
	all["pod"] = c
	return all
}

func marshal(p *corev1.Pod) string {
	b, _ := json.Marshal(p)
	return string(b)
}

// TestTypes wants the API server to find no fault with the types of any expression.
func TestTypes(t *testing.T) {
	set, _ := fixture(t)
	c := cluster.Start(t)
	c.StartManager()
	s, admin := server{t, c.URL}, c.Client("admin", "system:masters")
	s.must(admin, registration+"validatingadmissionpolicies", Validating(set))
	for range 100 {
		var got v1.ValidatingAdmissionPolicy
		s.send(admin, "GET", registration+"validatingadmissionpolicies/"+Name, nil, &got)
		if got.Status.ObservedGeneration == 0 {
			time.Sleep(200 * time.Millisecond)
			continue
		}
		if got.Status.TypeChecking != nil && len(got.Status.TypeChecking.ExpressionWarnings) > 0 {
			t.Errorf("%+v", got.Status.TypeChecking.ExpressionWarnings)
		}
		return
	}
	t.Fatal("nobody checks the types")
}
