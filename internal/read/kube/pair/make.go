package pair

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
)

// What is made, and taken away again.
var (
	namespaces      = schema.GroupVersionResource{Version: "v1", Resource: "namespaces"}
	pods            = schema.GroupVersionResource{Version: "v1", Resource: "pods"}
	events          = schema.GroupVersionResource{Version: "v1", Resource: "events"}
	nodes           = schema.GroupVersionResource{Version: "v1", Resource: "nodes"}
	networkPolicies = schema.GroupVersionResource{Group: "networking.k8s.io", Version: "v1", Resource: "networkpolicies"}
	clusterPolicies = schema.GroupVersionResource{Group: "policy.networking.k8s.io", Version: "v1alpha2", Resource: "clusternetworkpolicies"}
)

const (
	askEvery    = 500 * time.Millisecond
	requestFor  = 10 * time.Second
	cleaningFor = 60 * time.Second
	accountFor  = 15 * time.Second // until a new namespace has a service account
)

// made is an object that is to be taken away.
type made struct {
	kind            schema.GroupVersionResource
	namespace, name string
}

func (m made) String() string {
	if m.namespace == "" {
		return m.kind.Resource + " " + m.name
	}
	return m.kind.Resource + " " + m.namespace + "/" + m.name
}

func (r *run) of(kind schema.GroupVersionResource, namespace string) dynamic.ResourceInterface {
	if namespace == "" {
		return r.c.Interface.Resource(kind)
	}
	return r.c.Interface.Resource(kind).Namespace(namespace)
}

// scope is the namespace that objects of a kind are made in.
func (r *run) scope(kind schema.GroupVersionResource) string {
	if kind == clusterPolicies {
		return ""
	}
	return r.namespace
}

// create makes an object, and notes it. Once begun it is not cut: an answer that nobody waits for may be of an object that
// then stays.
func (r *run) create(ctx context.Context, kind schema.GroupVersionResource, namespace string, object any) error {
	u, err := unstructuredOf(object)
	if err != nil {
		return err
	}
	m := made{kind, namespace, u.GetName()}
	for began := time.Now(); ; {
		if err := ctx.Err(); err != nil {
			return err
		}
		short, cancel := context.WithTimeout(context.WithoutCancel(ctx), requestFor)
		_, err = r.of(kind, namespace).Create(short, u, metav1.CreateOptions{FieldManager: "plimsoll"})
		cancel()
		late := apierrors.IsForbidden(err) && strings.Contains(err.Error(), "error looking up service account") || kind != namespaces && apierrors.IsNotFound(err) && r.o.Namespace == ""
		if !late || time.Since(began) > accountFor {
			break
		}
		wait(ctx, askEvery)
	}
	var status apierrors.APIStatus
	switch {
	case err == nil, !errors.As(err, &status): // it may be there
		r.made = append(r.made, m)
		if err != nil {
			return stop("make %s: %v", m, err)
		}
		return nil
	case kind == namespaces && apierrors.IsAlreadyExists(err):
		return stop("namespace %s is there already: another probe goes on, or one was killed; wait until it is gone, or take it away (kubectl delete namespace %[1]s), or name one of your own with --namespace", m.name)
	case apierrors.IsNotFound(err) && namespace != "":
		return stop("there is no namespace %s", namespace)
	}
	return stop("the API server refuses %s: %v", m, err)
}

// remove takes an object away.
func (r *run) remove(ctx context.Context, kind schema.GroupVersionResource, namespace, name string) error {
	short, cancel := context.WithTimeout(context.WithoutCancel(ctx), requestFor)
	defer cancel()
	if err := r.of(kind, namespace).Delete(short, name, metav1.DeleteOptions{}); err != nil && !apierrors.IsNotFound(err) {
		return stop("take %s away: %v", made{kind, namespace, name}, err)
	}
	r.made = slices.DeleteFunc(r.made, func(m made) bool { return m == made{kind, namespace, name} })
	return nil
}

// clean takes all away, what was made last first, whether ctx ended or not; a namespace takes what is in it with it. It waits until the namespace
// is gone, unless it is in a hurry.
func (r *run) clean(ctx context.Context) {
	hurry := ctx.Err() != nil
	own := slices.ContainsFunc(r.made, func(m made) bool { return m.kind == namespaces })
	for _, m := range slices.Backward(slices.Clone(r.made)) {
		if own && m.namespace != "" {
			continue
		}
		if err := r.remove(ctx, m.kind, m.namespace, m.name); err != nil {
			r.trial.Left = append(r.trial.Left, err.Error())
			r.o.Say(err.Error())
		}
	}
	if !own || hurry || len(r.trial.Left) > 0 {
		return
	}
	r.o.Say("namespace " + r.namespace + " is being taken away")
	for began := time.Now(); time.Since(began) < cleaningFor && ctx.Err() == nil; wait(ctx, askEvery) {
		if _, err := r.of(namespaces, "").Get(ctx, r.namespace, metav1.GetOptions{}); apierrors.IsNotFound(err) {
			return
		}
	}
	if ctx.Err() == nil {
		r.o.Say(fmt.Sprintf("namespace %s is not gone after %s; its controller may take longer", r.namespace, cleaningFor))
	}
}

func wait(ctx context.Context, long time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(long):
	}
}

// start makes a pod, and waits until it runs and has an address.
func (r *run) start(ctx context.Context, p *corev1.Pod) (*corev1.Pod, error) {
	return r.until(ctx, p, r.o.Start, "run", func(p *corev1.Pod) bool { return p.Status.Phase == corev1.PodRunning && p.Status.PodIP != "" })
}

// finish makes a pod, and waits until its container ended: of one that somebody put beside it nobody knows when it does.
func (r *run) finish(ctx context.Context, p *corev1.Pod) (*corev1.Pod, error) {
	done, err := r.until(ctx, p, r.o.Start+r.o.Settle+10*time.Second, "end", func(p *corev1.Pod) bool {
		return slices.ContainsFunc(p.Status.ContainerStatuses, func(c corev1.ContainerStatus) bool { return c.Name == container && c.State.Terminated != nil })
	})
	if err != nil {
		return nil, err
	}
	return done, r.remove(ctx, pods, r.namespace, p.Name)
}

// until makes a pod, and waits for what it is to become.
func (r *run) until(ctx context.Context, p *corev1.Pod, long time.Duration, what string, is func(*corev1.Pod) bool) (*corev1.Pod, error) {
	if err := r.create(ctx, pods, r.namespace, p); err != nil {
		return nil, err
	}
	var last *corev1.Pod
	in := " within " + long.String()
	for began := time.Now(); time.Since(began) < long; wait(ctx, askEvery) {
		u, err := r.of(pods, r.namespace).Get(ctx, p.Name, metav1.GetOptions{})
		switch {
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case apierrors.IsNotFound(err):
			return nil, stop("pod %s was taken away by somebody", p.Name)
		case apierrors.IsForbidden(err):
			return nil, stop("%v", err)
		case err != nil:
			continue // it may answer the next time
		}
		if last, err = typed[corev1.Pod](u); err != nil {
			return nil, err
		}
		r.injected(last)
		if is(last) {
			return last, nil
		}
		if last.Status.Phase == corev1.PodFailed || last.Status.Phase == corev1.PodSucceeded || hopeless(last) {
			in = ""
			break
		}
	}
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if last == nil {
		return nil, stop("pod %s could not be asked for", p.Name)
	}
	return nil, stop("pod %s did not %s%s: %s%s", p.Name, what, in, state(last), r.event(ctx, p.Name))
}

// hopeless says that a kubelet has tried, and will come to the same again.
func hopeless(p *corev1.Pod) bool {
	return slices.ContainsFunc(p.Status.ContainerStatuses, func(c corev1.ContainerStatus) bool {
		return c.State.Waiting != nil && slices.Contains([]string{"ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull", "CreateContainerConfigError", "CreateContainerError", "RunContainerError"}, c.State.Waiting.Reason)
	})
}

// state is what a pod says of itself.
func state(p *corev1.Pod) string {
	parts := []string{"it is " + strings.ToLower(string(p.Status.Phase))}
	add := func(reason, message string) {
		if text := strings.TrimSuffix(reason+": "+message, ": "); reason != "" || message != "" {
			parts = append(parts, fmt.Sprintf("%.300s", text))
		}
	}
	add(p.Status.Reason, p.Status.Message)
	for _, c := range p.Status.Conditions {
		if c.Type == corev1.PodScheduled && c.Status == corev1.ConditionFalse {
			add(c.Reason, c.Message)
		}
	}
	for _, c := range p.Status.ContainerStatuses {
		switch {
		case c.State.Waiting != nil:
			add(c.State.Waiting.Reason, c.State.Waiting.Message)
		case c.State.Terminated != nil:
			add(fmt.Sprintf("%s, status %d", c.State.Terminated.Reason, c.State.Terminated.ExitCode), c.State.Terminated.Message)
		}
	}
	return strings.Join(parts, "; ")
}

// event is the last warning about a pod, where this account may list events.
func (r *run) event(ctx context.Context, pod string) string {
	list, err := r.of(events, r.namespace).List(ctx, metav1.ListOptions{FieldSelector: "involvedObject.kind=Pod,involvedObject.name=" + pod, Limit: 100})
	if err != nil {
		return ""
	}
	said, last := "", time.Time{}
	for i := range list.Items {
		e, err := typed[corev1.Event](&list.Items[i])
		if err != nil || e.Type != corev1.EventTypeWarning {
			continue
		}
		when := e.LastTimestamp.Time
		if when.IsZero() {
			when = e.EventTime.Time
		}
		if !when.Before(last) {
			last, said = when, fmt.Sprintf("; event %s: %.300s", e.Reason, e.Message)
		}
	}
	return said
}

// injected notes containers that are not the probe's.
func (r *run) injected(p *corev1.Pod) {
	for _, c := range slices.Concat(p.Spec.InitContainers, p.Spec.Containers) {
		if c.Name != container && !slices.Contains(r.trial.Injected, c.Name) {
			r.trial.Injected = append(r.trial.Injected, c.Name)
		}
	}
}
