package webhook

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/util/rand"

	"github.com/plimsoll/plimsoll/internal/deck/admit"
	"github.com/plimsoll/plimsoll/internal/read/kube"
	"github.com/plimsoll/plimsoll/internal/weigh/policy/native"
	"github.com/plimsoll/plimsoll/testbed/cluster"
	"github.com/plimsoll/plimsoll/testbed/fixture"
)

// BenchmarkLoad has the program itself answer reviews of pods at a rate, by all checks, Pod Security and fifty policies,
// as an API server asks them: over HTTP/1.1 and TLS, each when its time has come and not when the one before was
// answered. A run is of as many seconds as b.N: -bench Load -benchtime 60x. What it says of the server is the system's own
// account of its process: CPU for each review, and the most memory that it had.
func BenchmarkLoad(b *testing.B) {
	program := filepath.Join(b.TempDir(), "plimsoll")
	build := exec.Command("go", "build", "-o", program, "github.com/plimsoll/plimsoll/cmd/plimsoll")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		b.Fatalf("%v\n%s", err, out)
	}
	c := cluster.Start(b) // policies want to know its namespaces
	admin := c.Client("admin", "system:masters")
	for i := range teams {
		res, err := admin.Post(c.URL+"/api/v1/namespaces", "application/json", strings.NewReader(fmt.Sprintf(`{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "team-%d"}}`, i)))
		if err != nil {
			b.Fatal(err)
		}
		res.Body.Close()
	}
	kubeconfig := c.Kubeconfig("admin", "system:masters")
	for _, rate := range []int{100, 1000, 4000} {
		b.Run(strconv.Itoa(rate), func(b *testing.B) { load(b, startProgram(b, program, kubeconfig), rate) })
	}
}

const teams = 20

// BenchmarkAnswer is what BenchmarkLoad asks, from the bytes of a review to those of the answer: without network and TLS.
func BenchmarkAnswer(b *testing.B) {
	objects, problems := kube.Manifest("policies.yaml", []byte(fixture.FiftyPolicies()))
	if len(problems) > 0 {
		b.Fatal(problems)
	}
	set, err := native.Compile(objects)
	if err != nil {
		b.Fatal(err)
	}
	line := lineOf(b, loadLine, nil)
	line.Native, line.Cluster = set, quiet{}
	if line, err = admit.New(line.Options); err != nil {
		b.Fatal(err)
	}
	s := New(Options{Line: line, Queue: 1, Timeout: time.Second, Note: slog.New(slog.DiscardHandler), Now: time.Now})
	s.journal = openJournal(io.Discard, func() {})
	h := s.handler()
	bodies := make([][]byte, 256)
	for i := range bodies {
		bodies[i] = []byte(loadReview(i))
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		w, r := httptest.NewRecorder(), httptest.NewRequest(http.MethodPost, "/admit/fail", bytes.NewReader(bodies[i%len(bodies)]))
		r.Header.Set("Content-Type", "application/json")
		if h.ServeHTTP(w, r); w.Code != http.StatusOK || strings.Contains(w.Body.String(), `"allowed":true`) != (i%2 == 0) {
			b.Fatal(w.Body)
		}
	}
}

// quiet is a cluster whose namespaces are known.
type quiet struct{ away }

func (quiet) Namespace(_ context.Context, name string) (*kube.Object, error) {
	return quietSpaces()[name], nil
}

var quietSpaces = sync.OnceValue(func() map[string]*kube.Object {
	all := map[string]*kube.Object{}
	for i := range teams {
		name := fmt.Sprintf("team-%d", i)
		all[name] = &kube.Object{APIVersion: "v1", Kind: "Namespace", Name: name, Fields: map[string]any{
			"apiVersion": "v1", "kind": "Namespace", "metadata": map[string]any{"name": name, "labels": map[string]any{"kubernetes.io/metadata.name": name}},
		}}
	}
	return all
})

const loadLine = "failOn: high\nwarnOn: low\npodSecurity: restricted\n"

// loadReview is a pod of two containers, as their owners write it; every other one says privileged, and is denied.
func loadReview(n int) string {
	context := `"securityContext": {"allowPrivilegeEscalation": false, "capabilities": {"drop": ["ALL"]}, "readOnlyRootFilesystem": true, "runAsNonRoot": true}`
	if n%2 == 1 {
		context = `"securityContext": {"privileged": true}`
	}
	one := func(name string) string {
		return `{"name": "` + name + `", "image": "registry.example/shop/` + name + `:1.2.3", "ports": [{"containerPort": 8080}], "env": [{"name": "LOG_LEVEL", "value": "info"}],
			"resources": {"requests": {"cpu": "100m", "memory": "128Mi"}, "limits": {"memory": "256Mi"}}, "volumeMounts": [{"name": "tmp", "mountPath": "/tmp"}], ` + context + `}`
	}
	return fmt.Sprintf(`{"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": {"uid": "u%d", "operation": "CREATE",
		"kind": {"group": "", "version": "v1", "kind": "Pod"}, "resource": {"group": "", "version": "v1", "resource": "pods"}, "namespace": "team-%d", "name": "cart-%s",
		"userInfo": {"username": "system:serviceaccount:kube-system:replicaset-controller", "groups": ["system:serviceaccounts", "system:authenticated"]},
		"object": {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "cart-%d", "namespace": "team-%d", "labels": {"team": "shop", "app": "cart"}},
		"spec": {"serviceAccountName": "cart", "automountServiceAccountToken": false, "securityContext": {"seccompProfile": {"type": "RuntimeDefault"}},
		"containers": [%s, %s], "volumes": [{"name": "tmp", "emptyDir": {"sizeLimit": "16Mi"}}]}}}}`, n, n%teams, rand.String(5), n, n%teams, one("cart"), one("proxy"))
}

// measured is what came of the reviews of a load.
type measured struct {
	mutex      sync.Mutex
	took       []time.Duration // of what was answered
	shed, lost int             // turned away; not answered at all
}

func load(b *testing.B, s *served, rate int) {
	bodies := make([]string, 256)
	for i := range bodies {
		bodies[i] = loadReview(i)
	}
	var got measured
	var asked sync.WaitGroup
	places := make(chan struct{}, 2000) // connections that an API server may have open, and more
	if status, said := s.ask(bodies[0]); status != http.StatusOK || !strings.Contains(said, `"allowed":true`) {
		b.Fatal(status, said)
	}
	if status, said := s.ask(bodies[1]); status != http.StatusOK || !strings.Contains(said, `"allowed":false`) {
		b.Fatal(status, said)
	}
	before := s.cpu(b)
	b.ResetTimer()
	begin := time.Now()
	for n := range b.N * rate {
		due := begin.Add(time.Duration(n) * time.Second / time.Duration(rate))
		time.Sleep(time.Until(due))
		select {
		case places <- struct{}{}:
		default: // so many wait that nobody would ask any more
			got.add(0, 0)
			continue
		}
		asked.Go(func() {
			defer func() { <-places }()
			status, _ := s.ask(bodies[n%len(bodies)])
			got.add(status, time.Since(due))
		})
	}
	asked.Wait()
	b.StopTimer()
	slices.Sort(got.took)
	at := func(share float64) float64 {
		if len(got.took) == 0 {
			return 0
		}
		return float64(got.took[int(share*float64(len(got.took)-1))].Microseconds()) / 1000
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(at(.5), "p50-ms")
	b.ReportMetric(at(.99), "p99-ms")
	b.ReportMetric(at(1), "max-ms")
	b.ReportMetric(float64(len(got.took))/time.Since(begin).Seconds(), "answers/s")
	b.ReportMetric(100*float64(got.shed)/float64(b.N*rate), "%shed")
	b.ReportMetric(100*float64(got.lost)/float64(b.N*rate), "%lost")
	b.ReportMetric(1000*(s.cpu(b)-before).Seconds()/float64(max(len(got.took), 1)), "cpu-ms/answer")
	b.ReportMetric(s.peak(b), "peak-MB")
}

func (m *measured) add(status int, took time.Duration) {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	switch status {
	case http.StatusOK:
		m.took = append(m.took, took)
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		m.shed++
	default:
		m.lost++
	}
}

// served is the program, answering.
type served struct {
	cmd    *exec.Cmd
	url    string
	client *http.Client
}

func startProgram(b *testing.B, program, kubeconfig string) *served {
	b.Helper()
	dir := b.TempDir()
	for name, text := range map[string]string{"policies.yaml": fixture.FiftyPolicies(), "admission.yaml": loadLine} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			b.Fatal(err)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	s := &served{cmd: exec.CommandContext(ctx, program, "admit", "serve", "--line", "admission.yaml", "--policy", "policies.yaml", "--kubeconfig", kubeconfig, "--tls-dir", "tls", "--host", "localhost",
		"--listen", "127.0.0.1:0", "--drain", "0s", "--decisions", "decisions.log", "--queue", "100")}
	s.cmd.Dir = dir
	s.cmd.Cancel = func() error { return s.cmd.Process.Signal(syscall.SIGTERM) }
	said, err := s.cmd.StderrPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := s.cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		cancel()
		if err := s.cmd.Wait(); err != nil && ctx.Err() == nil {
			b.Error(err)
		}
	})
	var text bytes.Buffer
	on := regexp.MustCompile(`serving on (\S+)\n`)
	for on.FindSubmatch(text.Bytes()) == nil {
		if _, err := io.CopyN(&text, said, 1); err != nil {
			b.Fatalf("%v: %s", err, text.String())
		}
	}
	go func() { _, _ = io.Copy(io.Discard, said) }()
	s.url = "https://" + string(on.FindSubmatch(text.Bytes())[1]) + "/admit/fail?timeout=3s"
	roots := x509.NewCertPool()
	authority, err := os.ReadFile(filepath.Join(dir, "tls", "ca.crt"))
	if err != nil || !roots.AppendCertsFromPEM(authority) {
		b.Fatal("no authority: ", err)
	}
	s.client = &http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, ServerName: "localhost"}, MaxIdleConnsPerHost: 2000}}
	return s
}

// ask sends one review; 0 is no answer.
func (s *served) ask(body string) (status int, said string) {
	res, err := s.client.Post(s.url, "application/json", strings.NewReader(body))
	if err != nil {
		return 0, err.Error()
	}
	defer res.Body.Close()
	text, _ := io.ReadAll(res.Body)
	return res.StatusCode, string(text)
}

// cpu is what the server has taken so far (proc_pid_stat(5), utime and stime, in hundredths of a second).
func (s *served) cpu(b *testing.B) time.Duration {
	b.Helper()
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", s.cmd.Process.Pid))
	if err != nil {
		b.Skip("no /proc: ", err)
	}
	_, rest, _ := strings.Cut(string(stat), ") ")
	fields := strings.Fields(rest)
	user, _ := strconv.Atoi(fields[11])
	system, _ := strconv.Atoi(fields[12])
	return time.Duration(user+system) * 10 * time.Millisecond
}

// peak is the most memory that the server has had, in MB (proc_pid_status(5), VmHWM).
func (s *served) peak(b *testing.B) float64 {
	b.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.cmd.Process.Pid))
	if err != nil {
		b.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(status), "VmHWM:")
	kilobytes, _ := strconv.Atoi(strings.Fields(rest)[0])
	return float64(kilobytes) / 1024
}
