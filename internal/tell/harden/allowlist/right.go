package allowlist

import (
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/plimsoll/plimsoll/internal/read/kube"
)

// appArmor is how annotations name the profile of a container; fields have taken their place.
const appArmor = "container.apparmor.security.beta.kubernetes.io/"

// rightsOf lists what a pod asks for that it would not get unasked. The policy's variable has is the same in CEL.
func (a *Account) rightsOf(w *kube.Workload) {
	right := func(has bool, format string, args ...any) {
		if has {
			a.Rights = append(a.Rights, fmt.Sprintf(format, args...))
		}
	}
	s := &w.Spec
	right(s.HostNetwork, "hostNetwork")
	right(s.HostPID, "hostPID")
	right(s.HostIPC, "hostIPC")
	for name, profile := range w.Meta.Annotations {
		right(strings.HasPrefix(name, appArmor) && profile != "runtime/default", "appArmor %s", profile)
	}
	for i := range w.Spec.Volumes {
		right(w.Spec.Volumes[i].FlexVolume != nil, "flexVolume")
	}
	shared := func(user *int64, seccomp *corev1.SeccompProfile, armor *corev1.AppArmorProfile, linux *corev1.SELinuxOptions, windows *corev1.WindowsSecurityContextOptions) {
		right(user != nil && *user == 0, "runAsUser 0")
		if seccomp != nil {
			right(seccomp.Type != corev1.SeccompProfileTypeRuntimeDefault, "seccomp %s", profile(string(seccomp.Type), seccomp.LocalhostProfile))
		}
		if armor != nil {
			right(armor.Type != corev1.AppArmorProfileTypeRuntimeDefault, "appArmor %s", profile(string(armor.Type), armor.LocalhostProfile))
		}
		if linux != nil {
			right(*linux != corev1.SELinuxOptions{}, "seLinux %s:%s:%s:%s", linux.User, linux.Role, linux.Type, linux.Level)
		}
		right(windows != nil && windows.HostProcess != nil && *windows.HostProcess, "hostProcess")
	}
	if c := s.SecurityContext; c != nil {
		shared(c.RunAsUser, c.SeccompProfile, c.AppArmorProfile, c.SELinuxOptions, c.WindowsOptions)
		for _, one := range c.Sysctls {
			right(true, "sysctl %s", one.Name)
		}
	}
	for _, c := range containers(s) {
		for _, p := range c.Ports {
			right(p.HostPort != 0, "hostPort %d", p.HostPort)
		}
		if c := c.SecurityContext; c != nil {
			shared(c.RunAsUser, c.SeccompProfile, c.AppArmorProfile, c.SELinuxOptions, c.WindowsOptions)
			right(c.Privileged != nil && *c.Privileged, "privileged")
			if c.ProcMount != nil {
				right(*c.ProcMount != corev1.DefaultProcMount, "procMount %s", *c.ProcMount)
			}
		}
	}
}

// profile is a kind of profile, with the name of one of the node's own.
func profile(kind string, local *string) string {
	if local == nil {
		return kind
	}
	return kind + " " + *local
}

// has lists in CEL what the pods of an object ask for. Contexts are the security contexts of pods and containers.
const has = `["hostNetwork", "hostPID", "hostIPC"].filter(r, pods.exists(p, r in p.spec && p.spec[r] == true))` +
	` + pods.map(p, p.?metadata.?annotations.orValue({})).map(m, m.filter(k, k.startsWith("` + appArmor + `") && m[k] != "runtime/default").map(k, "appArmor " + m[k])).flatten()` +
	` + (pods.exists(p, p.spec.?volumes.orValue([]).exists(v, has(v.flexVolume))) ? ["flexVolume"] : [])` +
	` + (variables.contexts.exists(s, s.?runAsUser.orValue(-1) == 0) ? ["runAsUser 0"] : [])` +
	` + variables.contexts.map(s, ["seccomp", "appArmor"].filter(k, (k + "Profile") in s && s[k + "Profile"].?type.orValue("") != "RuntimeDefault")` +
	`.map(k, k + " " + s[k + "Profile"].?type.orValue("") + ("localhostProfile" in s[k + "Profile"] ? " " + s[k + "Profile"].localhostProfile : ""))).flatten()` +
	` + variables.contexts.map(s, "seLinux " + ["user", "role", "type", "level"].map(f, s.?seLinuxOptions[?f].orValue("")).join(":")).filter(t, t != "seLinux :::")` +
	` + (variables.contexts.exists(s, s.?windowsOptions.?hostProcess.orValue(false) == true) ? ["hostProcess"] : [])` +
	` + pods.map(p, p.spec.?securityContext.?sysctls.orValue([]).map(s, "sysctl " + s.name)).flatten()` +
	` + containers.map(c, c.fields.?ports.orValue([]).filter(p, p.?hostPort.orValue(0) != 0).map(p, "hostPort " + string(p.hostPort))).flatten()` +
	` + (variables.contexts.exists(s, s.?privileged.orValue(false) == true) ? ["privileged"] : [])` +
	` + variables.contexts.filter(s, s.?procMount.orValue("Default") != "Default").map(s, "procMount " + s.procMount)`

// contexts are the security contexts of an object's pods and containers, of those that have one.
const contexts = `pods.filter(p, has(p.spec.securityContext)).map(p, dyn(p.spec.securityContext)) + containers.filter(c, has(c.fields.securityContext)).map(c, dyn(c.fields.securityContext))`
