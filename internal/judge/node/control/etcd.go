package control

import (
	"strings"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/check"
	"github.com/plimsoll/plimsoll/internal/judge/node"
)

func etcd() []node.Check {
	const listens = "--listen-client-urls=https://10.0.0.1:2379 "
	return []node.Check{
		of(store, "etcd-certificate", "etcd serves clients without a certificate", finding.High, "cis-k8s-1.12/2.1 nsa-1.2/control-plane-hardening", check.Page{
			Why: "All that the cluster stores goes by in the clear.", Fix: "Set --cert-file and --key-file.", Bad: "--listen-client-urls=http://10.0.0.1:2379", Good: listens + "--cert-file=/etc/kubernetes/pki/etcd/server.crt --key-file=/etc/kubernetes/pki/etcd/server.key",
		}, node.Set("cert-file", "key-file")),
		of(store, "etcd-client-auth", "etcd asks clients for no certificate", finding.Critical, "cis-k8s-1.12/2.2 nsa-1.2/control-plane-hardening", check.Page{
			Why: "Who reaches its port reads every secret and writes himself every right; no role of the cluster is asked.", Fix: "Set --client-cert-auth=true and --trusted-ca-file.", Bad: listens + "--client-cert-auth=false", Good: listens + "--client-cert-auth=true --trusted-ca-file=/etc/kubernetes/pki/etcd/ca.crt",
		}, func(l *node.Look) {
			v := l.Value("client-cert-auth")
			if v.Is("true") {
				return
			}
			l.Hit(v, "")
			if urls := l.Value("listen-client-urls"); onLoopback(urls.List()) {
				l.Soften(finding.High) // who is on the host, or in a pod of its network
			}
		}),
		of(store, "etcd-auto-tls", "etcd makes its certificates itself", finding.Medium, "cis-k8s-1.12/2.3", check.Page{
			Why: "Nobody can know a certificate that a program signs for itself.", Fix: "Drop --auto-tls.", Bad: "--auto-tls=true", Good: "--auto-tls=false",
		}, node.Not("auto-tls", "true")),
		of(store, "etcd-peer-certificate", "members of etcd talk without certificates", finding.High, "cis-k8s-1.12/2.4 nsa-1.2/control-plane-hardening", check.Page{
			Why: "All that is stored goes between members in the clear.", Fix: "Set --peer-cert-file and --peer-key-file.", Bad: "--listen-peer-urls=http://10.0.0.1:2380", Good: "--listen-peer-urls=https://10.0.0.1:2380 --peer-cert-file=/etc/kubernetes/pki/etcd/peer.crt --peer-key-file=/etc/kubernetes/pki/etcd/peer.key",
		}, alone(node.Set("peer-cert-file", "peer-key-file"))),
		of(store, "etcd-peer-auth", "etcd asks members for no certificate", finding.High, "cis-k8s-1.12/2.5 nsa-1.2/control-plane-hardening", check.Page{
			Why: "Who reaches the port may speak as a member.", Fix: "Set --peer-client-cert-auth=true and --peer-trusted-ca-file.", Bad: "--listen-peer-urls=https://10.0.0.1:2380 --peer-client-cert-auth=false", Good: "--listen-peer-urls=https://10.0.0.1:2380 --peer-client-cert-auth=true",
		}, alone(node.Must("peer-client-cert-auth", "true"))),
		of(store, "etcd-peer-auto-tls", "members of etcd make their certificates themselves", finding.Medium, "cis-k8s-1.12/2.6", check.Page{
			Why: "Nobody can know a certificate that a program signs for itself.", Fix: "Drop --peer-auto-tls.", Bad: "--peer-auto-tls=true", Good: "--peer-auto-tls=false",
		}, node.Not("peer-auto-tls", "true")),
		of(store, "etcd-authority-shared", "whoever has a certificate of the cluster may ask etcd", finding.High, "cis-k8s-1.12/2.7 nsa-1.2/control-plane-hardening", check.Page{
			Why: "etcd lets in whom its CA signed, and has no rights below that. With the cluster's own CA each kubelet, and each person with a certificate, reads every secret.", Fix: "Make a CA for etcd alone, with certificates for its members and the API server.",
			Bad:  "--trusted-ca-file=/etc/kubernetes/pki/ca.crt\n$ kube-apiserver --client-ca-file=/etc/kubernetes/pki/ca.crt",
			Good: "--trusted-ca-file=/etc/kubernetes/pki/etcd/ca.crt\n$ kube-apiserver --client-ca-file=/etc/kubernetes/pki/ca.crt",
		}, func(l *node.Look) {
			v := l.Value("trusted-ca-file")
			if v.Text == "" || l.Host == nil {
				return // nobody is asked for a certificate
			}
			for _, other := range l.Host.Components {
				if other.Name != server {
					continue
				}
				if ca := other.Value("client-ca-file"); ca.Unknown != "" {
					l.Doubt(ca.Unknown)
				} else if same(l, v.Text, ca.Text) {
					l.Hit(v, "it is --client-ca-file of the API server, too")
				}
			}
		}),
		of(store, "etcd-ciphers", "etcd offers weak ciphers", finding.Low, "nsa-1.2/control-plane-hardening", check.Page{
			Why: "Suites without forward secrecy, or with CBC and SHA-1, let who records the traffic today read it later.", Fix: "Set --cipher-suites to suites of ECDHE with GCM or ChaCha20.",
			Bad: "--cipher-suites=TLS_RSA_WITH_AES_128_CBC_SHA", Good: "--cipher-suites=" + goodSuites,
		}, node.Ciphers("cipher-suites", "tls-min-version")),
		of(store, "etcd-metrics", "etcd tells its metrics to who reaches the port", finding.Low, "nsa-1.2/control-plane-hardening", check.Page{
			Why: "They name keys' numbers, members and load, and no certificate is asked for.", Fix: "Set --listen-metrics-urls=http://127.0.0.1:2381.", Bad: "--listen-metrics-urls=http://0.0.0.0:2381", Good: "--listen-metrics-urls=http://127.0.0.1:2381",
		}, func(l *node.Look) {
			v := l.Value("listen-metrics-urls")
			for _, one := range v.List() {
				if strings.HasPrefix(one, "http://") && !onLoopback([]string{one}) {
					l.Hit(v, one)
				}
			}
		}),
	}
}

func onLoopback(urls []string) bool {
	for _, u := range urls {
		_, address, _ := strings.Cut(u, "://")
		if !node.IsLoopback(address) && !strings.HasPrefix(u, "unix") {
			return false
		}
	}
	return true
}

// alone passes over a member that has no others, and listens for none.
func alone(look func(*node.Look)) func(*node.Look) {
	return func(l *node.Look) {
		urls := l.Value("listen-peer-urls")
		if cluster := l.C.Value("initial-cluster"); urls.Unknown == "" && onLoopback(urls.List()) && len(cluster.List()) <= 1 {
			l.Skip()
			return
		}
		look(l)
	}
}
