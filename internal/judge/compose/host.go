package compose

import (
	"path"
	"slices"
	"strings"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/read/compose"
	"github.com/plimsoll/plimsoll/internal/tree"
)

func privileged() Check {
	return Check{
		Card: card("privileged", "a service is privileged", finding.High,
			"It has all capabilities and all devices of the host, and no confinement: whoever takes the service over has the host.",
			"Drop privileged, and give what the service needs: one of cap_add, or one of devices.",
			"image: a:1\nprivileged: true", "image: a:1\ncap_add: [NET_BIND_SERVICE]", "cis-docker-1.7/5.5"),
		look: func(s *compose.Service) []hit {
			if v := s.Value.Get("privileged"); yes(v) {
				return []hit{{at: v, field: "privileged"}}
			}
			return nil
		},
	}
}

func hostNamespace() Check {
	return Check{
		Card: card("host-namespace", "a service shares a namespace of the host", finding.Medium,
			"network_mode: host lets it listen and connect as the host, past every rule for containers; pid: host shows it all processes and\ntheir environment; ipc, uts, userns_mode and cgroup: host take other walls away.",
			"Drop the line. Publish single ports instead of the host's network.",
			"image: a:1\nnetwork_mode: host", "image: a:1\nports: [\"127.0.0.1:8080:8080\"]", "cis-docker-1.7/5.10", "cis-docker-1.7/5.16", "cis-docker-1.7/5.17", "cis-docker-1.7/5.21"),
		look: func(s *compose.Service) (hits []hit) {
			for _, field := range []string{"network_mode", "net", "pid", "ipc", "uts", "userns_mode", "cgroup"} {
				v := s.Value.Get(field)
				if text(v) != "host" {
					continue
				}
				h := hit{at: v, field: field, detail: field + ": host"}
				if field == "pid" {
					h.severity = finding.High
				}
				hits = append(hits, h)
			}
			return hits
		},
	}
}

// mount is one entry of volumes that takes a path of the host.
type mount struct {
	at       *tree.Value
	source   string
	readOnly bool
}

func mounts(s *compose.Service) (all []mount) {
	for _, v := range s.Value.Get("volumes").Items() {
		if v.Map != nil {
			if kind := text(v.Get("type")); kind == "bind" || kind == "" {
				all = append(all, mount{v, text(v.Get("source")), yes(v.Get("read_only"))})
			}
			continue
		}
		source, rest, ok := strings.Cut(text(v), ":")
		if !ok {
			continue
		}
		_, options, _ := strings.Cut(rest, ":")
		all = append(all, mount{v, source, slices.Contains(strings.Split(options, ","), "ro")})
	}
	return all
}

var sockets = []string{"docker.sock", "containerd.sock", "podman.sock", "crio.sock", "cri-dockerd.sock"}

func runtimeSocket() Check {
	return Check{
		Card: card("runtime-socket", "a service has the container engine's socket", finding.High,
			"Whoever can speak to that socket can start a privileged container, and so is root on the host. Mounting it read-only changes\nnothing: it is still spoken to.",
			"Leave it out. Where a service must see containers, put a proxy between that lets through single requests only (GET /containers), or run\na rootless engine for it.",
			"image: a:1\nvolumes: [\"/var/run/docker.sock:/var/run/docker.sock:ro\"]", "image: a:1\nvolumes: [\"data:/data\"]", "cis-docker-1.7/5.32"),
		look: func(s *compose.Service) (hits []hit) {
			for _, m := range mounts(s) {
				if slices.Contains(sockets, path.Base(m.source)) {
					hits = append(hits, hit{at: m.at, field: "volumes " + m.source, detail: m.source})
				}
			}
			return hits
		},
	}
}

func hostMount() Check {
	return Check{
		Card: card("host-mount", "a service has a part of the host's system", finding.High,
			"From /, /etc, /root or the engine's own files it is one step to the host: a job for cron, a key for ssh, a changed program. Read-only,\nit still reads every password and key there.",
			"Mount the one file or folder that the service needs, read-only, or a named volume.",
			"image: a:1\nvolumes: [\"/etc:/host/etc\"]", "image: a:1\nvolumes: [\"/etc/localtime:/etc/localtime:ro\"]", "cis-docker-1.7/5.6"),
		look: func(s *compose.Service) (hits []hit) {
			for _, m := range mounts(s) {
				if !sensitive(m.source) {
					continue
				}
				h := hit{at: m.at, field: "volumes " + m.source, detail: m.source}
				if m.readOnly {
					h.severity = finding.Medium
					h.detail += ", read-only"
				}
				if m.readOnly && slices.Contains([]string{"/sys", "/proc", "/lib/modules", "/boot", "/run", "/var/run", "/"}, path.Clean(m.source)) {
					h.severity = finding.Low // what monitors a host reads
				}
				hits = append(hits, h)
			}
			return hits
		},
	}
}

func sensitive(source string) bool {
	if !path.IsAbs(source) {
		return source == "~" || strings.HasPrefix(source, "~/.ssh") || strings.HasPrefix(source, "~/.aws") || strings.HasPrefix(source, "~/.kube")
	}
	source = path.Clean(source)
	return slices.Contains([]string{
		"/", "/bin", "/boot", "/dev", "/etc", "/home", "/lib", "/lib64", "/proc", "/root", "/run", "/sbin", "/sys", "/usr", "/var", "/var/lib", "/var/run",
		"/var/lib/docker", "/var/lib/containerd", "/var/lib/kubelet", "/etc/kubernetes", "/etc/ssh", "/etc/shadow", "/etc/cron.d", "/etc/docker", "/usr/bin", "/usr/local/bin", "/lib/modules",
	}, source)
}

func capability() Check {
	return Check{
		Card: card("capability", "a service is given a capability", finding.Medium,
			"SYS_ADMIN, SYS_PTRACE, SYS_MODULE, DAC_READ_SEARCH, SYS_RAWIO, BPF and ALL are as good as root on the host; NET_ADMIN and others\nreach less far.",
			"Drop it, or give the one capability that the service needs, after cap_drop: [ALL].",
			"image: a:1\ncap_add: [SYS_ADMIN]", "image: a:1\ncap_drop: [ALL]\ncap_add: [NET_BIND_SERVICE]", "cis-docker-1.7/5.4"),
		look: func(s *compose.Service) (hits []hit) {
			for _, v := range s.Value.Get("cap_add").Items() {
				name := strings.TrimPrefix(strings.ToUpper(text(v)), "CAP_")
				h := hit{at: v, field: "cap_add " + name, detail: name}
				switch name {
				case "ALL", "SYS_ADMIN", "SYS_PTRACE", "SYS_MODULE", "DAC_READ_SEARCH", "SYS_RAWIO", "BPF", "SYS_BOOT":
					h.severity = finding.High
				case "NET_ADMIN", "SYS_TIME", "SYS_RESOURCE", "PERFMON", "SYSLOG", "MAC_ADMIN", "MAC_OVERRIDE", "SYS_CHROOT", "MKNOD", "AUDIT_CONTROL", "SETPCAP":
				case "":
					continue
				default:
					if slices.Contains([]string{"NET_BIND_SERVICE", "CHOWN", "SETUID", "SETGID", "FOWNER", "DAC_OVERRIDE", "KILL", "NET_RAW", "FSETID", "SETFCAP", "AUDIT_WRITE", "IPC_LOCK", "SYS_NICE", "NET_BROADCAST"}, name) {
						continue // the engine's own set, and such as harm nobody else
					}
					h.severity = finding.Low
				}
				hits = append(hits, h)
			}
			return hits
		},
	}
}

func unconfined() Check {
	return Check{
		Card: card("unconfined", "a service runs without seccomp, AppArmor or SELinux", finding.Medium,
			"The filter keeps rarely used, often flawed parts of the kernel out of reach; without it one flaw there is the way to the host.",
			"Drop the line, or name a profile that allows what the service needs: security_opt: [\"seccomp=profile.json\"].",
			"image: a:1\nsecurity_opt: [\"seccomp:unconfined\"]", "image: a:1\nsecurity_opt: [\"no-new-privileges:true\"]", "cis-docker-1.7/5.2", "cis-docker-1.7/5.22"),
		look: func(s *compose.Service) (hits []hit) {
			for _, v := range s.Value.Get("security_opt").Items() {
				o := strings.ReplaceAll(strings.ToLower(text(v)), "=", ":")
				if o == "seccomp:unconfined" || o == "apparmor:unconfined" || o == "label:disable" || o == "label:false" || o == "systempaths:unconfined" {
					hits = append(hits, hit{at: v, field: "security_opt " + o, detail: o})
				}
			}
			return hits
		},
	}
}

func newPrivileges() Check {
	return Check{
		Card: card("new-privileges", "a service's processes can gain rights", finding.Info,
			"Programs with the set-user-id bit, as sudo and su, lift a process to root inside of the container.",
			"Write security_opt: [\"no-new-privileges:true\"].",
			"image: a:1", "image: a:1\nsecurity_opt: [\"no-new-privileges:true\"]", "cis-docker-1.7/5.26"),
		look: func(s *compose.Service) []hit {
			for _, v := range s.Value.Get("security_opt").Items() {
				if o := strings.ReplaceAll(text(v), "=", ":"); o == "no-new-privileges" || o == "no-new-privileges:true" {
					return nil
				}
			}
			return []hit{{line: s.Line, field: "security_opt"}}
		},
	}
}

func writableRoot() Check {
	return Check{
		Card: card("writable-root", "a service can change its own programs", finding.Info,
			"Who breaks in can write tools and change the application; what is written is lost with the container, and seen by nobody.",
			"Write read_only: true, and tmpfs or volumes for what the service writes.",
			"image: a:1", "image: a:1\nread_only: true\ntmpfs: [/tmp]", "cis-docker-1.7/5.13"),
		look: func(s *compose.Service) []hit {
			if yes(s.Value.Get("read_only")) {
				return nil
			}
			return []hit{{line: s.Line, field: "read_only"}}
		},
	}
}

func rootUser() Check {
	return Check{
		Card: card("root-user", "a service is told to run as root", finding.Medium,
			"Whatever user the image chose, this line makes it root: with a mounted folder it writes there as the host's root.",
			"Drop the line, or name the user that owns what the service writes: user: \"10001:10001\".",
			"image: a:1\nuser: root", "image: a:1\nuser: \"10001:10001\""),
		look: func(s *compose.Service) []hit {
			v := s.Value.Get("user")
			if name, _, _ := strings.Cut(text(v), ":"); name == "root" || name == "0" {
				return []hit{{at: v, field: "user"}}
			}
			return nil
		},
	}
}

func device() Check {
	return Check{
		Card: card("device", "a service has a device of the host", finding.High,
			"A disk or the memory as a device is the host's data, past all rights on files.",
			"Leave the device out, or mount the folder that is needed.",
			"image: a:1\ndevices: [\"/dev/sda:/dev/sda\"]", "image: a:1\ndevices: [\"/dev/dri:/dev/dri\"]", "cis-docker-1.7/5.18"),
		look: func(s *compose.Service) (hits []hit) {
			for _, v := range s.Value.Get("devices").Items() {
				source, _, _ := strings.Cut(text(v), ":")
				if v.Map != nil {
					source = text(v.Get("source"))
				}
				name := strings.TrimPrefix(source, "/dev/")
				for _, p := range []string{"sd", "nvme", "vd", "hd", "xvd", "mem", "kmem", "port", "dm-", "mapper", "disk"} {
					if source == "/dev" || source != name && strings.HasPrefix(name, p) {
						hits = append(hits, hit{at: v, field: "devices " + source, detail: source})
						break
					}
				}
			}
			return hits
		},
	}
}
