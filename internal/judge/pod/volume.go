package pod

import (
	"fmt"
	"path"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// nodePath is a path of the node that the pod is given, and how.
type nodePath struct {
	volume string // its name in the pod
	field  string
	path   string // of the node, without . and ..
	kind   corev1.HostPathType
	how    string // "PersistentVolume x", where it comes through a claim
	mounts []mount
}

// mount is where one container has a volume.
type mount struct {
	container string
	field     string
	*corev1.VolumeMount
}

// writable says that some container may write to it.
func (n *nodePath) writable() bool {
	return slices.ContainsFunc(n.mounts, func(m mount) bool { return !m.ReadOnly })
}

// hits are one for each container that mounts the path, or one for a volume that none does.
func (n *nodePath) hits(h hit) (all []hit) {
	what := n.path
	if n.how != "" {
		what += " through " + n.how
	}
	h.field, h.detail = n.field, strings.TrimSuffix(what+", "+h.detail, ", ")
	if len(n.mounts) == 0 {
		return []hit{h}
	}
	seen := map[string]bool{}
	for _, m := range n.mounts {
		if !seen[m.container] {
			seen[m.container] = true
			h.container = m.container
			all = append(all, h)
		}
	}
	return all
}

// nodePaths are the paths of the node that the pod is given: as hostPath, and through claims that are bound to
// volumes on nodes. Claims of which nobody knows what they are bound to are in open.
func (f *Facts) nodePaths() (all []nodePath, open []hit) {
	for i := range f.Spec.Volumes {
		v := &f.Spec.Volumes[i]
		field := fmt.Sprintf("spec.volumes[%d]", i)
		switch {
		case v.HostPath != nil:
			kind := corev1.HostPathUnset
			if v.HostPath.Type != nil {
				kind = *v.HostPath.Type
			}
			all = append(all, nodePath{volume: v.Name, field: field + ".hostPath.path", path: path.Clean("/" + v.HostPath.Path), kind: kind})
		case v.PersistentVolumeClaim != nil:
			name := v.PersistentVolumeClaim.ClaimName
			claim := f.find("", "PersistentVolumeClaim", f.Namespace, name)
			if claim == nil {
				open = append(open, hit{unknown: "what the volume claim " + name + " is bound to"})
				continue
			}
			found, what := f.bound(claim.Fields["spec"], name)
			all, open = append(all, named(found, v.Name, field+".persistentVolumeClaim.claimName")...), append(open, what...)
		case v.Ephemeral != nil && v.Ephemeral.VolumeClaimTemplate != nil:
			t := v.Ephemeral.VolumeClaimTemplate.Spec
			spec := map[string]any{"volumeName": t.VolumeName}
			if t.StorageClassName != nil {
				spec["storageClassName"] = *t.StorageClassName
			}
			found, what := f.bound(spec, "")
			all, open = append(all, named(found, v.Name, field+".ephemeral.volumeClaimTemplate.spec")...), append(open, what...)
		}
	}
	f.eachClaimTemplate(func(name string, spec any) {
		found, what := f.bound(spec, "")
		all, open = append(all, named(found, name, "spec.volumes")...), append(open, what...)
	})
	for i := range all {
		all[i].mounts = f.mounts(all[i].volume)
	}
	return all, open
}

func named(all []nodePath, volume, field string) []nodePath {
	for i := range all {
		all[i].volume, all[i].field = volume, field
	}
	return all
}

// eachClaimTemplate calls what for the claims that a StatefulSet makes for each of its pods.
func (f *Facts) eachClaimTemplate(what func(name string, spec any)) {
	spec, _ := f.Fields["spec"].(map[string]any)
	templates, _ := spec["volumeClaimTemplates"].([]any)
	for _, t := range templates {
		fields, _ := t.(map[string]any)
		meta, _ := fields["metadata"].(map[string]any)
		if name, ok := meta["name"].(string); ok {
			what(name, fields["spec"])
		}
	}
}

// bound are the paths of nodes that a claim may be bound to. A claim that names a volume, or that a volume
// names, has that one; else any volume of its class that no other claim has. Where there is none, the class
// makes one, at a path of its own choice.
func (f *Facts) bound(claim any, name string) (all []nodePath, open []hit) {
	spec, _ := claim.(map[string]any)
	wants, _ := spec["volumeName"].(string)
	class, _ := spec["storageClassName"].(string)
	found := false
	for _, v := range f.of("PersistentVolume", "") {
		volume, _ := v.Fields["spec"].(map[string]any)
		ofClass, _ := volume["storageClassName"].(string)
		ref, _ := volume["claimRef"].(map[string]any)
		claimed, _ := ref["name"].(string)
		in, _ := ref["namespace"].(string)
		mine := wants == v.Name || wants == "" && (claimed != "" && claimed == name && in == f.Namespace || claimed == "" && ofClass == class)
		if !mine {
			continue
		}
		found = true
		for _, source := range []string{"hostPath", "local"} {
			on, _ := volume[source].(map[string]any)
			if at, ok := on["path"].(string); ok {
				all = append(all, nodePath{path: path.Clean("/" + at), how: "PersistentVolume " + v.Name})
			}
		}
	}
	if wants != "" && !found {
		open = append(open, hit{unknown: "what the PersistentVolume " + wants + " is"})
	}
	return all, open
}

// mounts are where containers have a volume.
func (f *Facts) mounts(volume string) (all []mount) {
	for _, c := range f.containers() {
		for i := range c.VolumeMounts {
			if m := &c.VolumeMounts[i]; m.Name == volume {
				all = append(all, mount{c.Name, fmt.Sprintf("%s.volumeMounts[%d]", c.field, i), m})
			}
		}
	}
	return all
}
