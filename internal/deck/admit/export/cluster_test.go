package export

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	apiequality "k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/plimsoll/plimsoll/internal/deck/admit"
	"github.com/plimsoll/plimsoll/internal/read/kube"
	"github.com/plimsoll/plimsoll/testbed/cluster"
)

// server is a real API server.
type server struct {
	*cluster.Cluster
	t      *testing.T
	client *http.Client
}

// send asks, and gives the status and what stands in the answer.
func (s *server) send(method, path string, body any) (int, map[string]any) {
	s.t.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		s.t.Fatal(err)
	}
	r, err := http.NewRequest(method, s.URL+path, bytes.NewReader(text))
	if err != nil {
		s.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	answer, err := s.client.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer answer.Body.Close()
	b, err := io.ReadAll(answer.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	fields := map[string]any{}
	if err := json.Unmarshal(b, &fields); err != nil {
		s.t.Fatalf("%s %s: %s", method, path, b)
	}
	return answer.StatusCode, fields
}

const policyPath = "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies"

// apply makes all that is written.
func (s *server) apply(of *sides) {
	s.t.Helper()
	objects, _ := kube.Manifest("native.yaml", []byte(of.text))
	for _, o := range objects {
		path := map[string]string{
			"Namespace": "/api/v1/namespaces", "ValidatingAdmissionPolicy": policyPath, "ValidatingAdmissionPolicyBinding": "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicybindings",
			"MutatingAdmissionPolicy": "/apis/admissionregistration.k8s.io/v1/mutatingadmissionpolicies", "MutatingAdmissionPolicyBinding": "/apis/admissionregistration.k8s.io/v1/mutatingadmissionpolicybindings",
		}[o.Kind]
		if status, answer := s.send("POST", path, o.Fields); status != http.StatusCreated && status != http.StatusConflict {
			s.t.Fatalf("%s %s: %d %s", o.Kind, o.Name, status, answer["message"])
		}
	}
}

// enough is how many policies must have been checked: for each, the controller reads the schemas of nine kinds anew, which
// takes it ten seconds and more. PLIMSOLL_TEST_TYPES waits for all.
const enough = 3

// checked waits until the API server's controller has checked the types in enough policies, and wants it to have found
// nothing.
func (s *server) checked() {
	s.t.Helper()
	for end := time.Now().Add(10 * time.Minute); ; time.Sleep(time.Second) {
		_, list := s.send("GET", policyPath, nil)
		items, _ := list["items"].([]any)
		done := 0
		for _, i := range items {
			p := i.(map[string]any)
			name := p["metadata"].(map[string]any)["name"]
			status, _ := p["status"].(map[string]any)
			if status["observedGeneration"] == nil {
				continue
			}
			done++
			if types, _ := status["typeChecking"].(map[string]any); types["expressionWarnings"] != nil {
				s.t.Errorf("%s: %v", name, types["expressionWarnings"])
			}
		}
		switch {
		case done == len(items) && done > 0, done >= enough && os.Getenv("PLIMSOLL_TEST_TYPES") == "":
			s.t.Logf("%d of %d policies were checked, without a warning", done, len(items))
			return
		case time.Now().After(end):
			s.t.Fatalf("%d of %d policies are checked", done, len(items))
		}
	}
}

// TestCluster has a real API server take what is written, check its types, and decide by it as the webhook does.
func TestCluster(t *testing.T) {
	s := &server{Cluster: cluster.Start(t, "--disable-admission-plugins=ServiceAccount"), t: t}
	s.client = s.Client("admin", "system:masters")
	s.StartManager()
	const line = "failOn: medium\nwarnOn: low\nconnect: deny\ndefault: deny\nallow:\n- {images: ['good.example/**', 'docker.io/library/*', 'registry.k8s.io/**']}\n" +
		"namespaces:\n- {names: [pay], podSecurity: restricted, failOn: none}\n- {names: ['dev-*'], mode: warn}\nexempt: [none, gone, made]"
	of := sidesOf(t, line, exceptions, compiled(t)...)
	s.apply(of)
	gone := &sides{text: strings.ReplaceAll(sidesAt(t, time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), "failOn: none\nnamespaces: [{names: [gone], failOn: high}]",
		"exceptions: [{rule: pod/privileged, namespace: gone, reason: a, owner: b, until: 2026-02-01}, {rule: pod/host-pid, reason: a, owner: b, until: 2999-01-01}]").text, "plimsoll-", "gone-")}
	s.apply(gone)
	made := sidesOf(t, "failOn: none\nnamespaces: [{names: [made], podSecurity: restricted, change: {requests: {cpu: 10m, memory: 32Mi}, emptyDir: 1Gi}}]", "")
	made.text = strings.ReplaceAll(made.text, "ame: plimsoll-", "ame: made-")
	s.apply(made)
	for _, name := range []string{"none", "shop", "dev-1", "gone", "pay", "made"} {
		status, answer := s.send("POST", "/api/v1/namespaces", map[string]any{"apiVersion": "v1", "kind": "Namespace", "metadata": map[string]any{"name": name}})
		if status != http.StatusCreated && status != http.StatusConflict {
			t.Fatalf("namespace %s: %d %v", name, status, answer["message"])
		}
	}
	pods := func(namespace string) string { return "/api/v1/namespaces/" + namespace + "/pods?dryRun=All" }
	bad := &corev1.Pod{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Pod"}, ObjectMeta: metav1.ObjectMeta{Name: "x"}}
	yes := true
	bad.Spec.Containers = []corev1.Container{{Name: "a", Image: "good.example/a", SecurityContext: &corev1.SecurityContext{Privileged: &yes}}}
	denied := func(namespace string) map[string]any { // a policy holds some time after it was taken
		for end := time.Now().Add(time.Minute); ; time.Sleep(200 * time.Millisecond) {
			status, answer := s.send("POST", pods(namespace), bad)
			if status == http.StatusForbidden {
				return answer
			}
			if time.Now().After(end) {
				t.Fatalf("the policies do nothing in %s: %d %v", namespace, status, answer["message"])
			}
		}
	}
	denied("shop")
	t.Run("exceptions end", func(t *testing.T) {
		if answer := denied("gone"); !strings.Contains(answer["message"].(string), "pod/privileged") {
			t.Errorf("after the last day of the exception: %v", answer["message"])
		}
		other := bad.DeepCopy()
		other.Spec.Containers[0].SecurityContext, other.Spec.HostPID = nil, true
		if status, answer := s.send("POST", pods("gone"), other); status != http.StatusCreated {
			t.Errorf("before it: %d %v", status, answer["message"])
		}
	})
	t.Run("exec", func(t *testing.T) {
		if status, answer := s.send("POST", "/api/v1/namespaces/shop/pods/x/exec?command=id", nil); status != http.StatusForbidden && status != http.StatusNotFound {
			t.Errorf("%d %v", status, answer["message"])
		}
	})
	t.Run("changes", func(t *testing.T) { s.changedAlike(t, made) })
	t.Run("use", func(t *testing.T) { s.used(t) })
	s.alike(of)
	s.checked()
}

const labelled = `{apiVersion: plimsoll/v1, kind: Policy, metadata: {name: labelled}, spec: {subject: manifest, use: [user, serviceAccount],
  matchConditions: [{name: labelled, expression: "pods.exists(p, p.metadata.?labels[?'x'].hasValue())"}]}}`

// used wants the API server's authorizer to say who may use a policy.
func (s *server) used(t *testing.T) {
	of := sidesOf(t, "failOn: none\nnamespaces: [{names: [made]}, {names: ['*'], mode: 'off'}]", "", compile(t, labelled)...)
	of.text = strings.ReplaceAll(of.text, "ame: plimsoll-", "ame: used-")
	s.apply(of)
	const rbac = "/apis/rbac.authorization.k8s.io/v1/"
	grant := func(role, namespace string, rule map[string]any, subject map[string]any) {
		t.Helper()
		meta := map[string]any{"name": role, "namespace": namespace}
		for kind, body := range map[string]map[string]any{
			"Role":        {"rules": []any{rule}},
			"RoleBinding": {"roleRef": map[string]any{"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": role}, "subjects": []any{subject}},
		} {
			body["apiVersion"], body["kind"], body["metadata"] = "rbac.authorization.k8s.io/v1", kind, meta
			if status, answer := s.send("POST", rbac+"namespaces/"+namespace+"/"+strings.ToLower(kind)+"s", body); status != http.StatusCreated {
				t.Fatalf("%s: %d %v", role, status, answer["message"])
			}
		}
	}
	ann := map[string]any{"kind": "User", "apiGroup": "rbac.authorization.k8s.io", "name": "ann"}
	grant("makes-pods", "made", map[string]any{"apiGroups": []string{""}, "resources": []string{"pods"}, "verbs": []string{"create"}}, ann)
	asAnn := &server{Cluster: s.Cluster, t: t, client: s.Client("ann", "strangers")}
	p := &corev1.Pod{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Pod"}, ObjectMeta: metav1.ObjectMeta{Name: "x", Namespace: "made", Labels: map[string]string{"x": "y"}}}
	p.Spec.ServiceAccountName, p.Spec.Containers = "robot", []corev1.Container{{Name: "a", Image: "good.example/a:1"}}
	until := func(want int, says string) {
		t.Helper()
		for end := time.Now().Add(time.Minute); ; time.Sleep(200 * time.Millisecond) {
			status, answer := asAnn.send("POST", "/api/v1/namespaces/made/pods?dryRun=All", p)
			message, _ := answer["message"].(string)
			if status == want && strings.Contains(message, says) {
				return
			}
			if time.Now().After(end) {
				t.Fatalf("%d %s", status, message)
			}
		}
	}
	until(http.StatusForbidden, "neither who asks nor the service account of its pods may use the policy labelled (policies.plimsoll.io)")
	use := map[string]any{"apiGroups": []string{"plimsoll.io"}, "resources": []string{"policies"}, "resourceNames": []string{"labelled"}, "verbs": []string{"use"}}
	grant("of-the-account", "made", use, map[string]any{"kind": "ServiceAccount", "name": "robot", "namespace": "made"})
	until(http.StatusCreated, "")
	p.Spec.ServiceAccountName = "other"
	until(http.StatusForbidden, "may use the policy labelled")
	grant("of-ann", "made", use, ann)
	until(http.StatusCreated, "")
}

// changedAlike sends pods that leave much open, and what makes them, and wants them to come out as the webhook changes them,
// and to be let in as it does.
func (s *server) changedAlike(t *testing.T, of *sides) {
	plain := &corev1.Pod{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Pod"}, ObjectMeta: metav1.ObjectMeta{Name: "x", Namespace: "made"}}
	plain.Spec.Containers = []corev1.Container{{Name: "a", Image: "good.example/a:1"}}
	for end := time.Now().Add(time.Minute); ; time.Sleep(200 * time.Millisecond) { // a policy holds some time after it was taken
		status, answer := s.send("POST", "/api/v1/namespaces/made/pods?dryRun=All", plain)
		if text, _ := json.Marshal(answer["spec"]); status == http.StatusCreated && strings.Contains(string(text), `"allowPrivilegeEscalation":false`) {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("the policies change nothing: %d %v", status, answer["message"])
		}
	}
	d := dice{rand.New(rand.NewPCG(23, 24))}
	changed, denied := 0, 0
	for range 100 {
		p := d.plainPod("none")
		p.Annotations = nil
		calm(p)
		path := func(namespace string) string { return "/api/v1/namespaces/" + namespace + "/pods?dryRun=All" }
		status, filled := s.send("POST", path("none"), p)
		if status != http.StatusCreated {
			continue
		}
		filled["metadata"].(map[string]any)["namespace"] = "made"
		text, _ := json.Marshal(filled)
		asServed := &corev1.Pod{}
		if err := json.Unmarshal(text, asServed); err != nil {
			t.Fatal(err)
		}
		want, _ := byWebhook(t, of, asServed)
		decision := of.line.Decide(t.Context(), admit.Fail, asked{now: want, kind: podKind, resource: podResource, user: "admin"}.webhook(t), today)
		p.Namespace = "made"
		status, answer := s.send("POST", path("made"), p)
		if (status == http.StatusCreated) != decision.Allowed {
			t.Fatalf("the webhook says %t %s\nthe server %d %v\n%s", decision.Allowed, decision.Message, status, answer["message"], text)
		}
		if status != http.StatusCreated {
			denied++
			continue
		}
		changed++
		got := &corev1.Pod{}
		text, _ = json.Marshal(answer)
		if err := json.Unmarshal(text, got); err != nil {
			t.Fatal(err)
		}
		for _, o := range []*corev1.Pod{want, got} {
			o.ObjectMeta, o.Status = metav1.ObjectMeta{Annotations: o.Annotations}, corev1.PodStatus{}
		}
		if !apiequality.Semantic.DeepEqual(want, got) {
			t.Fatalf("webhook (-) and server (+):\n%s", cmp.Diff(want, got))
		}
	}
	t.Logf("%d changed and %d denied alike", changed, denied)
	if changed < 10 || denied < 5 {
		t.Error("the pods say too little")
	}
}

// alike sends pods and what makes them, as the API server fills them in, and compares what it decides.
func (s *server) alike(of *sides) {
	d := dice{rand.New(rand.NewPCG(13, 14))}
	admitted, denied, skipped := 0, 0, 0
	for range 8 * rounds() {
		p := d.pod("none")
		p.Annotations = nil
		calm(p)
		all := append(workloads(p), asked{now: p, kind: podKind, resource: podResource})
		a := all[d.IntN(len(all))]
		if d.IntN(2) == 0 {
			a = all[len(all)-1]
		}
		path := func(namespace string) string {
			root := "/api/v1"
			if a.resource.Group != "" {
				root = "/apis/" + a.resource.Group + "/v1"
			}
			return root + "/namespaces/" + namespace + "/" + a.resource.Resource + "?dryRun=All"
		}
		status, filled := s.send("POST", path("none"), a.now)
		if status != http.StatusCreated {
			if skipped++; status != http.StatusUnprocessableEntity {
				s.t.Errorf("%d %v", status, filled["message"])
			}
			continue
		}
		namespace := pick(d, "shop", "dev-1", "pay")
		filled["metadata"].(map[string]any)["namespace"] = namespace
		text, _ := json.Marshal(filled)
		r := a.webhook(s.t)
		r.Namespace, r.Object, r.UserInfo.Username = namespace, runtime.RawExtension{Raw: text}, "admin"
		decision := of.line.Decide(s.t.Context(), admit.All, r, today)
		meta1(a.now).SetNamespace(namespace)
		status, answer := s.send("POST", path(namespace), a.now)
		switch {
		case decision.Allowed && status == http.StatusCreated:
			admitted++
		case !decision.Allowed && status == http.StatusForbidden:
			denied++
		default:
			s.t.Errorf("%s in %s: the webhook says %t %s\nthe server %d %v\n%s", a.kind.Kind, namespace, decision.Allowed, decision.Message, status, answer["message"], text)
		}
		if message := fmt.Sprint(answer["message"]); strings.Contains(message, "resulted in error") || strings.Contains(message, "budget") {
			s.t.Error(message)
		}
		if s.t.Failed() {
			return
		}
	}
	s.t.Logf("%d admitted and %d denied alike; %d were no pods", admitted, denied, skipped)
	if admitted < 20 || denied < 20 {
		s.t.Error("the pods say too little")
	}
}

// calm takes out most of what no API server would take, and half of what is bad.
func calm(p *corev1.Pod) {
	s := &p.Spec
	s.EphemeralContainers, s.OS, s.Resources, s.PriorityClassName, s.NodeName, s.Tolerations = nil, nil, nil, "", "", nil
	if s.SecurityContext != nil {
		s.SecurityContext.WindowsOptions, s.SecurityContext.AppArmorProfile = nil, nil
		s.SecurityContext.SeccompProfile = &corev1.SeccompProfile{Type: "RuntimeDefault"}
	}
	for i := range s.Volumes {
		if s.Volumes[i].Projected != nil || s.Volumes[i].NFS != nil || s.Volumes[i].GitRepo != nil || s.Volumes[i].ConfigMap != nil {
			s.Volumes[i].VolumeSource = corev1.VolumeSource{}
		}
	}
	for _, list := range [][]corev1.Container{s.InitContainers, s.Containers} {
		for i := range list {
			c := &list[i]
			c.Env, c.EnvFrom, c.Ports, c.LivenessProbe, c.ReadinessProbe, c.StartupProbe, c.Lifecycle = nil, nil, nil, nil, nil, nil, nil
			c.Resources, c.VolumeMounts, c.RestartPolicy = corev1.ResourceRequirements{}, nil, nil
			if len(s.Volumes) > 0 {
				c.VolumeMounts = []corev1.VolumeMount{{Name: s.Volumes[0].Name, MountPath: "/x", ReadOnly: i == 0}}
			}
			if len(c.Image)%3 != 0 {
				c.Image = "good.example/a"
			}
			if x := c.SecurityContext; x != nil {
				x.WindowsOptions, x.AppArmorProfile, x.ProcMount = nil, nil, nil
				if x.SeccompProfile != nil {
					x.SeccompProfile = &corev1.SeccompProfile{Type: "RuntimeDefault"}
				}
				if x.Privileged != nil && *x.Privileged || x.Capabilities != nil {
					x.AllowPrivilegeEscalation = nil
				}
			}
		}
	}
	if len(s.Containers) > 1 && len(s.Volumes) == 1 { // a good one now and then
		s.HostNetwork, s.HostPID, s.HostIPC, s.Volumes, s.SecurityContext = false, false, false, nil, nil
		for _, list := range [][]corev1.Container{s.InitContainers, s.Containers} {
			for i := range list {
				list[i].VolumeMounts, list[i].SecurityContext, list[i].Image = nil, nil, "good.example/a:1"
			}
		}
	}
	s.DeprecatedServiceAccount = s.ServiceAccountName
}
