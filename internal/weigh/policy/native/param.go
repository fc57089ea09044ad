package native

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	v1 "k8s.io/api/admissionregistration/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/plimsoll/plimsoll/internal/read/kube"
)

// paramsOf finds the parameters with which a policy is evaluated by a binding: among the objects around, and those that
// stand beside the policy.
func (j *judging) paramsOf(p *policy, b *binding) ([]param, error) {
	ref := b.spec.ParamRef
	if p.spec.ParamKind == nil || ref == nil {
		return []param{{}}, nil
	}
	kind, from := p.spec.ParamKind, j.world.Params
	if from == nil || j.set.holds(kind) {
		from = &around{j}
	}
	need := p.need(b)
	namespaced, err := from.Namespaced(need)
	if err != nil {
		return nil, &unsure{what: err.Error()}
	}
	namespace := ""
	if namespaced {
		switch namespace = j.request.Namespace; {
		case ref.Namespace != "":
			namespace = ref.Namespace
		case namespace == "":
			return nil, errors.New("cannot use namespaced paramRef in policy binding that matches cluster-scoped resources")
		}
	} else if ref.Namespace != "" {
		return nil, errors.New("paramRef.namespace must not be provided for a cluster-scoped `paramKind`")
	}
	all, err := from.Of(need, namespace)
	if err != nil {
		return nil, &unsure{what: err.Error()}
	}
	var found []param
	for _, o := range all {
		if o.APIVersion != kind.APIVersion || o.Kind != kind.Kind || namespaceOf(o, namespace) != namespace ||
			ref.Name != "" && o.Name != ref.Name || !b.params.Matches(labels.Set(o.Metadata("labels"))) {
			continue
		}
		one, err := paramOf(o)
		if err != nil {
			return nil, err
		}
		found = append(found, one)
	}
	switch {
	case len(found) > 0:
		return found, nil
	case !j.world.Whole && j.world.Params == nil:
		return nil, &unsure{fmt.Sprintf("the parameters: %s is not among what was read", describe(kind, ref, namespace)), true}
	case ref.ParameterNotFoundAction != nil && *ref.ParameterNotFoundAction == v1.DenyAction:
		return nil, errors.New("no params found for policy binding with `Deny` parameterNotFoundAction")
	}
	return nil, nil
}

func describe(kind *v1.ParamKind, ref *v1.ParamRef, namespace string) string {
	what := kind.Kind + " " + ref.Name
	if ref.Name == "" {
		what = "any " + kind.Kind + " of " + metav1.FormatLabelSelector(ref.Selector)
	}
	if namespace != "" {
		what += " in namespace " + namespace
	}
	return strings.TrimSpace(what)
}

// need is what a binding takes parameters from.
func (p *policy) need(b *binding) kube.Need {
	kind, ref := p.spec.ParamKind, b.spec.ParamRef
	n := kube.Need{Kind: schema.FromAPIVersionAndKind(kind.APIVersion, kind.Kind), Namespace: ref.Namespace, Name: ref.Name}
	if ref.Name == "" {
		n.Labels = b.params.String()
	}
	return n
}

// Needs are the parameters that policies take from a cluster: of kinds that do not stand beside them.
func (s *Set) Needs() (all []kube.Need) {
	for _, p := range s.policies {
		for _, b := range p.bindings {
			if p.spec.ParamKind != nil && b.spec.ParamRef != nil && !s.holds(p.spec.ParamKind) {
				all = append(all, p.need(b))
			}
		}
	}
	return all
}

// holds says that parameters of a kind stand beside the policies; then they are all that there are.
func (s *Set) holds(kind *v1.ParamKind) bool {
	return slices.ContainsFunc(s.params, func(o *kube.Object) bool { return o.APIVersion == kind.APIVersion && o.Kind == kind.Kind })
}

// around are the objects around, and those that stand beside the policies.
type around struct{ *judging }

// Namespaced says whether objects of a kind are in namespaces.
func (a *around) Namespaced(n kube.Need) (bool, error) { return a.namespaced(n.Kind), nil }

// Of are all objects: who asks chooses among them.
func (a *around) Of(kube.Need, string) ([]*kube.Object, error) {
	if a.world.Around == nil {
		return a.set.params, nil
	}
	return append(a.set.params[:len(a.set.params):len(a.set.params)], a.world.Around.Objects...), nil
}

// namespaceOf is where an object is: one that does not say it is wherever it is applied.
func namespaceOf(o *kube.Object, otherwise string) string {
	if o.Namespace == "" {
		return otherwise
	}
	return o.Namespace
}

func paramOf(o *kube.Object) (param, error) {
	typed, _, err := o.Typed()
	if err != nil {
		return param{}, err
	}
	name := o.Kind + " " + o.Name
	if o.Namespace != "" {
		name = o.Kind + " " + o.Namespace + "/" + o.Name
	}
	return param{name, typed}, nil
}
