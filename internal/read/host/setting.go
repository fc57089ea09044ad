package host

import "strings"

// setting is one that a component has: a flag, a field of its configuration file, or both.
type setting struct {
	flag, field string
	list        bool // more than one flag add up
	// bare is the default, by the version of Kubernetes since which it is, oldest first; filed is the one that
	// counts where there is a configuration file, nil: the same.
	bare, filed []since
}

// since is a default from a minor version of Kubernetes on.
type since struct {
	minor int
	text  string
}

func (s setting) name() string {
	if s.flag != "" {
		return "--" + s.flag
	}
	return s.field
}

// truth says that it is either true or false, which its default tells.
func (s setting) truth() bool {
	return len(s.bare) > 0 && (s.bare[0].text == "true" || s.bare[0].text == "false")
}

// env is the variable that etcd reads for a flag.
func (s setting) env() string {
	if s.flag == "" {
		return ""
	}
	return "ETCD_" + strings.ToUpper(strings.ReplaceAll(s.flag, "-", "_"))
}

// byDefault is the default; false where it hangs on a version that is not known.
func (s setting) byDefault(v Version, configured bool) (string, bool) {
	all := s.bare
	if configured && s.filed != nil {
		all = s.filed
	}
	text := ""
	for i, one := range all {
		if i > 0 && v.Minor == 0 {
			return "", false
		}
		if i == 0 || v.Minor >= one.minor {
			text = one.text
		}
	}
	return text, true
}

// zero is what is left out of JSON: a number, a truth or a text of nothing.
func (s setting) zero() string {
	if len(s.bare) == 0 {
		return ""
	}
	switch text := s.bare[0].text; {
	case s.truth():
		return "false"
	case strings.Trim(text, "-0123456789") == "":
		return "0"
	}
	return ""
}

func always(text string) []since { return []since{{text: text}} }

// settingOf is a setting by its name. One that stands in no table is a flag, or a field where its name has a
// point or a capital letter, and is nothing by default.
func settingOf(component, name string) setting {
	for _, s := range settings(component) {
		if s.flag == name || s.flag == "" && s.field == name {
			return s
		}
	}
	if strings.ContainsAny(name, ".ABCDEFGHIJKLMNOPQRSTUVWXYZ") || component == "containerd" || component == "crio" {
		return setting{field: name}
	}
	switch component {
	case "dockerd":
		return setting{flag: name, field: name}
	case "etcd":
		return setting{flag: name, field: name}
	}
	return setting{flag: name}
}

// settings are those of a component that have a default, a field beside the flag, or add up. Defaults are those of
// the programs' own sources (kubernetes v1.37 cmd/kube-apiserver/app/options, pkg/kubelet/apis/config/v1beta1/defaults.go
// and cmd/kubelet/app/options, etcd v3.6 server/embed, moby v28 daemon/config); they have been so since Kubernetes 1.24
// where no other version stands.
func settings(component string) []setting {
	switch component {
	case "kube-apiserver":
		return []setting{
			{flag: "anonymous-auth", bare: always("true")},
			{flag: "authorization-mode", list: true, bare: always("AlwaysAllow")},
			{flag: "enable-admission-plugins", list: true},
			{flag: "disable-admission-plugins", list: true},
			{flag: "profiling", bare: always("true")},
			{flag: "audit-log-maxage", bare: always("0")},
			{flag: "audit-log-maxbackup", bare: always("0")},
			{flag: "audit-log-maxsize", bare: always("0")},
			{flag: "request-timeout", bare: always("1m0s")},
			{flag: "service-account-lookup", bare: always("true")},
			{flag: "service-account-extend-token-expiration", bare: always("true")},
			{flag: "tls-min-version", bare: always("VersionTLS12")},
			{flag: "tls-cipher-suites", list: true},
			{flag: "feature-gates", list: true},
			{flag: "oidc-username-claim", bare: always("sub")},
			{flag: "oidc-required-claim", list: true},
			{flag: "service-account-key-file", list: true},
			{flag: "runtime-config", list: true},
		}
	case "kube-controller-manager":
		return []setting{
			{flag: "terminated-pod-gc-threshold", bare: always("12500")},
			{flag: "profiling", bare: always("true")},
			{flag: "use-service-account-credentials", bare: always("false")},
			{flag: "feature-gates", list: true},
			{flag: "bind-address", bare: always("0.0.0.0")},
			{flag: "tls-min-version", bare: always("VersionTLS12")},
			{flag: "tls-cipher-suites", list: true},
		}
	case "kube-scheduler":
		return []setting{
			{flag: "profiling", field: "enableProfiling", bare: always("true")},
			{flag: "bind-address", bare: always("0.0.0.0")},
			{flag: "feature-gates", list: true},
			{flag: "tls-min-version", bare: always("VersionTLS12")},
			{flag: "tls-cipher-suites", list: true},
		}
	case "etcd":
		return []setting{
			{flag: "cert-file", field: "client-transport-security.cert-file"},
			{flag: "key-file", field: "client-transport-security.key-file"},
			{flag: "client-cert-auth", field: "client-transport-security.client-cert-auth", bare: always("false")},
			{flag: "trusted-ca-file", field: "client-transport-security.trusted-ca-file"},
			{flag: "auto-tls", field: "client-transport-security.auto-tls", bare: always("false")},
			{flag: "peer-cert-file", field: "peer-transport-security.cert-file"},
			{flag: "peer-key-file", field: "peer-transport-security.key-file"},
			{flag: "peer-client-cert-auth", field: "peer-transport-security.client-cert-auth", bare: always("false")},
			{flag: "peer-trusted-ca-file", field: "peer-transport-security.trusted-ca-file"},
			{flag: "peer-auto-tls", field: "peer-transport-security.auto-tls", bare: always("false")},
			{flag: "data-dir", field: "data-dir", bare: always("default.etcd")},
			{flag: "tls-min-version", field: "tls-min-version", bare: always("TLS1.2")},
			{flag: "cipher-suites", field: "cipher-suites", list: true},
			{flag: "listen-client-urls", field: "listen-client-urls", bare: always("http://localhost:2379")},
			{flag: "listen-peer-urls", field: "listen-peer-urls", bare: always("http://localhost:2380")},
			{flag: "listen-metrics-urls", field: "listen-metrics-urls"},
		}
	case "kubelet":
		return []setting{
			{flag: "anonymous-auth", field: "authentication.anonymous.enabled", bare: always("true"), filed: always("false")},
			{flag: "authorization-mode", field: "authorization.mode", bare: always("AlwaysAllow"), filed: always("Webhook")},
			{flag: "authentication-token-webhook", field: "authentication.webhook.enabled", bare: always("false"), filed: always("true")},
			{flag: "client-ca-file", field: "authentication.x509.clientCAFile"},
			{flag: "read-only-port", field: "readOnlyPort", bare: always("10255"), filed: always("0")},
			{flag: "streaming-connection-idle-timeout", field: "streamingConnectionIdleTimeout", bare: always("4h0m0s")},
			{flag: "make-iptables-util-chains", field: "makeIPTablesUtilChains", bare: always("true")},
			{flag: "event-qps", field: "eventRecordQPS", bare: []since{{text: "5"}, {27, "50"}}},
			{flag: "tls-cert-file", field: "tlsCertFile"},
			{flag: "tls-private-key-file", field: "tlsPrivateKeyFile"},
			{flag: "rotate-certificates", field: "rotateCertificates", bare: always("false")},
			{flag: "rotate-server-certificates", field: "serverTLSBootstrap", bare: always("false")},
			{flag: "tls-cipher-suites", field: "tlsCipherSuites", list: true},
			{flag: "tls-min-version", field: "tlsMinVersion", bare: always("VersionTLS12")},
			{flag: "pod-max-pids", field: "podPidsLimit", bare: always("-1")},
			{flag: "seccomp-default", field: "seccompDefault", bare: always("false")},
			{flag: "protect-kernel-defaults", field: "protectKernelDefaults", bare: always("false")},
			{flag: "pod-manifest-path", field: "staticPodPath"},
			{flag: "manifest-url", field: "staticPodURL"},
			{flag: "enable-debugging-handlers", field: "enableDebuggingHandlers", bare: always("true")},
			{flag: "allowed-unsafe-sysctls", field: "allowedUnsafeSysctls", list: true},
			{flag: "container-runtime-endpoint", field: "containerRuntimeEndpoint"},
			{flag: "feature-gates", field: "featureGates", list: true},
		}
	case "kube-proxy":
		return []setting{
			{flag: "metrics-bind-address", field: "metricsBindAddress", bare: always("127.0.0.1:10249")},
			{flag: "kubeconfig", field: "clientConnection.kubeconfig"},
			{flag: "profiling", field: "enableProfiling", bare: always("false")},
		}
	case "dockerd":
		return []setting{
			{flag: "host", field: "hosts", list: true, bare: always("unix:///var/run/docker.sock")},
			{flag: "insecure-registry", field: "insecure-registries", list: true},
			{flag: "log-level", field: "log-level", bare: always("info")},
			{flag: "log-driver", field: "log-driver", bare: always("json-file")},
			{flag: "log-opt", field: "log-opts", list: true},
			{flag: "icc", field: "icc", bare: always("true")},
			{flag: "iptables", field: "iptables", bare: always("true")},
			{flag: "userland-proxy", field: "userland-proxy", bare: always("true")},
			{flag: "live-restore", field: "live-restore", bare: always("false")},
			{flag: "no-new-privileges", field: "no-new-privileges", bare: always("false")},
			{flag: "experimental", field: "experimental", bare: always("false")},
			{flag: "tls", field: "tls", bare: always("false")},
			{flag: "tlsverify", field: "tlsverify", bare: always("false")},
			{flag: "rootless", field: "rootless", bare: always("false")},
			{flag: "authorization-plugin", field: "authorization-plugins", list: true},
			{flag: "default-ulimit", field: "default-ulimits", list: true},
			{flag: "data-root", field: "data-root", bare: always("/var/lib/docker")},
			{flag: "config-file", bare: always("/etc/docker/daemon.json")},
		}
	}
	return nil
}
