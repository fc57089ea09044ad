package node

import (
	"fmt"
	"slices"
	"time"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/check"
)

// Checks lists all checks of nodes.
func Checks() []Check { return slices.Concat(files(), kubelet(), proxy()) }

// of makes a check of a component; its examples are command lines without the program's name, and what follows them.
func of(component, id, title string, severity finding.Severity, names string, page check.Page, look func(*Look)) Check {
	page.Bad, page.Good = "$ "+component+" "+page.Bad, "$ "+component+" "+page.Good
	return Check{Card: Named("node/"+id, title, severity, names, page), Of: component, Look: look}
}

const configured = "--config=/var/lib/kubelet/config.yaml\n# /var/lib/kubelet/config.yaml\napiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\n"

func kubelet() []Check {
	const k = "kubelet"
	config := func(lines string) string { return configured + lines }
	return []Check{
		of(k, "kubelet-anonymous", "the kubelet answers people it does not know", finding.High, "cis-k8s-1.12/4.2.1 nsa-1.2/worker-node-segmentation kubescape/C-0069", check.Page{
			Why: "Who reaches its port then asks as system:anonymous; with AlwaysAllow that is a shell in every pod of the node. A kubelet without a configuration file does so by default.", Fix: "Set authentication.anonymous.enabled: false.",
			Bad: config("authentication: {anonymous: {enabled: true}}"), Good: config("authentication: {anonymous: {enabled: false}}"),
		}, Must("anonymous-auth", "false")),
		of(k, "kubelet-authorization", "the kubelet lets everybody it knows do everything", finding.Critical, "cis-k8s-1.12/4.2.2 nsa-1.2/worker-node-segmentation", check.Page{
			Why: "With AlwaysAllow any certificate or token of the cluster is enough to run commands in every pod of the node. A kubelet without a configuration file does so by default.", Fix: "Set authorization.mode: Webhook, which asks the API server.",
			Bad: config("authorization: {mode: AlwaysAllow}"), Good: config("authorization: {mode: Webhook}"),
		}, Not("authorization-mode", "AlwaysAllow")),
		of(k, "kubelet-client-ca", "the kubelet knows nobody by a certificate", finding.Medium, "cis-k8s-1.12/4.2.3 nsa-1.2/worker-node-segmentation kubescape/C-0070", check.Page{
			Why: "Without authentication.x509.clientCAFile the API server comes as anybody else does.", Fix: "Set it to the cluster's CA.",
			Bad: config("authentication: {x509: {}}"), Good: config("authentication: {x509: {clientCAFile: /etc/kubernetes/pki/ca.crt}}"),
		}, Set("client-ca-file")),
		of(k, "kubelet-read-only-port", "the kubelet tells of its pods to whoever asks, without TLS", finding.High, "cis-k8s-1.12/4.2.4 nsa-1.2/worker-node-segmentation", check.Page{
			Why: "The port asks nobody who he is, and tells names, images, arguments and environment of every pod. A kubelet without a configuration file opens it by default.", Fix: "Set readOnlyPort: 0, or drop it.",
			Bad: config("readOnlyPort: 10255"), Good: config("readOnlyPort: 0"),
		}, Must("read-only-port", "0")),
		of(k, "kubelet-idle-timeout", "streams into pods never end by themselves", finding.Low, "cis-k8s-1.12/4.2.5", check.Page{
			Why: "A shell that somebody left open stays, and connections run out.", Fix: "Set streamingConnectionIdleTimeout to some minutes or hours, never 0.",
			Bad: config("streamingConnectionIdleTimeout: 0s"), Good: config("streamingConnectionIdleTimeout: 5m"),
		}, func(l *Look) {
			v := l.Value("streaming-connection-idle-timeout")
			if d, err := time.ParseDuration(v.Text); err != nil || d <= 0 {
				l.Hit(v, "")
			}
		}),
		of(k, "kubelet-iptables", "the kubelet leaves its own firewall rules out", finding.Low, "cis-k8s-1.12/4.2.6", check.Page{
			Why: "Without them the node's rules and the pods' network can contradict each other, and open what should be shut.", Fix: "Drop makeIPTablesUtilChains: false.",
			Bad: config("makeIPTablesUtilChains: false"), Good: config("makeIPTablesUtilChains: true"),
		}, Not("make-iptables-util-chains", "false")),
		of(k, "kubelet-hostname", "the node goes by another name than its own", finding.Info, "cis-k8s-1.12/4.2.7", check.Page{
			Why: "Certificates are for names: with --hostname-override a node may come by another's, and logs do not agree.", Fix: "Drop --hostname-override, unless the cloud needs it.",
			Bad: "--hostname-override=db-1", Good: "--config=/var/lib/kubelet/config.yaml\n# /var/lib/kubelet/config.yaml\nkind: KubeletConfiguration",
		}, func(l *Look) {
			if v := l.Value("hostname-override"); v.Text != "" {
				l.Hit(v, "")
			}
		}),
		of(k, "kubelet-events", "the kubelet drops events, or makes any number of them", finding.Info, "cis-k8s-1.12/4.2.8", check.Page{
			Why: "Events tell what happened on the node. At fewer than 5 a second some are lost; with 0 there is no bound, and a pod that fails fills the store.", Fix: "Drop eventRecordQPS (50 by default), or set it to 5 or more.",
			Bad: config("eventRecordQPS: 0"), Good: config("eventRecordQPS: 50"),
		}, Least("event-qps", 5)),
		of(k, "kubelet-serving-certificate", "the kubelet's certificate is one that it made itself", finding.Medium, "cis-k8s-1.12/4.2.9 nsa-1.2/worker-node-segmentation", check.Page{
			Why: "Nobody can know it: who stands between answers in the kubelet's place, and reads what kubectl exec sends.", Fix: "Set serverTLSBootstrap: true and let the requests be approved, or give tlsCertFile and tlsPrivateKeyFile.",
			Bad: config("readOnlyPort: 0"), Good: config("serverTLSBootstrap: true"),
		}, func(l *Look) {
			if l.Value("rotate-server-certificates").Is("true") {
				return
			}
			for _, name := range []string{"tls-cert-file", "tls-private-key-file"} {
				if v := l.Value(name); v.Text == "" {
					l.Hit(v, v.From+", nor is serverTLSBootstrap")
					return
				}
			}
			if f := l.File(l.Value("tls-cert-file").Text); f != nil && f.Contents != nil && len(f.Contents.Certificates) > 0 {
				if c := f.Contents.Certificates[0]; c.Issuer.String() == c.Subject.String() {
					l.HitFile(f, "it is its own issuer")
				}
			}
		}),
		of(k, "kubelet-rotation", "the kubelet does not renew its client certificate", finding.Low, "cis-k8s-1.12/4.2.10", check.Page{
			Why: "It must then live long, and be renewed by hand before it ends.", Fix: "Set rotateCertificates: true.",
			Bad: config("rotateCertificates: false"), Good: config("rotateCertificates: true"),
		}, Must("rotate-certificates", "true")),
		of(k, "kubelet-server-rotation", "the kubelet does not renew its serving certificate", finding.Low, "cis-k8s-1.12/4.2.11", check.Page{
			Why: "With the gate RotateKubeletServerCertificate off, a certificate from the cluster's CA ends, and is replaced by one of its own making.", Fix: "Drop RotateKubeletServerCertificate: false from featureGates.",
			Bad: config("featureGates: {RotateKubeletServerCertificate: false}"), Good: config("featureGates: {RotateKubeletServerCertificate: true}"),
		}, func(l *Look) {
			on, said, v := l.C.Gate("RotateKubeletServerCertificate")
			switch {
			case v.Unknown != "":
				l.Doubt(v.Unknown)
			case said && !on:
				l.Hit(v, "")
			}
		}),
		of(k, "kubelet-ciphers", "the kubelet offers weak ciphers", finding.Low, "cis-k8s-1.12/4.2.12 nsa-1.2/worker-node-segmentation", check.Page{
			Why: "Suites without forward secrecy, or with CBC and SHA-1, let who records the traffic today read it later. The library's own list still has some.", Fix: "Set tlsCipherSuites to suites of ECDHE with GCM or ChaCha20, or tlsMinVersion: VersionTLS13.",
			Bad: config("tlsCipherSuites: [TLS_RSA_WITH_AES_128_CBC_SHA]"), Good: config("tlsCipherSuites: [TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256]"),
		}, Ciphers("tls-cipher-suites", "tls-min-version")),
		of(k, "kubelet-tls-version", "the kubelet speaks TLS older than 1.2", finding.High, "nsa-1.2/worker-node-segmentation", check.Page{
			Why: "TLS 1.0 and 1.1 are broken, and RFC 8996 forbids them.", Fix: "Set tlsMinVersion: VersionTLS12 or VersionTLS13.", Bad: config("tlsMinVersion: VersionTLS10"), Good: config("tlsMinVersion: VersionTLS12"),
		}, TLSVersion("tls-min-version")),
		of(k, "kubelet-pid-limit", "a pod may start processes until the node has no more", finding.Low, "cis-k8s-1.12/4.2.13", check.Page{
			Why: "A fork bomb in one pod stops all others, and the kubelet.", Fix: "Set podPidsLimit to a number, 1024, say.", Bad: config("podPidsLimit: -1"), Good: config("podPidsLimit: 1024"),
		}, Least("pod-max-pids", 1)),
		of(k, "kubelet-seccomp", "containers that name no seccomp profile run without one", finding.Medium, "cis-k8s-1.12/4.2.14 nsa-1.2/pod-security-enforcement", check.Page{
			Why: "Unconfined, a container may make every system call, those of most ways out included.", Fix: "Set seccompDefault: true.", Bad: config("seccompDefault: false"), Good: config("seccompDefault: true"),
		}, Must("seccomp-default", "true")),
		of(k, "kubelet-webhook-authentication", "the kubelet takes no tokens", finding.Low, "nsa-1.2/worker-node-segmentation", check.Page{
			Why: "Programs that scrape it then need certificates, or the anonymous way in stays open for them. A kubelet without a configuration file takes none by default.", Fix: "Set authentication.webhook.enabled: true.",
			Bad: config("authentication: {webhook: {enabled: false}}"), Good: config("authentication: {webhook: {enabled: true}}"),
		}, Must("authentication-token-webhook", "true")),
		of(k, "kubelet-manifest-url", "the kubelet starts pods that an address names", finding.High, "nsa-1.2/worker-node-segmentation", check.Page{
			Why: "Who answers there, or stands between, runs what he likes as root, and the API server is not asked.", Fix: "Drop staticPodURL; use files of the node.", Bad: config("staticPodURL: http://boot.example.org/pods.yaml"), Good: config("staticPodPath: /etc/kubernetes/manifests"),
		}, func(l *Look) {
			if v := l.Value("manifest-url"); v.Text != "" {
				l.Hit(v, "")
			}
		}),
		of(k, "kubelet-unsafe-sysctls", "pods may set kernel parameters that reach beyond them", finding.Medium, "nsa-1.2/pod-security-enforcement", check.Page{
			Why: "An unsafe sysctl of one pod harms the node, or others.", Fix: "Drop allowedUnsafeSysctls, or name single ones on nodes of their own.", Bad: config("allowedUnsafeSysctls: ['kernel.*']"), Good: config("readOnlyPort: 0"),
		}, func(l *Look) {
			if v := l.Value("allowed-unsafe-sysctls"); v.Text != "" {
				l.Hit(v, v.Text)
			}
		}),
		of(k, "kubelet-kernel-defaults", "the kubelet changes the kernel's settings as it likes", finding.Info, "", check.Page{
			Why: "What was hardened on the host is undone without a word.", Fix: "Set protectKernelDefaults: true, and the parameters that it wants on the host.", Bad: config("protectKernelDefaults: false"), Good: config("protectKernelDefaults: true"),
		}, Must("protect-kernel-defaults", "true")),
		{
			Card: Named("node/kubernetes-end-of-life", "this release of Kubernetes gets no more fixes", finding.High, "nsa-1.2/upgrading", check.Page{
				Why: "What is found in it from now on stays.", Fix: "Upgrade, one minor release at a time.",
				Bad:  "# /etc/kubernetes/manifests/kube-scheduler.yaml\napiVersion: v1\nkind: Pod\nspec:\n  containers:\n  - command: [kube-scheduler]\n    image: registry.k8s.io/kube-scheduler:v1.29.4",
				Good: "# /etc/kubernetes/manifests/kube-scheduler.yaml\napiVersion: v1\nkind: Pod\nspec:\n  containers:\n  - command: [kube-scheduler]\n    image: registry.k8s.io/kube-scheduler:v1.37.2",
			}),
			Look: func(l *Look) {
				for _, c := range l.Host.Components {
					l.EndOfLife(c)
				}
			},
		},
		{
			Card: Named("node/kubernetes-skew", "programs of one cluster are of releases that do not fit", finding.Medium, "nsa-1.2/upgrading", check.Page{
				Why: "Kubernetes is tested with a kubelet up to three minor releases older than the API server, and never a newer one; controller manager and scheduler may be one older.", Fix: "Upgrade the API server first, then the others.",
				Bad:  skewed("1.37.2", "1.38.0"),
				Good: skewed("1.37.2", "1.37.1"),
			}),
			Look: skew,
		},
	}
}

func skewed(server, other string) string {
	pod := func(name, version string) string {
		return "# /etc/kubernetes/manifests/" + name + ".yaml\napiVersion: v1\nkind: Pod\nspec:\n  containers:\n  - command: [" + name + "]\n    image: registry.k8s.io/" + name + ":v" + version + "\n"
	}
	return pod("kube-apiserver", server) + pod("kube-scheduler", other)
}

func skew(l *Look) {
	for _, server := range l.Host.Components {
		if server.Name != "kube-apiserver" || server.Version.Minor == 0 {
			continue
		}
		for _, c := range l.Host.Components {
			oldest, ok := map[string]int{"kubelet": 3, "kube-proxy": 3, "kube-controller-manager": 1, "kube-scheduler": 1}[c.Name]
			if !ok || c.Version.Minor == 0 {
				continue
			}
			l.Saw()
			if behind := server.Version.Minor - c.Version.Minor; behind < 0 || behind > oldest {
				l.hits = append(l.hits, hitVersion(c, fmt.Sprintf("%s is %s, and the API server %s", c.Name, c.Version.Text, server.Version.Text)))
			}
		}
	}
}

func proxy() []Check {
	const config = "--config=/var/lib/kube-proxy/config.conf\n# /var/lib/kube-proxy/config.conf\napiVersion: kubeproxy.config.k8s.io/v1alpha1\nkind: KubeProxyConfiguration\n"
	return []Check{
		of("kube-proxy", "proxy-metrics", "kube-proxy tells its metrics to the network", finding.Low, "cis-k8s-1.12/4.3.1", check.Page{
			Why: "They, and with enableProfiling its inside, are asked for without credentials.", Fix: "Set metricsBindAddress: 127.0.0.1:10249.", Bad: config + "metricsBindAddress: 0.0.0.0:10249", Good: config + "metricsBindAddress: 127.0.0.1:10249",
		}, Loopback("metrics-bind-address")),
		of("kube-proxy", "proxy-profiling", "kube-proxy shows its inside", finding.Low, "", check.Page{
			Why: "A profile costs work and tells what the program does, and nobody is asked who he is.", Fix: "Set enableProfiling: false.", Bad: config + "enableProfiling: true", Good: config + "enableProfiling: false",
		}, Not("profiling", "true")),
	}
}
