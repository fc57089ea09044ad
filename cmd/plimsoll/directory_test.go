package main

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/cli"
	"github.com/plimsoll/plimsoll/testbed/cluster"
	"github.com/plimsoll/plimsoll/testbed/domain"
)

// TestDirectory signs in through OpenLDAP and through Active Directory, and asks a real API server, with client-go and
// plimsoll login as its plugin, who that is and what they may.
func TestDirectory(t *testing.T) {
	t.Run("OpenLDAP", func(t *testing.T) {
		s := domain.OpenLDAP(t)
		c := s.Connect()
		alice := "uid=alice,ou=people," + s.Base
		s.Add(c, alice, "objectClass", "inetOrgPerson", "uid", "alice", "cn", "alice", "sn", "alice", "userPassword", "Alice-pass-1")
		s.Add(c, "cn=devs,ou=groups,"+s.Base, "objectClass", "groupOfNames", "cn", "devs", "member", alice)
		s.Add(c, "cn=k8s-devs,ou=groups,"+s.Base, "objectClass", "groupOfNames", "cn", "k8s-devs", "member", "cn=devs,ou=groups,"+s.Base)
		signIn(t, s, "openldap", "cn=plimsoll,"+s.Base, "reads", func() { s.Set(c, alice, "pwdAccountLockedTime", "000001010000Z") })
	})
	t.Run("ActiveDirectory", func(t *testing.T) {
		s := domain.Samba(t)
		c := s.Connect()
		alice := "cn=Alice,ou=people," + s.Base
		s.AddAccount(c, alice, "alice", "Alice-pass-1")
		s.Add(c, "cn=devs,ou=groups,"+s.Base, "objectClass", "group", "sAMAccountName", "devs", "member", alice)
		s.Add(c, "cn=k8s-devs,ou=groups,"+s.Base, "objectClass", "group", "sAMAccountName", "k8s-devs", "member", "cn=devs,ou=groups,"+s.Base)
		signIn(t, s, "active-directory", "plimsoll@example.org", "Reads-0nly", func() { s.Set(c, alice, "userAccountControl", "514") })
	})
}

func signIn(t *testing.T, s *domain.Server, kind, reader, secret string, lock func()) {
	dir := t.TempDir()
	client := selfSigned(t, filepath.Join(dir, "apiserver"))
	put(t, filepath.Join(dir, "password"), secret)
	put(t, filepath.Join(dir, "alice"), "Alice-pass-1\n")
	put(t, filepath.Join(dir, "wrong"), "Alice-pass-2\n")
	put(t, filepath.Join(dir, "directory.yaml"), fmt.Sprintf(`
servers: [%s]
ca: %s
kind: %s
timeout: 30s
bind: {name: %q, passwordFile: password}
users: {base: "ou=people,%[5]s"}
groups: {base: "ou=groups,%[5]s", filter: (cn=k8s-*)}
`, s.URL, s.CA, kind, reader, s.Base))
	var later atomic.Int64 // by how much the server's clock is ahead
	server := serve(t, func() time.Time { return time.Now().Add(time.Duration(later.Load())) },
		"directory", "serve", "--listen", "127.0.0.1:0", "--tls-dir", filepath.Join(dir, "tls"), "--host", "127.0.0.1", "--keys", filepath.Join(dir, "keys"),
		"--client-ca", client+".crt", "--drain", "0s", filepath.Join(dir, "directory.yaml"))
	put(t, filepath.Join(dir, "webhook.yaml"), fmt.Sprintf(`apiVersion: v1
kind: Config
current-context: directory
contexts: [{name: directory, context: {cluster: directory, user: apiserver}}]
clusters: [{name: directory, cluster: {server: %q, certificate-authority: %q}}]
users: [{name: apiserver, user: {client-certificate: %q, client-key: %q}}]
`, server+"/review", filepath.Join(dir, "tls", "ca.crt"), client+".crt", client+".key"))
	kube := cluster.Start(t, "--authentication-token-webhook-config-file="+filepath.Join(dir, "webhook.yaml"),
		"--authentication-token-webhook-version=v1", "--authentication-token-webhook-cache-ttl=1s")
	grant(t, kube)

	call := func(args ...string) (string, int) {
		t.Helper()
		var out, err bytes.Buffer
		status := cli.Run(context.Background(), cli.Env{
			Args:  append([]string{"login", "--server", server, "--ca", filepath.Join(dir, "tls", "ca.crt")}, args...),
			Stdin: strings.NewReader(""), Stdout: &out, Stderr: &err, Now: time.Now, Getenv: getenv(map[string]string{"XDG_CACHE_HOME": filepath.Join(dir, "cache")}),
		})
		if strings.Contains(err.String(), "Alice-pass") {
			t.Errorf("a password on stderr: %s", &err)
		}
		return out.String() + err.String(), status
	}
	if text, status := call("--user", "alice", "--password-file", filepath.Join(dir, "wrong")); status != 1 || !strings.Contains(text, "the server says no") {
		t.Fatalf("%d %s", status, text)
	}
	text, status := call("--user", "alice", "--password-file", filepath.Join(dir, "alice"))
	if status != 0 || !strings.Contains(text, "ExecCredential") {
		t.Fatalf("%d %s", status, text)
	}
	if again, status := call("--user", "alice"); status != 0 || again != text {
		t.Errorf("the token is not kept: %d %s", status, again)
	}
	stanza, status := call("--user", "alice", "--print-kubeconfig")
	if status != 0 {
		t.Fatal(stanza)
	}

	config := kubeconfig(t, kube, dir, stanza)
	who, err := whoami(config)
	if err != nil || who.Username != "ldap:alice" || !slices.Equal(who.Groups, []string{"ldap:k8s-devs", "system:authenticated"}) || who.UID == "" {
		t.Fatalf("%+v, %v", who, err)
	}
	asAlice, err := rest.HTTPClientFor(config)
	if err != nil {
		t.Fatal(err)
	}
	get := func(path string) int {
		t.Helper()
		res, err := asAlice.Get(kube.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		return res.StatusCode
	}
	if may, not := get("/api/v1/namespaces/default/pods"), get("/api/v1/namespaces/kube-system/pods"); may != 200 || not != 403 {
		t.Errorf("she gets %d where she may, and %d where not", may, not)
	}

	review := func(args ...string) (string, int) {
		t.Helper()
		var out, err bytes.Buffer
		status := validated(cli.Env{
			Args: slices.Concat([]string{"directory", "review", "-o", "json"}, args), Stdin: strings.NewReader(""), Stdout: &out, Stderr: &err, Now: time.Now, Getenv: getenv(nil),
		})
		var report finding.Report
		if json.Unmarshal(out.Bytes(), &report) != nil {
			return err.String(), status
		}
		var rules []string
		for _, f := range report.Findings {
			rules = append(rules, f.Rule+" "+f.Subject.Kind+" "+f.Subject.Name)
		}
		return strings.Join(rules, ", "), status
	}
	live := []string{"--kubeconfig", kube.Kubeconfig("admin", "system:masters"), filepath.Join(dir, "directory.yaml")}
	if found, status := review(live...); found != "directory/person-gone ClusterRoleBinding ghost" || status != 1 {
		t.Errorf("%d %s", status, found)
	}

	// The server's clock is ahead of all others by what it remembers: a locked account is out.
	lock()
	later.Store(int64(31 * time.Second))
	if after := await(t, "a locked account to be out", func() bool { return get("/api/v1/namespaces/default/pods") != 200 }, func() int { return get("/api/v1/namespaces/default/pods") }); after != 401 {
		t.Errorf("she gets %d", after)
	}
	if found, status := review(live...); found != "directory/person-gone ClusterRoleBinding ghost, directory/group-empty RoleBinding see" || status != 1 {
		t.Errorf("%d %s", status, found)
	}
	put(t, filepath.Join(dir, "binding.yaml"), strings.Replace(ghost, "ghost", "alice", 2))
	if found, status := review("--fail-on", "none", live[2], filepath.Join(dir, "binding.yaml")); found != "directory/person-out ClusterRoleBinding alice, directory/person-bound ClusterRoleBinding alice" || status != 0 {
		t.Errorf("%d %s", status, found)
	}
	if text, status := review(live[2], filepath.Join(dir, "alice")); status != 2 || !strings.Contains(text, "it is no Kubernetes object") {
		t.Errorf("%d %s", status, text)
	}
	if text, status := call("--user", "alice", "--logout"); status != 0 {
		t.Errorf("%d %s", status, text)
	}
	if text, status := call("--user", "alice"); status != 2 || !strings.Contains(text, "the password cannot be asked for") {
		t.Errorf("the token is kept: %d %s", status, text)
	}
	if text, status := call("--user", "alice", "--password-file", filepath.Join(dir, "alice")); status != 1 || !strings.Contains(text, "the server says no") {
		t.Errorf("%d %s", status, text)
	}
}

func await(t *testing.T, what string, done func() bool, then func() int) int {
	t.Helper()
	for deadline := time.Now().Add(2 * time.Minute); !done(); time.Sleep(200 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain for %s", what)
		}
	}
	return then()
}

// whoami asks the API server who a configuration is.
func whoami(config *rest.Config) (authenticationv1.UserInfo, error) {
	var who authenticationv1.SelfSubjectReview
	c, err := rest.HTTPClientFor(config)
	if err != nil {
		return who.Status.UserInfo, err
	}
	res, err := c.Post(config.Host+"/apis/authentication.k8s.io/v1/selfsubjectreviews", "application/json",
		strings.NewReader(`{"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}`))
	if err != nil {
		return who.Status.UserInfo, err
	}
	defer res.Body.Close()
	err = json.NewDecoder(res.Body).Decode(&who)
	return who.Status.UserInfo, err
}

// kubeconfig is one of which client-go calls this test's own binary under the name plimsoll.
func kubeconfig(t *testing.T, kube *cluster.Cluster, dir, stanza string) *rest.Config {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(self, filepath.Join(dir, "plimsoll")); err != nil {
		t.Fatal(err)
	}
	stanza = strings.Replace(stanza, "command: plimsoll\n", fmt.Sprintf("command: %q\n      env: [{name: XDG_CACHE_HOME, value: %q}]\n",
		filepath.Join(dir, "plimsoll"), filepath.Join(dir, "cache")), 1)
	file := filepath.Join(dir, "kubeconfig")
	put(t, file, fmt.Sprintf(`apiVersion: v1
kind: Config
current-context: test
contexts: [{name: test, context: {cluster: test, user: directory}}]
clusters: [{name: test, cluster: {server: %q, certificate-authority: %q}}]
%s`, kube.URL, filepath.Join(kube.Dir, "ca.crt"), stanza))
	config, err := clientcmd.BuildConfigFromFlags("", file)
	if err != nil {
		t.Fatal(err)
	}
	return config
}

// ghost is a binding to somebody whom no directory has.
const ghost = `{"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding", "metadata": {"name": "ghost"}, "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "view"}, "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "ldap:ghost"}]}`

// grant lets a group of the directory read the pods of the namespace default.
func grant(t *testing.T, kube *cluster.Cluster) {
	t.Helper()
	admin := kube.Client("admin", "system:masters")
	for path, body := range map[string]string{
		"clusterrolebindings":             ghost,
		"namespaces/default/roles":        `{"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": {"name": "see"}, "rules": [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list"]}]}`,
		"namespaces/default/rolebindings": `{"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": {"name": "see"}, "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "see"}, "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": "ldap:k8s-devs"}]}`,
	} {
		res, err := admin.Post(kube.URL+"/apis/rbac.authorization.k8s.io/v1/"+path, "application/json", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode != 201 {
			t.Fatalf("%s: %s", path, res.Status)
		}
	}
}

var servingOn = regexp.MustCompile(`serving on (\S+)`)

// serve runs a command that serves, until the test ends, and gives where.
func serve(t *testing.T, now func() time.Time, args ...string) string {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	said := &lines{}
	ended := make(chan int, 1)
	go func() {
		ended <- cli.Run(ctx, cli.Env{Args: args, Stdin: strings.NewReader(""), Stdout: said, Stderr: said, Now: now, Getenv: getenv(nil)})
	}()
	t.Cleanup(func() {
		stop()
		if status := <-ended; status != 0 {
			t.Errorf("%v ended with %d: %s", args, status, said)
		}
	})
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		if m := servingOn.FindStringSubmatch(said.String()); m != nil {
			return "https://" + m[1]
		}
		select {
		case status := <-ended:
			ended <- status
			t.Fatalf("%v ended with %d: %s", args, status, said)
		default:
		}
		if time.Now().After(deadline) {
			t.Fatalf("%v does not serve: %s", args, said)
		}
	}
}

// lines are what a command says, which may be read meanwhile.
type lines struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(b)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func getenv(set map[string]string) func(string) string {
	return func(name string) string { return set[name] }
}

func put(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// selfSigned writes NAME.crt and NAME.key, of a client that vouches for itself.
func selfSigned(t *testing.T, name string) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	of := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "apiserver"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, of, of, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	text, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	put(t, name+".crt", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})))
	put(t, name+".key", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: text})))
	return name
}
