package answer

import (
	"time"

	"github.com/plimsoll/plimsoll/internal/check"
	"github.com/plimsoll/plimsoll/internal/read/probe"
)

func probesOfEtcd() []Check { return []Check{etcdOpen(), etcdCleartext(), etcdMetrics()} }

func etcdOpen() Check {
	return Check{
		Card: probeCard("etcd-open", "etcd answers without a client certificate", "critical", "cis-k8s-1.12/2.2 cis-k8s-1.12/2.5 nsa-1.2/control-plane-hardening", check.Page{
			Why: "etcd holds the whole cluster, secrets included, and knows no users unless somebody made them. Who is answered without a certificate may read and write all of it, and so is an administrator. Whether its own users would stop that was not tried.",
			Fix: "Set --client-cert-auth=true with --trusted-ca-file, and --peer-client-cert-auth=true with --peer-trusted-ca-file, with an authority that signs for etcd alone; and let a firewall keep 2379 and 2380 to the control plane.",
			Bad: "etcd 192.0.2.1:2379\ncertificate\nnobody https GET /version: 200 etcd 3.6.4", Good: "etcd 192.0.2.1:2379\ncertificate\nnobody https GET /version: refused",
		}),
		services: []string{"etcd", "etcd-peer"},
		look: func(p *probe.Port, _ time.Time) ([]proof, doubt) {
			a := p.Find(probe.Nobody, "https", probe.Version)
			switch mindOf(a) {
			case allowed:
				return []proof{{field: "https", detail: said(a)}}, ""
			case untold:
				if p.TLS == nil && shown(p, "http", probe.Version, "etcd") != nil {
					return nil, "" // it speaks no TLS, which is told
				}
				return nil, doubtOf(p, "https", probe.Version)
			}
			return nil, ""
		},
	}
}

func etcdCleartext() Check {
	return Check{
		Card: probeCard("etcd-cleartext", "etcd answers in the clear", "critical", "cis-k8s-1.12/2.1 cis-k8s-1.12/2.4 nsa-1.2/control-plane-hardening", check.Page{
			Why: "Without TLS there are no client certificates either: who reaches the port may read and write the whole cluster, and who stands between reads along.",
			Fix: "Listen on https:// alone (--listen-client-urls, --listen-peer-urls), with --cert-file and --key-file, --peer-cert-file and --peer-key-file.",
			Bad: "etcd 192.0.2.1:2379\nnobody http GET /version: 200 etcd 3.6.4", Good: "etcd 192.0.2.1:2379\ncertificate\nnobody https GET /version: refused\nnobody http GET /version: 400",
		}),
		services: []string{"etcd", "etcd-peer"},
		look: func(p *probe.Port, _ time.Time) ([]proof, doubt) {
			a := p.Find(probe.Nobody, "http", probe.Version)
			switch {
			case mindOf(a) == allowed:
				return []proof{{field: "http", detail: said(a)}}, ""
			case a == nil || a.Outcome == probe.Stalled || p.TLS == nil && !a.Outcome.Told():
				return nil, doubtOf(p, "http", probe.Version)
			}
			return nil, "" // what speaks TLS hangs up, or says that it wants that
		},
	}
}

func etcdMetrics() Check {
	return Check{
		Card: probeCard("etcd-metrics", "etcd's metrics can be read from elsewhere", "medium", "nsa-1.2/control-plane-hardening", check.Page{
			Why: "etcd's metrics ask for no certificate. They tell its version, its members and the load of the cluster, and answer whom they are not meant for.",
			Fix: "Listen on loopback: --listen-metrics-urls=http://127.0.0.1:2381.",
			Bad: "etcd-metrics 192.0.2.1:2381\nnobody http GET /metrics: 200 metrics", Good: "etcd-metrics 192.0.2.1:2381\nclosed",
		}),
		services: []string{"etcd-metrics"}, far: true,
		look: func(p *probe.Port, _ time.Time) ([]proof, doubt) {
			for _, scheme := range []string{"http", "https"} {
				if a := shown(p, scheme, probe.Metrics, "metrics"); a != nil {
					return []proof{{field: probe.Metrics, detail: said(a)}}, ""
				}
			}
			if ask(p, probe.Nobody, probe.Metrics) == unknownUser {
				return nil, ""
			}
			return nil, doubtOf(p, "http", probe.Metrics)
		},
	}
}
