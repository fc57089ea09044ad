package path

import (
	"fmt"
	"strings"
	"testing"

	"github.com/plimsoll/plimsoll/internal/judge/rbac"
	"github.com/plimsoll/plimsoll/internal/read/kube"
)

// shop has an account that holds one rule, and another that is the cluster's master and that a workload runs as.
func shop(rule, more string) string {
	return `
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: r, namespace: shop}
rules: [` + rule + `]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: b, namespace: shop}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: r}
subjects: [{kind: ServiceAccount, name: bot, namespace: shop}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: master}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: cluster-admin}
subjects: [{kind: ServiceAccount, name: web, namespace: shop}]
---
` + more
}

const (
	podOfWeb    = "{serviceAccountName: web, containers: [{name: c, image: x}]}"
	deployment  = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web, namespace: shop}\nspec: {template: {spec: " + podOfWeb + "}}\n"
	statefulSet = "apiVersion: apps/v1\nkind: StatefulSet\nmetadata: {name: web, namespace: shop}\nspec: {template: {spec: " + podOfWeb + "}}\n"
	pod         = "apiVersion: v1\nkind: Pod\nmetadata: {name: web-0, namespace: shop}\nspec: " + podOfWeb + "\n"
	hooked      = "apiVersion: admissionregistration.k8s.io/v1\nkind: MutatingWebhookConfiguration\nmetadata: {name: web}\n"
	token       = "apiVersion: v1\nkind: Secret\nmetadata: {name: web, namespace: shop, annotations: {kubernetes.io/service-account.name: web}}\ntype: kubernetes.io/service-account-token\n"
)

// TestNamed follows rights on objects that a rule names to what the objects stand for; what was not read is told, and the cut
// is then not called exact.
func TestNamed(t *testing.T) {
	patch := "{apiGroups: [apps], resources: [deployments], resourceNames: [web], verbs: [get, patch, update]}"
	exec := "{apiGroups: [''], resources: [pods/exec], resourceNames: [web-0], verbs: [create]}"
	read := "{apiGroups: [''], resources: [secrets], resourceNames: [web], verbs: [get]}"
	for name, c := range map[string]struct {
		rule, more string
		path       bool
		unknown    string
	}{
		"a Deployment":                     {patch, deployment, true, ""},
		"a Deployment of another name":     {patch, strings.ReplaceAll(deployment, "name: web,", "name: mail,"), false, "deployments that were not read: web"},
		"a Deployment of other namespaces": {patch, strings.ReplaceAll(deployment, "shop", "pay"), false, "deployments that were not read: web"},
		"a Deployment, to read":            {strings.ReplaceAll(patch, "get, patch, update", "get, create"), deployment, false, ""},
		"into a pod":                       {exec, pod, true, ""},
		"into a pod of a StatefulSet":      {exec, statefulSet, true, ""},
		"into a pod that is not there":     {exec, deployment, false, "pods that were not read: web-0"},
		"a pod changed":                    {"{apiGroups: [''], resources: [pods], resourceNames: [web-0], verbs: [patch]}", pod, true, ""},
		"a token":                          {read, token, true, ""},
		"a Secret that is no token":        {read, strings.ReplaceAll(token, "kubernetes.io/service-account-token", "Opaque"), false, ""},
		"a Secret that is not there":       {read, deployment, false, "secrets that were not read: web"},
	} {
		objects, problems := kube.Manifest("a.yaml", []byte(shop(c.rule, c.more)))
		if len(problems) > 0 {
			t.Fatal(problems[0])
		}
		s := kube.NewSnapshot(objects, nil)
		g := Build(rbac.New(s, rbac.Options{}), s, nil)
		others := func(s rbac.Subject) bool { return s.Name != "bot" }
		if reach := g.From(ToAdmin, "", others, 1); (len(reach) > 0) != c.path {
			t.Errorf("%s: %+v", name, reach)
		}
		cut := g.Cut(ToAdmin, "", others)
		if c.path && (len(cut.Grants) != 1 || cut.Grants[0].Name != "b") {
			t.Errorf("%s: the cut is %v", name, cut.Grants)
		}
		if cut.Exact != (c.unknown == "") || !strings.HasSuffix(strings.Join(cut.Unknown, "; "), c.unknown) || len(cut.Unknown) > 0 && c.unknown == "" {
			t.Errorf("%s: exact %v, unknown %v", name, cut.Exact, cut.Unknown)
		}
	}
}

// TestNamedEverywhere follows the names of rules that hold in the whole cluster.
func TestNamedEverywhere(t *testing.T) {
	const escalate = "{apiGroups: [rbac.authorization.k8s.io], resources: [clusterroles], resourceNames: [NAME], verbs: [escalate, update]}"
	hook := "{apiGroups: [admissionregistration.k8s.io], resources: [mutatingwebhookconfigurations], resourceNames: [web], verbs: [patch]}"
	approve := "{apiGroups: [certificates.k8s.io], resources: [certificatesigningrequests], verbs: [create]}, " +
		"{apiGroups: [certificates.k8s.io], resources: [certificatesigningrequests, certificatesigningrequests/approval], resourceNames: [mine], verbs: [get, update]}, " +
		"{apiGroups: [certificates.k8s.io], resources: [signers], resourceNames: [kubernetes.io/kube-apiserver-client], verbs: [approve]}"
	bind := "{apiGroups: [rbac.authorization.k8s.io], resources: [roles], resourceNames: [NAME], verbs: [bind]}, {apiGroups: [rbac.authorization.k8s.io], resources: [rolebindings], verbs: [create]}"
	strong := "apiVersion: rbac.authorization.k8s.io/v1\nkind: Role\nmetadata: {name: strong, namespace: shop}\nrules: [{apiGroups: [''], resources: [serviceaccounts/token], verbs: [create]}]\n"
	for name, c := range map[string]struct {
		rule, more string
		path       bool
		unknown    string
	}{
		"a webhook":                    {hook, hooked, true, ""},
		"a webhook that was not read":  {hook, deployment, false, "mutatingwebhookconfigurations that were not read: web"},
		"its own role":                 {strings.ReplaceAll(escalate, "NAME", "r"), deployment, true, ""},
		"a role that it does not hold": {strings.ReplaceAll(escalate, "NAME", "other"), deployment, false, ""},
		"a request of its own":         {approve, deployment, true, ""},
		"a Role to bind":               {strings.ReplaceAll(bind, "NAME", "strong"), strong, true, ""},
		"another Role to bind":         {strings.ReplaceAll(bind, "NAME", "weak"), strong, false, ""},
	} {
		text := strings.NewReplacer("kind: Role\nmetadata: {name: r, namespace: shop}", "kind: ClusterRole\nmetadata: {name: r}", "kind: RoleBinding\nmetadata: {name: b, namespace: shop}", "kind: ClusterRoleBinding\nmetadata: {name: b}", "kind: Role, name: r", "kind: ClusterRole, name: r").Replace(shop(c.rule, c.more))
		objects, problems := kube.Manifest("a.yaml", []byte(text))
		if len(problems) > 0 {
			t.Fatal(problems[0])
		}
		s := kube.NewSnapshot(objects, nil)
		g := Build(rbac.New(s, rbac.Options{}), s, nil)
		others := func(s rbac.Subject) bool { return s.Name != "bot" }
		if reach := g.From(ToAdmin, "", others, 1); (len(reach) > 0) != c.path {
			t.Errorf("%s: %+v", name, reach)
		}
		cut := g.Cut(ToAdmin, "", others)
		if c.path && (len(cut.Grants) != 1 || cut.Grants[0].Name != "b") {
			t.Errorf("%s: the cut is %v", name, cut.Grants)
		}
		if cut.Exact != (c.unknown == "") || !strings.HasSuffix(strings.Join(cut.Unknown, "; "), c.unknown) {
			t.Errorf("%s: exact %v, unknown %v", name, cut.Exact, cut.Unknown)
		}
	}
}

// TestNamedInBounds has a rule name 40,000 objects: what it leads to grows with what there is, and not with a product.
func TestNamedInBounds(t *testing.T) {
	var names []string
	for i := range 40_000 {
		names = append(names, fmt.Sprint("web-", i))
	}
	rule := "{apiGroups: ['*'], resources: ['*'], resourceNames: [" + strings.Join(names, ", ") + "], verbs: ['*']}"
	objects, problems := kube.Manifest("a.yaml", []byte(shop(rule, statefulSet+"---\n"+pod)))
	if len(problems) > 0 {
		t.Fatal(problems[0])
	}
	s := kube.NewSnapshot(objects, nil)
	g := Build(rbac.New(s, rbac.Options{Whole: true}), s, nil)
	if len(g.edges) > 200 {
		t.Errorf("%d edges", len(g.edges))
	}
	cut := g.Cut(ToAdmin, "", func(s rbac.Subject) bool { return s.Name != "bot" })
	if text := strings.Join(cut.Unknown, "; "); cut.Exact || !strings.Contains(text, "and 39997 more") || len(text) > 4000 {
		t.Errorf("exact %v, %d bytes of what is unknown", cut.Exact, len(text))
	}
}
