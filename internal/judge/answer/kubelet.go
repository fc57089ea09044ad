package answer

import (
	"cmp"
	"strings"
	"time"

	"github.com/plimsoll/plimsoll/internal/check"
	"github.com/plimsoll/plimsoll/internal/read/probe"
)

func probesOfKubelet() []Check {
	return []Check{kubeletAnonymous(), kubeletOpen(), kubeletReadOnly()}
}

// names says that a refusal tells who was refused.
func names(a *probe.Answer, user string) bool {
	return a.Status == 403 && strings.Contains(a.Says, user)
}

func kubeletAnonymous() Check {
	return Check{
		Card: probeCard("kubelet-anonymous", "kubelet takes requests without credentials", "medium", "cis-k8s-1.12/4.2.1 nsa-1.2/authentication-and-authorization", check.Page{
			Why: "Who has no credentials is let in as system:anonymous, and only authorization stands between them and every container of the node. A kubelet that is started with flags alone lets them in by default, and one with a configuration file does not.",
			Fix: "Set authentication.anonymous.enabled: false in the kubelet's configuration (--anonymous-auth=false).",
			Bad: "kubelet 192.0.2.1:10250\nnobody https GET /pods: 403 Forbidden (user=system:anonymous, verb=get, resource=nodes)", Good: "kubelet 192.0.2.1:10250\nnobody https GET /pods: 401 Unauthorized",
		}),
		services: []string{"kubelet"},
		look: func(p *probe.Port, _ time.Time) ([]proof, doubt) {
			switch ask(p, probe.Nobody, probe.Pods) {
			case forbidden, allowed:
				return []proof{{field: probe.Pods, detail: said(p.Find(probe.Nobody, "https", probe.Pods))}}, ""
			case untold:
				return nil, doubtOf(p, "https", probe.Pods)
			}
			return nil, ""
		},
	}
}

func kubeletOpen() Check {
	return Check{
		Card: probeCard("kubelet-open", "kubelet does what it is told without asking whether it may", "critical", "cis-k8s-1.12/4.2.2 nsa-1.2/authentication-and-authorization attack/T1609", check.Page{
			Why: "Somebody who ought to be refused was shown the node's pods, its logs or its settings. The same right runs a program in each of its containers, without the API server, its admission or its audit log ever hearing of it.",
			Fix: "Set authorization.mode: Webhook in the kubelet's configuration (--authorization-mode=Webhook), and authentication.anonymous.enabled: false. Where a service account is let in, take nodes/proxy from it.",
			Bad: "kubelet 192.0.2.1:10250\nnobody https GET /pods: 200 PodList", Good: "kubelet 192.0.2.1:10250\nnobody https GET /pods: 403\nnobody https GET /runningpods/: 403\nnobody https GET /configz: 403\nnobody https GET /metrics: 403\nnobody https GET /logs/: 403\naccount https GET /pods: 403",
		}),
		services: []string{"kubelet"},
		look: func(p *probe.Port, _ time.Time) ([]proof, doubt) {
			proofs, in := open(p, probe.Nobody, probe.Pods, "/runningpods/", "/configz", probe.Metrics, "/logs/")
			if p.Find(probe.Account, "https", probe.Pods) != nil {
				more, doubts := open(p, probe.Account, probe.Pods)
				proofs = append(proofs, more...)
				in = cmp.Or(in, doubts)
			}
			return proofs, in
		},
	}
}

func kubeletReadOnly() Check {
	return Check{
		Card: probeCard("kubelet-read-only-port", "kubelet's read-only port is open", "high", "cis-k8s-1.12/4.2.4 nsa-1.2/authentication-and-authorization", check.Page{
			Why: "The port shows in the clear, and to anybody, all pods of the node with their specifications: settings, images, addresses, and the secrets that were written into them.",
			Fix: "Set readOnlyPort: 0 in the kubelet's configuration (--read-only-port=0); read metrics at the secure port with an account that may.",
			Bad: "kubelet-read-only 192.0.2.1:10255\nnobody http GET /pods: 200 PodList", Good: "kubelet-read-only 192.0.2.1:10255\nclosed",
		}),
		services: []string{"kubelet-read-only"},
		look: func(p *probe.Port, _ time.Time) ([]proof, doubt) {
			if a := cmp.Or(shown(p, "http", probe.Pods, "PodList"), shown(p, "http", probe.Metrics, "metrics")); a != nil {
				return []proof{{field: "port", detail: said(a)}}, ""
			}
			return nil, doubtOf(p, "http", probe.Pods)
		},
	}
}
