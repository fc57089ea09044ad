package admit

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	admissionv1 "k8s.io/api/admission/v1"
	authorizationv1 "k8s.io/api/authorization/v1"

	"github.com/plimsoll/plimsoll/internal/expr/admission"
	"github.com/plimsoll/plimsoll/internal/weigh/policy"
)

// Bounds on what is kept of the API server's answers.
const (
	keptFor  = 10 * time.Second
	mostKept = 10_000
)

// answers are what the API server lately said that somebody may do: pods come many at once, from the same. That one may
// not is asked again each time: who is given a right has it at once.
type answers struct {
	sync.Mutex
	all map[string]answer
}

type answer struct {
	authorizationv1.SubjectAccessReviewStatus
	until time.Time
}

// review asks the API server what somebody may do, and again only after a while.
func (j *judgement) review(ctx context.Context, a admission.Access) (authorizationv1.SubjectAccessReviewStatus, error) {
	if j.Cluster == nil {
		return authorizationv1.SubjectAccessReviewStatus{}, errors.New("no cluster is asked")
	}
	key := fmt.Sprintf("%#v", a)
	j.access.Lock()
	kept, ok := j.access.all[key]
	j.access.Unlock()
	if ok && j.now.Before(kept.until) {
		return kept.SubjectAccessReviewStatus, nil
	}
	status, err := j.Cluster.Review(ctx, a.Review())
	if err != nil || !status.Allowed {
		return status, err
	}
	j.access.Lock()
	defer j.access.Unlock()
	if len(j.access.all) >= mostKept {
		clear(j.access.all)
	}
	j.access.all[key] = answer{status, j.now.Add(keptFor)}
	return status, nil
}

// mayUse says whether who asks, or as whom the pods run, may use a policy. What a controller of the cluster makes was asked
// of who made what it is made of.
func (j *judgement) mayUse(ctx context.Context, r *admissionv1.AdmissionRequest, s *subject, p *policy.Policy) (bool, error) {
	var who []admission.User
	var unknown error
	for _, u := range p.Use {
		who = who[:0]
		switch {
		case u == policy.UseByUser && s.made:
			return true, nil
		case u == policy.UseByUser:
			who = append(who, userOf(r))
		default:
			for i := range s.Workloads {
				spec := &s.Workloads[i].Spec
				who = append(who, admission.ServiceAccount(r.Namespace, cmp.Or(spec.ServiceAccountName, spec.DeprecatedServiceAccount, "default")))
			}
		}
		all := len(who) > 0
		for _, one := range who {
			a := admission.Access{User: one, Verb: policy.UseVerb, Group: policy.UseGroup, Resource: policy.UseResource, Namespace: r.Namespace, Name: p.Name}
			said, err := j.review(ctx, a)
			if err != nil {
				unknown = fmt.Errorf("it would have to be known %s: %w", a, err)
			}
			all = all && err == nil && said.Allowed
		}
		if all {
			return true, nil
		}
	}
	return false, unknown
}

func userOf(r *admissionv1.AdmissionRequest) admission.User {
	u := admission.User{Name: r.UserInfo.Username, UID: r.UserInfo.UID, Groups: r.UserInfo.Groups, Extra: map[string][]string{}}
	for key, values := range r.UserInfo.Extra {
		u.Extra[key] = values
	}
	return u
}
