package pod

import (
	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/check"
)

// rules are the checks of the standard. Several cards answer for its check of host namespaces, because other
// tools' ids for them, and exceptions with those, mean one of the namespaces.
func rules() []rule { return append(baseline(), restricted()...) }

func baseline() []rule {
	return []rule{
		{of: "privileged", native: each(`c.?securityContext.?privileged.orValue(false)`), Card: card("privileged", "a container is privileged", finding.High,
			"kubescape/C-0057 trivy/KSV-0017 checkov/CKV_K8S_16 kube-linter/privileged-container polaris/runAsPrivileged kyverno/disallow-privileged-containers pss/baseline/privileged cis-k8s-1.12/5.2.2 nsa-1.2/pod-security attack/T1611",
			check.Page{
				Why:  "It has all capabilities and all devices of its node, and no seccomp, AppArmor or SELinux confines it: whoever takes the container over has the node, and with the node every pod on it.",
				Fix:  "Drop privileged. Give what the program really needs: a capability, a device through a device plugin, or one host path read-only.",
				Bad:  inContainer("securityContext:\n  privileged: true"),
				Good: inContainer("securityContext:\n  privileged: false"),
			})},
		{of: "hostNamespaces", field: "spec.hostNetwork", native: ofPod(`spec.?hostNetwork.orValue(false)`), Card: card("host-network", "a pod uses the network of its node", finding.Medium,
			"kubescape/C-0041 trivy/KSV-0009 checkov/CKV_K8S_19 kube-linter/host-network polaris/hostNetworkSet pss/baseline/host-namespaces cis-k8s-1.12/5.2.5 nsa-1.2/pod-security",
			check.Page{
				Why:  "It listens and connects as the node does: network policies do not hold for it, it reaches what listens on the node's loopback, such as the kubelet's read-only ports and cloud agents, and it can listen to other pods' traffic.",
				Fix:  "Drop hostNetwork, and publish the port with a Service. Network plugins and node proxies that need it belong into a namespace of their own.",
				Bad:  inPod("hostNetwork: true\ncontainers:\n- name: cart\n"),
				Good: inPod("hostNetwork: false\ncontainers:\n- name: cart\n"),
			})},
		{of: "hostNamespaces", field: "spec.hostPID", native: ofPod(`spec.?hostPID.orValue(false)`), Card: card("host-pid", "a pod sees the processes of its node", finding.High,
			"kubescape/C-0038 trivy/KSV-0010 checkov/CKV_K8S_17 kube-linter/host-pid polaris/hostPIDSet pss/baseline/host-namespaces cis-k8s-1.12/5.2.3 nsa-1.2/pod-security attack/T1611",
			check.Page{
				Why:  "All processes of the node and of its other pods are in sight, with their arguments, and as root also with their environment, their files through /proc/PID/root, and signals to them.",
				Fix:  "Drop hostPID. What only wants to see the containers of its own pod uses shareProcessNamespace.",
				Bad:  inPod("hostPID: true\ncontainers:\n- name: cart\n"),
				Good: inPod("shareProcessNamespace: true\ncontainers:\n- name: cart\n"),
			})},
		{of: "hostNamespaces", field: "spec.hostIPC", native: ofPod(`spec.?hostIPC.orValue(false)`), Card: card("host-ipc", "a pod shares the node's memory segments and semaphores", finding.Medium,
			"kubescape/C-0038 trivy/KSV-0008 checkov/CKV_K8S_18 kube-linter/host-ipc polaris/hostIPCSet pss/baseline/host-namespaces cis-k8s-1.12/5.2.4 nsa-1.2/pod-security",
			check.Page{
				Why:  "It can read and write the shared memory, semaphores and message queues of the node's own programs and of other pods that share them.",
				Fix:  "Drop hostIPC: containers of one pod share these with each other without it.",
				Bad:  inPod("hostIPC: true\ncontainers:\n- name: cart\n"),
				Good: inPod("hostIPC: false\ncontainers:\n- name: cart\n"),
			})},
		{of: "capabilities_baseline", native: each(addedIn + `.exists(a, !(a in ` + texts(harmlessCapabilities) + `))`), Card: card("added-capability", "a container is given capabilities that no ordinary container has", finding.Medium,
			"trivy/KSV-0022 kyverno/disallow-capabilities pss/baseline/capabilities cis-k8s-1.12/5.2.9 nsa-1.2/pod-security",
			check.Page{
				Why:  "Beyond those that a container runtime gives by itself, capabilities reach what is shared with the node: its network, its devices, its other processes, its kernel.",
				Fix:  "Remove it from capabilities.add. To listen below port 1024, NET_BIND_SERVICE is enough.",
				Bad:  inContainer("securityContext:\n  capabilities:\n    add: [NET_ADMIN]"),
				Good: inContainer("securityContext:\n  capabilities:\n    drop: [ALL]\n    add: [NET_BIND_SERVICE]"),
			})},
		{of: "hostPathVolumes", native: ofPod(`volumes.exists(v, has(v.hostPath))`), Card: card("host-path", "a pod mounts a path of its node", finding.Medium,
			"kubescape/C-0048 trivy/KSV-0023 polaris/hostPathSet kyverno/disallow-host-path pss/baseline/host-path-volumes cis-k8s-1.12/5.2.11 nsa-1.2/pod-security",
			check.Page{
				Why:  "Files of the node are in the pod: what it can read may be credentials of the node and of other pods, and what it can write may run as root there. What lies at the path differs from node to node.",
				Fix:  "Use an emptyDir, a ConfigMap, a Secret or a volume claim. What has to read the node's files mounts one narrow path, read-only, in a namespace of its own.",
				Bad:  inPod("containers:\n- name: cart\nvolumes:\n- name: data\n  hostPath:\n    path: /srv/data\n"),
				Good: inPod("containers:\n- name: cart\nvolumes:\n- name: data\n  emptyDir: {}\n"),
			})},
		{of: "hostPorts", native: each(`c.?ports.orValue([]).exists(p, p.?hostPort.orValue(0) != 0)`), Card: card("host-port", "a container takes a port of its node", finding.Low,
			"kubescape/C-0044 trivy/KSV-0024 checkov/CKV_K8S_26 polaris/hostPortSet kyverno/disallow-host-ports pss/baseline/host-ports cis-k8s-1.12/5.2.12 nsa-1.2/pod-security",
			check.Page{
				Why:  "It is reached at the node's own address, by whoever reaches the node: Services and, with many network plugins, network policies are passed by. It can also stand in a port that others take for one of the node's programs.",
				Fix:  "Drop hostPort, and publish the port with a Service.",
				Bad:  inContainer("ports:\n- containerPort: 8080\n  hostPort: 8080"),
				Good: inContainer("ports:\n- containerPort: 8080"),
			})},
		{of: "hostProbesAndHostLifecycle", native: each(nativeHosts()), Card: card("host-probe", "a probe or hook has the kubelet call a host of the pod's choice", finding.Medium,
			"pss/baseline/host-probes-and-lifecycle",
			check.Page{
				Why:  "The kubelet makes the call, from the node: whoever may make pods has it ask addresses that pods do not reach, such as the node's loopback or the cloud's metadata service, and learns from the events what answered. The standard forbids it since 1.34.",
				Fix:  "Leave host away: the kubelet then calls the pod. A name for virtual hosts goes into httpHeaders as Host.",
				Bad:  inContainer("livenessProbe:\n  httpGet:\n    host: 127.0.0.1\n    port: 10255"),
				Good: inContainer("livenessProbe:\n  httpGet:\n    port: 8080"),
			})},
		{of: "appArmorProfile", native: nativeAppArmor(), Card: card("apparmor-profile", "AppArmor is turned off", finding.Medium,
			"trivy/KSV-0002 kyverno/restrict-apparmor-profiles pss/baseline/apparmor-profile nsa-1.2/pod-security",
			check.Page{
				Why:  "The runtime's profile keeps even root in a container from mounting, from writing most of /proc and /sys, and from tracing what is outside. Unconfined, it does not.",
				Fix:  "Leave the profile away or set RuntimeDefault; for a program that needs more, load a profile of its own on the nodes and name it as Localhost.",
				Bad:  inContainer("securityContext:\n  appArmorProfile:\n    type: Unconfined"),
				Good: inContainer("securityContext:\n  appArmorProfile:\n    type: RuntimeDefault"),
			})},
		{of: "procMount", native: each(`spec.?hostUsers.orValue(true) && c.?securityContext.?procMount.orValue("Default") != "Default"`), Card: card("proc-mount", "a container has /proc without its masks", finding.Medium,
			"trivy/KSV-0027 kube-linter/unsafe-proc-mount polaris/procMount kyverno/disallow-proc-mount pss/baseline/proc-mount",
			check.Page{
				Why:  "Runtimes hide parts of /proc and make others read-only, because through them root in a container reads the node's memory and sets its kernel. Unmasked takes that away.",
				Fix:  "Drop procMount. To run containers in the container, set hostUsers: false as well: root is then none on the node, and the baseline level allows it since 1.35.",
				Bad:  inContainer("securityContext:\n  procMount: Unmasked"),
				Good: inContainer("securityContext:\n  procMount: Default"),
			})},
		{of: "seccompProfile_baseline", native: []Native{{
			Each: `has(c.securityContext) && has(c.securityContext.seccompProfile) && !(c.securityContext.seccompProfile.?type.orValue("") in ["Localhost", "RuntimeDefault"])`,
			Pod:  `has(spec.securityContext) && has(spec.securityContext.seccompProfile) && !(spec.securityContext.seccompProfile.?type.orValue("") in ["Localhost", "RuntimeDefault"])`,
		}}, Card: card("seccomp-unconfined", "seccomp is turned off", finding.Medium,
			"trivy/KSV-0104 kyverno/restrict-seccomp pss/baseline/seccomp-profile nsa-1.2/pod-security",
			check.Page{
				Why:  "All system calls of the kernel are open, also the rare ones in which most holes were found that lead out of containers.",
				Fix:  "Set RuntimeDefault; for a program that needs more calls, record a profile of its own and name it as Localhost.",
				Bad:  inContainer("securityContext:\n  seccompProfile:\n    type: Unconfined"),
				Good: inContainer("securityContext:\n  seccompProfile:\n    type: RuntimeDefault"),
			})},
		{of: "seLinuxOptions", native: []Native{{Each: nativeSELinux("c"), Pod: nativeSELinux("spec")}}, Card: card("selinux-options", "SELinux options take a container out of its confinement", finding.Medium,
			"trivy/KSV-0025 kyverno/disallow-selinux pss/baseline/selinux-options nsa-1.2/pod-security",
			check.Page{
				Why:  "On nodes with SELinux, the type decides what a container may touch: spc_t is confined by nothing, and users and roles of one's own lead to types that are not a container's.",
				Fix:  "Drop user and role. As type, use container_t, container_init_t, container_kvm_t or, since 1.31, container_engine_t; level is free.",
				Bad:  inContainer("securityContext:\n  seLinuxOptions:\n    type: spc_t"),
				Good: inContainer("securityContext:\n  seLinuxOptions:\n    level: s0:c123,c456"),
			})},
		{of: "sysctls", native: ofPod(`spec.?securityContext.?sysctls.orValue([]).exists(s, !(s.name in ` + texts(safeSysctls) + `))`), Card: card("sysctl", "a pod sets a kernel parameter that is not known to be safe", finding.Medium,
			"trivy/KSV-0026 kube-linter/unsafe-sysctls kyverno/restrict-sysctls pss/baseline/sysctls",
			check.Page{
				Why:  "Parameters that are not the pod's alone change the kernel for all on the node, or take its memory beyond the pod's limits. The kubelet refuses most of them unless the node was told to allow them.",
				Fix:  "Drop it, or set it on the nodes. The list of those that are safe grows with versions of Kubernetes.",
				Bad:  inPod("securityContext:\n  sysctls:\n  - name: kernel.msgmax\n    value: \"65536\"\ncontainers:\n- name: cart\n"),
				Good: inPod("securityContext:\n  sysctls:\n  - name: net.ipv4.tcp_syncookies\n    value: \"1\"\ncontainers:\n- name: cart\n"),
			})},
		{of: "windowsHostProcess", native: []Native{{
			Each: `c.?securityContext.?windowsOptions.?hostProcess.orValue(false)`, Pod: `spec.?securityContext.?windowsOptions.?hostProcess.orValue(false)`,
		}}, Card: card("windows-host-process", "a container runs as a process of its Windows node", finding.High,
			"trivy/KSV-0103 polaris/hostProcess kyverno/disallow-host-process pss/baseline/windows-host-process cis-k8s-1.12/5.2.10 attack/T1611",
			check.Page{
				Why:  "A HostProcess container is no container but a program on the node, with its files and its network: what takes it over has the node.",
				Fix:  "Drop hostProcess. What administers nodes with it belongs into a namespace of its own.",
				Bad:  inPod("securityContext:\n  windowsOptions:\n    hostProcess: true\ncontainers:\n- name: cart\n"),
				Good: inPod("securityContext:\n  windowsOptions:\n    hostProcess: false\ncontainers:\n- name: cart\n"),
			})},
	}
}
