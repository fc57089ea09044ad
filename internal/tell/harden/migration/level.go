package migration

import (
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/plimsoll/plimsoll/internal/judge/pod/psp"
	"github.com/plimsoll/plimsoll/internal/judge/pod/standard"
	"github.com/plimsoll/plimsoll/internal/read/kube"
)

// Difference is what a level refuses, and a policy let pass without ever speaking of it.
type Difference struct {
	Check string // of the Pod Security Standards
	What  string // in words
}

// Closest is the strictest level of the Pod Security Standards that allows all that the policy does by name, and what it
// refuses all the same.
func Closest(p *psp.Policy) (standard.Level, []Difference) {
	if beyondBaseline(p) {
		return standard.Privileged, nil
	}
	silent := []Difference{
		{"hostProbesAndHostLifecycle", "probes and hooks that name a host"},
		{"windowsHostProcess", "host processes of Windows"},
	}
	if p.Spec.SELinux.Rule == kube.PSPRunAsAny {
		silent = append(silent, Difference{"seLinuxOptions", "a user, a role or a type of SELinux of the pod's own choice"})
	}
	if p.AppArmor.Any {
		silent = append(silent, Difference{"appArmorProfile", "AppArmor switched off"})
	}
	if beyondRestricted(p) {
		return standard.Baseline, silent
	}
	return standard.Restricted, append(silent, Difference{"runAsNonRoot", "runAsNonRoot that is not set, beside a runAsUser that is no root"})
}

// Levels' own lists, of which the standard says that they never change.
var (
	baselineCapabilities = []string{"AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD", "NET_BIND_SERVICE", "SETFCAP", "SETGID", "SETPCAP", "SETUID", "SYS_CHROOT"}
	containerTypes       = []string{"container_t", "container_init_t", "container_kvm_t", "container_engine_t"}
	restrictedVolumes    = []string{"configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret"}
)

func beyondBaseline(p *psp.Policy) bool {
	s := &p.Spec
	seLinux := s.SELinux.Options
	return s.Privileged || s.HostNetwork || s.HostPID || s.HostIPC ||
		slices.ContainsFunc(s.HostPorts, func(r kube.PSPRange) bool { return r.Max > 0 }) ||
		!addsOnly(s, baselineCapabilities) || slices.Contains(s.Volumes, "*") || slices.Contains(s.Volumes, "hostPath") ||
		slices.ContainsFunc(s.AllowedProcMountTypes, func(m corev1.ProcMountType) bool { return m != corev1.DefaultProcMount }) ||
		len(s.AllowedUnsafeSysctls) > 0 || p.Seccomp.Any || slices.Contains(p.Seccomp.Allowed, "unconfined") ||
		!p.AppArmor.Any && slices.Contains(p.AppArmor.Allowed, "unconfined") ||
		seLinux != nil && (seLinux.User != "" || seLinux.Role != "" || seLinux.Type != "" && !slices.Contains(containerTypes, seLinux.Type))
}

func beyondRestricted(p *psp.Policy) bool {
	s := &p.Spec
	return p.Escalates() || s.RunAsUser.Rule != kube.PSPMustRunAsNonRoot || !slices.Contains(s.RequiredDropCapabilities, "ALL") ||
		!addsOnly(s, []string{"NET_BIND_SERVICE"}) || len(p.Seccomp.Allowed) == 0 || slices.Contains(p.Seccomp.Allowed, "") ||
		slices.ContainsFunc(s.Volumes, func(v string) bool { return !slices.Contains(restrictedVolumes, v) })
}

func addsOnly(s *kube.PodSecurityPolicySpec, list []string) bool {
	return !slices.ContainsFunc(slices.Concat(s.AllowedCapabilities, s.DefaultAddCapabilities), func(c corev1.Capability) bool {
		return !slices.Contains(list, string(c))
	})
}
