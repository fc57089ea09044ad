package kube

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// PodSecurityPolicy is one of policy/v1beta1, or of extensions/v1beta1 before it, as Kubernetes 1.24 had it. Its
// types are gone from k8s.io/api, as the kind is from Kubernetes since 1.25.
type PodSecurityPolicy struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata"`
	Spec              PodSecurityPolicySpec `json:"spec"`
}

// PodSecurityPolicySpec is what a policy allows, and what it fills in.
type PodSecurityPolicySpec struct {
	Privileged                      bool                   `json:"privileged"`
	DefaultAddCapabilities          []corev1.Capability    `json:"defaultAddCapabilities"`
	RequiredDropCapabilities        []corev1.Capability    `json:"requiredDropCapabilities"`
	AllowedCapabilities             []corev1.Capability    `json:"allowedCapabilities"` // * is all
	Volumes                         []string               `json:"volumes"`             // * is all
	HostNetwork                     bool                   `json:"hostNetwork"`
	HostPorts                       []PSPRange             `json:"hostPorts"`
	HostPID                         bool                   `json:"hostPID"`
	HostIPC                         bool                   `json:"hostIPC"`
	SELinux                         PSPSELinux             `json:"seLinux"`
	RunAsUser                       PSPRule                `json:"runAsUser"`
	RunAsGroup                      *PSPRule               `json:"runAsGroup"` // nil: any
	SupplementalGroups              PSPRule                `json:"supplementalGroups"`
	FSGroup                         PSPRule                `json:"fsGroup"`
	ReadOnlyRootFilesystem          bool                   `json:"readOnlyRootFilesystem"`
	DefaultAllowPrivilegeEscalation *bool                  `json:"defaultAllowPrivilegeEscalation"`
	AllowPrivilegeEscalation        *bool                  `json:"allowPrivilegeEscalation"` // nil: true
	AllowedHostPaths                []PSPHostPath          `json:"allowedHostPaths"`         // none: all
	AllowedFlexVolumes              []PSPFlexVolume        `json:"allowedFlexVolumes"`       // none: all
	AllowedCSIDrivers               []PSPCSIDriver         `json:"allowedCSIDrivers"`        // none: all
	AllowedUnsafeSysctls            []string               `json:"allowedUnsafeSysctls"`
	ForbiddenSysctls                []string               `json:"forbiddenSysctls"`
	AllowedProcMountTypes           []corev1.ProcMountType `json:"allowedProcMountTypes"` // none: Default
	RuntimeClass                    *PSPRuntimeClass       `json:"runtimeClass"`
}

// PSPRange is one of numbers: of ports, users or groups, with both of its ends.
type PSPRange struct {
	Min int64 `json:"min"`
	Max int64 `json:"max"`
}

// The rules of a policy.
const (
	PSPMustRunAs        = "MustRunAs"
	PSPMayRunAs         = "MayRunAs"         // of groups
	PSPMustRunAsNonRoot = "MustRunAsNonRoot" // of users
	PSPRunAsAny         = "RunAsAny"
)

// PSPRule says as which users or groups containers run.
type PSPRule struct {
	Rule   string     `json:"rule"`
	Ranges []PSPRange `json:"ranges"`
}

// PSPSELinux says in which context of SELinux they do.
type PSPSELinux struct {
	Rule    string                 `json:"rule"`
	Options *corev1.SELinuxOptions `json:"seLinuxOptions"`
}

// PSPHostPath is a path of the node, with all below it.
type PSPHostPath struct {
	PathPrefix string `json:"pathPrefix"`
	ReadOnly   bool   `json:"readOnly"`
}

// PSPFlexVolume is a driver of flexVolumes.
type PSPFlexVolume struct {
	Driver string `json:"driver"`
}

// PSPCSIDriver is a driver of volumes that stand in the pod itself.
type PSPCSIDriver struct {
	Name string `json:"name"`
}

// PSPRuntimeClass says with which runtimes pods run.
type PSPRuntimeClass struct {
	AllowedRuntimeClassNames []string `json:"allowedRuntimeClassNames"` // * is all
	DefaultRuntimeClassName  *string  `json:"defaultRuntimeClassName"`
}

// PodSecurityPolicy reads the object as one, strictly: what Kubernetes 1.24 would not have taken is an error.
func (o *Object) PodSecurityPolicy() (*PodSecurityPolicy, error) {
	var p PodSecurityPolicy
	var unknown []string
	err := decode(o.Fields, &p, &unknown)
	if err == nil && len(unknown) > 0 {
		err = fmt.Errorf("%s", strings.Join(unknown, ", "))
	}
	if err == nil {
		err = p.Spec.check()
	}
	if err == nil && p.Name == "" {
		err = fmt.Errorf("metadata.name is missing")
	}
	if err != nil {
		return nil, fmt.Errorf("PodSecurityPolicy %s: %w", o.Name, err)
	}
	return &p, nil
}

// check holds a policy against what the API server of Kubernetes 1.24 wanted of one.
func (s *PodSecurityPolicySpec) check() error {
	escalates := s.AllowPrivilegeEscalation == nil || *s.AllowPrivilegeEscalation
	if s.DefaultAllowPrivilegeEscalation != nil && *s.DefaultAllowPrivilegeEscalation && !escalates {
		return fmt.Errorf("spec.defaultAllowPrivilegeEscalation is true, and spec.allowPrivilegeEscalation is not")
	}
	if s.SELinux.Rule != PSPMustRunAs && s.SELinux.Rule != PSPRunAsAny {
		return fmt.Errorf("spec.seLinux.rule %q: it is MustRunAs or RunAsAny", s.SELinux.Rule)
	}
	rules := map[string]*PSPRule{"runAsUser": &s.RunAsUser, "runAsGroup": s.RunAsGroup, "supplementalGroups": &s.SupplementalGroups, "fsGroup": &s.FSGroup}
	for _, field := range []string{"runAsUser", "runAsGroup", "supplementalGroups", "fsGroup"} {
		if err := rules[field].check("spec."+field, field == "runAsUser"); err != nil {
			return err
		}
	}
	for _, r := range s.HostPorts {
		if r.Min < 0 || r.Max > 65535 || r.Min > r.Max {
			return fmt.Errorf("spec.hostPorts: %d to %d is no range of ports", r.Min, r.Max)
		}
	}
	for _, p := range s.AllowedHostPaths {
		if p.PathPrefix == "" || slices.Contains(strings.Split(p.PathPrefix, "/"), "..") {
			return fmt.Errorf("spec.allowedHostPaths: %q is no path that could be allowed", p.PathPrefix)
		}
	}
	for _, c := range s.RequiredDropCapabilities {
		if slices.Contains(s.AllowedCapabilities, c) || slices.Contains(s.DefaultAddCapabilities, c) {
			return fmt.Errorf("spec.requiredDropCapabilities: %s is to be dropped, and is added or allowed as well", c)
		}
	}
	if c := s.RuntimeClass; c != nil && c.DefaultRuntimeClassName != nil &&
		!slices.Contains(c.AllowedRuntimeClassNames, "*") && !slices.Contains(c.AllowedRuntimeClassNames, *c.DefaultRuntimeClassName) {
		return fmt.Errorf("spec.runtimeClass.defaultRuntimeClassName %q is not one of those that are allowed", *c.DefaultRuntimeClassName)
	}
	return nil
}

func (r *PSPRule) check(field string, user bool) error {
	if r == nil {
		return nil
	}
	known := []string{PSPMustRunAs, PSPMayRunAs, PSPRunAsAny}
	if user {
		known = []string{PSPMustRunAs, PSPMustRunAsNonRoot, PSPRunAsAny}
	}
	if !slices.Contains(known, r.Rule) {
		return fmt.Errorf("%s.rule %q: it is one of %s", field, r.Rule, strings.Join(known, ", "))
	}
	if (r.Rule == PSPMustRunAs || r.Rule == PSPMayRunAs) && len(r.Ranges) == 0 {
		return fmt.Errorf("%s: rule %s needs ranges", field, r.Rule)
	}
	for _, one := range r.Ranges {
		if one.Min < 0 || one.Min > one.Max {
			return fmt.Errorf("%s: %d to %d is no range", field, one.Min, one.Max)
		}
	}
	return nil
}
