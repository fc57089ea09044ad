package control

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/plimsoll/plimsoll/internal/read/host"
	"github.com/plimsoll/plimsoll/testbed/cluster"
)

// TestRunning judges a kube-apiserver and an etcd that run on this machine, started badly and well, by what /proc shows
// of them: their arguments, their files, and the version that the program itself says.
func TestRunning(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string) string {
		t.Helper()
		p := filepath.Join(dir, name)
		if err := os.WriteFile(p, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return p
	}
	bad := []string{
		"--profiling=true", "--service-account-extend-token-expiration=true",
		"--encryption-provider-config=" + file("identity.yaml", "apiVersion: apiserver.config.k8s.io/v1\nkind: EncryptionConfiguration\nresources:\n- resources: [secrets]\n  providers:\n  - identity: {}\n"),
	}
	good := []string{
		"--profiling=false", "--service-account-extend-token-expiration=false", "--enable-admission-plugins=NodeRestriction,DenyServiceExternalIPs",
		"--encryption-provider-config=" + file("sealed.yaml", "apiVersion: apiserver.config.k8s.io/v1\nkind: EncryptionConfiguration\nresources:\n- resources: [secrets]\n  providers:\n  - secretbox: {keys: [{name: key1, secret: YWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWE=}]}\n  - identity: {}\n"),
		"--authentication-config=" + file("authn.yaml", "apiVersion: apiserver.config.k8s.io/v1\nkind: AuthenticationConfiguration\nanonymous:\n  enabled: true\n  conditions: [{path: /livez}, {path: /readyz}, {path: /healthz}]\n"),
		"--audit-log-path=" + dir + "/audit.log", "--audit-log-maxage=30", "--audit-log-maxbackup=10", "--audit-log-maxsize=100",
		"--audit-policy-file=" + file("audit.yaml", "apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: [{level: Metadata}]\n"), "--tls-min-version=VersionTLS13",
	}
	ids := []string{
		"control/profiling", "control/service-account-extended-tokens", "control/encryption-provider", "control/anonymous-auth",
		"control/node-restriction", "control/external-ips", "control/audit-log", "control/audit-log-age", "control/audit-policy", "control/ciphers",
	}
	for _, c := range []struct {
		name  string
		flags []string
		found bool
	}{{"bad", bad, true}, {"good", good, false}} {
		t.Run(c.name, func(t *testing.T) {
			server := cluster.Start(t, c.flags...)
			h := running(t, server.URL)
			if v := h.Components[0].Version; v.Text != "v1.37.2" {
				t.Errorf("its version is %+v", v)
			}
			for _, check := range Checks() {
				if !slices.Contains(ids, check.ID) {
					continue
				}
				a := check.Run(h, time.Now())
				if (len(a.Hits) > 0) != c.found || !a.Applies() || len(a.Unknown) > 0 {
					t.Errorf("%s: %+v", check.ID, a)
				}
			}
		})
	}
}

// running is this machine with one of its API servers, of which there may be many.
func running(t *testing.T, url string) *host.Host {
	t.Helper()
	s, err := host.Open("/")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	h, err := host.Read(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	port := url[strings.LastIndexByte(url, ':')+1:]
	h.Components = slices.DeleteFunc(h.Components, func(c *host.Component) bool {
		return c.Name != server || c.Value("secure-port").Text != port
	})
	if len(h.Components) != 1 {
		t.Fatalf("%d API servers at %s", len(h.Components), url)
	}
	return h
}
