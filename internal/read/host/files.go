package host

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/tree"
)

// standing are the files that are judged wherever they are, whoever names them; and standingBelow the folders of
// which all is.
var (
	standing = []string{
		"/etc/kubernetes/admin.conf", "/etc/kubernetes/super-admin.conf", "/etc/kubernetes/scheduler.conf", "/etc/kubernetes/controller-manager.conf",
		"/etc/kubernetes/kubelet.conf", "/etc/kubernetes/bootstrap-kubelet.conf", "/etc/kubernetes/proxy.conf", "/var/lib/kube-proxy/kubeconfig", "/var/lib/kubelet/config.yaml", "/var/lib/kubelet/kubeadm-flags.env",
		"/var/lib/etcd", "/etc/systemd/system/kubelet.service", "/usr/lib/systemd/system/kubelet.service", "/lib/systemd/system/kubelet.service",
		"/etc/rancher/k3s/k3s.yaml", "/etc/rancher/rke2/rke2.yaml",
		"/etc/systemd/system/docker.service", "/usr/lib/systemd/system/docker.service", "/lib/systemd/system/docker.service",
		"/etc/systemd/system/docker.socket", "/usr/lib/systemd/system/docker.socket", "/lib/systemd/system/docker.socket",
		"/etc/docker", "/etc/docker/daemon.json", "/etc/default/docker", "/etc/sysconfig/docker", "/etc/containerd/config.toml",
		"/var/run/docker.sock", "/run/docker.sock", "/run/containerd/containerd.sock", "/var/run/crio/crio.sock", "/run/k3s/containerd/containerd.sock",
		"/var/lib/docker", "/var/lib/containerd", "/usr/bin/dockerd", "/usr/bin/containerd", "/usr/bin/runc", "/usr/bin/docker", "/etc/audit/audit.rules",
		"/run/containerd", "/usr/bin/containerd-shim", "/usr/bin/containerd-shim-runc-v2", "/usr/sbin/runc", "/usr/sbin/dockerd", "/etc/group",
	}
	standingBelow = []string{
		"/etc/kubernetes/pki", "/etc/cni/net.d", "/var/lib/kubelet/pki", "/etc/systemd/system/kubelet.service.d", "/usr/lib/systemd/system/kubelet.service.d",
		"/etc/docker/certs.d", "/etc/audit/rules.d", "/var/lib/rancher/k3s/server/tls", "/var/lib/rancher/rke2/server/tls", "/etc/containerd/certs.d",
	}
)

// files looks at all that is judged as a file: those, and those that settings name.
func (r *reader) files() {
	for _, name := range standing {
		r.host.root.look(name)
	}
	for _, dir := range standingBelow {
		r.host.root.lookBelow(dir)
	}
	for _, c := range r.host.Components {
		for _, f := range c.configs {
			r.registries(c, f.Contents.Document(), 0)
		}
		named := c.named()
		for i := 0; i < len(named); i++ { // what a file names is named, too
			if i >= maxBelow {
				r.gap(finding.Gap{Class: "limit-reached", What: fmt.Sprintf("%s (%s) names more than the %d files that are looked at", c.Name, c.Where(), maxBelow)})
				break
			}
			named = append(named, r.named(c, named[i])...)
		}
	}
}

// registries looks at the folders of registries that containerd's configuration names.
func (r *reader) registries(c *Component, v *tree.Value, depth int) {
	if v == nil || c.Name != "containerd" || depth > 8 {
		return
	}
	for _, e := range v.Map {
		if e.Key == "config_path" {
			for dir := range strings.SplitSeq(e.Value.String(), ":") {
				if path.IsAbs(dir) {
					c.root.lookBelow(dir)
				}
			}
		}
		r.registries(c, e.Value, depth+1)
	}
}

// named are the paths that a component's settings name.
func (c *Component) named() (all []string) {
	for _, f := range c.flags {
		all = append(all, pathsIn(f.value)...)
		if f.name == "cert-dir" || f.name == "config-path" {
			all = append(all, path.Join(f.value, "kubelet.crt"), path.Join(f.value, "apiserver.crt"))
		}
	}
	for _, e := range c.env {
		all = append(all, pathsIn(e)...)
	}
	for _, f := range c.configs {
		all = append(all, pathsBelow(f.Contents.Document(), path.Dir(f.Path), 0)...)
	}
	return all
}

// named looks at one path, and gives those that it names, where it has the form of a configuration or a kubeconfig.
func (r *reader) named(c *Component, name string) []string {
	name = c.onHost(name)
	if c.root.known(name) != nil {
		return nil
	}
	f := c.root.look(name)
	d := f.Contents.Document()
	if d.Get("kind") == nil {
		return nil
	}
	return pathsBelow(d, path.Dir(name), 0)
}

func pathsIn(text string) (all []string) {
	for one := range strings.SplitSeq(text, ",") {
		one = strings.TrimPrefix(one, "unix://")
		if path.IsAbs(one) && one != "/" {
			all = append(all, one)
		}
	}
	return all
}

// pathsBelow are those in a document: absolute ones, and those of the fields that name a file beside it.
func pathsBelow(v *tree.Value, dir string, depth int) (all []string) {
	if v == nil || depth > 20 {
		return nil
	}
	if v.Scalar {
		return pathsIn(v.Text)
	}
	for _, e := range v.Map {
		beside := slices.Contains([]string{"client-certificate", "client-key", "certificate-authority", "path", "kubeConfigFile", "config_path"}, e.Key)
		if text := e.Value.String(); beside && text != "" && !path.IsAbs(text) {
			all = append(all, path.Join(dir, text))
		}
		all = append(all, pathsBelow(e.Value, dir, depth+1)...)
	}
	for _, one := range v.List {
		all = append(all, pathsBelow(one, dir, depth+1)...)
	}
	return all
}
