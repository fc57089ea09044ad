package harden

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/plimsoll/plimsoll/internal/read/host"
	"github.com/plimsoll/plimsoll/internal/read/host/hosttest"
	"github.com/plimsoll/plimsoll/internal/tell/harden/remedy"
)

var (
	now     = time.Date(2026, 11, 29, 0, 0, 0, 0, time.UTC)
	options = remedy.Options{Folder: "/etc/kubernetes/plimsoll", Log: "/var/log/kubernetes/audit/audit.log"}
)

// loose is a control plane as an old guide sets it up: what kubeadm writes, with what makes it worse.
const loose = `
$ kubelet --config=/var/lib/kubelet/config.yaml
-rw-r--r-- root root /etc/kubernetes/admin.conf
# /etc/kubernetes/manifests/kube-apiserver.yaml
apiVersion: v1
kind: Pod
metadata: {name: kube-apiserver, namespace: kube-system}
spec:
  containers:
  - command:
    - kube-apiserver
    - --anonymous-auth=true # for the load balancer
    - --authorization-mode=AlwaysAllow
    - --client-ca-file=/etc/kubernetes/pki/ca.crt
    - --disable-admission-plugins=PodSecurity,DefaultStorageClass
    - --service-account-lookup=false
    image: registry.k8s.io/kube-apiserver:v1.37.2
    name: kube-apiserver
    volumeMounts:
    - mountPath: /etc/kubernetes/pki
      name: k8s-certs
      readOnly: true
  volumes:
  - hostPath:
      path: /etc/kubernetes/pki
      type: DirectoryOrCreate
    name: k8s-certs
# /etc/kubernetes/manifests/kube-scheduler.yaml
apiVersion: v1
kind: Pod
spec:
  containers:
  - name: kube-scheduler
    command: [kube-scheduler, --bind-address, 0.0.0.0]
    image: registry.k8s.io/kube-scheduler:v1.37.2
# /var/lib/kubelet/config.yaml
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
authentication:
  anonymous:
    enabled: true
readOnlyPort: 10255
featureGates: {RotateKubeletServerCertificate: false}
`

func run(t *testing.T, text string) *remedy.Remedies {
	t.Helper()
	root := hosttest.FS(text)
	h, err := host.Read(t.Context(), &host.Source{FS: root})
	if err != nil {
		t.Fatal(err)
	}
	r, err := Run(t.Context(), root, h, now, options)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func file(t *testing.T, r *remedy.Remedies, name string) string {
	t.Helper()
	for _, f := range r.Files {
		if f.Path == name {
			return string(f.After)
		}
	}
	t.Fatalf("there is no %s", name)
	return ""
}

// TestMends wants what was found gone when the files are used, and no word of the file lost that is not wrong.
func TestMends(t *testing.T) {
	r := run(t, loose)
	if len(r.Mended) < 20 || slices.ContainsFunc(r.Left, func(l remedy.Left) bool { return strings.Contains(l.Do, "was written") }) {
		t.Errorf("%d mended, left: %+v", len(r.Mended), r.Left)
	}
	server := file(t, r, "/etc/kubernetes/manifests/kube-apiserver.yaml")
	for _, want := range []string{
		"    - --authorization-mode=Node,RBAC\n", "    - --client-ca-file=/etc/kubernetes/pki/ca.crt\n", "    - --disable-admission-plugins=DefaultStorageClass\n",
		"    - --authentication-config=/etc/kubernetes/plimsoll/authentication.yaml\n", "    - --enable-admission-plugins=", "NodeRestriction",
		"    - mountPath: /etc/kubernetes/plimsoll\n      name: plimsoll\n      readOnly: true\n", "    - mountPath: /var/log/kubernetes/audit\n      name: plimsoll-audit\n",
		"  - hostPath:\n      path: /etc/kubernetes/plimsoll\n      type: DirectoryOrCreate\n    name: plimsoll\n",
	} {
		if !strings.Contains(server, want) {
			t.Errorf("the server's manifest lacks %q:\n%s", want, server)
		}
	}
	for _, bad := range []string{"AlwaysAllow", "anonymous-auth", "service-account-lookup", "PodSecurity"} {
		if strings.Contains(server, bad) {
			t.Errorf("the server's manifest has %q:\n%s", bad, server)
		}
	}
	if s := file(t, r, "/etc/kubernetes/manifests/kube-scheduler.yaml"); !strings.Contains(s, "--bind-address=127.0.0.1") || strings.Contains(s, "0.0.0.0") {
		t.Error(s)
	}
	kubelet := file(t, r, "/var/lib/kubelet/config.yaml")
	for _, want := range []string{"enabled: false", "readOnlyPort: 0", "RotateKubeletServerCertificate: true", "seccompDefault: true", "- TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"} {
		if !strings.Contains(kubelet, want) {
			t.Errorf("the kubelet's configuration lacks %q:\n%s", want, kubelet)
		}
	}
	if len(r.Commands) == 0 || r.Commands[0] != "chmod 600 /etc/kubernetes/admin.conf" {
		t.Errorf("commands: %q", r.Commands)
	}
	if len(r.Left) == 0 {
		t.Error("nothing is left to a person")
	}
}

// TestSecret wants the key in no file but its own.
func TestSecret(t *testing.T) {
	r := run(t, loose)
	for _, f := range r.Files {
		if strings.Contains(string(f.After), "secretbox") != f.Secret {
			t.Errorf("%s: secret %t", f.Path, f.Secret)
		}
	}
	again := run(t, loose)
	const name = "/etc/kubernetes/plimsoll/encryption.yaml"
	if file(t, r, name) == file(t, again, name) {
		t.Error("two runs make the same key")
	}
}

// TestKeeps wants what a person decided to stay: a document of their own is not replaced, and webhooks go on deciding.
func TestKeeps(t *testing.T) {
	r := run(t, `
# /etc/kubernetes/manifests/kube-apiserver.yaml
apiVersion: v1
kind: Pod
spec:
  containers:
  - name: kube-apiserver
    image: registry.k8s.io/kube-apiserver:v1.34.2
    command:
    - kube-apiserver
    - --authorization-mode=Webhook,AlwaysAllow
    - --audit-log-path=/var/log/audit.log
    - --audit-policy-file=/etc/kubernetes/audit.yaml
    - --oidc-issuer-url=https://id.example.org
    - --oidc-client-id=cluster-a
    - --oidc-ca-file=/etc/kubernetes/nowhere.crt
    volumeMounts: [{name: k, mountPath: /etc/kubernetes}]
  volumes: [{name: k, hostPath: {path: /etc/kubernetes}}]
# /etc/kubernetes/audit.yaml
apiVersion: audit.k8s.io/v1
kind: Policy
rules:
- {level: None, resources: [{group: '', resources: [secrets]}]}
- level: Metadata
`)
	server := file(t, r, "/etc/kubernetes/manifests/kube-apiserver.yaml")
	if !strings.Contains(server, "--authorization-mode=Node,Webhook,RBAC") || !strings.Contains(server, "--audit-policy-file=/etc/kubernetes/audit.yaml") || strings.Contains(server, "authentication-config") {
		t.Error(server)
	}
	left := map[string]string{}
	for _, l := range r.Left {
		left[l.Rule] = l.Do
	}
	if !strings.Contains(left["control/audit-policy-gaps"], "/etc/kubernetes/audit.yaml") || !strings.Contains(left["control/anonymous-auth"], "nowhere.crt, which it holds itself, could not be read") {
		t.Errorf("%+v", r.Left)
	}
}

// TestStays wants what is written to be what the kubelet and the programs start with: no folder mounted twice, no variable
// beside a flag, probes where the program listens, no number lowered, and nothing for a version that is not known.
func TestStays(t *testing.T) {
	r := run(t, `
# /etc/kubernetes/manifests/kube-apiserver.yaml
apiVersion: v1
kind: Pod
spec:
  containers:
  - name: kube-apiserver
    image: registry.k8s.io/kube-apiserver@sha256:5f2b9c0de1a847365f2b9c0de1a847365f2b9c0de1a847365f2b9c0de1a84736
    command: [kube-apiserver, --audit-log-path=/var/log/kubernetes/audit/audit.log, --audit-log-maxage=365]
    volumeMounts:
    - {name: logs, mountPath: /var/log/kubernetes/audit}
  volumes:
  - {name: logs, hostPath: {path: /srv/audit}}
# /etc/kubernetes/manifests/kube-controller-manager.yaml
apiVersion: v1
kind: Pod
spec:
  containers:
  - name: kube-controller-manager
    command: [kube-controller-manager]
    livenessProbe: {httpGet: {path: /healthz, port: 10257, scheme: HTTPS}}
# /etc/kubernetes/manifests/etcd.yaml
apiVersion: v1
kind: Pod
spec:
  containers:
  - name: etcd
    command: [etcd, --trusted-ca-file=/etc/kubernetes/pki/etcd/ca.crt, --cert-file=/c, --key-file=/k, --listen-client-urls=https://0.0.0.0:2379]
    env: [{name: ETCD_CLIENT_CERT_AUTH, value: "false"}, {name: ETCD_NAME, value: a}, {name: ETCD_AUTO_TLS, value: "true"}]
# /etc/kubernetes/manifests/kube-scheduler.yaml
apiVersion: v1
kind: Pod
spec:
  containers:
  - name: kube-scheduler
    command: [/bin/sh, -c, exec kube-scheduler --profiling=true]
`)
	server := file(t, r, "/etc/kubernetes/manifests/kube-apiserver.yaml")
	if strings.Count(server, "mountPath: /var/log/kubernetes/audit") != 1 || !strings.Contains(server, "--audit-log-maxage=365") || strings.Contains(server, "authentication-config") {
		t.Error(server)
	}
	if s := file(t, r, "/etc/kubernetes/manifests/kube-controller-manager.yaml"); !strings.Contains(s, "host: 127.0.0.1") || !strings.Contains(s, "--bind-address=127.0.0.1") {
		t.Error(s)
	}
	if s := file(t, r, "/etc/kubernetes/manifests/etcd.yaml"); strings.Contains(s, "ETCD_CLIENT_CERT_AUTH") || strings.Contains(s, "ETCD_AUTO_TLS") || !strings.Contains(s, "ETCD_NAME") {
		t.Error(s)
	}
	for _, f := range r.Files {
		if f.Path == "/etc/kubernetes/manifests/kube-scheduler.yaml" && string(f.After) != string(f.Before) {
			t.Errorf("a shell's command line is edited:\n%s", f.After)
		}
	}
	if !slices.ContainsFunc(r.Left, func(l remedy.Left) bool { return l.Of == "kube-scheduler" }) {
		t.Errorf("nobody is told of the scheduler: %+v", r.Left)
	}
}

// TestHostile wants a manifest that cannot be edited to be an error that names it, and not half a file.
func TestHostile(t *testing.T) {
	for _, text := range []string{
		"# /etc/kubernetes/manifests/a.yaml\nkind: Pod\nspec: {containers: [{name: kube-apiserver, command: [sh, -c, 'exec kube-apiserver --profiling']}]}\n",
		"# /etc/kubernetes/manifests/a.yaml\nkind: Pod\nspec: {containers: [{name: x, command: [kube-apiserver]}]}\n---\nkind: Pod\n",
	} {
		root := hosttest.FS(text)
		h, err := host.Read(t.Context(), &host.Source{FS: root})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Run(t.Context(), root, h, now, options); err != nil && !strings.Contains(err.Error(), "/etc/kubernetes/manifests/a.yaml") {
			t.Error(err)
		}
	}
}
