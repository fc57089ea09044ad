package settings

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/plimsoll/plimsoll/internal/read/directory"
)

const least = `servers: [ldaps://dc1.example.org]
kind: openldap
users: {base: "ou=people,dc=example,dc=org"}
groups: {base: "ou=groups,dc=example,dc=org"}
`

func read(t *testing.T, text string) (*Settings, error) {
	t.Helper()
	dir := t.TempDir()
	file := filepath.Join(dir, "directory.yaml")
	for name, content := range map[string]string{"directory.yaml": text, "password": "secret\n", "empty": "\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return Read(file, time.Now)
}

func TestDefaults(t *testing.T) {
	s, err := read(t, least)
	if err != nil {
		t.Fatal(err)
	}
	d := s.Directory
	if d.Servers[0] != (directory.Server{Address: "dc1.example.org:636", Host: "dc1.example.org", TLS: true}) || d.Users.Prefix != "ldap:" || d.Groups.Prefix != "ldap:" ||
		!slices.Equal(d.Users.Login, []string{"uid"}) || d.Groups.By != directory.ByMember || s.Lifetime != 10*time.Minute || s.Cache != 30*time.Second {
		t.Errorf("%+v", s)
	}
	s, err = read(t, strings.Replace(least, "openldap", "active-directory", 1)+"bind: {name: x, passwordFile: password}\n")
	if err != nil {
		t.Fatal(err)
	}
	if secret, err := s.Directory.Secret(); secret != "secret" || err != nil || s.Directory.Groups.By != directory.ByTokens || s.Directory.Users.Name != "sAMAccountName" {
		t.Errorf("%+v", s.Directory)
	}
	s, err = read(t, strings.Replace(least, "[ldaps://dc1.example.org]", "[ldap://localhost, ldap://dc1, ldap://dc2]\nplaintext: [localhost, dc1]", 1))
	if err != nil || !slices.Equal(s.Plaintext(), []string{"dc1"}) || s.Directory.Servers[2].Plain || s.Directory.Servers[0].Address != "localhost:389" {
		t.Errorf("%+v, %v", s, err)
	}
}

// TestWrong wants each mistake to be told with its line.
func TestWrong(t *testing.T) {
	for text, want := range map[string]string{
		"": "0 documents",
		"servers: []\n" + least[len("servers: [ldaps://dc1.example.org]\n"):]: "servers names none",
		strings.Replace(least, "ldaps://", "http://", 1):                      `directory.yaml:1: servers: "http://dc1.example.org" is no server`,
		strings.Replace(least, "ldaps://", "ldaps://user:pass@", 1):           "is no server",
		strings.Replace(least, "openldap", "novell", 1):                       `directory.yaml:2: kind: "novell" is not known`,
		strings.Replace(least, "ou=people,dc=example,dc=org", "people", 1):    "is no distinguished name",
		least + "token: {}\n":                                                   `directory.yaml:5: "token" is no key of a file of a directory`,
		least + "tokens: {lifetime: 16m}\n":                                     `lifetime: "16m" is no time from 1m0s to 15m0s`,
		least + "tokens: {audiences: [a b]}\n":                                  "is no audience",
		least + "cache: 2m\n":                                                   "is no time from 1s to 1m0s",
		least + "plaintext: [dc2]\n":                                            `"dc2" is the host of no server`,
		least + "plaintext: [dc1.example.org]\n":                                "which is spoken to by ldaps",
		least + "ca: absent.pem\n":                                              "directory.yaml:5: ca: open",
		least + "ca: password\n":                                                "there is no certificate in it",
		least + "bind: {name: x, password: y}\n":                                `"password" is no key of bind`,
		least + "bind: {name: x, passwordFile: empty}\n":                        "it is empty",
		strings.Replace(least, `org"}`, `org", filter: "(cn=a"}`, 1):            "is no filter in parentheses",
		strings.Replace(least, `org"}`, `org", filter: "(cn=a)(cn=b)"}`, 1):     "is no filter in parentheses",
		strings.Replace(least, `org"}`, `org", prefix: "System:x"}`, 1):         "begins names that are Kubernetes' own",
		strings.Replace(least, `org"}`, `org", prefix: ""}`, 1):                 "prefix wants one value",
		strings.Replace(least, `org"}`, `org", login: ["uid=*)(x"]}`, 1):        "is no name of an attribute",
		strings.Replace(least, `groups: {base`, `groups: {by: tokens, base`, 1): `by: "tokens" is not known: use member, memberOf`,
	} {
		if _, err := read(t, text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add(least)
	f.Add(least + "bind: {name: x, passwordFile: password}\ntokens: {lifetime: 1m, audiences: [a]}\n")
	file := filepath.Join(f.TempDir(), "directory.yaml")
	f.Fuzz(func(t *testing.T, text string) {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		s, err := Read(file, time.Now)
		if err != nil {
			return
		}
		if s.Lifetime > MaxLifetime || s.Cache > MaxCache || len(s.Directory.Servers) == 0 || len(s.Audiences) == 0 || s.Directory.Users.Prefix == "" {
			t.Errorf("%+v", s)
		}
	})
}

// TestShown reads the files that the guide and the manifests show.
func TestShown(t *testing.T) {
	for file, mark := range map[string][2]string{
		"docs/guide/directory.md": {"# directory.yaml\n", "```"}, "deploy/directory/plimsoll.yaml": {"directory.yaml: |\n", "  client-ca.pem"},
	} {
		b, err := os.ReadFile(filepath.Join("..", "..", "..", "..", filepath.FromSlash(file)))
		if err != nil {
			t.Fatal(err)
		}
		_, text, _ := strings.Cut(string(b), mark[0])
		text, _, found := strings.Cut(text, mark[1])
		text = strings.ReplaceAll(text, "/etc/plimsoll/secret/", "")
		if s, err := read(t, text); !found || err != nil || s.Directory.Kind != directory.ActiveDirectory || s.Directory.Groups.Filter != "(cn=k8s-*)" {
			t.Errorf("%s: %v", file, err)
		}
	}
}
