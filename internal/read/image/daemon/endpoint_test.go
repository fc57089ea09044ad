package daemon

import (
	"crypto/sha256"
	"encoding/hex"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestDockerEndpoint(t *testing.T) {
	config := t.TempDir()
	sum := sha256.Sum256([]byte("far"))
	id := hex.EncodeToString(sum[:])
	write(t, filepath.Join(config, "config.json"), []byte(`{"currentContext":"far"}`))
	write(t, filepath.Join(config, "contexts/meta", id, "meta.json"), []byte(`{"Name":"far","Endpoints":{"docker":{"Host":"tcp://far:2376"}}}`))
	write(t, filepath.Join(config, "contexts/tls", id, "docker/ca.pem"), nil)
	cases := []struct {
		name  string
		env   map[string]string
		host  string
		certs bool
		err   string
	}{
		{name: "the host wins", env: map[string]string{"DOCKER_HOST": "unix:///a.sock", "DOCKER_CONTEXT": "far"}, host: "unix:///a.sock"},
		{name: "certificates", env: map[string]string{"DOCKER_HOST": "tcp://h:2376", "DOCKER_CERT_PATH": "/certs"}, host: "tcp://h:2376", certs: true},
		{name: "named context", env: map[string]string{"DOCKER_CONTEXT": "far"}, host: "tcp://far:2376", certs: true},
		{name: "current context", host: "tcp://far:2376", certs: true},
		{name: "unknown context", env: map[string]string{"DOCKER_CONTEXT": "none"}, err: `Docker context "none"`},
		{name: "no scheme", env: map[string]string{"DOCKER_HOST": "h:1234"}, host: "tcp://h:1234"},
		{name: "no port", env: map[string]string{"DOCKER_HOST": "tcp://h"}, host: "tcp://h:2375"},
		{name: "no port, IPv6", env: map[string]string{"DOCKER_HOST": "tcp://[::1]"}, host: "tcp://[::1]:2375"},
		{name: "no port, with TLS", env: map[string]string{"DOCKER_HOST": "tcp://h", "DOCKER_TLS_VERIFY": "1"}, host: "tcp://h:2376", certs: true},
		{name: "ssh", env: map[string]string{"DOCKER_HOST": "ssh://u@h"}, host: "ssh://u@h"},
		{name: "no URL", env: map[string]string{"DOCKER_HOST": "here"}, err: "names no engine"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got, err := dockerEndpoint(func(name string) string {
				if name == "DOCKER_CONFIG" {
					return config
				}
				return c.env[name]
			})
			if c.err != "" {
				if err == nil || !strings.Contains(err.Error(), c.err) {
					t.Fatalf("error %v, want one with %q", err, c.err)
				}
				return
			}
			if err != nil || got.host != c.host || (got.certs != "") != c.certs {
				t.Errorf("%+v, %v", got, err)
			}
		})
	}
}

// The user's own Podman goes before root's.
func TestPodmanEndpoint(t *testing.T) {
	dir, err := os.MkdirTemp("", "p") // a path of a socket is short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	path := filepath.Join(dir, "podman", "podman.sock")
	write(t, path+".d", nil)
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	env := map[string]string{"XDG_RUNTIME_DIR": dir}
	got, err := podmanEndpoint(func(name string) string { return env[name] })
	if err != nil || got.host != "unix://"+path || got.network {
		t.Errorf("%+v, %v", got, err)
	}
	env["CONTAINER_HOST"], env["CONTAINER_SSHKEY"] = "ssh://core@h:22/run/podman.sock", "/key"
	got, err = podmanEndpoint(func(name string) string { return env[name] })
	if err != nil || got.host != env["CONTAINER_HOST"] || got.key != "/key" || !got.network {
		t.Errorf("%+v, %v", got, err)
	}
}
