package pod

import (
	"fmt"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/check"
)

// lowestFreeUser is the first user id that hosts do not give to people and services of their own; Checkov and
// Trivy draw the line there too.
const lowestFreeUser = 10_000

func rootImage() Check {
	return Check{
		Card: card("root-image", "a container runs as root, for its image says so and the pod says nothing", finding.Medium,
			"nsa-1.2/non-root-containers cis-k8s-1.12/5.2.7", check.Page{
				Why:  "Root in the container is root on the node as soon as one flaw in the kernel or the runtime, or one mount, lets it out.",
				Fix:  "Name a user in the image (USER 10001 in the Dockerfile), or one in the pod: securityContext.runAsUser: 10001, and runAsNonRoot: true.",
				Bad:  inContainer("image: example.org/root:1"),
				Good: inContainer("image: example.org/root:1\nsecurityContext:\n  runAsUser: 10001"),
			}),
		beyond: "it asks who the image runs as",
		look: func(f *Facts) (hits []hit) {
			for _, c := range f.containers() {
				switch root, from := f.root(c); {
				case root == unknown:
					hits = append(hits, hit{unknown: "the user of image " + c.Image})
				case root == yes && from == byImage:
					hits = append(hits, hit{container: c.Name, field: c.field + ".image", detail: c.Image + " names no user, or root"})
				}
			}
			return hits
		},
	}
}

// answer is yes, no, or nobody knows.
type answer int

const (
	no answer = iota
	yes
	unknown
)

// by says what decides.
type by int

const (
	bySpec by = iota
	byImage
)

// root tells whether a container runs as root. What forbids root is no: the kubelet refuses to start it.
func (f *Facts) root(c container) (answer, by) {
	if f.windows() {
		return no, bySpec
	}
	user, nonRoot := f.user(c)
	switch {
	case user != nil && *user == 0:
		return yes, bySpec
	case user != nil || nonRoot != nil && *nonRoot:
		return no, bySpec
	}
	if f.Image == nil || c.Image == "" {
		return unknown, byImage
	}
	image, ok := f.Image(c.Image)
	if !ok {
		return unknown, byImage
	}
	name, _, _ := strings.Cut(image.User, ":")
	if id, err := strconv.Atoi(name); name == "" || name == "root" || err == nil && id == 0 {
		return yes, byImage
	}
	return no, byImage
}

// user is what a container, and else its pod, says of who runs.
func (f *Facts) user(c container) (user *int64, nonRoot *bool) {
	if p := f.Spec.SecurityContext; p != nil {
		user, nonRoot = p.RunAsUser, p.RunAsNonRoot
	}
	if s := c.SecurityContext; s != nil {
		if s.RunAsUser != nil {
			user = s.RunAsUser
		}
		if s.RunAsNonRoot != nil {
			nonRoot = s.RunAsNonRoot
		}
	}
	return user, nonRoot
}

// windows says that the pod says it runs on Windows.
func (f *Facts) windows() bool {
	return f.Spec.OS != nil && f.Spec.OS.Name == corev1.Windows || f.Spec.NodeSelector[corev1.LabelOSStable] == "windows"
}

func lowUser() Check {
	return Check{
		Card: card("low-user", "a container runs as a user or group that nodes may have too", finding.Info,
			"checkov/CKV_K8S_40 trivy/KSV-0020 trivy/KSV-0021 kube-score/container-security-context-user-group-id", check.Page{
				Why:  "Ids below 10000 often belong to somebody on the node: who gets out of the container, or writes to a volume of the node, has that one's rights.",
				Fix:  "Take ids from 10000 up for runAsUser and runAsGroup, and build the image so that these can read what they need.",
				Bad:  inContainer("securityContext:\n  runAsUser: 1000"),
				Good: inContainer("securityContext:\n  runAsUser: 10001\n  runAsGroup: 10001"),
			}),
		native: []Native{{
			Each: nativeLow("c", "runAsUser") + " || " + nativeLow("c", "runAsGroup"),
			Pod:  nativeLow("spec", "runAsUser") + " || " + nativeLow("spec", "runAsGroup"),
		}},
		look: func(f *Facts) (hits []hit) {
			f.eachID(func(container, field string, id *int64) {
				if id != nil && *id > 0 && *id < lowestFreeUser && (strings.HasSuffix(field, "runAsUser") || strings.HasSuffix(field, "runAsGroup")) {
					hits = append(hits, hit{container: container, field: field, detail: fmt.Sprintf("id %d", *id)})
				}
			})
			return hits
		},
	}
}

func rootGroup() Check {
	return Check{
		Card: card("root-group", "a container is in the group of root", finding.Low,
			"trivy/KSV-0116 nsa-1.2/non-root-containers", check.Page{
				Why:  "Many files of a node, and most of an image, are open to the group of root (0): writing through a volume, or out of the container, this group may do what the user alone may not.",
				Fix:  "Write another group, from 10000 up, for runAsGroup, fsGroup and supplementalGroups.",
				Bad:  inPod("securityContext:\n  fsGroup: 0\ncontainers:\n- name: cart"),
				Good: inPod("securityContext:\n  fsGroup: 10001\ncontainers:\n- name: cart"),
			}),
		native: []Native{{
			Each: `c.?securityContext.?runAsGroup.orValue(1) == 0`,
			Pod:  `spec.?securityContext.?runAsGroup.orValue(1) == 0 || spec.?securityContext.?fsGroup.orValue(1) == 0 || 0 in spec.?securityContext.?supplementalGroups.orValue([])`,
		}},
		look: func(f *Facts) (hits []hit) {
			f.eachID(func(container, field string, id *int64) {
				if id != nil && *id == 0 && !strings.HasSuffix(field, "runAsUser") {
					hits = append(hits, hit{container: container, field: field})
				}
			})
			return hits
		},
	}
}

// eachID calls what for each id of a user or group that the pod and its containers name.
func (f *Facts) eachID(what func(container, field string, id *int64)) {
	if p := f.Spec.SecurityContext; p != nil {
		what("", "spec.securityContext.runAsUser", p.RunAsUser)
		what("", "spec.securityContext.runAsGroup", p.RunAsGroup)
		what("", "spec.securityContext.fsGroup", p.FSGroup)
		for i := range p.SupplementalGroups {
			what("", fmt.Sprintf("spec.securityContext.supplementalGroups[%d]", i), &p.SupplementalGroups[i])
		}
	}
	for _, c := range f.containers() {
		if s := c.SecurityContext; s != nil {
			what(c.Name, c.field+".securityContext.runAsUser", s.RunAsUser)
			what(c.Name, c.field+".securityContext.runAsGroup", s.RunAsGroup)
		}
	}
}

func hostUser() Check {
	return Check{
		Card: card("host-user", "root in a pod is root on its node", finding.Info,
			"nsa-1.2/non-root-containers attack/T1611", check.Page{
				Why:  "With a user namespace of its own (hostUsers: false; no feature gate is needed since Kubernetes 1.33), root of a pod is nobody on the node: the ways out of containers that need root there are shut.",
				Fix:  "Write hostUsers: false beside containers, or run as another user. Pods with the node's network, processes or IPC, and volumes whose file system cannot be mapped, cannot have it.",
				Bad:  inPod("containers:\n- name: cart\n  securityContext:\n    runAsUser: 0"),
				Good: inPod("hostUsers: false\ncontainers:\n- name: cart\n  securityContext:\n    runAsUser: 0"),
			}),
		native: ofPod(`spec.?hostUsers.orValue(true) && !spec.?hostNetwork.orValue(false) && !spec.?hostPID.orValue(false) && !spec.?hostIPC.orValue(false) && !windows && everyone.exists(c, ` + userIs0 + `)`),
		look: func(f *Facts) []hit {
			s := &f.Spec
			if s.HostUsers != nil && !*s.HostUsers || s.HostNetwork || s.HostPID || s.HostIPC {
				return nil
			}
			var open []hit
			for _, c := range f.containers() {
				switch root, _ := f.root(c); root {
				case yes:
					return []hit{{field: "spec.hostUsers", detail: "container " + c.Name + " runs as root"}}
				case unknown:
					open = append(open, hit{unknown: "the user of image " + c.Image})
				}
			}
			return open
		},
	}
}
