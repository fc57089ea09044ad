package operator

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/plimsoll/plimsoll/internal/deck/background"
	"github.com/plimsoll/plimsoll/internal/read/kube"
	"github.com/plimsoll/plimsoll/internal/weigh/statute"
)

// keeper keeps reports and statuses up to date. It does one thing at a time.
type keeper struct {
	compiler *statute.Compiler
	options  background.Options
	scanner  *background.Scanner
	client   client.Client // reads what is watched from memory
	live     client.Reader
	now      func() time.Time

	rules   *background.Rules
	of      string            // what the rules are made of
	written map[string]stored // by namespace
}

// stored is a report as the API server has it.
type stored struct{ digest, version string }

// Reconcile brings the report of a namespace up to date.
func (k *keeper) Reconcile(ctx context.Context, r reconcile.Request) (reconcile.Result, error) {
	namespace := r.Name
	held, err := k.compile(ctx)
	if err != nil {
		return reconcile.Result{}, err
	}
	if namespace != "" {
		switch gone, err := k.gone(ctx, namespace); {
		case err != nil:
			return reconcile.Result{}, err
		case gone:
			k.scanner.Forget(namespace)
			delete(k.written, namespace)
			return reconcile.Result{}, nil
		}
	}
	begun := time.Now()
	report, judged, err := k.scanner.Scan(ctx, k.rules, namespace)
	if err != nil {
		return reconcile.Result{}, err
	}
	if judged > 0 {
		log.FromContext(ctx).Info("judged", "in", namespace, "objects", judged, "fail", report.Summary.Fail, "took", time.Since(begun).String())
	}
	if err := k.write(ctx, namespace, report); err != nil {
		return reconcile.Result{}, err
	}
	switch again, err := k.tell(ctx, held); {
	case err != nil:
		return reconcile.Result{}, err
	case again:
		return reconcile.Result{RequeueAfter: settle}, nil
	}
	// Exceptions end with a day.
	next := k.now().UTC().Truncate(24 * time.Hour).Add(24*time.Hour + time.Minute)
	return reconcile.Result{RequeueAfter: next.Sub(k.now())}, nil
}

// gone says that a namespace is no more, or is about to be: nothing can be written there then.
func (k *keeper) gone(ctx context.Context, namespace string) (bool, error) {
	ns := whole(kind("", "v1", "Namespace"))
	err := k.live.Get(ctx, client.ObjectKey{Name: namespace}, ns)
	if apierrors.IsNotFound(err) {
		return true, nil
	}
	if err != nil {
		return false, fmt.Errorf("read namespace %s: %w", namespace, err)
	}
	return ns.GetDeletionTimestamp() != nil, nil
}

// compile reads the rules of the cluster, and compiles them where they or the day changed.
func (k *keeper) compile(ctx context.Context) (held []*unstructured.Unstructured, err error) {
	var of strings.Builder
	of.WriteString(k.now().UTC().Format(time.DateOnly))
	var objects []*kube.Object
	for _, gvk := range statute.Kinds() {
		list := &unstructured.UnstructuredList{}
		list.SetGroupVersionKind(gvk.GroupVersion().WithKind(gvk.Kind + "List"))
		if err := k.client.List(ctx, list); err != nil {
			return nil, fmt.Errorf("list %s: %w", gvk.Kind, err)
		}
		for i := range list.Items {
			u := &list.Items[i]
			held, objects = append(held, u), append(objects, objectOf(u))
		}
	}
	slices.SortFunc(objects, func(a, b *kube.Object) int { return cmp.Compare(statute.Place(a), statute.Place(b)) })
	for _, o := range objects {
		of.WriteString(statute.Place(o) + background.Version(o))
	}
	if k.of == of.String() && k.rules != nil {
		return held, nil
	}
	rules, err := background.NewRules(k.options, k.compiler.Compile(objects), k.now())
	if err != nil {
		return nil, err
	}
	k.rules, k.of = rules, of.String()
	return held, nil
}

// all are all namespaces, and what belongs to none.
func (k *keeper) all(ctx context.Context, _ client.Object) []string {
	names := []string{""}
	heads, err := k.scanner.Cluster.Heads(ctx, "")
	if err != nil {
		log.FromContext(ctx).Error(err, "not all namespaces are looked at again")
	}
	for _, h := range heads {
		names = append(names, h.Name)
	}
	return names
}

// owner is who the API server notes for what is written.
const owner = client.FieldOwner("plimsoll-controller")

// write writes a report where what is stored is not what this process wrote, or it says something else: who deletes one or
// writes into it gets it back. A write that changes nothing costs the API server little, and has the version stay.
func (k *keeper) write(ctx context.Context, namespace string, r *background.Report) error {
	digest := r.Digest()
	u := &unstructured.Unstructured{}
	text, err := json.Marshal(r)
	if err != nil {
		return err
	}
	if err := u.UnmarshalJSON(text); err != nil {
		return err
	}
	there := head(u.GroupVersionKind())
	if err := k.client.Get(ctx, client.ObjectKeyFromObject(u), there); err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("read the report in %q: %w", namespace, err)
	}
	if was := k.written[namespace]; was.version != "" && was == (stored{digest, there.ResourceVersion}) {
		return nil
	}
	if err := k.client.Apply(ctx, client.ApplyConfigurationFromUnstructured(u), owner, client.ForceOwnership); err != nil {
		return fmt.Errorf("write the report in %q: %w", namespace, err)
	}
	k.written[namespace] = stored{digest, u.GetResourceVersion()}
	return nil
}

// tell writes into the status of policies and exceptions what came of them. Again says that one was changed meanwhile;
// most often it was this process, and what is watched does not have that yet.
func (k *keeper) tell(ctx context.Context, held []*unstructured.Unstructured) (again bool, err error) {
	used, complete := map[string]int{}, true
	in := map[string]map[string]int{}
	for _, namespace := range k.all(ctx, nil) {
		of := k.scanner.Used(k.rules, namespace)
		complete = complete && of != nil
		in[namespace] = of
		for place, n := range of {
			used[place] += n
		}
	}
	var errs []error
	for _, u := range held {
		place := statute.Place(objectOf(u))
		c := conditions{rules: k.rules, place: place, now: k.now(), used: used[place], looked: complete}
		if u.GetNamespace() != "" {
			c.looked = in[u.GetNamespace()] != nil
		}
		changed, err := c.into(u)
		switch {
		case err != nil:
			errs = append(errs, err)
		case changed:
			switch err := k.client.Status().Update(ctx, u, owner); {
			case apierrors.IsConflict(err):
				again = true
			case err != nil && !apierrors.IsNotFound(err):
				errs = append(errs, fmt.Errorf("write the status of %s: %w", place, err))
			}
		}
	}
	return again, errors.Join(errs...)
}
