package kube

import (
	"math"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// Default fills in what an API server does where nothing is written, as in k8s.io/kubernetes/pkg/apis/*/v1/defaults.go
// of v1.37, which cannot be imported; a test holds it against a real server. It says whether it knows the kind. What
// the server's other plugins change (tolerations, a priority, a service account's token, limits of a LimitRange) and
// what it makes up (identity, time, addresses) is not filled in.
func Default(o runtime.Object) bool {
	switch o := o.(type) {
	case *corev1.Pod:
		defaultPod(o)
	case *corev1.PodTemplate:
		defaultPodSpec(&o.Template.Spec)
	case *corev1.ReplicationController:
		if o.Spec.Template != nil {
			if len(o.Spec.Selector) == 0 {
				o.Spec.Selector = o.Spec.Template.Labels
			}
			if len(o.Labels) == 0 {
				o.Labels = o.Spec.Template.Labels
			}
			defaultPodSpec(&o.Spec.Template.Spec)
		}
		set(&o.Spec.Replicas, 1)
	case *appsv1.Deployment:
		defaultDeployment(o)
	case *appsv1.ReplicaSet:
		set(&o.Spec.Replicas, 1)
		defaultPodSpec(&o.Spec.Template.Spec)
	case *appsv1.DaemonSet:
		defaultDaemonSet(o)
	case *appsv1.StatefulSet:
		defaultStatefulSet(o)
	case *batchv1.Job:
		if len(o.Labels) == 0 {
			o.Labels = o.Spec.Template.Labels
		}
		defaultJob(&o.Spec)
		set(&o.Spec.CompletionMode, batchv1.NonIndexedCompletion)
		set(&o.Spec.Suspend, false)
		set(&o.Spec.ManualSelector, false)
	case *batchv1.CronJob:
		word(&o.Spec.ConcurrencyPolicy, batchv1.AllowConcurrent)
		set(&o.Spec.Suspend, false)
		set(&o.Spec.SuccessfulJobsHistoryLimit, 3)
		set(&o.Spec.FailedJobsHistoryLimit, 1)
		defaultPodSpec(&o.Spec.JobTemplate.Spec.Template.Spec)
	case *corev1.Service:
		defaultService(o)
	case *corev1.Namespace:
		if o.Name != "" {
			if o.Labels == nil {
				o.Labels = map[string]string{}
			}
			o.Labels[corev1.LabelMetadataName] = o.Name
		}
		word(&o.Status.Phase, corev1.NamespaceActive)
	case *corev1.Secret:
		word(&o.Type, corev1.SecretTypeOpaque)
	case *corev1.PersistentVolumeClaim:
		word(&o.Status.Phase, corev1.ClaimPending)
		set(&o.Spec.VolumeMode, corev1.PersistentVolumeFilesystem)
	case *networkingv1.NetworkPolicy:
		defaultNetworkPolicy(o)
	case *rbacv1.RoleBinding:
		defaultBinding(&o.RoleRef, o.Subjects)
	case *rbacv1.ClusterRoleBinding:
		defaultBinding(&o.RoleRef, o.Subjects)
	case *corev1.ConfigMap, *corev1.ServiceAccount, *rbacv1.Role, *rbacv1.ClusterRole, *networkingv1.Ingress:
		// nothing is filled in
	default:
		return false
	}
	return true
}

// set fills in what is nil.
func set[T any](field **T, value T) {
	if *field == nil {
		*field = &value
	}
}

// word fills in what is empty.
func word[T ~string](field *T, value T) {
	if *field == "" {
		*field = value
	}
}

func number[T ~int32](field *T, value T) {
	if *field == 0 {
		*field = value
	}
}

func defaultDeployment(o *appsv1.Deployment) {
	set(&o.Spec.Replicas, 1)
	s := &o.Spec.Strategy
	if word(&s.Type, appsv1.RollingUpdateDeploymentStrategyType); s.Type == appsv1.RollingUpdateDeploymentStrategyType {
		set(&s.RollingUpdate, appsv1.RollingUpdateDeployment{})
		set(&s.RollingUpdate.MaxUnavailable, intstr.FromString("25%"))
		set(&s.RollingUpdate.MaxSurge, intstr.FromString("25%"))
	}
	set(&o.Spec.RevisionHistoryLimit, 10)
	set(&o.Spec.ProgressDeadlineSeconds, 600)
	defaultPodSpec(&o.Spec.Template.Spec)
}

func defaultDaemonSet(o *appsv1.DaemonSet) {
	s := &o.Spec.UpdateStrategy
	if word(&s.Type, appsv1.RollingUpdateDaemonSetStrategyType); s.Type == appsv1.RollingUpdateDaemonSetStrategyType {
		set(&s.RollingUpdate, appsv1.RollingUpdateDaemonSet{})
		set(&s.RollingUpdate.MaxUnavailable, intstr.FromInt32(1))
		set(&s.RollingUpdate.MaxSurge, intstr.FromInt32(0))
	}
	set(&o.Spec.RevisionHistoryLimit, 10)
	defaultPodSpec(&o.Spec.Template.Spec)
}

func defaultStatefulSet(o *appsv1.StatefulSet) {
	word(&o.Spec.PodManagementPolicy, appsv1.OrderedReadyPodManagement)
	s := &o.Spec.UpdateStrategy
	if s.Type == "" {
		s.Type = appsv1.RollingUpdateStatefulSetStrategyType
		set(&s.RollingUpdate, appsv1.RollingUpdateStatefulSetStrategy{})
	}
	if s.Type == appsv1.RollingUpdateStatefulSetStrategyType && s.RollingUpdate != nil {
		set(&s.RollingUpdate.Partition, 0)
		set(&s.RollingUpdate.MaxUnavailable, intstr.FromInt32(1))
	}
	set(&o.Spec.PersistentVolumeClaimRetentionPolicy, appsv1.StatefulSetPersistentVolumeClaimRetentionPolicy{})
	word(&o.Spec.PersistentVolumeClaimRetentionPolicy.WhenDeleted, appsv1.RetainPersistentVolumeClaimRetentionPolicyType)
	word(&o.Spec.PersistentVolumeClaimRetentionPolicy.WhenScaled, appsv1.RetainPersistentVolumeClaimRetentionPolicyType)
	set(&o.Spec.Replicas, 1)
	set(&o.Spec.RevisionHistoryLimit, 10)
	for i := range o.Spec.VolumeClaimTemplates {
		c := &o.Spec.VolumeClaimTemplates[i]
		word(&c.APIVersion, "v1")
		word(&c.Kind, "PersistentVolumeClaim")
		word(&c.Status.Phase, corev1.ClaimPending)
		set(&c.Spec.VolumeMode, corev1.PersistentVolumeFilesystem)
	}
	defaultPodSpec(&o.Spec.Template.Spec)
}

func defaultJob(s *batchv1.JobSpec) {
	if s.Completions == nil && s.Parallelism == nil {
		set(&s.Completions, 1)
	}
	set(&s.Parallelism, 1)
	limit, replacement := int32(6), batchv1.TerminatingOrFailed
	if s.BackoffLimitPerIndex != nil {
		limit = math.MaxInt32
	}
	if s.PodFailurePolicy != nil {
		replacement = batchv1.Failed
	}
	set(&s.BackoffLimit, limit)
	set(&s.PodReplacementPolicy, replacement)
	defaultPodSpec(&s.Template.Spec)
}

func defaultService(o *corev1.Service) {
	if word(&o.Spec.SessionAffinity, corev1.ServiceAffinityNone); o.Spec.SessionAffinity == corev1.ServiceAffinityNone {
		o.Spec.SessionAffinityConfig = nil
	} else if o.Spec.SessionAffinity == corev1.ServiceAffinityClientIP {
		set(&o.Spec.SessionAffinityConfig, corev1.SessionAffinityConfig{})
		set(&o.Spec.SessionAffinityConfig.ClientIP, corev1.ClientIPConfig{})
		set(&o.Spec.SessionAffinityConfig.ClientIP.TimeoutSeconds, corev1.DefaultClientIPServiceAffinitySeconds)
	}
	word(&o.Spec.Type, corev1.ServiceTypeClusterIP)
	for i := range o.Spec.Ports {
		p := &o.Spec.Ports[i]
		if word(&p.Protocol, corev1.ProtocolTCP); p.TargetPort == intstr.FromInt32(0) || p.TargetPort == intstr.FromString("") {
			p.TargetPort = intstr.FromInt32(p.Port)
		}
	}
	outside := o.Spec.Type == corev1.ServiceTypeNodePort || o.Spec.Type == corev1.ServiceTypeLoadBalancer
	if outside || o.Spec.Type == corev1.ServiceTypeClusterIP && len(o.Spec.ExternalIPs) > 0 {
		word(&o.Spec.ExternalTrafficPolicy, corev1.ServiceExternalTrafficPolicyCluster)
	}
	if outside || o.Spec.Type == corev1.ServiceTypeClusterIP {
		set(&o.Spec.InternalTrafficPolicy, corev1.ServiceInternalTrafficPolicyCluster)
	}
	if o.Spec.Type == corev1.ServiceTypeLoadBalancer {
		set(&o.Spec.AllocateLoadBalancerNodePorts, true)
	}
}

func defaultNetworkPolicy(o *networkingv1.NetworkPolicy) {
	if len(o.Spec.PolicyTypes) == 0 {
		o.Spec.PolicyTypes = []networkingv1.PolicyType{networkingv1.PolicyTypeIngress}
		if len(o.Spec.Egress) > 0 {
			o.Spec.PolicyTypes = append(o.Spec.PolicyTypes, networkingv1.PolicyTypeEgress)
		}
	}
	for i := range o.Spec.Ingress {
		for j := range o.Spec.Ingress[i].Ports {
			set(&o.Spec.Ingress[i].Ports[j].Protocol, corev1.ProtocolTCP)
		}
	}
	for i := range o.Spec.Egress {
		for j := range o.Spec.Egress[i].Ports {
			set(&o.Spec.Egress[i].Ports[j].Protocol, corev1.ProtocolTCP)
		}
	}
}

func defaultBinding(role *rbacv1.RoleRef, subjects []rbacv1.Subject) {
	word(&role.APIGroup, rbacv1.GroupName)
	for i := range subjects {
		if s := &subjects[i]; s.Kind == rbacv1.UserKind || s.Kind == rbacv1.GroupKind {
			word(&s.APIGroup, rbacv1.GroupName)
		}
	}
}
