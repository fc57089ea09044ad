package pair

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

func wait(ctx context.Context, long time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(long):
	}
}

// start makes a pod, and waits until it runs and has an address.
func (r *run) start(ctx context.Context, p *corev1.Pod) (*corev1.Pod, error) {
	_, running, err := r.until(ctx, p, r.o.Start, "run", func(p *corev1.Pod) bool { return p.Status.Phase == corev1.PodRunning && p.Status.PodIP != "" })
	return running, err
}

// finish makes a pod, and waits until its container ended: of one that somebody put beside it nobody knows when it does.
func (r *run) finish(ctx context.Context, p *corev1.Pod) (*corev1.Pod, error) {
	m, done, err := r.until(ctx, p, r.o.Start+r.o.Settle+10*time.Second, "end", func(p *corev1.Pod) bool {
		return slices.ContainsFunc(p.Status.ContainerStatuses, func(c corev1.ContainerStatus) bool { return c.Name == container && c.State.Terminated != nil })
	})
	if err != nil {
		return nil, err
	}
	_ = r.remove(context.WithoutCancel(ctx), m) // what it said counts, and clean takes away what is still noted
	return done, nil
}

// until makes a pod, and waits for what it is to become.
func (r *run) until(ctx context.Context, p *corev1.Pod, long time.Duration, what string, is func(*corev1.Pod) bool) (*made, *corev1.Pod, error) {
	m, _, err := r.create(ctx, pods, r.namespace, p)
	if err != nil {
		return nil, nil, err
	}
	var last *corev1.Pod
	in := " within " + long.String()
	for began := time.Now(); time.Since(began) < long; wait(ctx, askEvery) {
		u, err := r.get(ctx, p.Name)
		switch {
		case ctx.Err() != nil:
			return nil, nil, ctx.Err()
		case err == nil && u.GetUID() != m.uid, apierrors.IsNotFound(err):
			return nil, nil, stop("pod %s was taken away by somebody", p.Name)
		case apierrors.IsForbidden(err):
			return nil, nil, stop("%v", err)
		case err != nil:
			continue // it may answer the next time
		}
		if last, err = typed[corev1.Pod](u); err != nil {
			return nil, nil, err
		}
		r.injected(last)
		if is(last) {
			r.given[p.Labels[labelRole]] = last.Labels
			return m, last, nil
		}
		if last.Status.Phase == corev1.PodFailed || last.Status.Phase == corev1.PodSucceeded || hopeless(last) {
			in = ""
			break
		}
	}
	if ctx.Err() != nil {
		return nil, nil, ctx.Err()
	}
	if last == nil {
		return nil, nil, stop("pod %s could not be asked for", p.Name)
	}
	return nil, nil, stop("pod %s did not %s%s: %s%s", p.Name, what, in, state(last), r.event(ctx, p.Name))
}

// get reads a pod, and waits no longer for it than for any answer.
func (r *run) get(ctx context.Context, pod string) (*unstructured.Unstructured, error) {
	short, cancel := context.WithTimeout(ctx, requestFor)
	defer cancel()
	return r.of(pods, r.namespace).Get(short, pod, metav1.GetOptions{})
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
	short, cancel := context.WithTimeout(ctx, requestFor)
	defer cancel()
	list, err := r.of(events, r.namespace).List(short, metav1.ListOptions{FieldSelector: "involvedObject.kind=Pod,involvedObject.name=" + pod, Limit: 100})
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
