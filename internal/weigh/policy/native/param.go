package native

import (
	"errors"
	"fmt"
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
	kind := p.spec.ParamKind
	namespace := ""
	if j.namespaced(schema.FromAPIVersionAndKind(kind.APIVersion, kind.Kind)) {
		switch namespace = j.request.Namespace; {
		case ref.Namespace != "":
			namespace = ref.Namespace
		case namespace == "":
			return nil, errors.New("cannot use namespaced paramRef in policy binding that matches cluster-scoped resources")
		}
	} else if ref.Namespace != "" {
		return nil, errors.New("paramRef.namespace must not be provided for a cluster-scoped `paramKind`")
	}
	var found []param
	for _, o := range j.objects() {
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
	case !j.world.Whole:
		return nil, &unsure{fmt.Sprintf("the parameters: %s is not among what was read", describe(kind, ref, namespace))}
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

// objects are those around, and those that stand beside the policies.
func (j *judging) objects() []*kube.Object {
	if j.world.Around == nil {
		return j.set.params
	}
	return append(j.set.params[:len(j.set.params):len(j.set.params)], j.world.Around.Objects...)
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
