//go:build linux

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/cli"
	"github.com/plimsoll/plimsoll/internal/weigh/comply"
)

// TestDockerContainers starts containers with a real daemon, badly and well, scans this machine, and wants each control of CIS
// Docker that checks of containers stand for to fail of the bad ones and to pass of the good one.
func TestDockerContainers(t *testing.T) {
	if os.Getenv("PLIMSOLL_TEST") != "all" {
		t.Skip("needs root and Docker: set PLIMSOLL_TEST=all")
	}
	name := fmt.Sprintf("plimsoll-containers-%d", os.Getpid())
	image := sleeper(t, name)
	shared := filepath.Join(t.TempDir(), "shared")
	if err := os.Mkdir(shared, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount("plimsoll", shared, "tmpfs", 0, ""); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(shared, syscall.MNT_DETACH) })
	if err := syscall.Mount("", shared, "", syscall.MS_SHARED, ""); err != nil {
		t.Fatal(err)
	}
	docker(t, "network", "create", name)
	t.Cleanup(func() { _ = exec.Command("docker", "network", "rm", name).Run() })
	// What a daemon does not let stand beside each other is parted.
	bad := []string{
		create(t, "--privileged", image), // not every machine lets one start
		start(t, "--network=host", "--pid=host", "--ipc=host", "--uts=host", "--userns=host", "--restart=always", "--cgroup-parent=/"+name,
			"-v", "/var/run/docker.sock:/docker.sock", "-v", "/etc:/host/etc", "-v", shared+":/shared:rshared", "--device=/dev/null", "-e", "DB_PASSWORD=Tr0ub4dor-3", image),
		start(t, "--cap-add=SYS_ADMIN", "--network="+name, "-p", "0.0.0.0:1023:22", "--security-opt", "apparmor=unconfined", "--security-opt", "seccomp=unconfined", "--security-opt", "label=disable", image),
		start(t, image),
	}
	digest := digestOf(t, image)
	good := start(t, "--user=10001:10001", "--read-only", "--cap-drop=ALL", "--security-opt=no-new-privileges", "--memory=64m", "--cpus=0.5", "--pids-limit=50", "--restart=on-failure:5",
		"--health-cmd=/sleeper", "--network="+name, "-p", "127.0.0.1::8080", digest)

	report := filepath.Join(t.TempDir(), "report.json")
	for _, c := range []struct {
		ids  []string
		want comply.Outcome
	}{{bad, comply.Fail}, {[]string{good}, comply.Pass}} {
		t.Setenv("DOCKER_HOST", "unix://"+only(t, c.ids...))
		stdout, stderr, status := plimsoll("node", "scan", "-o", "json="+report, "-o", "table", "--fail-on", "none")
		if status != 0 && status != 3 { // other files of this machine may be a gap
			t.Fatalf("status %d: %s", status, stderr)
		}
		if want := fmt.Sprintf("%d container", len(c.ids)); !strings.Contains(stderr, want) {
			t.Errorf("no %q in %s", want, stderr)
		}
		b, err := os.ReadFile(report)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(b)+stdout+stderr, "Tr0ub4dor") {
			t.Error("a container's secret is shown")
		}
		var r finding.Report
		if err := json.Unmarshal(b, &r); err != nil {
			t.Fatal(err)
		}
		if found := slices.ContainsFunc(r.Findings, func(f finding.Finding) bool { return f.Rule == "container/secret-value" }); found != (c.want == comply.Fail) {
			t.Errorf("a secret in the environment: found %t", found)
		}
		stdout, stderr, _ = plimsoll("comply", "--framework", "cis-docker-1.7", "--only", "4.1,5", "-o", "json", report)
		var sheet comply.Sheet
		if err := json.Unmarshal([]byte(stdout), &sheet); err != nil {
			t.Fatalf("%v: %s", err, stderr)
		}
		n := 0
		for _, control := range sheet.Controls {
			if control.Outcome == comply.Manual || control.ID == "5.1" { // a person's; or the daemon's
				continue
			}
			if n++; control.Outcome != c.want {
				t.Errorf("%s %s: %s (%s %+v), want %s", control.ID, control.Title, control.Outcome, control.Why, control.Found, c.want)
			}
		}
		if n != 28 {
			t.Errorf("checks stand for %d controls, want 28", n)
		}
	}

	// A socket that lets nobody in is a gap, and one where nobody listens is none.
	for _, c := range []struct {
		socket string
		gap    bool
	}{{refusing(t), true}, {filepath.Join(t.TempDir(), "none"), false}} {
		t.Setenv("DOCKER_HOST", "unix://"+c.socket)
		stdout, _, _ := plimsoll("node", "scan", "-o", "json", "--fail-on", "none")
		if gap := strings.Contains(stdout, "what its containers may do is not known"); gap != c.gap {
			t.Errorf("%s: told %t", c.socket, gap)
		}
	}
}

// plimsoll runs the program.
func plimsoll(args ...string) (stdout, stderr string, status int) {
	var out, err bytes.Buffer
	status = validated(cli.Env{Args: args, Stdin: strings.NewReader(""), Stdout: &out, Stderr: &err, Now: time.Now, Getenv: os.Getenv})
	return out.String(), err.String(), status
}

func docker(t *testing.T, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	out, err := exec.CommandContext(ctx, "docker", args...).CombinedOutput()
	if err != nil {
		t.Fatalf("docker %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out))
}

// start runs a container until the test ends.
func start(t *testing.T, args ...string) (id string) {
	t.Helper()
	id = create(t, args...)
	docker(t, "start", id)
	return id
}

func create(t *testing.T, args ...string) (id string) {
	t.Helper()
	out := docker(t, append([]string{"create"}, args...)...)
	id = out[strings.LastIndexByte(out, '\n')+1:]
	t.Cleanup(func() { _ = exec.Command("docker", "rm", "-f", "-v", id).Run() })
	return id
}

// sleeper makes an image, with no tag but latest, of a program that does nothing.
func sleeper(t *testing.T, name string) string {
	t.Helper()
	dir := t.TempDir()
	for file, text := range map[string]string{
		"main.go": "package main\n\nimport \"time\"\n\nfunc main() { time.Sleep(time.Hour) }\n", "go.mod": "module sleeper\n\ngo 1.24\n",
		"Dockerfile": "FROM scratch\nCOPY sleeper /sleeper\nCMD [\"/sleeper\"]\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	build := exec.Command("go", "build", "-o", "sleeper", ".")
	build.Dir, build.Env = dir, append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	docker(t, "build", "-q", "-t", name, dir)
	t.Cleanup(func() { _ = exec.Command("docker", "rmi", "-f", name).Run() })
	return name
}

// digestOf is the image under its id, which nobody can move.
func digestOf(t *testing.T, image string) string {
	t.Helper()
	return docker(t, "inspect", "--format", "{{.Id}}", image)
}

var askable = regexp.MustCompile(`^/containers/(json|[0-9a-f]{64}/json)$`)

// only is a socket at which Docker answers as though these ran, and no other, and lets nothing else be asked.
func only(t *testing.T, ids ...string) (socket string) {
	t.Helper()
	proxy := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: "docker"})
	proxy.Transport = &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", "/var/run/docker.sock")
	}}
	return listening(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet || !askable.MatchString(r.URL.Path) {
			t.Errorf("Docker is asked for %s %s", r.Method, r.URL)
		}
		if r.URL.Path == "/containers/json" {
			filter, _ := json.Marshal(map[string]any{"id": ids})
			r.URL.RawQuery = url.Values{"all": {"1"}, "filters": {string(filter)}}.Encode()
		}
		proxy.ServeHTTP(w, r)
	}))
}

func refusing(t *testing.T) (socket string) {
	return listening(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, `{"message":"authorization denied by plugin"}`, http.StatusForbidden)
	}))
}

func listening(t *testing.T, h http.Handler) (socket string) {
	t.Helper()
	socket = filepath.Join(t.TempDir(), "docker.sock")
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewUnstartedServer(h)
	s.Listener.Close()
	s.Listener = l
	s.Start()
	t.Cleanup(s.Close)
	return socket
}
