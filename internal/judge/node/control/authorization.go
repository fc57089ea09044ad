package control

import (
	"fmt"
	"path"
	"slices"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/check"
	"github.com/plimsoll/plimsoll/internal/judge/node"
	"github.com/plimsoll/plimsoll/internal/read/host"
)

const authz = "--authorization-config=/etc/kubernetes/authz.yaml\n# /etc/kubernetes/authz.yaml\napiVersion: apiserver.config.k8s.io/v1\nkind: AuthorizationConfiguration\nauthorizers:\n"

// modes are those that decide who may do what, in their order, and who says so.
func modes(l *node.Look) (all []string, v host.Value) {
	v = l.Value("authorization-mode")
	if l.Value("authorization-config").Text == "" {
		return v.List(), v
	}
	f, d := document(l, "authorization-config")
	if d == nil {
		v.Unknown = "--authorization-config"
		return nil, v
	}
	for _, one := range d.Get("authorizers").Items() {
		all = append(all, one.Get("type").String())
	}
	return all, in(f, "authorizers", d.Get("authorizers"))
}

func authorization() []node.Check {
	has := func(mode string) func(*node.Look) {
		return func(l *node.Look) {
			if all, v := modes(l); !slices.Contains(all, mode) {
				l.Hit(v, "")
			}
		}
	}
	return []node.Check{
		of(server, "authorization-always-allow", "everybody may do everything", finding.Critical, "cis-k8s-1.12/1.2.6 nsa-1.2/authentication-and-authorization", check.Page{
			Why: "AlwaysAllow says yes to every request; it is also what holds where no mode is named.", Fix: "Set --authorization-mode=Node,RBAC, or the same in an AuthorizationConfiguration.",
			Bad: "--authorization-mode=AlwaysAllow", Good: "--authorization-mode=Node,RBAC",
		}, func(l *node.Look) {
			if all, v := modes(l); slices.Contains(all, "AlwaysAllow") {
				l.Hit(v, "")
			}
		}),
		of(server, "authorization-node", "kubelets are not held to their own node", finding.Medium, "cis-k8s-1.12/1.2.7 nsa-1.2/authentication-and-authorization", check.Page{
			Why: "The Node authorizer lets a kubelet read the secrets of the pods on its node alone; by RBAC it reads all.", Fix: "Add Node to the authorizers, before RBAC.",
			Bad: "--authorization-mode=RBAC", Good: "--authorization-mode=Node,RBAC",
		}, has("Node")),
		of(server, "authorization-rbac", "rights are not given by RBAC", finding.High, "cis-k8s-1.12/1.2.8 nsa-1.2/authentication-and-authorization", check.Page{
			Why: "Without it roles and bindings in the cluster mean nothing: what counts is a file, a webhook, or nothing.", Fix: "Add RBAC to the authorizers.",
			Bad: "--authorization-mode=Node,ABAC", Good: authz + "- type: Node\n  name: node\n- type: RBAC\n  name: rbac",
		}, has("RBAC")),
		of(server, "authorization-webhook-fails-open", "while a webhook of authorization does not answer, its no is not heard", finding.Medium, "nsa-1.2/authentication-and-authorization", check.Page{
			Why: "With failurePolicy: NoOpinion who keeps the webhook from answering in time is judged by the next authorizer, as if the webhook had not been there.", Fix: "Set failurePolicy: Deny, with matchConditions that leave the system's own requests out.",
			Bad:  authz + "- type: Webhook\n  name: deny\n  webhook: {failurePolicy: NoOpinion, timeout: 3s}\n- type: RBAC\n  name: rbac",
			Good: authz + "- type: Webhook\n  name: deny\n  webhook: {failurePolicy: Deny, timeout: 3s}\n- type: RBAC\n  name: rbac",
		}, func(l *node.Look) {
			f, d := document(l, "authorization-config")
			for i, one := range d.Get("authorizers").Items() {
				if p := one.Get("webhook", "failurePolicy"); p.Is("NoOpinion") {
					l.Hit(in(f, fmt.Sprintf("authorizers[%d].webhook.failurePolicy", i), p), one.Get("name").String())
				}
			}
		}),
	}
}

const admission = "--enable-admission-plugins=NodeRestriction --admission-control-config-file=/etc/kubernetes/admission.yaml\n# /etc/kubernetes/admission.yaml\napiVersion: apiserver.config.k8s.io/v1\nkind: AdmissionConfiguration\nplugins:\n- name: PodSecurity\n  configuration:\n    kind: PodSecurityConfiguration\n    defaults:\n"

func plugins() []node.Check {
	const enable, disable = "enable-admission-plugins", "disable-admission-plugins"
	kept := func(name string) func(*node.Look) { return node.Lacks(disable, name) }
	return []node.Check{
		of(server, "external-ips", "a Service may take any address for its own", finding.Medium, "cis-k8s-1.12/1.2.3", check.Page{
			Why: "Who may make a Service may name another's address in spec.externalIPs, and gets its traffic (CVE-2020-8554).", Fix: "Enable DenyServiceExternalIPs, or refuse the field by a policy.",
			Bad: "--enable-admission-plugins=NodeRestriction", Good: "--enable-admission-plugins=NodeRestriction,DenyServiceExternalIPs",
		}, node.Lists(enable, "DenyServiceExternalIPs")),
		of(server, "event-rate-limit", "one client may fill the store with events", finding.Info, "cis-k8s-1.12/1.2.9", check.Page{
			Why: "A pod that fails in a loop, or who means to, writes events until etcd is full.", Fix: "Enable EventRateLimit with a configuration.",
			Bad: "--enable-admission-plugins=NodeRestriction", Good: "--enable-admission-plugins=NodeRestriction,EventRateLimit",
		}, node.Lists(enable, "EventRateLimit")),
		of(server, "admission-always-admit", "all that is asked is admitted", finding.High, "cis-k8s-1.12/1.2.10", check.Page{
			Why: "AlwaysAdmit is a plugin for tests; it has been deprecated since 1.13.", Fix: "Drop AlwaysAdmit.", Bad: "--enable-admission-plugins=AlwaysAdmit", Good: "--enable-admission-plugins=NodeRestriction",
		}, node.Lacks(enable, "AlwaysAdmit")),
		of(server, "always-pull-images", "a pod may use a private image that another pulled", finding.Info, "cis-k8s-1.12/1.2.11", check.Page{
			Why: "What is on the node is started without asking the registry: a pod without credentials runs, and reads, another tenant's image.", Fix: "Enable AlwaysPullImages where nodes are shared, or imagePullCredentialsVerificationPolicy of the kubelet (1.35).",
			Bad: "--enable-admission-plugins=NodeRestriction", Good: "--enable-admission-plugins=NodeRestriction,AlwaysPullImages",
		}, node.Lists(enable, "AlwaysPullImages")),
		of(server, "admission-service-account", "pods are not given their service account", finding.Medium, "cis-k8s-1.12/1.2.12", check.Page{
			Why: "Without the plugin a pod may name a secret of another account, and nothing is mounted as it says.", Fix: "Drop ServiceAccount from --disable-admission-plugins.", Bad: "--disable-admission-plugins=ServiceAccount", Good: "--disable-admission-plugins=DefaultStorageClass",
		}, kept("ServiceAccount")),
		of(server, "admission-namespace-lifecycle", "objects may be made in a namespace that is going, or is not there", finding.Medium, "cis-k8s-1.12/1.2.13", check.Page{
			Why: "What is made while a namespace goes stays behind, and who makes the namespace anew finds it.", Fix: "Drop NamespaceLifecycle from --disable-admission-plugins.", Bad: "--disable-admission-plugins=NamespaceLifecycle", Good: "--disable-admission-plugins=DefaultStorageClass",
		}, kept("NamespaceLifecycle")),
		of(server, "admission-pod-security", "Pod Security's labels mean nothing", finding.High, "nsa-1.2/pod-security-enforcement", check.Page{
			Why: "Without the PodSecurity plugin a namespace that is labelled restricted runs privileged pods.", Fix: "Drop PodSecurity from --disable-admission-plugins.", Bad: "--disable-admission-plugins=PodSecurity", Good: "--disable-admission-plugins=DefaultStorageClass",
		}, kept("PodSecurity")),
		of(server, "node-restriction", "a kubelet may change other nodes", finding.High, "cis-k8s-1.12/1.2.14", check.Page{
			Why: "A node that was broken into labels itself so that pods with secrets come to it, and changes the pods of others.", Fix: "Enable NodeRestriction.", Bad: "--profiling=false", Good: "--enable-admission-plugins=NodeRestriction",
		}, node.Lists(enable, "NodeRestriction")),
		of(server, "pod-security-default", "a namespace without a label may run what it likes", finding.Low, "nsa-1.2/pod-security-enforcement", check.Page{
			Why: "A namespace is privileged where neither its label nor the server's default says otherwise, and new ones are forgotten.", Fix: "Write an AdmissionConfiguration with PodSecurityConfiguration whose defaults.enforce is baseline or restricted, and exempt the namespaces that need more.",
			Bad: admission + "      enforce: privileged", Good: admission + "      enforce: baseline",
		}, podSecurityDefault),
	}
}

// podSecurityDefault looks for what holds in a namespace without a label.
func podSecurityDefault(l *node.Look) {
	f, d := document(l, "admission-control-config-file")
	if f == nil {
		if v := l.Value("admission-control-config-file"); v.Text == "" {
			l.Hit(v, "no default is set")
		}
		return
	}
	for i, p := range d.Get("plugins").Items() {
		if !p.Get("name").Is("PodSecurity") {
			continue
		}
		c := p.Get("configuration")
		field := fmt.Sprintf("plugins[%d].configuration", i)
		at := f
		if file := p.Get("path").String(); file != "" {
			if !path.IsAbs(file) {
				file = path.Join(path.Dir(f.Path), file)
			}
			if at = l.C.File(file); at == nil || at.Contents.Document() == nil {
				l.Doubt("what stands in " + file)
				return
			}
			c, field = at.Contents.Document(), "PodSecurityConfiguration"
		}
		if e := c.Get("defaults", "enforce"); !e.Is("baseline", "restricted") {
			l.Hit(in(at, field+".defaults.enforce", e), "")
		}
		return
	}
	l.Hit(in(f, "plugins", d), "no default is set")
}
