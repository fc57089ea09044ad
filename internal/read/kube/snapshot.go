package kube

import (
	"cmp"
	"reflect"
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

// Add has an object found and own others. It is not among the snapshot's own, nor are its pods.
func (s *Snapshot) Add(o *Object) {
	k := key{o.Group(), o.Kind, o.Namespace}
	s.kinds[k] = append(s.kinds[k], o)
	if at := place(k.group, k.kind, k.namespace, o.Name); s.named[at] == nil {
		s.named[at] = o
	}
}

// made is what one object makes.
type made struct {
	workloads []Workload
	err       error
}

// atOnce is how many objects one goroutine looks at.
const atOnce = 128

// makeAll reduces all objects of a snapshot, several at a time.
func makeAll(s *Snapshot) []made {
	all := make([]made, len(s.Objects))
	var group errgroup.Group
	group.SetLimit(runtime.GOMAXPROCS(0))
	for from := 0; from < len(all); from += atOnce {
		group.Go(func() error {
			for i := from; i < min(from+atOnce, len(all)); i++ {
				o := s.Objects[i]
				if owner := s.maker(o); owner == nil || !asMade(o, owner) {
					all[i].workloads, all[i].err = Workloads(o)
				}
			}
			return nil
		})
	}
	_ = group.Wait() // none of them fails
	return all
}

// once drops what an API server gave twice.
func once(objects []*Object) []*Object {
	first := map[string]*Object{}
	kept := make([]*Object, 0, len(objects))
	for _, o := range objects {
		if uid := o.UID(); uid != "" {
			if was := first[uid]; was != nil && reflect.DeepEqual(was.Fields, o.Fields) { // an identity that somebody copied is none
				continue
			}
			first[uid] = o
		}
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
