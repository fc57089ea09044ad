package risk

import (
	"fmt"
	"slices"
	"strings"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/check"
	"github.com/plimsoll/plimsoll/internal/judge/rbac"
	"github.com/plimsoll/plimsoll/internal/judge/rbac/path"
)

func subjectField(g *rbac.Grant) string { return fmt.Sprintf("subjects[%d]", g.Index) }

// all says that a role gives every right on every resource.
func all(r *rbac.Role) bool {
	return r != nil && slices.ContainsFunc(r.Rules, func(one rbac.Rule) bool {
		return one.Allows(&rbac.Request{Verb: "*", Group: "*", Resource: "*"})
	})
}

// granted are the checks of what is given to whom.
func granted() []Check {
	return []Check{
		{
			Card: card("cluster-admin", "somebody is bound to every right in the cluster", finding.High,
				"kubescape/C-0035 cis-k8s-1.12/5.1.1 nsa-1.2/rbac attack/T1078", check.Page{
					Why:  "Who is bound to cluster-admin, or to a role of its own that says the same, may do all: read every Secret, run anything on every node, and give the right on. Who gets hold of that account, or of a pod that has its token, has the cluster.",
					Fix:  "Bind to a role that names what is needed; plimsoll rbac least writes it from the audit log.",
					Bad:  binds("cluster-admin", cart),
					Good: binds("view", cart),
				}),
			look: func(f *Facts) []check.Hit {
				return f.grants(func(g *rbac.Grant) (string, bool) {
					return "", g.Namespace == "" && all(g.Role) && !everybody(g.Subject)
				})
			},
		},
		{
			Card: card("path-to-admin", "somebody can make itself the cluster's master", finding.High,
				"cis-k8s-1.12/5.1.8 nsa-1.2/rbac attack/T1098", check.Page{
					Why:  "No right says so, but together they do: each step of the path is one that the API server allows.",
					Fix:  "Take away one of the grants; plimsoll rbac paths says which are enough, and what closes each step.",
					Bad:  exampleRole + "- {apiGroups: [rbac.authorization.k8s.io], resources: [clusterroles], verbs: [escalate, update]}\n---\n" + binds("cart", cart),
					Good: exampleRole + "- {apiGroups: [rbac.authorization.k8s.io], resources: [clusterroles], verbs: [update]}\n---\n" + binds("cart", cart),
				}),
			look: paths,
		},
		{
			Card: card("pod-to-admin", "who breaks into a pod can make itself the cluster's master", finding.High,
				"nsa-1.2/rbac attack/T1552.007", check.Page{
					Why:  "The pod has a token of its account, and the account can become the cluster's master: an application with a hole in it is the cluster's.",
					Fix:  "Run the pod as an account without the rights, or take the grant away; where the application does not speak to the API server, automountServiceAccountToken: false.",
					Bad:  binds("cluster-admin", cart) + "---\n" + examplePod,
					Good: binds("view", cart) + "---\n" + examplePod,
				}),
			look: pods,
		},
		{
			Card: card("anonymous", "somebody without a name is given rights", finding.High,
				"nsa-1.2/anonymous-requests attack/T1078", check.Page{
					Why:  "system:anonymous and system:unauthenticated are whoever reaches the API server's port.",
					Fix:  "Remove the subject, and turn anonymous requests off but for health.",
					Bad:  binds("view", "{apiGroup: rbac.authorization.k8s.io, kind: Group, name: 'system:unauthenticated'}"),
					Good: binds("view", cart),
				}),
			look: func(f *Facts) []check.Hit {
				return f.grants(func(g *rbac.Grant) (string, bool) {
					return "", g.Subject.Name == "system:anonymous" || g.Subject.Name == "system:unauthenticated"
				})
			},
		},
		{
			Card: card("everybody", "all accounts are given rights", finding.Medium, "nsa-1.2/rbac", check.Page{
				Why:  "system:authenticated is everybody who has a credential, and system:serviceaccounts every pod of every namespace: each that is broken into has the right.",
				Fix:  "Bind the accounts that need it, or the group of one namespace.",
				Bad:  binds("view", "{apiGroup: rbac.authorization.k8s.io, kind: Group, name: 'system:authenticated'}"),
				Good: binds("view", "{apiGroup: rbac.authorization.k8s.io, kind: Group, name: 'system:serviceaccounts:shop'}"),
			}),
			look: func(f *Facts) []check.Hit {
				return f.grants(func(g *rbac.Grant) (string, bool) { return "", everybody(g.Subject) })
			},
		},
		{
			Card: card("masters", "a binding names the group system:masters", finding.Medium, "cis-k8s-1.12/5.1.7 nsa-1.2/rbac", check.Page{
				Why:  "Its members may do all before RBAC is asked, so the binding gives nothing, and hides that nothing can take the right away from them but a new certificate authority.",
				Fix:  "Remove the binding; give administrators a group of their own, bound to cluster-admin.",
				Bad:  binds("view", "{apiGroup: rbac.authorization.k8s.io, kind: Group, name: 'system:masters'}"),
				Good: binds("view", "{apiGroup: rbac.authorization.k8s.io, kind: Group, name: ops}"),
			}),
			look: func(f *Facts) []check.Hit {
				return f.grants(func(g *rbac.Grant) (string, bool) {
					return "", g.Subject.Kind == rbac.Group && g.Subject.Name == "system:masters"
				})
			},
		},
		{
			Card: card("default-account", "a namespace's default account is given rights", finding.Medium, "checkov/CKV_K8S_42 cis-k8s-1.12/5.1.5 nsa-1.2/rbac", check.Page{
				Why:  "Each pod that names no account runs as default: what is given to it, is given to pods that nobody thought of.",
				Fix:  "Make an account for the application, bind that, and name it in serviceAccountName.",
				Bad:  binds("view", "{kind: ServiceAccount, namespace: shop, name: default}"),
				Good: binds("view", cart),
			}),
			look: func(f *Facts) []check.Hit {
				return f.grants(func(g *rbac.Grant) (string, bool) {
					return "", g.Subject.Kind == rbac.ServiceAccount && g.Subject.Name == "default"
				})
			},
		},
	}
}

const examplePod = "apiVersion: v1\nkind: Pod\nmetadata: {name: cart, namespace: shop}\nspec: {serviceAccountName: cart, containers: [{name: cart, image: shop/cart}]}\n"

// everybody says that a group is one that all are in.
func everybody(s rbac.Subject) bool {
	return s.Kind == rbac.Group && (s.Name == "system:authenticated" || s.Name == "system:serviceaccounts")
}

// steps are a path as a report has it.
func steps(p path.Path) (out []finding.Step) {
	for _, s := range p.Steps {
		var by []string
		for _, g := range s.Grants {
			by = append(by, g.String())
		}
		proof := strings.Join(by, ", ")
		if s.Proof != "" {
			proof += ": " + s.Proof
		}
		out = append(out, finding.Step{From: s.From, To: s.To, Edge: strings.TrimSpace(s.Does + " " + strings.Join(s.Terms, ", ")), Proof: proof})
	}
	return out
}

// paths are those of subjects, but for who is bound to all rights: that is another check's.
func paths(f *Facts) (hits []check.Hit) {
	for _, r := range f.reach {
		p := r.Paths[0]
		if r.IsPod || p.Steps[0].Primitive == "all" && len(p.Steps) == 1 {
			continue
		}
		for _, g := range p.Steps[0].Grants {
			if g.Builtin || g.Assumed || !f.own(g.Object) {
				continue
			}
			h := at(g.Object, subjectField(g), r.Source+" "+said(p))
			h.Path = steps(p)
			hits = append(hits, h)
			break
		}
	}
	return hits
}

// pods are those that stand on a path.
func pods(f *Facts) (hits []check.Hit) {
	from := map[string]path.Path{}
	for _, r := range f.reach {
		if r.IsPod {
			from[r.Source] = r.Paths[0]
		}
	}
	for i := range f.kube.Workloads {
		w := &f.kube.Workloads[i]
		p, ok := from[path.PodsOf(w)]
		if !ok || !f.own(w.Object) || p.Steps[0].To == "a node" {
			continue // that is the pod's own, and the checks of pods say so
		}
		h := at(w.Object, w.Path("spec.serviceAccountName"), w.Kind+" "+w.Name+": "+said(p))
		h.Path = steps(p)
		hits = append(hits, h)
	}
	return hits
}

// said is a path in words.
func said(p path.Path) string {
	var all []string
	for _, s := range p.Steps {
		does := strings.TrimSpace(s.Does + " " + strings.Join(s.Terms, ", "))
		if s.To != "all of the cluster" {
			does += ": " + s.To
		}
		all = append(all, does)
	}
	return strings.Join(all, "; then ")
}
