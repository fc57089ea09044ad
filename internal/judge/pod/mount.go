package pod

import (
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/check"
)

// rawDevices are those past which there are no rights on files, by the beginning of their names.
var rawDevices = []string{"sd", "nvme", "vd", "hd", "xvd", "mem", "kmem", "port", "dm-", "mapper", "disk", "loop", "block", "md"}

// device says that the path is a device.
func (n *nodePath) device() bool {
	return n.kind == corev1.HostPathBlockDev || n.kind == corev1.HostPathCharDev || strings.HasPrefix(n.path, "/dev/") && n.path != "/dev/shm" && n.path != "/dev/log"
}

func hostDevice() Check {
	return Check{
		Card: card("host-device", "a container has a device of its node", finding.Medium,
			"attack/T1611", check.Page{
				Why:  "A disk or the memory as a device is the node's data, past all rights on files; the driver of any device is code of the kernel that is now within reach.",
				Fix:  "Take the volume out; what needs a device asks a device plugin for it under resources.limits, which gives it to one pod without the folder.",
				Bad:  mounting("hostPath:\n  path: /dev/sda\n  type: BlockDevice", ""),
				Good: mounting("emptyDir: {}", ""),
			}),
		native: graded(ofGrade(finding.Critical, ofPaths(nativeRaw)), ofPaths(`(`+nativeDevice+`) && !(`+nativeRaw+`)`)),
		look: func(f *Facts) []hit {
			all, _ := f.nodePaths()
			return eachPath(all, func(n *nodePath) (hit, bool) {
				name := strings.TrimPrefix(n.path, "/dev/")
				h := hit{}
				if n.kind == corev1.HostPathBlockDev || slices.ContainsFunc(rawDevices, func(d string) bool { return strings.HasPrefix(name, d) }) {
					h.severity = finding.Critical
				}
				return h, n.device()
			})
		},
	}
}

func subPath() Check {
	return Check{
		Card: card("sub-path", "a part of a node's folder is mounted that containers can write to", finding.Medium,
			"attack/T1611", check.Page{
				Why:  "subPath is looked up in a folder in which this or another pod can put a link: the kubelet has followed such links to other places of the node (CVE-2017-1002101, CVE-2021-25741).",
				Fix:  "Name the folder itself in hostPath, or mount it with readOnly: true.",
				Bad:  mounting("hostPath:\n  path: /srv/cart", "subPath: logs"),
				Good: mounting("hostPath:\n  path: /srv/cart/logs", ""),
			}),
		native: []Native{{
			Let:  `paths.filter(p, p.writable)`,
			Each: `size(found) > 0 && c.?volumeMounts.orValue([]).exists(m, (m.?subPath.orValue("") != "" || m.?subPathExpr.orValue("") != "") && found.exists(p, p.name == m.name))`,
		}},
		look: func(f *Facts) (hits []hit) {
			all, open := f.nodePaths()
			for i := range all {
				n := &all[i]
				for _, m := range n.mounts {
					if (m.SubPath != "" || m.SubPathExpr != "") && n.writable() {
						hits = append(hits, hit{container: m.container, field: m.field, detail: n.path + ", " + m.SubPath + m.SubPathExpr + " of it"})
					}
				}
			}
			if slices.ContainsFunc(f.containers(), usesSubPath) {
				hits = append(hits, open...)
			}
			return hits
		},
	}
}

func usesSubPath(c container) bool {
	return slices.ContainsFunc(c.VolumeMounts, func(m corev1.VolumeMount) bool { return m.SubPath != "" || m.SubPathExpr != "" })
}

func mountPropagation() Check {
	return Check{
		Card: card("mount-propagation", "what a container mounts, its node sees", finding.High,
			"attack/T1611", check.Page{
				Why:  "With Bidirectional a container lays its own files over those of the node and of other pods; it needs privileged, and is meant for storage drivers.",
				Fix:  "Drop mountPropagation, or write HostToContainer, which sees new mounts and makes none.",
				Bad:  mounting("hostPath:\n  path: /srv/cart", "mountPropagation: Bidirectional"),
				Good: mounting("hostPath:\n  path: /srv/cart", "mountPropagation: HostToContainer"),
			}),
		native: each(`c.?volumeMounts.orValue([]).exists(m, m.?mountPropagation.orValue("") == "Bidirectional" && volumes.exists(v, v.name == m.name))`),
		look: func(f *Facts) (hits []hit) {
			for _, v := range f.Spec.Volumes {
				for _, m := range f.mounts(v.Name) {
					if m.MountPropagation != nil && *m.MountPropagation == corev1.MountPropagationBidirectional {
						hits = append(hits, hit{container: m.container, field: m.field + ".mountPropagation", detail: m.MountPath})
					}
				}
			}
			return hits
		},
	}
}

func writableRoot() Check {
	return Check{
		Card: card("writable-root", "a container can change its own programs", finding.Low,
			"kubescape/C-0017 trivy/KSV-0014 checkov/CKV_K8S_22 kube-linter/no-read-only-root-fs polaris/notReadOnlyRootFilesystem kube-score/container-security-context-readonlyrootfilesystem nsa-1.2/immutable-container-file-systems",
			check.Page{
				Why:  "Who breaks in can write tools and change the application; what is written is lost with the container, and seen by nobody.",
				Fix:  "Write readOnlyRootFilesystem: true in securityContext, and mount an emptyDir where the application writes, as at /tmp.",
				Bad:  inContainer("image: example.org/cart:1"),
				Good: inContainer("securityContext:\n  readOnlyRootFilesystem: true"),
			}),
		native: each(`!windows && !c.?securityContext.?readOnlyRootFilesystem.orValue(false)`),
		look: func(f *Facts) (hits []hit) {
			if f.windows() {
				return nil
			}
			for _, c := range f.containers() {
				if s := c.SecurityContext; s == nil || s.ReadOnlyRootFilesystem == nil || !*s.ReadOnlyRootFilesystem {
					hits = append(hits, hit{container: c.Name, field: c.field + ".securityContext.readOnlyRootFilesystem"})
				}
			}
			return hits
		},
	}
}
