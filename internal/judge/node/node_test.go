package node_test

import (
	"slices"
	"testing"
	"time"

	"github.com/plimsoll/plimsoll/internal/judge/node"
	"github.com/plimsoll/plimsoll/internal/judge/node/control"
	"github.com/plimsoll/plimsoll/internal/judge/node/engine"
	"github.com/plimsoll/plimsoll/internal/read/host/hosttest"
)

var now = time.Date(2026, 11, 29, 0, 0, 0, 0, time.UTC)

// TestPages runs each check on the examples of its page.
func TestPages(t *testing.T) {
	for _, c := range slices.Concat(node.Checks(), control.Checks(), engine.Checks()) {
		bad := c.Run(hosttest.Host(t, c.Page.Bad), now)
		if len(bad.Hits) == 0 {
			t.Errorf("%s does not find its bad example: %+v\n%s", c.ID, bad, c.Page.Bad)
		}
		for _, h := range bad.Hits {
			if h.Where == "" || h.Detail == "" || h.Subject == nil {
				t.Errorf("%s: a hit without its place: %+v", c.ID, h)
			}
		}
		good := c.Run(hosttest.Host(t, c.Page.Good), now)
		if len(good.Hits)+len(good.Unknown) > 0 || good.Passed == 0 {
			t.Errorf("%s does not pass its good example: %+v\n%s", c.ID, good, c.Page.Good)
		}
		if empty := c.Run(hosttest.Host(t, ""), now); empty.Applies() {
			t.Errorf("%s sees something on a host that has nothing: %+v", c.ID, empty)
		}
	}
}

// TestEffective holds what a setting comes to where it stands alone otherwise.
func TestEffective(t *testing.T) {
	for _, c := range []struct{ name, check, text, want string }{
		{"a server that lets everybody do everything answers nobody it does not know", "control/anonymous-auth", "$ kube-apiserver --authorization-mode=AlwaysAllow --anonymous-auth=true", "pass"},
		{"nothing is said", "control/anonymous-auth", "$ kube-apiserver --authorization-mode=RBAC", "hit"},
		{"anonymous at a path of its own", "control/anonymous-auth", "$ kube-apiserver --authorization-mode=RBAC --authentication-config=/a.yaml\n# /a.yaml\nkind: AuthenticationConfiguration\nanonymous: {enabled: true, conditions: [{path: /api}]}", "hit"},
		{"a configuration that says nothing of it", "control/anonymous-auth", "$ kube-apiserver --authorization-mode=RBAC --authentication-config=/a.yaml\n# /a.yaml\nkind: AuthenticationConfiguration", "hit"},
		{"a configuration that is not there", "control/authorization-always-allow", "$ kube-apiserver --authorization-config=/gone.yaml", "unknown"},
		{"no mode at all", "control/authorization-always-allow", "$ kube-apiserver --v=2", "hit"},
		{"a kubelet of flags alone", "node/kubelet-authorization", "$ kubelet --v=2", "hit"},
		{"and one with an empty file", "node/kubelet-authorization", "$ kubelet --config=/k.yaml\n# /k.yaml\nkind: KubeletConfiguration\n", "pass"},
		{"TLS 1.3 has no suites to choose", "control/ciphers", "$ kube-apiserver --tls-min-version=VersionTLS13", "pass"},
		{"a wildcard that leaves secrets to a later rule", "control/encryption-provider", "$ kube-apiserver --encryption-provider-config=/e.yaml\n# /e.yaml\nresources:\n- resources: [configmaps]\n  providers: [{secretbox: {}}]\n- resources: ['*.*']\n  providers: [{identity: {}}]", "hit"},
		{"who alone is not logged decides for nobody else", "control/audit-policy-gaps", "$ kube-apiserver --audit-policy-file=/a.yaml\n# /a.yaml\nrules:\n- {level: None, users: [x]}\n- {level: Metadata}", "pass"},
		{"a policy that ends without a rule for the rest", "control/audit-policy-gaps", "$ kube-apiserver --audit-policy-file=/a.yaml\n# /a.yaml\nrules:\n- {level: Metadata, resources: [{group: '', resources: [secrets]}]}", "hit"},
		{"a member alone has no peers", "control/etcd-peer-auth", "$ etcd --listen-peer-urls=http://127.0.0.1:2380 --initial-cluster=a=http://127.0.0.1:2380", "none"},
		{"names that a rule refuses", "control/oidc-system-names", "$ kube-apiserver --authentication-config=/a.yaml\n# /a.yaml\njwt:\n- claimMappings: {username: {claim: sub, prefix: ''}}\n  userValidationRules: [{expression: \"!user.username.startsWith('system:')\"}]", "pass"},
		{"groups without a prefix", "control/oidc-system-names", "$ kube-apiserver --authentication-config=/a.yaml\n# /a.yaml\njwt:\n- claimMappings: {username: {claim: sub, prefix: 'o:'}, groups: {claim: groups, prefix: ''}}", "hit"},
	} {
		for _, one := range slices.Concat(node.Checks(), control.Checks(), engine.Checks()) {
			if one.ID != c.check {
				continue
			}
			a := one.Run(hosttest.Host(t, c.text), now)
			got := "pass"
			switch {
			case !a.Applies():
				got = "none"
			case len(a.Hits) > 0:
				got = "hit"
			case len(a.Unknown) > 0:
				got = "unknown"
			}
			if got != c.want {
				t.Errorf("%s: %s, want %s: %+v", c.name, got, c.want, a)
			}
		}
	}
}
