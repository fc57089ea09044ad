package policy

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/read/kube"
)

// Who is to have the right to use a policy.
const (
	UseByUser    = "user"           // who makes or changes an object
	UseByAccount = "serviceAccount" // as whom its pods run
)

// The right, as RBAC names it: the verb on a policy of this group and resource, by its name.
const (
	UseVerb     = "use"
	UseGroup    = "plimsoll.io"
	UseResource = "policies"
)

// GapUnasked is the class of what nobody can tell off a cluster: who may do what there.
const GapUnasked = "policy-not-assessed"

// May says whether an object is made by, or runs as, somebody who may use a policy. An error says that nobody knows.
type May func(ctx context.Context, p *Policy, o *Object) (bool, error)

// whose reads who is to have the right.
func (p *Policy) whose() error {
	for _, u := range p.source.Use {
		switch {
		case u.Value != UseByUser && u.Value != UseByAccount:
			return fmt.Errorf("%s: use %q: write %s or %s", u.At(1), u.Value, UseByUser, UseByAccount)
		case slices.Contains(p.Use, u.Value):
			return fmt.Errorf("%s: use names %s twice", u.At(1), u.Value)
		case p.Subject != subjectManifest:
			return fmt.Errorf("%s: who may use a policy is asked of Kubernetes objects: write subject: %s", u.At(1), subjectManifest)
		case u.Value == UseByAccount && len(p.Kinds) > 0:
			return fmt.Errorf("%s: use by %s is of what makes pods: leave kinds out, or write %s", u.At(1), UseByAccount, UseByUser)
		case slices.ContainsFunc(p.Kinds, func(k schema.GroupKind) bool { return kube.IsMade(k.Group, k.Kind) }):
			return fmt.Errorf("%s: use by %s is asked of who makes what makes pods, and controllers make those of the kinds that are named: leave kinds out", u.At(1), UseByUser)
		}
		p.Use = append(p.Use, u.Value)
	}
	return nil
}

// UseDenied is what is said to who may not.
func (p *Policy) UseDenied() string {
	who := map[string]string{UseByUser: "who asks", UseByAccount: "the service account of its pods"}
	var all []string
	for _, u := range p.Use {
		all = append(all, who[u])
	}
	verb := " may not "
	if len(all) > 1 {
		all[0] = "neither " + all[0]
		verb = " may "
	}
	return fmt.Sprintf("%s%s%s the policy %s (%s.%s)", strings.Join(all, " nor "), verb, UseVerb, p.Name, UseResource, UseGroup)
}

// mayUse holds an object that is else let pass against who may use the policy; it says why not.
func (r *run) mayUse(o *Object) (denied string) {
	if len(r.policy.Use) == 0 {
		return ""
	}
	err := fmt.Errorf("no cluster is asked who may %s it", UseVerb)
	ok := false
	if r.in.May != nil {
		ok, err = r.in.May(r.ctx, r.policy, o)
	}
	switch {
	case err != nil:
		r.gaps = append(r.gaps, finding.Gap{
			Class: GapUnasked, Blocking: true, Target: r.world.target.ID, Count: 1, What: short(fmt.Sprintf("%s %s by policy %s: %v", o.Subject.Kind, o.Subject.Name, r.policy.Name, err)),
		})
	case !ok:
		return r.policy.UseDenied()
	}
	return ""
}
