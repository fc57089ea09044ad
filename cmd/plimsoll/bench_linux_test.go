package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/plimsoll/plimsoll/testbed/cluster"
)

// What BenchmarkCluster puts into its cluster.
const (
	benchTeams       = 20 // namespaces
	benchDeployments = 25 // of each, with one ReplicaSet
	benchPods        = 20 // of each
)

// BenchmarkCluster has the program itself scan a real API server that holds 10,000 pods under 500 Deployments: whole; as
// quick as the server answers; the pods without what made them, so that each is judged for itself; and to be dumped. What it
// takes is the system's own account of the process.
func BenchmarkCluster(b *testing.B) {
	program := filepath.Join(b.TempDir(), "plimsoll")
	build := exec.Command("go", "build", "-o", program, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		b.Fatalf("%v\n%s", err, out)
	}
	c := cluster.Start(b)
	fillCluster(b, c)
	kubeconfig := c.Kubeconfig("reader", "system:masters")
	for _, row := range []struct{ name, args, out string }{
		{"scan", "scan", "-o json="},
		{"quick", "scan --rate 1000", "-o json="},
		{"namespace", "scan --namespace team-3", "-o json="},
		{"pods", "scan --rate 1000 --kinds Pod", "-o json="},
		{"dump", "dump --rate 1000", ""},
	} {
		b.Run(row.name, func(b *testing.B) {
			var cpu, peak float64
			for b.Loop() {
				words := "cluster " + row.args + " --kubeconfig " + kubeconfig + " " + row.out + filepath.Join(b.TempDir(), "out")
				cmd := exec.Command(program, strings.Fields(words)...)
				out, err := cmd.CombinedOutput()
				if code := cmd.ProcessState.ExitCode(); code != 0 && code != 1 {
					b.Fatalf("%v: %s", err, out)
				}
				use := cmd.ProcessState.SysUsage().(*syscall.Rusage)
				cpu += (cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()).Seconds()
				peak = max(peak, float64(use.Maxrss)/1024)
			}
			b.ReportMetric(b.Elapsed().Seconds()/float64(b.N), "s")
			b.ReportMetric(cpu/float64(b.N), "cpu-s")
			b.ReportMetric(peak, "peak-MB")
		})
	}
}

// fillCluster makes the objects as controllers do: each names what made it.
func fillCluster(b *testing.B, c *cluster.Cluster) {
	b.Helper()
	client := c.Client("admin", "system:masters")
	put := func(under, kind, name, owner, spec string) (uid string) {
		version, resource, _ := strings.Cut(kind, " ")
		res, err := client.Post(c.URL+under, "application/json", strings.NewReader(fmt.Sprintf(
			`{"apiVersion": %q, "kind": %q, "metadata": {"name": %q, "labels": {"app": "cart"}%s}%s}`, version, resource, name, owner, spec)))
		if err != nil {
			b.Error(err)
			return ""
		}
		defer res.Body.Close()
		text, err := io.ReadAll(res.Body)
		var made struct{ Metadata struct{ UID string } }
		if err != nil || res.StatusCode != http.StatusCreated || json.Unmarshal(text, &made) != nil {
			b.Errorf("make %s %s: %s %s", resource, name, res.Status, text)
		}
		return made.Metadata.UID
	}
	by := func(kind, name, uid string) string {
		return fmt.Sprintf(`, "ownerReferences": [{"apiVersion": "apps/v1", "kind": %q, "name": %q, "uid": %q, "controller": true}]`, kind, name, uid)
	}
	template := `"template": {"metadata": {"labels": {"app": "cart"}}, ` + benchSpec + `}`
	var all sync.WaitGroup
	for n := range benchTeams {
		team := fmt.Sprintf("team-%d", n)
		put("/api/v1/namespaces", "v1 Namespace", team, "", "")
		all.Go(func() {
			apps, core := "/apis/apps/v1/namespaces/"+team, "/api/v1/namespaces/"+team
			for d := range benchDeployments {
				name := fmt.Sprintf("cart-%d", d)
				uid := put(apps+"/deployments", "apps/v1 Deployment", name, "", `, "spec": {"replicas": 20, "selector": {"matchLabels": {"app": "cart"}}, `+template+`}`)
				set := name + "-5d89f7c6b8"
				uid = put(apps+"/replicasets", "apps/v1 ReplicaSet", set, by("Deployment", name, uid), `, "spec": {"replicas": 20, "selector": {"matchLabels": {"app": "cart"}}, `+template+`}`)
				for p := range benchPods {
					put(core+"/pods", "v1 Pod", fmt.Sprintf("%s-%05d", set, p), by("ReplicaSet", set, uid), `, `+benchSpec)
				}
			}
		})
	}
	all.Wait()
	if b.Failed() {
		b.FailNow()
	}
}

// benchSpec is a pod as they are in use: two containers, with some of what the checks look for.
const benchSpec = `"spec": {"serviceAccountName": "cart", "containers": [
	{"name": "cart", "image": "registry.example/shop/cart:1.4", "ports": [{"containerPort": 8080}], "env": [{"name": "LOG_LEVEL", "value": "info"}, {"name": "DB_HOST", "value": "db.shop"}],
	 "resources": {"requests": {"cpu": "100m", "memory": "128Mi"}, "limits": {"memory": "256Mi"}}, "securityContext": {"runAsNonRoot": true, "allowPrivilegeEscalation": false},
	 "livenessProbe": {"httpGet": {"path": "/healthz", "port": 8080}}, "volumeMounts": [{"name": "tmp", "mountPath": "/tmp"}]},
	{"name": "proxy", "image": "registry.example/mesh/proxy:2.1", "args": ["--mode", "sidecar"], "resources": {"requests": {"cpu": "50m"}}, "volumeMounts": [{"name": "run", "mountPath": "/run"}]}],
	"volumes": [{"name": "tmp", "emptyDir": {}}, {"name": "run", "hostPath": {"path": "/var/run/mesh"}}]}`
