package path

import (
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/plimsoll/plimsoll/internal/judge/rbac"
	"github.com/plimsoll/plimsoll/internal/read/kube"
)

// change is what is done to an object that is there, or in its place.
func change(group, resource string) []rbac.Request {
	return do(group, resource, "", "create", "update", "patch")
}

// harm is what takes an object away, or what it says.
func harm(group, resource string) []rbac.Request {
	return do(group, resource, "", "update", "patch", "delete", "deletecollection")
}

const registrations = "admissionregistration.k8s.io"

// around are the primitives by which one becomes nobody else: what stands around others is theirs, is off, or is read.
func around() []*Primitive {
	return []*Primitive{
		{
			ID: "admission-off", Title: "takes a webhook or a policy of admission away", Why: "what a webhook or a ValidatingAdmissionPolicy forbids, nobody forbids without it",
			Closes: "name in resourceNames the configurations that belong to the program", needs: []need{{any: join(
				harm(registrations, "validatingwebhookconfigurations"), harm(registrations, "mutatingwebhookconfigurations"),
				harm(registrations, "validatingadmissionpolicies"), harm(registrations, "validatingadmissionpolicybindings"),
			), wide: true}}, gives: toSink(policies),
		},
		{
			ID: "exempt", Title: "has a policy engine let pass what it forbids", Why: "Kyverno, Gatekeeper and Plimsoll read what is forbidden, and what is excepted, from objects",
			When: "where the engine is installed", Closes: "leave exceptions and policies to those who answer for them", needs: []need{{any: engines()}}, gives: toSink(policies),
		},
		{
			ID: "relabel-namespace", Title: "takes a namespace out of what policies choose", Why: "Pod Security, webhooks and policies choose namespaces by their labels",
			Closes: "give nobody who works in a namespace the right to change it", needs: []need{{any: do("", "namespaces", "", "update", "patch")}}, gives: toSink(policies),
		},
		{
			ID: "webhook-service", Title: "sends what a webhook is asked to nowhere", Why: "a webhook that fails is passed over where its failurePolicy is Ignore, and it fails where its Service leads elsewhere",
			Closes: "set failurePolicy: Fail, and let nobody else write in the webhook's namespace", needs: []need{{any: join(
				do("", "endpoints", "", "create", "update", "patch", "delete"), do("discovery.k8s.io", "endpointslices", "", "create", "update", "patch", "delete"), do("", "services", "", "update", "patch", "delete"),
			)}}, gives: func(b *builder, from vertex, h hold) {
				if b.hooked(h.namespace) {
					b.edge(from, policies, h)
				}
			},
		},
		{
			ID: "conversion", Title: "converts the objects of a kind as it likes", Why: "a CustomResourceDefinition names the webhook that all objects of its kind pass through when they are read and written",
			Closes: "name in resourceNames the definitions that belong to the program", needs: []need{{any: do("apiextensions.k8s.io", "customresourcedefinitions", "", "update", "patch"), wide: true}}, gives: func(b *builder, from vertex, h hold) {
				if b.operated() {
					b.edge(from, vertex{kind: power, name: operators}, h)
				}
				b.edge(from, policies, h) // an engine's are among them
			},
		},
		{
			ID: "external-ip", Title: "takes traffic to an address that is another's", Why: "a Service with externalIPs is sent what pods send there",
			When: "if the admission plugin DenyServiceExternalIPs is off", Closes: "turn DenyServiceExternalIPs on", needs: []need{{any: change("", "services")}}, gives: toSink(network),
			there: func(b *builder) bool { return !b.server.has("enable-admission-plugins", "DenyServiceExternalIPs") },
		},
		{
			ID: "balancer-address", Title: "takes traffic to an address that is another's, as a load balancer's", Why: "a Service of the type LoadBalancer is sent what pods send to the address in its status; DenyServiceExternalIPs does not look there",
			When: "where a Service of the type LoadBalancer is there, or may be made", Closes: "give nobody services/status", needs: []need{{any: do("", "services", "status", "update", "patch")}}, gives: toSink(network),
		},
		{
			ID: "endpoints", Title: "answers in the place of a Service", Why: "who writes Endpoints or EndpointSlices says where a Service leads, to another namespace and past its policies, too",
			Closes: "leave them to the controllers", needs: []need{{any: join(change("", "endpoints"), change("discovery.k8s.io", "endpointslices"))}}, gives: toSink(network),
		},
		{
			ID: "routes", Title: "takes the requests to a name from outside", Why: "an Ingress or a route claims hosts and paths, and some controllers run what its annotations say; a ReferenceGrant lets routes of other namespaces in",
			Closes: "let one policy say which hosts a namespace may claim, and turn snippets off", needs: []need{{any: join(
				change("networking.k8s.io", "ingresses"), change("gateway.networking.k8s.io", "httproutes"), change("gateway.networking.k8s.io", "gateways"), change("gateway.networking.k8s.io", "referencegrants"),
			)}}, gives: toSink(network),
		},
		{
			ID: "isolation-off", Title: "takes away what keeps pods apart", Why: "pods that no NetworkPolicy selects are reached from everywhere",
			Closes: "give nobody who runs pods the right to change policies", needs: []need{{any: join(
				harm("networking.k8s.io", "networkpolicies"), harm("policy.networking.k8s.io", "clusternetworkpolicies"), harm("policy.networking.k8s.io", "adminnetworkpolicies"),
				harm("cilium.io", "ciliumnetworkpolicies"), harm("cilium.io", "ciliumclusterwidenetworkpolicies"), harm("crd.projectcalico.org", "networkpolicies"), harm("crd.projectcalico.org", "globalnetworkpolicies"),
			)}}, gives: toSink(network), there: func(b *builder) bool { return !b.model.Whole || b.any("networking.k8s.io", "NetworkPolicy") },
		},
		{
			ID: "tunnel", Title: "talks to ports of pods past what keeps them apart", Why: "the API server or the kubelet makes the connection, and no NetworkPolicy stands in its way",
			Closes: "give the right to nobody but for debugging, in one namespace", needs: []need{{any: join(
				do("", "pods", "portforward", "create"), do("", "pods", "proxy", "get", "create"), do("", "services", "proxy", "get", "create"),
			), names: chosen}}, gives: toSink(network),
		},
		{
			ID: "api-service", Title: "answers for a part of the API", Why: "an APIService says which server is asked about a group; it is sent the requests, and who sent them, and what it answers is believed",
			Closes: "name in resourceNames the APIServices that belong to the program", needs: []need{{any: change("apiregistration.k8s.io", "apiservices"), wide: true}}, gives: toSink(network),
		},
		systemConfig("dns", "says what names lead to", "CoreDNS answers all pods by its ConfigMap", "coredns", toSink(network), (*builder).dns),
		systemConfig("kube-proxy", "says how nodes send traffic on", "kube-proxy reads how it reaches the API server, and what it does, from its ConfigMap", "kube-proxy", toSink(network), (*builder).proxied),
		systemConfig("aws-auth", "says which of the cloud's roles are the cluster's masters", "EKS takes users and groups of the cloud's roles from the ConfigMap, system:masters too", "aws-auth", toAdmin, (*builder).onEKS),
		systemConfig("kubeadm-config", "says how the API server is started next", "kubeadm upgrade writes the control plane's flags and volumes from the ConfigMap", "kubeadm-config", toAdmin, (*builder).byKubeadm),
		systemConfig("front-proxy", "says whom servers behind the API server believe", "they take the authorities of clients, and of the API server's own word for who asks, from the ConfigMap", "extension-apiserver-authentication", toSink(network), nil),
		{
			ID: "cloud-role", Title: "gives an account a role in the cloud, and runs as it", Why: "EKS, GKE and AKS let a pod be the cloud's identity that its account's annotation names",
			When: "if the cloud trusts the account by its name", Closes: "have the cloud trust one account for one role, and give nobody who runs pods the right to change accounts",
			needs: []need{{any: change("", "serviceaccounts")}, {any: runs()}}, gives: toSink(cloud), there: func(b *builder) bool { return slices.ContainsFunc(b.kube.Objects, clouded) },
		},
		{
			ID: "kubelet-read", Title: "reads logs and settings of nodes", Why: "the kubelet serves what stands in /var/log, its own settings, and, where that is on, the system's log",
			Closes: "give nodes/metrics, nodes/stats or nodes/healthz instead", needs: []need{{any: join(do("", "nodes", "log", "get"), do("", "nodes", "configz", "get"), do("", "nodes", "checkpoint", "create")), wide: true, names: chosen}}, gives: toSink(logs),
		},
		{
			ID: "server-read", Title: "reads what the API server logs, and looks into it", Why: "/logs are the files of the control plane's /var/log, the audit log among them, and /debug shows what the server does",
			Closes: "give the paths that are needed: /metrics, /healthz, /readyz", needs: []need{{any: []rbac.Request{{Verb: "get", URL: "/logs"}, {Verb: "get", URL: "/logs/"}, {Verb: "get", URL: "/debug/pprof"}, {Verb: "get", URL: "/debug/pprof/"}}, wide: true}}, gives: toSink(logs),
		},
		{
			ID: "clone", Title: "mounts a copy of a volume that is another's", Why: "a VolumeSnapshotContent names any snapshot of the storage by its handle, and a claim is filled from it",
			Closes: "leave VolumeSnapshotContents to the controller", needs: []need{
				{any: do("snapshot.storage.k8s.io", "volumesnapshotcontents", "", "create"), wide: true}, {any: do("snapshot.storage.k8s.io", "volumesnapshots", "", "create")}, {any: do("", "persistentvolumeclaims", "", "create")}, {any: runs()},
			}, gives: toSink(others),
		},
		{
			ID: "device", Title: "claims devices that others use", Why: "a claim with adminAccess is given devices that are taken, in namespaces whose label allows it",
			Closes: "take the label resource.kubernetes.io/admin-access off namespaces where applications run", needs: []need{{any: join(do("resource.k8s.io", "resourceclaims", "", "create"), do("resource.k8s.io", "resourceclaimtemplates", "", "create"))}, {any: runs()}}, gives: func(b *builder, from vertex, h hold) {
				if b.deviced(h.namespace) {
					b.edge(from, others, h)
				}
			},
		},
		{
			ID: "drain", Title: "has pods of others stop", Why: "evicted, deleted, or on a node that is tainted or gone, a pod ends",
			Closes: "leave it to controllers, and name in resourceNames the nodes of one's own", needs: []need{{any: join(
				do("", "nodes", "", "update", "patch", "delete", "deletecollection"), do("", "nodes", "status", "update", "patch"),
				do("", "pods", "eviction", "create"), do("", "pods", "", "delete", "deletecollection"), do("", "pods", "status", "update", "patch"),
			), names: chosen}}, gives: toSink(outage),
		},
		{
			ID: "preempt", Title: "has its pods take the place of others", Why: "a pod of a higher PriorityClass puts others off the node",
			Closes: "give nobody the right to create PriorityClasses, and bound those that are there by a quota", needs: []need{{any: change("scheduling.k8s.io", "priorityclasses"), wide: true}, {any: runs()}}, gives: toSink(outage),
		},
		{
			ID: "lease", Title: "takes the place of the one that leads", Why: "scheduler and controller manager do nothing while another holds their Lease",
			Closes: "name in resourceNames the Lease of one's own", needs: []need{{any: join(
				named("kube-scheduler", harm("coordination.k8s.io", "leases")[:3]), named("kube-controller-manager", harm("coordination.k8s.io", "leases")[:3]),
			), names: apart}}, gives: inSystem(toSink(outage)),
		},
	}
}

// systemConfig is what one ConfigMap of kube-system gives to who writes it.
func systemConfig(id, title, why, name string, gives func(*builder, vertex, hold), there func(*builder) bool) *Primitive {
	return &Primitive{
		ID: id, Title: title, Why: why, Closes: "give nobody the right to change ConfigMaps of kube-system but by name", there: there,
		needs: []need{{any: join(named(name, do("", "configmaps", "", "update", "patch"))), names: apart}}, gives: inSystem(gives),
	}
}

// inSystem gives it in kube-system alone.
func inSystem(gives func(*builder, vertex, hold)) func(*builder, vertex, hold) {
	return func(b *builder, from vertex, h hold) {
		if h.namespace == "" || h.namespace == "kube-system" {
			gives(b, from, h)
		}
	}
}

func toSink(end vertex) func(*builder, vertex, hold) {
	return func(b *builder, from vertex, h hold) { b.edge(from, end, h) }
}

func toAdmin(b *builder, from vertex, h hold) { b.edge(from, admin, h) }

// engines are the objects that policy engines read.
func engines() []rbac.Request {
	all := join(
		change("kyverno.io", "policyexceptions"), change("policies.kyverno.io", "policyexceptions"), harm("kyverno.io", "clusterpolicies"), harm("kyverno.io", "policies"),
		change("config.gatekeeper.sh", "configs"), harm("templates.gatekeeper.sh", "constrainttemplates"), harm("constraints.gatekeeper.sh", "*"),
		change("plimsoll.io", "exceptions"), change("plimsoll.io", "clusterexceptions"), harm("plimsoll.io", "policies"),
	)
	for _, kind := range []string{"validatingpolicies", "mutatingpolicies", "imagevalidatingpolicies", "namespacedvalidatingpolicies"} {
		all = append(all, harm("policies.kyverno.io", kind)...)
	}
	return all
}

// any says that an object of the kind was read, in whatever namespace.
func (b *builder) any(group, kind string) bool {
	return slices.ContainsFunc(b.kube.Objects, func(o *kube.Object) bool { return o.Is(group, kind) })
}

// operated says that an operator is there that applies what it is told.
func (b *builder) operated() bool { return slices.ContainsFunc(b.subjects, operator) }

func operator(s rbac.Subject) bool {
	flux := s.Namespace == "flux-system" && (s.Name == "kustomize-controller" || s.Name == "helm-controller")
	return s.Kind == rbac.ServiceAccount && (flux || s.Name == "argocd-application-controller")
}

// system says that a workload of kube-system is there.
func (b *builder) system(kind, name string) bool {
	return slices.ContainsFunc(b.running["kube-system"], func(w *kube.Workload) bool { return w.Kind == kind && w.Name == name })
}

func (b *builder) dns() bool     { return !b.model.Whole || b.system("Deployment", "coredns") }
func (b *builder) proxied() bool { return !b.model.Whole || b.system("DaemonSet", "kube-proxy") }
func (b *builder) onEKS() bool   { return b.system("DaemonSet", "aws-node") }

// byKubeadm says that kubeadm made the cluster: its roles are there.
func (b *builder) byKubeadm() bool {
	return slices.ContainsFunc(b.model.Roles, func(r *rbac.Role) bool { return r.Kind == "Role" && r.Name == "kubeadm:nodes-kubeadm-config" })
}

// clouded says that an account is given a role of the cloud.
func clouded(o *kube.Object) bool { return o.Is("", "ServiceAccount") && cloudRole(o) != "" }

// cloudRole is what an account is in the cloud; empty: nothing that it says.
func cloudRole(o *kube.Object) string {
	has := o.Metadata("annotations")
	for _, key := range []string{"eks.amazonaws.com/role-arn", "iam.gke.io/gcp-service-account", "azure.workload.identity/client-id"} {
		if has[key] != "" {
			return has[key]
		}
	}
	return ""
}

// clouds are the accounts that are somebody in the cloud.
func (b *builder) clouds() {
	for _, o := range b.kube.Objects {
		if clouded(o) {
			ns := o.Namespace
			if ns == "" {
				ns = corev1.NamespaceDefault
			}
			b.follow(vertex{kind: subject, of: rbac.NewSubject(rbac.ServiceAccount, ns, o.Name)}, cloud, "is "+cloudRole(o)+" there", true)
		}
	}
}

// deviced says that pods of a namespace, or of any, may be given devices that others use.
func (b *builder) deviced(namespace string) bool {
	return slices.ContainsFunc(b.kube.Objects, func(o *kube.Object) bool {
		return o.Is("", "Namespace") && (namespace == "" || o.Name == namespace) && o.Metadata("labels")["resource.kubernetes.io/admin-access"] == "true"
	})
}
