package kube

import (
	"cmp"
	"slices"
)

// Snapshot is what a set of manifests, a dump or a cluster holds: objects, and the pods that they make.
type Snapshot struct {
	Objects   []*Object
	Workloads []Workload
	Problems  []*Problem

	kinds map[key][]*Object
	named map[string]*Object // by place
}

type key struct{ group, kind, namespace string }

func place(group, kind, namespace, name string) string {
	return group + "/" + kind + "/" + namespace + "/" + name
}

// NewSnapshot reduces objects to workloads and makes them easy to find. What a dump holds twice counts once; what
// has an owner among them is no workload of its own ([Snapshot.Owned]): of a Deployment, its ReplicaSets and their Pods the Deployment remains.
func NewSnapshot(objects []*Object, problems []*Problem) *Snapshot {
	s := &Snapshot{Objects: once(objects), Problems: problems, kinds: map[key][]*Object{}, named: map[string]*Object{}}
	for _, o := range s.Objects {
		s.Add(o)
	}
	for _, o := range s.Objects {
		if s.Owned(o) {
			continue
		}
		all, err := Workloads(o)
		if err != nil {
			line, _ := o.Source.position("")
			s.Problems = append(s.Problems, &Problem{Path: o.Source.Path, Line: line, What: o.Kind + " " + o.Name + ": " + err.Error()})
			continue
		}
		s.Workloads = append(s.Workloads, all...)
	}
	slices.SortStableFunc(s.Problems, func(a, b *Problem) int { return cmp.Or(cmp.Compare(a.Path, b.Path), a.Line-b.Line) })
	return s
}

// Add has an object found and own others. It is not among the snapshot's own, nor are its pods.
func (s *Snapshot) Add(o *Object) {
	k := key{o.Group(), o.Kind, o.Namespace}
	s.kinds[k] = append(s.kinds[k], o)
	if at := place(k.group, k.kind, k.namespace, o.Name); s.named[at] == nil {
		s.named[at] = o
	}
}

// once drops what has the identity that an API server gave to an object before it.
func once(objects []*Object) []*Object {
	seen := map[string]bool{}
	kept := make([]*Object, 0, len(objects))
	for _, o := range objects {
		uid := o.UID()
		if uid != "" && seen[uid] {
			continue
		}
		seen[uid] = true
		kept = append(kept, o)
	}
	return kept
}

// Of are the objects of a kind in a namespace, in the order of the snapshot.
func (s *Snapshot) Of(group, kind, namespace string) []*Object {
	return s.kinds[key{group, kind, namespace}]
}

// Find is the object of a name; nil when the snapshot has none.
func (s *Snapshot) Find(group, kind, namespace, name string) *Object {
	return s.named[place(group, kind, namespace, name)]
}
