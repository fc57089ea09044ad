package client

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"

	"github.com/plimsoll/plimsoll/internal/read/kube"
)

// Bounds on what is read of a cluster at once, and on the pace of asking.
const (
	mostRead      = 50_000
	mostReadBytes = 256 << 20 // of the fields, about
	mostNamed     = 5         // kinds in one message
)

// Selection says what of a cluster is read.
type Selection struct {
	Namespaces []string                  // empty: all
	Kinds      []schema.GroupVersionKind // empty: those that are judged, and what counts for them
	Also       []schema.GroupVersionKind // custom kinds that hold pods
	// Optional are kinds that a cluster may not serve: it then has no objects of them.
	Optional []schema.GroupVersionKind
	// Network has pods and nodes keep their addresses, workloads those of their pods, and the API server's be read. It is so
	// where no kinds are named.
	Network bool
}

// Missing is what was not read of a kind, in a namespace or in all, and why.
type Missing struct {
	Class    string `json:"class"` // of the gap
	Blocking bool   `json:"blocking,omitempty"`
	What     string `json:"what"`
}

// Contents are what a cluster holds of a selection. What another object made, and is judged with it, is left out.
type Contents struct {
	Name       string   // of the cluster
	UID        string   // by which it is known, see [Cluster.UID]; empty: it is not
	Version    string   // of its API server
	Namespaces []string // that were selected; none: all
	Kinds      []string // that were selected; none: all that are judged, and what counts for them
	Objects    []*kube.Object
	Missing    []Missing
	Settings   *Settings // nil: a part of the cluster was asked for
	Addresses  Addresses // nil: not asked for
}

// Addresses are those of the pods that objects made and that are not among the objects themselves, by KIND.GROUP NAMESPACE/NAME.
type Addresses map[string][]string

// Of are the addresses of the pods that an object made.
func (a Addresses) Of(o *kube.Object) []string { return a[placeOf(o)] }

func placeOf(o *kube.Object) string {
	return strings.TrimSuffix(o.Kind+"."+o.Group(), ".") + " " + o.Namespace + "/" + o.Name
}

// OpenReader is a client that reads much, no more than some pages a second.
func OpenReader(kubeconfig, context string, rate float32) (*Cluster, error) {
	c, name, err := config(kubeconfig, context)
	if err != nil {
		return nil, err
	}
	c.QPS, c.Burst = rate, max(int(rate), 1)
	all, err := newCluster(c)
	if err == nil {
		all.Name = name
	}
	return all, err
}

// Read reads what a cluster holds, a page at a time. What it may not read, and what breaks, is missing, and the rest is
// there; an error means that the cluster was not reached, or has no such namespace.
func (c *Cluster) Read(ctx context.Context, s Selection) (*Contents, error) {
	version, err := c.Version(ctx)
	if err != nil {
		return nil, fmt.Errorf("reach the cluster %s: %w", c.Name, err)
	}
	r := &reading{c: c, of: s, contents: &Contents{Name: c.Name, Version: version, Namespaces: s.Namespaces}, makers: kube.NewSnapshot(nil, nil)}
	for _, k := range s.Kinds {
		r.contents.Kinds = append(r.contents.Kinds, k.Kind)
	}
	r.strangers(ctx)
	kinds := s.Kinds
	if len(kinds) == 0 {
		own, optional := kube.Network()
		kinds = append(kube.Read(), own[0]) // of the others none counts for what is judged
		r.of.Network, r.of.Optional = true, append(slices.Clone(s.Optional), optional...)
	}
	if r.of.Network {
		r.contents.Addresses = Addresses{}
		r.server(ctx)
	}
	for _, k := range slices.Concat(s.Also, kinds, r.of.Optional) { // what makes others comes first
		if err := r.kind(ctx, k); err != nil {
			return nil, err
		}
		if r.full {
			break
		}
	}
	for _, all := range r.contents.Addresses {
		slices.Sort(all)
	}
	r.settings(ctx)
	if r.contents.Identify(); r.contents.UID == "" {
		r.contents.UID, _ = c.UID(ctx) // a part of the cluster was read; who may not ask does without
	}
	if err := ctx.Err(); err != nil {
		r.miss("interrupted", "the cluster was not read to its end, because it was stopped")
	}
	return r.contents, nil
}

// reading is what is going on while a cluster is read.
type reading struct {
	c        *Cluster
	of       Selection
	contents *Contents
	makers   *kube.Snapshot      // what may have made what is yet to come
	versions map[string][]string // of the groups that the cluster serves
	size     int
	full     bool
}

func (r *reading) miss(class, format string, args ...any) {
	r.contents.Missing = append(r.contents.Missing, Missing{class, true, fmt.Sprintf(format, args...)})
}

// kind reads the objects of one kind.
func (r *reading) kind(ctx context.Context, k schema.GroupVersionKind) error {
	if slices.Contains(r.of.Optional, k) && r.versions != nil && len(r.versions[k.Group]) == 0 {
		return nil
	}
	resource, namespaced, err := r.resource(ctx, k)
	if errors.Is(err, ErrUnserved) && slices.Contains(r.of.Optional, k) {
		known := func(version string) bool {
			return slices.ContainsFunc(r.of.Optional, func(o schema.GroupVersionKind) bool { return o.Group == k.Group && o.Version == version })
		}
		if served := r.versions[k.Group]; len(served) > 0 && !slices.ContainsFunc(served, known) {
			r.miss("unread-kind", "%s of %s is served as %s alone, which is not known", k.Kind, k.Group, strings.Join(served, ", "))
		}
		return nil
	}
	if err != nil {
		r.miss("unread-kind", "%s: %v", k.Kind, err)
		return nil
	}
	all := r.c.Interface.Resource(resource)
	if k == kube.Namespaces().Kind && len(r.of.Namespaces) > 0 {
		for _, name := range r.of.Namespaces {
			o, err := all.Get(ctx, name, metav1.GetOptions{})
			switch {
			case apierrors.IsNotFound(err):
				return fmt.Errorf("%w %q", ErrNoNamespace, name)
			case err != nil:
				r.unread(resource, "get", name, err)
			default:
				r.take(objectOf(o))
			}
		}
		return nil
	}
	if !namespaced || len(r.of.Namespaces) == 0 {
		r.list(ctx, all, k, resource, "")
		return nil
	}
	for _, name := range r.of.Namespaces {
		r.list(ctx, all.Namespace(name), k, resource, name)
	}
	return nil
}

// ErrNoNamespace says that a namespace that was selected is not there.
var ErrNoNamespace = errors.New("there is no namespace")

// resource is the name under which a kind is served. That of Kubernetes' own needs no question.
func (r *reading) resource(ctx context.Context, k schema.GroupVersionKind) (schema.GroupVersionResource, bool, error) {
	if (&kube.Object{APIVersion: k.GroupVersion().String()}).Known() && !slices.Contains(r.of.Optional, k) {
		plural, _ := meta.UnsafeGuessKindToResource(k)
		return plural, !kube.Wide(k), nil
	}
	return r.c.Resource(ctx, k)
}

// unread says that something could not be read, and which right would help.
func (r *reading) unread(resource schema.GroupVersionResource, verb, namespace string, err error) {
	where := ""
	if namespace != "" {
		where = " in namespace " + namespace
	}
	if resource.Resource == "nodes" && len(r.of.Kinds) == 0 {
		r.hidden("which addresses nodes and pods have: %v", err)
		return
	}
	if apierrors.IsForbidden(err) {
		r.miss("unread-kind", "%s%s: it takes the right to %s %[1]s, which this account does not have", resource.GroupResource(), where, verb)
		return
	}
	r.miss("unread-kind", "%s%s: %v", resource.GroupResource(), where, err)
}

// tries is how often a list is begun again, where it took so long that the API server has forgotten where it stood.
const tries = 3

func (r *reading) list(ctx context.Context, of dynamic.ResourceInterface, k schema.GroupVersionKind, resource schema.GroupVersionResource, namespace string) {
	began, size := len(r.contents.Objects), r.size
	o := metav1.ListOptions{Limit: pageSize}
	for try := 1; ctx.Err() == nil && !r.full; {
		page, err := of.List(ctx, o)
		if apierrors.IsResourceExpired(err) && try < tries {
			r.contents.Objects, r.size, o.Continue = r.contents.Objects[:began], size, ""
			try++
			continue
		}
		if err != nil {
			if ctx.Err() == nil {
				r.unread(resource, "list", namespace, err)
			}
			return
		}
		for i := range page.Items {
			one := objectOf(&page.Items[i])
			if one.Kind == "" { // a list need not name the kind in each
				one.Kind, one.APIVersion = k.Kind, k.GroupVersion().String()
				one.Fields["kind"], one.Fields["apiVersion"] = one.Kind, one.APIVersion
			}
			r.take(one)
		}
		if o.Continue = page.GetContinue(); o.Continue == "" {
			return
		}
	}
}

// take keeps an object, but for what is not judged of it, and unless another one made it.
func (r *reading) take(o *kube.Object) {
	status := addresses(o)
	lean(o.Fields)
	if r.of.Network {
		if o.Is("", "Node") {
			bare(o.Fields)
		}
		if len(status) > 0 {
			o.Fields["status"] = status
		}
	}
	made := r.makers.Owned(o)
	if r.full {
		return
	}
	if made && r.of.Network && o.Is("", "Pod") {
		r.addresses(o, status)
	}
	if o.Makes() {
		head := *o
		if o.Known() {
			head.Fields = map[string]any{"metadata": o.Fields["metadata"]}
		}
		r.makers.Add(&head)
		r.size += sizeOf(head.Fields)
	}
	if !made {
		r.size += sizeOf(o.Fields)
		r.contents.Objects = append(r.contents.Objects, o)
	}
	if r.full = len(r.contents.Objects) >= mostRead || r.size >= mostReadBytes; r.full {
		r.miss("limit-reached", "there is more than %d objects or %d MiB of them: select namespaces, and read the cluster in parts", mostRead, mostReadBytes>>20)
	}
}

// bare leaves of a node what says who it is and which addresses its pods have.
func bare(fields map[string]any) {
	keep := func(at string, keys ...string) {
		of, _ := fields[at].(map[string]any)
		maps.DeleteFunc(of, func(key string, _ any) bool { return !slices.Contains(keys, key) })
	}
	keep("metadata", "name", "uid", "labels")
	keep("spec", "podCIDR", "podCIDRs")
}

// mostAddresses is how many addresses of one object's pods are kept.
const mostAddresses = 10_000

// addresses keeps those of a pod for the object that it is judged for. A pod in its node's network has none of its own.
func (r *reading) addresses(o *kube.Object, status map[string]any) {
	if spec, _ := o.Fields["spec"].(map[string]any); spec["hostNetwork"] == true {
		return
	}
	place := placeOf(r.makers.Maker(o))
	all := r.contents.Addresses[place]
	texts := []any{status["podIP"]}
	more, _ := status["podIPs"].([]any)
	for _, one := range more {
		ip, _ := one.(map[string]any)
		texts = append(texts, ip["ip"])
	}
	for _, text := range texts {
		if text, ok := text.(string); ok && text != "" && !slices.Contains(all, text) && len(all) < mostAddresses {
			all = append(all, text)
		}
	}
	r.contents.Addresses[place] = all
}

// server reads where the API server takes connections. Who may not read it is told what is not known for that where it counts.
func (r *reading) server(ctx context.Context) {
	of := kube.Server()
	resource, _ := meta.UnsafeGuessKindToResource(of.GroupVersionKind)
	if o, err := r.c.Interface.Resource(resource).Namespace(of.Namespace).Get(ctx, of.Name, metav1.GetOptions{}); err == nil {
		r.take(objectOf(o))
	}
}

// addresses are what a pod's or a node's status says of them. Those of a pod that has ended may be another's by now: of it is kept
// that it has.
func addresses(o *kube.Object) map[string]any {
	keys := map[string][]string{"Pod": {"podIP", "podIPs"}, "Node": {"addresses"}}[o.Kind]
	status, _ := o.Fields["status"].(map[string]any)
	kept := map[string]any{}
	if phase := status["phase"]; o.Is("", "Pod") && (phase == string(corev1.PodSucceeded) || phase == string(corev1.PodFailed)) {
		keys = []string{"phase"}
	}
	for _, key := range keys {
		if v, ok := status[key]; ok && o.Group() == "" {
			kept[key] = v
		}
	}
	return kept
}

// lean drops what is not judged, and what would make two readings of one cluster differ: the status, the second copy that
// kubectl keeps, with all secrets in it, and versions in the store.
func lean(fields map[string]any) {
	delete(fields, "status")
	head, _ := fields["metadata"].(map[string]any)
	for _, key := range []string{"resourceVersion", "generation", "selfLink", "managedFields"} {
		delete(head, key)
	}
	if notes, ok := head["annotations"].(map[string]any); ok {
		if delete(notes, kube.LastApplied); len(notes) == 0 {
			delete(head, "annotations")
		}
	}
}

// strangers notes the groups of custom kinds, of which nothing is read that was not asked for.
func (r *reading) strangers(ctx context.Context) {
	var groups metav1.APIGroupList
	if err := r.c.ask(ctx, http.MethodGet, "/apis", nil, &groups); err != nil {
		r.miss("unread-kind", "which custom kinds there are: %v", err)
		return
	}
	var names []string
	r.versions = map[string][]string{}
	for _, g := range groups.Groups {
		for _, v := range g.Versions {
			r.versions[g.Name] = append(r.versions[g.Name], v.Version)
		}
		asked := slices.ContainsFunc(r.of.Also, func(k schema.GroupVersionKind) bool { return k.Group == g.Name })
		if !asked && !(&kube.Object{APIVersion: g.Name + "/v1"}).Known() {
			names = append(names, g.Name)
		}
	}
	if len(names) == 0 {
		return
	}
	slices.Sort(names)
	text := strings.Join(names[:min(len(names), mostNamed)], ", ")
	if more := len(names) - mostNamed; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	r.contents.Missing = append(r.contents.Missing, Missing{Class: "unknown-kind", What: "custom kinds were not read, and what they make is judged by itself: " + text})
}
