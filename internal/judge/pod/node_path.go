package pod

import (
	"path"
	"slices"
	"strings"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/check"
)

// sockets are those at which a container runtime takes orders, by the end of their paths.
var sockets = []string{
	"docker.sock", "containerd.sock", "containerd.sock.ttrpc", "crio.sock", "podman.sock", "dockershim.sock", "cri-dockerd.sock", "frakti.sock", "buildkitd.sock",
}

// socketFolders hold one of them on ordinary nodes.
var socketFolders = []string{
	"/var/run", "/run", "/run/containerd", "/var/run/containerd", "/run/crio", "/var/run/crio", "/run/k3s", "/run/k3s/containerd", "/var/run/k3s", "/run/podman", "/var/run/podman", "/run/docker", "/var/run/docker",
}

func runtimeSocket() Check {
	return Check{
		Card: card("runtime-socket", "a container can command its node's container runtime", finding.Critical,
			"kubescape/C-0074 trivy/KSV-0006 checkov/CKV_K8S_27 kube-linter/docker-sock kube-linter/container-runtime-sock attack/T1611 attack/T1610", check.Page{
				Why:  "Who may speak to the runtime starts a privileged container with the node's file system in it: it is root on the node, past all of Kubernetes' rules, and mounting the socket read-only changes nothing.",
				Fix:  "Take the volume out. Images are built without a daemon (BuildKit rootless, Buildah, Kaniko's successors); what watches containers asks the kubelet or the API server.",
				Bad:  mounting("hostPath:\n  path: /run/containerd/containerd.sock", "readOnly: true"),
				Good: mounting("emptyDir: {}", ""),
			}),
		native: ofPaths(nativeSocket),
		look: func(f *Facts) []hit {
			all, open := f.nodePaths()
			return append(open, eachPath(all, func(n *nodePath) (hit, bool) { return hit{}, n.holdsSocket() })...)
		},
	}
}

func (n *nodePath) holdsSocket() bool {
	return slices.Contains(sockets, path.Base(n.path)) || slices.Contains(socketFolders, n.path)
}

func eachPath(all []nodePath, look func(n *nodePath) (hit, bool)) (hits []hit) {
	for i := range all {
		if h, found := look(&all[i]); found {
			hits = append(hits, all[i].hits(h)...)
		}
	}
	return hits
}

// nodeFolder is a folder of a node, and what having it gives.
type nodeFolder struct {
	path     string
	severity finding.Severity // written to; read alone it is one less
	gives    string
	alone    bool // what lies in it is another thing
}

var nodeFolders = []nodeFolder{
	{"/", finding.Critical, "all of the node", true},
	{"/etc/kubernetes", finding.Critical, "the keys and manifests of the control plane and the kubelet", false},
	{"/etc/rancher", finding.Critical, "the keys of the control plane", false},
	{"/var/lib/rancher", finding.Critical, "the keys of the control plane", false},
	{"/var/lib/etcd", finding.Critical, "all objects of the cluster, Secrets too", false},
	{"/var/lib/kubelet", finding.Critical, "the kubelet's key, and tokens and volumes of all pods of the node", true},
	{"/var/lib/kubelet/pki", finding.Critical, "the kubelet's key", false},
	{"/var/lib/kubelet/pods", finding.Critical, "tokens and volumes of all pods of the node", false},
	{"/etc", finding.Critical, "passwords and start-up of the node", true},
	{"/root", finding.Critical, "keys of the node's root", false},
	{"/home", finding.High, "keys of the node's users", false},
	{"/var/lib/docker", finding.Critical, "files of all containers of the node", false},
	{"/var/lib/containerd", finding.Critical, "files of all containers of the node", false},
	{"/var/lib/containers", finding.Critical, "files of all containers of the node", false},
	{"/var/lib", finding.Critical, "the kubelet's and the runtime's files", true},
	{"/var", finding.Critical, "the kubelet's and the runtime's files", true},
	{"/proc", finding.Critical, "all processes of the node", false},
	{"/sys", finding.High, "devices and the kernel's switches", false},
	{"/dev", finding.Critical, "all devices of the node, its disks too", true},
	{"/boot", finding.High, "the node's kernel", false},
	{"/lib/modules", finding.Medium, "the kernel's modules", false},
	{"/usr/lib/modules", finding.Medium, "the kernel's modules", false},
	{"/bin", finding.Critical, "programs that the node runs as root", false},
	{"/sbin", finding.Critical, "programs that the node runs as root", false},
	{"/lib", finding.Critical, "libraries of all programs of the node", true},
	{"/lib64", finding.Critical, "libraries of all programs of the node", false},
	{"/usr", finding.Critical, "programs that the node runs as root", false},
	{"/opt/cni", finding.Critical, "programs that the kubelet runs as root", false},
	{"/etc/cni", finding.Critical, "programs that the kubelet runs as root", false},
	{"/etc/systemd", finding.Critical, "what the node starts as root", false},
	{"/etc/cron.d", finding.Critical, "what the node starts as root", false},
	{"/etc/ssh", finding.Critical, "the node's keys", false},
	{"/etc/shadow", finding.Critical, "the node's passwords", false},
	{"/etc/passwd", finding.High, "the node's users", false},
	{"/var/log", finding.High, "logs of all pods; a link written there is followed by the kubelet, out of the folder", true},
	{"/var/log/pods", finding.High, "logs of all pods; a link written there is followed by the kubelet, out of the folder", false},
	{"/var/spool/cron", finding.Critical, "what the node starts as root", false},
}

// harmless are folders and files of a node that are often mounted and give nothing away when they are read.
var harmless = []string{"/etc/localtime", "/usr/share/zoneinfo", "/etc/ssl/certs", "/etc/pki/tls/certs", "/usr/share/ca-certificates", "/etc/os-release", "/etc/machine-id", "/etc/hostname", "/usr/src"}

// gives finds what a path gives: the longest folder that it is, or that it lies in.
func (n *nodePath) gives() (f nodeFolder, found bool) {
	for _, one := range nodeFolders {
		if (n.path == one.path || !one.alone && strings.HasPrefix(n.path, one.path+"/")) && len(one.path) > len(f.path) {
			f, found = one, true
		}
	}
	if slices.ContainsFunc(harmless, func(h string) bool { return n.path == h || strings.HasPrefix(n.path, h+"/") }) && !n.writable() {
		return f, false
	}
	return f, found
}

var less = map[finding.Severity]finding.Severity{finding.Critical: finding.High, finding.High: finding.Medium, finding.Medium: finding.Low}

func sensitivePath() Check {
	return Check{
		Card: card("sensitive-host-path", "a container has a folder of its node that nobody should have", finding.Critical,
			"trivy/KSV-0121 kube-linter/sensitive-host-mounts attack/T1611 attack/T1552", check.Page{
				Why:  "Writing there is root on the node, or close to it; reading gives keys, tokens and secrets of other pods.",
				Fix:  "Take the volume out, or mount the one file or folder that is needed, with readOnly: true.",
				Bad:  mounting("hostPath:\n  path: /etc/kubernetes/pki", "readOnly: true"),
				Good: mounting("hostPath:\n  path: /etc/localtime", "readOnly: true"),
			}),
		native: nativeFolders(),
		look: func(f *Facts) []hit {
			all, open := f.nodePaths()
			return append(open, eachPath(all, func(n *nodePath) (hit, bool) {
				folder, found := n.gives()
				h := hit{detail: folder.gives, severity: folder.severity}
				if !n.writable() {
					h.severity, h.detail = less[folder.severity], h.detail+", to read"
				}
				return h, found && !n.holdsSocket() && !n.device()
			})...)
		},
	}
}

func writablePath() Check {
	return Check{
		Card: card("writable-host-path", "a container writes to a folder of its node", finding.Medium,
			"kubescape/C-0045 kube-linter/writable-host-mount attack/T1611", check.Page{
				Why:  "What it leaves there, the next pod with this folder meets, and a program of the node may follow a link that it wrote, or fill up with the disk.",
				Fix:  "Write readOnly: true in volumeMounts, or use a volume claim or emptyDir.",
				Bad:  mounting("hostPath:\n  path: /srv/cart", ""),
				Good: mounting("hostPath:\n  path: /srv/cart", "readOnly: true"),
			}),
		native: ofPaths(`p.writable && !` + folder(func(nodeFolder) bool { return true }) + ` && !(` + nativeSocket + `) && !(` + nativeDevice + `)`),
		look: func(f *Facts) []hit {
			all, _ := f.nodePaths()
			return eachPath(all, func(n *nodePath) (hit, bool) {
				_, sensitive := n.gives()
				return hit{}, n.how == "" && n.writable() && !sensitive && !n.holdsSocket() && !n.device()
			})
		},
	}
}
