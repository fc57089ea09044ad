package admission

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/plimsoll/plimsoll/internal/expr"
)

// request is what the API server could ask a webhook about.
type request struct {
	Operation string
	Resource  metav1.GroupVersionResource
	Kind      string
	Namespace string // empty: of the whole cluster
	Name      string
	User      string
	labels    map[string]string // of the namespace, where it has others than its name
}

// bootstrap are requests that a starting cluster makes before any pod runs.
var bootstrap = []request{
	of("CREATE", "", "nodes", "Node", "", "system:node:one"),
	of("UPDATE", "", "nodes", "Node", "", "system:node:one"),
	of("UPDATE", "coordination.k8s.io", "leases", "Lease", "kube-node-lease", "system:node:one"),
	of("UPDATE", "coordination.k8s.io", "leases", "Lease", "kube-system", "system:kube-controller-manager"),
	of("CREATE", "authentication.k8s.io", "tokenreviews", "TokenReview", "", "system:node:one"),
	of("CREATE", "authorization.k8s.io", "subjectaccessreviews", "SubjectAccessReview", "", "system:node:one"),
	of("CREATE", "certificates.k8s.io", "certificatesigningrequests", "CertificateSigningRequest", "", "system:bootstrap:one"),
}

func of(operation, group, resource, kind, namespace, user string) request {
	return request{operation, metav1.GroupVersionResource{Group: group, Version: "v1", Resource: resource}, kind, namespace, "one", user, nil}
}

// pods is the making of a pod in a namespace.
func pods(namespace string, labels map[string]string) request {
	r := of("CREATE", "", "pods", "Pod", namespace, "system:serviceaccount:kube-system:replicaset-controller")
	r.labels = labels
	return r
}

// asked says whether the API server asks the webhook about a request. What cannot be decided is asked: a condition
// that fails, say, is a failed webhook.
func (w *webhook) asked(r request) bool {
	return slices.ContainsFunc(w.Rules, r.ruled) && r.selected(w.NamespaceSelector) && r.unlabelled(w.ObjectSelector) && !slices.ContainsFunc(w.MatchConditions, r.excluded)
}

func (r request) ruled(rule admissionregistrationv1.RuleWithOperations) bool {
	has := func(all []string, one string) bool { return slices.Contains(all, "*") || slices.Contains(all, one) }
	operation := slices.ContainsFunc(rule.Operations, func(o admissionregistrationv1.OperationType) bool { return o == "*" || string(o) == r.Operation })
	resource := has(rule.Resources, r.Resource.Resource) || slices.Contains(rule.Resources, "*/*")
	scope := rule.Scope == nil || *rule.Scope == "*" || (*rule.Scope == admissionregistrationv1.NamespacedScope) == (r.Namespace != "")
	return operation && resource && scope && has(rule.APIGroups, r.Resource.Group) && has(rule.APIVersions, r.Resource.Version)
}

// selected asks the selector of namespaces, which says nothing of what stands in none.
func (r request) selected(selector *metav1.LabelSelector) bool {
	if selector == nil || r.Namespace == "" {
		return true
	}
	s, err := metav1.LabelSelectorAsSelector(selector)
	if err != nil {
		return true
	}
	set := labels.Set{"kubernetes.io/metadata.name": r.Namespace}
	for k, v := range r.labels {
		set[k] = v
	}
	return s.Matches(set)
}

// unlabelled says whether a selector of objects takes one that has no labels.
func (r request) unlabelled(selector *metav1.LabelSelector) bool {
	if selector == nil {
		return true
	}
	s, err := metav1.LabelSelectorAsSelector(selector)
	return err != nil || s.Matches(labels.Set{})
}

// excluded says that a condition is surely false.
func (r request) excluded(c admissionregistrationv1.MatchCondition) bool {
	env, err := language()
	if err != nil {
		return false
	}
	p, err := env.Compile(c.Expression, expr.Bool)
	if err != nil {
		return false
	}
	ok, _, err := p.Bool(context.Background(), scope{r})
	return err == nil && !ok
}

// language is what conditions are written in, as far as a request alone decides them.
var language = sync.OnceValues(func() (*expr.Env, error) {
	return expr.New(nil, []expr.Variable{
		{Name: "request", Doc: "the request", Type: expr.Dyn},
		{Name: "object", Doc: "the object", Type: expr.Dyn},
		{Name: "oldObject", Doc: "the object as it was", Type: expr.Dyn},
	}, nil)
})

type scope struct{ request }

// Value gives a variable its value.
func (s scope) Value(name string) (any, error) {
	kind := map[string]any{"group": s.Resource.Group, "version": s.Resource.Version, "kind": s.Kind}
	resource := map[string]any{"group": s.Resource.Group, "version": s.Resource.Version, "resource": s.Resource.Resource}
	switch name {
	case "request":
		groups := []any{"system:authenticated"}
		switch {
		case strings.HasPrefix(s.User, "system:node:"):
			groups = append(groups, "system:nodes")
		case strings.HasPrefix(s.User, "system:serviceaccount:"):
			groups = append(groups, "system:serviceaccounts", "system:serviceaccounts:kube-system")
		}
		return map[string]any{
			"operation": s.Operation, "namespace": s.Namespace, "name": s.Name, "subResource": "", "dryRun": false, "uid": "1",
			"kind": kind, "requestKind": kind, "resource": resource, "requestResource": resource,
			"userInfo": map[string]any{"username": s.User, "groups": groups, "uid": "", "extra": map[string]any{}},
		}, nil
	case "object":
		version := s.Resource.Version
		if s.Resource.Group != "" {
			version = s.Resource.Group + "/" + version
		}
		meta := map[string]any{"name": s.Name}
		if s.Namespace != "" {
			meta["namespace"] = s.Namespace
		}
		return map[string]any{"apiVersion": version, "kind": s.Kind, "metadata": meta}, nil
	}
	return nil, fmt.Errorf("there is no %s in such a request", name)
}
