package pod

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/check"
)

// capability is what having one is worth.
type capability struct {
	severity finding.Severity
	gives    string
}

// capabilities are those that reach out of the container, or take down what protects it (capabilities(7)).
var capabilities = map[string]capability{
	"ALL":                {finding.Critical, "all of them: as good as root on the node"},
	"SYS_ADMIN":          {finding.Critical, "mounts, and most of what root may do"},
	"SYS_MODULE":         {finding.Critical, "code of its own in the node's kernel"},
	"SYS_RAWIO":          {finding.Critical, "the node's memory and disks"},
	"BPF":                {finding.High, "programs in the kernel, which see all of the node"},
	"PERFMON":            {finding.High, "the kernel's memory, by measuring"},
	"SYS_PTRACE":         {finding.High, "the memory of other processes, the node's too with hostPID"},
	"DAC_READ_SEARCH":    {finding.High, "every file of the node, by its handle"},
	"SYS_BOOT":           {finding.High, "a restart of the node, or another kernel"},
	"CHECKPOINT_RESTORE": {finding.High, "the memory of other processes"},
	"MAC_ADMIN":          {finding.High, "AppArmor's and SELinux' rules"},
	"MAC_OVERRIDE":       {finding.High, "a way past AppArmor and SELinux"},
	"SYSLOG":             {finding.Medium, "addresses of the kernel, which exploits need"},
	"NET_ADMIN":          {finding.Medium, "addresses, routes and filters of the pod's network, the node's with hostNetwork"},
	"SYS_CHROOT":         {finding.Medium, "other roots, a step of many ways out"},
	"SYS_TIME":           {finding.Medium, "the node's clock"},
	"SYS_RESOURCE":       {finding.Medium, "limits and quotas that no longer hold"},
	"SYS_NICE":           {finding.Low, "other pods' share of the processors"},
	"IPC_LOCK":           {finding.Low, "memory that is never swapped"},
	"IPC_OWNER":          {finding.Medium, "shared memory of others"},
	"MKNOD":              {finding.Medium, "device files"},
	"SETPCAP":            {finding.Medium, "capabilities for others"},
	"SETFCAP":            {finding.Medium, "capabilities on files"},
	"DAC_OVERRIDE":       {finding.Medium, "writing files of others, on volumes too"},
	"FOWNER":             {finding.Medium, "rights on files of others, on volumes too"},
	"CHOWN":              {finding.Low, "owners of files, on volumes too"},
	"SETUID":             {finding.Low, "becoming any user of the container"},
	"SETGID":             {finding.Low, "becoming any group of the container"},
	"NET_RAW":            {finding.Medium, "forged packets: other pods' names and addresses"},
	"LINUX_IMMUTABLE":    {finding.Medium, "files that nobody can change"},
	"AUDIT_CONTROL":      {finding.High, "the node's audit, switched off"},
	"AUDIT_READ":         {finding.Medium, "the node's audit log"},
	"AUDIT_WRITE":        {finding.Low, "false records in the node's audit log"},
	"WAKE_ALARM":         {finding.Low, "timers that wake the node"},
	"BLOCK_SUSPEND":      {finding.Low, "a node that never sleeps"},
	"SYS_PACCT":          {finding.Medium, "the node's accounting of processes"},
	"SYS_TTY_CONFIG":     {finding.Medium, "the node's terminals"},
	"LEASE":              {finding.Low, "leases on files of others"},
	"KILL":               {finding.Low, "signals to processes of other users"},
	"NET_BROADCAST":      {finding.Low, "broadcasts"},
	"FSETID":             {finding.Low, "set-user-id bits that stay"},
}

// bare is a capability's name without the prefix that only runtimes write.
func bare(c corev1.Capability) string { return strings.TrimPrefix(strings.ToUpper(string(c)), "CAP_") }

func dangerousCapability() Check {
	return Check{
		Card: card("dangerous-capability", "a container is given a capability that reaches out of it", finding.High,
			"kubescape/C-0046 checkov/CKV_K8S_39 checkov/CKV_K8S_25 trivy/KSV-0005 trivy/KSV-0119 trivy/KSV-0120 polaris/dangerousCapabilities polaris/insecureCapabilities cis-k8s-1.12/5.2.9 attack/T1611",
			check.Page{
				Why:  "A capability is a part of root's power. Some are as good as root on the node, some open the pod's neighbours, some only the container itself: the severity is that of the one that is given.",
				Fix:  "Drop ALL and add what the application needs and no more; ports below 1024 need NET_BIND_SERVICE alone, and in newer runtimes not even that.",
				Bad:  inContainer("securityContext:\n  capabilities:\n    add: [SYS_ADMIN]"),
				Good: inContainer("securityContext:\n  capabilities:\n    drop: [ALL]\n    add: [NET_BIND_SERVICE]"),
			}),
		native: nativeCapabilities(),
		look: func(f *Facts) (hits []hit) {
			for _, c := range f.containers() {
				if c.SecurityContext == nil || c.SecurityContext.Capabilities == nil {
					continue
				}
				for i, name := range c.SecurityContext.Capabilities.Add {
					known, ok := capabilities[bare(name)]
					switch {
					case bare(name) == "NET_BIND_SERVICE":
						continue
					case !ok:
						known = capability{finding.Medium, "nobody knows what: Linux has none of this name yet"}
					}
					hits = append(hits, hit{
						container: c.Name, field: fmt.Sprintf("%s.securityContext.capabilities.add[%d]", c.field, i),
						detail: fmt.Sprintf("%s gives %s", bare(name), known.gives), severity: known.severity,
					})
				}
			}
			return hits
		},
	}
}

func netRaw() Check {
	return Check{
		Card: card("net-raw", "a container can forge packets", finding.Low,
			"checkov/CKV_K8S_28 kube-linter/drop-net-raw-capability cis-k8s-1.12/5.2.8 attack/T1557", check.Page{
				Why:  "NET_RAW is among the capabilities that runtimes give by default. With it a container answers in the name of others of its network (ARP, DNS) and listens to what is not for it.",
				Fix:  "Write capabilities.drop: [ALL] in securityContext; ping works without it on today's kernels.",
				Bad:  inContainer("image: example.org/cart:1"),
				Good: inContainer("securityContext:\n  capabilities:\n    drop: [ALL]"),
			}),
		native: each(`!windows && !` + droppedIn + `.exists(d, d.upperAscii() in ["ALL", "CAP_ALL", "NET_RAW", "CAP_NET_RAW"])`),
		look: func(f *Facts) (hits []hit) {
			if f.windows() {
				return nil
			}
			for _, c := range f.containers() {
				if !drops(c, "NET_RAW") {
					hits = append(hits, hit{container: c.Name, field: c.field + ".securityContext.capabilities.drop"})
				}
			}
			return hits
		},
	}
}

// drops says that a container gives a capability up, by its name or with all of them.
func drops(c container, name string) bool {
	return c.SecurityContext != nil && c.SecurityContext.Capabilities != nil &&
		slices.ContainsFunc(c.SecurityContext.Capabilities.Drop, func(d corev1.Capability) bool { return bare(d) == "ALL" || bare(d) == name })
}
