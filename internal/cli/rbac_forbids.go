package cli

import (
	"context"

	"github.com/plimsoll/plimsoll/internal/expr/admission"
	"github.com/plimsoll/plimsoll/internal/judge/rbac/path"
	"github.com/plimsoll/plimsoll/internal/read/kube"
	"github.com/plimsoll/plimsoll/internal/weigh/policy/native"
)

// anybody is who runs a pod on a path: somebody whom no policy names.
var anybody = admission.User{Name: "anybody", Groups: []string{"system:authenticated"}}

// graph is who can become what, in what was read: pods are held against its own policies.
func (a *access) graph(ctx context.Context, g *global) *path.Graph {
	return path.Build(a.model, a.kube, a.forbids(ctx, g))
}

// forbids asks the ValidatingAdmissionPolicies among what was read; nil: there are none.
func (a *access) forbids(ctx context.Context, g *global) path.Forbids {
	const group = "admissionregistration.k8s.io"
	var own []*kube.Object
	for _, o := range a.kube.Objects {
		if o.Is(group, "ValidatingAdmissionPolicy") || o.Is(group, "ValidatingAdmissionPolicyBinding") {
			own = append(own, o)
		}
	}
	if len(own) == 0 {
		return nil
	}
	set, err := native.Compile(own)
	if err != nil {
		g.say("plimsoll: taken to forbid nothing: %s", printable(err.Error()))
	}
	world := native.World{Around: a.kube, Whole: a.model.Whole}
	return func(pod *kube.Object) (by []path.Denial) {
		r, err := native.Creation(pod, pod.Namespace, anybody, world)
		if err != nil {
			return nil
		}
		for _, o := range set.Judge(ctx, r, world).Outcomes {
			if o.Action == native.Deny && o.Binding != "" {
				by = append(by, path.Denial{Policy: o.Policy, Binding: o.Binding})
			}
		}
		return by
	}
}
