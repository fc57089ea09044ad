package directory_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/go-ldap/ldap/v3"
	"github.com/google/go-cmp/cmp"

	"github.com/plimsoll/plimsoll/internal/read/directory"
	"github.com/plimsoll/plimsoll/testbed/domain"
)

func delRequest(dn string) *ldap.DelRequest { return ldap.NewDelRequest(dn, nil) }

const active = `
servers: [URL]
ca: CA
kind: active-directory
timeout: 30s
bind: {name: plimsoll@example.org, passwordFile: password}
users: {base: "dc=example,dc=org"}
groups: {base: "dc=example,dc=org"}
`

func TestActiveDirectory(t *testing.T) {
	s := domain.Samba(t)
	c := s.Connect()
	group := func(cn, kind string, members ...string) {
		all := []string{"objectClass", "group", "cn", cn, "sAMAccountName", cn, "groupType", kind}
		for _, m := range members {
			all = append(all, "member", m)
		}
		s.Add(c, "cn="+cn+groups, all...)
	}
	const security, mail = "-2147483646", "2"
	s.AddAccount(c, "cn=Alice A"+people, "alice", "Alice-pass-1")
	group("devs", security, "cn=Alice A"+people)
	group("k8s-team", security, "cn=devs"+groups)
	group("k8s-admins", security, "cn=k8s-team"+groups)
	group("k8s-mail", mail, "cn=Alice A"+people)
	s.Set(c, "cn=devs"+groups, "member", "cn=Alice A"+people, "cn=k8s-admins"+groups)

	ctx := context.Background()
	d := open(t, s, active)
	alice := login(t, d, "alice", "Alice-pass-1")
	if alice.Name != "ldap:alice" || len(alice.ID) != 32 || alice.Out != "" {
		t.Errorf("%+v", alice)
	}
	if p := login(t, d, "ALICE@example.org", "Alice-pass-1"); p.ID != alice.ID {
		t.Errorf("by another name she is somebody else: %+v", p)
	}
	for by, want := range map[string][]string{
		"tokens":                       {"ldap:Domain Users", "ldap:Users", "ldap:devs", "ldap:k8s-admins", "ldap:k8s-team"},
		"chain":                        {"ldap:Domain Users", "ldap:Users", "ldap:devs", "ldap:k8s-admins", "ldap:k8s-team"},
		"memberOf":                     {"ldap:devs", "ldap:k8s-admins", "ldap:k8s-team"}, // the primary group stands nowhere
		"member":                       {"ldap:devs", "ldap:k8s-admins", "ldap:k8s-team"},
		"tokens, filter: (cn=k8s-*)":   {"ldap:k8s-admins", "ldap:k8s-team"},
		"chain, filter: (cn=k8s-*)":    {"ldap:k8s-admins", "ldap:k8s-team"},
		"memberOf, filter: (cn=k8s-*)": {"ldap:k8s-admins", "ldap:k8s-team"},
	} {
		for _, url := range []string{s.URL, s.StartTLS} {
			d := open(t, s, active, "URL", url, `groups: {base: "dc=example,dc=org"`, `groups: {base: "dc=example,dc=org", by: `+by)
			if diff := cmp.Diff(want, login(t, d, "alice", "Alice-pass-1").Groups); diff != "" {
				t.Errorf("%s: %s", by, diff)
			}
		}
	}
	for _, name := range []string{"*", "alice)(cn=*", "ali*", `alice@*`, "plimsoll)(|(sAMAccountName=alice"} {
		refused(t, d, name, "Alice-pass-1")
	}
	refused(t, d, "alice", "")

	t.Run("census", func(t *testing.T) {
		var many []string
		for i := range 12 {
			dn := fmt.Sprintf("cn=off-%d%s", i, people)
			s.Add(c, dn, "objectClass", "contact", "cn", fmt.Sprint("off-", i))
			many = append(many, dn)
		}
		group("large", security, many...)
		group("larger", security, append(many, "cn=devs"+groups)...)
		// Active Directory gives 1500 members at a time, and fewer to who asks for that.
		if members, err := d.Members(ctx, "cn=larger"+groups, "member;range=0-4"); err != nil || len(members) != 13 {
			t.Errorf("%d members of 13: %v", len(members), err)
		}
		all, err := d.Census(ctx)
		if err != nil {
			t.Fatal(err)
		}
		for name, want := range map[string][2]bool{
			"ldap:k8s-admins": {true, true}, "ldap:Domain Users": {true, true}, "ldap:large": {true, false}, "ldap:larger": {true, true},
			"ldap:k8s-mail": {false, false}, "ldap:Guests": {true, false},
		} {
			if known, living := all.Group(name); known != want[0] || living != want[1] {
				t.Errorf("%s: %t %t", name, known, living)
			}
		}
		if known, out := all.Person("ldap:Guest"); !known || out != "the account is disabled" {
			t.Errorf("Guest: %t %q", known, out)
		}
	})
	t.Run("account", func(t *testing.T) {
		dn := "cn=Alice A" + people
		hours := func(d time.Duration) string {
			return fmt.Sprint(time.Now().Add(d).Unix()*10_000_000 + 116_444_736_000_000_000)
		}
		out := func(what, want string) {
			t.Helper()
			p, err := d.Person(ctx, alice.ID)
			if err != nil || (want == "") != (p.Out == "") || !strings.Contains(p.Out, want) {
				t.Errorf("%s: %+v, %v, want %q", what, p, err, want)
			}
		}
		s.Set(c, dn, "userAccountControl", "514")
		out("disabled", "disabled")
		refused(t, d, "alice", "Alice-pass-1")
		s.Set(c, dn, "userAccountControl", "512")
		s.Set(c, dn, "accountExpires", hours(-time.Hour))
		out("expired", "account has expired")
		s.Set(c, dn, "accountExpires", hours(time.Hour))
		out("expires in an hour", "")
		s.Set(c, dn, "accountExpires", "9223372036854775807")
		out("never expires", "")
		s.Set(c, dn, "accountExpires", "0")
		s.Set(c, dn, "pwdLastSet", "0")
		out("to be changed", "password has expired")
		s.Set(c, dn, "pwdLastSet", "-1")
		out("changed", "")
		for range 3 {
			refused(t, d, "alice", "wrong")
		}
		out("locked", "locked out")
		refused(t, d, "alice", "Alice-pass-1")
		s.Set(c, dn, "lockoutTime", "0")
		out("unlocked", "")
		login(t, d, "alice", "Alice-pass-1")
		if err := c.Del(delRequest(dn)); err != nil {
			t.Fatal(err)
		}
		if _, err := d.Person(ctx, alice.ID); !errors.Is(err, directory.ErrGone) {
			t.Error(err)
		}
	})
}
