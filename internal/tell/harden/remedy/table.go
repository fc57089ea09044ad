package remedy

import (
	"errors"
	"slices"
	"strconv"
	"strings"
)

// cure is what is done about a rule. An error, which is what a person has to do, leaves things as they are.
type cure struct {
	do   func(p *plan, o *Options) error
	note string
}

// suites are those of TLS 1.2 with forward secrecy and authenticated encryption (RFC 9325, section 4.2).
const suites = "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384," +
	"TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256"

const pki = "/etc/kubernetes/pki/" // where kubeadm puts keys and certificates

func set(pairs ...string) func(*plan, *Options) error {
	return func(p *plan, _ *Options) error {
		for i := 0; i < len(pairs); i += 2 {
			p.set(pairs[i], pairs[i+1])
		}
		return nil
	}
}

func drop(names ...string) func(*plan, *Options) error {
	return func(p *plan, _ *Options) error {
		for _, name := range names {
			p.drop(name)
		}
		return nil
	}
}

func add(name, item string) func(*plan, *Options) error {
	return func(p *plan, _ *Options) error {
		if all := p.list(name); !slices.Contains(all, item) {
			p.set(name, strings.Join(append(all, item), ","))
		}
		return nil
	}
}

func take(name string, item string) func(*plan, *Options) error {
	return func(p *plan, _ *Options) error {
		kept := slices.DeleteFunc(p.list(name), func(s string) bool { return s == item || strings.HasPrefix(s, item+"=") })
		if len(kept) == 0 {
			p.drop(name)
		} else {
			p.set(name, strings.Join(kept, ","))
		}
		return nil
	}
}

// files sets settings to files that are where kubeadm puts them; that they are missing is for a person to mend.
func files(pairs ...string) func(*plan, *Options) error {
	return func(p *plan, _ *Options) error {
		for i := 0; i < len(pairs); i += 2 {
			if f := p.of.File(pairs[i+1]); f == nil || f.Missing {
				return byHand("set --" + pairs[i] + "; there is no " + pairs[i+1] + ", where kubeadm would have put it")
			}
		}
		return set(pairs...)(p, nil)
	}
}

// authorizers names Node and RBAC, and keeps others but those that ask nobody.
func authorizers(p *plan, _ *Options) error {
	if p.value("authorization-config") != "" {
		return byHand("write Node and RBAC into the file that --authorization-config names, and AlwaysAllow out of it")
	}
	all := slices.DeleteFunc(p.list("authorization-mode"), func(m string) bool { return m == "AlwaysAllow" || m == "Node" })
	if !slices.Contains(all, "RBAC") {
		all = append(all, "RBAC")
	}
	p.set("authorization-mode", strings.Join(append([]string{"Node"}, all...), ","))
	return nil
}

// named has a setting name a document that we write, unless it names one already.
func named(setting string, make func(*plan, *Options) document) func(*plan, *Options) error {
	return func(p *plan, o *Options) error {
		d := make(p, o)
		at := o.Folder + "/" + d.name
		if have := p.value(setting); have == at {
			return nil
		} else if have != "" {
			return byHand("change " + have + ", which --" + setting + " names: " + d.words)
		}
		p.set(setting, at)
		p.wants = append(p.wants, d)
		p.see("plimsoll", o.Folder, false)
		return nil
	}
}

// anonymous shuts out people without a name but for probes of health.
func anonymous(p *plan, o *Options) error {
	switch v := p.of.Version; {
	case v.Minor == 0:
		return byHand("write an AuthenticationConfiguration with anonymous.conditions for /livez, /readyz and /healthz, of the version that the server knows: which one runs here is not known")
	case v.Minor < 32:
		return byHand("upgrade to Kubernetes 1.32, from where an AuthenticationConfiguration lets people without a name ask for health alone; --anonymous-auth=false would shut out the kubelet's probes, too")
	}
	for _, path := range p.probes {
		if path != "/livez" && path != "/readyz" && path != "/healthz" {
			return byHand("have the pod's probes ask for /livez or /readyz and nothing else (one asks for " + path + "), then write anonymous.conditions for these")
		}
	}
	issuer, err := p.issuer()
	if err != nil {
		return err
	}
	if err := named("authentication-config", func(p *plan, o *Options) document {
		d := authentication(p, o)
		d.text = append(d.text, issuer...)
		return d
	})(p, o); err != nil {
		return err
	}
	p.drop("anonymous-auth")
	if issuer != nil {
		for _, name := range ofIssuer {
			if p.of.Value(name).Set {
				p.drop(name)
			}
		}
	}
	return nil
}

func log(p *plan, o *Options) error {
	p.set("audit-log-path", o.Log)
	p.see("plimsoll-audit", o.Log[:strings.LastIndexByte(o.Log, '/')], true)
	return errors.Join(atLeast("audit-log-maxage", 30)(p, o), atLeast("audit-log-maxbackup", 10)(p, o), atLeast("audit-log-maxsize", 100)(p, o))
}

// atLeast raises a number; a larger one stays.
func atLeast(name string, least int) func(*plan, *Options) error {
	return func(p *plan, _ *Options) error {
		if n, ok := p.of.Value(name).Number(); !ok || n < least {
			p.set(name, strconv.Itoa(least))
		}
		return nil
	}
}

// gone drops what the servers of today do not know any more.
var gone = drop("insecure-port", "insecure-bind-address", "port")

var remedies = map[string]cure{
	"control/anonymous-auth":                  {do: anonymous, note: "kubeadm join reads the ConfigMap cluster-info without a name: while nodes join, let /api/v1/namespaces/kube-public/configmaps/cluster-info stand among the conditions"},
	"control/client-ca":                       {do: files("client-ca-file", pki+"ca.crt")},
	"control/service-account-lookup":          {do: drop("service-account-lookup")},
	"control/service-account-extended-tokens": {do: set("service-account-extend-token-expiration", "false"), note: "clients older than 1.21 do not read a renewed token"},
	"control/authorization-always-allow":      {do: authorizers, note: "what worked only because nobody was asked needs roles first: plimsoll rbac least"},
	"control/authorization-node":              {do: authorizers},
	"control/authorization-rbac":              {do: authorizers},
	"control/external-ips":                    {do: add("enable-admission-plugins", "DenyServiceExternalIPs"), note: "new Services can't name externalIPs any more"},
	"control/admission-always-admit":          {do: take("enable-admission-plugins", "AlwaysAdmit")},
	"control/admission-service-account":       {do: take("disable-admission-plugins", "ServiceAccount")},
	"control/admission-namespace-lifecycle":   {do: take("disable-admission-plugins", "NamespaceLifecycle")},
	"control/admission-pod-security":          {do: take("disable-admission-plugins", "PodSecurity")},
	"control/node-restriction":                {do: add("enable-admission-plugins", "NodeRestriction")},
	"control/pod-security-default": {
		do:   named("admission-control-config-file", admission),
		note: "pods beyond baseline are refused in namespaces without a label: look first with plimsoll cluster scan --pod-security baseline",
	},
	"control/audit-log":         {do: log},
	"control/audit-log-age":     {do: atLeast("audit-log-maxage", 30)},
	"control/audit-log-backups": {do: atLeast("audit-log-maxbackup", 10)},
	"control/audit-log-size":    {do: atLeast("audit-log-maxsize", 100)},
	"control/audit-policy":      {do: named("audit-policy-file", audit)},
	"control/audit-policy-gaps": {do: named("audit-policy-file", audit)},
	"control/kubelet-client-certificate": {
		do: files("kubelet-client-certificate", pki+"apiserver-kubelet-client.crt", "kubelet-client-key", pki+"apiserver-kubelet-client.key"),
	},
	"control/profiling":               {do: set("profiling", "false")},
	"control/request-timeout":         {do: drop("request-timeout")},
	"control/etcd-client-certificate": {do: files("etcd-certfile", pki+"apiserver-etcd-client.crt", "etcd-keyfile", pki+"apiserver-etcd-client.key")},
	"control/etcd-authority":          {do: files("etcd-cafile", pki+"etcd/ca.crt")},
	"control/serving-certificate":     {do: files("tls-cert-file", pki+"apiserver.crt", "tls-private-key-file", pki+"apiserver.key")},
	"control/ciphers":                 {do: set("tls-cipher-suites", suites)},
	"control/tls-version":             {do: set("tls-min-version", "VersionTLS12")},
	"control/insecure-port":           {do: gone},
	"control/encryption": {
		do:   named("encryption-provider-config", encryption),
		note: "every API server needs the same file before any of them starts with it; then write all secrets anew: kubectl get secrets -A -o json | kubectl replace -f -",
	},
	"control/manager-pod-collection":      {do: set("terminated-pod-gc-threshold", "12500")},
	"control/manager-profiling":           {do: set("profiling", "false")},
	"control/manager-credentials":         {do: set("use-service-account-credentials", "true")},
	"control/manager-service-account-key": {do: files("service-account-private-key-file", pki+"sa.key")},
	"control/manager-root-ca":             {do: files("root-ca-file", pki+"ca.crt")},
	"control/manager-kubelet-rotation":    {do: take("feature-gates", "RotateKubeletServerCertificate")},
	"control/manager-address":             {do: set("bind-address", "127.0.0.1"), note: "what scrapes its metrics from elsewhere can't any more"},
	"control/scheduler-profiling":         {do: set("profiling", "false")},
	"control/scheduler-address":           {do: set("bind-address", "127.0.0.1"), note: "what scrapes its metrics from elsewhere can't any more"},

	"control/etcd-certificate":      {do: files("cert-file", pki+"etcd/server.crt", "key-file", pki+"etcd/server.key")},
	"control/etcd-client-auth":      {do: store("client-cert-auth", "trusted-ca-file"), note: "the API server must come with a certificate: --etcd-certfile, --etcd-keyfile"},
	"control/etcd-auto-tls":         {do: drop("auto-tls")},
	"control/etcd-peer-certificate": {do: files("peer-cert-file", pki+"etcd/peer.crt", "peer-key-file", pki+"etcd/peer.key")},
	"control/etcd-peer-auth":        {do: store("peer-client-cert-auth", "peer-trusted-ca-file")},
	"control/etcd-peer-auto-tls":    {do: drop("peer-auto-tls")},
	"control/etcd-ciphers":          {do: set("cipher-suites", suites)},
	"control/etcd-metrics":          {do: set("listen-metrics-urls", "http://127.0.0.1:2381")},

	"node/docker-icc":            {do: set("icc", "false"), note: "containers of the default bridge do not reach each other any more"},
	"node/docker-log-level":      {do: set("log-level", "info")},
	"node/docker-iptables":       {do: set("iptables", "true")},
	"node/docker-new-privileges": {do: set("no-new-privileges", "true"), note: "sudo and other SUID programs do not work in containers any more"},
	"node/docker-live-restore":   {do: set("live-restore", "true")},
	"node/docker-userland-proxy": {do: set("userland-proxy", "false")},
	"node/docker-seccomp":        {do: drop("seccomp-profile")},
	"node/docker-experimental":   {do: drop("experimental")},

	"node/kubelet-anonymous":      {do: set("anonymous-auth", "false")},
	"node/kubelet-authorization":  {do: set("authorization-mode", "Webhook", "authentication-token-webhook", "true")},
	"node/kubelet-client-ca":      {do: files("client-ca-file", pki+"ca.crt")},
	"node/kubelet-read-only-port": {do: set("read-only-port", "0"), note: "what scrapes port 10255 has to ask port 10250, with a token"},
	"node/kubelet-idle-timeout":   {do: set("streaming-connection-idle-timeout", "5m")},
	"node/kubelet-iptables":       {do: set("make-iptables-util-chains", "true")},
	"node/kubelet-events":         {do: set("event-qps", "50")},
	"node/kubelet-serving-certificate": {
		do:   set("rotate-server-certificates", "true"),
		note: "somebody must approve the requests of kubelets: kubectl get csr, kubectl certificate approve",
	},
	"node/kubelet-rotation":               {do: set("rotate-certificates", "true")},
	"node/kubelet-server-rotation":        {do: gate("RotateKubeletServerCertificate", "true")},
	"node/kubelet-ciphers":                {do: set("tls-cipher-suites", suites)},
	"node/kubelet-tls-version":            {do: set("tls-min-version", "VersionTLS12")},
	"node/kubelet-pid-limit":              {do: set("pod-max-pids", "4096")},
	"node/kubelet-seccomp":                {do: set("seccomp-default", "true"), note: "containers that make unusual system calls fail: try one node first"},
	"node/kubelet-webhook-authentication": {do: set("authentication-token-webhook", "true")},
}

// store has etcd ask for certificates of an authority: the one that is set, or kubeadm's.
func store(ask, authority string) func(*plan, *Options) error {
	return func(p *plan, o *Options) error {
		if p.value(authority) == "" {
			if err := files(authority, pki+"etcd/ca.crt")(p, o); err != nil {
				return err
			}
		}
		p.set(ask, "true")
		return nil
	}
}

// gate switches a feature gate.
func gate(name, on string) func(*plan, *Options) error {
	return func(p *plan, _ *Options) error {
		if field := p.of.Field("feature-gates"); field != "" && p.of.Configured() {
			p.set(field+"."+name, on)
			return nil
		}
		kept := slices.DeleteFunc(p.list("feature-gates"), func(s string) bool { return strings.HasPrefix(s, name+"=") })
		p.set("feature-gates", strings.Join(append(kept, name+"="+on), ","))
		return nil
	}
}
