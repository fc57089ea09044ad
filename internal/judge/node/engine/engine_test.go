package engine

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/plimsoll/plimsoll/internal/judge/node"
	"github.com/plimsoll/plimsoll/internal/read/host"
	"github.com/plimsoll/plimsoll/internal/read/host/hosttest"
)

// TestPages runs each check on the examples of its page.
func TestPages(t *testing.T) {
	for _, c := range Checks() {
		if bad := c.Run(hosttest.Host(t, c.Page.Bad), time.Now()); len(bad.Hits) == 0 {
			t.Errorf("%s does not find its bad example: %+v\n%s", c.ID, bad, c.Page.Bad)
		}
		if good := c.Run(hosttest.Host(t, c.Page.Good), time.Now()); len(good.Hits)+len(good.Unknown) > 0 || good.Passed == 0 {
			t.Errorf("%s does not pass its good example: %+v\n%s", c.ID, good, c.Page.Good)
		}
	}
}

// TestEffective holds what engines come to beyond the examples.
func TestEffective(t *testing.T) {
	for _, c := range []struct {
		name, check, text string
		found             bool
	}{
		{"a truth of Go's", "node/docker-tcp", "$ dockerd -H tcp://0.0.0.0:2376 --tlsverify=1", false},
		{"TLS that asks nobody", "node/docker-tcp", "$ dockerd -H tcp://0.0.0.0:2376 --tls", true},
		{"an address in the file", "node/docker-tcp", "$ dockerd\n# /etc/docker/daemon.json\n{\"hosts\": [\"unix:///run/docker.sock\", \"tcp://10.0.0.1:2375\"]}", true},
		{"the file turns it off", "node/docker-icc", "$ dockerd\n# /etc/docker/daemon.json\n{\"icc\": false}", false},
		{"rootless Docker needs no other users", "node/docker-userns", "$ dockerd --rootless=t", false},
		{"registries of the host alone", "node/docker-insecure-registry", "$ dockerd --insecure-registry=localhost:5000", false},
		{"what containerd takes in", "node/containerd-tcp", "$ containerd\n# /etc/containerd/config.toml\nimports = ['/etc/containerd/conf.d/*.toml']\n# /etc/containerd/conf.d/a.toml\n[grpc]\ntcp_address = '10.0.0.1:7777'", true},
		{"a drop-in of CRI-O's in a folder", "node/crio-unconfined", "$ crio\n# /etc/crio/crio.conf.d/a/10.conf\n[crio.runtime]\nseccomp_profile = 'unconfined'", true},
	} {
		a := named(t, c.check).Run(hosttest.Host(t, c.text), time.Now())
		if (len(a.Hits) > 0) != c.found || !a.Applies() || len(a.Unknown) > 0 {
			t.Errorf("%s: %+v", c.name, a)
		}
	}
}

func named(t *testing.T, id string) node.Check {
	t.Helper()
	for _, c := range Checks() {
		if c.ID == id {
			return c
		}
	}
	t.Fatalf("there is no check %s", id)
	return node.Check{}
}

// TestRunning judges the Docker that runs on this machine by what /proc shows of it, beside what it answers itself.
func TestRunning(t *testing.T) {
	if os.Getenv("PLIMSOLL_TEST") != "all" {
		t.Skip("needs Docker: set PLIMSOLL_TEST=all")
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	b, err := exec.CommandContext(ctx, "docker", "info", "--format", "{{json .}}").Output()
	if err != nil {
		t.Fatalf("docker info: %v", err)
	}
	var info struct {
		LoggingDriver, DockerRootDir          string
		LiveRestoreEnabled, ExperimentalBuild bool
		SecurityOptions                       []string
		RegistryConfig                        struct {
			IndexConfigs map[string]struct{ Secure bool }
		}
	}
	if err := json.Unmarshal(b, &info); err != nil {
		t.Fatal(err)
	}
	s, err := host.Open("/")
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	h, err := host.Read(ctx, s)
	if err != nil {
		t.Fatal(err)
	}
	h.Components = slices.DeleteFunc(h.Components, func(c *host.Component) bool {
		return c.Name != "dockerd" || c.Value("data-root").Text != info.DockerRootDir
	})
	if len(h.Components) != 1 {
		t.Fatalf("%d of dockerd with %s", len(h.Components), info.DockerRootDir)
	}
	says := func(option string) bool {
		return slices.ContainsFunc(info.SecurityOptions, func(o string) bool { return strings.HasPrefix(o, option) })
	}
	insecure := false
	for name, r := range info.RegistryConfig.IndexConfigs {
		insecure = insecure || !r.Secure && !node.IsLoopback(name)
	}
	for id, found := range map[string]bool{
		"node/docker-remote-log":        slices.Contains([]string{"json-file", "none"}, info.LoggingDriver),
		"node/docker-live-restore":      !info.LiveRestoreEnabled,
		"node/docker-experimental":      info.ExperimentalBuild,
		"node/docker-rootful":           !says("name=rootless"),
		"node/docker-userns":            !says("name=userns") && !says("name=rootless"),
		"node/docker-new-privileges":    !says("name=no-new-privileges"),
		"node/docker-seccomp":           says("name=seccomp,profile=unconfined"),
		"node/docker-insecure-registry": insecure,
	} {
		if a := named(t, id).Run(h, time.Now()); (len(a.Hits) > 0) != found || !a.Applies() || len(a.Unknown) > 0 {
			t.Errorf("%s: %+v, and Docker says %s", id, a, b)
		}
	}
}
