package admit

import (
	"errors"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/plimsoll/plimsoll/internal/check"
	"github.com/plimsoll/plimsoll/internal/judge/admission"
	"github.com/plimsoll/plimsoll/internal/judge/network/gap"
	"github.com/plimsoll/plimsoll/internal/read/admissionfile"
	"github.com/plimsoll/plimsoll/internal/read/kube"
)

var networkPolicies = kube.Need{Kind: schema.GroupVersionKind{Group: "networking.k8s.io", Version: "v1", Kind: "NetworkPolicy"}}

// network finds the pods that no NetworkPolicy holds. Where nobody knows the policies, none is known to. A pod that runs
// is held as it was as long as its labels are; when they change, what did not hold it before is not news.
func (j *judgement) network(s *subject) {
	if s.runs != nil && !s.relabelled {
		return
	}
	pods, mode := s.Workloads, min(j.rules.cap, j.rules.noNetwork)
	if mode == admissionfile.Off || !j.at(j.stage, mode, "") || len(pods) == 0 {
		return
	}
	policies, err := j.policiesOf(j.rules.namespace)
	if err != nil {
		j.doubtful(admission.NoNetworkPolicy.ID, err.Error())
		j.missing = j.missing || j.Cluster == nil
		if j.onFailure("") == "ignore" {
			return
		}
		j.add(admission.NoNetworkPolicy, check.Hit{Detail: err.Error(), Subject: pods[0].Subject("")})
		j.unaskedSince(len(j.report.Findings) - 1)
		return
	}
	before := map[string]bool{}
	if s.runs != nil {
		for _, h := range gap.Unheld(s.runs, policies) {
			before[h.Detail] = true
		}
	}
	for i := range pods {
		for _, h := range gap.Unheld(&pods[i], policies) {
			if !before[h.Detail] {
				j.add(admission.NoNetworkPolicy, h)
			}
		}
	}
}

// policiesOf are the NetworkPolicies of a namespace.
func (l *Line) policiesOf(namespace string) ([]*kube.Object, error) {
	switch {
	case l.Cluster != nil:
		return l.Cluster.Of(networkPolicies, namespace)
	case l.Around == nil || !l.Whole:
		return nil, errors.New("which NetworkPolicies the namespace has is not known")
	}
	return l.Around.Of(networkPolicies.Kind.Group, networkPolicies.Kind.Kind, namespace), nil
}
