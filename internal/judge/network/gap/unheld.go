package gap

import (
	"fmt"

	"github.com/plimsoll/plimsoll/internal/check"
	"github.com/plimsoll/plimsoll/internal/judge/network"
	"github.com/plimsoll/plimsoll/internal/read/kube"
)

// Unheld says in which direction the NetworkPolicies of its namespace hold a pod against nobody: none of them selects it,
// or they let everybody through, on all ports.
func Unheld(w *kube.Workload, policies []*kube.Object) (hits []check.Hit) {
	hit := func(detail string) {
		field := w.Path("metadata.labels")
		hits = append(hits, check.Hit{Where: field, Detail: fmt.Sprintf("%s %s: %s", w.Kind, w.Name, detail), At: w.At(field), Subject: w.Subject(field)})
	}
	if w.Spec.HostNetwork {
		hit("it is in its node's network, where no NetworkPolicy holds")
		return hits
	}
	s := kube.NewSnapshot(policies, nil)
	s.Workloads = append(s.Workloads, *w)
	m := network.New(s, network.Options{})
	for _, e := range m.Endpoints {
		if e.Kind != network.Pods {
			continue
		}
		for d, name := range [...]string{network.Ingress: "Ingress", network.Egress: "Egress"} {
			switch d := network.Direction(d); {
			case !m.Open(e, d):
			case m.Isolated(e, d):
				hit(fmt.Sprintf("its NetworkPolicies for %s let everybody through", name))
			default:
				hit(fmt.Sprintf("no NetworkPolicy for %s selects it", name))
			}
		}
	}
	return hits
}
