package kube

import (
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
)

// defaultPod fills in a pod, which gets more than the template of one.
func defaultPod(p *corev1.Pod) {
	s := &p.Spec
	if s.TerminationGracePeriodSeconds != nil && *s.TerminationGracePeriodSeconds < 0 {
		*s.TerminationGracePeriodSeconds = 1
	}
	set(&s.EnableServiceLinks, corev1.DefaultEnableServiceLinks)
	for _, list := range [][]corev1.Container{s.InitContainers, s.Containers} {
		for i := range list {
			r := &list[i].Resources
			for name, limit := range r.Limits {
				if r.Requests == nil {
					r.Requests = corev1.ResourceList{}
				}
				if _, asked := r.Requests[name]; !asked {
					r.Requests[name] = limit.DeepCopy()
				}
			}
			for j := range list[i].Ports {
				if port := &list[i].Ports[j]; s.HostNetwork {
					number(&port.HostPort, port.ContainerPort)
				}
			}
		}
	}
	word(&p.Status.Phase, corev1.PodPending)
	defaultPodSpec(s)
}

func defaultPodSpec(s *corev1.PodSpec) {
	word(&s.ServiceAccountName, s.DeprecatedServiceAccount)
	s.DeprecatedServiceAccount = s.ServiceAccountName
	word(&s.DNSPolicy, corev1.DNSClusterFirst)
	word(&s.RestartPolicy, corev1.RestartPolicyAlways)
	set(&s.SecurityContext, corev1.PodSecurityContext{})
	set(&s.TerminationGracePeriodSeconds, corev1.DefaultTerminationGracePeriodSeconds)
	word(&s.SchedulerName, corev1.DefaultSchedulerName)
	for i := range s.Volumes {
		defaultVolume(&s.Volumes[i])
	}
	for i := range s.InitContainers {
		defaultContainer(&s.InitContainers[i])
	}
	for i := range s.Containers {
		defaultContainer(&s.Containers[i])
	}
	for i := range s.EphemeralContainers {
		defaultContainer((*corev1.Container)(&s.EphemeralContainers[i].EphemeralContainerCommon))
	}
	roundUp(s.Overhead)
}

func defaultContainer(c *corev1.Container) {
	word(&c.ImagePullPolicy, pullPolicy(c.Image))
	word(&c.TerminationMessagePath, corev1.TerminationMessagePathDefault)
	word(&c.TerminationMessagePolicy, corev1.TerminationMessageReadFile)
	for i := range c.Ports {
		word(&c.Ports[i].Protocol, corev1.ProtocolTCP)
	}
	for _, e := range c.Env {
		if e.ValueFrom == nil {
			continue
		}
		if e.ValueFrom.FieldRef != nil {
			word(&e.ValueFrom.FieldRef.APIVersion, "v1")
		}
		if e.ValueFrom.FileKeyRef != nil {
			set(&e.ValueFrom.FileKeyRef.Optional, false)
		}
	}
	roundUp(c.Resources.Limits)
	roundUp(c.Resources.Requests)
	for _, p := range []*corev1.Probe{c.LivenessProbe, c.ReadinessProbe, c.StartupProbe} {
		if p == nil {
			continue
		}
		number(&p.TimeoutSeconds, 1)
		number(&p.PeriodSeconds, 10)
		number(&p.SuccessThreshold, 1)
		number(&p.FailureThreshold, 3)
		defaultGet(p.HTTPGet)
		if p.GRPC != nil {
			set(&p.GRPC.Service, "")
		}
	}
	if c.Lifecycle != nil {
		for _, h := range []*corev1.LifecycleHandler{c.Lifecycle.PostStart, c.Lifecycle.PreStop} {
			if h != nil {
				defaultGet(h.HTTPGet)
			}
		}
	}
}

func defaultGet(g *corev1.HTTPGetAction) {
	if g != nil {
		word(&g.Path, "/")
		word(&g.Scheme, corev1.URISchemeHTTP)
	}
}

// pullPolicy is Always of the tag latest, written or not.
func pullPolicy(image string) corev1.PullPolicy {
	name, _, digest := strings.Cut(image, "@")
	_, tag, tagged := strings.Cut(name[strings.LastIndexByte(name, '/')+1:], ":")
	if tagged && tag == "latest" || !tagged && !digest {
		return corev1.PullAlways
	}
	return corev1.PullIfNotPresent
}

// roundUp keeps thousandths, which is the finest that an API server knows.
func roundUp(list corev1.ResourceList) {
	for name, q := range list {
		q.RoundUp(resource.Milli)
		list[name] = q
	}
}

func defaultVolume(v *corev1.Volume) {
	if v.VolumeSource == (corev1.VolumeSource{}) {
		v.EmptyDir = &corev1.EmptyDirVolumeSource{}
	}
	const mode = corev1.SecretVolumeSourceDefaultMode // as of all of them
	switch {
	case v.Image != nil:
		word(&v.Image.PullPolicy, pullPolicy(v.Image.Reference))
	case v.HostPath != nil:
		set(&v.HostPath.Type, corev1.HostPathUnset)
	case v.Secret != nil:
		set(&v.Secret.DefaultMode, mode)
	case v.ConfigMap != nil:
		set(&v.ConfigMap.DefaultMode, mode)
	case v.DownwardAPI != nil:
		set(&v.DownwardAPI.DefaultMode, mode)
		fieldsOf(v.DownwardAPI.Items)
	case v.Projected != nil:
		set(&v.Projected.DefaultMode, mode)
		for _, s := range v.Projected.Sources {
			if s.DownwardAPI != nil {
				fieldsOf(s.DownwardAPI.Items)
			}
			if s.ServiceAccountToken != nil {
				set(&s.ServiceAccountToken.ExpirationSeconds, 3600)
			}
		}
	case v.ISCSI != nil:
		word(&v.ISCSI.ISCSIInterface, "default")
	case v.Ephemeral != nil && v.Ephemeral.VolumeClaimTemplate != nil:
		set(&v.Ephemeral.VolumeClaimTemplate.Spec.VolumeMode, corev1.PersistentVolumeFilesystem)
	}
}

func fieldsOf(items []corev1.DownwardAPIVolumeFile) {
	for _, i := range items {
		if i.FieldRef != nil {
			word(&i.FieldRef.APIVersion, "v1")
		}
	}
}
