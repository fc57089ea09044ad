package pods

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/plimsoll/plimsoll/testbed/cluster"
	"github.com/plimsoll/plimsoll/testbed/wire"
)

// World is the stand-in at work.
type World struct {
	t       testing.TB
	url     string
	client  *http.Client
	o       Options
	net     *wire.Network
	program string // what each image is

	mu      sync.Mutex
	modes   map[string]Mode
	running map[types.UID]*pod
	count   int
	stuck   []hold // that stay
	loaded  string // the rules
	group   sync.WaitGroup
}

// pod is one that was started.
type pod struct {
	corev1.Pod
	cmd   *exec.Cmd
	ended chan struct{}
}

// Start makes the nodes, and runs the program for each container of each pod, until the test ends.
func Start(t testing.TB, c *cluster.Cluster, o Options) *World {
	t.Helper()
	for _, name := range []string{"nft", "setpriv", "unshare"} {
		if _, err := exec.LookPath(name); err != nil {
			t.Skipf("%v: testbed/up installs it", err)
		}
	}
	w := &World{t: t, url: c.URL, client: c.Client("stand-in", "system:masters"), o: o, net: wire.New(t), modes: map[string]Mode{}, running: map[types.UID]*pod{}}
	dir, err := os.MkdirTemp("", "plimsoll-pods") // t.TempDir is for this user alone
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	w.program = filepath.Join(dir, "plimsoll")
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if b, err := os.ReadFile(o.Program); err != nil || os.WriteFile(w.program, b, 0o755) != nil {
		t.Fatal(err)
	}
	for _, name := range o.Nodes {
		node := corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{corev1.LabelOSStable: "linux"}}}
		if err := w.ask(http.MethodPost, "/api/v1/nodes", node, nil); err != nil {
			t.Fatal(err)
		}
		w.untaint(name)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var loops sync.WaitGroup
	t.Cleanup(func() {
		cancel()
		loops.Wait()
		for _, p := range w.running {
			w.end(p)
		}
		w.group.Wait()
	})
	work := []func(){w.kubelets}
	if !o.Agent {
		work = append(work, w.agent)
	}
	for _, each := range work {
		loops.Go(func() {
			for ctx.Err() == nil {
				each()
				time.Sleep(100 * time.Millisecond)
			}
		})
	}
	return w
}

// untaint does what a cloud's controller would: nodes are ready.
func (w *World) untaint(name string) {
	var node corev1.Node
	if err := w.ask(http.MethodGet, "/api/v1/nodes/"+name, nil, &node); err != nil {
		w.t.Fatal(err)
	}
	node.Spec.Taints = nil
	if err := w.ask(http.MethodPut, "/api/v1/nodes/"+name, node, nil); err != nil {
		w.t.Fatal(err)
	}
}

// Router is where all packets pass.
func (w *World) Router() *wire.Host { return w.net.Router }

// ask asks the API server.
func (w *World) ask(method, path string, body, into any) error {
	b, err := json.Marshal(body)
	if err != nil {
		return err
	}
	req, err := http.NewRequest(method, w.url+path, bytes.NewReader(b))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	if method == http.MethodPatch {
		req.Header.Set("Content-Type", "application/merge-patch+json")
	}
	res, err := w.client.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode >= http.StatusMultipleChoices {
		err = fmt.Errorf("%s %s: %s: %s", method, path, res.Status, text)
	}
	if err != nil || into == nil {
		return err
	}
	return json.Unmarshal(text, into)
}

func at(p *corev1.Pod) string { return "/api/v1/namespaces/" + p.Namespace + "/pods/" + p.Name }

// kubelets does what is to do for all pods: it places them, starts them, and ends those that are to go.
func (w *World) kubelets() {
	var all corev1.PodList
	if w.ask(http.MethodGet, "/api/v1/pods", nil, &all) != nil {
		return
	}
	for i := range all.Items {
		p := &all.Items[i]
		w.mu.Lock()
		mode, known := w.modes[p.Namespace], w.running[p.UID]
		w.mu.Unlock()
		switch {
		case p.DeletionTimestamp != nil:
			if known != nil {
				w.end(known)
				w.mu.Lock()
				delete(w.running, p.UID)
				w.mu.Unlock()
			}
			zero := int64(0)
			_ = w.ask(http.MethodDelete, at(p), metav1.DeleteOptions{GracePeriodSeconds: &zero}, nil)
		case p.Spec.NodeName == "":
			w.place(p, mode)
		case known == nil && p.Status.Phase == corev1.PodPending:
			w.start(p, mode)
		}
	}
}

// place does as a scheduler.
func (w *World) place(p *corev1.Pod, mode Mode) {
	for _, name := range w.o.Nodes {
		if !fits(p, name) || mode.NoNode || mode.OneNode && name != w.o.Nodes[0] {
			continue
		}
		target := corev1.Binding{ObjectMeta: metav1.ObjectMeta{Name: p.Name}, Target: corev1.ObjectReference{Kind: "Node", Name: name}}
		_ = w.ask(http.MethodPost, at(p)+"/binding", target, nil)
		return
	}
	w.status(p, corev1.PodStatus{Phase: corev1.PodPending, Conditions: []corev1.PodCondition{{
		Type: corev1.PodScheduled, Status: corev1.ConditionFalse, Reason: "Unschedulable", Message: "0/2 nodes are available: 2 Insufficient memory.",
	}}})
}

func fits(p *corev1.Pod, node string) bool {
	if p.Spec.Affinity == nil {
		return true
	}
	for _, f := range p.Spec.Affinity.NodeAffinity.RequiredDuringSchedulingIgnoredDuringExecution.NodeSelectorTerms[0].MatchFields {
		if slices.Contains(f.Values, node) != (f.Operator == corev1.NodeSelectorOpIn) {
			return false
		}
	}
	return true
}

func (w *World) status(p *corev1.Pod, s corev1.PodStatus) {
	_ = w.ask(http.MethodPatch, at(p)+"/status", map[string]any{"status": s}, nil)
}

// start gives a pod its network, and runs its command there.
func (w *World) start(p *corev1.Pod, mode Mode) {
	container := p.Spec.Containers[0]
	waiting := func(reason, message string) {
		w.status(p, corev1.PodStatus{Phase: corev1.PodPending, ContainerStatuses: []corev1.ContainerStatus{{Name: container.Name, State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: reason, Message: message}}}}})
	}
	if mode.NoImage {
		waiting("ImagePullBackOff", "Back-off pulling image "+container.Image)
		e := corev1.Event{
			ObjectMeta: metav1.ObjectMeta{Name: p.Name, Namespace: p.Namespace}, InvolvedObject: corev1.ObjectReference{Kind: "Pod", Namespace: p.Namespace, Name: p.Name},
			Type: corev1.EventTypeWarning, Reason: "Failed", Message: "manifest unknown", LastTimestamp: metav1.Now(),
		}
		_ = w.ask(http.MethodPost, "/api/v1/namespaces/"+p.Namespace+"/events", e, nil)
		return
	}
	w.count++
	one := &pod{Pod: *p, ended: make(chan struct{})}
	own := []netip.Addr{netip.AddrFrom4([4]byte{10, 244, byte(w.count >> 8), byte(w.count)}), netip.MustParseAddr(fmt.Sprintf("fd00:244::%x", w.count))}
	if mode.OneFamily {
		own = own[:1]
	}
	for _, a := range own {
		one.Status.PodIPs = append(one.Status.PodIPs, corev1.PodIP{IP: a.String()})
	}
	host := w.net.Add(p.Namespace+"/"+p.Name, own...)
	dev := filepath.Join(filepath.Dir(w.program), fmt.Sprint(w.count))
	log := filepath.Join(dev, "termination-log")
	if err := os.MkdirAll(dev, 0o755); err != nil || os.WriteFile(log, nil, 0o666) != nil || os.Chmod(log, 0o666) != nil {
		w.t.Error(err)
		return
	}
	script := fmt.Sprintf(`mount --bind %s /dev && exec setpriv --pdeathsig=KILL --reuid=65532 --regid=65532 --clear-groups --no-new-privs --bounding-set=-all %s "$@"`, dev, w.program)
	one.cmd = exec.Command("unshare", append([]string{"--mount", "sh", "-ec", script, "sh"}, container.Args...)...)
	one.cmd.Env = []string{"PATH=" + os.Getenv("PATH")}
	one.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	var said bytes.Buffer
	one.cmd.Stdout, one.cmd.Stderr = &said, &said
	if err := host.Do(one.cmd.Start); err != nil {
		w.t.Error(err)
		return
	}
	w.mu.Lock()
	w.running[p.UID] = one
	w.mu.Unlock()
	w.status(p, corev1.PodStatus{Phase: corev1.PodRunning, PodIP: one.Status.PodIPs[0].IP, PodIPs: one.Status.PodIPs, ContainerStatuses: []corev1.ContainerStatus{{Name: container.Name, State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: metav1.Now()}}}}})
	w.group.Go(func() {
		err := one.cmd.Wait()
		close(one.ended)
		message, _ := os.ReadFile(log)
		if len(message) == 0 && err != nil {
			message = said.Bytes()
		}
		end := corev1.ContainerStateTerminated{ExitCode: int32(one.cmd.ProcessState.ExitCode()), Reason: "Completed", Message: string(message[:min(len(message), 4096)])}
		phase := corev1.PodSucceeded
		if err != nil {
			phase, end.Reason = corev1.PodFailed, "Error"
		}
		w.status(p, corev1.PodStatus{Phase: phase, ContainerStatuses: []corev1.ContainerStatus{{Name: container.Name, State: corev1.ContainerState{Terminated: &end}}}})
	})
}

// end ends a pod's process.
func (w *World) end(p *pod) {
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.ended:
	case <-time.After(2 * time.Second):
		_ = p.cmd.Process.Kill()
		<-p.ended
	}
}
