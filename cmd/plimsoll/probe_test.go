package main

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/plimsoll/plimsoll/testbed/cluster"
)

// TestProbe runs testdata/probe against two real control planes with kubelets, one set up badly ($BAD_…) and one well
// ($GOOD_…), and against servers that answer nothing that is understood.
func TestProbe(t *testing.T) {
	env := map[string]string{realClock: "1", "STALLED": stalled(t), "GARBAGE": garbage(t)}

	bad := cluster.Start(t, "--authorization-mode=AlwaysAllow", "--tls-min-version=VersionTLS10",
		"--tls-cipher-suites=TLS_ECDHE_ECDSA_WITH_RC4_128_SHA,TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA,TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256")
	env["BAD"] = bad.Address()
	env["BAD_CONFIG"] = bad.Kubeconfig("admin", "system:masters")
	env["BAD_CLEAR_ETCD"] = bad.Etcd()
	env["BAD_ETCD"], env["BAD_PEERS"] = bad.StartEtcd()
	env["BAD_MANAGER"] = bad.StartManager("--authorization-always-allow-paths=/healthz,/metrics")
	env["BAD_KUBELET"], env["BAD_READ_ONLY"] = bad.StartKubelet("authentication: {anonymous: {enabled: true}, webhook: {enabled: false}}\nauthorization: {mode: AlwaysAllow}\n")

	// An API server that allows all lets nobody in without credentials. What one does that does is said by a binding.
	open := cluster.Start(t)
	env["OPEN"] = open.Address()
	const binding = `{"metadata": {"name": "open"}, "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"},
		"subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "system:anonymous"}]}`
	res, err := open.Client("admin", "system:masters").Post(open.URL+"/apis/rbac.authorization.k8s.io/v1/clusterrolebindings", "application/json", strings.NewReader(binding))
	if err != nil || res.StatusCode != http.StatusCreated {
		t.Fatal(err, res)
	}
	res.Body.Close()

	const anonymous = "apiVersion: apiserver.config.k8s.io/v1\nkind: AuthenticationConfiguration\nanonymous: {enabled: true, conditions: [{path: /readyz}]}\n"
	file := filepath.Join(t.TempDir(), "authentication.yaml")
	if err := os.WriteFile(file, []byte(anonymous), 0o600); err != nil {
		t.Fatal(err)
	}
	good := cluster.Start(t, "--authentication-config="+file, "--tls-min-version=VersionTLS13")
	env["GOOD"] = good.Address()
	env["GOOD_CONFIG"] = good.Kubeconfig("admin", "system:masters")
	env["GOOD_ETCD"], env["GOOD_PEERS"] = good.StartEtcd("--client-cert-auth", "--trusted-ca-file="+good.Dir+"/ca.crt", "--peer-client-cert-auth", "--peer-trusted-ca-file="+good.Dir+"/ca.crt", "--cipher-suites=TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256")
	env["GOOD_MANAGER"] = good.StartManager("--tls-min-version=VersionTLS13", "--tls-cert-file="+good.Dir+"/server.crt", "--tls-private-key-file="+good.Dir+"/server.key")
	env["GOOD_KUBELET"], env["GOOD_READ_ONLY"] = good.StartKubelet(fmt.Sprintf(
		"authentication: {anonymous: {enabled: false}, webhook: {enabled: true}, x509: {clientCAFile: %q}}\nauthorization: {mode: Webhook}\n"+
			"tlsCertFile: %q\ntlsPrivateKeyFile: %q\ntlsMinVersion: VersionTLS13\nreadOnlyPort: 0\n", good.Dir+"/ca.crt", good.Dir+"/server.crt", good.Dir+"/server.key"))

	const node = `{"metadata": {"name": "n1"}}`
	const status = `{"status": {"addresses": [{"type": "Hostname", "address": "n1"}, {"type": "InternalIP", "address": "127.0.0.1"}]}}`
	for _, one := range [][]string{{http.MethodPost, "", node, "application/json"}, {http.MethodPatch, "/n1/status", status, "application/merge-patch+json"}} {
		req, err := http.NewRequest(one[0], good.URL+"/api/v1/nodes"+one[1], strings.NewReader(one[2]))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", one[3])
		res, err := good.Client("admin", "system:masters").Do(req)
		if err != nil || res.StatusCode >= http.StatusMultipleChoices {
			t.Fatal(err, res)
		}
		res.Body.Close()
	}

	p := params(t, "probe")
	prepare := p.Setup
	p.Setup = func(e *testscript.Env) error {
		for name, value := range env {
			e.Setenv(name, value)
		}
		return prepare(e)
	}
	testscript.Run(t, p)
}

// stalled takes connections, and says nothing.
func stalled(t *testing.T) string {
	return answering(t, func(c net.Conn) { _, _ = c.Read(make([]byte, 1)) })
}

// garbage says what is neither TLS nor HTTP.
func garbage(t *testing.T) string {
	return answering(t, func(c net.Conn) {
		_, _ = c.Write([]byte("\x00\x01SSH-2.0-none\r\n\r\n\r\n"))
		c.Close()
	})
}

func answering(t *testing.T, each func(net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go each(c)
		}
	}()
	return l.Addr().String()
}
