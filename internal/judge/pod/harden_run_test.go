package pod

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	psa "k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"
)

// ordinary workloads: an image, the pod that somebody writes for it, and what becomes of it when it is hardened.
var workloads = []struct {
	name       string
	dockerfile string // what is put on a Debian system
	image      Image  // as its configuration has it
	unknown    bool   // nobody knows it at the door
	pod        string // its spec; the image is put in
	probe      string // succeeds in the container when it works
	breaks     string // what its log says, or the kubelet, once it is hardened; empty: it works
	only       bool   // it works as root alone, and restricted never lets it in
}{
	{
		name: "busybox, with a user", dockerfile: "USER 65534\nCMD while :; do date > /tmp/now; sleep 1; done", image: Image{User: "65534"},
		pod: "containers: [{name: a}]", probe: "test -s /tmp/now",
	},
	{
		name: "busybox, as root, and nobody knows", dockerfile: "CMD while :; do date > /tmp/now; sleep 1; done", unknown: true,
		pod: "containers: [{name: a}]", probe: "test -s /tmp/now", breaks: "image will run as root",
	},
	{
		name: "busybox, as root, with a user in the pod", dockerfile: "CMD while :; do date > /tmp/now; sleep 1; done",
		pod: "containers: [{name: a, securityContext: {runAsUser: 65534}}]", probe: "test -s /tmp/now",
	},
	{
		name: "a user with a name", dockerfile: "USER www-data\nCMD sleep 1000", unknown: true,
		pod: "containers: [{name: a}]", probe: "true", breaks: "image has non-numeric user",
	},
	{
		name: "nginx, as packaged", dockerfile: `CMD exec nginx -g 'daemon off;'`,
		pod: "containers: [{name: a, securityContext: {runAsUser: 33}}]", probe: answers(80), breaks: `mkdir() "/var/lib/nginx/body" failed (30: Read-only file system)`,
	},
	{
		name: "nginx, port 80", dockerfile: nginx(80),
		pod: "containers: [{name: a, securityContext: {runAsUser: 33, capabilities: {add: [NET_BIND_SERVICE]}}}]", probe: answers(80), breaks: "bind() to 0.0.0.0:80 failed (13: Permission denied)",
	},
	{
		name: "nginx, port 8080, its files in /tmp", dockerfile: nginx(8080) + "USER 33\n", image: Image{User: "33"},
		pod: "containers: [{name: a}]", probe: answers(8080),
	},
	{
		name: "redis, a volume in the image", dockerfile: "RUN mkdir /data && chown 33 /data\nVOLUME /data\nUSER 33\nCMD exec redis-server --dir /data", image: Image{User: "33", Volumes: []string{"/data"}},
		pod: "containers: [{name: a}]", probe: "redis-cli set a b && redis-cli save | grep OK",
	},
	{
		name: "redis, no volume", dockerfile: "RUN mkdir /data && chown 33 /data\nUSER 33\nCMD exec redis-server --dir /data", image: Image{User: "33"},
		pod: "containers: [{name: a}]", probe: "redis-cli set a b && redis-cli save | grep OK", breaks: "Read-only file system",
	},
	{
		name: "redis, a volume in the pod", dockerfile: "RUN mkdir /data && chown 33 /data\nUSER 33\nCMD exec redis-server --dir /data", image: Image{User: "33"},
		pod:   "volumes: [{name: data, emptyDir: {}}]\ncontainers: [{name: a, volumeMounts: [{name: data, mountPath: /data}]}]",
		probe: "redis-cli set a b && redis-cli save | grep OK",
	},
	{
		name: "postgres, data right in its volume", dockerfile: postgres("/data", "/run/postgresql"), image: Image{User: "33", Volumes: []string{"/data"}},
		pod: "containers: [{name: a}]", probe: "psql -h /run/postgresql -U postgres -c 'select 1'", breaks: "could not change permissions of directory",
	},
	{
		name: "postgres, its socket in /run", dockerfile: postgres("/data/pg", "/run/postgresql"), image: Image{User: "33", Volumes: []string{"/data"}},
		pod: "containers: [{name: a}]", probe: "psql -h /run/postgresql -U postgres -c 'select 1'", breaks: "could not create lock file",
	},
	{
		name: "postgres, data in a folder, its socket in /tmp", dockerfile: postgres("/data/pg", "/tmp"), image: Image{User: "33", Volumes: []string{"/data"}},
		pod: "containers: [{name: a}]", probe: "psql -h /tmp -U postgres -c 'select 1'",
	},
	{
		name: "memcached", dockerfile: "USER 33\nCMD exec memcached", image: Image{User: "33"},
		pod: "containers: [{name: a}]", probe: "exec 3<>/dev/tcp/127.0.0.1/11211; echo version >&3; head -n1 <&3 | grep VERSION",
	},
	{
		name: "a program that becomes root", dockerfile: "RUN cp /bin/dash /usr/bin/asroot && chmod 4755 /usr/bin/asroot\nUSER 33\nCMD asroot -p -c 'test $(id -u) = 0 || exit 1; sleep 1000'", image: Image{User: "33"},
		pod: "containers: [{name: a}]", probe: "pgrep asroot || pidof asroot", breaks: "exited",
	},
	{
		name: "one that starts as root and becomes another", dockerfile: "VOLUME /data\nCMD chown 33 /data && exec setpriv --reuid=33 --clear-groups sh -c 'touch /data/x && sleep 1000'",
		image: Image{Volumes: []string{"/data"}}, pod: "containers: [{name: a, securityContext: {runAsUser: 0}}]", probe: "test -e /data/x", only: true,
	},
}

// nginx has its configuration, all that it writes in /tmp, and its logs where they are looked for.
func nginx(port int) string {
	conf := fmt.Sprintf(`pid /tmp/nginx.pid; error_log /dev/stderr; events {} http { access_log off; server { listen %d; root /usr/share/nginx/html; }`, port)
	for _, of := range []string{"client_body", "proxy", "fastcgi", "uwsgi", "scgi"} {
		conf += fmt.Sprintf(" %s_temp_path /tmp/%[1]s;", of)
	}
	return "RUN echo '" + conf + " }' > /etc/nginx/own.conf\nCMD exec nginx -e /dev/stderr -c /etc/nginx/own.conf -g 'daemon off;'\n"
}

func answers(port int) string {
	return fmt.Sprintf(`exec 3<>/dev/tcp/127.0.0.1/%d; printf 'HEAD / HTTP/1.0\r\n\r\n' >&3; head -n1 <&3 | grep 200`, port)
}

func postgres(data, socket string) string {
	return "RUN mkdir -p /data /run/postgresql && chown 33 /data /run/postgresql\nVOLUME /data\nUSER 33\n" +
		"CMD export PATH=/usr/lib/postgresql/15/bin:/bin:/usr/bin; initdb -U postgres -D " + data + " && exec postgres -D " + data + " -k " + socket + "\n"
}

// TestHardenedRuns runs ordinary workloads under runc, as they are and as they are hardened. The guide has what broke,
// in the words of who broke, and how to write it right.
func TestHardenedRuns(t *testing.T) {
	if os.Getenv("PLIMSOLL_TEST") != "all" {
		t.Skip("needs root, debootstrap and Docker: set PLIMSOLL_TEST=all")
	}
	guide, err := os.ReadFile("../../../docs/guide/admission.md")
	if err != nil {
		t.Fatal(err)
	}
	evaluator, err := policy.NewEvaluator(policy.DefaultChecks(), nil)
	if err != nil {
		t.Fatal(err)
	}
	base := debian(t, "nginx-light redis-server postgresql-15 memcached procps")
	for i, w := range workloads {
		t.Run(w.name, func(t *testing.T) {
			if !strings.Contains(string(guide), w.breaks) {
				t.Errorf("the guide does not say %q", w.breaks)
			}
			name := fmt.Sprintf("plimsoll-test/workload-%d", i)
			build(t, name, "FROM "+base+"\nSHELL [\"/bin/bash\", \"-c\"]\n"+w.dockerfile)
			fields := map[string]any{"spec": fieldsOf(t, w.pod)}
			put(fields, "spec.containers[0]", setting{key: "image", value: name})
			image := func(string) (Image, bool) { return w.image, !w.unknown }
			before := podOf(t, fields, image)
			if !strings.Contains(w.pod, "runAsUser: 33") { // which nobody writes but for the door
				if ok, log := start(t, name, before, w.probe, ""); !ok {
					t.Fatalf("as it is, it does not work:\n%s", log)
				}
			}
			hard, _ := before.Harden(Wanted{Requests: map[string]string{"cpu": "10m"}})
			after := podOf(t, hard, image)
			verdict := policy.AggregateCheckResults(evaluator.EvaluatePod(psa.LevelVersion{Level: psa.LevelRestricted, Version: psa.LatestVersion()}, &after.Meta, &after.Spec))
			if verdict.Allowed == w.only {
				t.Errorf("restricted says %t: %s", verdict.Allowed, verdict.ForbiddenDetail())
			}
			ok, log := start(t, name, after, w.probe, w.breaks)
			switch {
			case ok != (w.breaks == ""):
				t.Errorf("hardened, it works: %t\n%s", ok, log)
			case !strings.Contains(log, w.breaks):
				t.Errorf("it broke, and not by %q:\n%s", w.breaks, log)
			}
		})
	}
}

// debian is an image of a Debian system with packages. apt unpacks them in a fraction of debootstrap's time.
func debian(t *testing.T, packages string) string {
	t.Helper()
	root, bare, name := filepath.Join(t.TempDir(), "root"), "plimsoll-test/bare:12", "plimsoll-test/workloads:12"
	command(t, "", "debootstrap", "--variant=minbase", "bookworm", root)
	command(t, "", "sh", "-c", "tar -C "+root+" -c . | /usr/bin/docker import - "+bare)
	t.Cleanup(func() { _ = exec.Command("/usr/bin/docker", "rmi", bare).Run() })
	build(t, name, "FROM "+bare+"\nRUN apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "+packages+" && apt-get clean\n")
	return name
}

func build(t *testing.T, name, dockerfile string) {
	t.Helper()
	command(t, dockerfile, "/usr/bin/docker", "build", "-q", "--network=host", "-t", name, "-")
	t.Cleanup(func() { _ = exec.Command("/usr/bin/docker", "rmi", name).Run() })
}

// command runs one that must succeed.
func command(t *testing.T, stdin, name string, args ...string) string {
	t.Helper()
	out, err := run(stdin, name, args...)
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return out
}

func run(stdin, name string, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Stdin = strings.NewReader(stdin)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	return out.String(), err
}

// start runs the pod's first container as a kubelet would have it run, until it works or breaks as expected, and says
// whether it works, and what it says.
func start(t *testing.T, image string, f *Facts, probe, breaks string) (works bool, log string) {
	t.Helper()
	if why := refuses(t, image, f); why != "" {
		return false, why
	}
	id := strings.TrimSpace(command(t, "", "/usr/bin/docker", append(append([]string{"run", "-d"}, flagsOf(t, f)...), image)...))
	defer func() { command(t, "", "/usr/bin/docker", "rm", "-fv", id) }()
	for range 40 {
		time.Sleep(250 * time.Millisecond)
		running, _ := run("", "/usr/bin/docker", "inspect", "-f", "{{.State.Running}}", id)
		if _, err := run("", "/usr/bin/docker", "exec", id, "bash", "-c", probe); err == nil {
			works = true
			break
		}
		if strings.TrimSpace(running) != "true" {
			log = "it exited\n"
			break
		}
		if said, _ := run("", "/usr/bin/docker", "logs", id); breaks != "" && strings.Contains(said, breaks) {
			break
		}
	}
	said, _ := run("", "/usr/bin/docker", "logs", id)
	return works, log + said
}

// refuses is what a kubelet says of who must not be root (pkg/kubelet/kuberuntime, verifyRunAsNonRoot); it runs none
// of what the image says without.
func refuses(t *testing.T, image string, f *Facts) string {
	t.Helper()
	user, nonRoot := f.user(f.containers()[0])
	if nonRoot == nil || !*nonRoot {
		return ""
	}
	if user != nil {
		return ""
	}
	switch name := strings.TrimSpace(command(t, "", "/usr/bin/docker", "inspect", "-f", "{{.Config.User}}", image)); {
	case name == "" || name == "0":
		return "container has runAsNonRoot and image will run as root"
	case strings.Trim(name, "0123456789") != "":
		return "container has runAsNonRoot and image has non-numeric user (" + name + "), cannot verify user is non-root"
	}
	return ""
}

// flagsOf are a container's settings as Docker's, which hands them to runc; where the pod says nothing, what
// Kubernetes does then.
func flagsOf(t *testing.T, f *Facts) (all []string) {
	c := f.containers()[0]
	own := c.SecurityContext
	if own == nil {
		own = &corev1.SecurityContext{}
	}
	// Whoever is not root may not listen below port 1024: on some nodes it may.
	all = []string{"--network=none", "--sysctl=net.ipv4.ip_unprivileged_port_start=1024"}
	if user, _ := f.user(c); user != nil {
		all = append(all, fmt.Sprintf("--user=%d", *user))
	}
	if own.AllowPrivilegeEscalation != nil && !*own.AllowPrivilegeEscalation {
		all = append(all, "--security-opt=no-new-privileges")
	}
	if own.ReadOnlyRootFilesystem != nil && *own.ReadOnlyRootFilesystem {
		all = append(all, "--read-only")
	}
	if p := f.Spec.SecurityContext; p == nil || p.SeccompProfile == nil {
		all = append(all, "--security-opt=seccomp=unconfined")
	}
	if own.Capabilities != nil {
		for _, d := range own.Capabilities.Drop {
			all = append(all, "--cap-drop="+string(d))
		}
		for _, a := range own.Capabilities.Add {
			all = append(all, "--cap-add="+string(a))
		}
	}
	for _, m := range c.VolumeMounts {
		v := slices.IndexFunc(f.Spec.Volumes, func(v corev1.Volume) bool { return v.Name == m.Name })
		if v < 0 || f.Spec.Volumes[v].EmptyDir == nil {
			t.Fatalf("%s is no emptyDir", m.Name)
		}
		dir := t.TempDir()
		if err := os.Chmod(dir, 0o777); err != nil {
			t.Fatal(err)
		}
		all = append(all, "-v", dir+":"+m.MountPath)
	}
	return all
}
