package pair

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
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
	hurryFor    = 20 * time.Second // the same, once interrupted
	accountFor  = 15 * time.Second // until a new namespace has a service account
	doubtFor    = 3 * time.Second  // what was asked for without an answer may still come
)

// made is an object that is to be taken away. It is the probe's own by its uid and by nothing else: names are anybody's.
// Without a uid it may be there, and may be somebody else's.
type made struct {
	kind            schema.GroupVersionResource
	namespace, name string
	uid             types.UID
	asked           time.Time // for the last time
}

func (m *made) String() string {
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

// transient says that the same may be answered otherwise in a moment: nobody answered, or a proxy or a store behind the API server did not.
func transient(err error) bool {
	var status apierrors.APIStatus
	if !errors.As(err, &status) {
		return err != nil
	}
	code := status.Status().Code
	return code >= http.StatusInternalServerError || code == http.StatusRequestTimeout || code == http.StatusTooManyRequests || apierrors.IsTimeout(err) || apierrors.IsServerTimeout(err)
}

// create makes an object, and notes it as soon as it may be there. A request once begun is not cut: what nobody waits for may be
// made all the same, and then stays.
func (r *run) create(ctx context.Context, kind schema.GroupVersionResource, namespace string, object any) (*made, *unstructured.Unstructured, error) {
	u, err := unstructuredOf(object)
	if err != nil {
		return nil, nil, err
	}
	m := &made{kind: kind, namespace: namespace, name: u.GetName()}
	for began := time.Now(); ; wait(ctx, askEvery) {
		if ctx.Err() != nil {
			return nil, nil, ctx.Err()
		}
		var got *unstructured.Unstructured
		short, cancel := context.WithTimeout(context.WithoutCancel(ctx), requestFor)
		m.asked = time.Now()
		got, err = r.of(kind, namespace).Create(short, u, metav1.CreateOptions{FieldManager: "plimsoll"})
		cancel()
		if err == nil {
			r.own(m, got.GetUID())
			return m, got, nil
		}
		doubt := transient(err)
		if doubt {
			r.own(m, "")
		}
		if doubt || apierrors.IsAlreadyExists(err) { // also after a try of the client's own, of which nobody told
			switch found, wrong := r.look(context.WithoutCancel(ctx), m); {
			case wrong == nil && found != nil && found.GetLabels()[labelRun] == r.id:
				r.own(m, found.GetUID())
				return m, found, nil
			case wrong == nil && found != nil: // the name is somebody else's
				r.disown(m)
				return nil, nil, taken(m)
			case wrong != nil && !transient(wrong):
				r.own(m, "")
				return nil, nil, stop("make %s: %v; whether it is there: %v", m, err, wrong)
			}
		}
		late := apierrors.IsForbidden(err) && strings.Contains(err.Error(), "error looking up service account") || kind != namespaces && apierrors.IsNotFound(err) && r.o.Namespace == ""
		switch again := doubt || apierrors.IsAlreadyExists(err); {
		case again && time.Since(began) < r.o.Start, late && time.Since(began) < accountFor:
			continue
		case apierrors.IsNotFound(err) && namespace != "":
			return nil, nil, stop("there is no namespace %s", namespace)
		case again:
			return nil, nil, stop("make %s: %v", m, err)
		}
		return nil, nil, stop("the API server refuses %s: %v", m, err)
	}
}

// taken says that a name is somebody else's.
func taken(m *made) error {
	if m.kind == namespaces {
		return stop("namespace %s is there already: another probe goes on, or one was killed; wait until it is gone, or take it away (kubectl delete namespace %[1]s), or name one of your own with --namespace", m.name)
	}
	return stop("%s is there already, and somebody else's", m)
}

// own notes an object; with its uid, once that is known.
func (r *run) own(m *made, uid types.UID) {
	m.uid = uid
	if !slices.Contains(r.made, m) {
		r.made = append(r.made, m)
	}
}

func (r *run) disown(m *made) {
	r.made = slices.DeleteFunc(r.made, func(one *made) bool { return one == m })
}

// look gives the object of a name, whoever's it is; nil: there is none. Policies are listed, as who may make them may do that
// anyway.
func (r *run) look(ctx context.Context, m *made) (*unstructured.Unstructured, error) {
	ctx, cancel := context.WithTimeout(ctx, requestFor)
	defer cancel()
	if m.kind == networkPolicies || m.kind == clusterPolicies {
		list, err := r.of(m.kind, m.namespace).List(ctx, metav1.ListOptions{FieldSelector: "metadata.name=" + m.name, Limit: 1})
		if err != nil || len(list.Items) == 0 || list.Items[0].GetName() != m.name {
			return nil, err
		}
		return &list.Items[0], nil
	}
	found, err := r.of(m.kind, m.namespace).Get(ctx, m.name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	return found, err
}

// remove asks once for an object to be taken away: that one, and no other of its name.
func (r *run) remove(ctx context.Context, m *made) error {
	if m.uid == "" {
		switch found, err := r.look(ctx, m); {
		case err != nil:
			return err
		case found == nil && time.Since(m.asked) < doubtFor:
			return errComing
		case found == nil || found.GetLabels()[labelRun] != r.id:
			r.disown(m)
			return nil
		default:
			m.uid = found.GetUID()
		}
	}
	ctx, cancel := context.WithTimeout(ctx, requestFor)
	defer cancel()
	err := r.of(m.kind, m.namespace).Delete(ctx, m.name, metav1.DeleteOptions{Preconditions: &metav1.Preconditions{UID: &m.uid}})
	if err == nil || apierrors.IsNotFound(err) || apierrors.IsConflict(err) { // another one has the name
		r.disown(m)
		return nil
	}
	return err
}

// errComing is why an object is not taken away that may still come. It is transient.
var errComing = errors.New("whether it was made is not known")

// removeWithin asks again where that may help.
func (r *run) removeWithin(ctx context.Context, m *made, long time.Duration) error {
	for began := time.Now(); ; wait(ctx, askEvery) {
		err := r.remove(context.WithoutCancel(ctx), m)
		switch {
		case err == nil:
			return nil
		case ctx.Err() != nil:
			return ctx.Err()
		case !transient(err) || time.Since(began) > long:
			return stop("take %s away: %v", m, err)
		}
	}
}

// clean takes all away, what was made last first, whether ctx ended or not; a namespace takes what is in it with it. What
// does not go is asked for again until the time is up. It waits until the namespace is gone, unless it is in a hurry.
func (r *run) clean(ctx context.Context) {
	hurry := ctx.Err() != nil
	long := cleaningFor
	if hurry {
		long = hurryFor
	}
	until, cancel := context.WithTimeout(context.WithoutCancel(ctx), long)
	defer cancel()
	own := slices.IndexFunc(r.made, func(m *made) bool { return m.kind == namespaces && m.uid != "" })
	var space *made
	if own >= 0 {
		space = r.made[own]
		r.made = slices.DeleteFunc(r.made, func(m *made) bool { return m.namespace != "" })
	}
	wrong := map[*made]error{}
	for ; len(r.made) > len(wrong) || retriable(wrong); wait(until, askEvery) {
		for _, m := range slices.Backward(slices.Clone(r.made)) {
			if err, tried := wrong[m]; !tried || transient(err) {
				if err = r.remove(until, m); err == nil {
					delete(wrong, m)
				} else if until.Err() == nil || !tried { // and not that the time is up
					wrong[m] = err
				}
			}
		}
		if until.Err() != nil {
			break
		}
	}
	for _, m := range slices.Backward(r.made) {
		text := fmt.Sprintf("take %s away: %v", m, wrong[m])
		r.trial.Left = append(r.trial.Left, text)
		r.o.Say(text)
	}
	if space == nil || hurry || len(r.trial.Left) > 0 {
		return
	}
	r.o.Say("namespace " + r.namespace + " is being taken away")
	for ; until.Err() == nil && ctx.Err() == nil; wait(ctx, askEvery) {
		if found, err := r.look(until, space); err == nil && (found == nil || found.GetUID() != space.uid) {
			return
		}
	}
	if ctx.Err() == nil {
		r.o.Say(fmt.Sprintf("namespace %s is not gone after %s; its controller may take longer", r.namespace, cleaningFor))
	}
}

// retriable says that some of what went wrong may go right the next time.
func retriable(wrong map[*made]error) bool {
	for _, err := range wrong {
		if transient(err) {
			return true
		}
	}
	return false
}
