package risk

import (
	"slices"
	"strings"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/check"
	"github.com/plimsoll/plimsoll/internal/judge/rbac"
)

// joining are the roles that a node needs to join, as Kubernetes and kubeadm name and bind them.
var joining = []string{
	"system:node-bootstrapper", "system:certificates.k8s.io:certificatesigningrequests:nodeclient", "system:certificates.k8s.io:certificatesigningrequests:selfnodeclient",
	"kubeadm:get-nodes", "kubeadm:kubelet-config", "kubeadm:nodes-kubeadm-config", "kube-proxy",
}

// bootstrapGroup finds rights that only who is no node has a use for.
func bootstrapGroup() Check {
	const nodes = "{apiGroup: rbac.authorization.k8s.io, kind: Group, name: 'system:bootstrappers:kubeadm:default-node-token'}"
	return Check{
		Card: card("bootstrap-group", "tokens that let nodes join let their holder do more", finding.Medium, "kube-bench/3.1.3 cis-k8s-1.12/3.1.3 nsa-1.2/authentication-and-authorization attack/T1078", check.Page{
			Why:  "A bootstrap token is short, lies in the clear in a Secret and in the notes of who set nodes up, and the audit log names nobody by it. What its group may do beyond joining, somebody does by hand.",
			Fix:  "Remove the binding; let people in by OIDC or a directory, and programs by accounts of their own.",
			Bad:  binds("edit", nodes),
			Good: binds("system:node-bootstrapper", nodes),
		}),
		look: func(f *Facts) []check.Hit {
			return f.grants(func(g *rbac.Grant) (string, bool) {
				nodes := g.Subject.Kind == rbac.Group && (g.Subject.Name == "system:bootstrappers" || strings.HasPrefix(g.Subject.Name, "system:bootstrappers:"))
				return "", nodes && !slices.Contains(joining, g.RoleName)
			})
		},
	}
}
