package pod

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
)

// setting is a field of a pod that says nothing and could say something safer.
type setting struct {
	parent string // spec.containers[0].securityContext
	key    string
	value  any    // as it is in an object's fields
	text   string // the same in YAML, on one line
}

// settings are what a pod can be given without taking anything back that it says: what is set stays, and so
// does what a container must be able to do to start as it is told to. A read-only root is not among them, for
// no manifest tells where its programs write.
func (f *Facts) settings() (all []setting) {
	if f.windows() {
		return nil
	}
	s := &f.Spec
	if s.AutomountServiceAccountToken == nil && f.account() == defaultAccount {
		all = append(all, setting{"spec", "automountServiceAccountToken", false, "false"})
	}
	pod := s.SecurityContext
	if pod == nil {
		pod = &corev1.PodSecurityContext{}
	}
	if pod.RunAsNonRoot == nil && !f.needsRoot() {
		all = append(all, setting{"spec.securityContext", "runAsNonRoot", true, "true"})
	}
	if pod.SeccompProfile == nil && f.Meta.Annotations[corev1.SeccompPodAnnotationKey] == "" {
		all = append(all, setting{"spec.securityContext", "seccompProfile", map[string]any{"type": "RuntimeDefault"}, "{type: RuntimeDefault}"})
	}
	for _, c := range f.spending() {
		all = append(all, f.settingsOf(c)...)
	}
	return all
}

func (f *Facts) settingsOf(c container) (all []setting) {
	own := c.SecurityContext
	if own == nil {
		own = &corev1.SecurityContext{}
	}
	caps := own.Capabilities
	privileged := own.Privileged != nil && *own.Privileged
	// The API server refuses false beside privileged and SYS_ADMIN.
	if own.AllowPrivilegeEscalation == nil && !privileged && (caps == nil || !slices.ContainsFunc(caps.Add, admin)) {
		all = append(all, setting{c.field + ".securityContext", "allowPrivilegeEscalation", false, "false"})
	}
	// Programs that start as root often change owners and users before they serve.
	if root, _ := f.root(c); privileged || root == yes {
		return all
	}
	switch {
	case caps == nil:
		all = append(all, setting{c.field + ".securityContext", "capabilities", map[string]any{"drop": []any{"ALL"}}, "{drop: [ALL]}"})
	case len(caps.Drop) == 0:
		all = append(all, setting{c.field + ".securityContext.capabilities", "drop", []any{"ALL"}, "[ALL]"})
	}
	return all
}

func admin(c corev1.Capability) bool { return bare(c) == "SYS_ADMIN" || bare(c) == "ALL" }

// needsRoot says that a container says it runs as root, or that its image is known to.
func (f *Facts) needsRoot() bool {
	return slices.ContainsFunc(f.spending(), func(c container) bool {
		root, _ := f.root(c)
		_, nonRoot := f.user(c)
		own := c.SecurityContext
		return root == yes || nonRoot != nil && !*nonRoot || own != nil && own.Privileged != nil && *own.Privileged
	})
}
