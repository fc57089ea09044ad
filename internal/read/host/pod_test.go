package host_test

import (
	"strings"
	"testing"

	"github.com/plimsoll/plimsoll/internal/read/host/hosttest"
)

const server = "kind: Pod\nspec:\n  containers:\n  - name: kube-apiserver\n    command:\n    - kube-apiserver\n    - --anonymous-auth=false\n    - --advertise-address=$(IP)\n"

// TestManifests holds that the kubelet's own rule counts for what a static pod is: every file of the folder.
func TestManifests(t *testing.T) {
	for _, name := range []string{"kube-apiserver.manifest", "kube-apiserver.yaml.bak", "a.crt", "a.bin", "a"} {
		h := hosttest.Host(t, "# /etc/kubernetes/manifests/"+name+"\n"+server)
		if v := one(t, h, "kube-apiserver").Value("anonymous-auth"); v.Text != "false" || !strings.Contains(v.From, name+":7") || len(h.Gaps) > 0 {
			t.Errorf("%s: %+v, %+v", name, v, h.Gaps)
		}
	}
	h := hosttest.Host(t, "# /etc/kubernetes/manifests/a.json.old\n{\"kind\": \"Pod\", \"metadata\": {\"annotations\": {\"a\": \"-----BEGIN X-----\"}}, \"spec\": {\"containers\": [{\"command\": [\"etcd\"]}]}}")
	one(t, h, "etcd")
	for _, text := range []string{"kind: [", "{"} {
		h := hosttest.Host(t, "# /etc/kubernetes/manifests/a.manifest\n"+text)
		if len(h.Gaps) != 1 || !h.Gaps[0].Blocking || h.Gaps[0].Path != "etc/kubernetes/manifests/a.manifest" {
			t.Errorf("%q is no gap: %+v", text, h.Gaps)
		}
	}
	h = hosttest.Host(t, "# /etc/kubernetes/manifests/.a.yaml\n"+server+"# /etc/kubernetes/manifests/README\nWhat is here is started.")
	if len(h.Components)+len(h.Gaps) > 0 {
		t.Errorf("%+v, %+v", h.Components, h.Gaps)
	}
	// As kOps writes it.
	h = hosttest.Host(t, "# /etc/kubernetes/manifests/kube-apiserver.manifest\nkind: Pod\nspec:\n  containers:\n  - name: kube-apiserver\n    command: [/go-runner]\n    args: [--log-file=/var/log/kube-apiserver.log, --also-stdout, /usr/local/bin/kube-apiserver, --profiling=false]")
	if v := one(t, h, "kube-apiserver").Value("profiling"); v.Text != "false" {
		t.Errorf("%+v", v)
	}
	h = hosttest.Host(t, "# /etc/kubernetes/manifests/backup.yaml\nkind: Pod\nspec:\n  containers:\n  - name: backup\n    command: [/backup, etcd]")
	if len(h.Components) > 0 {
		t.Errorf("an argument is taken for a program: %+v", h.Components[0])
	}
}

// TestSameName holds that a pod which runs a program of a manifest's name does not take its place.
func TestSameName(t *testing.T) {
	const manifest = "\n# /etc/kubernetes/manifests/kube-apiserver.yaml\n" + server
	for _, c := range []struct {
		name, processes string
		want            []string // of all components: where it is, and what it says
	}{
		{"another alone", "$ kube-apiserver --anonymous-auth=true", []string{"process 101 true", "/etc/kubernetes/manifests/kube-apiserver.yaml false"}},
		{"another first", "$ kube-apiserver --anonymous-auth=true\n$ kube-apiserver --anonymous-auth=false --advertise-address=10.0.0.1", []string{"process 101 true", "process 102 /etc/kubernetes/manifests/kube-apiserver.yaml false"}},
		{"one with more", "$ kube-apiserver --anonymous-auth=false --advertise-address=10.0.0.1 --profiling=true", []string{"process 101 false", "/etc/kubernetes/manifests/kube-apiserver.yaml false"}},
		{"k3s", "$ k3s server", []string{"process 101 false", "/etc/kubernetes/manifests/kube-apiserver.yaml false"}},
	} {
		h := hosttest.Host(t, c.processes+manifest)
		var got []string
		for _, one := range h.Components {
			if one.Name != "kube-apiserver" {
				continue
			}
			where := one.Where()
			if one.Process != 0 && one.Manifest != "" {
				where += " " + one.Manifest
			}
			got = append(got, where+" "+one.Value("anonymous-auth").Text)
		}
		if strings.Join(got, "; ") != strings.Join(c.want, "; ") {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
	// A shell's arguments are known in part: the process that has those is what it became.
	h := hosttest.Host(t, "$ kube-apiserver --profiling=false --v=2\n# /etc/kubernetes/manifests/a.yaml\nkind: Pod\nspec:\n  containers:\n  - command: [/bin/sh, -c, 'exec kube-apiserver --profiling=false $MORE']")
	if len(h.Components) != 1 || h.Components[0].Manifest == "" || len(h.Gaps) > 0 {
		t.Errorf("%+v, %+v", h.Components, h.Gaps)
	}
}
