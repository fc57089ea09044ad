// Package cluster gives tests a Kubernetes API server of their own: the real kube-apiserver with a real etcd,
// on loopback, and kube-controller-manager, a kubelet or another etcd where a test asks for them. No kubelet serves the
// cluster: pods are made, and none starts.
package cluster

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"testing"
	"time"
)

// Cluster is a running control plane.
type Cluster struct {
	URL string // https://127.0.0.1:PORT
	Dir string // certificates, logs and data

	t       testing.TB
	ca      *authority
	port    int
	etcd    *process
	server  *process
	manager *process
	flags   []string

	users, etcds, kubelets, agents int
}

// Programs are where testbed/up has put what it built and installed.
const (
	envServer  = "PLIMSOLL_TEST_KUBE_APISERVER"
	envManager = "PLIMSOLL_TEST_KUBE_CONTROLLER_MANAGER"
	envEtcd    = "PLIMSOLL_TEST_ETCD"
)

// WithAccounts is a flag of Start that has service accounts given to pods. Who asks for it makes the accounts.
const WithAccounts = "--enable-admission-plugins=ServiceAccount"

// Start brings up etcd and an API server with further flags, and ends them with the test. Authorization is
// RBAC; service accounts are given to pods only where StartManager makes them.
func Start(t testing.TB, flags ...string) *Cluster {
	t.Helper()
	for _, name := range []string{envServer, envEtcd} {
		if os.Getenv(name) == "" {
			t.Skipf("%s is not set: testbed/up builds the API server", name)
		}
	}
	c := &Cluster{t: t, Dir: t.TempDir(), ca: newAuthority(t, "cluster"), port: free(t), flags: flags}
	c.URL = "https://127.0.0.1:" + strconv.Itoa(c.port)
	c.ca.write(t, c.file("ca"))
	c.ca.issue(t, c.file("server"), "kube-apiserver", nil)
	key(t, c.file("accounts.key"))
	etcd := "http://127.0.0.1:" + strconv.Itoa(free(t))
	peer := "http://127.0.0.1:" + strconv.Itoa(free(t))
	c.etcd = c.run("etcd", os.Getenv(envEtcd), "--data-dir="+c.file("etcd"), "--listen-client-urls="+etcd, "--advertise-client-urls="+etcd,
		"--listen-peer-urls="+peer, "--initial-advertise-peer-urls="+peer, "--initial-cluster=default="+peer, "--unsafe-no-fsync", "--log-level=warn")
	c.flags = append([]string{
		"--etcd-servers=" + etcd, "--secure-port=" + strconv.Itoa(c.port), "--bind-address=127.0.0.1", "--endpoint-reconciler-type=none",
		"--tls-cert-file=" + c.file("server.crt"), "--tls-private-key-file=" + c.file("server.key"), "--client-ca-file=" + c.file("ca.crt"),
		"--service-account-issuer=https://kubernetes.default.svc", "--service-account-key-file=" + c.file("accounts.key"),
		"--service-account-signing-key-file=" + c.file("accounts.key"), "--service-cluster-ip-range=10.0.0.0/24",
		"--authorization-mode=RBAC", "--allow-privileged=true",
	}, flags...)
	if !slices.Contains(flags, WithAccounts) {
		c.flags = append(c.flags, "--disable-admission-plugins=ServiceAccount")
	}
	c.StartServer()
	return c
}

// StartServer starts the API server, and waits until it is ready.
func (c *Cluster) StartServer() {
	c.t.Helper()
	c.server = c.run("kube-apiserver", os.Getenv(envServer), c.flags...)
	c.await("kube-apiserver", c.server, c.URL+"/readyz")
}

// Flags are those that the API server is started with.
func (c *Cluster) Flags() []string { return slices.Clone(c.flags) }

// RestartServer ends the API server and starts it with other flags.
func (c *Cluster) RestartServer(flags []string) {
	c.t.Helper()
	c.StopServer()
	c.flags = flags
	c.StartServer()
}

// StopServer ends the API server; what is stored stays in etcd.
func (c *Cluster) StopServer() { c.server.stop() }

// StartManager starts kube-controller-manager, without which no Deployment makes pods and no certificate is
// signed, and gives HOST:PORT of its port.
func (c *Cluster) StartManager(flags ...string) (at string) {
	c.t.Helper()
	if os.Getenv(envManager) == "" {
		c.t.Skipf("%s is not set: testbed/up builds it", envManager)
	}
	config := c.Kubeconfig("system:kube-controller-manager", "system:masters")
	port := free(c.t)
	at = "127.0.0.1:" + strconv.Itoa(port)
	c.manager = c.run("kube-controller-manager", os.Getenv(envManager), append([]string{
		"--kubeconfig=" + config, "--leader-elect=false", "--bind-address=127.0.0.1", "--secure-port=" + strconv.Itoa(port),
		"--service-account-private-key-file=" + c.file("accounts.key"), "--root-ca-file=" + c.file("ca.crt"),
		"--authentication-kubeconfig=" + config, "--authorization-kubeconfig=" + config,
		"--cluster-signing-cert-file=" + c.file("ca.crt"), "--cluster-signing-key-file=" + c.file("ca.key"),
	}, flags...)...)
	c.await("kube-controller-manager", c.manager, "https://"+at+"/healthz")
	return at
}

// Client asks as a user of some groups, known by a client certificate. Those of system:masters may all.
func (c *Cluster) Client(user string, groups ...string) *http.Client {
	c.t.Helper()
	name := c.identity(user, groups)
	pair, err := tls.LoadX509KeyPair(name+".crt", name+".key")
	if err != nil {
		c.t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(c.ca.certificate)
	return &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{Certificates: []tls.Certificate{pair}, RootCAs: roots}}}
}

// Kubeconfig is a file for a user of some groups.
func (c *Cluster) Kubeconfig(user string, groups ...string) string {
	c.t.Helper()
	name := c.identity(user, groups)
	config := fmt.Sprintf(`apiVersion: v1
kind: Config
current-context: test
contexts: [{name: test, context: {cluster: test, user: test}}]
clusters: [{name: test, cluster: {server: %q, certificate-authority: %q}}]
users: [{name: test, user: {client-certificate: %q, client-key: %q}}]
`, c.URL, c.file("ca.crt"), name+".crt", name+".key")
	if err := os.WriteFile(name+".yaml", []byte(config), 0o600); err != nil {
		c.t.Fatal(err)
	}
	return name + ".yaml"
}

// identity writes a certificate and a key for a user, and gives their names without .crt and .key.
func (c *Cluster) identity(user string, groups []string) string {
	c.users++
	name := c.file("user-" + strconv.Itoa(c.users))
	c.ca.issue(c.t, name, user, groups)
	return name
}

func (c *Cluster) file(name string) string { return filepath.Join(c.Dir, name) }

// await asks until a program says that it is well, as who may all: not everywhere strangers are answered.
func (c *Cluster) await(name string, p *process, url string) {
	c.t.Helper()
	client := c.Client("test", "system:masters")
	client.Timeout = 5 * time.Second
	asking := client.Transport.(*http.Transport)
	asking.DisableKeepAlives, asking.TLSClientConfig.InsecureSkipVerify = true, true // its health, on loopback
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	for ctx.Err() == nil {
		if res, err := client.Get(url); err == nil {
			res.Body.Close()
			if res.StatusCode == http.StatusOK {
				return
			}
		}
		select {
		case <-p.ended:
			c.t.Fatalf("%s ended: %s", name, p.tail())
		case <-time.After(100 * time.Millisecond):
		}
	}
	c.t.Fatalf("%s does not say that it is ready: %s", name, p.tail())
}

// listening waits until a program takes connections.
func (c *Cluster) listening(name string, p *process, at string) {
	c.t.Helper()
	for range 1200 {
		if conn, err := net.DialTimeout("tcp", at, time.Second); err == nil {
			conn.Close()
			return
		}
		select {
		case <-p.ended:
			c.t.Fatalf("%s ended: %s", name, p.tail())
		case <-time.After(100 * time.Millisecond):
		}
	}
	c.t.Fatalf("%s does not listen at %s: %s", name, at, p.tail())
}

// process is a program that runs beside the test.
type process struct {
	cmd   *exec.Cmd
	log   string
	ended chan struct{}
}

func (c *Cluster) run(name, program string, args ...string) *process {
	c.t.Helper()
	p := &process{cmd: exec.Command(program, args...), log: c.file(name + ".log"), ended: make(chan struct{})}
	log, err := os.OpenFile(p.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		c.t.Fatal(err)
	}
	defer log.Close()
	p.cmd.Stdout, p.cmd.Stderr = log, log
	p.cmd.SysProcAttr = leash()
	if err := p.cmd.Start(); err != nil {
		c.t.Fatalf("%s: %v", name, err)
	}
	go func() {
		_ = p.cmd.Wait()
		close(p.ended)
	}()
	c.t.Cleanup(func() {
		p.stop()
		if c.t.Failed() {
			c.t.Logf("%s: %s", name, p.tail())
		}
	})
	return p
}

// stop asks a program to end, and ends it after ten seconds.
func (p *process) stop() {
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.ended:
	case <-time.After(10 * time.Second):
		_ = p.cmd.Process.Kill()
		<-p.ended
	}
}

// tail is the end of what a program wrote.
func (p *process) tail() []byte {
	b, _ := os.ReadFile(p.log)
	lines := bytes.SplitAfter(b, []byte("\n"))
	return bytes.Join(lines[max(0, len(lines)-20):], nil)
}

func free(t testing.TB) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}
