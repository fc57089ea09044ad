package engine

import (
	"strings"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/check"
	"github.com/plimsoll/plimsoll/internal/judge/node"
	"github.com/plimsoll/plimsoll/internal/read/host"
	"github.com/plimsoll/plimsoll/internal/tree"
)

func containerd() []node.Check {
	const c, config = "containerd", "--config=/etc/containerd/config.toml\n# /etc/containerd/config.toml\nversion = 3\n"
	const registry = "[plugins.'io.containerd.cri.v1.images'.registry]\nconfig_path = '/etc/containerd/certs.d'\n# /etc/containerd/certs.d/registry.example.org/hosts.toml\n"
	return []node.Check{
		of(c, "containerd-insecure-registry", "containerd pulls from a registry without looking who it is", finding.High, "nsa-1.2/worker-node-segmentation", check.Page{
			Why: "Who stands between gives the node the image that he likes, and pods run it.", Fix: "Give the registry a certificate, name its CA (ca in hosts.toml), and drop skip_verify and http://.",
			Bad: config + registry + "server = 'https://registry.example.org'\n[host.'https://registry.example.org']\nskip_verify = true", Good: config + registry + "server = 'https://registry.example.org'\n[host.'https://registry.example.org']\nca = '/etc/ssl/registry.pem'",
		}, func(l *node.Look) {
			each(l, func(f *host.File, field string, v *tree.Value) {
				if strings.HasSuffix(field, ".tls.insecure_skip_verify") && v.Is("true") {
					l.Hit(says(f, field, v), field)
				}
				if strings.Contains(field, ".mirrors.") && plain(v.String()) {
					l.Hit(says(f, field, v), v.String())
				}
			})
			for _, f := range l.Host.Below("/") {
				if !strings.HasSuffix(f.Path, "/hosts.toml") || f.Contents == nil {
					continue
				}
				walk(f.Contents.Document(), "", 0, func(field string, v *tree.Value) {
					name := strings.TrimPrefix(field, "host.")
					switch {
					case strings.HasSuffix(field, ".skip_verify") && v.Is("true"):
						l.HitFile(f, field)
					case field == "server" && plain(v.String()):
						l.HitFile(f, v.String())
					case v.Map != nil && name != field && plain(name):
						l.HitFile(f, name)
					}
				})
			}
		}),
		of(c, "containerd-tcp", "containerd takes orders from the network", finding.Critical, "", check.Page{
			Why: "Who may speak to containerd is root on the node. Its socket is all that the kubelet needs.", Fix: "Drop grpc.tcp_address and debug.address where they are of the network.",
			Bad: config + "[grpc]\ntcp_address = '0.0.0.0:7777'", Good: config + "[grpc]\naddress = '/run/containerd/containerd.sock'",
		}, func(l *node.Look) {
			each(l, func(f *host.File, field string, v *tree.Value) {
				if (field == "grpc.tcp_address" || field == "debug.tcp_address") && v.String() != "" && !node.IsLoopback(v.String()) {
					l.Hit(says(f, field, v), v.String())
				}
			})
		}),
		of(c, "containerd-unconfined", "containers run without AppArmor, whatever they ask for", finding.Medium, "nsa-1.2/pod-security-enforcement", check.Page{
			Why: "disable_apparmor takes a wall away that holds when another one falls, and no pod shows it.", Fix: "Drop disable_apparmor and disable_proc_mount.",
			Bad: config + "[plugins.'io.containerd.cri.v1.runtime']\ndisable_apparmor = true", Good: config + "[plugins.'io.containerd.cri.v1.runtime']\ndisable_apparmor = false",
		}, func(l *node.Look) {
			each(l, func(f *host.File, field string, v *tree.Value) {
				if strings.HasSuffix(field, ".disable_apparmor") && v.Is("true") || strings.HasSuffix(field, ".unset_seccomp_profile") && v.Is("unconfined") {
					l.Hit(says(f, field, v), field)
				}
			})
		}),
	}
}

func plain(address string) bool {
	name, ok := strings.CutPrefix(address, "http://")
	return ok && !node.IsLoopback(name)
}

func crio() []node.Check {
	const c, config = "crio", "--config=/etc/crio/crio.conf\n# /etc/crio/crio.conf\n"
	return []node.Check{
		of(c, "crio-insecure-registry", "CRI-O pulls from a registry without looking who it is", finding.High, "nsa-1.2/worker-node-segmentation", check.Page{
			Why: "Who stands between gives the node the image that he likes, and pods run it.", Fix: "Give the registry a certificate, and drop insecure_registries.",
			Bad: config + "[crio.image]\ninsecure_registries = ['registry.example.org']", Good: config + "[crio.image]\ninsecure_registries = []",
		}, func(l *node.Look) {
			each(l, func(f *host.File, field string, v *tree.Value) {
				if field == "crio.image.insecure_registries[]" && !node.IsLoopback(v.String()) {
					l.Hit(says(f, "crio.image.insecure_registries", v), v.String())
				}
			})
		}),
		of(c, "crio-unconfined", "containers run without AppArmor or seccomp, whatever they ask for", finding.High, "nsa-1.2/pod-security-enforcement", check.Page{
			Why: "A wall is gone that holds when another one falls, and no pod shows it.", Fix: "Drop apparmor_profile: unconfined, and seccomp_profile of nothing.",
			Bad: config + "[crio.runtime]\napparmor_profile = 'unconfined'", Good: config + "[crio.runtime]\napparmor_profile = 'crio-default'",
		}, func(l *node.Look) {
			each(l, func(f *host.File, field string, v *tree.Value) {
				if (field == "crio.runtime.apparmor_profile" || field == "crio.runtime.seccomp_profile") && v.Is("unconfined") {
					l.Hit(says(f, field, v), field)
				}
			})
		}),
		of(c, "crio-stream", "CRI-O serves exec and attach to the network without TLS", finding.High, "nsa-1.2/worker-node-segmentation", check.Page{
			Why: "Who reaches the port while a session is open, or stands between, is in the container.", Fix: "Set stream_address: 127.0.0.1, or stream_enable_tls: true.",
			Bad: config + "[crio.api]\nstream_address = '0.0.0.0'\nstream_enable_tls = false", Good: config + "[crio.api]\nstream_address = '127.0.0.1'",
		}, func(l *node.Look) {
			address := l.Value("crio.api.stream_address")
			if address.Text != "" && !node.IsLoopback(address.Text) && !l.Value("crio.api.stream_enable_tls").Is("true") {
				l.Hit(address, "")
			}
		}),
	}
}
