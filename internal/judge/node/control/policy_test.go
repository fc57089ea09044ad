package control

import (
	"strings"
	"testing"
	"time"

	"github.com/plimsoll/plimsoll/internal/read/host/hosttest"
)

// TestPolicy holds which events a policy is asked about, and whose. The want is what each hit says, and nothing where
// the policy is good.
func TestPolicy(t *testing.T) {
	const rest = "- {level: Metadata}"
	rbac := "{group: rbac.authorization.k8s.io, resources: "
	for _, c := range []struct{ name, check, rules, want string }{
		{"ways into pods by SPDY", "gaps", "- {level: None, verbs: [create], resources: [{group: '', resources: [pods/exec, pods/attach, pods/portforward, nodes/proxy]}]}\n" + rest, "create pods/exec, create pods/attach, create pods/portforward, create nodes/proxy"},
		{"who takes rights away", "gaps", "- {level: None, verbs: [delete, patch], resources: [" + rbac + "[rolebindings, clusterroles]}]}\n" + rest, "patch/delete rolebindings.rbac.authorization.k8s.io, patch/delete clusterroles.rbac.authorization.k8s.io"},
		{"all service accounts", "gaps", "- {level: None, userGroups: ['system:serviceaccounts'], resources: [{group: '', resources: [secrets]}]}\n" + rest, "get/list secrets"},
		{"all nodes", "gaps", "- {level: None, userGroups: ['system:nodes'], verbs: [get], resources: [{group: ''}]}\n" + rest, "get secrets, get pods/exec, get pods/attach, get pods/portforward, get nodes/proxy"},
		{"nodes, of what is theirs", "gaps", "- {level: None, userGroups: ['system:nodes'], verbs: [get], resources: [{group: '', resources: [nodes, nodes/status]}]}\n" + rest, ""},
		{"a namespace", "gaps", "- {level: None, namespaces: [kube-system], resources: [{group: '', resources: [secrets, nodes/proxy]}]}\n" + rest, "get/list secrets"},
		{"what is in none", "gaps", "- {level: None, namespaces: [''], resources: [" + rbac + "[clusterroles]}]}\n" + rest, "create/update/patch/delete clusterroles"},
		{"a namespace of which the secrets were logged before", "gaps", "- {level: Metadata, namespaces: [kube-system, shop], resources: [{group: '', resources: [secrets]}]}\n- {level: None, namespaces: [kube-system], resources: [{group: '', resources: [secrets]}]}\n" + rest, ""},
		{"another one", "gaps", "- {level: Metadata, namespaces: [shop], resources: [{group: '', resources: [secrets]}]}\n- {level: None, namespaces: [kube-system], resources: [{group: '', resources: [secrets]}]}\n" + rest, "get/list secrets"},
		{"a component by its name", "gaps", "- {level: None, users: ['system:kube-scheduler'], userGroups: ['system:authenticated']}\n" + rest, ""},
		{"a verb that is none", "gaps", "- {level: Metadata, verbs: ['*']}", "get/list secrets"},
		{"paths alone", "gaps", "- {level: None, nonResourceURLs: ['*']}\n" + rest, ""},
		{"a list of secrets", "leaks", "- {level: RequestResponse, verbs: [list, watch], resources: [{group: '', resources: [secrets]}]}\n" + rest, "list/watch secrets"},
		{"a new secret", "leaks", "- {level: Request, resources: [{group: ''}]}\n" + rest, "create/update/patch secrets, create serviceaccounts/token"},
		{"a secret and what is below it", "leaks", "- {level: RequestResponse, verbs: [get], resources: [{group: '', resources: ['secrets/*']}]}\n" + rest, "get secrets"},
		{"of one user", "leaks", "- {level: RequestResponse, users: [ann]}\n" + rest, "get/list/watch/create/update/patch secrets"},
		{"of one user, of something else", "leaks", "- {level: RequestResponse, users: [ann], resources: [{group: apps}]}\n" + rest, ""},
	} {
		for _, one := range audit() {
			if one.ID != "control/audit-policy-"+c.check {
				continue
			}
			var got []string
			a := one.Run(hosttest.Host(t, "$ kube-apiserver "+policy+c.rules), time.Now())
			for _, h := range a.Hits {
				got = append(got, h.Detail)
			}
			if all := strings.Join(got, "; "); c.want == "" && (all != "" || a.Passed != 1) || !strings.Contains(all, c.want) {
				t.Errorf("%s: %q, want %q: %+v", c.name, all, c.want, a)
			}
		}
	}
}
