package host

import (
	"path"
	"strings"

	"github.com/plimsoll/plimsoll/internal/tree"
)

// ofK3s are the arguments that k3s gives the programs that it holds, where nobody gives others
// (k3s v1.36 pkg/daemons/control/server.go and pkg/daemons/agent/agent_linux.go).
func ofK3s(component string) map[string]string {
	tls := "/var/lib/rancher/k3s/server/tls/"
	switch component {
	case "kube-apiserver":
		return map[string]string{
			"anonymous-auth": "false", "authorization-mode": "Node,RBAC", "profiling": "false", "enable-admission-plugins": "NodeRestriction",
			"client-ca-file": tls + "client-ca.crt", "tls-cert-file": tls + "serving-kube-apiserver.crt", "tls-private-key-file": tls + "serving-kube-apiserver.key",
			"kubelet-certificate-authority": tls + "server-ca.crt", "kubelet-client-certificate": tls + "client-kube-apiserver.crt", "kubelet-client-key": tls + "client-kube-apiserver.key",
			"service-account-key-file": tls + "service.key", "requestheader-client-ca-file": tls + "request-header-ca.crt",
			"tls-cipher-suites": "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
		}
	case "kube-controller-manager":
		return map[string]string{
			"bind-address": "127.0.0.1", "profiling": "false", "use-service-account-credentials": "true",
			"service-account-private-key-file": tls + "service.current.key", "root-ca-file": tls + "server-ca.crt",
		}
	case "kube-scheduler":
		return map[string]string{"bind-address": "127.0.0.1", "profiling": "false"}
	case "kubelet":
		return map[string]string{
			"anonymous-auth": "false", "authorization-mode": "Webhook", "authentication-token-webhook": "true", "read-only-port": "0",
			"client-ca-file": "/var/lib/rancher/k3s/agent/client-ca.crt", "tls-cert-file": "/var/lib/rancher/k3s/agent/serving-kubelet.crt",
			"tls-private-key-file": "/var/lib/rancher/k3s/agent/serving-kubelet.key",
		}
	}
	return nil
}

// distribution adds what k3s runs in its own process. RKE2 starts its own as static pods, and a kubelet that is seen.
func (r *reader) distribution(name string, pid int, args []string) {
	if name != "k3s" || len(args) == 0 || args[0] != "server" && args[0] != "agent" {
		return
	}
	root := r.rootOf(pid)
	if root == nil {
		return
	}
	given := arguments(name, args[1:])
	var unread []string
	files := []string{"/etc/rancher/k3s/config.yaml"}
	if entries, err := root.list("/etc/rancher/k3s/config.yaml.d"); err == nil {
		for _, e := range entries {
			if ext := path.Ext(e.Name()); ext == ".yaml" || ext == ".yml" {
				files = append(files, path.Join("/etc/rancher/k3s/config.yaml.d", e.Name()))
			}
		}
	}
	for _, name := range files {
		f := root.look(name)
		if f.Why != "" {
			unread = append(unread, name+" could not be read: "+f.Why)
		}
		if d := f.Contents.Document(); d != nil {
			given = append(flagsIn(name, d), given...)
		}
	}
	runs := []string{"kubelet", "kube-proxy"}
	if args[0] == "server" {
		runs = append([]string{"kube-apiserver", "kube-controller-manager", "kube-scheduler"}, runs...)
	}
	program, _ := r.executable(pid)
	for _, one := range runs {
		c := &Component{Name: one, Process: pid, program: program, root: root, unread: unread, defaults: ofK3s(one), whose: "k3s"}
		for _, f := range given {
			if f.name == one+"-arg" {
				key, value, _ := strings.Cut(strings.TrimLeft(f.value, "-"), "=")
				c.flags = append(c.flags, flag{name: key, value: value, line: f.line, path: f.path})
			}
			if f.name == "secrets-encryption" && one == "kube-apiserver" && truth(f.value, nil) != "false" {
				c.flags = append(c.flags, flag{name: "encryption-provider-config", value: "/var/lib/rancher/k3s/server/cred/encryption-config.json", line: f.line, path: f.path})
			}
		}
		if one == "kubelet" {
			r.dropIns(c, "/var/lib/rancher/k3s/agent/etc/kubelet.conf.d", ".conf")
		}
		r.host.Components = append(r.host.Components, c)
	}
}

// flagsIn are those that k3s' configuration file gives: its keys are its flags.
func flagsIn(name string, d *tree.Value) (all []flag) {
	for _, e := range d.Map {
		for _, one := range e.Value.Items() {
			all = append(all, flag{name: strings.TrimSuffix(e.Key, "+"), value: one.String(), line: max(one.Line, e.Line), path: name})
		}
	}
	return all
}
