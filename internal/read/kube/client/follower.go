package client

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/dynamic"

	"github.com/plimsoll/plimsoll/internal/read/kube"
)

// Bounds on what is kept of one need, and on the pace of asking.
const (
	mostObjects = 20_000
	mostBytes   = 32 << 20 // of the fields, about
	pageSize    = 100
	firstWait   = 250 * time.Millisecond
	mostWait    = 30 * time.Second
	shortWatch  = time.Second // a watch that ends sooner, without a word, is none
	longWatch   = 5 * time.Minute
	lateWatch   = 30 * time.Second // after which the API server has not ended it in time
)

// follower knows the objects of one need.
type follower struct {
	cluster *Cluster
	need    kube.Need
	note    *slog.Logger
	changed chan struct{} // has room for one word; nil: nobody waits for it

	read chan struct{} // closed when all was read once
	once sync.Once
	now  atomic.Pointer[known]
	lost atomic.Pointer[loss] // nil: it is in touch with the API server

	// The runner's own.
	sizes map[string]int // of the fields of the objects of a namespace
	heard time.Time      // when the API server last said something
}

// known does not change: another takes its place.
type known struct {
	resource   schema.GroupVersionResource
	namespaced bool
	objects    map[string][]*kube.Object // by namespace, in the order of their names
	over       map[string]bool           // the namespaces that have too many, of which nothing is known
}

// in are the objects of a namespace; of all where it is empty.
func (k *known) in(namespace string, kind string) ([]*kube.Object, error) {
	for over := range k.over {
		if namespace == "" || over == namespace {
			return nil, fmt.Errorf("%s of namespace %q is not known: %w", kind, over, errTooMuch)
		}
	}
	if namespace != "" {
		return k.objects[namespace], nil
	}
	var all []*kube.Object
	for _, objects := range k.objects {
		all = append(all, objects...)
	}
	slices.SortFunc(all, order)
	return all, nil
}

var errTooMuch = fmt.Errorf("the cluster has more than %d of them, or they are larger than %d bytes together, and this namespace has the most: name one by its name or namespace in paramRef, or take some out", mostObjects, mostBytes)

type loss struct {
	since time.Time
	err   error
}

func newFollower(c *Cluster, n kube.Need, note *slog.Logger) *follower {
	f := &follower{cluster: c, need: n, note: note, read: make(chan struct{})}
	f.lost.Store(&loss{time.Now(), errors.New("it was not asked yet")})
	return f
}

// known is what can be relied on.
func (f *follower) known() (*known, error) {
	lost := f.lost.Load() // before the other: what is found is kept before it is no longer lost
	k := f.now.Load()
	switch {
	case k == nil:
		return nil, fmt.Errorf("%s of the cluster is not known: %w", f.need.Kind.Kind, lost.err)
	case lost != nil && time.Since(lost.since) > staleAfter:
		return nil, fmt.Errorf("%s of the cluster is not known since %s: %w", f.need.Kind.Kind, lost.since.UTC().Format(time.RFC3339), lost.err)
	}
	return k, nil
}

func (f *follower) run(ctx context.Context) {
	wait := firstWait
	for ctx.Err() == nil {
		began := time.Now()
		err := f.follow(ctx)
		if time.Since(began) > mostWait {
			wait = firstWait
		}
		if ctx.Err() != nil {
			return
		}
		if err == nil { // it is time to list again
			continue
		}
		if f.lost.Load() == nil || f.now.Load() == nil {
			f.lost.Store(&loss{f.heard, err})
		}
		f.note.Warn("follow what policies need of the cluster", "kind", f.need.Kind.Kind, "error", err)
		select {
		case <-ctx.Done():
		case <-time.After(wait/2 + rand.N(wait)):
		}
		wait = min(2*wait, mostWait)
	}
}

// follow lists the objects, and then watches them until that breaks, or until there may be room again for what was too much.
func (f *follower) follow(ctx context.Context) error {
	resource, namespaced, err := f.cluster.Resource(ctx, f.need.Kind)
	if err != nil {
		return err
	}
	var of dynamic.ResourceInterface = f.cluster.Interface.Resource(resource)
	if namespaced && f.need.Namespace != "" {
		of = f.cluster.Interface.Resource(resource).Namespace(f.need.Namespace)
	}
	k := &known{resource, namespaced, map[string][]*kube.Object{}, map[string]bool{}}
	version, err := f.list(ctx, of, k)
	if err != nil {
		return err
	}
	f.found(k)
	for listed := time.Now(); len(f.now.Load().over) == 0 || time.Since(listed) < longWatch; {
		if version, err = f.watch(ctx, of, version); err != nil {
			return err
		}
	}
	return nil
}

// found puts what was read in place, and says that it is in touch.
func (f *follower) found(k *known) {
	f.now.Store(k)
	if f.lost.Swap(nil) != nil {
		f.note.Info("what policies need of the cluster is known", "kind", f.need.Kind.Kind)
	}
	f.once.Do(func() { close(f.read) })
	f.say()
}

// say says that other objects are known than before.
func (f *follower) say() {
	select {
	case f.changed <- struct{}{}:
	default: // that was said, and nobody has looked since
	}
}

func (f *follower) options() metav1.ListOptions {
	o := metav1.ListOptions{LabelSelector: f.need.Labels}
	if f.need.Name != "" {
		o.FieldSelector = fields.OneTermEqualSelector("metadata.name", f.need.Name).String()
	}
	return o
}

func (f *follower) list(ctx context.Context, of dynamic.ResourceInterface, k *known) (version string, err error) {
	o := f.options()
	o.Limit = pageSize
	f.sizes = map[string]int{}
	for {
		page, err := of.List(ctx, o)
		if err != nil {
			return "", err
		}
		f.heard = time.Now()
		for i := range page.Items {
			if one := objectOf(&page.Items[i]); !k.over[one.Namespace] {
				k.objects[one.Namespace] = append(k.objects[one.Namespace], one)
				f.sizes[one.Namespace] += sizeOf(one.Fields)
			}
		}
		f.bound(k)
		if o.Continue = page.GetContinue(); o.Continue == "" {
			for _, all := range k.objects {
				slices.SortFunc(all, order)
			}
			return page.GetResourceVersion(), nil
		}
	}
}

// bound forgets the namespaces that have the most until what is left is not too much: who fills his own has nobody know
// it, and takes nothing from others.
func (f *follower) bound(k *known) {
	for {
		n, size, largest := 0, 0, ""
		share := func(in string) int { return max(f.sizes[in]/(mostBytes/mostObjects), len(k.objects[in])) }
		for in, all := range k.objects {
			n, size = n+len(all), size+f.sizes[in]
			if largest == "" || share(in) > share(largest) || share(in) == share(largest) && in < largest {
				largest = in
			}
		}
		if n <= mostObjects && size <= mostBytes {
			return
		}
		if !k.over[largest] {
			f.note.Error("follow what policies need of the cluster", "kind", f.need.Kind.Kind, "namespace", largest, "error", errTooMuch)
		}
		delete(k.objects, largest)
		delete(f.sizes, largest)
		over := map[string]bool{largest: true} // others may read the one that is there
		maps.Copy(over, k.over)
		k.over = over
	}
}

// watch takes changes in until the API server ends it, which it does every few minutes. It says something every minute;
// of one that says nothing at all, or does not end, nobody knows whether it is still there.
func (f *follower) watch(ctx context.Context, of dynamic.ResourceInterface, version string) (string, error) {
	o := f.options()
	seconds := int64(longWatch/time.Second) + rand.Int64N(int64(longWatch/time.Second))
	o.ResourceVersion, o.AllowWatchBookmarks, o.TimeoutSeconds = version, true, &seconds
	ctx, cancel := context.WithTimeout(ctx, time.Duration(seconds)*time.Second+lateWatch)
	defer cancel()
	w, err := of.Watch(ctx, o)
	if err != nil {
		return "", err
	}
	defer w.Stop()
	defer context.AfterFunc(ctx, w.Stop)()
	began := time.Now()
	last := began
	for e := range w.ResultChan() {
		o, ok := e.Object.(*unstructured.Unstructured)
		switch {
		case e.Type == watch.Error:
			return "", apierrors.FromObject(e.Object)
		case !ok:
			return "", fmt.Errorf("the API server sent a %T", e.Object)
		}
		if e.Type != watch.Bookmark {
			f.change(objectOf(o), e.Type == watch.Deleted)
		}
		version = o.GetResourceVersion()
		last = time.Now()
		f.heard = last
	}
	switch took := time.Since(began); {
	case last.Equal(began) && took < shortWatch:
		return "", fmt.Errorf("a watch ended after %s", took.Round(time.Millisecond))
	case time.Since(last) > longWatch:
		return "", fmt.Errorf("a watch has said nothing for %s", time.Since(last).Round(time.Second))
	}
	return version, ctx.Err()
}

// change puts an object in its place, or takes it out.
func (f *follower) change(o *kube.Object, gone bool) {
	k := *f.now.Load()
	if k.over[o.Namespace] {
		return
	}
	k.objects = maps.Clone(k.objects)
	all := slices.Clone(k.objects[o.Namespace])
	at, there := slices.BinarySearchFunc(all, o, order)
	if there {
		f.sizes[o.Namespace] -= sizeOf(all[at].Fields)
	}
	switch {
	case gone && there:
		all = slices.Delete(all, at, at+1)
	case gone:
	case there:
		all[at] = o
	default:
		all = slices.Insert(all, at, o)
	}
	if !gone {
		f.sizes[o.Namespace] += sizeOf(o.Fields)
	}
	if k.objects[o.Namespace] = all; len(all) == 0 {
		delete(k.objects, o.Namespace)
		delete(f.sizes, o.Namespace)
	}
	f.bound(&k)
	f.now.Store(&k)
	f.say()
}

// objectOf is an object without the notes of who wrote what of it.
func objectOf(o *unstructured.Unstructured) *kube.Object {
	if meta, ok := o.Object["metadata"].(map[string]any); ok {
		delete(meta, "managedFields")
	}
	return &kube.Object{APIVersion: o.GetAPIVersion(), Kind: o.GetKind(), Namespace: o.GetNamespace(), Name: o.GetName(), Fields: o.Object}
}

// sizeOf is about what a value takes.
func sizeOf(v any) (n int) {
	switch v := v.(type) {
	case string:
		return 16 + len(v)
	case map[string]any:
		for key, value := range v {
			n += 32 + len(key) + sizeOf(value)
		}
	case []any:
		for _, item := range v {
			n += 16 + sizeOf(item)
		}
	}
	return n + 16
}
