package psp

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"

	"github.com/plimsoll/plimsoll/internal/expr/admission"
	"github.com/plimsoll/plimsoll/internal/read/kube"
)

func parse(t testing.TB, text string) []*kube.Object {
	t.Helper()
	objects, problems := kube.Manifest("o.yaml", []byte(text))
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	return objects
}

// policy is one of a name that allows nothing but what is given.
func policy(name, spec string) string {
	return fmt.Sprintf("---\napiVersion: policy/v1beta1\nkind: PodSecurityPolicy\nmetadata: {name: %s}\nspec: {runAsUser: {rule: RunAsAny}, seLinux: {rule: RunAsAny}, "+
		"supplementalGroups: {rule: RunAsAny}, fsGroup: {rule: RunAsAny}, %s}\n", name, spec)
}

const everyone = `---
{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole, metadata: {name: all}, rules: [{apiGroups: [policy], resources: [podsecuritypolicies], verbs: [use]}]}
---
{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRoleBinding, metadata: {name: all}, roleRef: {kind: ClusterRole, name: all}, subjects: [{kind: Group, name: 'system:authenticated'}]}
`

func pod(t testing.TB, spec string) *corev1.Pod {
	t.Helper()
	typed, _, err := parse(t, "{apiVersion: v1, kind: Pod, metadata: {name: p, namespace: shop}, spec: {serviceAccountName: web, "+spec+"}}")[0].Typed()
	if err != nil {
		t.Fatal(err)
	}
	return typed.(*corev1.Pod)
}

// TestChoice holds the choice against what Kubernetes' documentation said of the order of policies
// (concepts/security/pod-security-policy, "Policy Order", v1.24).
func TestChoice(t *testing.T) {
	changes, plain := "volumes: ['*'], readOnlyRootFilesystem: true", "volumes: ['*']"
	for name, c := range map[string]struct {
		policies, pod, want string
		mutated             bool
	}{
		"the first by name of those that change nothing": {policy("c", plain) + policy("b", plain) + policy("a", changes), "containers: [{name: c, image: i}]", "b", false},
		"else the first by name":                         {policy("c", changes) + policy("b", changes), "containers: [{name: c, image: i}]", "b", true},
		"one that changes nothing, as it is set":         {policy("b", plain) + policy("a", changes), "containers: [{name: c, image: i, securityContext: {readOnlyRootFilesystem: true}}]", "a", false},
		"what refuses is passed over":                    {policy("b", plain+", hostPID: true") + policy("a", plain), "hostPID: true, containers: [{name: c, image: i}]", "b", false},
		"a profile in a field counts as a change":        {policy("b", plain) + policy("a", changes), "securityContext: {seccompProfile: {type: RuntimeDefault}}, containers: [{name: c, image: i}]", "", false},
		"no policy": {policy("a", "volumes: [secret]"), "volumes: [{name: v, emptyDir: {}}], containers: [{name: c, image: i}]", "", false},
	} {
		t.Run(name, func(t *testing.T) {
			s, errs := NewSet(parse(t, c.policies+everyone))
			if len(errs) > 0 {
				t.Fatal(errs)
			}
			got := s.Choose(pod(t, c.pod), "shop", admission.User{Name: "ann"})
			chosen := ""
			if got.Policy != nil {
				chosen = got.Policy.Name
			}
			if chosen != c.want || got.Mutated != c.mutated {
				t.Errorf("chosen %q, mutated %v", chosen, got.Mutated)
			}
			if (chosen == "") != (len(got.Refused) > 0) {
				t.Errorf("refused %+v", got.Refused)
			}
		})
	}
}

// TestUse holds who may use a policy against RBAC's own rules.
func TestUse(t *testing.T) {
	role := func(kind, rule string) string {
		return "---\n{apiVersion: rbac.authorization.k8s.io/v1, kind: " + kind + ", metadata: {name: r, namespace: shop}, rules: [" + rule + "]}\n"
	}
	bind := func(kind, of, subject string) string {
		return "---\n{apiVersion: rbac.authorization.k8s.io/v1, kind: " + kind + ", metadata: {name: b, namespace: shop}, roleRef: {kind: " + of + ", name: r}, subjects: [" + subject + "]}\n"
	}
	use := "{apiGroups: [policy], resources: [podsecuritypolicies], resourceNames: [p], verbs: [use]}"
	web := "{kind: ServiceAccount, name: web, namespace: shop}"
	account := admission.ServiceAccount("shop", "web")
	for name, c := range map[string]struct {
		objects   string
		who       admission.User
		namespace string
		want      bool
	}{
		"by a role":                               {role("Role", use) + bind("RoleBinding", "Role", web), account, "shop", true},
		"by a cluster role, in the namespace":     {role("ClusterRole", use) + bind("RoleBinding", "ClusterRole", web), account, "shop", true},
		"by a cluster role, elsewhere":            {role("ClusterRole", use) + bind("RoleBinding", "ClusterRole", web), account, "pay", false},
		"by a cluster role, everywhere":           {role("ClusterRole", use) + bind("ClusterRoleBinding", "ClusterRole", web), account, "pay", true},
		"another account":                         {role("Role", use) + bind("RoleBinding", "Role", web), admission.ServiceAccount("shop", "db"), "shop", false},
		"another namespace's account":             {role("Role", use) + bind("RoleBinding", "Role", web), admission.ServiceAccount("pay", "web"), "shop", false},
		"an account without a namespace":          {role("Role", use) + bind("RoleBinding", "Role", "{kind: ServiceAccount, name: web}"), account, "shop", true},
		"all accounts":                            {role("ClusterRole", use) + bind("ClusterRoleBinding", "ClusterRole", "{kind: Group, name: 'system:serviceaccounts'}"), admission.ServiceAccount("a", "b"), "a", true},
		"all accounts of a namespace":             {role("Role", use) + bind("RoleBinding", "Role", "{kind: Group, name: 'system:serviceaccounts:shop'}"), account, "shop", true},
		"who is authenticated":                    {role("ClusterRole", use) + bind("ClusterRoleBinding", "ClusterRole", "{kind: Group, name: 'system:authenticated'}"), account, "shop", true},
		"a user":                                  {role("Role", use) + bind("RoleBinding", "Role", "{kind: User, name: ann}"), admission.User{Name: "ann"}, "shop", true},
		"masters":                                 {"", admission.User{Name: "root", Groups: []string{"system:masters"}}, "shop", true},
		"another policy":                          {role("Role", strings.Replace(use, "[p]", "[q]", 1)) + bind("RoleBinding", "Role", web), account, "shop", false},
		"all policies":                            {role("Role", strings.Replace(use, "resourceNames: [p], ", "", 1)) + bind("RoleBinding", "Role", web), account, "shop", true},
		"another verb":                            {role("Role", strings.Replace(use, "[use]", "[get, list]", 1)) + bind("RoleBinding", "Role", web), account, "shop", false},
		"all verbs, resources and groups":         {role("Role", "{apiGroups: ['*'], resources: ['*'], verbs: ['*']}") + bind("RoleBinding", "Role", web), account, "shop", true},
		"the older group":                         {role("Role", strings.Replace(use, "[policy]", "[extensions]", 1)) + bind("RoleBinding", "Role", web), account, "shop", true},
		"another group":                           {role("Role", strings.Replace(use, "[policy]", "[apps]", 1)) + bind("RoleBinding", "Role", web), account, "shop", false},
		"a cluster role that a Role's name hides": {role("ClusterRole", use) + bind("RoleBinding", "Role", web), account, "shop", false},
		"a role that collects others": {
			"---\n{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole, metadata: {name: part, labels: {into: r}}, rules: [" + use + "]}\n" +
				"---\n{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole, metadata: {name: r}, aggregationRule: {clusterRoleSelectors: [{matchLabels: {into: r}}]}}\n" +
				bind("RoleBinding", "ClusterRole", web), account, "shop", true,
		},
		"of an older version": {strings.ReplaceAll(role("Role", use)+bind("RoleBinding", "Role", web), "k8s.io/v1", "k8s.io/v1beta1"), account, "shop", true},
	} {
		t.Run(name, func(t *testing.T) {
			var objects []*kube.Object
			if c.objects != "" {
				objects = parse(t, c.objects)
			}
			g := NewGrants(objects)
			if got := g.Use(c.who, "p", c.namespace); got != c.want {
				t.Errorf("%v", got)
			}
			if missing := name == "a cluster role that a Role's name hides"; missing != (len(g.Missing) == 1) {
				t.Errorf("missing %v", g.Missing)
			}
		})
	}
}

// TestHostPaths is Kubernetes' own table (pkg/security/podsecuritypolicy/util, TestAllowsHostVolumePath).
func TestHostPaths(t *testing.T) {
	for _, c := range []struct {
		path, prefix string
		want         bool
	}{
		{"/foo", "/foo", true},
		{"/foo/", "/foo", true},
		{"/foo", "/foo/", true},
		{"/foo/bar", "/foo", true},
		{"/foobar", "/foo", false},
		{"/", "/foo", false},
		{"/bar", "/foo", false},
		{"/foo", "/", true},
		{"/", "/", true},
		{"/foo/bar", "/foo/bar/baz", false},
	} {
		p, err := New(parse(t, policy("p", "volumes: [hostPath], allowedHostPaths: [{pathPrefix: "+c.prefix+"}]"))[0])
		if err != nil {
			t.Fatal(err)
		}
		faults := p.Faults(pod(t, "volumes: [{name: v, hostPath: {path: "+c.path+"}}], containers: [{name: c, image: i}]"))
		if got := !slices.Contains(faults, "spec.volumes[0]"); got != c.want {
			t.Errorf("%s below %s: %v", c.path, c.prefix, got)
		}
	}
}

// TestRefusedPolicies wants what no API server took to be an error that says what is wrong.
func TestRefusedPolicies(t *testing.T) {
	for spec, want := range map[string]string{
		"privileged: yess":                     "privileged",
		"hostNet: true":                        "hostNet",
		"runAsGroup: {rule: MustRunAs}":        "spec.runAsGroup: rule MustRunAs needs ranges",
		"runAsGroup: {rule: MustRunAsNonRoot}": "spec.runAsGroup.rule",
		"hostPorts: [{min: 3, max: 2}]":        "spec.hostPorts: 3 to 2",
		"allowPrivilegeEscalation: false, defaultAllowPrivilegeEscalation: true":    "defaultAllowPrivilegeEscalation is true",
		"allowedHostPaths: [{pathPrefix: /a/../b}]":                                 "/a/../b",
		"requiredDropCapabilities: [KILL], allowedCapabilities: [KILL]":             "KILL is to be dropped",
		"runtimeClass: {allowedRuntimeClassNames: [a], defaultRuntimeClassName: b}": `"b" is not one of those`,
		"runAsGroup: {rule: MayRunAs, ranges: [{min: 5, max: 1}]}":                  "5 to 1 is no range",
	} {
		if _, err := New(parse(t, policy("p", spec))[0]); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "PodSecurityPolicy p") {
			t.Errorf("%s: %v", spec, err)
		}
	}
}

// TestVolumeWords wants what API servers took, and no other word (validatePodSecurityPolicyVolumes, Kubernetes 1.24).
func TestVolumeWords(t *testing.T) {
	for _, word := range append(VolumeTypes(), "*") {
		if _, errs := NewSet(parse(t, policy("a", "volumes: ['"+word+"']"))); len(errs) > 0 {
			t.Error(errs)
		}
	}
	for word, want := range map[string]string{"configmap": `did you mean "configMap"?`, "none": "use * or some of hostPath, emptyDir", "image": "use *"} {
		if _, errs := NewSet(parse(t, policy("a", "volumes: ["+word+"]"))); len(errs) != 1 || !strings.Contains(errs[0].Error(), want) {
			t.Errorf("%s: %v", word, errs)
		}
	}
}

// FuzzPolicies reads policies that anybody wrote: what is taken fills a pod in once and for all, and finds the same faults
// in it each time.
func FuzzPolicies(f *testing.F) {
	for _, spec := range []string{
		"volumes: ['*'], readOnlyRootFilesystem: true", "requiredDropCapabilities: [ALL], allowedCapabilities: [CHOWN], defaultAllowPrivilegeEscalation: false",
		"hostPorts: [{min: 1, max: 80}], allowedHostPaths: [{pathPrefix: /a, readOnly: true}], volumes: [hostPath]",
		"runtimeClass: {allowedRuntimeClassNames: [a], defaultRuntimeClassName: a}, allowedUnsafeSysctls: ['net.*']",
	} {
		f.Add([]byte(policy("a", spec) + everyone))
	}
	f.Add([]byte(strings.NewReplacer("rule: RunAsAny", "rule: MustRunAs, ranges: [{min: 1, max: 9}]").Replace(policy("a", "privileged: true"))))
	pods := []*corev1.Pod{
		pod(f, "containers: [{name: c, image: i}]"),
		pod(f, "hostNetwork: true, volumes: [{name: v, hostPath: {path: /a/b}}], initContainers: [{name: i, image: i, ports: [{hostPort: 80}]}], containers: [{name: c, image: i, securityContext: {privileged: true, capabilities: {add: [CHOWN]}}}]"),
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		objects, _ := kube.Manifest("o.yaml", text)
		set, _ := NewSet(objects)
		for _, of := range pods {
			for _, p := range set.Policies {
				filled := p.Fill(of)
				if again := p.Fill(filled); !equality.Semantic.DeepEqual(filled, again) {
					t.Errorf("%s fills in twice: %v, %v", p.Name, filled, again)
				}
				if a, b := p.Faults(filled), p.Faults(filled); !slices.Equal(a, b) {
					t.Errorf("%s finds %v, then %v", p.Name, a, b)
				}
			}
			set.Choose(of, "shop", admission.User{Name: "ann", Groups: []string{"system:authenticated"}})
		}
	})
}
