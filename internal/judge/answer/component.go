package answer

import (
	"time"

	"github.com/plimsoll/plimsoll/internal/check"
	"github.com/plimsoll/plimsoll/internal/read/probe"
)

func probesOfComponents() []Check {
	return []Check{componentReachable(), componentOpen(), proxyMetrics(), cadvisorOpen()}
}

var components = []string{"scheduler", "controller-manager"}

func componentReachable() Check {
	return Check{
		Card: probeCard("component-reachable", "scheduler or controller-manager can be reached from elsewhere", "medium", "cis-k8s-1.12/1.3.7 cis-k8s-1.12/1.4.2 nsa-1.2/control-plane-hardening", check.Page{
			Why: "Nobody but their own machine has business with these ports: they serve health, metrics and profiles. What listens on all addresses waits for a fault in its TLS or its authorization to be found.",
			Fix: "Set --bind-address=127.0.0.1 for both.",
			Bad: "scheduler 192.0.2.1:10259\nnobody https GET /healthz: 200", Good: "scheduler 127.0.0.1:10259\nnobody https GET /healthz: 200",
		}),
		services: components, far: true,
		look: func(p *probe.Port, _ time.Time) ([]proof, doubt) {
			for i := range p.Answers {
				if a := &p.Answers[i]; a.Scheme == "https" && a.Outcome.Told() {
					return []proof{{field: "port", detail: said(a)}}, ""
				}
			}
			return nil, doubtOf(p, "https", probe.Health)
		},
	}
}

func componentOpen() Check {
	return Check{
		Card: probeCard("component-open", "scheduler or controller-manager shows itself to anybody", "high", "cis-k8s-1.12/1.3.2 cis-k8s-1.12/1.4.1 nsa-1.2/authentication-and-authorization", check.Page{
			Why: "Metrics, settings or profiles are shown to who has no credentials. Metrics name objects of the cluster, and a profile holds parts of the program's memory.",
			Fix: "Leave --authentication-kubeconfig and --authorization-kubeconfig set, name no path but /healthz, /readyz and /livez in --authorization-always-allow-paths, and set --profiling=false.",
			Bad: "scheduler 127.0.0.1:10259\nnobody https GET /plimsoll-probe: 403\nnobody https GET /metrics: 200 metrics", Good: "scheduler 127.0.0.1:10259\nnobody https GET /plimsoll-probe: 403\nnobody https GET /metrics: 403\nnobody https GET /configz: 403\nnobody https GET /flagz: 403\nnobody https GET /debug/pprof/: 403",
		}),
		services: components,
		look: func(p *probe.Port, _ time.Time) ([]proof, doubt) {
			return open(p, probe.Nobody, probe.Forbidden, probe.Metrics, "/configz", "/flagz", probe.Profile)
		},
	}
}

func proxyMetrics() Check {
	return Check{
		Card: probeCard("proxy-metrics", "kube-proxy's metrics can be read from elsewhere", "medium", "cis-k8s-1.12/4.3.1", check.Page{
			Why: "They are served in the clear and to anybody, with kube-proxy's settings beside them. The port of health, 10256, is meant for load balancers; this one is not.",
			Fix: "Set metricsBindAddress: 127.0.0.1:10249 in kube-proxy's configuration.",
			Bad: "proxy-metrics 192.0.2.1:10249\nnobody http GET /metrics: 200 metrics", Good: "proxy-metrics 192.0.2.1:10249\nclosed",
		}),
		services: []string{"proxy-metrics", "proxy-health"}, far: true,
		look: func(p *probe.Port, _ time.Time) ([]proof, doubt) { return metricsShown(p) },
	}
}

func cadvisorOpen() Check {
	return Check{
		Card: probeCard("cadvisor", "cAdvisor's port is open", "medium", "nsa-1.2/authentication-and-authorization", check.Page{
			Why: "cAdvisor shows all containers of the node with their names, images and loads, in the clear and to anybody. Kubelets before 1.12 open the port themselves.",
			Fix: "Set --cadvisor-port=0 on an old kubelet; give a cAdvisor of your own a NetworkPolicy, or an address that only what reads it can reach.",
			Bad: "cadvisor 192.0.2.1:4194\nnobody http GET /metrics: 200 metrics", Good: "cadvisor 192.0.2.1:4194\nclosed",
		}),
		services: []string{"cadvisor"},
		look:     func(p *probe.Port, _ time.Time) ([]proof, doubt) { return metricsShown(p) },
	}
}

func metricsShown(p *probe.Port) ([]proof, doubt) {
	if a := shown(p, "http", probe.Metrics, "metrics"); a != nil {
		return []proof{{field: probe.Metrics, detail: said(a)}}, ""
	}
	if a := p.Find(probe.Nobody, "http", probe.Metrics); a != nil && a.Outcome == probe.Answered || p.Service.Common && !stalled(p) {
		return nil, "" // it shows none
	}
	return nil, doubtOf(p, "http", probe.Metrics)
}
