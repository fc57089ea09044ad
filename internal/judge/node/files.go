package node

import (
	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/check"
	"github.com/plimsoll/plimsoll/internal/read/host"
)

// file makes the two checks of a file: who may do what with it, and whose it is.
func file(id, what, why, mode, owner string, most uint32, example string, find func(*Look) []*host.File) []Check {
	bits, digits, bad := "-rw-------", "600", "-rw-r--rw-"
	if most == 0o644 {
		bits, digits, bad = "-rw-r--r--", "644", "-rw-rw-rw-"
	}
	ls := func(bits, user string) string { return bits + " " + user + " " + user + " " + example }
	return []Check{
		{
			Card: Named("node/"+id+"-mode", what+" may be read or changed by others", finding.Medium, mode, check.Page{
				Why: why, Fix: "chmod " + digits + " " + example, Bad: ls(bad, "root"), Good: ls(bits, "root"),
			}),
			Look: func(l *Look) { l.Mode(most, find(l)...) },
		},
		{
			Card: Named("node/"+id+"-owner", what+" belongs to another than root", finding.Medium, owner, check.Page{
				Why: why, Fix: "chown root:root " + example, Bad: ls(bits, "shop"), Good: ls(bits, "root"),
			}),
			Look: func(l *Look) { l.Owner("root", "root", find(l)...) },
		},
	}
}

func files() (all []Check) {
	named := func(component, setting string, paths ...string) func(*Look) []*host.File {
		return func(l *Look) []*host.File { return l.Named(component, setting, paths...) }
	}
	unit := func(l *Look) []*host.File {
		return append(l.Below("/etc/systemd/system/kubelet.service.d", "/usr/lib/systemd/system/kubelet.service.d"),
			l.Files("/etc/systemd/system/kubelet.service", "/usr/lib/systemd/system/kubelet.service")...)
	}
	all = append(all, file("kubelet-unit", "the kubelet's unit", "What stands in it is started as root.", "cis-k8s-1.12/4.1.1", "cis-k8s-1.12/4.1.2", 0o600, "/etc/systemd/system/kubelet.service", unit)...)
	all = append(all, file("proxy-kubeconfig", "kube-proxy's kubeconfig", "It holds the key of kube-proxy's account.", "cis-k8s-1.12/4.1.3", "cis-k8s-1.12/4.1.4", 0o600, "/etc/kubernetes/proxy.conf",
		named("kube-proxy", "kubeconfig", "/etc/kubernetes/proxy.conf", "/var/lib/kube-proxy/kubeconfig"))...)
	all = append(all, file("kubelet-kubeconfig", "the kubelet's kubeconfig", "It leads to the node's own account: whoever has that reads the secrets of the pods here.", "cis-k8s-1.12/4.1.5", "cis-k8s-1.12/4.1.6", 0o600, "/etc/kubernetes/kubelet.conf",
		named("kubelet", "kubeconfig", "/etc/kubernetes/kubelet.conf"))...)
	all = append(all, file("kubelet-client-ca-file", "the CA by which the kubelet knows clients", "Who may change it chooses who runs commands in the pods here.", "cis-k8s-1.12/4.1.7", "cis-k8s-1.12/4.1.8", 0o644, "/etc/kubernetes/pki/ca.crt",
		named("kubelet", "client-ca-file", "/etc/kubernetes/pki/ca.crt"))...)
	return append(all, file("kubelet-config", "the kubelet's configuration", "Who may change it opens the node.", "cis-k8s-1.12/4.1.9", "cis-k8s-1.12/4.1.10", 0o600, "/var/lib/kubelet/config.yaml",
		named("kubelet", "config", "/var/lib/kubelet/config.yaml"))...)
}
