package pod

import (
	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/check"
)

// restricted are the checks that the restricted level adds. Most ask for what Kubernetes does not do by
// itself, and so speak up for every pod that nobody hardened: they weigh little, unless restricted is the line.
func restricted() []rule {
	return []rule{
		{of: "allowPrivilegeEscalation", native: each(nativeLinux + `c.?securityContext.?allowPrivilegeEscalation.orValue(true)`), Card: card("privilege-escalation", "a container may gain privileges", finding.Low,
			"kubescape/C-0016 trivy/KSV-0001 checkov/CKV_K8S_20 kube-linter/privilege-escalation-container polaris/privilegeEscalationAllowed kyverno/disallow-privilege-escalation pss/restricted/allow-privilege-escalation cis-k8s-1.12/5.2.6 nsa-1.2/pod-security",
			check.Page{
				Why:  "Without no_new_privs, a program that is setuid or has file capabilities gives more rights than the container's user has: a hole in one makes root of it. Kubernetes allows it unless it is told not to.",
				Fix:  "Set allowPrivilegeEscalation: false on each container. sudo, su and ping by setuid stop working.",
				Bad:  inContainer("securityContext:\n  runAsNonRoot: true"),
				Good: inContainer("securityContext:\n  allowPrivilegeEscalation: false"),
			})},
		{of: "capabilities_restricted", native: each(nativeLinux + `(!("ALL" in ` + droppedIn + `) || ` + addedIn + `.exists(a, a != "NET_BIND_SERVICE" && a in ` + texts(harmlessCapabilities) + `))`), Card: card("kept-capabilities", "a container keeps capabilities that it does not need", finding.Low,
			"trivy/KSV-0106 checkov/CKV_K8S_37 kyverno/disallow-capabilities-strict pss/restricted/capabilities cis-k8s-1.12/5.2.8 nsa-1.2/pod-security",
			check.Page{
				Why:  "A container that drops none runs, as root, with some fourteen of them, such as NET_RAW, to forge packets, and DAC_OVERRIDE, to read files of others. Hardly a program needs any.",
				Fix:  "Set capabilities.drop: [ALL], and add NET_BIND_SERVICE where the program listens below port 1024.",
				Bad:  inContainer("securityContext:\n  capabilities:\n    drop: [NET_RAW]"),
				Good: inContainer("securityContext:\n  capabilities:\n    drop: [ALL]"),
			})},
		{of: "procMount_restricted", native: each(`!spec.?hostUsers.orValue(true) && c.?securityContext.?procMount.orValue("Default") != "Default"`), Card: card("proc-mount-in-user-namespace", "a container has /proc without its masks, in a user namespace", finding.Low,
			"pss/restricted/proc-mount",
			check.Page{
				Why:  "The user namespace keeps root in the container from being root on the node, and so the baseline level allows it since 1.35. The masks were a second wall, and the restricted level wants both.",
				Fix:  "Drop procMount, unless containers are built or run in this container.",
				Bad:  inPod("hostUsers: false\ncontainers:\n- name: cart\n  securityContext:\n    procMount: Unmasked\n"),
				Good: inPod("hostUsers: false\ncontainers:\n- name: cart\n"),
			})},
		{of: "restrictedVolumes", native: ofPod(nativeVolumes()), Card: card("volume-type", "a pod names storage itself that it should claim", finding.Low,
			"trivy/KSV-0028 kyverno/restrict-volume-types pss/restricted/volumes nsa-1.2/pod-security",
			check.Page{
				Why:  "Who may make pods then chooses the server, the share and the credentials, and the node's kernel mounts what that server gives. Old drivers of such volumes have had holes.",
				Fix:  "Let the administrator make a PersistentVolume of it, and claim that. Files of a repository come in by an init container, not by gitRepo.",
				Bad:  inPod("containers:\n- name: cart\nvolumes:\n- name: data\n  nfs:\n    server: files.example.com\n    path: /export\n"),
				Good: inPod("containers:\n- name: cart\nvolumes:\n- name: data\n  persistentVolumeClaim:\n    claimName: data\n"),
			})},
		{of: "runAsNonRoot", native: []Native{{
			Each: `spec.?hostUsers.orValue(true) && !c.?securityContext.?runAsNonRoot.or(spec.?securityContext.?runAsNonRoot.orValue(true) ? spec.?securityContext.?runAsNonRoot : optional.of(true)).orValue(false)`,
			Pod:  `spec.?hostUsers.orValue(true) && !spec.?securityContext.?runAsNonRoot.orValue(true)`,
		}}, Card: card("run-as-non-root", "a container is not kept from running as root", finding.Low,
			"kubescape/C-0013 trivy/KSV-0012 checkov/CKV_K8S_23 kube-linter/run-as-non-root polaris/runAsRootAllowed kyverno/require-run-as-nonroot pss/restricted/run-as-non-root cis-k8s-1.12/5.2.7 nsa-1.2/pod-security",
			check.Page{
				Why:  "Whether it is root, the image decides, and the next image may decide otherwise. Root in a container is root to the kernel: a hole there, or a host path, and it is root on the node.",
				Fix:  "Set runAsNonRoot: true, for the pod or for each container: the kubelet then starts none that would be root. An image whose USER is a name needs runAsUser with a number as well. Or put the pod in a user namespace with hostUsers: false.",
				Bad:  inPod("securityContext:\n  runAsNonRoot: true\ncontainers:\n- name: cart\n- name: sidecar\n  securityContext:\n    runAsNonRoot: false\n"),
				Good: inPod("securityContext:\n  runAsNonRoot: true\ncontainers:\n- name: cart\n- name: sidecar\n"),
			})},
		{of: "runAsUser", native: []Native{{
			Each: `spec.?hostUsers.orValue(true) && c.?securityContext.?runAsUser.orValue(1) == 0`, Pod: `spec.?hostUsers.orValue(true) && spec.?securityContext.?runAsUser.orValue(1) == 0`,
		}}, Card: card("run-as-root", "a container is told to run as root", finding.Medium,
			"trivy/KSV-0105 kyverno/require-run-as-non-root-user pss/restricted/run-as-user cis-k8s-1.12/5.2.7 nsa-1.2/pod-security",
			check.Page{
				Why:  "runAsUser: 0 makes it root whatever its image says. Root in a container is root to the kernel: a hole there, or a host path, and it is root on the node.",
				Fix:  "Set runAsUser to another number, and fsGroup where volumes have to be written. What needs root inside runs in a user namespace with hostUsers: false.",
				Bad:  inContainer("securityContext:\n  runAsUser: 0"),
				Good: inContainer("securityContext:\n  runAsUser: 10001"),
			})},
		{of: "seccompProfile_restricted", native: each(nativeLinux + `!(has(c.securityContext) && has(c.securityContext.seccompProfile)) && !(has(spec.securityContext) && has(spec.securityContext.seccompProfile))`), Card: card("seccomp-profile", "no seccomp profile is asked for", finding.Low,
			"trivy/KSV-0030 checkov/CKV_K8S_31 kyverno/restrict-seccomp-strict pss/restricted/seccomp-profile cis-k8s-1.12/5.6.2 nsa-1.2/pod-security",
			check.Page{
				Why:  "Unless a node's kubelet sets one by default, a container without a profile may make every system call of the kernel, also the rare ones in which most holes were found that lead out of containers.",
				Fix:  "Set seccompProfile.type: RuntimeDefault in the pod's securityContext, which counts for all its containers.",
				Bad:  inContainer("securityContext:\n  allowPrivilegeEscalation: false"),
				Good: inPod("securityContext:\n  seccompProfile:\n    type: RuntimeDefault\ncontainers:\n- name: cart\n"),
			})},
	}
}
