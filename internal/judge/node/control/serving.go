package control

import (
	"fmt"
	"strings"
	"time"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/check"
	"github.com/plimsoll/plimsoll/internal/judge/node"
)

const goodSuites = "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"

// sure are flags of a server that listens as it should, and so of a good example.
func serving() []node.Check {
	return []node.Check{
		of(server, "kubelet-client-certificate", "kubelets do not know that the API server asks", finding.High, "cis-k8s-1.12/1.2.4 nsa-1.2/control-plane-hardening", check.Page{
			Why: "Without a client certificate the server comes to kubelets as nobody: either they refuse, or they let everybody in.", Fix: "Set --kubelet-client-certificate and --kubelet-client-key.",
			Bad: "--profiling=false", Good: "--kubelet-client-certificate=/etc/kubernetes/pki/apiserver-kubelet-client.crt --kubelet-client-key=/etc/kubernetes/pki/apiserver-kubelet-client.key",
		}, node.Set("kubelet-client-certificate", "kubelet-client-key")),
		of(server, "kubelet-authority", "the API server does not look who answers as a kubelet", finding.Medium, "cis-k8s-1.12/1.2.5 nsa-1.2/control-plane-hardening", check.Page{
			Why: "Who stands between them reads what goes through kubectl exec and logs, and answers in the kubelet's place.", Fix: "Give kubelets serving certificates of the cluster's CA (serverTLSBootstrap), then set --kubelet-certificate-authority.",
			Bad: "--profiling=false", Good: "--kubelet-certificate-authority=/etc/kubernetes/pki/ca.crt",
		}, node.Set("kubelet-certificate-authority")),
		of(server, "profiling", "the API server shows its inside to who may ask /debug/pprof", finding.Low, "cis-k8s-1.12/1.2.15", check.Page{
			Why: "A profile costs the server work and tells what it does.", Fix: "Set --profiling=false.", Bad: "--profiling=true", Good: "--profiling=false",
		}, node.Must("profiling", "false")),
		of(server, "request-timeout", "requests may hold the API server for long", finding.Low, "cis-k8s-1.12/1.2.20", check.Page{
			Why: "Each request that waits takes a place; a few clients that read slowly take all. A minute is the default.", Fix: "Set --request-timeout to some minutes at most.", Bad: "--request-timeout=1h", Good: "--request-timeout=300s",
		}, func(l *node.Look) {
			v := l.Value("request-timeout")
			if d, err := time.ParseDuration(v.Text); err != nil || d <= 0 || d > 5*time.Minute {
				l.Hit(v, "")
			}
		}),
		of(server, "etcd-client-certificate", "the store does not know that the API server asks", finding.High, "cis-k8s-1.12/1.2.23 nsa-1.2/control-plane-hardening", check.Page{
			Why: "A store that asks for no certificate gives every secret to who reaches it.", Fix: "Set --etcd-certfile and --etcd-keyfile.",
			Bad: "--etcd-servers=https://10.0.0.1:2379", Good: "--etcd-servers=https://10.0.0.1:2379 --etcd-certfile=/etc/kubernetes/pki/apiserver-etcd-client.crt --etcd-keyfile=/etc/kubernetes/pki/apiserver-etcd-client.key",
		}, node.Set("etcd-certfile", "etcd-keyfile")),
		of(server, "etcd-authority", "the API server does not look who answers as the store", finding.High, "cis-k8s-1.12/1.2.26 nsa-1.2/control-plane-hardening", check.Page{
			Why: "Who stands between them gives the cluster the state that he likes.", Fix: "Set --etcd-cafile to the store's CA.",
			Bad: "--etcd-servers=https://10.0.0.1:2379", Good: "--etcd-servers=https://10.0.0.1:2379 --etcd-cafile=/etc/kubernetes/pki/etcd/ca.crt",
		}, node.Set("etcd-cafile")),
		of(server, "etcd-plain-http", "the API server talks to its store in the clear", finding.High, "nsa-1.2/control-plane-hardening", check.Page{
			Why: "All that the cluster stores goes by, and who may change it on its way is the cluster's administrator.", Fix: "Name https:// in --etcd-servers.",
			Bad: "--etcd-servers=http://10.0.0.1:2379", Good: "--etcd-servers=https://10.0.0.1:2379",
		}, func(l *node.Look) {
			v := l.Value("etcd-servers")
			for _, one := range v.List() {
				if strings.HasPrefix(one, "http://") {
					l.Hit(v, one)
				}
			}
		}),
		of(server, "serving-certificate", "the API server's certificate is one that it made itself", finding.High, "cis-k8s-1.12/1.2.24 nsa-1.2/control-plane-hardening", check.Page{
			Why: "Without --tls-cert-file it makes one that nobody knows, and clients learn to look away.", Fix: "Set --tls-cert-file and --tls-private-key-file.",
			Bad: "--profiling=false", Good: "--tls-cert-file=/etc/kubernetes/pki/apiserver.crt --tls-private-key-file=/etc/kubernetes/pki/apiserver.key",
		}, node.Set("tls-cert-file", "tls-private-key-file")),
		of(server, "ciphers", "the API server offers weak ciphers", finding.Low, "cis-k8s-1.12/1.2.29 nsa-1.2/control-plane-hardening", check.Page{
			Why: "Suites without forward secrecy, or with CBC and SHA-1, let who records the traffic today read it later. The library's own list still has some.", Fix: "Set --tls-cipher-suites to suites of ECDHE with GCM or ChaCha20, or --tls-min-version=VersionTLS13.",
			Bad: "--tls-cipher-suites=TLS_RSA_WITH_AES_128_CBC_SHA", Good: "--tls-cipher-suites=" + goodSuites,
		}, node.Ciphers("tls-cipher-suites", "tls-min-version")),
		of(server, "tls-version", "the API server speaks TLS older than 1.2", finding.High, "nsa-1.2/control-plane-hardening", check.Page{
			Why: "TLS 1.0 and 1.1 are broken, and RFC 8996 forbids them.", Fix: "Set --tls-min-version=VersionTLS12 or VersionTLS13.", Bad: "--tls-min-version=VersionTLS10", Good: "--tls-min-version=VersionTLS12",
		}, node.TLSVersion("tls-min-version")),
		of(server, "insecure-port", "the API server listens without TLS, and asks nobody who he is", finding.Critical, "nsa-1.2/control-plane-hardening kubescape/C-0005", check.Page{
			Why: "Who reaches the port is administrator. Kubernetes 1.24 has no such flag any more.", Fix: "Set --insecure-port=0, and move to a release that gets fixes.", Bad: "--insecure-port=8080", Good: "--insecure-port=0",
		}, func(l *node.Look) {
			v := l.Value("insecure-port")
			switch {
			case !v.Set || v.Is("0"):
			case l.C.Version.Minor >= 24: // it does not listen there, nor anywhere
				l.Hit(v, "from 1.24 on a server does not start with it")
				l.Soften(finding.Low)
			default:
				l.Hit(v, "")
			}
		}),
	}
}

const encryption = "--encryption-provider-config=/etc/kubernetes/encryption.yaml\n# /etc/kubernetes/encryption.yaml\napiVersion: apiserver.config.k8s.io/v1\nkind: EncryptionConfiguration\nresources:\n- resources: [secrets]\n  providers:\n"

// Of secrets at rest.
func secrets() []node.Check {
	sealed := "  - secretbox: {keys: [{name: key1, secret: KEY}]}\n  - identity: {}"
	return []node.Check{
		of(server, "encryption", "secrets lie in the store in the clear", finding.Medium, "cis-k8s-1.12/1.2.27 nsa-1.2/encryption", check.Page{
			Why: "Who has a copy of etcd, a backup or its disk, has every secret.", Fix: "Write an EncryptionConfiguration, name it in --encryption-provider-config, and write all secrets once more.",
			Bad: "--profiling=false", Good: encryption + sealed,
		}, node.Set("encryption-provider-config")),
		of(server, "encryption-provider", "secrets are said to be encrypted, and are not", finding.High, "cis-k8s-1.12/1.2.28 nsa-1.2/encryption", check.Page{
			Why: "The first provider writes, the others only read: identity first, or alone, leaves secrets in the clear. And a rule for other resources does nothing for secrets.", Fix: "Put kms (v2), secretbox or aescbc first for secrets, and identity last.",
			Bad: encryption + "  - identity: {}\n  - secretbox: {keys: [{name: key1, secret: KEY}]}", Good: encryption + sealed,
		}, func(l *node.Look) {
			f, d := document(l, "encryption-provider-config")
			if d == nil {
				return
			}
			for i, r := range d.Get("resources").Items() {
				named := false
				for _, one := range r.Get("resources").Items() {
					named = named || one.Is("secrets", "*.", "*.*")
				}
				if !named {
					continue
				}
				providers := r.Get("providers").Items()
				field := fmt.Sprintf("resources[%d].providers", i)
				switch {
				case len(providers) == 0:
					l.Hit(in(f, field, r), "no provider")
				case providers[0].Get("identity") != nil:
					l.Hit(in(f, field+"[0].identity", providers[0]), "identity is the first provider")
				case providers[0].Get("kms", "apiVersion").Is("v1"):
					l.Hit(in(f, field+"[0].kms.apiVersion", providers[0].Get("kms", "apiVersion")), "KMS v1, which is deprecated")
				}
				return // the first rule that names them counts
			}
			l.Hit(in(f, "resources", d), "no rule names secrets")
		}),
	}
}
