package psp

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/plimsoll/plimsoll/internal/read/kube"
)

// SafeSysctls are those that every policy allowed, as Kubernetes 1.24 had them.
func SafeSysctls() []string {
	return []string{
		"kernel.shm_rmid_forced", "net.ipv4.ip_local_port_range", "net.ipv4.tcp_syncookies", "net.ipv4.ping_group_range", "net.ipv4.ip_unprivileged_port_start",
	}
}

// Faults are the fields of a pod for which the policy does not admit it, as it is.
func (p *Policy) Faults(pod *corev1.Pod) (fields []string) {
	fault := func(wrong bool, field string) {
		if wrong {
			fields = append(fields, field)
		}
	}
	s, spec := &p.Spec, &pod.Spec
	c := spec.SecurityContext
	if c == nil {
		c = &corev1.PodSecurityContext{}
	}
	var group []int64
	if c.FSGroup != nil {
		group = []int64{*c.FSGroup}
	}
	fault(!groups(&s.FSGroup, group), "spec.securityContext.fsGroup")
	fault(!groups(&s.SupplementalGroups, c.SupplementalGroups), "spec.securityContext.supplementalGroups")
	fault(!p.Seccomp.admits(seccomp(pod)), "spec.securityContext.seccompProfile")
	fault(!p.seLinux(c.SELinuxOptions), "spec.securityContext.seLinuxOptions")
	fault(!s.HostNetwork && spec.HostNetwork, "spec.hostNetwork")
	fault(!s.HostPID && spec.HostPID, "spec.hostPID")
	fault(!s.HostIPC && spec.HostIPC, "spec.hostIPC")
	for i, one := range c.Sysctls {
		allowed := slices.Contains(SafeSysctls(), one.Name) || matches(s.AllowedUnsafeSysctls, one.Name)
		fault(!allowed || matches(s.ForbiddenSysctls, one.Name), fmt.Sprintf("spec.securityContext.sysctls[%d]", i))
	}
	for i := range spec.Volumes {
		fault(!p.volume(pod, &spec.Volumes[i]), fmt.Sprintf("spec.volumes[%d]", i))
	}
	if r := s.RuntimeClass; r != nil && spec.RuntimeClassName != nil {
		allowed := slices.Contains(r.AllowedRuntimeClassNames, "*") || slices.Contains(r.AllowedRuntimeClassNames, *spec.RuntimeClassName)
		fault(!allowed, "spec.runtimeClassName")
	}
	for _, one := range containers(pod) {
		at := fmt.Sprintf("%s[%d].", one.list, one.index)
		p.container(pod, one.Container, func(wrong bool, field string) { fault(wrong, at+field) })
	}
	return fields
}

func (p *Policy) container(pod *corev1.Pod, of *corev1.Container, fault func(wrong bool, field string)) {
	s, e, c := &p.Spec, effective(pod, of), of.SecurityContext
	if c == nil {
		c = &corev1.SecurityContext{}
	}
	isFalse := func(b *bool) bool { return b != nil && !*b }
	isTrue := func(b *bool) bool { return b != nil && *b }
	switch s.RunAsUser.Rule {
	case kube.PSPMustRunAs:
		fault(e.user == nil || !inRanges(s.RunAsUser.Ranges, *e.user), "securityContext.runAsUser")
	case kube.PSPMustRunAsNonRoot:
		fault(e.user == nil && e.nonRoot == nil || isFalse(e.nonRoot) || e.user != nil && *e.user == 0, "securityContext.runAsNonRoot")
	}
	if s.RunAsGroup != nil {
		var group []int64
		if e.group != nil {
			group = []int64{*e.group}
		}
		fault(!groups(s.RunAsGroup, group), "securityContext.runAsGroup")
	}
	fault(!p.seLinux(e.seLinux), "securityContext.seLinuxOptions")
	if profile := appArmor(pod, of); !p.AppArmor.Any {
		fault(profile == "" || !slices.Contains(p.AppArmor.Allowed, profile), "securityContext.appArmorProfile")
	}
	fault(!p.Seccomp.admits(seccompOf(pod, of)), "securityContext.seccompProfile")
	fault(!s.Privileged && isTrue(c.Privileged), "securityContext.privileged")
	mount := corev1.DefaultProcMount
	if c.ProcMount != nil {
		mount = *c.ProcMount
	}
	fault(!slices.Contains(p.ProcMounts(), mount), "securityContext.procMount")
	add, drop := p.faultyCapabilities(c.Capabilities)
	fault(add, "securityContext.capabilities.add")
	fault(drop, "securityContext.capabilities.drop")
	for i, port := range of.Ports {
		fault(port.HostPort > 0 && !inRanges(s.HostPorts, int64(port.HostPort)), fmt.Sprintf("ports[%d].hostPort", i))
	}
	fault(s.ReadOnlyRootFilesystem && !isTrue(c.ReadOnlyRootFilesystem), "securityContext.readOnlyRootFilesystem")
	fault(!p.Escalates() && !isFalse(c.AllowPrivilegeEscalation), "securityContext.allowPrivilegeEscalation")
}

// ProcMounts are those that the policy allows.
func (p *Policy) ProcMounts() []corev1.ProcMountType {
	if len(p.Spec.AllowedProcMountTypes) == 0 {
		return []corev1.ProcMountType{corev1.DefaultProcMount}
	}
	return p.Spec.AllowedProcMountTypes
}

func (p *Policy) faultyCapabilities(c *corev1.Capabilities) (add, drop bool) {
	if slices.Contains(p.Spec.AllowedCapabilities, "*") {
		return false, false // which lets all else of them pass as well
	}
	if c == nil {
		return false, len(p.Spec.DefaultAddCapabilities)+len(p.Spec.RequiredDropCapabilities) > 0
	}
	return !within(c.Add, slices.Concat(p.Spec.DefaultAddCapabilities, p.Spec.AllowedCapabilities)), !within(p.Spec.RequiredDropCapabilities, c.Drop)
}

func (of Profiles) admits(profile string) bool {
	return of.Any || len(of.Allowed) == 0 && profile == "" || slices.Contains(of.Allowed, profile)
}

func (p *Policy) seLinux(o *corev1.SELinuxOptions) bool {
	want := p.Spec.SELinux.Options
	if p.Spec.SELinux.Rule != kube.PSPMustRunAs {
		return true
	}
	return o != nil && want != nil && o.User == want.User && o.Role == want.Role && o.Type == want.Type && sameLevel(o.Level, want.Level)
}

// sameLevel compares levels of SELinux, the categories of which stand in any order.
func sameLevel(a, b string) bool {
	split := func(level string) (string, []string) {
		sensitivity, categories, _ := strings.Cut(level, ":")
		all := strings.Split(categories, ",")
		slices.Sort(all)
		return sensitivity, all
	}
	one, categories := split(a)
	other, others := split(b)
	return a == b || one == other && strings.Count(a, ":") == 1 && strings.Count(b, ":") == 1 && slices.Equal(categories, others)
}

// groups holds ids against a rule; what must run as some group names one.
func groups(r *kube.PSPRule, ids []int64) bool {
	if r.Rule == kube.PSPRunAsAny {
		return true
	}
	outside := slices.ContainsFunc(ids, func(id int64) bool { return !inRanges(r.Ranges, id) })
	return !outside && (r.Rule == kube.PSPMayRunAs || len(ids) > 0)
}

func inRanges(ranges []kube.PSPRange, id int64) bool {
	return slices.ContainsFunc(ranges, func(r kube.PSPRange) bool { return id >= r.Min && id <= r.Max })
}

// matches holds a name against patterns, which may end in a star.
func matches(patterns []string, name string) bool {
	return slices.ContainsFunc(patterns, func(pattern string) bool {
		prefix, star := strings.CutSuffix(pattern, "*")
		return name == pattern || star && strings.HasPrefix(name, prefix)
	})
}

// volume says that a pod may have a volume.
func (p *Policy) volume(pod *corev1.Pod, v *corev1.Volume) bool {
	allowed, kind := p.Spec.Volumes, VolumeType(v)
	switch {
	case slices.Contains(allowed, "*"):
	case kind == "projected" && slices.Contains(allowed, "secret") && onlyToken(v.Projected):
	case kind == "" || !slices.Contains(allowed, kind):
		return false
	}
	switch {
	case v.HostPath != nil && len(p.Spec.AllowedHostPaths) > 0:
		return p.hostPath(pod, v)
	case v.FlexVolume != nil && len(p.Spec.AllowedFlexVolumes) > 0:
		return slices.Contains(p.Spec.AllowedFlexVolumes, kube.PSPFlexVolume{Driver: v.FlexVolume.Driver})
	case v.CSI != nil && len(p.Spec.AllowedCSIDrivers) > 0:
		return slices.Contains(p.Spec.AllowedCSIDrivers, kube.PSPCSIDriver{Name: v.CSI.Driver})
	}
	return true
}

// hostPath holds a path of the node against those that are allowed. Where one is to be read only, each mount is.
func (p *Policy) hostPath(pod *corev1.Pod, v *corev1.Volume) bool {
	below := false
	for _, a := range p.Spec.AllowedHostPaths {
		prefix, path := strings.TrimSuffix(a.PathPrefix, "/"), strings.TrimSuffix(v.HostPath.Path, "/")
		if path != prefix && !strings.HasPrefix(path, prefix+"/") {
			continue
		}
		if below = true; !a.ReadOnly {
			return true
		}
	}
	return below && !slices.ContainsFunc(containers(pod), func(c placed) bool {
		return slices.ContainsFunc(c.VolumeMounts, func(m corev1.VolumeMount) bool { return m.Name == v.Name && !m.ReadOnly })
	})
}

// onlyToken says that a volume holds what is mounted for a service account, and no more: that counts as a secret.
func onlyToken(v *corev1.ProjectedVolumeSource) bool {
	return !slices.ContainsFunc(v.Sources, func(s corev1.VolumeProjection) bool {
		if t := s.ServiceAccountToken; t != nil && (t.Path != "token" || t.Audience != "") {
			return true
		}
		if s.ConfigMap != nil && s.ConfigMap.Name != "kube-root-ca.crt" {
			return true
		}
		if s.DownwardAPI != nil && slices.ContainsFunc(s.DownwardAPI.Items, func(f corev1.DownwardAPIVolumeFile) bool {
			return f.Path != "namespace" || f.FieldRef == nil || f.FieldRef.APIVersion != "v1" || f.FieldRef.FieldPath != "metadata.namespace"
		}) {
			return true
		}
		return s.ServiceAccountToken == nil && s.ConfigMap == nil && s.DownwardAPI == nil
	})
}
