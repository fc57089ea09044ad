package client

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	authorizationv1 "k8s.io/api/authorization/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/plimsoll/plimsoll/internal/read/kube"
)

// staleAfter is for how long what is known counts without a word from the API server.
const staleAfter = 10 * time.Minute

// Followed is what is known of a cluster: the objects of some needs, which are listed once and then watched. What it
// knows outlives the connection for ten minutes. Where there is too much, nothing is known of the namespaces that have the most.
type Followed struct {
	cluster *Cluster
	all     map[kube.Need]*follower
	changed chan struct{}
}

// Follow begins to know the objects of the needs, until the context ends. Wait waits for that end.
func (c *Cluster) Follow(ctx context.Context, needs []kube.Need, note *slog.Logger) (f *Followed, wait func()) {
	f = &Followed{cluster: c, all: map[kube.Need]*follower{}, changed: make(chan struct{}, 1)}
	var running sync.WaitGroup
	for _, n := range needs {
		if f.all[n] != nil {
			continue
		}
		one := newFollower(c, n, note)
		one.changed = f.changed
		f.all[n] = one
		running.Go(func() { one.run(ctx) })
	}
	return f, running.Wait
}

// Read waits until all has been read once; an error says what has not been when the context ends.
func (f *Followed) Read(ctx context.Context) error {
	var all []error
	for _, one := range f.all {
		select {
		case <-one.read:
		case <-ctx.Done():
			_, err := one.known()
			all = append(all, err)
		}
	}
	return errors.Join(all...)
}

// Changed has word when other objects are known than before: one, however many they are.
func (f *Followed) Changed() <-chan struct{} { return f.changed }

// Last are the objects of a need as they were last known, in all namespaces, however long ago that was; and the namespaces
// of which nothing is known, because they have too many. Lost is since when the API server was not heard; zero: it is.
// Nil, nil: they were never read, and err says why.
func (f *Followed) Last(n kube.Need) (objects []*kube.Object, over []string, lost time.Time, err error) {
	one := f.all[n]
	if one == nil {
		return nil, nil, lost, fmt.Errorf("nobody follows %s", n.Kind.Kind)
	}
	k, away := one.now.Load(), one.lost.Load()
	if away != nil {
		lost = away.since
	}
	if k == nil {
		_, err := one.known()
		return nil, nil, lost, err
	}
	for _, of := range k.objects {
		objects = append(objects, of...)
	}
	slices.SortFunc(objects, order)
	return objects, slices.Sorted(maps.Keys(k.over)), lost, nil
}

// Of are the objects of a need in a namespace, by name; in all where it is empty.
func (f *Followed) Of(n kube.Need, namespace string) ([]*kube.Object, error) {
	k, err := f.known(n)
	if err != nil {
		return nil, err
	}
	return k.in(namespace, n.Kind.Kind)
}

// Namespaced says whether the objects of a need are in namespaces.
func (f *Followed) Namespaced(n kube.Need) (bool, error) {
	k, err := f.known(n)
	if err != nil {
		return false, err
	}
	return k.namespaced, nil
}

// Namespace is the namespace of a name; nil: there is none. One that was not heard of yet is asked for.
func (f *Followed) Namespace(ctx context.Context, name string) (*kube.Object, error) {
	k, err := f.known(kube.Namespaces())
	if err != nil {
		return nil, err
	}
	all := k.objects[""]
	if at, ok := slices.BinarySearchFunc(all, name, func(o *kube.Object, name string) int { return strings.Compare(o.Name, name) }); ok {
		return all[at], nil
	}
	o, err := f.cluster.Interface.Resource(k.resource).Get(ctx, name, metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("read namespace %s: %w", name, err)
	}
	return objectOf(o), nil
}

// Review asks the API server what somebody may do.
func (f *Followed) Review(ctx context.Context, question *authorizationv1.SubjectAccessReview) (authorizationv1.SubjectAccessReviewStatus, error) {
	return f.cluster.Review(ctx, question)
}

func (f *Followed) known(n kube.Need) (*known, error) {
	one := f.all[n]
	if one == nil {
		return nil, fmt.Errorf("nobody follows %s", n.Kind.Kind)
	}
	return one.known()
}

func order(a, b *kube.Object) int {
	return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
}
