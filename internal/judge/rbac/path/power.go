package path

import (
	"maps"
	"path"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/plimsoll/plimsoll/internal/judge/rbac"
	"github.com/plimsoll/plimsoll/internal/read/kube"
)

// AccountOf is the account that a workload's pods run as.
func AccountOf(w *kube.Workload) rbac.Subject {
	name, namespace := w.Spec.ServiceAccountName, w.Namespace
	if name == "" {
		name = w.Spec.DeprecatedServiceAccount
	}
	if name == "" {
		name = "default"
	}
	if namespace == "" {
		namespace = "default"
	}
	return rbac.NewSubject(rbac.ServiceAccount, namespace, name)
}

// workloads are the pods that somebody may break into, or go into by right.
func (b *builder) workloads() {
	for i := range b.kube.Workloads {
		w := &b.kube.Workloads[i]
		account := AccountOf(w)
		b.running[account.Namespace] = append(b.running[account.Namespace], w)
		at := b.at(podsOf(w))
		b.follow(podsOf(w), vertex{kind: subject, of: account}, "has its token", Mounts(b.kube, w))
		b.follow(podsOf(w), node, "is the node's root, or as good as", escapes(w))
		if w.Kind == "DaemonSet" && len(w.Spec.NodeSelector) == 0 && w.Spec.Affinity == nil {
			b.add(edge{from: b.at(node), to: at, word: "has a pod of it on every node"})
		}
	}
	b.add(edge{from: b.at(node), to: b.at(vertex{kind: subject, of: rbac.NewSubject(rbac.Group, "", "system:nodes")}), word: "has the kubelet's credential"})
	if b.server != nil && !b.server.has("enable-admission-plugins", "NodeRestriction") {
		b.follow(node, vertex{kind: power, name: into}, "taints other nodes so that their pods come to it, since the API server runs without NodeRestriction", true)
	}
	b.clouds()
}

func podsOf(w *kube.Workload) vertex {
	return vertex{kind: workload, namespace: AccountOf(w).Namespace, name: w.Kind + " " + w.Name}
}

// PodsOf is what a path calls the pods of a workload.
func PodsOf(w *kube.Workload) string { return podsOf(w).String() }

// Mounts says that the token of a workload's account is in its pods, without their asking for it.
func Mounts(s *kube.Snapshot, w *kube.Workload) bool {
	if w.Spec.AutomountServiceAccountToken != nil {
		return *w.Spec.AutomountServiceAccountToken
	}
	account := AccountOf(w)
	if o := s.Find("", "ServiceAccount", account.Namespace, account.Name); o != nil {
		if auto, ok := o.Fields["automountServiceAccountToken"].(bool); ok {
			return auto
		}
	}
	return true
}

// escapes says that a container is the node's root: privileged, in its processes as root, or with its files.
func escapes(w *kube.Workload) bool {
	for _, c := range slices.Concat(w.Spec.Containers, w.Spec.InitContainers) {
		if c.SecurityContext == nil {
			continue
		}
		if c.SecurityContext.Privileged != nil && *c.SecurityContext.Privileged {
			return true
		}
		if has := c.SecurityContext.Capabilities; has != nil && slices.ContainsFunc(has.Add, func(one corev1.Capability) bool {
			name := strings.TrimPrefix(strings.ToUpper(string(one)), "CAP_")
			return slices.Contains(rootCaps, name) || name == "SYS_PTRACE" && w.Spec.HostPID
		}) {
			return true
		}
	}
	return slices.ContainsFunc(w.Spec.Volumes, func(v corev1.Volume) bool {
		return v.HostPath != nil && slices.Contains(roots, path.Clean("/"+v.HostPath.Path))
	})
}

// roots are paths of a node that are as good as its root: credentials, programs that run at its start, engines' sockets.
var roots = []string{
	"/", "/etc", "/root", "/proc", "/var", "/var/lib", "/var/lib/kubelet", "/run", "/var/run", "/etc/kubernetes", "/etc/kubernetes/manifests",
	"/run/containerd", "/run/containerd/containerd.sock", "/var/run/docker.sock", "/run/docker.sock", "/var/run/crio/crio.sock", "/run/crio/crio.sock",
}

// follow adds an edge that needs no right, where it holds.
func (b *builder) follow(from, to vertex, word string, holds bool) {
	pair := [2]int{b.at(from), b.at(to)}
	if !holds || b.done[pair] {
		return
	}
	b.done[pair] = true
	b.add(edge{from: pair[0], to: pair[1], word: word})
}

// powers adds what each power amounts to, in each namespace.
func (b *builder) powers() {
	all := slices.Sorted(maps.Keys(b.namespaces))
	for _, what := range []string{rolesOf, pods, into, tokens, secrets, kubelets} { // roles first: they lead to the others
		wide := vertex{kind: power, name: what}
		if _, ok := b.index[wide]; ok {
			for _, ns := range all {
				b.follow(wide, vertex{kind: power, name: what, namespace: ns}, "", true)
			}
		}
		for _, ns := range all {
			if _, ok := b.index[vertex{kind: power, name: what, namespace: ns}]; ok {
				b.amounts(what, ns)
			}
		}
	}
	b.identities()
}

func (b *builder) amounts(what, ns string) {
	from := vertex{kind: power, name: what, namespace: ns}
	switch what {
	case pods:
		for _, s := range b.accounts[ns] {
			b.follow(from, vertex{kind: subject, of: s}, "as it", true)
		}
		b.follow(from, secretsOf(ns), "that mounts them", true)
		b.privileged(from, ns)
	case rolesOf:
		for _, r := range b.names.inside[ns] {
			b.held(r, ns)
			b.follow(from, vertex{kind: held, role: r, namespace: ns}, "", true)
		}
	case kubelets:
		b.follow(from, vertex{kind: subject, of: rbac.NewSubject(rbac.Group, "", "system:nodes")}, "and is one of it", true)
		for _, w := range b.running[ns] {
			b.follow(from, vertex{kind: subject, of: AccountOf(w)}, "and is it, as its pods run on the node", true)
		}
	case tokens:
		for _, s := range b.accounts[ns] {
			b.follow(from, vertex{kind: subject, of: s}, "and is it", true)
		}
	case into:
		for _, w := range b.running[ns] {
			b.follow(from, podsOf(w), "of it", true)
		}
	case secrets:
		for _, o := range b.kube.Of("", "Secret", ns) {
			if o.Fields["type"] == "kubernetes.io/service-account-token" {
				name := o.Metadata("annotations")["kubernetes.io/service-account.name"]
				b.follow(from, vertex{kind: subject, of: rbac.NewSubject(rbac.ServiceAccount, ns, name)}, "of which "+o.Name+" is its token", name != "")
			}
		}
	}
}

// privileged adds that a pod which is the node's root may run in a namespace, where nothing that is known forbids it.
func (b *builder) privileged(from vertex, ns string) {
	word := "that is privileged; " + ns + " enforces no Pod Security level"
	if _, known := b.level(ns); !known {
		word = "that is privileged, unless " + ns + " enforces a Pod Security level: its labels were not read"
	}
	if hooks := b.watched(ns); len(hooks) > 0 {
		word += ", unless a webhook of " + strings.Join(hooks, ", ") + " forbids it"
	}
	if f := b.fence[ns]; f != nil && len(f.unsure) > 0 {
		word += ", unless " + strings.Join(f.unsure, ", ") + " forbids it: the policy lets some pods pass, or denies harmless ones, too"
	}
	b.follow(from, node, word, b.opens(ns))
}

// level is the Pod Security level that a namespace enforces.
func (b *builder) level(ns string) (level string, known bool) {
	o := b.kube.Find("", "Namespace", "", ns)
	if o == nil {
		return "", b.model.Whole
	}
	return o.Metadata("labels")["pod-security.kubernetes.io/enforce"], true
}

// identities are those that a power lets one be.
func (b *builder) identities() {
	is := map[string]func(rbac.Subject) bool{
		anyUser:     func(s rbac.Subject) bool { return s.Kind == rbac.User },
		anyIdentity: func(s rbac.Subject) bool { return s.Kind != rbac.ServiceAccount && s.Name != "system:masters" },
		bootstrappers: func(s rbac.Subject) bool {
			return s.Kind == rbac.Group && strings.HasPrefix(s.Name, "system:bootstrappers:")
		},
		operators: operator,
	}
	whom := map[string][]rbac.Subject{}
	for name, holds := range is {
		for _, s := range b.subjects {
			if holds(s) {
				whom[name] = append(whom[name], s)
			}
		}
	}
	for _, from := range b.vertices {
		if from.kind == power {
			for _, s := range whom[from.name] {
				b.follow(from, vertex{kind: subject, of: s}, "and is it", true)
			}
		}
	}
}
