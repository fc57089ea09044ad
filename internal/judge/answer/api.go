package answer

import (
	"time"

	"github.com/plimsoll/plimsoll/internal/check"
	"github.com/plimsoll/plimsoll/internal/read/probe"
)

func probesOfAPI() []Check {
	return []Check{apiAnonymous(), apiAllowsAll(), apiOpen(), apiCleartext(), accountReadsSecrets(), noClientCA(), wrongCertificate()}
}

var apiserver = []string{"apiserver"}

func apiAnonymous() Check {
	return Check{
		Card: probeCard("api-anonymous", "API server takes requests without credentials", "low", "cis-k8s-1.12/1.2.1 nsa-1.2/authentication-and-authorization", check.Page{
			Why: "Who has no credentials is let in as system:anonymous, of the group system:unauthenticated. What that user may do is left to authorization: one wrong binding, and it is everybody's. It is also what tells a stranger that this is a Kubernetes API server.",
			Fix: "Set --anonymous-auth=false; or name the paths of health alone in the file of --authentication-config: anonymous: {enabled: true, conditions: [{path: /livez}, {path: /readyz}]}.",
			Bad: "apiserver 192.0.2.1:6443\nnobody https GET /plimsoll-probe: 403 forbidden: User \"system:anonymous\" cannot get path", Good: "apiserver 192.0.2.1:6443\nnobody https GET /plimsoll-probe: 401",
		}),
		services: apiserver,
		look: func(p *probe.Port, _ time.Time) ([]proof, doubt) {
			switch ask(p, probe.Nobody, probe.Forbidden) {
			case forbidden, allowed:
				return []proof{{field: probe.Forbidden, detail: said(p.Find(probe.Nobody, "https", probe.Forbidden))}}, ""
			case untold:
				return nil, doubtOf(p, "https", probe.Forbidden)
			}
			return nil, ""
		},
	}
}

func apiAllowsAll() Check {
	return Check{
		Card: probeCard("api-allows-all", "API server lets through what ought to be refused", "critical", "cis-k8s-1.12/1.2.6 cis-k8s-1.12/1.2.8 nsa-1.2/authentication-and-authorization", check.Page{
			Why: "A path that no role names was asked for, and the answer was that nothing is there: the request got past authorization, as does each other one. Either the API server allows all (--authorization-mode=AlwaysAllow), or who asked is an administrator, which neither somebody unknown nor a plain service account ought to be.",
			Fix: "Set --authorization-mode=Node,RBAC, and no AlwaysAllow. Where it is set so, find the binding that gives system:anonymous, system:unauthenticated, system:serviceaccounts or the account all rights, and remove it.",
			Bad: "apiserver 192.0.2.1:6443\nnobody https GET /plimsoll-probe: 404", Good: "apiserver 192.0.2.1:6443\nnobody https GET /plimsoll-probe: 403\naccount https GET /plimsoll-probe: 403",
		}),
		services: apiserver,
		look: func(p *probe.Port, _ time.Time) (proofs []proof, in doubt) {
			for _, who := range []probe.Who{probe.Nobody, probe.Stranger, probe.Account} {
				switch a := p.Find(who, "https", probe.Forbidden); {
				case mindOf(a) == allowed:
					proofs = append(proofs, proof{field: string(who), detail: said(a)})
				case mindOf(a) == untold && (a != nil || who == probe.Nobody):
					in = doubtOf(p, "https", probe.Forbidden)
				}
			}
			return proofs, in
		},
	}
}

func apiOpen() Check {
	return Check{
		Card: probeCard("api-open", "API server shows the cluster to anybody", "high", "nsa-1.2/authentication-and-authorization", check.Page{
			Why: "Without any credentials, what is in the cluster or how the API server is set up can be read: names of objects, metrics, profiles of its memory. A binding to system:anonymous or system:unauthenticated does that.",
			Fix: "Look for the binding (kubectl get clusterrolebindings,rolebindings -A -o wide | grep -e system:anonymous -e system:unauthenticated), and remove all but system:public-info-viewer.",
			Bad: "apiserver 192.0.2.1:6443\nnobody https GET /plimsoll-probe: 403\nnobody https GET /metrics: 200 metrics", Good: "apiserver 192.0.2.1:6443\nnobody https GET /plimsoll-probe: 403\nnobody https GET /api/v1/namespaces?limit=1: 403\nnobody https GET /api/v1/secrets?limit=1: 403\nnobody https GET /metrics: 403\nnobody https GET /debug/pprof/: 403\nnobody https GET /flagz: 403\nnobody https GET /openapi/v3: 403",
		}),
		services: apiserver,
		look: func(p *probe.Port, _ time.Time) ([]proof, doubt) {
			return open(p, probe.Nobody, probe.Namespaces, probe.Secrets, probe.Metrics, probe.Profile, "/flagz", "/openapi/v3")
		},
	}
}

func apiCleartext() Check {
	return Check{
		Card: probeCard("api-cleartext", "Kubernetes API is served without TLS and without credentials", "critical", "nsa-1.2/control-plane-hardening", check.Page{
			Why: "The API answers in the clear. It is the insecure port of an old API server, which asks for no credentials and skips authorization, or a kubectl proxy, which lends its user's own to all who reach it.",
			Fix: "Set --insecure-port=0 (the flag is gone since Kubernetes 1.24), or end the kubectl proxy and start it on loopback alone (--address=127.0.0.1).",
			Bad: "api-proxy 192.0.2.1:8001\nnobody http GET /api: 200 APIVersions", Good: "api-proxy 192.0.2.1:8001\nnobody http GET /api: 404",
		}),
		services: []string{"api-proxy", "api-insecure"},
		look: func(p *probe.Port, _ time.Time) ([]proof, doubt) {
			a := shown(p, "http", probe.API, "APIVersions")
			switch {
			case a == nil && stalled(p):
				return nil, doubtOf(p, "http", probe.API)
			case a == nil:
				return nil, "" // somebody else's port
			case p.Local():
				return []proof{{field: probe.API, detail: said(a), severity: "medium"}}, ""
			}
			return []proof{{field: probe.API, detail: said(a)}}, ""
		},
	}
}

// stalled says that a port took a question, and time went by.
func stalled(p *probe.Port) bool {
	for _, a := range p.Answers {
		if a.Outcome == probe.Stalled {
			return true
		}
	}
	return len(p.Answers) == 0
}

func accountReadsSecrets() Check {
	return Check{
		Card: probeCard("account-reads-secrets", "plain service account may list all secrets", "high", "cis-k8s-1.12/5.1.2 nsa-1.2/authentication-and-authorization", check.Page{
			Why: "The service account whose token was given is one that any pod may have, and it may list the secrets of all namespaces: with them it becomes each other account, and soon an administrator.",
			Fix: "Find which binding gives it that (kubectl auth can-i --list --as system:serviceaccount:NAMESPACE:NAME), and give a role that names the secrets it needs in its own namespace.",
			Bad: "apiserver 192.0.2.1:6443\nnobody https GET /plimsoll-probe: 401\naccount https GET /plimsoll-probe: 403\naccount https GET /api/v1/secrets?limit=1: 200 PartialObjectMetadataList", Good: "apiserver 192.0.2.1:6443\nnobody https GET /plimsoll-probe: 401\naccount https GET /plimsoll-probe: 403\naccount https GET /api/v1/secrets?limit=1: 403",
		}),
		services: apiserver,
		look: func(p *probe.Port, _ time.Time) ([]proof, doubt) {
			proofs, in := open(p, probe.Account, probe.Secrets)
			if ask(p, probe.Account, probe.Forbidden) == allowed {
				return nil, "" // that it may all is told
			}
			if p.Find(probe.Account, "https", probe.Forbidden) == nil {
				return nil, NoAccount
			}
			return proofs, in
		},
	}
}

func noClientCA() Check {
	return Check{
		Card: probeCard("no-client-ca", "server asks for no client certificate", "medium", "cis-k8s-1.12/1.2.25 cis-k8s-1.12/4.2.3 nsa-1.2/control-plane-hardening", check.Page{
			Why: "A server that knows the authority of the cluster's client certificates asks for one in its handshake. This one does not: nodes and control plane cannot prove who they are to it, and are let in by something weaker, or by nothing.",
			Fix: "Set --client-ca-file for the API server, and authentication.x509.clientCAFile in the kubelet's configuration.",
			Bad: "kubelet 192.0.2.1:10250\ncertificate", Good: "kubelet 192.0.2.1:10250\ncertificate\nasks",
		}),
		services: []string{"apiserver", "kubelet"},
		look: func(p *probe.Port, _ time.Time) ([]proof, doubt) {
			switch {
			case p.TLS == nil:
				return nil, doubtOf(p, "", "handshake")
			case !p.TLS.Asks:
				return []proof{{field: "handshake", detail: "its handshake asks for none"}}, ""
			}
			return nil, ""
		},
	}
}

func wrongCertificate() Check {
	return Check{
		Card: probeCard("wrong-certificate", "server takes a client certificate that no authority signed", "critical", "cis-k8s-1.12/1.2.25 cis-k8s-1.12/2.2 cis-k8s-1.12/2.5 cis-k8s-1.12/4.2.3", check.Page{
			Why: "A certificate that the prober made for itself a moment ago was believed. Whoever makes one that says cluster-admin is just that.",
			Fix: "Have client certificates verified against the cluster's own authority: --client-ca-file for API server and kubelet, --client-cert-auth with --trusted-ca-file for etcd, --peer-client-cert-auth with --peer-trusted-ca-file among its peers.",
			Bad: "kubelet 192.0.2.1:10250\nnobody https GET /pods: 401\nstranger https GET /pods: 403 Forbidden (user=plimsoll-probe, verb=get)", Good: "kubelet 192.0.2.1:10250\nnobody https GET /pods: 401\nstranger https GET /pods: 401",
		}),
		services: []string{"apiserver", "kubelet", "etcd", "etcd-peer", "scheduler", "controller-manager"},
		look: func(p *probe.Port, _ time.Time) ([]proof, doubt) {
			path := p.Service.Main
			if p.TLS == nil && shown(p, "http", path, "etcd") != nil {
				return nil, "" // no certificates at all, which is told
			}
			a := p.Find(probe.Stranger, "https", path)
			nobody, it := ask(p, probe.Nobody, path), mindOf(a)
			switch {
			case it == untold || nobody == untold:
				return nil, doubtOf(p, "https", path)
			case nobody == unknownUser && it > unknownUser, names(a, probe.StrangerName):
				return []proof{{field: path, detail: said(a)}}, ""
			}
			return nil, ""
		},
	}
}
