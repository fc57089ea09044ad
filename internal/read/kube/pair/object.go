package pair

import (
	"encoding/json"
	"maps"
	"strconv"
	"time"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/intstr"
	"sigs.k8s.io/network-policy-api/apis/v1alpha2"
)

// OwnNamespace is the one that is made, where none is named.
const OwnNamespace = "plimsoll-probe"

// The ports of a listener: policies of the probe refuse the first, and allow the second.
const (
	refusedPort = 47001
	allowedPort = 47002
)

// Labels of what is made.
const (
	labelOwner = "app.kubernetes.io/managed-by"
	labelRun   = "plimsoll.io/network-probe" // which one made it
	labelRole  = "plimsoll.io/probe-role"
	listener   = "listener"
	asker      = "asker"
)

// container is the name of the one that a pod has.
const container = "probe"

// messageFile is where an asker leaves what it found.
const messageFile = "/dev/termination-log"

// Command are the words with which the image's program plays an end.
const (
	CommandListen = "network-listen"
	CommandAsk    = "network-ask"
)

func (r *run) labels(role string) map[string]string {
	return map[string]string{labelOwner: "plimsoll", labelRun: r.id, labelRole: role}
}

// namespace admits pods of the strictest level alone, whatever the cluster's default is.
func (r *run) namespaceObject() *corev1.Namespace {
	return &corev1.Namespace{
		TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Namespace"},
		ObjectMeta: metav1.ObjectMeta{Name: r.namespace, Labels: map[string]string{
			labelOwner: "plimsoll", labelRun: r.id,
			"pod-security.kubernetes.io/enforce": "restricted", "pod-security.kubernetes.io/audit": "restricted", "pod-security.kubernetes.io/warn": "restricted",
		}},
	}
}

// placement is on which node a pod has to be: that one, or any other; empty: any.
type placement struct {
	node  string
	other bool
}

// pod runs one end of the probe: with no right, no token, and no more of its node than it needs, and never for long. A
// mesh that is asked to leaves it alone.
func (r *run) pod(name, role string, at placement, lives time.Duration, words ...string) *corev1.Pod {
	no, yes, seconds, grace := false, true, int64(lives/time.Second), int64(1)
	meta := metav1.ObjectMeta{
		Name: name, Namespace: r.namespace, Labels: r.labels(role),
		Annotations: map[string]string{"linkerd.io/inject": "disabled", "sidecar.istio.io/inject": "false", "cluster-autoscaler.kubernetes.io/safe-to-evict": "true"},
	}
	maps.Copy(meta.Labels, map[string]string{"sidecar.istio.io/inject": "false", "istio.io/dataplane-mode": "none"})
	p := &corev1.Pod{
		TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Pod"}, ObjectMeta: meta,
		Spec: corev1.PodSpec{
			RestartPolicy: corev1.RestartPolicyNever, ActiveDeadlineSeconds: &seconds, TerminationGracePeriodSeconds: &grace,
			AutomountServiceAccountToken: &no, EnableServiceLinks: &no, NodeSelector: map[string]string{corev1.LabelOSStable: "linux"},
			SecurityContext: &corev1.PodSecurityContext{RunAsNonRoot: &yes, SeccompProfile: &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault}},
			Containers: []corev1.Container{{
				Name: container, Image: r.o.Image, Args: append([]string{"cluster"}, words...),
				SecurityContext: &corev1.SecurityContext{
					AllowPrivilegeEscalation: &no, ReadOnlyRootFilesystem: &yes, RunAsNonRoot: &yes, Capabilities: &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}},
				},
				Resources: corev1.ResourceRequirements{
					Requests: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("20m"), corev1.ResourceMemory: resource.MustParse("64Mi")},
					Limits:   corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("200m"), corev1.ResourceMemory: resource.MustParse("128Mi")},
				},
				TerminationMessagePath: messageFile, TerminationMessagePolicy: corev1.TerminationMessageFallbackToLogsOnError,
			}},
		},
	}
	if at.node != "" {
		by := corev1.NodeSelectorOpIn
		if at.other {
			by = corev1.NodeSelectorOpNotIn
		}
		p.Spec.Affinity = &corev1.Affinity{NodeAffinity: &corev1.NodeAffinity{RequiredDuringSchedulingIgnoredDuringExecution: &corev1.NodeSelector{
			NodeSelectorTerms: []corev1.NodeSelectorTerm{{MatchFields: []corev1.NodeSelectorRequirement{{Key: "metadata.name", Operator: by, Values: []string{at.node}}}}},
		}}}
	}
	return p
}

func (r *run) listenerPod(name string, at placement) *corev1.Pod {
	return r.pod(name, listener, at, r.longest(), CommandListen, "--nonce", r.nonce, strconv.Itoa(refusedPort), strconv.Itoa(allowedPort))
}

func (r *run) askerPod(name string, at placement, targets []Target) *corev1.Pod {
	words := []string{CommandAsk, "--nonce", r.nonce, "--message", messageFile, "--within", r.o.Settle.String()}
	for _, t := range targets {
		words = append(words, t.String())
	}
	return r.pod(name, asker, at, r.o.Start+r.o.Settle+time.Minute, words...)
}

// networkPolicy holds the listeners, or the asker, against all but one port.
func (r *run) networkPolicy(name, direction string) *networkingv1.NetworkPolicy {
	var ports []networkingv1.NetworkPolicyPort
	for _, protocol := range []corev1.Protocol{corev1.ProtocolTCP, corev1.ProtocolUDP} {
		port := intstr.FromInt32(allowedPort)
		ports = append(ports, networkingv1.NetworkPolicyPort{Protocol: &protocol, Port: &port})
	}
	p := &networkingv1.NetworkPolicy{
		TypeMeta:   metav1.TypeMeta{APIVersion: "networking.k8s.io/v1", Kind: networkPolicyKind},
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: r.namespace, Labels: map[string]string{labelOwner: "plimsoll", labelRun: r.id}},
		Spec:       networkingv1.NetworkPolicySpec{PodSelector: metav1.LabelSelector{MatchLabels: r.labels(held(direction))}},
	}
	if r.owner != nil {
		p.OwnerReferences = []metav1.OwnerReference{*r.owner}
	}
	if direction == ingress {
		p.Spec.PolicyTypes, p.Spec.Ingress = []networkingv1.PolicyType{networkingv1.PolicyTypeIngress}, []networkingv1.NetworkPolicyIngressRule{{Ports: ports}}
	} else {
		p.Spec.PolicyTypes, p.Spec.Egress = []networkingv1.PolicyType{networkingv1.PolicyTypeEgress}, []networkingv1.NetworkPolicyEgressRule{{Ports: ports}}
	}
	return p
}

// clusterPolicy does the same for the whole cluster, and selects the probe's pods alone. Pods are all that it speaks of, at
// the priority that goes before all others.
func (r *run) clusterPolicy(name, direction string) *v1alpha2.ClusterNetworkPolicy {
	everybody := &metav1.LabelSelector{}
	both := func(port int32) []v1alpha2.ClusterNetworkPolicyProtocol {
		of := &v1alpha2.Port{Number: port}
		return []v1alpha2.ClusterNetworkPolicyProtocol{{TCP: &v1alpha2.ClusterNetworkPolicyProtocolTCP{DestinationPort: of}}, {UDP: &v1alpha2.ClusterNetworkPolicyProtocolUDP{DestinationPort: of}}}
	}
	p := &v1alpha2.ClusterNetworkPolicy{
		TypeMeta:   metav1.TypeMeta{APIVersion: "policy.networking.k8s.io/v1alpha2", Kind: clusterPolicyKind},
		ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{labelOwner: "plimsoll", labelRun: r.id}},
		Spec: v1alpha2.ClusterNetworkPolicySpec{Tier: v1alpha2.AdminTier, Subject: v1alpha2.ClusterNetworkPolicySubject{Pods: &v1alpha2.NamespacedPod{
			NamespaceSelector: metav1.LabelSelector{MatchLabels: map[string]string{corev1.LabelMetadataName: r.namespace}},
			PodSelector:       metav1.LabelSelector{MatchLabels: r.labels(held(direction))},
		}}},
	}
	if direction == ingress {
		from := []v1alpha2.ClusterNetworkPolicyIngressPeer{{Namespaces: everybody}}
		p.Spec.Ingress = []v1alpha2.ClusterNetworkPolicyIngressRule{
			{Name: "allowed", Action: v1alpha2.ClusterNetworkPolicyRuleActionAccept, From: from, Protocols: both(allowedPort)},
			{Name: "refused", Action: v1alpha2.ClusterNetworkPolicyRuleActionDeny, From: from},
		}
	} else {
		to := []v1alpha2.ClusterNetworkPolicyEgressPeer{{Namespaces: everybody}}
		p.Spec.Egress = []v1alpha2.ClusterNetworkPolicyEgressRule{
			{Name: "allowed", Action: v1alpha2.ClusterNetworkPolicyRuleActionAccept, To: to, Protocols: both(allowedPort)},
			{Name: "refused", Action: v1alpha2.ClusterNetworkPolicyRuleActionDeny, To: to},
		}
	}
	return p
}

// held is the role of the pods that a policy for a direction selects.
func held(direction string) string {
	return map[string]string{ingress: listener, egress: asker}[direction]
}

// unstructuredOf is an object as the client takes it.
func unstructuredOf(o any) (*unstructured.Unstructured, error) {
	fields, err := runtime.DefaultUnstructuredConverter.ToUnstructured(o)
	if err != nil {
		return nil, err
	}
	delete(fields, "status")
	return &unstructured.Unstructured{Object: fields}, nil
}

// typed reads an object that the client gave.
func typed[T any](u *unstructured.Unstructured) (*T, error) {
	b, err := json.Marshal(u.Object)
	if err != nil {
		return nil, err
	}
	var o T
	return &o, json.Unmarshal(b, &o)
}
