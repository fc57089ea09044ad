// Package operator is the controller that runs in a cluster: it reads Policies and Exceptions from there, has what is in
// the cluster judged in the background, and keeps a report in each namespace up to date. All is decided by
// deck/background; here is what watches, writes, and takes turns with other replicas.
//
// It writes reports, the status of Policies and Exceptions, and a lease, and nothing else. Secrets and ConfigMaps are
// not read.
package operator

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/go-logr/logr"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/util/workqueue"
	"k8s.io/klog/v2"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/config"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	metrics "sigs.k8s.io/controller-runtime/pkg/metrics/server"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/plimsoll/plimsoll/internal/deck/background"
	"github.com/plimsoll/plimsoll/internal/read/exceptionfile"
	"github.com/plimsoll/plimsoll/internal/read/kube"
	"github.com/plimsoll/plimsoll/internal/weigh/statute"
)

// Options say how it runs.
type Options struct {
	Config *rest.Config
	Rules  background.Options
	Files  statute.Files // what holds beside the objects of the cluster
	// Around are further kinds that count for what is in their namespace.
	Around []schema.GroupVersionKind
	// Lease is the namespace of the lease by which one of several replicas leads; empty: there is one only.
	Lease   string
	Health  string // address of /healthz and /readyz; 0: none
	Metrics string // address of /metrics; 0: none
	Log     slog.Handler
	Now     func() time.Time
}

// settle is how long a namespace rests before it is looked at: what changes together is judged together.
const settle = time.Second

func reports() []schema.GroupVersionKind {
	return []schema.GroupVersionKind{kind("openreports.io", "v1alpha1", "Report"), kind("openreports.io", "v1alpha1", "ClusterReport")}
}

// Run works until ctx ends.
func Run(ctx context.Context, o Options) error {
	if o.Log != nil {
		log := logr.FromSlogHandler(o.Log)
		ctrl.SetLogger(log)
		klog.SetLogger(log)
	}
	several := true // in one process, as tests have them
	m, err := manager.New(o.Config, manager.Options{
		Cache:          cache.Options{DefaultTransform: lean, ByObject: own()},
		Client:         client.Options{Cache: &client.CacheOptions{Unstructured: true}},
		LeaderElection: o.Lease != "", LeaderElectionNamespace: o.Lease, LeaderElectionID: "plimsoll-controller", LeaderElectionReleaseOnCancel: true,
		HealthProbeBindAddress: o.Health, Metrics: metrics.Options{BindAddress: o.Metrics},
		Controller: config.Controller{MaxConcurrentReconciles: 1, SkipNameValidation: &several},
	})
	if err != nil {
		return fmt.Errorf("reach the cluster: %w", err)
	}
	if err := known(m); err != nil {
		return err
	}
	compiler, err := statute.NewCompiler(o.Files)
	if err != nil {
		return err
	}
	k := &keeper{
		compiler: compiler, options: o.Rules, client: m.GetClient(), now: o.Now, written: map[string]stored{}, live: m.GetAPIReader(),
		scanner: &background.Scanner{Cluster: &reader{watched: m.GetClient(), live: m.GetAPIReader(), also: o.Around}},
	}
	if err := k.watch(m); err != nil {
		return err
	}
	if err := errors.Join(
		m.AddHealthzCheck("alive", func(*http.Request) error { return nil }),
		m.AddReadyzCheck("watching", func(r *http.Request) error {
			if !m.GetCache().WaitForCacheSync(r.Context()) {
				return errors.New("not all that is watched was read yet")
			}
			return nil
		}),
	); err != nil {
		return err
	}
	return m.Start(ctx)
}

// known wants the cluster to have all kinds that are read and written.
func known(m manager.Manager) error {
	var missing []error
	for _, k := range append(statute.Kinds(), reports()...) {
		if _, err := m.GetRESTMapper().RESTMapping(k.GroupKind(), k.Version); err != nil {
			missing = append(missing, fmt.Errorf("the cluster does not know kind %s of %s: apply its CustomResourceDefinition: %w", k.Kind, k.GroupVersion(), err))
		}
	}
	return errors.Join(missing...)
}

// own has no reports watched but those that it may write.
func own() map[client.Object]cache.ByObject {
	all := map[client.Object]cache.ByObject{}
	for _, gvk := range reports() {
		all[head(gvk)] = cache.ByObject{Field: fields.OneTermEqualSelector("metadata.name", background.Name)}
	}
	return all
}

// watch has a namespace looked at when anything in it changes, and all when a rule of all does. The request's name is
// that of the namespace; empty is what belongs to none.
func (k *keeper) watch(m manager.Manager) error {
	b := builder.ControllerManagedBy(m).Named("background")
	one := after(func(_ context.Context, o client.Object) []string { return []string{o.GetNamespace()} })
	for _, gvk := range kube.Judged() {
		on := one
		if kube.Wide(gvk) { // it counts for what is in it, and is judged itself
			on = after(func(_ context.Context, o client.Object) []string { return []string{"", o.GetName()} })
		}
		b = b.Watches(head(gvk), on)
	}
	for _, gvk := range reports() {
		b = b.Watches(head(gvk), one)
	}
	for _, gvk := range kube.Around() {
		b = b.Watches(whole(gvk), one)
	}
	everywhere := after(k.all)
	b = b.Watches(whole(kube.Volume()), after(func(_ context.Context, o client.Object) []string {
		in, _, _ := unstructured.NestedString(o.(*unstructured.Unstructured).Object, "spec", "claimRef", "namespace")
		return []string{in}
	}))
	for _, gvk := range statute.Kinds() {
		on := everywhere
		if gvk.Kind == exceptionfile.Namespaced {
			on = one
		}
		b = b.Watches(whole(gvk), on)
	}
	return b.Complete(k)
}

func head(k schema.GroupVersionKind) *metav1.PartialObjectMetadata {
	o := &metav1.PartialObjectMetadata{}
	o.SetGroupVersionKind(k)
	return o
}

func whole(k schema.GroupVersionKind) *unstructured.Unstructured {
	u := &unstructured.Unstructured{}
	u.SetGroupVersionKind(k)
	return u
}

type queue = workqueue.TypedRateLimitingInterface[reconcile.Request]

// after asks for namespaces to be looked at, a little later. An update that changes nothing of what is judged asks for
// nothing: of most objects it is their status.
func after(of func(context.Context, client.Object) []string) handler.EventHandler {
	ask := func(ctx context.Context, o client.Object, q queue) {
		for _, namespace := range of(ctx, o) {
			q.AddAfter(request(namespace), settle)
		}
	}
	return handler.Funcs{
		CreateFunc: func(ctx context.Context, e event.CreateEvent, q queue) { ask(ctx, e.Object, q) },
		DeleteFunc: func(ctx context.Context, e event.DeleteEvent, q queue) { ask(ctx, e.Object, q) },
		UpdateFunc: func(ctx context.Context, e event.UpdateEvent, q queue) {
			if versionOf(e.ObjectOld) != versionOf(e.ObjectNew) {
				ask(ctx, e.ObjectNew, q)
			}
		},
	}
}

func request(namespace string) reconcile.Request {
	return reconcile.Request{NamespacedName: client.ObjectKey{Name: namespace}}
}

// versionOf is that of an object's head.
func versionOf(o client.Object) string {
	fields := map[string]any{}
	switch o := o.(type) {
	case *unstructured.Unstructured:
		fields = o.Object
	case *metav1.PartialObjectMetadata:
		meta, err := runtime.DefaultUnstructuredConverter.ToUnstructured(&o.ObjectMeta)
		if err != nil {
			return o.ResourceVersion
		}
		fields["metadata"] = meta
	}
	return background.Version(&kube.Object{Fields: fields})
}
