package cluster

import (
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

const envKubelet = "PLIMSOLL_TEST_KUBELET"

// tunables are settings of the machine's kernel that a kubelet changes where they are otherwise. It is shown files that
// have what it wants, so that the machine stays as it is.
var tunables = map[string]string{"vm/overcommit_memory": "1", "kernel/panic": "10", "kernel/panic_on_oops": "1"}

// StartKubelet starts the real kubelet with a containerd of its own, and gives HOST:PORT of its port and of its read-only
// one, unless the config says another. Config are lines of a KubeletConfiguration. It registers no node and runs no pod; cgroups, packet filters and settings of
// the kernel are left alone.
func (c *Cluster) StartKubelet(config string) (port, readOnly string) {
	c.t.Helper()
	if os.Getenv(envKubelet) == "" {
		c.t.Skipf("%s is not set: testbed/up builds it", envKubelet)
	}
	if os.Getuid() != 0 {
		c.t.Skip("a kubelet has to be root")
	}
	c.kubelets++
	name := "kubelet-" + strconv.Itoa(c.kubelets)
	if err := os.MkdirAll(c.file(name), 0o700); err != nil {
		c.t.Fatal(err)
	}
	in := func(file string) string { return c.file(name + "/" + file) }
	write := func(file, text string) string {
		if err := os.WriteFile(in(file), []byte(text), 0o600); err != nil {
			c.t.Fatal(err)
		}
		return in(file)
	}
	// A socket's path may have 108 bytes, which a test's folder has by itself.
	dir, err := os.MkdirTemp("", "kubelet")
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() { os.RemoveAll(dir) })
	engine := c.run(name+"-containerd", "containerd", "--config", write("containerd.toml", fmt.Sprintf(
		"version = 2\nroot = %q\nstate = %q\n[grpc]\n  address = %q\n", in("root"), dir+"/state", dir+"/c.sock")))
	secure, plain := free(c.t), free(c.t)
	if !strings.Contains(config, "readOnlyPort:") {
		config += fmt.Sprintf("\nreadOnlyPort: %d\n", plain)
	}
	file := write("config.yaml", fmt.Sprintf(`apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
address: 127.0.0.1
port: %d
healthzPort: 0
containerRuntimeEndpoint: unix://%s/c.sock
failCgroupV1: false
failSwapOn: false
cgroupDriver: cgroupfs
cgroupsPerQOS: false
enforceNodeAllocatable: []
localStorageCapacityIsolation: false
makeIPTablesUtilChains: false
registerNode: false
%s`, secure, dir, config))
	script := ""
	for at, value := range tunables {
		script += fmt.Sprintf("mount --bind %q /proc/sys/%s && ", write("tunable"+strconv.Itoa(len(script)), value), at)
	}
	for n := 0; ; n++ { // until containerd listens
		if _, err := os.Stat(dir + "/c.sock"); err == nil {
			break
		} else if n == 600 {
			c.t.Fatalf("containerd does not listen after a minute: %s", engine.tail())
		}
		time.Sleep(100 * time.Millisecond)
	}
	unshare, err := exec.LookPath("unshare")
	if err != nil {
		c.t.Fatal(err)
	}
	p := c.run(name, unshare, "--mount", "--propagation", "private", "sh", "-c", script+`exec "$@"`, "sh", os.Getenv(envKubelet),
		"--config="+file, "--root-dir="+in("data"), "--cert-dir="+in("pki"), "--kubeconfig="+c.Kubeconfig("system:node:test", "system:masters"))
	port, readOnly = "127.0.0.1:"+strconv.Itoa(secure), "127.0.0.1:"+strconv.Itoa(plain)
	c.listening(name, p, port)
	return port, readOnly
}
