package kube

import (
	"slices"
	"strings"
)

// makers are the kinds whose controllers make objects of a kind: nothing else in Kubernetes itself does.
var makers = map[string][]string{
	"/Pod": {
		"apps/ReplicaSet", "apps/StatefulSet", "apps/DaemonSet", "/ReplicationController", "batch/Job", "extensions/ReplicaSet", "extensions/DaemonSet",
	},
	"apps/ReplicaSet":       {"apps/Deployment", "extensions/Deployment"},
	"extensions/ReplicaSet": {"extensions/Deployment", "apps/Deployment"},
	"batch/Job":             {"batch/CronJob"},
}

// Owned says that another object of the snapshot made this one, and is judged for it. What an object writes of its owner
// anybody may have written. So it counts only where the owner is there, is the very one that is meant, and is of a kind
// that makes such objects, or a custom one that holds a pod; and not where the owner is owned by what it owns.
func (s *Snapshot) Owned(o *Object) bool {
	seen := map[*Object]bool{}
	for above := s.owner(o); above != nil && !seen[above]; above = s.owner(above) {
		if above == o {
			return false
		}
		seen[above] = true
	}
	return len(seen) > 0
}

// owner is the object that made one; nil: nothing in the snapshot did.
func (s *Snapshot) owner(o *Object) *Object {
	meta, _ := o.Fields["metadata"].(map[string]any)
	refs, _ := meta["ownerReferences"].([]any)
	for _, r := range refs {
		ref, _ := r.(map[string]any)
		if controls, _ := ref["controller"].(bool); !controls {
			continue
		}
		version, _ := ref["apiVersion"].(string)
		kind, _ := ref["kind"].(string)
		name, _ := ref["name"].(string)
		uid, _ := ref["uid"].(string)
		of := s.Find((&Object{APIVersion: version}).Group(), kind, o.Namespace, name)
		if of == nil || !of.makes(o) {
			continue
		}
		if is := of.UID(); is != "" && uid != "" && is != uid {
			continue
		}
		return of
	}
	return nil
}

// Makes says that the object is of a kind whose controller makes objects that are judged with it.
func (o *Object) Makes() bool {
	for other := range makers {
		group, kind, _ := strings.Cut(other, "/")
		if o.makes(&Object{APIVersion: strings.TrimPrefix(group+"/v1", "/"), Kind: kind}) {
			return true
		}
	}
	return false
}

// makes says that the object is of a kind whose controller makes others such as the one.
func (o *Object) makes(other *Object) bool {
	if o.Known() {
		return slices.Contains(makers[other.Group()+"/"+other.Kind], o.Group()+"/"+o.Kind)
	}
	all, err := Workloads(o)
	return err == nil && len(all) > 0
}

// UID is what an API server tells the object by; empty where none has seen it.
func (o *Object) UID() string {
	meta, _ := o.Fields["metadata"].(map[string]any)
	uid, _ := meta["uid"].(string)
	return uid
}
