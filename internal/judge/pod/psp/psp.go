// Package psp decides about pods as the API servers up to Kubernetes 1.24 did by PodSecurityPolicies: which of them
// somebody may use, which one is chosen, and what it changes about the pod.
//
// The rules are those of the admission plugin PodSecurityPolicy of Kubernetes 1.24. Policies are tried in the order of
// their names; the first that admits the pod as it is, is chosen; or else the first that admits it with what the
// policy fills in. Only those count that the pod's service account, or who creates the pod, may use.
package psp

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"

	"github.com/plimsoll/plimsoll/internal/expr/admission"
	"github.com/plimsoll/plimsoll/internal/read/kube"
)

// The annotations by which policies speak of profiles, and pods did.
const (
	seccompDefault    = "seccomp.security.alpha.kubernetes.io/defaultProfileName"
	seccompAllowed    = "seccomp.security.alpha.kubernetes.io/allowedProfileNames"
	appArmorDefault   = "apparmor.security.beta.kubernetes.io/defaultProfileName"
	appArmorAllowed   = "apparmor.security.beta.kubernetes.io/allowedProfileNames"
	SeccompPod        = "seccomp.security.alpha.kubernetes.io/pod"
	SeccompContainer  = "container.seccomp.security.alpha.kubernetes.io/"
	AppArmorContainer = "container.apparmor.security.beta.kubernetes.io/"
)

// Policy is a PodSecurityPolicy, with what its annotations say.
type Policy struct {
	Name     string
	Object   *kube.Object
	Spec     kube.PodSecurityPolicySpec
	Seccomp  Profiles
	AppArmor Profiles
}

// Profiles are those of seccomp or of AppArmor, in the words of annotations: runtime/default, unconfined, localhost/NAME.
type Profiles struct {
	Default string
	Allowed []string // an empty word allows none to be set
	Any     bool
}

// New takes a policy as it was read.
func New(o *kube.Object) (*Policy, error) {
	read, err := o.PodSecurityPolicy()
	if err != nil {
		return nil, err
	}
	for _, word := range read.Spec.Volumes {
		if err := checkVolume(word); err != nil {
			return nil, fmt.Errorf("PodSecurityPolicy %s: spec.volumes: %w", o.Name, err)
		}
	}
	p := &Policy{Name: read.Name, Object: o, Spec: read.Spec}
	if p.Spec.AllowPrivilegeEscalation == nil {
		yes := true
		p.Spec.AllowPrivilegeEscalation = &yes
	}
	p.Seccomp.Default, p.AppArmor.Default = read.Annotations[seccompDefault], read.Annotations[appArmorDefault]
	if allowed, ok := read.Annotations[seccompAllowed]; ok {
		for _, one := range strings.Split(allowed, ",") {
			switch one {
			case "*":
				p.Seccomp.Any = true
			case "docker/default", "runtime/default": // one name for the other since Kubernetes 1.19
				p.Seccomp.Allowed = append(p.Seccomp.Allowed, "runtime/default", "docker/default")
			default:
				p.Seccomp.Allowed = append(p.Seccomp.Allowed, one)
			}
		}
	}
	allowed, limited := read.Annotations[appArmorAllowed]
	if p.AppArmor.Any = !limited; limited {
		p.AppArmor.Allowed = strings.Split(allowed, ",")
	}
	return p, nil
}

// Inert says why no pod can be admitted by the policy; empty: some can.
func (p *Policy) Inert() string {
	if p.Spec.SELinux.Rule == kube.PSPMustRunAs && p.Spec.SELinux.Options == nil {
		return "spec.seLinux.rule is MustRunAs, without seLinuxOptions: the API server passed the policy over"
	}
	return ""
}

// Escalates says that containers may gain privileges.
func (p *Policy) Escalates() bool { return *p.Spec.AllowPrivilegeEscalation }

// Set is all policies of a cluster, with who may use them.
type Set struct {
	Policies []*Policy // by name
	Grants   *Grants
}

// NewSet takes the policies and roles among objects. The errors are of policies that no API server took.
func NewSet(objects []*kube.Object) (*Set, []error) {
	s, errs := &Set{}, []error(nil)
	specs := map[string]any{}
	for _, o := range objects {
		if o.Kind == "PodSecurityPolicy" && o.Group() == "policy" && !IsPolicy(o) {
			errs = append(errs, fmt.Errorf("PodSecurityPolicy %s: no Kubernetes had one of %s: write policy/v1beta1, as kubectl get psp -o yaml does", o.Name, o.APIVersion))
			continue
		}
		if !IsPolicy(o) {
			continue
		}
		p, err := New(o)
		if was, known := specs[o.Name]; err == nil && known && !reflect.DeepEqual(was, o.Fields["spec"]) {
			err = fmt.Errorf("PodSecurityPolicy %s is there twice, and says two things: leave out the one that is not in force", o.Name)
		}
		if err != nil {
			errs = append(errs, err)
			continue
		}
		specs[o.Name] = o.Fields["spec"]
		s.Policies = append(s.Policies, p)
	}
	slices.SortStableFunc(s.Policies, func(a, b *Policy) int { return cmp.Compare(a.Name, b.Name) })
	s.Policies = slices.CompactFunc(s.Policies, func(a, b *Policy) bool { return a.Name == b.Name })
	s.Grants = NewGrants(objects)
	return s, errs
}

// IsPolicy says that an object is a PodSecurityPolicy.
func IsPolicy(o *kube.Object) bool {
	return o.Kind == "PodSecurityPolicy" && (o.APIVersion == "policy/v1beta1" || o.APIVersion == "extensions/v1beta1")
}

// Choice is what becomes of a pod.
type Choice struct {
	Policy  *Policy     // nil: the pod is refused
	Pod     *corev1.Pod // with what the policy fills in
	Mutated bool
	Refused []Refusal // by each policy that may be used, where none admits the pod
}

// Refusal is why a policy does not admit a pod: fields, as in spec.containers[0].securityContext.privileged.
type Refusal struct {
	Policy string
	Fields []string
}

// Choose decides about a pod that somebody creates in a namespace.
func (s *Set) Choose(pod *corev1.Pod, namespace string, by admission.User) Choice {
	var first Choice
	var refused []Refusal
	for _, p := range s.Policies {
		if p.Inert() != "" || !s.MayUse(p, pod, namespace, by) {
			continue
		}
		filled := p.Fill(pod)
		if fields := p.Faults(filled); len(fields) > 0 {
			refused = append(refused, Refusal{p.Name, fields})
			continue
		}
		changed := p.translates(pod) || !equality.Semantic.DeepEqual(pod, filled)
		if c := (Choice{Policy: p, Pod: translated(filled), Mutated: changed}); !changed {
			return c
		} else if first.Policy == nil {
			first = c
		}
	}
	if first.Policy == nil {
		first.Refused = refused
	}
	return first
}

// translates says that a profile of seccomp is set by the pod's field alone: the API server wrote the annotation beside
// it, and counted that as a change.
func (p *Policy) translates(pod *corev1.Pod) bool {
	c := pod.Spec.SecurityContext
	return c != nil && c.SeccompProfile != nil && pod.Annotations[SeccompPod] == ""
}

// MayUse says that the pod's service account, or who creates it, may use a policy in the namespace.
func (s *Set) MayUse(p *Policy, pod *corev1.Pod, namespace string, by admission.User) bool {
	if account := pod.Spec.ServiceAccountName; account != "" && s.Grants.Use(admission.ServiceAccount(namespace, account), p.Name, namespace) {
		return true
	}
	return s.Grants.Use(by, p.Name, namespace)
}
