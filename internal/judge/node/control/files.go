package control

import (
	"slices"
	"strings"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/check"
	"github.com/plimsoll/plimsoll/internal/judge/node"
	"github.com/plimsoll/plimsoll/internal/read/host"
)

// file makes the two checks of a file or some: who may do what with it, and whose it is.
func file(id, what, why, cis string, most uint32, severity finding.Severity, example string, find func(*node.Look) []*host.File) []node.Check {
	mode, owner, _ := strings.Cut(cis, " ")
	dir, first := "-", "rw-------"
	if most == 0o700 {
		dir, first = "d", "rwx------"
	}
	ls := func(bits, user string) string { return dir + bits + " " + user + " " + user + " " + example }
	user := "root"
	if owner == "1.1.12" {
		user = "etcd"
	}
	all := []node.Check{{
		Card: node.Named("control/"+id+"-mode", what+" may be read or changed by others", severity, "cis-k8s-1.12/"+mode, check.Page{
			Why: why, Fix: "chmod " + node.Octal(most) + " " + example, Bad: ls(first[:3]+"r--rw-", user), Good: ls(first, user),
		}),
		Look: func(l *node.Look) { l.Mode(most, find(l)...) },
	}}
	if owner == "" {
		return all
	}
	if user == "etcd" {
		severity = finding.Low // it is root's where etcd runs as root, as kubeadm has it
	}
	return append(all, node.Check{
		Card: node.Named("control/"+id+"-owner", what+" belongs to another than "+user, severity, "cis-k8s-1.12/"+owner, check.Page{
			Why: why, Fix: "chown " + user + ":" + user + " " + example, Bad: ls(first, "shop"), Good: ls(first, user),
		}),
		Look: func(l *node.Look) { l.Owner(user, user, find(l)...) },
	})
}

// certificateFiles and keyFiles are the settings of a control plane and a kubelet that name such a file, one each.
var (
	certificateFiles = []string{
		"tls-cert-file", "client-ca-file", "etcd-certfile", "etcd-cafile", "kubelet-client-certificate", "kubelet-certificate-authority", "proxy-client-cert-file",
		"requestheader-client-ca-file", "cluster-signing-cert-file", "root-ca-file", "cert-file", "trusted-ca-file", "peer-cert-file", "peer-trusted-ca-file",
	}
	keyFiles = []string{
		"tls-private-key-file", "etcd-keyfile", "kubelet-client-key", "proxy-client-key-file", "service-account-signing-key-file", "service-account-private-key-file",
		"cluster-signing-key-file", "key-file", "peer-key-file",
	}
)

func files() (all []node.Check) {
	manifest := func(component string) func(*node.Look) []*host.File {
		return func(l *node.Look) (found []*host.File) {
			paths := []string{"/etc/kubernetes/manifests/" + component + ".yaml"}
			for _, c := range l.Host.Components {
				if c.Name == component && c.Manifest != "" && c.Manifest != paths[0] {
					paths = append(paths, c.Manifest)
				}
			}
			return l.Files(paths...)
		}
	}
	these := func(paths ...string) func(*node.Look) []*host.File {
		return func(l *node.Look) []*host.File { return l.Files(paths...) }
	}
	named := func(component, setting string, paths ...string) func(*node.Look) []*host.File {
		return func(l *node.Look) []*host.File { return l.Named(component, setting, paths...) }
	}
	const (
		starts = "What stands in it the kubelet starts, with all rights on the node."
		key    = "It holds the key of an account of the control plane."
		pki    = "/etc/kubernetes/pki"
	)
	for _, m := range []struct{ component, id, cis string }{
		{server, "server-manifest", "1.1.1 1.1.2"},
		{manager, "manager-manifest", "1.1.3 1.1.4"},
		{scheduler, "scheduler-manifest", "1.1.5 1.1.6"},
		{store, "etcd-manifest", "1.1.7 1.1.8"},
	} {
		all = append(all, file(m.id, "the manifest of "+m.component, starts, m.cis, 0o600, finding.Medium, "/etc/kubernetes/manifests/"+m.component+".yaml", manifest(m.component))...)
	}
	network := file("cni", "the configuration of the pods' network", "It says which program gives pods their network, and that runs as root.", "1.1.9 1.1.10", 0o600, finding.Low, "/etc/cni/net.d/10-net.conflist",
		func(l *node.Look) []*host.File {
			if !l.Host.Has("kubelet", "k3s", "rke2") {
				return nil // of Podman, say
			}
			all := l.Below("/etc/cni/net.d")
			return slices.Concat(ending(all, ".conf"), ending(all, ".conflist"), ending(all, ".json"), ending(all, "kubeconfig"))
		})
	for i := range network {
		p := &network[i].Page
		p.Bad, p.Good = "$ kubelet\n"+p.Bad, "$ kubelet\n"+p.Good
	}
	all = append(all, network...)
	all = append(all, file("etcd-data", "the data of etcd", "It holds all secrets of the cluster.", "1.1.11 1.1.12", 0o700, finding.High, "/var/lib/etcd", named(store, "data-dir", "/var/lib/etcd"))...)
	all = append(all, file("admin-kubeconfig", "the administrator's kubeconfig", "Whoever reads it is administrator of the cluster until its certificate ends.", "1.1.13 1.1.14", 0o600, finding.High, "/etc/kubernetes/admin.conf",
		these("/etc/kubernetes/admin.conf", "/etc/kubernetes/super-admin.conf", "/etc/rancher/k3s/k3s.yaml", "/etc/rancher/rke2/rke2.yaml"))...)
	all = append(all, file("scheduler-kubeconfig", "the scheduler's kubeconfig", key, "1.1.15 1.1.16", 0o600, finding.Medium, "/etc/kubernetes/scheduler.conf", named(scheduler, "kubeconfig", "/etc/kubernetes/scheduler.conf"))...)
	all = append(all, file("manager-kubeconfig", "the controller manager's kubeconfig", key, "1.1.17 1.1.18", 0o600, finding.Medium, "/etc/kubernetes/controller-manager.conf", named(manager, "kubeconfig", "/etc/kubernetes/controller-manager.conf"))...)

	tls := func(l *node.Look, suffix string, settings ...string) (all []*host.File) {
		for _, dir := range []string{pki, "/var/lib/rancher/k3s/server/tls", "/var/lib/rancher/rke2/server/tls"} {
			all = append(all, ending(l.Host.Below(dir), suffix)...)
			l.Missing(dir, settings...)
		}
		if len(all) > 0 {
			l.Saw()
		}
		return all
	}
	all = append(all, node.Check{
		Card: node.Named("control/pki-owner", "a file of the cluster's PKI belongs to another than root", finding.High, "cis-k8s-1.12/1.1.19", check.Page{
			Why: "Who may change a CA's files makes himself whom he likes.", Fix: "chown -R root:root " + pki, Bad: "-rw-r--r-- shop shop " + pki + "/ca.crt", Good: "-rw-r--r-- root root " + pki + "/ca.crt",
		}),
		Look: func(l *node.Look) {
			all := append(l.Below(pki), l.Files(pki)...)
			l.Owner("root", "root", append(all, tls(l, "", slices.Concat(certificateFiles, keyFiles)...)...)...)
		},
	})
	all = append(all, file("pki-certificate", "a certificate of the cluster", "Who may change a CA's certificate chooses whom the cluster believes.", "1.1.20", 0o644, finding.Medium, pki+"/ca.crt",
		func(l *node.Look) []*host.File { return tls(l, ".crt", certificateFiles...) })...)
	return append(all, file("pki-key", "a private key of the cluster", "Whoever reads a CA's key makes himself administrator, and no log tells of it.", "1.1.21", 0o600, finding.High, pki+"/ca.key",
		func(l *node.Look) []*host.File { return tls(l, ".key", keyFiles...) })...)
}

// plain are the files among files and folders.
func plain(all []*host.File) (some []*host.File) {
	for _, f := range all {
		if f.Mode.IsRegular() {
			some = append(some, f)
		}
	}
	return some
}

func ending(all []*host.File, suffix string) (some []*host.File) {
	for _, f := range plain(all) {
		if strings.HasSuffix(f.Path, suffix) {
			some = append(some, f)
		}
	}
	return some
}
