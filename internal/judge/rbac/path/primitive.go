package path

import (
	"slices"

	"github.com/plimsoll/plimsoll/internal/judge/rbac"
)

// Primitive is one way to gain what was not given.
type Primitive struct {
	ID     string
	Title  string // what is done, after a subject: "runs a pod in shop"
	Why    string // why it works
	When   string // what has to be so, and neither roles nor what was read says
	Closes string // what closes it, where the right has to stay

	needs []need // each of which one right has to meet; all of them together
	gives func(b *builder, from vertex, h hold)
	there func(b *builder) bool // there is something to gain by it; nil: always
}

// need is a set of requests of which one is enough.
type need struct {
	any   []rbac.Request
	wide  bool // a right of one namespace does not do
	names worth
	in    map[string]bool // of namespaces that a rule names, those that count; nil: all
}

// worth is what a right is worth that names objects.
type worth int

const (
	ofThere worth = iota // what it is where such an object is there; one that was not read may be
	apart                // names are followed by themselves, or are those of the requests
	chosen               // all of it: who asks has named the object before
)

// hold is a scope in which rights are held, with those that name objects.
type hold struct {
	namespace string // empty: everywhere
	role      *rbac.Role
	prim      *Primitive
	proof     string          // the rules that give it
	guard     [][]*rbac.Grant // grants of which one of each list is needed; none: of whoever stands before
}

func do(group, resource, sub string, verbs ...string) (all []rbac.Request) {
	for _, v := range verbs {
		all = append(all, rbac.Request{Verb: v, Group: group, Resource: resource, Subresource: sub})
	}
	return all
}

func named(name string, all []rbac.Request) []rbac.Request {
	for i := range all {
		all[i].Name = name
	}
	return all
}

func join(lists ...[]rbac.Request) (all []rbac.Request) {
	for _, l := range lists {
		all = append(all, l...)
	}
	return all
}

const (
	rbacGroup = "rbac.authorization.k8s.io"
	csrGroup  = "certificates.k8s.io"
)

// makers are what a controller makes pods of; the last of them others' (Argo, Tekton, Knative, Spark, KubeVirt).
func makers() []rbac.Request {
	var all []rbac.Request
	for _, r := range [][2]string{
		{"apps", "deployments"}, {"apps", "daemonsets"}, {"apps", "statefulsets"}, {"apps", "replicasets"}, {"", "replicationcontrollers"}, {"batch", "jobs"}, {"batch", "cronjobs"},
	} {
		verbs := []string{"create", "update", "patch"}
		if r[1] == "jobs" {
			verbs = verbs[:1] // the pod of one that is there cannot be changed
		}
		all = append(all, do(r[0], r[1], "", verbs...)...)
	}
	for _, r := range [][2]string{
		{"argoproj.io", "workflows"},
		{"argoproj.io", "cronworkflows"},
		{"argoproj.io", "rollouts"},
		{"tekton.dev", "taskruns"},
		{"tekton.dev", "pipelineruns"},
		{"serving.knative.dev", "services"},
		{"sparkoperator.k8s.io", "sparkapplications"},
		{"kubevirt.io", "virtualmachines"},
		{"kubevirt.io", "virtualmachineinstances"},
	} {
		all = append(all, do(r[0], r[1], "", "create")...)
	}
	return all
}

func runs() []rbac.Request { return join(do("", "pods", "", "create"), makers()) }

// Primitives lists all of them, but for those that what was read makes: [builder.readFences] and [builder.constrained].
func Primitives() []*Primitive { return slices.Concat(identities(), around()) }

// identities are the primitives by which one becomes another, or the node.
func identities() []*Primitive {
	return []*Primitive{
		{
			ID: "all", Title: "may do everything there", Why: "a rule has the verb *, the API group * and the resource *",
			Closes: "name what is needed", needs: []need{{any: do("*", "*", "", "*")}}, gives: toAdminOf,
		},
		{
			ID: "escalate", Title: "gives its own role every right", Why: "the verb escalate lifts the rule that nobody gives rights that it does not have, and the role that is changed is one that it holds",
			Closes: "take away escalate", needs: []need{{any: do(rbacGroup, "clusterroles", "", "escalate"), wide: true, names: apart}, {any: do(rbacGroup, "clusterroles", "", "update", "patch"), wide: true, names: apart}}, gives: toAdminOf,
		},
		{
			ID: "escalate-role", Title: "gives its own role every right in the namespace", Why: "the verb escalate lifts the rule that nobody gives rights that it does not have, and the role that is changed is one that it holds",
			Closes: "take away escalate", needs: []need{{any: do(rbacGroup, "roles", "", "escalate"), names: apart}, {any: do(rbacGroup, "roles", "", "update", "patch"), names: apart}}, gives: func(b *builder, from vertex, h hold) {
				if h.role != nil && h.role.Kind == "Role" {
					toAdminOf(b, from, h)
				}
			},
		},
		{
			ID: "bind", Title: "binds itself to cluster-admin", Why: "the verb bind lifts the rule that nobody binds to a role whose rights it does not have",
			Closes: "name in resourceNames the roles that may be bound", needs: []need{{any: join(do(rbacGroup, "clusterroles", "", "bind"), named("cluster-admin", do(rbacGroup, "clusterroles", "", "bind"))), wide: true, names: apart}, {any: do(rbacGroup, "clusterrolebindings", "", "create", "update", "patch"), wide: true, names: apart}}, gives: toAdminOf,
		},
		{
			ID: "bind-in", Title: "binds itself to cluster-admin in the namespace", Why: "the verb bind lifts the rule that nobody binds to a role whose rights it does not have",
			Closes: "name in resourceNames the roles that may be bound", needs: []need{{any: join(do(rbacGroup, "clusterroles", "", "bind"), named("cluster-admin", do(rbacGroup, "clusterroles", "", "bind"))), names: apart}, {any: do(rbacGroup, "rolebindings", "", "create")}}, gives: toNamespaceAdmin,
		},
		{
			ID: "impersonate-group", Title: "says that it is in system:masters", Why: "the right to impersonate groups holds for every group where it names none, system:masters too",
			Closes: "name in resourceNames who may be impersonated", needs: []need{{any: join(do("", "groups", "", "impersonate"), named("system:masters", do("", "groups", "", "impersonate"))), wide: true, names: apart}, {any: join(do("", "users", "", "impersonate"), do("", "serviceaccounts", "", "impersonate")), names: chosen}}, gives: toAdminOf,
		},
		{
			ID: "impersonate-user", Title: "says that it is another user", Why: "the right to impersonate users holds for every user where it names none",
			Closes: "name in resourceNames who may be impersonated", needs: []need{{any: do("", "users", "", "impersonate"), wide: true, names: apart}}, gives: toPower(anyUser),
		},
		{
			ID: "impersonate-account", Title: "says that it is an account", Why: "the right to impersonate serviceaccounts holds for every one of the namespace where it names none",
			Closes: "name in resourceNames who may be impersonated", needs: []need{{any: do("", "serviceaccounts", "", "impersonate"), names: apart}}, gives: toPower(tokens),
		},
		{
			ID: "token", Title: "asks for an account's token", Why: "whoever may create serviceaccounts/token is given a token of any account of the namespace",
			Closes: "name in resourceNames the accounts", needs: []need{{any: do("", "serviceaccounts", "token", "create"), names: apart}}, gives: toPower(tokens),
		},
		{
			ID: "token-secret", Title: "makes a Secret that a controller fills with an account's token", Why: "a Secret of the type kubernetes.io/service-account-token names an account, and is filled with a token that does not end",
			Closes: "give no right to create and read Secrets in one", needs: []need{{any: do("", "secrets", "", "create")}, {any: do("", "secrets", "", "get", "list", "watch"), names: chosen}}, gives: toPower(tokens),
		},
		{
			ID: "secrets", Title: "reads Secrets", Why: "get, list and watch give the whole of a Secret; names that are fixed can be guessed",
			Closes: "name in resourceNames the Secrets, for get alone", needs: []need{{any: do("", "secrets", "", "get", "list", "watch"), names: apart}}, gives: toPower(secrets),
		},
		{
			ID: "pods", Title: "runs a pod", Why: "a pod runs as any account of its namespace and mounts any Secret of it; privileged, or with the node's files, it is the node's root",
			Closes: "enforce the Pod Security Standard restricted in the namespace, and keep accounts with more rights out of it", needs: []need{{any: do("", "pods", "", "create")}}, gives: toPower(pods),
		},
		{
			ID: "workloads", Title: "has a controller run a pod", Why: "the controller creates the pod, with the account and the volumes that the workload names",
			Closes: "enforce the Pod Security Standard restricted in the namespace, and keep accounts with more rights out of it", needs: []need{{any: makers(), names: apart}}, gives: toPower(pods),
		},
		{
			ID: "exec", Title: "goes into a running pod", Why: "exec and attach run what they are told in the container, with its account's token",
			Closes: "give the right to nobody but for debugging, by name", needs: []need{{any: join(do("", "pods", "exec", "create"), do("", "pods", "attach", "create")), names: apart}}, gives: toPower(into),
		},
		{
			ID: "debug", Title: "puts a container of its own into a running pod", Why: "an ephemeral container shares the pod's account, and another image takes the container's place",
			Closes: "give the right to nobody but for debugging, by name", needs: []need{{any: join(do("", "pods", "ephemeralcontainers", "update", "patch"), do("", "pods", "", "update", "patch")), names: apart}}, gives: toPower(into),
		},
		{
			ID: "node-proxy", Title: "talks to the kubelet past the API server", Why: "nodes/proxy reaches the kubelet's own exec, for get too, and no admission and no audit sees it",
			Closes: "give nodes/metrics, nodes/stats, nodes/log or nodes/pods instead", needs: []need{{any: do("", "nodes", "proxy", "get", "create"), wide: true}}, gives: toPower(into),
		},
		{
			ID: "certificate", Title: "signs itself a client certificate", Why: "who approves for the signer kubernetes.io/kube-apiserver-client gets a certificate of any user and group but system:masters, which cannot be revoked",
			Closes: "let nobody both ask and approve", needs: []need{
				{any: do(csrGroup, "certificatesigningrequests", "", "create"), wide: true},
				{any: do(csrGroup, "certificatesigningrequests", "approval", "update", "patch"), wide: true, names: chosen},
				{any: join(do(csrGroup, "signers", "", "approve"), named("kubernetes.io/kube-apiserver-client", do(csrGroup, "signers", "", "approve")), named("kubernetes.io/*", do(csrGroup, "signers", "", "approve"))), wide: true, names: apart},
				{any: do(csrGroup, "certificatesigningrequests", "", "get", "list", "watch"), wide: true, names: chosen},
			}, gives: toPower(anyIdentity),
		},
		{
			ID: "bootstrap", Title: "makes a bootstrap token", Why: "a Secret of the type bootstrap.kubernetes.io/token in kube-system puts its holder into a group system:bootstrappers, where the API server takes such tokens",
			Closes: "turn bootstrap tokens off, and give nobody the right to create Secrets in kube-system", needs: []need{{any: do("", "secrets", "", "create")}}, gives: func(b *builder, from vertex, h hold) {
				if h.namespace == "" || h.namespace == "kube-system" {
					b.edge(from, vertex{kind: power, name: bootstrappers}, h)
				}
			}, there: func(b *builder) bool { return b.server.may("enable-bootstrap-token-auth") },
		},
		{
			ID: "webhook", Title: "has a webhook rewrite the pods of others", Why: "a mutating webhook is asked about every pod that a controller makes, in every namespace, and changes it at will",
			Closes: "name in resourceNames the configurations", needs: []need{{any: do("admissionregistration.k8s.io", "mutatingwebhookconfigurations", "", "create", "update", "patch"), wide: true}}, gives: toPower(pods),
		},
		{
			ID: "mutating-policy", Title: "has a policy rewrite the pods of others", Why: "a MutatingAdmissionPolicy changes every pod that a controller makes, in every namespace",
			Closes: "name in resourceNames the policies", needs: []need{{any: do("admissionregistration.k8s.io", "mutatingadmissionpolicies", "", "create", "update", "patch"), wide: true}, {any: do("admissionregistration.k8s.io", "mutatingadmissionpolicybindings", "", "create", "update", "patch"), wide: true}}, gives: toPower(pods),
		},
		{
			ID: "volume", Title: "mounts the node's files by way of a volume of its own", Why: "a PersistentVolume may be a path of the node, and Pod Security does not follow a claim to its volume",
			Closes: "give nobody the right to create PersistentVolumes", needs: []need{{any: do("", "persistentvolumes", "", "create"), wide: true}, {any: do("", "persistentvolumeclaims", "", "create")}, {any: runs()}}, gives: func(b *builder, from vertex, h hold) {
				b.edge(from, node, h)
				b.edge(from, others, h)
			},
		},
		{
			ID: "bind-role", Title: "binds itself to a role of the namespace", Why: "the verb bind lifts the rule that nobody binds to a role whose rights it does not have",
			Closes: "name in resourceNames the roles that may be bound", needs: []need{{any: do(rbacGroup, "roles", "", "bind"), names: apart}, {any: do(rbacGroup, "rolebindings", "", "create")}}, gives: toPower(rolesOf),
		},
		{
			ID: "node-certificate", Title: "signs itself the certificate of a node", Why: "who approves for the signer kubernetes.io/kube-apiserver-client-kubelet gets a certificate of any node, and a node is given the tokens of the accounts that run on it",
			Closes: "leave approval to the controller, and let nobody both ask and approve", needs: []need{
				{any: do(csrGroup, "certificatesigningrequests", "", "create"), wide: true},
				{any: do(csrGroup, "certificatesigningrequests", "approval", "update", "patch"), wide: true, names: chosen},
				{any: join(do(csrGroup, "signers", "", "approve"), named("kubernetes.io/kube-apiserver-client-kubelet", do(csrGroup, "signers", "", "approve")), named("kubernetes.io/*", do(csrGroup, "signers", "", "approve"))), wide: true, names: apart},
				{any: do(csrGroup, "certificatesigningrequests", "", "get", "list", "watch"), wide: true, names: chosen},
			}, gives: toPower(kubelets),
		},
		{
			ID: "steer", Title: "has pods of others come to a node that it has made its own", Why: "who is root on a node has the tokens of all pods there, and pods come where the other nodes are tainted, are gone, or evict them",
			Closes: "leave the right to controllers, and keep pods that run privileged from those who have it", needs: []need{{any: join(do("", "nodes", "", "update", "patch", "delete", "deletecollection"), do("", "nodes", "status", "update", "patch")), wide: true}, {any: runs()}}, gives: func(b *builder, from vertex, h hold) {
				if b.opens(h.namespace) {
					b.edge(from, vertex{kind: power, name: into}, h)
				}
			},
		},
		{
			ID: "gitops", Title: "has an operator apply what it writes", Why: "Flux and Argo CD apply what their objects name, with their own rights",
			Closes: "have the operator act as an account of the namespace", needs: []need{{any: join(do("kustomize.toolkit.fluxcd.io", "kustomizations", "", "create", "update", "patch"), do("helm.toolkit.fluxcd.io", "helmreleases", "", "create", "update", "patch"), do("argoproj.io", "applications", "", "create", "update", "patch"))}}, gives: func(b *builder, from vertex, h hold) {
				b.edge(from, vertex{kind: power, name: operators}, h)
			}, there: (*builder).operated,
		},
	}
}

func toAdminOf(b *builder, from vertex, h hold) {
	if h.namespace == "" {
		b.edge(from, admin, h)
		return
	}
	toNamespaceAdmin(b, from, h)
}

// everything is what cluster-admin has.
var everything = []rbac.Rule{{Verbs: []string{"*"}, Groups: []string{"*"}, Resources: []string{"*"}}}

// toNamespaceAdmin gives all that every right in a namespace gives.
func toNamespaceAdmin(b *builder, from vertex, h hold) {
	m := &meeting{b: b, namespace: h.namespace}
	for _, p := range b.prims {
		if slices.Contains([]string{"all", "bind-in", "escalate-role"}, p.ID) {
			continue // which lead here
		}
		if _, ok := m.meets(everything, p.needs); ok {
			p.gives(b, from, h)
		}
	}
}

func toPower(what string) func(*builder, vertex, hold) {
	return func(b *builder, from vertex, h hold) {
		b.edge(from, vertex{kind: power, name: what, namespace: h.namespace}, h)
	}
}
