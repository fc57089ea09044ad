package engine

import (
	"strings"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/check"
	"github.com/plimsoll/plimsoll/internal/judge/node"
	"github.com/plimsoll/plimsoll/internal/read/host"
)

func docker() []node.Check {
	const d = "dockerd"
	set := func(name string) func(*node.Look) { return node.Set(name) }
	return []node.Check{
		of(d, "docker-tcp", "Docker takes orders from the network of whoever comes", finding.Critical, "cis-docker-1.7/2.7", check.Page{
			Why: "Who may speak to Docker is root on the host: he starts a privileged container with its disk. Without --tlsverify nobody is asked who he is.", Fix: "Drop the tcp:// address; use ssh://, or --tlsverify with a CA of its own.",
			Bad: "-H tcp://0.0.0.0:2375", Good: "-H tcp://0.0.0.0:2376 --tlsverify --tlscacert=/etc/docker/ca.pem",
		}, func(l *node.Look) {
			hosts := l.Value("host")
			if l.Value("tlsverify").Is("true") {
				return
			}
			for _, one := range hosts.List() {
				if address, tcp := strings.CutPrefix(one, "tcp://"); tcp {
					l.Hit(hosts, one)
					if node.IsLoopback(address) && address != "" {
						l.Soften(finding.High)
					}
				}
			}
		}),
		of(d, "docker-rootful", "Docker runs as root", finding.Info, "cis-docker-1.7/2.1", check.Page{
			Why: "A fault in the daemon, or a way out of a container, is root on the host. Rootless mode leaves an ordinary user.", Fix: "Use rootless mode (dockerd-rootless-setuptool.sh) where what it can't do is not needed.",
			Bad: "--icc=false", Good: "--rootless",
		}, node.Must("rootless", "true")),
		of(d, "docker-icc", "containers on the default bridge reach each other", finding.Low, "cis-docker-1.7/2.2", check.Page{
			Why: "One that was broken into asks all others.", Fix: "Set icc: false, and use networks for what belongs together.", Bad: "--icc=true", Good: "--icc=false",
		}, node.Must("icc", "false")),
		of(d, "docker-log-level", "Docker logs too little, or too much", finding.Info, "cis-docker-1.7/2.3", check.Page{
			Why: "At warn and above nothing tells who did what; at debug what is asked stands in the log.", Fix: "Drop log-level; info is the default.", Bad: "--log-level=debug", Good: "--log-level=info",
		}, node.Must("log-level", "info")),
		of(d, "docker-iptables", "Docker may not set its firewall rules", finding.Low, "cis-docker-1.7/2.4", check.Page{
			Why: "What parts containers from each other and from the network is then up to rules by hand.", Fix: "Drop iptables: false.", Bad: "--iptables=false", Good: "--iptables=true",
		}, node.Not("iptables", "false")),
		of(d, "docker-insecure-registry", "Docker pulls from a registry without looking who it is", finding.High, "cis-docker-1.7/2.5", check.Page{
			Why: "Who stands between gives the host the image that he likes.", Fix: "Give the registry a certificate, and put its CA into /etc/docker/certs.d.", Bad: "--insecure-registry=registry.example.org:5000", Good: "--icc=false",
		}, func(l *node.Look) {
			v := l.Value("insecure-registry")
			for _, one := range v.List() {
				if !node.IsLoopback(one) {
					l.Hit(v, one)
				}
			}
		}),
		of(d, "docker-aufs", "Docker stores layers by aufs", finding.Medium, "cis-docker-1.7/2.6", check.Page{
			Why: "It is maintained by nobody, and can stop the kernel.", Fix: "Use overlay2.", Bad: "--storage-driver=aufs", Good: "--storage-driver=overlay2",
		}, node.Not("storage-driver", "aufs")),
		of(d, "docker-ulimit", "no container has a bound on what it opens", finding.Info, "cis-docker-1.7/2.8", check.Page{
			Why: "Without default-ulimits one container opens files until the host has none.", Fix: "Set default-ulimits: nofile, say.", Bad: "--icc=false", Good: "--default-ulimit=nofile=1024:4096",
		}, set("default-ulimit")),
		of(d, "docker-userns", "root in a container is root on the host", finding.Medium, "cis-docker-1.7/2.9", check.Page{
			Why: "Who gets out of a container, or is given a folder of the host, may do there what root may.", Fix: "Set userns-remap: default, or use rootless mode.", Bad: "--icc=false", Good: "--userns-remap=default",
		}, func(l *node.Look) {
			if v := l.Value("userns-remap"); v.Text == "" && !l.Value("rootless").Is("true") {
				l.Hit(v, "")
			}
		}),
		of(d, "docker-cgroup", "containers are put into a cgroup of somebody's choice", finding.Info, "cis-docker-1.7/2.10", check.Page{
			Why: "Bounds of another group hold for them, or none.", Fix: "Drop cgroup-parent, unless it is meant.", Bad: "--cgroup-parent=/other", Good: "--icc=false",
		}, func(l *node.Look) {
			if v := l.Value("cgroup-parent"); v.Text != "" {
				l.Hit(v, "")
			}
		}),
		of(d, "docker-base-size", "containers may fill more of the disk than by default", finding.Info, "cis-docker-1.7/2.11", check.Page{
			Why: "A larger base device lets one container take the host's disk.", Fix: "Drop dm.basesize.", Bad: "--storage-opt=dm.basesize=50G", Good: "--storage-driver=overlay2",
		}, func(l *node.Look) {
			if v := l.Value("storage-opt"); strings.Contains(v.Text, "dm.basesize") {
				l.Hit(v, "")
			}
		}),
		of(d, "docker-authorization", "whoever may speak to Docker may do all of it", finding.Low, "cis-docker-1.7/2.12", check.Page{
			Why: "Docker has no roles: its socket is root.", Fix: "Set authorization-plugins where several people share one Docker.", Bad: "--icc=false", Good: "--authorization-plugin=opa-docker-authz",
		}, set("authorization-plugin")),
		of(d, "docker-remote-log", "what containers log stays on the host", finding.Info, "cis-docker-1.7/2.13", check.Page{
			Why: "Who breaks into the host deletes it, and json-file without a bound fills the disk.", Fix: "Set a log-driver that sends it elsewhere, journald or local with a collector.", Bad: "--log-driver=json-file", Good: "--log-driver=syslog",
		}, node.Not("log-driver", "json-file", "none")),
		of(d, "docker-new-privileges", "programs in containers may gain rights by SUID", finding.Medium, "cis-docker-1.7/2.14", check.Page{
			Why: "A SUID program with a fault makes root of an ordinary user in the container.", Fix: "Set no-new-privileges: true.", Bad: "--no-new-privileges=false", Good: "--no-new-privileges=true",
		}, node.Must("no-new-privileges", "true")),
		of(d, "docker-live-restore", "containers end when Docker does", finding.Info, "cis-docker-1.7/2.15", check.Page{
			Why: "Then Docker is not upgraded when it should be.", Fix: "Set live-restore: true, unless it is a swarm.", Bad: "--live-restore=false", Good: "--live-restore=true",
		}, node.Must("live-restore", "true")),
		of(d, "docker-userland-proxy", "a process for each port stands between containers and the network", finding.Info, "cis-docker-1.7/2.16", check.Page{
			Why: "The kernel does it by itself; the proxy hides who comes, and is one more program at the network.", Fix: "Set userland-proxy: false.", Bad: "--userland-proxy=true", Good: "--userland-proxy=false",
		}, node.Must("userland-proxy", "false")),
		of(d, "docker-seccomp", "containers run without a seccomp profile", finding.High, "cis-docker-1.7/2.17", check.Page{
			Why: "Unconfined, a container may make every system call, those of most ways out included.", Fix: "Drop seccomp-profile: unconfined; builtin is the default.", Bad: "--seccomp-profile=unconfined", Good: "--seccomp-profile=builtin",
		}, node.Not("seccomp-profile", "unconfined")),
		of(d, "docker-experimental", "Docker has features on that are not finished", finding.Low, "cis-docker-1.7/2.18", check.Page{
			Why: "They are not looked at as the others are.", Fix: "Drop experimental: true.", Bad: "--experimental=true", Good: "--experimental=false",
		}, node.Not("experimental", "true")),
		of(d, "docker-swarm", "Docker is a node of a swarm", finding.Info, "cis-docker-1.7/5.1", check.Page{
			Why: "It listens for other nodes at ports of its own, and what a manager of the swarm decides runs here.", Fix: "Leave it where it is not needed: docker swarm leave.",
			Bad: "--icc=false\n# /var/lib/docker/swarm/docker-state.json\n{\"LocalAddr\": \"192.0.2.7\"}", Good: "--icc=false",
		}, func(l *node.Look) {
			if f := l.File(l.Value("data-root").Text + "/swarm/docker-state.json"); f != nil {
				l.HitFile(f, "it keeps a swarm's state")
			}
		}),
		{
			Card: node.Named("node/docker-group", "users are root by being in the group docker", finding.Medium, "cis-docker-1.7/1.1.2", check.Page{
				Why: "Who may open Docker's socket mounts the host's disk into a container, and is root; sudo's log does not tell.", Fix: "Take people out of the group (gpasswd -d USER docker); give rootless Docker, or sudo.",
				Bad: "# /etc/group\ndocker:x:999:ann,bob", Good: "# /etc/group\ndocker:x:999:",
			}),
			Look: func(l *node.Look) {
				f := l.Host.File("/etc/group")
				if f == nil || f.Contents == nil {
					return
				}
				for _, line := range f.Contents.Lines {
					if fields := strings.Split(line, ":"); len(fields) == 4 && fields[0] == "docker" {
						l.Saw()
						if fields[3] != "" {
							l.HitFile(f, fields[3])
						}
					}
				}
			},
		},
	}
}

// dockerFiles are the checks of modes and owners.
func dockerFiles() (all []node.Check) {
	units := func(kind string) func(*node.Look) []*host.File {
		return func(l *node.Look) []*host.File {
			return l.Files("/etc/systemd/system/docker."+kind, "/usr/lib/systemd/system/docker."+kind)
		}
	}
	these := func(paths ...string) func(*node.Look) []*host.File {
		return func(l *node.Look) []*host.File { return l.Files(paths...) }
	}
	named := func(setting string) func(*node.Look) []*host.File {
		return func(l *node.Look) (found []*host.File) {
			for _, c := range l.Host.Components {
				if v := c.Value(setting); c.Name == "dockerd" && strings.HasPrefix(v.Text, "/") {
					if f := c.File(v.Text); f != nil && f.Is() {
						l.Saw()
						found = append(found, f)
					}
				}
			}
			return found
		}
	}
	for _, f := range []struct {
		id, what, owner, mode, group, example, process string
		most                                           uint32
		find                                           func(*node.Look) []*host.File
	}{
		{"docker-unit", "Docker's unit", "3.1", "3.2", "root", "/usr/lib/systemd/system/docker.service", "", 0o644, units("service")},
		{"docker-socket-unit", "the unit of Docker's socket", "3.3", "3.4", "root", "/usr/lib/systemd/system/docker.socket", "", 0o644, units("socket")},
		{"docker-folder", "Docker's folder of settings", "3.5", "3.6", "root", "/etc/docker", "", 0o755, these("/etc/docker")},
		{"docker-registry-certificate", "the certificate of a registry", "3.7", "3.8", "root", "/etc/docker/certs.d/registry.example.org/ca.crt", "", 0o444, func(l *node.Look) (some []*host.File) {
			for _, f := range l.Below("/etc/docker/certs.d") {
				if f.Mode.IsRegular() {
					some = append(some, f)
				}
			}
			return some
		}},
		{"docker-ca", "the CA of Docker's clients", "3.9", "3.10", "root", "/etc/docker/ca.pem", "$ dockerd --tlscacert=/etc/docker/ca.pem", 0o444, named("tlscacert")},
		{"docker-certificate", "Docker's certificate", "3.11", "3.12", "root", "/etc/docker/server.pem", "$ dockerd --tlscert=/etc/docker/server.pem", 0o444, named("tlscert")},
		{"docker-key", "Docker's private key", "3.13", "3.14", "root", "/etc/docker/server.key", "$ dockerd --tlskey=/etc/docker/server.key", 0o400, named("tlskey")},
		{"docker-socket", "Docker's socket", "3.15", "3.16", "docker", "/run/docker.sock", "", 0o660, these("/run/docker.sock")},
		{"docker-config", "Docker's configuration", "3.17", "3.18", "root", "/etc/docker/daemon.json", "", 0o644, these("/etc/docker/daemon.json")},
		{"docker-default", "/etc/default/docker", "3.19", "3.20", "root", "/etc/default/docker", "", 0o644, these("/etc/default/docker")},
		{"docker-sysconfig", "/etc/sysconfig/docker", "3.22", "3.21", "root", "/etc/sysconfig/docker", "", 0o644, these("/etc/sysconfig/docker")},
		{"containerd-socket", "containerd's socket", "3.23", "3.24", "root", "/run/containerd/containerd.sock", "", 0o660, these("/run/containerd/containerd.sock")},
	} {
		severity := finding.Medium
		if f.most == 0o660 || f.most == 0o400 {
			severity = finding.High // whoever opens it is root
		}
		ls := func(mode uint32, user, group string) string {
			text := strings.TrimSpace(f.process + "\n" + bits(mode) + " " + user + " " + group + " " + f.example)
			if f.example == "/etc/docker" {
				return "d" + text[1:]
			}
			return text
		}
		const why = "Who may change it, or open it where it is a socket, is root on the host."
		all = append(all, node.Check{
			Card: node.Named("node/"+f.id+"-owner", f.what+" belongs to another than root", severity, "cis-docker-1.7/"+f.owner, check.Page{
				Why: why, Fix: "chown root:" + f.group + " " + f.example, Bad: ls(f.most, "shop", "shop"), Good: ls(f.most, "root", f.group),
			}),
			Look: func(l *node.Look) { l.Owner("root", f.group, f.find(l)...) },
		}, node.Check{
			Card: node.Named("node/"+f.id+"-mode", f.what+" may be changed or used by others", severity, "cis-docker-1.7/"+f.mode, check.Page{
				Why: why, Fix: "chmod " + node.Octal(f.most) + " " + f.example, Bad: ls(f.most|0o002, "root", f.group), Good: ls(f.most, "root", f.group),
			}),
			Look: func(l *node.Look) { l.Mode(f.most, f.find(l)...) },
		})
	}
	return all
}

// bits are a file's mode as ls writes it.
func bits(m uint32) string {
	text := []byte("-rwxrwxrwx")
	for i := range 9 {
		if m>>(8-i)&1 == 0 {
			text[i+1] = '-'
		}
	}
	return string(text)
}

// watched are the checks of what auditd tells of.
func watched() (all []node.Check) {
	for _, f := range []struct{ id, path, cis string }{
		{"dockerd", "/usr/bin/dockerd", "1.1.3"},
		{"run-containerd", "/run/containerd", "1.1.4"},
		{"docker-data", "/var/lib/docker", "1.1.5"},
		{"docker-folder", "/etc/docker", "1.1.6"},
		{"docker-unit", "/usr/lib/systemd/system/docker.service", "1.1.7"},
		{"containerd-socket", "/run/containerd/containerd.sock", "1.1.8"},
		{"docker-socket", "/run/docker.sock", "1.1.9"},
		{"docker-default", "/etc/default/docker", "1.1.10"},
		{"docker-config", "/etc/docker/daemon.json", "1.1.11"},
		{"containerd-config", "/etc/containerd/config.toml", "1.1.12"},
		{"docker-sysconfig", "/etc/sysconfig/docker", "1.1.13"},
		{"containerd", "/usr/bin/containerd", "1.1.14"},
		{"containerd-shim", "/usr/bin/containerd-shim", "1.1.15"},
		{"containerd-shim-v2", "/usr/bin/containerd-shim-runc-v2", "1.1.17"},
		{"runc", "/usr/bin/runc", "1.1.18"},
	} {
		there := "-rwxr-xr-x root root " + f.path
		all = append(all, node.Check{
			Card: node.Named("node/audit-"+f.id, "auditd does not tell who changes or runs "+f.path, finding.Info, "cis-docker-1.7/"+f.cis, check.Page{
				Why: "What is done with Docker's own files is done as root, and nothing else tells by whom.", Fix: "Add -w " + f.path + " -k docker to a file in /etc/audit/rules.d, and run augenrules --load.",
				Bad: there, Good: there + "\n# /etc/audit/rules.d/docker.rules\n-w " + f.path + " -k docker",
			}),
			Look: func(l *node.Look) {
				file := l.File(f.path)
				if file == nil {
					return
				}
				for _, rules := range append(l.Below("/etc/audit/rules.d"), l.Files("/etc/audit/audit.rules")...) {
					if rules.Contents == nil {
						continue
					}
					for _, line := range rules.Contents.Lines {
						if watches(line, f.path) {
							return
						}
					}
				}
				l.HitFile(file, "no rule watches it")
			},
		})
	}
	return all
}

// watches says that a rule of auditd is about a path.
func watches(rule, path string) bool {
	rule, _, _ = strings.Cut(rule, "#")
	fields := strings.Fields(rule)
	for i, f := range fields {
		of := ""
		switch {
		case f == "-w" && i+1 < len(fields):
			of = fields[i+1]
		case strings.HasPrefix(f, "path="):
			of = strings.TrimPrefix(f, "path=")
		case strings.HasPrefix(f, "dir="):
			of = strings.TrimPrefix(f, "dir=")
		}
		if of != "" && strings.TrimSuffix(of, "/") == path {
			return true
		}
	}
	return false
}
