package risk

import (
	"fmt"
	"slices"
	"strings"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/check"
	"github.com/plimsoll/plimsoll/internal/judge/rbac"
)

// right is a right that a rule should not give without need.
type right struct {
	id, title string
	severity  finding.Severity
	names     string
	why, fix  string
	bad, good string
	asks      []rbac.Request
	named     *worst
}

// worst finds rules that name objects, and among them those that give all, which names do not mend.
type worst struct {
	is  func(f *Facts, r *rbac.Rule) bool
	fix string
}

// wild says that a rule gives what nobody listed: rules that are, are told of once.
func wild(r *rbac.Rule) bool {
	return len(r.URLs) == 0 && (slices.Contains(r.Verbs, "*") || slices.Contains(r.Resources, "*"))
}

func rights() []right {
	const group = "rbac.authorization.k8s.io"
	return []right{
		{
			"secrets", "a role reads every Secret", finding.Medium, "cis-k8s-1.12/5.1.2 attack/T1552.007",
			"get, list and watch give the whole of a Secret: passwords, keys and tokens of the cluster, or of the namespace. list gives all of them at once.",
			"Name the Secrets in resourceNames, for get alone; what a pod needs, it mounts, and needs no right for.",
			`{apiGroups: [""], resources: [secrets], verbs: [get, list]}`, `{apiGroups: [""], resources: [secrets], resourceNames: [db], verbs: [get]}`,
			asks("get,list,watch", "", "secrets", ""), nil,
		},
		{
			"create-pods", "a role runs pods", finding.Low, "cis-k8s-1.12/5.1.4 attack/T1610",
			"Who runs a pod is every account of the namespace, reads every Secret of it by mounting it, and, where no Pod Security level is enforced, is root on a node.",
			"Give it to what deploys alone; enforce restricted in the namespace, and keep accounts with more rights out of it.",
			`{apiGroups: [""], resources: [pods], verbs: [create]}`, `{apiGroups: [""], resources: [pods], verbs: [get]}`, asks("create", "", "pods", ""), nil,
		},
		{
			"exec", "a role goes into running pods", finding.Medium, "kubescape/C-0002 attack/T1609",
			"exec and attach run anything in a container, with its account's token and its data; nothing of it stands in a manifest.",
			"Remove it from what runs by itself; give it to people for debugging, in one namespace.",
			`{apiGroups: [""], resources: [pods/exec], verbs: [create]}`, `{apiGroups: [""], resources: [pods/log], verbs: [get]}`,
			append(asks("create", "", "pods", "exec"), asks("create", "", "pods", "attach")...), nil,
		},
		{
			"escalate", "a role lifts the rules against giving oneself more rights", finding.High, "cis-k8s-1.12/5.1.8 attack/T1098",
			"With escalate a role can be given rights that its author does not have, with bind anybody can be bound to it. A rule that names roles is found where it may escalate one, or bind one that gives every right, as cluster-admin does.",
			"Name in resourceNames the roles that may be bound; remove escalate.",
			`{apiGroups: [rbac.authorization.k8s.io], resources: [clusterroles], verbs: [bind]}`, `{apiGroups: [rbac.authorization.k8s.io], resources: [clusterroles], resourceNames: [view], verbs: [bind]}`,
			slices.Concat(asks("bind,escalate", group, "clusterroles", ""), asks("bind,escalate", group, "roles", "")),
			&worst{(*Facts).bindsWorst, "Take out of resourceNames the roles that give every right, and remove escalate."},
		},
		{
			"impersonate", "a role is anybody", finding.High, "cis-k8s-1.12/5.1.8 attack/T1134",
			"Who impersonates without a name in the rule is every user, group or account, and the audit log has both names only where somebody looks. A rule with names is found where one of them may do all: system:masters, or who is bound to every right.",
			"Name in resourceNames who may be impersonated, or use constrained impersonation (Kubernetes 1.36).",
			`{apiGroups: [""], resources: [users], verbs: [impersonate]}`, `{apiGroups: [""], resources: [users], resourceNames: [tester], verbs: [impersonate]}`,
			slices.Concat(asks("impersonate", "", "users", ""), asks("impersonate", "", "groups", ""), asks("impersonate", "", "serviceaccounts", "")),
			&worst{(*Facts).isWorst, "Take out of resourceNames who may do all, or use constrained impersonation (Kubernetes 1.36)."},
		},
		{
			"volumes", "a role makes PersistentVolumes", finding.Medium, "cis-k8s-1.12/5.1.9 attack/T1611",
			"A PersistentVolume may be a path of a node. Pod Security looks at the pod and its claim, and not at what the claim is bound to: it is a way to the node's files from every namespace.",
			"Leave it to the provisioner.",
			`{apiGroups: [""], resources: [persistentvolumes], verbs: [create]}`, `{apiGroups: [""], resources: [persistentvolumeclaims], verbs: [create]}`, asks("create", "", "persistentvolumes", ""), nil,
		},
		{
			"node-proxy", "a role talks to kubelets past the API server", finding.High, "cis-k8s-1.12/5.1.10 attack/T1609",
			"nodes/proxy reaches the kubelet's own exec in every pod of the node, with get alone too, and neither admission nor audit sees it.",
			"Give nodes/metrics, nodes/stats, nodes/log, nodes/healthz or nodes/pods instead.",
			`{apiGroups: [""], resources: [nodes/proxy], verbs: [get]}`, `{apiGroups: [""], resources: [nodes/metrics], verbs: [get]}`, asks("get,create", "", "nodes", "proxy"), nil,
		},
		{
			"approve-certificates", "a role approves certificates", finding.Medium, "cis-k8s-1.12/5.1.11 attack/T1649",
			"Who approves for a signer decides who somebody is, until the certificate ends: it cannot be revoked.",
			"Leave approval to people who do not ask, and name the signer in resourceNames.",
			`{apiGroups: [certificates.k8s.io], resources: [certificatesigningrequests/approval], verbs: [update]}`, `{apiGroups: [certificates.k8s.io], resources: [certificatesigningrequests], verbs: [create]}`,
			asks("update,patch", "certificates.k8s.io", "certificatesigningrequests", "approval"), nil,
		},
		{
			"webhooks", "a role decides what admission does", finding.Medium, "cis-k8s-1.12/5.1.12 attack/T1562.001",
			"A webhook or a policy of one's own reads every object that is written and changes every pod that is made; without those that are there, nothing holds.",
			"Name in resourceNames the configuration that belongs to the program.",
			`{apiGroups: [admissionregistration.k8s.io], resources: [mutatingwebhookconfigurations], verbs: [create]}`,
			`{apiGroups: [admissionregistration.k8s.io], resources: [mutatingwebhookconfigurations], resourceNames: [cart], verbs: [patch]}`, admission(), nil,
		},
		{
			"token", "a role is given tokens of every account", finding.High, "cis-k8s-1.12/5.1.13 attack/T1528",
			"Who may create serviceaccounts/token is every account of the namespace, or of the cluster.",
			"Name the accounts in resourceNames.",
			`{apiGroups: [""], resources: [serviceaccounts/token], verbs: [create]}`, `{apiGroups: [""], resources: [serviceaccounts/token], resourceNames: [cart], verbs: [create]}`, asks("create", "", "serviceaccounts", "token"), nil,
		},
		{
			"namespaces", "a role changes what namespaces enforce", finding.Medium, "attack/T1562.001",
			"The Pod Security level is a label of the namespace, and webhooks and policies choose namespaces by labels: who changes them chooses what holds.",
			"Leave it to what makes namespaces.",
			`{apiGroups: [""], resources: [namespaces], verbs: [patch]}`, `{apiGroups: [""], resources: [namespaces], verbs: [get]}`, asks("update,patch", "", "namespaces", ""), nil,
		},
	}
}

// bindsWorst says that a rule names a role that may be escalated, to any right, or one that gives every right and may be bound.
func (f *Facts) bindsWorst(r *rbac.Rule) bool {
	return slices.ContainsFunc(r.Names, func(name string) bool {
		for _, resource := range []string{"clusterroles", "roles"} {
			q := rbac.Request{Verb: "escalate", Group: "rbac.authorization.k8s.io", Resource: resource, Name: name}
			if r.Allows(&q) {
				return true
			}
			q.Verb = "bind"
			if r.Allows(&q) && slices.ContainsFunc(f.model.Roles, func(one *rbac.Role) bool {
				return one.Name == name && strings.EqualFold(one.Kind+"s", resource) && all(one)
			}) {
				return true
			}
		}
		return false
	})
}

// isWorst says that a rule names somebody to be impersonated who may do all.
func (f *Facts) isWorst(r *rbac.Rule) bool {
	is := map[string]string{"users": rbac.User, "groups": rbac.Group, "serviceaccounts": rbac.ServiceAccount}
	return slices.ContainsFunc(r.Names, func(name string) bool {
		for resource, kind := range is {
			if !r.Allows(&rbac.Request{Verb: "impersonate", Resource: resource, Name: name}) {
				continue
			}
			if kind == rbac.Group && name == "system:masters" {
				return true
			}
			who := rbac.NewSubject(kind, "", name)
			if slices.ContainsFunc(f.model.Grants, func(g *rbac.Grant) bool {
				return g.Namespace == "" && g.Subject.Kind == who.Kind && g.Subject.Name == who.Name && (kind == rbac.ServiceAccount || g.Subject == who) && all(g.Role)
			}) {
				return true
			}
		}
		return false
	})
}

func admission() (all []rbac.Request) {
	for _, r := range []string{
		"mutatingwebhookconfigurations", "validatingwebhookconfigurations", "mutatingadmissionpolicies", "mutatingadmissionpolicybindings", "validatingadmissionpolicies", "validatingadmissionpolicybindings",
	} {
		all = append(all, asks("create,update,patch,delete", "admissionregistration.k8s.io", r, "")...)
	}
	return all
}

// ruled are the checks of what roles say.
func ruled() []Check {
	all := []Check{{
		Card: card("wildcard", "a role gives what nobody listed", finding.Medium, "cis-k8s-1.12/5.1.3 nsa-1.2/rbac", check.Page{
			Why:  "A * stands for every verb or resource there is and will be: impersonate and escalate are verbs, and each new kind is one more.",
			Fix:  "List the verbs and the resources; plimsoll rbac least writes what is used.",
			Bad:  exampleRole + "- {apiGroups: [apps], resources: ['*'], verbs: [get]}\n",
			Good: exampleRole + "- {apiGroups: [apps], resources: [deployments], verbs: [get]}\n",
		}),
		look: func(f *Facts) []check.Hit { return f.rules(wild) },
	}, {
		Card: card("aggregated", "a role widens view or edit for all who have them", finding.Medium, "nsa-1.2/rbac attack/T1098", check.Page{
			Why:  "A label has the rules of a ClusterRole gathered into view or edit, and whoever is bound to these, in whatever namespace, has them from then on: nobody looks at the bindings again. view reads no Secrets and changes nothing; edit gives nobody rights, and does not impersonate.",
			Fix:  "Take the label off, and bind the role to those who need it.",
			Bad:  strings.Replace(exampleRole, "{name: cart}", "{name: cart, labels: {rbac.authorization.k8s.io/aggregate-to-view: 'true'}}", 1) + "- {apiGroups: [''], resources: [secrets], verbs: [get, list]}\n",
			Good: strings.Replace(exampleRole, "{name: cart}", "{name: cart, labels: {rbac.authorization.k8s.io/aggregate-to-view: 'true'}}", 1) + "- {apiGroups: [shop.io], resources: [carts], verbs: [get, list]}\n",
		}),
		look: aggregated,
	}}
	for _, r := range rights() {
		all = append(all, Check{
			Card: card(r.id, r.title, r.severity, r.names+" nsa-1.2/rbac", check.Page{Why: r.why, Fix: r.fix, Bad: exampleRole + "- " + r.bad + "\n", Good: exampleRole + "- " + r.good + "\n"}),
			look: func(f *Facts) []check.Hit {
				asked := func(one *rbac.Rule) bool {
					return slices.ContainsFunc(r.asks, func(q rbac.Request) bool { return one.Allows(&q) })
				}
				hits := f.rules(func(one *rbac.Rule) bool { return !wild(one) && asked(one) })
				if r.named == nil {
					return hits
				}
				named := f.rules(func(one *rbac.Rule) bool { return !wild(one) && !asked(one) && r.named.is(f, one) })
				for i := range named {
					named[i].Fix = r.named.fix
				}
				return append(hits, named...)
			},
		})
	}
	return all
}

// aggregated finds rules that are gathered into a role that is given for less: into view what changes or reads Secrets, into edit what
// gives rights on.
func aggregated(f *Facts) []check.Hit {
	const label = "rbac.authorization.k8s.io/aggregate-to-"
	return f.rulesOf(func(role *rbac.Role, one *rbac.Rule) bool {
		has := role.Object.Metadata("labels")
		switch {
		case role.Kind != "ClusterRole":
			return false
		case has[label+"view"] == "true":
			writes := slices.ContainsFunc(one.Verbs, func(v string) bool { return !slices.Contains([]string{"get", "list", "watch"}, v) })
			return writes || slices.ContainsFunc(asks("get,list,watch", "", "secrets", ""), func(q rbac.Request) bool { return one.Allows(&q) })
		case has[label+"edit"] == "true":
			const group = "rbac.authorization.k8s.io"
			return slices.ContainsFunc(slices.Concat(
				asks("create,update,patch,escalate,bind", group, "roles", ""), asks("create,update,patch", group, "rolebindings", ""),
				asks("impersonate", "", "users", ""), asks("impersonate", "", "groups", ""),
			), func(q rbac.Request) bool { return one.Allows(&q) })
		}
		return false
	})
}

func asks(verbs, group, resource, sub string) (all []rbac.Request) {
	for _, v := range words(verbs) {
		all = append(all, rbac.Request{Verb: v, Group: group, Resource: resource, Subresource: sub})
	}
	return all
}

// rules calls f for each rule that people wrote: what a role gathers of others is told of there.
func (f *Facts) rules(found func(r *rbac.Rule) bool) []check.Hit {
	return f.rulesOf(func(_ *rbac.Role, r *rbac.Rule) bool { return found(r) })
}

func (f *Facts) rulesOf(found func(role *rbac.Role, r *rbac.Rule) bool) (hits []check.Hit) {
	for _, role := range f.model.Roles {
		if role.Builtin || role.Assumed || role.Aggregates() || !f.own(role.Object) {
			continue
		}
		for i := range role.Rules {
			if r := &role.Rules[i]; found(role, r) {
				hits = append(hits, at(role.Object, fmt.Sprintf("rules[%d]", i), role.String()+": "+r.String()))
			}
		}
	}
	return hits
}
