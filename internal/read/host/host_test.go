package host_test

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/read/host"
	"github.com/plimsoll/plimsoll/internal/read/host/hosttest"
)

const config = "# /var/lib/kubelet/config.yaml\nkind: KubeletConfiguration\n"

// TestValues holds which of those who say how a setting is counts. What Kubernetes' own sources say: flags go before
// drop-ins, those before the configuration, and a kubelet without a file has other defaults than one with an empty one.
func TestValues(t *testing.T) {
	kubelet := "$ /usr/bin/kubelet --config=/var/lib/kubelet/config.yaml "
	for _, c := range []struct{ name, text, component, setting, want, from string }{
		{"a kubelet of flags alone", "$ kubelet --v=2", "kubelet", "anonymous-auth", "true", "is not set: the default is true without a configuration file"},
		{"its port", "$ kubelet --v=2", "kubelet", "read-only-port", "10255", ""},
		{"its mode", "$ kubelet --v=2", "kubelet", "authorization-mode", "AlwaysAllow", ""},
		{"one with a file", kubelet + "\n" + config, "kubelet", "anonymous-auth", "false", "the default is false"},
		{"its mode", kubelet + "\n" + config, "kubelet", "authorization-mode", "Webhook", ""},
		{"what the file says", kubelet + "\n" + config + "readOnlyPort: 10255", "kubelet", "read-only-port", "10255", "readOnlyPort: 10255 in /var/lib/kubelet/config.yaml:2"},
		{"a flag goes before it", kubelet + "--read-only-port=0\n" + config + "readOnlyPort: 10255", "kubelet", "read-only-port", "0", "--read-only-port=0 of process 101"},
		{"a drop-in goes before it", kubelet + "--config-dir=/etc/k\n" + config + "podPidsLimit: 1\n# /etc/k/20-b.conf\npodPidsLimit: 3\n# /etc/k/10-a.conf\npodPidsLimit: 2\n# /etc/k/30.txt\npodPidsLimit: 4", "kubelet", "pod-max-pids", "3", "/etc/k/20-b.conf:1"},
		{"one in a folder of its own, among the files by its name", kubelet + "--config-dir=/etc/k\n" + config + "podPidsLimit: 1\n# /etc/k/10-a.conf\npodPidsLimit: 2\n# /etc/k/20/z/a.conf\npodPidsLimit: 3\n# /etc/k/20/a.conf\npodPidsLimit: 4\n# /etc/k/15/b.conf\npodPidsLimit: 5\n# /etc/k/20/z/b.yaml\npodPidsLimit: 6", "kubelet", "pod-max-pids", "3", "/etc/k/20/z/a.conf:1"},
		{"a drop-in puts its gates over the others", kubelet + "--config-dir=/etc/k\n" + config + "featureGates: {A: true, B: true, C: true}\n# /etc/k/1.conf\nfeatureGates: {B: false, D: true}\n# /etc/k/2.conf\nfeatureGates: {C: null}", "kubelet", "feature-gates", "A=true,B=false,D=true", "in /var/lib/kubelet/config.yaml:2 and featureGates: B=false,D=true in /etc/k/1.conf:1"},
		{"so does a flag", kubelet + "--feature-gates=A=false\n" + config + "featureGates: {A: true, B: true}", "kubelet", "feature-gates", "A=true,B=true,A=false", " and --feature-gates=A=false of process 101"},
		{"a list takes the place of another", kubelet + "--config-dir=/etc/k\n" + config + "allowedUnsafeSysctls: [a, b]\n# /etc/k/1.conf\nallowedUnsafeSysctls: [c]", "kubelet", "allowed-unsafe-sysctls", "c", ""},
		{"null takes back what was said", kubelet + "--config-dir=/etc/k\n" + config + "authentication: {anonymous: {enabled: true}}\n# /etc/k/1.conf\nauthentication: null", "kubelet", "anonymous-auth", "false", "the default is false"},
		{"a value in a word of its own", "$ kubelet --read_only_port 10255", "kubelet", "read-only-port", "10255", ""},
		{"a truth without a value", "$ kubelet --seccomp-default --v 2", "kubelet", "seccomp-default", "true", ""},
		{"the last counts", "$ kube-apiserver --profiling=true --profiling=false", "kube-apiserver", "profiling", "false", ""},
		{"lists add up", "$ kube-apiserver --enable-admission-plugins=A --enable-admission-plugins=B", "kube-apiserver", "enable-admission-plugins", "A,B", ""},
		{"a scheduler's file alone counts", "$ kube-scheduler --profiling=false --config=/s.yaml\n# /s.yaml\nkind: KubeSchedulerConfiguration\n", "kube-scheduler", "profiling", "true", "the default is true"},
		{"but not for what it can't say", "$ kube-scheduler --bind-address=127.0.0.1 --config=/s.yaml\n# /s.yaml\nkind: KubeSchedulerConfiguration\n", "kube-scheduler", "bind-address", "127.0.0.1", ""},
		{"etcd's file alone counts", "$ etcd --config-file=/e.yaml --client-cert-auth=true\n# /e.yaml\nclient-transport-security: {client-cert-auth: false}", "etcd", "client-cert-auth", "false", "/e.yaml:1"},
		{"a static pod tells the line", "$ kube-apiserver --profiling=false\n# /etc/kubernetes/manifests/a.yaml\nkind: Pod\nspec:\n  containers:\n  - image: k/kube-apiserver:v1.34.1\n    command:\n    - kube-apiserver\n    - --profiling=false", "kube-apiserver", "profiling", "false", "/etc/kubernetes/manifests/a.yaml:7"},
		{"a static pod that is not seen to run", "# /etc/kubernetes/manifests/e.yaml\nkind: Pod\nspec:\n  containers:\n  - name: etcd\n    command: [etcd]\n    env: [{name: ETCD_CLIENT_CERT_AUTH, value: 'true'}]", "etcd", "client-cert-auth", "true", "ETCD_CLIENT_CERT_AUTH"},
		{"dockerd's letters", "$ dockerd -H tcp://0.0.0.0:2375 -H unix:///run/docker.sock", "dockerd", "host", "tcp://0.0.0.0:2375,unix:///run/docker.sock", ""},
		{"dockerd's file", "$ dockerd\n# /etc/docker/daemon.json\n{\"icc\": false}", "dockerd", "icc", "false", "/etc/docker/daemon.json:1"},
		{"a truth as Go reads it", "$ kube-apiserver --anonymous-auth=1", "kube-apiserver", "anonymous-auth", "true", "--anonymous-auth=1 of process 101"},
		{"of one letter", "$ kube-apiserver --profiling=F", "kube-apiserver", "profiling", "false", ""},
		{"and etcd's", "$ etcd --client-cert-auth=1", "etcd", "client-cert-auth", "true", ""},
		{"in its environment", "# /etc/kubernetes/manifests/e.yaml\nkind: Pod\nspec:\n  containers:\n  - name: etcd\n    command: [etcd]\n    env: [{name: ETCD_CLIENT_CERT_AUTH, value: 'T'}]", "etcd", "client-cert-auth", "true", ""},
		{"a word of YAML", kubelet + "\n" + config + "authentication: {anonymous: {enabled: on}}", "kubelet", "anonymous-auth", "true", ""},
		{"but a number is one", "$ kubelet --pod-max-pids=1", "kubelet", "pod-max-pids", "1", ""},
		{"k3s gives others", "$ k3s server", "kube-apiserver", "anonymous-auth", "false", "k3s makes it false"},
		{"and its file goes before", "$ k3s server\n# /etc/rancher/k3s/config.yaml\nkube-apiserver-arg:\n- anonymous-auth=true", "kube-apiserver", "anonymous-auth", "true", "/etc/rancher/k3s/config.yaml:2"},
		{"k3s' rest is Kubernetes'", "$ k3s server", "kube-apiserver", "service-account-extend-token-expiration", "true", "the default is true"},
	} {
		h := hosttest.Host(t, c.text)
		v := one(t, h, c.component).Value(c.setting)
		if v.Text != c.want || v.Unknown != "" || !strings.Contains(v.From, c.from) {
			t.Errorf("%s: %q (%s, %s), want %q (%s)", c.name, v.Text, v.From, v.Unknown, c.want, c.from)
		}
	}
}

func one(t *testing.T, h *host.Host, name string) *host.Component {
	t.Helper()
	for _, c := range h.Components {
		if c.Name == name {
			return c
		}
	}
	t.Fatalf("there is no %s among %+v", name, h.Components)
	return nil
}

// TestUnknown holds that what hangs on something that could not be read is not known, and is a gap.
func TestUnknown(t *testing.T) {
	for _, c := range []struct{ name, text, component, setting string }{
		{"a file that is missing", "$ kubelet --config=/gone.yaml", "kubelet", "anonymous-auth"},
		{"a file that is broken", "$ kubelet --config=/k.yaml\n# /k.yaml\nkind: [", "kubelet", "anonymous-auth"},
		{"a file that is nowhere in particular", "$ kubelet --config=k.yaml", "kubelet", "anonymous-auth"},
		{"a drop-in that is broken", "$ kubelet --config-dir=/d\n# /d/a.conf\n{", "kubelet", "anonymous-auth"},
		{"a shell that puts arguments together", "# /etc/kubernetes/manifests/a.yaml\nkind: Pod\nspec:\n  containers:\n  - command: [/bin/sh, -c, 'exec kube-apiserver $MORE']", "kube-apiserver", "profiling"},
	} {
		h := hosttest.Host(t, c.text)
		if v := one(t, h, c.component).Value(c.setting); v.Unknown == "" {
			t.Errorf("%s: %+v", c.name, v)
		}
		if len(h.Gaps) == 0 || !h.Gaps[0].Blocking {
			t.Errorf("%s: no gap keeps the verdict from passing: %+v", c.name, h.Gaps)
		}
	}
	// What a flag says is known all the same, and a default that hangs on the version is not.
	c := one(t, hosttest.Host(t, "$ kubelet --config=/gone.yaml --anonymous-auth=false"), "kubelet")
	if v := c.Value("anonymous-auth"); v.Text != "false" || v.Unknown != "" {
		t.Errorf("%+v", v)
	}
	if v := one(t, hosttest.Host(t, "$ kubelet --v=2"), "kubelet").Value("event-qps"); !strings.Contains(v.Unknown, "version") {
		t.Errorf("%+v", v)
	}
	of127 := "$ kubelet --v=2\n# /var/lib/dpkg/status\nPackage: kubelet\nVersion: 1.27.3-1.1\n"
	if v := one(t, hosttest.Host(t, of127), "kubelet").Value("event-qps"); v.Text != "50" {
		t.Errorf("%+v", v)
	}
}

// TestUnits holds how a host is read whose processes are not seen, by kubeadm's own unit and drop-in.
func TestUnits(t *testing.T) {
	h := hosttest.Host(t, `# /usr/lib/systemd/system/kubelet.service
[Service]
ExecStart=/usr/bin/kubelet
# /usr/lib/systemd/system/kubelet.service.d/10-kubeadm.conf
[Service]
Environment="KUBELET_KUBECONFIG_ARGS=--bootstrap-kubeconfig=/etc/kubernetes/bootstrap-kubelet.conf --kubeconfig=/etc/kubernetes/kubelet.conf"
Environment="KUBELET_CONFIG_ARGS=--config=/var/lib/kubelet/config.yaml"
EnvironmentFile=-/var/lib/kubelet/kubeadm-flags.env
ExecStart=
ExecStart=/usr/bin/kubelet $KUBELET_KUBECONFIG_ARGS $KUBELET_CONFIG_ARGS $KUBELET_KUBEADM_ARGS $KUBELET_EXTRA_ARGS
# /var/lib/kubelet/kubeadm-flags.env
KUBELET_KUBEADM_ARGS="--hostname-override=n1 --pod-infra-container-image=registry.k8s.io/pause:3.10"
# /var/lib/kubelet/config.yaml
kind: KubeletConfiguration
staticPodPath: /srv/pods
# /srv/pods/etcd.yaml
kind: Pod
spec:
  containers:
  - name: etcd
    command: [etcd, --data-dir=/var/lib/etcd]`)
	k := one(t, h, "kubelet")
	for setting, want := range map[string]string{"hostname-override": "n1", "kubeconfig": "/etc/kubernetes/kubelet.conf", "anonymous-auth": "false"} {
		if v := k.Value(setting); v.Text != want {
			t.Errorf("%s: %+v, want %s", setting, v, want)
		}
	}
	if c := one(t, h, "etcd"); c.Value("data-dir").Text != "/var/lib/etcd" || h.Live {
		t.Errorf("%+v, live %v", c, h.Live)
	}
}

// TestHostile holds that no link leads out of the root, that only regular files are read, and that broken ones are told.
func TestHostile(t *testing.T) {
	dir, outside := t.TempDir(), t.TempDir()
	write := func(name, text string) {
		t.Helper()
		name = filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	link := func(to, name string) {
		t.Helper()
		if err := os.Symlink(to, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(outside, "k.yaml"), []byte("readOnlyPort: 1"), 0o600); err != nil {
		t.Fatal(err)
	}
	write("proc/1/cmdline", "kubelet\x00--config=/out.yaml\x00--config-dir=/loop\x00")
	write("proc/2/cmdline", "dockerd\x00--config-file=/abs/daemon.json\x00")
	write("real/daemon.json", `{"icc": false}`)
	link(filepath.Join(outside, "k.yaml"), "out.yaml")
	link("loop", "loop")
	link("/real", "abs") // as in the root, not as on this machine
	link(outside, "proc/1/root")
	s, err := host.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	h, err := host.Read(context.Background(), s)
	if err != nil {
		t.Fatal(err)
	}
	if v := one(t, h, "kubelet").Value("read-only-port"); v.Unknown == "" {
		t.Errorf("a link led out: %+v", v)
	}
	if v := one(t, h, "dockerd").Value("icc"); v.Text != "false" {
		t.Errorf("a link within is not followed: %+v, %+v", v, h.Gaps)
	}
	if s.ProcessRoot != nil {
		t.Error("a folder called proc is taken for the kernel's")
	}
}

// TestConfigz holds that what a kubelet answers goes before what is read of it.
func TestConfigz(t *testing.T) {
	s := &host.Source{FS: hosttest.FS("$ kubelet --anonymous-auth=true --hostname-override=n1"), ConfigzFrom: "n1.json", Configz: []byte(`{"kubeletconfig": {"authentication": {"anonymous": {"enabled": false}}}}`)}
	h, err := host.Read(context.Background(), s)
	if err != nil {
		t.Fatal(err)
	}
	k := one(t, h, "kubelet")
	for setting, want := range map[string]string{"anonymous-auth": "false", "read-only-port": "0", "rotate-certificates": "false", "hostname-override": "n1"} {
		if v := k.Value(setting); v.Text != want || v.Unknown != "" {
			t.Errorf("%s: %+v, want %q", setting, v, want)
		}
	}
	if _, err := host.FromConfigz("x", []byte(`{}`)); err == nil {
		t.Error("an answer without a configuration is taken for one")
	}
}

// TestForbidden holds that what this user may not read is a gap.
func TestForbidden(t *testing.T) {
	fsys := forbidden{hosttest.FS("$ kubelet --config=/var/lib/kubelet/config.yaml\n" + config), "var/lib/kubelet/config.yaml"}
	h, err := host.Read(context.Background(), &host.Source{FS: fsys})
	if err != nil {
		t.Fatal(err)
	}
	if v := one(t, h, "kubelet").Value("anonymous-auth"); v.Unknown == "" || len(h.Gaps) == 0 {
		t.Errorf("%+v, %+v", v, h.Gaps)
	}
}

type forbidden struct {
	fstest.MapFS
	name string
}

func (f forbidden) Open(name string) (fs.File, error) {
	if name == f.name {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrPermission}
	}
	return f.MapFS.Open(name)
}

// FuzzRead holds that whatever a host holds is read without a fault.
func FuzzRead(f *testing.F) {
	f.Add("$ kubelet --config=/k\n# /k\nkind: KubeletConfiguration")
	f.Add("# /etc/kubernetes/manifests/a.yaml\nkind: Pod\nspec: {containers: [{command: [/bin/sh, -c, etcd]}]}")
	f.Add("# /usr/lib/systemd/system/docker.service\nExecStart=/usr/bin/dockerd -H ${A}\n$ k3s server --x\n# /etc/rancher/k3s/config.yaml\na: [b]")
	f.Fuzz(func(t *testing.T, text string) {
		h, err := host.Read(context.Background(), &host.Source{FS: hosttest.FS(text)})
		if err != nil {
			return
		}
		for _, c := range h.Components {
			c.Value("anonymous-auth")
		}
	})
}

// TestBounds holds that what is not looked at for its number is told, and keeps the verdict from passing.
func TestBounds(t *testing.T) {
	many := func(dir, text string) string {
		var b strings.Builder
		for i := range 2001 {
			fmt.Fprintf(&b, "# %s/%04d.conf\n%s\n", dir, i, text)
		}
		return b.String()
	}
	for _, c := range []struct{ name, text string }{
		{"the PKI", many("/etc/kubernetes/pki/a", "") + "-rw-rw-rw- root root /etc/kubernetes/pki/z/ca.key"},
		{"drop-ins", "$ kubelet --config-dir=/d\n" + many("/d/a", "kind: KubeletConfiguration")},
	} {
		h := hosttest.Host(t, c.text)
		if !slices.ContainsFunc(h.Gaps, func(g finding.Gap) bool { return g.Class == "limit-reached" && g.Blocking && g.Path != "" }) {
			t.Errorf("%s: %+v", c.name, h.Gaps)
		}
	}
}

// TestClosedRoot holds that a process whose root cannot be opened is not taken for one of the host's.
func TestClosedRoot(t *testing.T) {
	s := &host.Source{FS: hosttest.FS("$ dockerd\n# /etc/docker/daemon.json\n{\"icc\": false}"), ProcessRoot: func(int) (fs.FS, error) { return nil, fs.ErrPermission }}
	h, err := host.Read(context.Background(), s)
	if err != nil {
		t.Fatal(err)
	}
	if v := one(t, h, "dockerd").Value("icc"); v.Unknown == "" {
		t.Errorf("the host's file is taken for the process's: %+v", v)
	}
	if !slices.ContainsFunc(h.Gaps, func(g finding.Gap) bool { return g.Blocking && g.Path == "proc/101/root" }) {
		t.Errorf("%+v", h.Gaps)
	}
	s.ProcessRoot = func(int) (fs.FS, error) { return nil, fs.ErrNotExist }
	if h, err = host.Read(context.Background(), s); err != nil || len(h.Components)+len(h.Gaps) > 0 {
		t.Errorf("a process that ended: %+v, %v", h, err)
	}
}

// TestVersions reads versions as they are written, by upstream and by distributors.
func TestVersions(t *testing.T) {
	for _, c := range []struct {
		text, upstream string
		vendor         bool
	}{
		{"v1.34.2", "1.34.2", false},
		{"1.34.2-00", "1.34.2", false},
		{"3.5.15-0", "3.5.15", false},
		{"v1.36.1+k3s1", "1.36.1", true},
		{"v1.36.1+rke2r1", "1.36.1", true},
		{"v1.36.1-gke.100", "1.36.1", true},
		{"v1.30.4-eks-a737599", "1.30.4", true},
		{"v1.31.0-rc.1", "1.31.0-rc.1", false},
		{"v1.31.0-rc.1+k3s1", "1.31.0-rc.1", true},
		{"1.6.20~ds1-1+deb12u3", "1.6.20", true},
		{"5:27.3.1-1~debian.12~bookworm", "27.3.1", false},
		{"5:27.3.1-1~ubuntu.24.04~noble", "27.3.1", false},
		{"5:27.1.0", "27.1.0", false},
		{"5:20.10.5+dfsg1-1+deb11u2", "20.10.5", true},
	} {
		v, ok := host.ParseVersion(c.text, "x")
		if !ok || v.Upstream() != c.upstream || v.Vendor() != c.vendor {
			t.Errorf("%s is %s, of a vendor %v: %v", c.text, v.Upstream(), v.Vendor(), ok)
		}
	}
	for _, text := range []string{"", "latest", "1.2", "1.2.3.4", "v1.x.3", "1.99999999.1"} {
		if v, ok := host.ParseVersion(text, "x"); ok {
			t.Errorf("%q is %+v", text, v)
		}
	}
}

// TestProgramVersions knows a program by its file, where nothing else says its version: Kubernetes builds its own without a
// trace in the build information, and leaves the text that the linker set.
func TestProgramVersions(t *testing.T) {
	root := hosttest.FS("# /usr/lib/systemd/system/kubelet.service\n[Service]\nExecStart=/opt/bin/kubelet\n# /usr/lib/systemd/system/docker.service\n[Service]\nExecStart=/usr/bin/dockerd")
	root["opt/bin/kubelet"] = &fstest.MapFile{Data: []byte("\x7fELF\x00v1.30.4-eks-a737599\x00"), Mode: 0o755}
	if file, err := os.ReadFile("/usr/sbin/dockerd"); err == nil { // Debian's own, of the test bed
		root["usr/bin/dockerd"] = &fstest.MapFile{Data: file, Mode: 0o755}
		root["usr/bin/runc"] = &fstest.MapFile{Data: []byte("no program"), Mode: 0o755}
	}
	h, err := host.Read(context.Background(), &host.Source{FS: root})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range h.Components {
		switch {
		case c.Name == "kubelet" && c.Version.Text != "1.30.4-eks-a737599",
			c.Name == "dockerd" && root["usr/bin/dockerd"] != nil && !strings.HasPrefix(c.Version.Text, "20.10.24"),
			c.Name == "runc" && c.Version.Text != "":
			t.Errorf("%s is %+v", c.Name, c.Version)
		}
	}
	if !h.Has("kubelet") || !h.Has("dockerd") || h.Has("runc") != (root["usr/bin/dockerd"] != nil) {
		t.Errorf("found %+v", h.Components)
	}
}

// TestLinkedDropIns holds a folder of drop-ins that is a link against what reads it in the kubelet: filepath.WalkDir.
func TestLinkedDropIns(t *testing.T) {
	for _, flag := range []string{"/etc/real", "/etc/link", "/etc/link/", "/etc/way/real"} {
		t.Run(flag, func(t *testing.T) {
			root := t.TempDir()
			for name, text := range map[string]string{
				"usr/lib/systemd/system/kubelet.service": "[Service]\nExecStart=/usr/bin/kubelet --config=/etc/kubelet.yaml --config-dir=" + flag + "\n",
				"etc/kubelet.yaml":                       "kind: KubeletConfiguration\n",
				"etc/real/10.conf":                       "kind: KubeletConfiguration\nreadOnlyPort: 10255\n",
			} {
				if err := os.MkdirAll(filepath.Join(root, filepath.Dir(name)), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(filepath.Join(root, name), []byte(text), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			for name, to := range map[string]string{"etc/link": "real", "etc/way": "."} {
				if err := os.Symlink(to, filepath.Join(root, name)); err != nil {
					t.Fatal(err)
				}
			}
			want := "0"
			if err := filepath.WalkDir(root+flag, func(path string, d fs.DirEntry, err error) error { // as the kubelet does
				if err == nil && !d.IsDir() && filepath.Ext(d.Name()) == ".conf" {
					want = "10255"
				}
				return err
			}); err != nil {
				t.Fatal(err)
			}
			s, err := host.Open(root)
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			h, err := host.Read(t.Context(), s)
			if err != nil {
				t.Fatal(err)
			}
			if got := h.Components[0].Value("read-only-port").Text; got != want {
				t.Errorf("the port is %s, want %s", got, want)
			}
			told := slices.ContainsFunc(h.Gaps, func(g finding.Gap) bool { return g.Class == "not-in-effect" })
			if told != (want == "0") {
				t.Errorf("told %v: %+v", told, h.Gaps)
			}
		})
	}
}
