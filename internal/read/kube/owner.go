package kube

import (
	"cmp"
	"maps"
	"reflect"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// Owned says that another object of the snapshot made this one, and is judged for it. What an object writes of its owner
// anybody may have written. So it counts only where the owner is there, is the very one that is meant, and is of a kind
// that makes such objects, or a custom one that holds a pod; and not where the owner is owned by what it owns.
func (s *Snapshot) Owned(o *Object) bool { return s.maker(o) != nil }

// Maker is the object that an object is judged for in the end: itself, where nothing in the snapshot made it.
func (s *Snapshot) Maker(o *Object) *Object {
	for of := s.maker(o); of != nil; of = s.maker(o) {
		o = of
	}
	return o
}

// maker is the object that made one, and by which that is owned; nil: nothing in the snapshot did.
func (s *Snapshot) maker(o *Object) *Object {
	seen := map[*Object]bool{}
	of := s.owner(o)
	for above := of; above != nil && !seen[above]; above = s.owner(above) {
		if above == o {
			return nil
		}
		seen[above] = true
	}
	return of
}

// owner is the object that an object rightly says it is controlled by; nil: nothing in the snapshot is.
func (s *Snapshot) owner(o *Object) *Object {
	for _, ref := range o.Controllers() {
		of := s.Find((&Object{APIVersion: ref.APIVersion}).Group(), ref.Kind, o.Namespace, ref.Name)
		if of == nil || !of.makes(o) {
			continue
		}
		if is, uid := of.UID(), string(ref.UID); is != "" && uid != "" && is != uid {
			continue
		}
		return of
	}
	return nil
}

// Controllers are the owners that an object says it is controlled by. An API server takes one at most.
func (o *Object) Controllers() (all []metav1.OwnerReference) {
	meta, _ := o.Fields["metadata"].(map[string]any)
	refs, _ := meta["ownerReferences"].([]any)
	for _, r := range refs {
		ref, _ := r.(map[string]any)
		if controls, _ := ref["controller"].(bool); !controls {
			continue
		}
		text := func(key string) string { s, _ := ref[key].(string); return s }
		all = append(all, metav1.OwnerReference{APIVersion: text("apiVersion"), Kind: text("kind"), Name: text("name"), UID: types.UID(text("uid"))})
	}
	return all
}

// asMade says that the pod of an object is the one that its owner makes, as far as it matters who looks at it: else it is
// judged for itself, whoever it says owns it. What an API server and the controllers add is no difference. Of a
// ReplicaSet that runs nothing the pod is that of a revision before.
func asMade(o, owner *Object) bool {
	if replicas, ok := dig(o.Fields, "spec"); ok && o.Kind == "ReplicaSet" && replicas["replicas"] == int64(0) {
		return true
	}
	mine, err := Workloads(o)
	theirs, wrong := Workloads(owner)
	if err != nil || wrong != nil {
		return false
	}
	claims := owner.Is("apps", "StatefulSet")
	for i := range mine {
		if !slices.ContainsFunc(theirs, func(w Workload) bool {
			return reflect.DeepEqual(essence(&mine[i].Spec, claims), essence(&w.Spec, claims)) && maps.Equal(profiles(&mine[i].Meta), profiles(&w.Meta))
		}) {
			return false
		}
	}
	return true
}

// profiles are the annotations that loosen or bind containers.
func profiles(of *metav1.ObjectMeta) map[string]string {
	all := maps.Clone(of.Annotations)
	maps.DeleteFunc(all, func(key, _ string) bool {
		return !strings.HasPrefix(key, "container.apparmor.") && !strings.HasPrefix(key, "seccomp.security.") && !strings.HasPrefix(key, "container.seccomp.")
	})
	return all
}

// essence is a pod without what is added when it is made: by the scheduler, for its account, its priority and its
// namespace's limits, for a DaemonSet's node and a StatefulSet's place, and by its claims.
func essence(of *corev1.PodSpec, claims bool) *corev1.PodSpec {
	s := of.DeepCopy()
	s.NodeName, s.NodeSelector, s.Affinity, s.Tolerations, s.TopologySpreadConstraints, s.SchedulerName = "", nil, nil, nil, nil, ""
	s.Priority, s.PriorityClassName, s.PreemptionPolicy, s.Overhead, s.EnableServiceLinks = nil, "", nil, nil, nil
	s.Hostname, s.Subdomain, s.ImagePullSecrets, s.DeprecatedServiceAccount = "", "", nil, ""
	s.RestartPolicy, s.DNSPolicy, s.TerminationGracePeriodSeconds, s.SetHostnameAsFQDN = "", "", nil, nil
	s.ServiceAccountName = cmp.Or(s.ServiceAccountName, of.DeprecatedServiceAccount, "default")
	if reflect.DeepEqual(s.SecurityContext, &corev1.PodSecurityContext{}) {
		s.SecurityContext = nil
	}
	s.Volumes = slices.DeleteFunc(s.Volumes, func(v corev1.Volume) bool {
		return strings.HasPrefix(v.Name, tokenVolume) && v.Projected != nil || claims && v.PersistentVolumeClaim != nil
	})
	s.Volumes = slices.Concat(s.Volumes) // none at all is no list
	for _, list := range [][]corev1.Container{s.InitContainers, s.Containers} {
		for i := range list {
			c := &list[i]
			c.Resources, c.TerminationMessagePath, c.TerminationMessagePolicy, c.ImagePullPolicy = corev1.ResourceRequirements{}, "", "", ""
			c.LivenessProbe, c.ReadinessProbe, c.StartupProbe = nil, nil, nil
			c.VolumeMounts = slices.DeleteFunc(c.VolumeMounts, func(m corev1.VolumeMount) bool { return strings.HasPrefix(m.Name, tokenVolume) })
			c.VolumeMounts = slices.Concat(c.VolumeMounts)
			for n := range c.Ports {
				c.Ports[n].Protocol = cmp.Or(c.Ports[n].Protocol, corev1.ProtocolTCP)
			}
		}
	}
	return s
}

// tokenVolume begins the names of the volumes that accounts' tokens are in.
const tokenVolume = "kube-api-access-"

// Makes says that the object is of a kind whose controller makes objects that are judged with it.
func (o *Object) Makes() bool {
	if o.Known() {
		m, _ := MakerOf(o.Group(), o.Kind)
		return m.Makes != ""
	}
	all, err := Workloads(o)
	return err == nil && len(all) > 0
}

// makes says that the object is of a kind whose controller makes others such as the one.
func (o *Object) makes(other *Object) bool {
	if !o.Known() {
		return o.Makes()
	}
	m, _ := MakerOf(o.Group(), o.Kind)
	of, known := MakerOf(other.Group(), other.Kind)
	return known && m.Makes == of.Kind
}

// UID is what an API server tells the object by; empty where none has seen it.
func (o *Object) UID() string {
	meta, _ := o.Fields["metadata"].(map[string]any)
	uid, _ := meta["uid"].(string)
	return uid
}
