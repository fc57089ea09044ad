package rbac

import (
	"slices"
	"strings"
)

// nodeCan answers as the node authorizer does (kubernetes/plugin/pkg/auth/authorizer/node, 1.37), which kubeadm and all
// managed clusters turn on. What it allows for the pods that run on the node alone is bound to that, which is not seen here.
func nodeCan(id Identity, q *Request) (Reason, bool) {
	name, isNode := strings.CutPrefix(id.User, nodePrefix)
	if !isNode || name == "" || !has(id.Groups, nodes, nodes) {
		return Reason{}, false
	}
	allowed, bound := nodeRule(name, q)
	if !allowed {
		return Reason{}, false
	}
	return Reason{By: byNode, Only: bound}, true
}

const (
	ofItsPods = "of pods that run on the node"
	itself    = "the node's own, which the admission plugin NodeRestriction sees to"
)

func nodeRule(name string, q *Request) (allowed bool, bound string) {
	verb := func(list ...string) bool { return has(list, q.Verb, q.Verb) }
	own := func() bool { return q.Name == name || name == "*" }
	if q.URL == "" {
		switch q.Group + "/" + q.Resource {
		case "/secrets", "/configmaps":
			return q.Subresource == "" && q.Namespace != "" && q.Name != "" && verb("get", "list", "watch"), ofItsPods
		case "/persistentvolumeclaims":
			return q.Name != "" && (q.Subresource == "" && verb("get") || q.Subresource == "status" && verb("update", "patch")), ofItsPods
		case "/persistentvolumes", "resource.k8s.io/resourceclaims", "storage.k8s.io/volumeattachments":
			return q.Name != "" && q.Subresource == "" && verb("get"), ofItsPods
		case "/serviceaccounts":
			return q.Name != "" && (q.Subresource == "token" && verb("create") || q.Subresource == "" && q.Namespace != "" && verb("get")), ofItsPods
		case "coordination.k8s.io/leases":
			return q.Namespace == "kube-node-lease" && (verb("create") || own() && verb("get", "update", "patch", "delete")), itself
		case "storage.k8s.io/csinodes":
			return q.Subresource == "" && (verb("create") || own() && verb("get", "update", "patch", "delete")), itself
		case "resource.k8s.io/resourceslices":
			return q.Subresource == "" && (verb("create") || q.Name != "" && verb("get", "update", "patch", "delete")), boundUnless(verb("create"))
		case "/nodes":
			return q.Subresource == "" && (verb("create", "update", "patch") || verb("get", "list", "watch") && own()) || q.Subresource == "status" && verb("update", "patch"), itself
		case "/pods":
			return nodePod(q)
		case "certificates.k8s.io/podcertificaterequests":
			return q.Subresource == "" && (verb("create") || q.Name != "" && verb("get")), boundUnless(verb("create"))
		}
	}
	for _, r := range builtins().rulesOf("system:node") {
		if r.Allows(q) {
			return true, ""
		}
	}
	return false, ""
}

func nodePod(q *Request) (allowed bool, bound string) {
	switch {
	case q.Subresource == "" && q.Name != "" && has([]string{"get", "list", "watch"}, q.Verb, q.Verb):
		return true, ofItsPods
	case q.Subresource == "":
		return has([]string{"create", "delete"}, q.Verb, q.Verb), itself
	case q.Subresource == "status":
		return has([]string{"update", "patch"}, q.Verb, q.Verb), itself
	}
	return q.Subresource == "eviction" && q.Verb == "create", itself
}

// boundUnless is what a node's right is bound to: what it makes is seen to by admission, what is there by the authorizer.
func boundUnless(makes bool) string {
	if makes {
		return itself
	}
	return ofItsPods
}

// boundOf is what a rule of the role system:node is bound to, where the node authorizer binds it.
func boundOf(name string, r *Rule) string {
	var all []string
	for q := range Requests(r) {
		q.Namespace, q.Name = "kube-node-lease", name // of those that it looks at, ones that it allows
		if _, bound := nodeRule(name, &q); bound != "" && !slices.Contains(all, bound) {
			all = append(all, bound)
		}
	}
	return strings.Join(all, "; or ")
}
