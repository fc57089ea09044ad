package kube

import (
	"cmp"
	"runtime"
	"slices"

	"golang.org/x/sync/errgroup"
)

// Snapshot is what a set of manifests, a dump or a cluster holds: objects, and the pods that they make.
type Snapshot struct {
	Objects   []*Object
	Workloads []Workload
	Problems  []*Problem

	kinds map[key][]*Object
}

type key struct{ group, kind, namespace string }

// NewSnapshot reduces objects to workloads and makes them easy to find. What a dump holds twice counts once; what
// has an owner among them is no
// workload of its own: of a Deployment, its ReplicaSets and their Pods the Deployment remains.
func NewSnapshot(objects []*Object, problems []*Problem) *Snapshot {
	s := &Snapshot{Objects: once(objects), Problems: problems, kinds: map[key][]*Object{}}
	for _, o := range s.Objects {
		k := key{o.Group(), o.Kind, o.Namespace}
		s.kinds[k] = append(s.kinds[k], o)
	}
	for i, m := range makeAll(s) {
		if m.err != nil {
			o := s.Objects[i]
			line, _ := o.Source.position("")
			s.Problems = append(s.Problems, &Problem{Path: o.Source.Path, Line: line, What: o.Kind + " " + o.Name + ": " + m.err.Error()})
			continue
		}
		s.Workloads = append(s.Workloads, m.workloads...)
	}
	slices.SortStableFunc(s.Problems, func(a, b *Problem) int { return cmp.Or(cmp.Compare(a.Path, b.Path), a.Line-b.Line) })
	return s
}

// makes is what one object makes.
type makes struct {
	workloads []Workload
	err       error
}

// atOnce is how many objects one goroutine looks at.
const atOnce = 128

// makeAll reduces all objects of a snapshot, several at a time.
func makeAll(s *Snapshot) []makes {
	all := make([]makes, len(s.Objects))
	var group errgroup.Group
	group.SetLimit(runtime.GOMAXPROCS(0))
	for from := 0; from < len(all); from += atOnce {
		group.Go(func() error {
			for i := from; i < min(from+atOnce, len(all)); i++ {
				if !s.Owned(s.Objects[i]) {
					all[i].workloads, all[i].err = Workloads(s.Objects[i])
				}
			}
			return nil
		})
	}
	_ = group.Wait() // none of them fails
	return all
}

// once drops what has the identity that an API server gave to an object before it.
func once(objects []*Object) []*Object {
	seen := map[string]bool{}
	kept := make([]*Object, 0, len(objects))
	for _, o := range objects {
		meta, _ := o.Fields["metadata"].(map[string]any)
		uid, _ := meta["uid"].(string)
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
	for _, o := range s.Of(group, kind, namespace) {
		if o.Name == name {
			return o
		}
	}
	return nil
}

// Owned says that another object of the snapshot controls this one.
func (s *Snapshot) Owned(o *Object) bool {
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
		if s.Find((&Object{APIVersion: version}).Group(), kind, o.Namespace, name) != nil {
			return true
		}
	}
	return false
}
