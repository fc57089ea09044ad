package psp

import (
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/plimsoll/plimsoll/internal/read/kube"
)

// Fill is the pod with what the policy fills in where nothing is set. What was an annotation then stands in the field that
// took its place.
func (p *Policy) Fill(pod *corev1.Pod) *corev1.Pod {
	pod = pod.DeepCopy()
	c := pod.Spec.SecurityContext
	if c == nil {
		c = &corev1.PodSecurityContext{}
	}
	if p.Spec.SupplementalGroups.Rule == kube.PSPMustRunAs && len(c.SupplementalGroups) == 0 {
		c.SupplementalGroups = []int64{p.Spec.SupplementalGroups.Ranges[0].Min}
	}
	if p.Spec.FSGroup.Rule == kube.PSPMustRunAs && c.FSGroup == nil {
		c.FSGroup = ptr(p.Spec.FSGroup.Ranges[0].Min)
	}
	if p.Spec.SELinux.Rule == kube.PSPMustRunAs && c.SELinuxOptions == nil {
		c.SELinuxOptions = p.Spec.SELinux.Options.DeepCopy()
	}
	if c.SeccompProfile == nil && pod.Annotations[SeccompPod] == "" {
		c.SeccompProfile = seccompField(p.Seccomp.Default)
	}
	if pod.Spec.SecurityContext != nil || !empty(c) {
		pod.Spec.SecurityContext = c
	}
	if r := p.Spec.RuntimeClass; r != nil && pod.Spec.RuntimeClassName == nil && r.DefaultRuntimeClassName != nil {
		pod.Spec.RuntimeClassName = ptr(*r.DefaultRuntimeClassName)
	}
	for _, one := range containers(pod) {
		p.fillContainer(pod, one.Container)
	}
	return pod
}

func empty(c *corev1.PodSecurityContext) bool {
	return c.SupplementalGroups == nil && c.FSGroup == nil && c.SELinuxOptions == nil && c.SeccompProfile == nil
}

func (p *Policy) fillContainer(pod *corev1.Pod, of *corev1.Container) {
	c, e := &corev1.SecurityContext{}, effective(pod, of)
	if of.SecurityContext != nil {
		c = of.SecurityContext
	}
	before := c.DeepCopy()
	if p.Spec.RunAsUser.Rule == kube.PSPMustRunAs && e.user == nil {
		c.RunAsUser = ptr(p.Spec.RunAsUser.Ranges[0].Min)
	}
	if p.Spec.RunAsUser.Rule == kube.PSPMustRunAsNonRoot && e.user == nil && e.nonRoot == nil {
		c.RunAsNonRoot = ptr(true)
	}
	if g := p.Spec.RunAsGroup; g != nil && g.Rule == kube.PSPMustRunAs && e.group == nil {
		c.RunAsGroup = ptr(g.Ranges[0].Min)
	}
	if p.AppArmor.Default != "" && appArmor(pod, of) == "" {
		c.AppArmorProfile = appArmorField(p.AppArmor.Default)
	}
	p.capabilities(c)
	if p.Spec.ReadOnlyRootFilesystem && c.ReadOnlyRootFilesystem == nil {
		c.ReadOnlyRootFilesystem = ptr(true)
	}
	if c.AllowPrivilegeEscalation == nil {
		if d := p.Spec.DefaultAllowPrivilegeEscalation; d != nil {
			c.AllowPrivilegeEscalation = ptr(*d)
		} else if !p.Escalates() {
			c.AllowPrivilegeEscalation = ptr(false)
		}
	}
	if of.SecurityContext == nil && *c == *before {
		return
	}
	of.SecurityContext = c
}

// capabilities adds those that the policy adds, but where the container drops them, and drops those that must be.
func (p *Policy) capabilities(c *corev1.SecurityContext) {
	var add, drop []corev1.Capability
	if c.Capabilities != nil {
		add, drop = c.Capabilities.Add, c.Capabilities.Drop
	}
	var more []corev1.Capability
	for _, one := range p.Spec.DefaultAddCapabilities {
		if !slices.Contains(drop, one) {
			more = append(more, one)
		}
	}
	if within(more, add) && within(p.Spec.RequiredDropCapabilities, drop) {
		return
	}
	c.Capabilities = &corev1.Capabilities{Add: union(more, add), Drop: union(p.Spec.RequiredDropCapabilities, drop)}
}

func within(some, all []corev1.Capability) bool {
	return !slices.ContainsFunc(some, func(c corev1.Capability) bool { return !slices.Contains(all, c) })
}

func union(a, b []corev1.Capability) []corev1.Capability {
	both := slices.Concat(a, b)
	slices.Sort(both)
	return slices.Compact(both)
}

func ptr[T any](v T) *T { return &v }

// setting is what holds for a container, by its own context or the pod's.
type setting struct {
	user, group *int64
	nonRoot     *bool
	seLinux     *corev1.SELinuxOptions
}

func effective(pod *corev1.Pod, of *corev1.Container) (e setting) {
	if c := pod.Spec.SecurityContext; c != nil {
		e = setting{c.RunAsUser, c.RunAsGroup, c.RunAsNonRoot, c.SELinuxOptions}
	}
	c := of.SecurityContext
	if c == nil {
		return e
	}
	own(&e.user, c.RunAsUser)
	own(&e.group, c.RunAsGroup)
	own(&e.nonRoot, c.RunAsNonRoot)
	own(&e.seLinux, c.SELinuxOptions)
	return e
}

func own[T any](of **T, value *T) {
	if value != nil {
		*of = value
	}
}

// containers are those of a pod with where they stand.
func containers(pod *corev1.Pod) (all []placed) {
	for i := range pod.Spec.InitContainers {
		all = append(all, placed{&pod.Spec.InitContainers[i], "spec.initContainers", i})
	}
	for i := range pod.Spec.Containers {
		all = append(all, placed{&pod.Spec.Containers[i], "spec.containers", i})
	}
	for i := range pod.Spec.EphemeralContainers {
		all = append(all, placed{(*corev1.Container)(&pod.Spec.EphemeralContainers[i].EphemeralContainerCommon), "spec.ephemeralContainers", i})
	}
	return all
}

type placed struct {
	*corev1.Container
	list  string
	index int
}

// seccompField is the field for a profile in the words of annotations; nil of no word.
func seccompField(word string) *corev1.SeccompProfile {
	kind, name := fieldOf(word)
	if kind == "" {
		return nil
	}
	return &corev1.SeccompProfile{Type: corev1.SeccompProfileType(kind), LocalhostProfile: name}
}

func appArmorField(word string) *corev1.AppArmorProfile {
	kind, name := fieldOf(word)
	if kind == "" {
		return nil
	}
	return &corev1.AppArmorProfile{Type: corev1.AppArmorProfileType(kind), LocalhostProfile: name}
}

func fieldOf(word string) (kind string, name *string) {
	if local, ok := strings.CutPrefix(word, "localhost/"); ok {
		return "Localhost", &local
	}
	switch word {
	case "runtime/default", "docker/default":
		return "RuntimeDefault", nil
	case "unconfined":
		return "Unconfined", nil
	}
	return "", nil
}

func wordOf(kind string, name *string) string {
	switch kind {
	case "RuntimeDefault":
		return "runtime/default"
	case "Unconfined":
		return "unconfined"
	case "Localhost":
		if name != nil {
			return "localhost/" + *name
		}
		return "localhost/"
	}
	return ""
}

// translated is a pod whose profiles of seccomp stand in fields, where the API server wrote them too as long as it knew
// the annotations; since Kubernetes 1.27 nobody reads these.
func translated(pod *corev1.Pod) *corev1.Pod {
	if profile := seccompField(pod.Annotations[SeccompPod]); profile != nil {
		if pod.Spec.SecurityContext == nil {
			pod.Spec.SecurityContext = &corev1.PodSecurityContext{}
		}
		if c := pod.Spec.SecurityContext; c.SeccompProfile == nil {
			c.SeccompProfile = profile
		}
	}
	for _, one := range containers(pod) {
		profile := seccompField(pod.Annotations[SeccompContainer+one.Name])
		if profile == nil {
			continue
		}
		if one.SecurityContext == nil {
			one.SecurityContext = &corev1.SecurityContext{}
		}
		if one.SecurityContext.SeccompProfile == nil {
			one.SecurityContext.SeccompProfile = profile
		}
	}
	return pod
}

// seccomp is a pod's profile, and a container's, in the words of annotations.
func seccomp(pod *corev1.Pod) string {
	if word := pod.Annotations[SeccompPod]; word != "" {
		return word
	}
	if c := pod.Spec.SecurityContext; c != nil && c.SeccompProfile != nil {
		return wordOf(string(c.SeccompProfile.Type), c.SeccompProfile.LocalhostProfile)
	}
	return ""
}

func seccompOf(pod *corev1.Pod, of *corev1.Container) string {
	if c := of.SecurityContext; c != nil && c.SeccompProfile != nil {
		return wordOf(string(c.SeccompProfile.Type), c.SeccompProfile.LocalhostProfile)
	}
	if word, ok := pod.Annotations[SeccompContainer+of.Name]; ok {
		return word
	}
	return seccomp(pod)
}

// appArmor is a container's profile. The fields came after the policies, and say the same.
func appArmor(pod *corev1.Pod, of *corev1.Container) string {
	if c := of.SecurityContext; c != nil && c.AppArmorProfile != nil {
		return wordOf(string(c.AppArmorProfile.Type), c.AppArmorProfile.LocalhostProfile)
	}
	if word := pod.Annotations[AppArmorContainer+of.Name]; word != "" {
		return word
	}
	if c := pod.Spec.SecurityContext; c != nil && c.AppArmorProfile != nil {
		return wordOf(string(c.AppArmorProfile.Type), c.AppArmorProfile.LocalhostProfile)
	}
	return ""
}
