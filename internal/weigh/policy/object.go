package policy

import (
	corev1 "k8s.io/api/core/v1"

	"github.com/plimsoll/plimsoll/internal/read/kube"
)

// Objects are those of a snapshot that policies about manifests look at: of what one owns of another, the owner
// alone. Own says by the path of its file whether an object is to be looked at; all others are known around it.
func Objects(of *kube.Snapshot, own func(path string) bool) []Object {
	made := map[*kube.Object][]*kube.Workload{}
	for i := range of.Workloads {
		w := &of.Workloads[i]
		made[w.Object] = append(made[w.Object], w)
	}
	var all []Object
	for _, o := range of.Objects {
		if !own(o.Source.Path) || of.Owned(o) {
			continue
		}
		var namespace *kube.Object
		if o.Namespace != "" {
			namespace = of.Find("", "Namespace", "", o.Namespace)
		}
		one := ObjectOf(o, namespace, made[o])
		all = append(all, one)
	}
	return all
}

// ObjectOf is one object, in a namespace if it is in one that is known, with the pods that it makes.
func ObjectOf(o, namespace *kube.Object, makes []*kube.Workload) Object {
	one := Object{Fields: o.Fields, Pods: []any{}, Subject: *o.Subject(""), At: o.At("")}
	if namespace != nil {
		one.Namespace = namespace.Fields
	}
	for _, w := range makes {
		one.Pods = append(one.Pods, w.Written)
		one.Containers = append(one.Containers, containersOf(w)...)
		one.Images = append(one.Images, imagesOf(w)...)
	}
	return one
}

// imagesOf are the volumes of a pod that are images.
func imagesOf(w *kube.Workload) (all []Container) {
	for i := range w.Spec.Volumes {
		if v := &w.Spec.Volumes[i]; v.Image != nil {
			all = append(all, Container{Name: v.Name, Image: v.Image.Reference, Sort: "volume", Fields: writtenIn(w, "volumes", i)})
		}
	}
	return all
}

// writtenIn is an item of a list of a pod's spec, as it is written.
func writtenIn(w *kube.Workload, list string, i int) map[string]any {
	spec, _ := w.Written["spec"].(map[string]any)
	items, _ := spec[list].([]any)
	if i < len(items) {
		if fields, ok := items[i].(map[string]any); ok {
			return fields
		}
	}
	return map[string]any{}
}

// containersOf are those of a pod, in the order in which they run.
func containersOf(w *kube.Workload) (all []Container) {
	add := func(list, sort string, i int, c corev1.EphemeralContainerCommon) {
		all = append(all, Container{Name: c.Name, Image: c.Image, Sort: sort, Fields: writtenIn(w, list, i)})
	}
	for i := range w.Spec.InitContainers {
		add("initContainers", "init", i, corev1.EphemeralContainerCommon(w.Spec.InitContainers[i]))
	}
	for i := range w.Spec.Containers {
		add("containers", "container", i, corev1.EphemeralContainerCommon(w.Spec.Containers[i]))
	}
	for i := range w.Spec.EphemeralContainers {
		add("ephemeralContainers", "ephemeral", i, w.Spec.EphemeralContainers[i].EphemeralContainerCommon)
	}
	return all
}
