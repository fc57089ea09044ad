package directory

import (
	"slices"
	"testing"

	"github.com/plimsoll/plimsoll/internal/read/kube"
)

// known is a directory of alice, who is in devs, of somebody whose account is disabled, and of a group with nobody.
func known() *Known {
	return &Known{
		UserPrefix: "ldap:", GroupPrefix: "ldap:",
		Person: func(name string) (bool, string) {
			if name == "ldap:disabled" {
				return true, "the account is disabled"
			}
			return name == "ldap:alice", ""
		},
		Group: func(name string) (bool, bool) {
			return name == "ldap:devs" || name == "ldap:empty", name == "ldap:devs"
		},
	}
}

func look(t *testing.T, text string) Result {
	t.Helper()
	objects, problems := kube.Manifest("binding.yaml", []byte(text))
	if len(problems) > 0 || len(objects) != 1 || !Is(objects[0]) {
		t.Fatalf("%v %v", objects, problems)
	}
	return Look(objects[0], known())
}

func TestPages(t *testing.T) {
	for _, c := range Checks() {
		if r := look(t, c.Page.Bad); len(r.Hits[c.ID]) != 1 || r.Subjects != 1 {
			t.Errorf("%s: %+v", c.ID, r)
		} else if h := r.Hits[c.ID][0]; h.At[0].StartLine != 6 || h.Subject.Field != "subjects[0]" {
			t.Errorf("%s: %+v", c.ID, h)
		}
		if r := look(t, c.Page.Good); len(r.Hits) != 0 || r.Subjects != 1 {
			t.Errorf("%s: %+v", c.ID, r)
		}
	}
}

// TestOthers wants nothing said of whom the directory does not name, nor of what is malformed.
func TestOthers(t *testing.T) {
	for _, s := range []string{
		`{kind: User, name: kubernetes-admin}`, `{kind: Group, name: "system:masters"}`, `{kind: ServiceAccount, name: "ldap:gone", namespace: x}`,
		`{kind: User}`, `{name: "ldap:gone"}`, `text`, `{kind: [User], name: {}}`,
	} {
		r := look(t, "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRoleBinding\nmetadata: {name: x}\nroleRef: {kind: ClusterRole, name: view}\nsubjects:\n- "+s+"\n")
		if r.Subjects != 0 || len(r.Hits) != 0 {
			t.Errorf("%s: %+v", s, r)
		}
	}
	if objects, _ := kube.Manifest("x.yaml", []byte("apiVersion: rbac.authorization.k8s.io/v1\nkind: RoleBinding\nmetadata: {name: x}\nsubjects: text\n")); Look(objects[0], known()).Subjects != 0 {
		t.Error("it has subjects")
	}
	if slices.ContainsFunc(Checks(), func(c Check) bool { return c.Severity == "" }) {
		t.Error("a check has no severity")
	}
}
