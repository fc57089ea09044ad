package migrate

import (
	"context"
	"fmt"
	"strings"
	"testing"

	v1 "k8s.io/api/admissionregistration/v1"

	"github.com/plimsoll/plimsoll/internal/expr/admission"
	"github.com/plimsoll/plimsoll/internal/read/kube"
)

// The two policies that Kubernetes' own documentation gave as examples (privileged-psp.yaml and restricted-psp.yaml of
// kubernetes/website, up to 1.24), the second with a default for seccomp, and who may use them.
const documented = `
apiVersion: policy/v1beta1
kind: PodSecurityPolicy
metadata:
  name: privileged
  annotations: {seccomp.security.alpha.kubernetes.io/allowedProfileNames: '*'}
spec:
  privileged: true
  allowPrivilegeEscalation: true
  allowedCapabilities: ['*']
  volumes: ['*']
  hostNetwork: true
  hostPorts: [{min: 0, max: 65535}]
  hostIPC: true
  hostPID: true
  runAsUser: {rule: RunAsAny}
  seLinux: {rule: RunAsAny}
  supplementalGroups: {rule: RunAsAny}
  fsGroup: {rule: RunAsAny}
---
apiVersion: policy/v1beta1
kind: PodSecurityPolicy
metadata:
  name: restricted
  annotations:
    seccomp.security.alpha.kubernetes.io/allowedProfileNames: 'docker/default,runtime/default'
    seccomp.security.alpha.kubernetes.io/defaultProfileName: 'runtime/default'
    apparmor.security.beta.kubernetes.io/allowedProfileNames: 'runtime/default'
    apparmor.security.beta.kubernetes.io/defaultProfileName: 'runtime/default'
spec:
  privileged: false
  allowPrivilegeEscalation: false
  requiredDropCapabilities: [ALL]
  volumes: [configMap, emptyDir, projected, secret, downwardAPI, csi, persistentVolumeClaim, ephemeral]
  hostNetwork: false
  hostIPC: false
  hostPID: false
  runAsUser: {rule: MustRunAsNonRoot}
  seLinux: {rule: RunAsAny}
  supplementalGroups: {rule: MustRunAs, ranges: [{min: 1, max: 65535}]}
  fsGroup: {rule: MustRunAs, ranges: [{min: 1, max: 65535}]}
  readOnlyRootFilesystem: false
---
{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole, metadata: {name: r}, rules: [{apiGroups: [policy], resources: [podsecuritypolicies], resourceNames: [restricted], verbs: [use]}]}
---
{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole, metadata: {name: p}, rules: [{apiGroups: [policy], resources: [podsecuritypolicies], resourceNames: [privileged], verbs: [use]}]}
---
{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRoleBinding, metadata: {name: all}, roleRef: {kind: ClusterRole, name: r}, subjects: [{kind: Group, name: 'system:serviceaccounts'}]}
---
{apiVersion: rbac.authorization.k8s.io/v1, kind: RoleBinding, metadata: {name: node, namespace: nodes}, roleRef: {kind: ClusterRole, name: p}, subjects: [{kind: ServiceAccount, name: agent, namespace: nodes}]}
`

const agent = `
---
{apiVersion: apps/v1, kind: DaemonSet, metadata: {name: agent, namespace: nodes}, spec: {selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: b}}, spec: {serviceAccountName: agent, hostPID: true, containers: [{name: c, image: a, securityContext: {privileged: true}}]}}}}`

func migrated(t *testing.T, text string, by admission.User) *Result {
	t.Helper()
	objects, problems := kube.Manifest("dump.yaml", []byte(text))
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	by.Groups = append(by.Groups, "system:authenticated")
	r, errs := Run(context.Background(), Options{Around: kube.NewSnapshot(objects, nil), Namespace: "default", By: by, Action: v1.Deny})
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	return r
}

// TestRun puts namespaces under the levels that the documentation says the two examples are like, and has pods fare as
// they did: each is decided by the right of its service account or of who creates it, as the plugin did.
func TestRun(t *testing.T) {
	const pod = "\n---\n{apiVersion: v1, kind: Pod, metadata: {name: %s, namespace: %s}, spec: {serviceAccountName: %s, %scontainers: [{name: c, image: a%s}]}}"
	r := migrated(t, documented+agent+
		fmt.Sprintf(pod, "plain", "shop", "default", "", "")+
		fmt.Sprintf(pod, "root", "shop", "default", "", ", securityContext: {runAsUser: 0}")+
		fmt.Sprintf(pod, "host", "shop", "default", "hostNetwork: true, ", "")+
		fmt.Sprintf(pod, "other", "nodes", "default", "hostPID: true, ", ""), admission.User{Name: "somebody"})
	levels := map[string]string{}
	for _, n := range r.Namespaces {
		levels[n.Name] = fmt.Sprintf("%s %s", n.Level, strings.Join(n.Policies, ","))
	}
	if got := fmt.Sprint(levels); got != "map[nodes:privileged privileged,restricted shop:restricted restricted]" {
		t.Errorf("levels: %s", got)
	}
	want := map[string]string{
		"agent": "privileged", // the one policy of its account that admits it
		"plain": "restricted", // which fills in what is missing
		"root":  "", "host": "", "other": "",
	}
	for _, p := range r.Pods {
		if p.Policy != want[p.Name] || !p.Same() || (p.Why == "") != p.Admitted {
			t.Errorf("%s: by %q, admitted now: %t (%s)", p.Name, p.Policy, p.Admitted, p.Why)
		}
		if p.Name == "plain" && !p.Mutated {
			t.Error("plain is not changed")
		}
	}
	if len(r.Pods) != len(want) || len(r.Different()) > 0 || len(r.Unknown()) > 0 {
		t.Errorf("%d pods, %d different, unknown: %q", len(r.Pods), len(r.Different()), r.Unknown())
	}
}

// TestCreator lets an administrator create what no service account may, which lowers the level of the namespace and is
// said.
func TestCreator(t *testing.T) {
	const grant = "\n---\n{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRoleBinding, metadata: {name: o}, roleRef: {kind: ClusterRole, name: p}, subjects: [{kind: User, name: op}]}"
	const pod = "\n---\n{apiVersion: v1, kind: Pod, metadata: {name: root, namespace: shop}, spec: {containers: [{name: c, image: a, securityContext: {privileged: true}}]}}"
	r := migrated(t, documented+grant+pod, admission.User{Name: "op"})
	for _, n := range r.Namespaces {
		if n.Name == "shop" && (n.Level != "privileged" || !strings.Contains(n.Lowered, "refuses Pod root: ")) {
			t.Errorf("shop: %s, lowered: %q", n.Level, n.Lowered)
		}
	}
	if p := r.Pods[0]; p.Policy != "privileged" || !p.Same() || p.By != "op" {
		t.Errorf("%+v", p)
	}
	if notes := strings.Join(r.Notes(), "\n"); !strings.Contains(notes, "namespace shop: baseline refuses Pod root") {
		t.Error(notes)
	}
}

// TestMissing says of which bindings nobody knows what they grant, and of policies that admitted nothing.
func TestMissing(t *testing.T) {
	r := migrated(t, documented+"\n---\n{apiVersion: rbac.authorization.k8s.io/v1, kind: RoleBinding, metadata: {name: b, namespace: shop}, roleRef: {kind: Role, name: gone}, subjects: []}", admission.User{Name: "a"})
	if u := r.Unknown(); len(u) != 1 || !strings.Contains(u[0], "gone") {
		t.Errorf("unknown: %q", u)
	}
	b, err := r.Write()
	if err != nil {
		t.Fatal(err)
	}
	objects, problems := kube.Manifest("written", b)
	kinds := map[string]int{}
	for _, o := range objects {
		kinds[o.Kind]++
	}
	if len(problems) > 0 || kinds["ValidatingAdmissionPolicy"] != 1 || kinds["MutatingAdmissionPolicy"] != 1 || kinds["Namespace"] != len(r.Namespaces) {
		t.Errorf("%v, %v", problems, kinds)
	}
	for _, note := range r.Notes() {
		if !strings.Contains(string(b), "# - "+note+"\n") {
			t.Errorf("no comment says %q", note)
		}
	}
	for _, text := range []string{"", strings.Replace(documented, "hostIPC: true", "hostIPCs: true", 1)} {
		objects, _ := kube.Manifest("dump.yaml", []byte(text))
		if _, errs := Run(context.Background(), Options{Around: kube.NewSnapshot(objects, nil), Namespace: "default", Action: v1.Deny}); len(errs) == 0 {
			t.Errorf("taken: %.60q", text)
		}
	}
}
