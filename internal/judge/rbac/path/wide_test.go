package path

import (
	"strings"
	"testing"

	"github.com/plimsoll/plimsoll/internal/judge/rbac"
)

// everywhere turns what [shop] has of one namespace into rights in all.
var everywhere = strings.NewReplacer("kind: Role\nmetadata: {name: r, namespace: shop}", "kind: ClusterRole\nmetadata: {name: r}", "kind: RoleBinding\nmetadata: {name: b, namespace: shop}", "kind: ClusterRoleBinding\nmetadata: {name: b}", "kind: Role, name: r", "kind: ClusterRole, name: r")

func reaches(g *Graph, end string) bool {
	return len(g.From(end, "", func(s rbac.Subject) bool { return s.Name != "bot" }, 1)) > 0
}

// TestImpersonates holds that a group is said of any user that may be named, and that accounts are asked about as accounts.
func TestImpersonates(t *testing.T) {
	const (
		masters = "{apiGroups: [''], resources: [groups], resourceNames: ['system:masters'], verbs: [impersonate]}"
		bob     = "{apiGroups: [''], resources: [users], resourceNames: [bob], verbs: [impersonate]}"
		web     = "{apiGroups: [''], resources: [users], resourceNames: ['system:serviceaccount:shop:web'], verbs: [impersonate]}"
	)
	for name, c := range map[string]struct {
		rule string
		path bool
	}{
		"a user and a group by name":     {bob + ", " + masters, true},
		"both in one rule":               {"{apiGroups: [''], resources: [users, groups], resourceNames: [bob, 'system:masters'], verbs: [impersonate]}", true},
		"any group, as a user by name":   {bob + ", {apiGroups: [''], resources: [groups], verbs: [impersonate]}", true},
		"the group alone":                {masters, false},
		"the user alone":                 {bob, false},
		"an account as a user":           {web, false},
		"an account as a user, in group": {web + ", " + masters, false},
		"an account as an account":       {"{apiGroups: [''], resources: [serviceaccounts], resourceNames: [web], verbs: [impersonate]}", true},
	} {
		if got := reaches(graphOf(t, everywhere.Replace(shop(c.rule, "")), nil), ToAdmin); got != c.path {
			t.Errorf("%s: a path: %v", name, got)
		}
	}
	two := everywhere.Replace(shop(bob, strings.ReplaceAll(strings.Split(shop(masters, ""), "---\napiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRoleBinding")[0], "name: r", "name: other")))
	two = strings.NewReplacer("kind: Role\nmetadata: {name: other, namespace: shop}", "kind: ClusterRole\nmetadata: {name: other}", "kind: Role, name: other", "kind: ClusterRole, name: other", "name: b, namespace: shop", "name: c").Replace(two)
	two = strings.ReplaceAll(two, "kind: RoleBinding\n", "kind: ClusterRoleBinding\n")
	if !reaches(graphOf(t, two, nil), ToAdmin) {
		t.Error("by two roles: no path")
	}
}

// TestAdminOfNamespace has who may bind itself to cluster-admin in a namespace get to all that there is to gain in it.
func TestAdminOfNamespace(t *testing.T) {
	rule := "{apiGroups: [rbac.authorization.k8s.io], resources: [clusterroles], verbs: [bind]}, {apiGroups: [rbac.authorization.k8s.io], resources: [rolebindings], verbs: [create]}"
	text := strings.Replace(shop(rule, ""), "subjects: [{kind: ServiceAccount, name: web", "subjects: [{kind: User, name: root", 1)
	const paid = "---\napiVersion: v1\nkind: ServiceAccount\nmetadata: {name: paid, namespace: shop, annotations: {eks.amazonaws.com/role-arn: a}}\n"
	const devices = "---\napiVersion: v1\nkind: Namespace\nmetadata: {name: shop, labels: {resource.kubernetes.io/admin-access: 'true'}}\n"
	all := graphOf(t, text+paid+devices, nil)
	for _, end := range []string{ToNetwork, ToPolicies, ToOutage, ToNode, ToSecrets, ToCloud, ToData} {
		namespace := ""
		if end == ToSecrets {
			namespace = "shop"
		}
		if len(all.From(end, namespace, func(s rbac.Subject) bool { return s.Name != "bot" }, 1)) == 0 {
			t.Errorf("no path to %s", end)
		}
	}
	for _, end := range []string{ToAdmin, ToLogs} {
		if reaches(all, end) {
			t.Errorf("a path to %s, which is of no namespace", end)
		}
	}
	if g := graphOf(t, text, nil); reaches(g, ToCloud) || reaches(g, ToData) {
		t.Error("a path to an identity that nobody has, or to devices that nobody may share")
	}
	if got := all.From(ToCloud, "", func(s rbac.Subject) bool { return s.Name != "root" }, 1); len(got) == 0 {
		t.Error("who is the cluster's master is not in the cloud")
	}
}

// TestServer reads flags as the API server does: a truth may stand alone, other values in a word of their own.
func TestServer(t *testing.T) {
	const make = "{apiGroups: [''], resources: [secrets], verbs: [create]}"
	const joins = "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRoleBinding\nmetadata: {name: boot}\nroleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: cluster-admin}\nsubjects: [{kind: Group, name: 'system:bootstrappers:a'}]\n---\n"
	api := func(flags string) string {
		return "apiVersion: v1\nkind: Pod\nmetadata: {name: kube-apiserver-a, namespace: kube-system}\nspec: {containers: [{name: a, image: a, command: [kube-apiserver, " + flags + "]}]}\n"
	}
	for flags, want := range map[string]bool{
		"--a=b": false, "--enable-bootstrap-token-auth": true, "--enable-bootstrap-token-auth=true": true, "--enable-bootstrap-token-auth=false": false, "--enable_bootstrap_token_auth=1": true,
		"--enable-bootstrap-token-auth, --a=b": true,
	} {
		if got := reaches(graphOf(t, everywhere.Replace(shop(make, joins+api(flags))), nil), ToAdmin); got != want {
			t.Errorf("%s: tokens are taken: %v", flags, got)
		}
	}
	for _, c := range []struct {
		flags, rule string
		want        bool
	}{
		{"--enable-admission-plugins, 'NodeRestriction,DenyServiceExternalIPs'", "services", false},
		{"--enable-admission-plugins=DenyServiceExternalIPs, --enable-admission-plugins=NodeRestriction", "services", false},
		{"--enable-admission-plugins=NodeRestriction", "services", true},
		{"--enable-admission-plugins=DenyServiceExternalIPs", "services/status", true},
	} {
		rule := "{apiGroups: [''], resources: [" + c.rule + "], verbs: [update]}"
		if got := reaches(graphOf(t, shop(rule, api(c.flags)+"---\napiVersion: v1\nkind: Service\nmetadata: {name: s, namespace: shop}\n"), nil), ToNetwork); got != c.want {
			t.Errorf("%s with %s: a path: %v", c.rule, c.flags, got)
		}
	}
}
