package admission

import (
	"context"
	"fmt"
	"strings"

	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
	admissionv1 "k8s.io/api/admission/v1"
	authenticationv1 "k8s.io/api/authentication/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/authorization/authorizer"
	"k8s.io/apiserver/pkg/cel/common"
)

// Request is what the API server would be asked. Objects are of the types of k8s.io/api, or Unstructured
// where they are custom.
type Request struct {
	Operation       string // CREATE, UPDATE, DELETE or CONNECT
	Kind            schema.GroupVersionKind
	Resource        schema.GroupVersionResource
	Subresource     string
	Namespace, Name string
	Object          runtime.Object // nil: none
	OldObject       runtime.Object
	Options         runtime.Object
	DryRun          bool
	User            User
	// NamespaceObject is the namespace that the object is in; nil of what is in none.
	NamespaceObject *corev1.Namespace
	// May answers what somebody may do; nil: nobody can be asked.
	May Authorizer

	kept *values
}

// User is who asks.
type User struct {
	Name, UID string
	Groups    []string
	Extra     map[string][]string
}

// ServiceAccount is a service account as who asks.
func ServiceAccount(namespace, name string) User {
	return User{
		Name:   "system:serviceaccount:" + namespace + ":" + name,
		Groups: []string{"system:serviceaccounts", "system:serviceaccounts:" + namespace, "system:authenticated"},
	}
}

// Access is what an expression asks an authorizer.
type Access struct {
	User                                                User
	Verb, Group, Version, Resource, Subresource         string
	Namespace, Name, Path, FieldSelector, LabelSelector string
}

// String says it in words.
func (a Access) String() string {
	what := a.Path
	if what == "" {
		what = a.Resource
		if a.Group != "" {
			what += "." + a.Group
		}
		for _, part := range []string{a.Subresource, a.Name} {
			if part != "" {
				what += "/" + part
			}
		}
		if a.Namespace != "" {
			what += " in " + a.Namespace
		}
	}
	return fmt.Sprintf("whether %s may %s %s", a.User.Name, a.Verb, what)
}

// Authorizer answers what somebody may do. With known false nobody can say, and why says why not. An error is one that
// expressions see, as of an API server's own authorizer.
type Authorizer func(ctx context.Context, a Access) (allowed bool, why string, known bool, err error)

// values are the request as expressions see it. They are kept, and filled in as they are read, so that one request is
// evaluated by one goroutine.
type values struct {
	object, oldObject any
	request           ref.Val
	whole, visible    ref.Val // the namespace, and what of it expressions see
}

func (r *Request) values() *values {
	if r.kept == nil {
		r.kept = &values{
			object: valueOf(r.Object), oldObject: valueOf(r.OldObject), request: common.SchemalessTypedToVal(r.review()),
			whole: common.SchemalessTypedToVal(r.NamespaceObject), visible: common.SchemalessTypedToVal(visible(r.NamespaceObject)),
		}
	}
	return r.kept
}

// visible is what expressions see of a namespace.
func visible(n *corev1.Namespace) *corev1.Namespace {
	if n == nil {
		return nil
	}
	seen := *n
	seen.TypeMeta, seen.OwnerReferences, seen.ManagedFields = metav1.TypeMeta{}, nil, nil
	return &seen
}

func valueOf(o runtime.Object) any {
	switch o := o.(type) {
	case nil:
		return nil
	case *unstructured.Unstructured:
		return types.DefaultTypeAdapter.NativeToValue(o.Object)
	}
	return common.SchemalessTypedToVal(o)
}

// review is the request without its identity and objects.
func (r *Request) review() *admissionv1.AdmissionRequest {
	kind, resource := metav1.GroupVersionKind(r.Kind), metav1.GroupVersionResource(r.Resource)
	who := authenticationv1.UserInfo{Username: r.User.Name, UID: r.User.UID, Groups: r.User.Groups, Extra: map[string]authenticationv1.ExtraValue{}}
	for key, values := range r.User.Extra {
		who.Extra[key] = values
	}
	return &admissionv1.AdmissionRequest{
		Kind: kind, Resource: resource, SubResource: r.Subresource, RequestKind: &kind, RequestResource: &resource, RequestSubResource: r.Subresource,
		Name: r.Name, Namespace: r.Namespace, Operation: admissionv1.Operation(r.Operation), UserInfo: who, DryRun: &r.DryRun,
		Options: runtime.RawExtension{Object: r.Options},
	}
}

func (r *Request) who() user.Info {
	return &user.DefaultInfo{Name: r.User.Name, UID: r.User.UID, Groups: r.User.Groups, Extra: r.User.Extra}
}

// asked is the resource of a request, as authorizer.requestResource has it.
type asked struct{ *Request }

func (a asked) GetName() string                          { return a.Name }
func (a asked) GetNamespace() string                     { return a.Namespace }
func (a asked) GetResource() schema.GroupVersionResource { return a.Resource }
func (a asked) GetSubresource() string                   { return a.Subresource }

// asker hands the questions of expressions on, and keeps those that nobody can answer.
type asker struct {
	may     Authorizer
	unknown []string
}

func (a *asker) Authorize(ctx context.Context, of authorizer.Attributes) (authorizer.Decision, string, error) {
	who := of.GetUser()
	q := Access{
		User: User{Name: who.GetName(), UID: who.GetUID(), Groups: who.GetGroups(), Extra: who.GetExtra()},
		Verb: of.GetVerb(), Group: of.GetAPIGroup(), Version: of.GetAPIVersion(), Resource: of.GetResource(), Subresource: of.GetSubresource(),
		Namespace: of.GetNamespace(), Name: of.GetName(), Path: of.GetPath(),
	}
	if fields, err := of.GetFieldSelector(); err == nil && len(fields) > 0 {
		var all []string
		for _, f := range fields {
			all = append(all, f.Field+string(f.Operator)+f.Value)
		}
		q.FieldSelector = strings.Join(all, ",")
	}
	if labels, err := of.GetLabelSelector(); err == nil && len(labels) > 0 {
		var all []string
		for _, l := range labels {
			all = append(all, l.String())
		}
		q.LabelSelector = strings.Join(all, ",")
	}
	if a.may == nil {
		a.unknown = append(a.unknown, q.String())
		return authorizer.DecisionNoOpinion, "", nil
	}
	allowed, why, known, err := a.may(ctx, q)
	switch {
	case !known:
		if why != "" {
			why = ": " + why
		}
		a.unknown = append(a.unknown, q.String()+why)
		return authorizer.DecisionNoOpinion, "", nil
	case allowed:
		return authorizer.DecisionAllow, why, err
	}
	return authorizer.DecisionNoOpinion, why, err
}

// Review is the question as an API server answers it.
func (a Access) Review() *authorizationv1.SubjectAccessReview {
	r := &authorizationv1.SubjectAccessReview{
		TypeMeta: metav1.TypeMeta{APIVersion: "authorization.k8s.io/v1", Kind: "SubjectAccessReview"},
		Spec:     authorizationv1.SubjectAccessReviewSpec{User: a.User.Name, UID: a.User.UID, Groups: a.User.Groups},
	}
	for key, values := range a.User.Extra {
		if r.Spec.Extra == nil {
			r.Spec.Extra = map[string]authorizationv1.ExtraValue{}
		}
		r.Spec.Extra[key] = values
	}
	if a.Path != "" {
		r.Spec.NonResourceAttributes = &authorizationv1.NonResourceAttributes{Path: a.Path, Verb: a.Verb}
		return r
	}
	r.Spec.ResourceAttributes = &authorizationv1.ResourceAttributes{
		Namespace: a.Namespace, Verb: a.Verb, Group: a.Group, Version: a.Version, Resource: a.Resource, Subresource: a.Subresource, Name: a.Name,
	}
	if a.FieldSelector != "" {
		r.Spec.ResourceAttributes.FieldSelector = &authorizationv1.FieldSelectorAttributes{RawSelector: a.FieldSelector}
	}
	if a.LabelSelector != "" {
		r.Spec.ResourceAttributes.LabelSelector = &authorizationv1.LabelSelectorAttributes{RawSelector: a.LabelSelector}
	}
	return r
}
