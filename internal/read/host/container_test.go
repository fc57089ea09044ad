package host_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/plimsoll/plimsoll/internal/read/host"
)

// TestKept reads containers as Docker 20.10 keeps them, shortened.
func TestKept(t *testing.T) {
	root := fstest.MapFS{}
	add := func(id, config, hostConfig string) {
		root["var/lib/docker/containers/"+id+"/config.v2.json"] = &fstest.MapFile{Data: []byte(config)}
		if hostConfig != "" {
			root["var/lib/docker/containers/"+id+"/hostconfig.json"] = &fstest.MapFile{Data: []byte(hostConfig)}
		}
	}
	state := func(name, state, more string) string {
		return fmt.Sprintf(`{"StreamConfig":{},"State":{"Running":%s,"Paused":false,"Pid":0,"Health":null},"ID":"aa","Name":"/%s","Image":"sha256:0f7f",`+
			`"Config":{"Image":"example.org/web:1.4","Env":["A=1"],"Cmd":["/web"],"ExposedPorts":{"80/tcp":{}}},"SeccompProfile":"","NoNewPrivileges":false%s}`, state, name, more)
	}
	add("a", state("runs", "true", `,"MountPoints":{"/host":{"Source":"/etc","Destination":"/host","RW":true,"Type":"bind","Propagation":"rprivate"}},`+
		`"NetworkSettings":{"Ports":{"80/tcp":[{"HostIp":"0.0.0.0","HostPort":"32768"},{"HostIp":"::","HostPort":"32768"}],"81/tcp":null}}`),
		`{"Binds":["/etc:/host"],"NetworkMode":"default","PidsLimit":null,"CpuShares":512,"PortBindings":{"80/tcp":[{"HostIp":"","HostPort":""}]}}`)
	add("b", state("ended", "false", ""), `{"RestartPolicy":{"Name":"on-failure"}}`)
	add("c", state("returns", "false", ""), `{"RestartPolicy":{"Name":"unless-stopped"}}`)
	add("d", state("stopped", "false", `,"HasBeenManuallyStopped":true`), `{"RestartPolicy":{"Name":"unless-stopped"}}`)
	add("e", "{", "")
	add("f", state("bare", "true", ""), "")  // of which Docker has the defaults
	add("g", state("made", "false", ""), "") // its second file is not there yet
	add("h", "[]", "")
	h, err := host.Read(context.Background(), &host.Source{FS: root})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, c := range h.Containers {
		names = append(names, c.Name)
	}
	if diff := cmp.Diff([]string{"runs", "returns", "bare"}, names); diff != "" {
		t.Error(diff)
	}
	runs := h.Containers[0]
	if m := runs.Mounted(); len(m) != 1 || m[0].Source != "/etc" || !m[0].RW || runs.HostConfig.CPUShares != 512 || runs.Config.Image != "example.org/web:1.4" {
		t.Errorf("it is read as %+v", runs)
	}
	if diff := cmp.Diff([]host.Published{{Port: "80/tcp", Address: "0.0.0.0", HostPort: "32768"}}, runs.Published()); diff != "" {
		t.Error(diff)
	}
	if len(h.Gaps) != 1 || !h.Gaps[0].Blocking || h.Gaps[0].Count != 2 || !strings.Contains(h.Gaps[0].What, "containers/e") || !strings.HasSuffix(h.Gaps[0].What, "; and 1 more") {
		t.Errorf("gaps are %+v", h.Gaps)
	}
}

// TestKeptInBounds holds that no more is read of containers than honest hosts have.
func TestKeptInBounds(t *testing.T) {
	root := fstest.MapFS{}
	large := []byte(`{"Name":"/a","State":{"Running":false},"Config":{"Env":["` + strings.Repeat("a", 3<<20) + `"]}}`)
	for n := range 30 {
		dir := fmt.Sprintf("var/lib/docker/containers/%02d/", n)
		root[dir+"config.v2.json"], root[dir+"hostconfig.json"] = &fstest.MapFile{Data: large}, &fstest.MapFile{Data: []byte("{}")}
	}
	h, err := host.Read(context.Background(), &host.Source{FS: root})
	if err != nil {
		t.Fatal(err)
	}
	if len(h.Gaps) != 1 || h.Gaps[0].Class != "limit-reached" || !h.Gaps[0].Blocking {
		t.Errorf("gaps are %+v", h.Gaps)
	}
}

// TestFoldersInBounds holds that no more folders are looked at than hosts have containers, and that all that fail are one gap.
func TestFoldersInBounds(t *testing.T) {
	root := fstest.MapFS{}
	for n := range 5001 {
		root[fmt.Sprintf("var/lib/docker/containers/%05d/config.v2.json", n)] = &fstest.MapFile{Data: []byte("{")}
	}
	h, err := host.Read(context.Background(), &host.Source{FS: root})
	if err != nil {
		t.Fatal(err)
	}
	if len(h.Gaps) != 2 || h.Gaps[0].Class != "limit-reached" || h.Gaps[1].Count != 5000 {
		t.Errorf("gaps are %+v", h.Gaps)
	}
}

// TestNewPrivileges holds that what the daemon has for all counts for containers that say nothing of it.
func TestNewPrivileges(t *testing.T) {
	for _, test := range []struct {
		daemon, container string
		want              bool
	}{
		{`{"no-new-privileges": true}`, `{"Name":"/a"}`, true},
		{`{"no-new-privileges": true}`, `{"Name":"/a","HostConfig":{"SecurityOpt":["no-new-privileges=false"]}}`, false},
		{`{"no-new-privileges": false}`, `{"Name":"/a"}`, false},
		{`{}`, `{"Name":"/a"}`, false},
	} {
		h, err := host.Read(context.Background(), &host.Source{RunningFrom: "Docker", Running: [][]byte{[]byte(test.container)}, FS: fstest.MapFS{
			"etc/docker/daemon.json":                {Data: []byte(test.daemon)},
			"usr/bin/dockerd":                       {Data: []byte("a"), Mode: 0o755},
			"usr/lib/systemd/system/docker.service": {Data: []byte("[Service]\nExecStart=/usr/bin/dockerd\n")},
		}})
		if err != nil {
			t.Fatal(err)
		}
		if got := h.Containers[0].NoNewPrivileges; (got != nil && *got) != test.want {
			t.Errorf("%s, %s: %v", test.daemon, test.container, got)
		}
	}
}

// TestAsked holds that the daemon's answers go before what lies on the disk, and that one that is not understood is told.
func TestAsked(t *testing.T) {
	root := fstest.MapFS{
		"var/lib/docker/containers/a/config.v2.json":  {Data: []byte(`{"Name":"/kept","State":{"Running":true}}`)},
		"var/lib/docker/containers/a/hostconfig.json": {Data: []byte(`{}`)},
	}
	h, err := host.Read(context.Background(), &host.Source{
		FS: root, RunningFrom: "Docker",
		Running: [][]byte{[]byte(`{"Name":"/asked","Config":{"Entrypoint":"/web"}}`), []byte(`{"HostConfig":[]}`), []byte(`{}`)},
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(h.Containers) != 1 || h.Containers[0].Name != "asked" || len(h.Containers[0].Config.Entrypoint) != 1 || len(h.Gaps) != 2 {
		t.Errorf("containers %+v, gaps %+v", h.Containers, h.Gaps)
	}
}

func FuzzParseContainer(f *testing.F) {
	f.Add([]byte(`{"Name":"/web","Config":{"Cmd":["a"],"Image":"x"},"HostConfig":{"SecurityOpt":["seccomp"],"PortBindings":{"80/tcp":[{"HostPort":"1-2"}]}},"Mounts":[{"Type":"bind"}]}`))
	f.Add([]byte(`{"Name":"/w","HostConfig":{"MaskedPaths":[],"PidsLimit":-1},"MountPoints":{"a":{}}}`))
	f.Fuzz(func(t *testing.T, answer []byte) {
		c, err := host.ParseContainer("Docker", answer)
		if err != nil {
			return
		}
		c.Mounted()
		c.Published()
		c.Option("seccomp")
	})
}
