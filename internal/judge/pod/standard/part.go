package standard

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/pod-security-admission/policy"
)

// looks are the things that a check looks at, each left alone in a pod or container that is good otherwise.
// They say where to look for blame, never whether there is any.
type looks struct {
	pod       func(meta *metav1.ObjectMeta, spec *corev1.PodSpec) []podPart
	container func(c *corev1.Container) []containerPart
}

type podPart struct {
	field, value string
	container    string
	meta         metav1.ObjectMeta
	spec         corev1.PodSpec
}

type containerPart struct {
	field, value string
	left         corev1.Container
}

var looksAt = map[policy.CheckID]looks{
	"allowPrivilegeEscalation":   {container: one("securityContext.allowPrivilegeEscalation", allowPrivilegeEscalation)},
	"appArmorProfile":            {appArmorOfPod, one("securityContext.appArmorProfile.type", appArmor)},
	"capabilities_baseline":      {container: added},
	"capabilities_restricted":    {container: added},
	"hostNamespaces":             {pod: hostNamespaces},
	"hostPathVolumes":            {pod: volumes},
	"hostPorts":                  {container: hostPorts},
	"hostProbesAndHostLifecycle": {container: hosts},
	"privileged":                 {container: one("securityContext.privileged", nil)},
	"procMount":                  {container: one("securityContext.procMount", procMount)},
	"procMount_restricted":       {container: one("securityContext.procMount", procMount)},
	"restrictedVolumes":          {pod: volumes},
	"runAsNonRoot":               {ofContext("runAsNonRoot", runAsNonRoot), one("securityContext.runAsNonRoot", runAsNonRootOf)},
	"runAsUser":                  {ofContext("runAsUser", nil), one("securityContext.runAsUser", nil)},
	"seLinuxOptions":             {seLinuxOfPod, seLinuxOfContainer},
	"seccompProfile_baseline":    {seccompOfPod, seccompOfContainer},
	"seccompProfile_restricted":  {seccompOfPod, one("securityContext.seccompProfile.type", seccomp)},
	"sysctls":                    {pod: sysctls},
	"windowsHostProcess":         {ofContext("windowsOptions.hostProcess", nil), one("securityContext.windowsOptions.hostProcess", nil)},
}

const (
	seccompPod       = "seccomp.security.alpha.kubernetes.io/pod" // annotations that the versions before 1.19 knew
	seccompContainer = "container.seccomp.security.alpha.kubernetes.io/"
)

// mended are a pod's own settings without what any check forbids in them, and with what any asks of them.
// Its operating system and user namespace stay: they decide what is asked.
func mended(meta *metav1.ObjectMeta, spec *corev1.PodSpec) (*metav1.ObjectMeta, corev1.PodSpec) {
	annotations := maps.Clone(meta.Annotations)
	maps.DeleteFunc(annotations, func(key, _ string) bool { return !strings.HasPrefix(key, seccompContainer) })
	return &metav1.ObjectMeta{Annotations: annotations}, corev1.PodSpec{
		OS: spec.OS, HostUsers: spec.HostUsers,
		SecurityContext: &corev1.PodSecurityContext{
			RunAsNonRoot: new(true), SeccompProfile: &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault},
		},
	}
}

// one is for checks that look at a single field of each container.
func one(field string, value func(c *corev1.SecurityContext) string) func(c *corev1.Container) []containerPart {
	return func(c *corev1.Container) []containerPart {
		p := containerPart{field: field, left: *c}
		if value != nil {
			p.value = value(orEmpty(c.SecurityContext))
		}
		return []containerPart{p}
	}
}

// ofContext is the same for the pod's security context.
func ofContext(field string, value func(c *corev1.PodSecurityContext) string) func(*metav1.ObjectMeta, *corev1.PodSpec) []podPart {
	return func(_ *metav1.ObjectMeta, spec *corev1.PodSpec) []podPart {
		p := podPart{field: "spec.securityContext." + field, spec: *spec}
		if value != nil {
			p.value = value(orEmpty(spec.SecurityContext))
		}
		return []podPart{p}
	}
}

func orEmpty[T any](p *T) *T {
	if p == nil {
		return new(T)
	}
	return p
}

// said is what a setting says, and that it says nothing.
func said[T any](p *T) string {
	if p == nil {
		return "not set"
	}
	return fmt.Sprint(*p)
}

func allowPrivilegeEscalation(c *corev1.SecurityContext) string {
	return said(c.AllowPrivilegeEscalation)
}

func procMount(c *corev1.SecurityContext) string       { return short(string(*orEmpty(c.ProcMount))) }
func runAsNonRoot(c *corev1.PodSecurityContext) string { return said(c.RunAsNonRoot) }
func runAsNonRootOf(c *corev1.SecurityContext) string  { return said(c.RunAsNonRoot) }
func appArmor(c *corev1.SecurityContext) string {
	return short(string(orEmpty(c.AppArmorProfile).Type))
}

func seccomp(c *corev1.SecurityContext) string {
	if c.SeccompProfile == nil {
		return "not set"
	}
	return short(string(c.SeccompProfile.Type))
}

func hostNamespaces(_ *metav1.ObjectMeta, spec *corev1.PodSpec) []podPart {
	return []podPart{
		{field: "spec.hostNetwork", spec: corev1.PodSpec{HostNetwork: spec.HostNetwork}},
		{field: "spec.hostPID", spec: corev1.PodSpec{HostPID: spec.HostPID}},
		{field: "spec.hostIPC", spec: corev1.PodSpec{HostIPC: spec.HostIPC}},
	}
}

func volumes(_ *metav1.ObjectMeta, spec *corev1.PodSpec) (all []podPart) {
	for i, v := range spec.Volumes {
		field, value := fmt.Sprintf("spec.volumes[%d]", i), "volume "+short(v.Name)
		if kind := kindOf(&v.VolumeSource); kind != "" {
			field += "." + kind
			value += ", " + kind
		}
		if v.HostPath != nil {
			value += " " + short(v.HostPath.Path)
		}
		all = append(all, podPart{field: field, value: value, spec: corev1.PodSpec{Volumes: []corev1.Volume{v}}})
	}
	return all
}

// kindOf names what a volume is: the first of its sources that is set.
func kindOf(v *corev1.VolumeSource) string {
	fields := reflect.ValueOf(v).Elem()
	for i := range fields.NumField() {
		if f := fields.Field(i); f.Kind() == reflect.Pointer && !f.IsNil() {
			name, _, _ := strings.Cut(fields.Type().Field(i).Tag.Get("json"), ",")
			return name
		}
	}
	return ""
}

func sysctls(_ *metav1.ObjectMeta, spec *corev1.PodSpec) (all []podPart) {
	for i, s := range orEmpty(spec.SecurityContext).Sysctls {
		all = append(all, podPart{
			field: fmt.Sprintf("spec.securityContext.sysctls[%d].name", i), value: short(s.Name),
			spec: corev1.PodSpec{SecurityContext: &corev1.PodSecurityContext{Sysctls: []corev1.Sysctl{s}}},
		})
	}
	return all
}

// added are what a container adds to its capabilities, one by one, and that it keeps those that it has.
func added(c *corev1.Container) []containerPart {
	has := orEmpty(orEmpty(c.SecurityContext).Capabilities)
	with := func(held corev1.Capabilities) corev1.Container {
		return corev1.Container{SecurityContext: &corev1.SecurityContext{Capabilities: &held}}
	}
	all := []containerPart{{field: "securityContext.capabilities.drop", value: "ALL is not dropped", left: with(corev1.Capabilities{Drop: has.Drop})}}
	for i, a := range has.Add {
		all = append(all, containerPart{
			field: fmt.Sprintf("securityContext.capabilities.add[%d]", i), value: short(string(a)),
			left: with(corev1.Capabilities{Drop: []corev1.Capability{"ALL"}, Add: []corev1.Capability{a}}),
		})
	}
	return all
}

func hostPorts(c *corev1.Container) (all []containerPart) {
	for i, p := range c.Ports {
		all = append(all, containerPart{
			field: fmt.Sprintf("ports[%d].hostPort", i), value: fmt.Sprint(p.HostPort),
			left: corev1.Container{Ports: []corev1.ContainerPort{p}},
		})
	}
	return all
}

// hosts are the places where a container has the kubelet call a host of its choice.
func hosts(c *corev1.Container) (all []containerPart) {
	probe := func(name string, p *corev1.Probe) {
		if p == nil {
			return
		}
		if p.HTTPGet != nil {
			left := corev1.Probe{ProbeHandler: corev1.ProbeHandler{HTTPGet: p.HTTPGet}}
			all = append(all, containerPart{name + ".httpGet.host", short(p.HTTPGet.Host), corev1.Container{LivenessProbe: &left}})
		}
		if p.TCPSocket != nil {
			left := corev1.Probe{ProbeHandler: corev1.ProbeHandler{TCPSocket: p.TCPSocket}}
			all = append(all, containerPart{name + ".tcpSocket.host", short(p.TCPSocket.Host), corev1.Container{LivenessProbe: &left}})
		}
	}
	probe("livenessProbe", c.LivenessProbe)
	probe("readinessProbe", c.ReadinessProbe)
	probe("startupProbe", c.StartupProbe)
	hook := func(name string, h *corev1.LifecycleHandler) {
		if h != nil { // the same fields in another type
			probe("lifecycle."+name, &corev1.Probe{ProbeHandler: corev1.ProbeHandler{HTTPGet: h.HTTPGet, TCPSocket: h.TCPSocket}})
		}
	}
	hook("postStart", orEmpty(c.Lifecycle).PostStart)
	hook("preStop", orEmpty(c.Lifecycle).PreStop)
	return all
}

func seLinux(o *corev1.SELinuxOptions, part func(field, value string, left *corev1.SELinuxOptions)) {
	if o == nil {
		return
	}
	part("seLinuxOptions.type", "type "+short(o.Type), &corev1.SELinuxOptions{Type: o.Type})
	part("seLinuxOptions.user", "user "+short(o.User), &corev1.SELinuxOptions{User: o.User})
	part("seLinuxOptions.role", "role "+short(o.Role), &corev1.SELinuxOptions{Role: o.Role})
}

func seLinuxOfPod(_ *metav1.ObjectMeta, spec *corev1.PodSpec) (all []podPart) {
	seLinux(orEmpty(spec.SecurityContext).SELinuxOptions, func(field, value string, left *corev1.SELinuxOptions) {
		all = append(all, podPart{
			field: "spec.securityContext." + field, value: value,
			spec: corev1.PodSpec{SecurityContext: &corev1.PodSecurityContext{SELinuxOptions: left}},
		})
	})
	return all
}

func seLinuxOfContainer(c *corev1.Container) (all []containerPart) {
	seLinux(orEmpty(c.SecurityContext).SELinuxOptions, func(field, value string, left *corev1.SELinuxOptions) {
		all = append(all, containerPart{"securityContext." + field, value, corev1.Container{SecurityContext: &corev1.SecurityContext{SELinuxOptions: left}}})
	})
	return all
}

func seccompOfPod(meta *metav1.ObjectMeta, spec *corev1.PodSpec) (all []podPart) {
	if p := orEmpty(spec.SecurityContext).SeccompProfile; p != nil {
		all = append(all, podPart{
			field: "spec.securityContext.seccompProfile.type", value: short(string(p.Type)),
			spec: corev1.PodSpec{SecurityContext: &corev1.PodSecurityContext{SeccompProfile: p}},
		})
	}
	return append(all, annotated(meta, seccompPod)...)
}

func seccompOfContainer(c *corev1.Container) []containerPart {
	return []containerPart{
		// Without its name, no annotation speaks of it.
		{"securityContext.seccompProfile.type", seccomp(orEmpty(c.SecurityContext)), corev1.Container{SecurityContext: c.SecurityContext}},
		{fmt.Sprintf("metadata.annotations[%q]", seccompContainer+c.Name), "", corev1.Container{Name: c.Name}},
	}
}

func appArmorOfPod(meta *metav1.ObjectMeta, spec *corev1.PodSpec) (all []podPart) {
	if p := orEmpty(spec.SecurityContext).AppArmorProfile; p != nil {
		all = append(all, podPart{
			field: "spec.securityContext.appArmorProfile.type", value: short(string(p.Type)),
			spec: corev1.PodSpec{SecurityContext: &corev1.PodSecurityContext{AppArmorProfile: p}},
		})
	}
	return append(all, annotated(meta, corev1.DeprecatedAppArmorBetaContainerAnnotationKeyPrefix)...)
}

// annotated are the annotations of a prefix; what follows it names a container.
func annotated(meta *metav1.ObjectMeta, prefix string) (all []podPart) {
	for _, key := range slices.Sorted(maps.Keys(meta.Annotations)) {
		if name, ok := strings.CutPrefix(key, prefix); ok {
			value := meta.Annotations[key]
			all = append(all, podPart{
				field: fmt.Sprintf("metadata.annotations[%q]", key), value: short(value), container: name,
				meta: metav1.ObjectMeta{Annotations: map[string]string{key: value}},
			})
		}
	}
	return all
}

// short is foreign text that stands in a sentence.
func short(s string) string {
	const most = 80
	if len(s) > most {
		s = strings.ToValidUTF8(s[:most], "") + "…"
	}
	return s
}
