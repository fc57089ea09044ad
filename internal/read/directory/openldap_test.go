package directory_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/plimsoll/plimsoll/internal/read/directory"
	"github.com/plimsoll/plimsoll/internal/read/directory/settings"
	"github.com/plimsoll/plimsoll/testbed/domain"
)

// open reads settings for a server, with what is replaced in them.
func open(t *testing.T, s *domain.Server, text string, replace ...string) *directory.Directory {
	t.Helper()
	for name, content := range map[string]string{"password": secretOf(s) + "\n", "directory.yaml": strings.NewReplacer(append(replace, "URL", s.URL, "CA", s.CA)...).Replace(text)} {
		if err := os.WriteFile(filepath.Join(s.Dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	o, err := settings.Read(filepath.Join(s.Dir, "directory.yaml"), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	d := directory.Open(o.Directory)
	t.Cleanup(d.Close)
	return d
}

func secretOf(s *domain.Server) string {
	if strings.HasPrefix(s.Admin, "administrator@") {
		return "Reads-0nly"
	}
	return "reads"
}

const openldap = `
servers: [URL]
ca: CA
kind: openldap
timeout: 20s
bind: {name: "cn=plimsoll,dc=example,dc=org", passwordFile: password}
users: {base: "ou=people,dc=example,dc=org"}
groups: {base: "ou=groups,dc=example,dc=org"}
`

const (
	people = ",ou=people,dc=example,dc=org"
	groups = ",ou=groups,dc=example,dc=org"
)

// populate adds alice and bob, and groups of all sorts.
func populate(s *domain.Server) {
	c := s.Connect()
	defer c.Close()
	for _, uid := range []string{"alice", "bob", "carol*", "carol"} {
		s.Add(c, "uid="+strings.ReplaceAll(uid, "*", `\2a`)+people, "objectClass", "inetOrgPerson", "objectClass", "shadowAccount",
			"uid", uid, "cn", uid, "sn", uid, "mail", uid+"@example.org", "userPassword", uid+"-pass")
	}
	group := func(cn string, members ...string) {
		all := []string{"objectClass", "groupOfNames", "cn", cn}
		for _, m := range members {
			all = append(all, "member", m)
		}
		s.Add(c, "cn="+cn+groups, all...)
	}
	group("devs", "uid=alice"+people)
	group("k8s-team", "cn=devs"+groups)
	group("k8s-admins", "cn=k8s-team"+groups, "uid=bob"+people)
	group("others", "uid=bob"+people)
	s.Add(c, "cn=k8s-unique"+groups, "objectClass", "groupOfUniqueNames", "cn", "k8s-unique", "uniqueMember", "uid=alice"+people)
	s.Add(c, "cn=k8s-posix"+groups, "objectClass", "posixGroup", "cn", "k8s-posix", "gidNumber", "1000", "memberUid", "alice")
	// In a circle: who is in one is in both.
	s.Set(c, "cn=devs"+groups, "member", "uid=alice"+people, "cn=k8s-admins"+groups)
}

func login(t *testing.T, d *directory.Directory, name, password string) *directory.Person {
	t.Helper()
	p, err := d.Login(context.Background(), name, password)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return p
}

func refused(t *testing.T, d *directory.Directory, name, password string) string {
	t.Helper()
	p, err := d.Login(context.Background(), name, password)
	if p != nil || !errors.Is(err, directory.ErrRefused) {
		t.Fatalf("%q with %q: %+v, %v", name, password, p, err)
	}
	return err.Error()
}

func TestOpenLDAP(t *testing.T) {
	s := domain.OpenLDAP(t)
	populate(s)
	ctx := context.Background()
	d := open(t, s, openldap)
	if err := d.Ping(ctx); err != nil {
		t.Fatal(err)
	}
	all := []string{"ldap:devs", "ldap:k8s-admins", "ldap:k8s-posix", "ldap:k8s-team", "ldap:k8s-unique"}
	alice := login(t, d, "ALICE", "alice-pass")
	if alice.Name != "ldap:alice" || alice.ID == "" || alice.Out != "" {
		t.Errorf("%+v", alice)
	}
	if diff := cmp.Diff(all, alice.Groups); diff != "" {
		t.Error(diff)
	}
	again, err := d.Person(ctx, alice.ID)
	if diff := cmp.Diff(alice, again); diff != "" || err != nil {
		t.Error(diff, err)
	}

	t.Run("census", func(t *testing.T) {
		c := s.Connect()
		s.Add(c, "cn=empty"+groups, "objectClass", "groupOfNames", "cn", "empty", "member", "uid=gone"+people)
		s.Add(c, "cn=round"+groups, "objectClass", "groupOfNames", "cn", "round", "member", "cn=round"+groups, "member", "cn=empty"+groups)
		s.Add(c, "cn=out"+groups, "objectClass", "groupOfNames", "cn", "out", "member", "uid=carol"+people)
		s.Set(c, "uid=carol"+people, "shadowExpire", "1")
		all, err := d.Census(ctx)
		if err != nil {
			t.Fatal(err)
		}
		for name, want := range map[string][2]bool{
			"ldap:k8s-admins": {true, true}, "ldap:k8s-posix": {true, true}, "ldap:k8s-unique": {true, true}, "ldap:empty": {true, false},
			"ldap:round": {true, false}, "ldap:out": {true, false}, "ldap:none": {false, false}, "k8s-admins": {false, false},
		} {
			if known, living := all.Group(name); known != want[0] || living != want[1] {
				t.Errorf("%s: %t %t", name, known, living)
			}
		}
		for name, want := range map[string]string{"ldap:alice": "", "ldap:carol": "the account has expired (shadowExpire)", "ldap:none": "unknown"} {
			known, out := all.Person(name)
			if !known {
				out = "unknown"
			}
			if out != want {
				t.Errorf("%s: %q", name, out)
			}
		}
		s.Set(c, "uid=carol"+people, "shadowExpire")
		for _, cn := range []string{"empty", "round", "out"} {
			if err := c.Del(delRequest("cn=" + cn + groups)); err != nil {
				t.Fatal(err)
			}
		}
	})
	t.Run("ways", func(t *testing.T) {
		for text, want := range map[string][]string{
			"by: memberOf":                         {"ldap:devs", "ldap:k8s-admins", "ldap:k8s-team"}, // the overlay keeps it for groupOfNames alone
			"by: member, filter: (cn=k8s-*)":       {"ldap:k8s-admins", "ldap:k8s-posix", "ldap:k8s-team", "ldap:k8s-unique"},
			"by: memberOf, filter: (cn=k8s-t*)":    {"ldap:k8s-team"},
			`prefix: "corp/", filter: (cn=devs)`:   {"corp/devs"},
			"filter: (&(cn=devs)(!(cn=devs)))":     nil,
			`prefix: sys, filter: "(cn=k8s-uni*)"`: {"sysk8s-unique"},
		} {
			d := open(t, s, openldap, `"ou=groups,dc=example,dc=org"`, `"ou=groups,dc=example,dc=org", `+text)
			if diff := cmp.Diff(want, login(t, d, "alice", "alice-pass").Groups); diff != "" {
				t.Errorf("%s: %s", text, diff)
			}
		}
	})
	t.Run("StartTLS", func(t *testing.T) {
		d := open(t, s, openldap, "URL", s.StartTLS)
		if diff := cmp.Diff(all, login(t, d, "alice", "alice-pass").Groups); diff != "" {
			t.Error(diff)
		}
	})
	t.Run("another authority", func(t *testing.T) {
		for _, url := range []string{s.URL, s.StartTLS} {
			d := open(t, s, openldap, "URL", url, "ca: CA\n", "")
			_, err := d.Login(ctx, "alice", "alice-pass")
			if away := new(directory.AwayError); !errors.As(err, &away) || !strings.Contains(err.Error(), "certificate signed by unknown authority") {
				t.Error(err)
			}
		}
	})
	t.Run("injection", func(t *testing.T) {
		for _, name := range []string{
			"*", "ali*", "alice)(uid=*", "*)(uid=*))(|(uid=*", `\2a`, "alice)(|(uid=bob", "(uid=alice)", "alice\x00", "uid=alice" + people, "",
			"alice\n", strings.Repeat("a", 300), "nobody", "alice@example.org", "\xff",
		} {
			for _, password := range []string{"alice-pass", "bob-pass", "reads"} {
				refused(t, d, name, password)
			}
		}
		// The one whose name has a star is found by it, and nobody else is.
		if p := login(t, d, "carol*", "carol*-pass"); p.Name != "ldap:carol*" {
			t.Errorf("%+v", p)
		}
		refused(t, d, "carol*", "carol-pass")
	})
	t.Run("passwords", func(t *testing.T) {
		// OpenLDAP says yes to who names somebody and has no password (RFC 4513, 5.1.2).
		if why := refused(t, d, "alice", ""); !strings.Contains(why, "password is empty") {
			t.Error(why)
		}
		refused(t, d, "alice", "bob-pass")
		refused(t, d, "alice", strings.Repeat("a", 2000))
		login(t, d, "alice", "alice-pass")
	})
	t.Run("two of a name", func(t *testing.T) {
		c := s.Connect()
		s.Add(c, "ou=more"+people, "objectClass", "organizationalUnit", "ou", "more")
		s.Add(c, "uid=bob,ou=more"+people, "objectClass", "inetOrgPerson", "uid", "bob", "cn", "bob", "sn", "bob", "mail", "second@example.org", "userPassword", "second")
		if why := refused(t, d, "bob", "second"); !strings.Contains(why, "several people") {
			t.Error(why)
		}
		// Neither by another name that each has alone.
		d := open(t, s, openldap, `people,dc=example,dc=org"`, `people,dc=example,dc=org", login: [mail]`)
		if why := refused(t, d, "second@example.org", "second"); !strings.Contains(why, `several people have the uid "bob"`) {
			t.Error(why)
		}
		if err := c.Del(delRequest("uid=bob,ou=more" + people)); err != nil {
			t.Fatal(err)
		}
		if p := login(t, d, "bob@example.org", "bob-pass"); p.Name != "ldap:bob" {
			t.Errorf("%+v", p)
		}
	})
	t.Run("names of Kubernetes' own", func(t *testing.T) {
		c := s.Connect()
		s.Add(c, "cn=tem:masters"+groups, "objectClass", "groupOfNames", "cn", "tem:masters", "member", "uid=bob"+people)
		s.Add(c, "cn=two"+groups, "objectClass", "groupOfNames", "cn", "two", "cn", "too", "member", "uid=bob"+people)
		d := open(t, s, openldap, `"ou=groups,dc=example,dc=org"`, `"ou=groups,dc=example,dc=org", prefix: sys`)
		p := login(t, d, "bob", "bob-pass")
		if slices.Contains(p.Groups, "system:masters") || len(p.Left) != 2 || !strings.Contains(strings.Join(p.Left, " "), "would be one of Kubernetes' own") {
			t.Errorf("%+v", p)
		}
	})
	t.Run("pages", func(t *testing.T) {
		c := s.Connect()
		for i := range 620 {
			s.Add(c, fmt.Sprintf("cn=many-%03d%s", i, groups), "objectClass", "groupOfNames", "cn", fmt.Sprintf("many-%03d", i), "member", "uid=carol"+people)
		}
		if p := login(t, d, "carol", "carol-pass"); len(p.Groups) != 620 {
			t.Errorf("%d groups", len(p.Groups))
		}
	})
	t.Run("deep", func(t *testing.T) {
		c := s.Connect()
		below := `uid=carol\2a` + people
		for i := range 21 {
			dn := fmt.Sprintf("cn=deep-%02d%s", i, groups)
			s.Add(c, dn, "objectClass", "groupOfNames", "cn", fmt.Sprintf("deep-%02d", i), "member", below)
			below = dn
		}
		if p, err := d.Login(ctx, "carol*", "carol*-pass"); err == nil || !strings.Contains(err.Error(), "more than 20 deep") {
			t.Errorf("%+v, %v", p, err)
		}
	})
	t.Run("account", func(t *testing.T) {
		c := s.Connect()
		today := time.Now().Unix() / 86400
		for attribute, states := range map[string]map[int64]string{
			"shadowExpire":     {today: "expired", today + 2: "", 0: "expired", -1: ""},
			"shadowLastChange": {0: "is to be changed", today: ""},
		} {
			for value, want := range states {
				s.Set(c, "uid=alice"+people, attribute, fmt.Sprint(value))
				if p := login(t, d, "alice", "alice-pass"); (want == "") != (p.Out == "") || !strings.Contains(p.Out, want) {
					t.Errorf("%s %d: %q, want %q", attribute, value, p.Out, want)
				}
				s.Set(c, "uid=alice"+people, attribute)
			}
		}
		s.Set(c, "uid=alice"+people, "shadowLastChange", fmt.Sprint(today-11))
		s.Set(c, "uid=alice"+people, "shadowMax", "10")
		if p := login(t, d, "alice", "alice-pass"); !strings.Contains(p.Out, "password has expired") {
			t.Errorf("%+v", p)
		}
		s.Set(c, "uid=alice"+people, "shadowMax", "20")
		// Three wrong passwords, and the right one does not help.
		for range 3 {
			refused(t, d, "alice", "wrong")
		}
		refused(t, d, "alice", "alice-pass")
		if p, err := d.Person(ctx, alice.ID); err != nil || !strings.Contains(p.Out, "locked") {
			t.Errorf("%+v, %v", p, err)
		}
		if err := c.Del(delRequest("uid=alice" + people)); err != nil {
			t.Fatal(err)
		}
		if _, err := d.Person(ctx, alice.ID); !errors.Is(err, directory.ErrGone) {
			t.Error(err)
		}
		// Who has the name next is somebody else.
		s.Add(c, "uid=alice"+people, "objectClass", "inetOrgPerson", "uid", "alice", "cn", "alice", "sn", "alice", "userPassword", "next")
		if next := login(t, d, "alice", "next"); next.ID == alice.ID {
			t.Error("the new alice is the old one")
		}
		if _, err := d.Person(ctx, alice.ID); !errors.Is(err, directory.ErrGone) {
			t.Error(err)
		}
	})
}

// TestServers has servers that stall, are not there, or do not let us in.
func TestServers(t *testing.T) {
	s := domain.OpenLDAP(t)
	populate(s)
	stalled := silent(t)
	ctx := context.Background()
	for name, servers := range map[string]string{
		"stalled TLS": "[ldaps://" + stalled + ", URL]", "stalled": "[ldap://" + stalled + ", URL]", "not there": "[ldaps://127.0.0.1:1, URL]",
	} {
		t.Run(name, func(t *testing.T) {
			d := open(t, s, openldap, "[URL]", strings.ReplaceAll(servers, "URL", s.URL), "20s", "2s")
			login(t, d, "alice", "alice-pass")
		})
	}
	t.Run("all stalled", func(t *testing.T) {
		d := open(t, s, openldap, "[URL]", "[ldap://"+stalled+"]", "20s", "200ms")
		_, err := d.Login(ctx, "alice", "alice-pass")
		if away := new(directory.AwayError); !errors.As(err, &away) {
			t.Errorf("%v", err)
		}
	})
	t.Run("called off", func(t *testing.T) {
		d := open(t, s, openldap, "[URL]", "[ldap://"+stalled+"]", "20s", "30s")
		off, cancel := context.WithCancel(ctx)
		cancel()
		if _, err := d.Login(off, "alice", "alice-pass"); err == nil {
			t.Error("it says yes")
		}
	})
	t.Run("wrong secret", func(t *testing.T) {
		d := open(t, s, openldap, "cn=plimsoll", "cn=nobody")
		_, err := d.Login(ctx, "alice", "alice-pass")
		if err == nil || errors.Is(err, directory.ErrRefused) || !strings.Contains(err.Error(), `sign in as "cn=nobody`) {
			t.Errorf("alice is told that it is her password: %v", err)
		}
	})
	t.Run("goes away", func(t *testing.T) {
		other := domain.OpenLDAP(t)
		populate(other)
		d := open(t, other, openldap, "[URL]", "["+other.URL+"]")
		login(t, d, "alice", "alice-pass")
		other.Stop()
		_, err := d.Login(ctx, "alice", "alice-pass")
		if away := new(directory.AwayError); !errors.As(err, &away) {
			t.Errorf("%v", err)
		}
	})
}

// silent takes connections and says nothing.
func silent(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l.Addr().String()
}
