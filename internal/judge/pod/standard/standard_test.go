package standard

import (
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"
	"sigs.k8s.io/yaml"
)

func minor(v int) Version { return api.MajorMinorVersion(1, v) }

// lines are all levels in all versions, latest and one that nobody knows yet included.
func lines() (all []Line) {
	for _, level := range []Level{Privileged, Baseline, Restricted} {
		for v := range 40 {
			all = append(all, Line{Level: level, Version: minor(v)})
		}
		all = append(all, Line{Level: level, Version: api.LatestVersion()})
	}
	return all
}

func oracle(t testing.TB) policy.Evaluator {
	t.Helper()
	e, err := policy.NewEvaluator(policy.DefaultChecks(), nil)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// holds wants the library's evaluator to be agreed with on a pod: in its verdict and its words, in that
// something is to blame for each violation, and in that nothing else is.
func holds(t *testing.T, e policy.Evaluator, name string, line Line, pod *corev1.Pod) {
	t.Helper()
	want := policy.AggregateCheckResults(e.EvaluatePod(line, &pod.ObjectMeta, &pod.Spec))
	got := Evaluate(line, &pod.ObjectMeta, &pod.Spec)
	if Admits(line, &pod.ObjectMeta, &pod.Spec) != want.Allowed || Words(got) != want.ForbiddenDetail() {
		t.Fatalf("%s at %s: %q, want %q", name, line, Words(got), want.ForbiddenDetail())
	}
	fields := 0
	for _, v := range got {
		for _, b := range v.Blame(&pod.ObjectMeta, &pod.Spec) {
			fields++
			if b.Field == "spec" || strings.HasSuffix(b.Field, "]") && !strings.Contains(b.Field, "capabilities.add[") && !strings.Contains(b.Field, "volumes[") && !strings.Contains(b.Field, "annotations[") {
				t.Fatalf("%s at %s: %s is not blamed on a field: %+v", name, line, v.Check, b)
			}
		}
	}
	found := 0
	for _, c := range policy.DefaultChecks() {
		found += len(Of(line, string(c.ID), &pod.ObjectMeta, &pod.Spec))
	}
	if found != fields {
		t.Fatalf("%s at %s: %d settings are to blame, and by check %d", name, line, fields, found)
	}
}

// library is the folder of the module, which holds its fixtures.
func library(t *testing.T) string {
	t.Helper()
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "k8s.io/pod-security-admission").Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}

// TestFixtures holds the library's own fixtures, each at its level and version and at all others.
func TestFixtures(t *testing.T) {
	e := oracle(t)
	n := 0
	root := filepath.Join(library(t), "test", "testdata")
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(path) != ".yaml" {
			return err
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		var pod corev1.Pod
		if err := yaml.UnmarshalStrict(b, &pod); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		rel, _ := filepath.Rel(root, path)
		parts := strings.Split(filepath.ToSlash(rel), "/")
		span, err := ParseSpan(parts[0] + ":" + parts[1])
		if err != nil {
			return err
		}
		pod.Spec = *Defaulted(&pod.Spec)
		if Admits(span.Line(), &pod.ObjectMeta, &pod.Spec) != (parts[2] == "pass") {
			t.Errorf("%s is decided otherwise than its folder says", rel)
		}
		for i, line := range lines() {
			if i%30 == n%30 || line == span.Line() { // each line sees a thirtieth of all pods
				holds(t, e, rel, line, &pod)
			}
		}
		n++
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if n < 4500 {
		t.Errorf("%d fixtures, where there were 4537", n)
	}
}

// TestRandomPods holds pods that are made by chance, of values that the checks tell apart.
func TestRandomPods(t *testing.T) {
	e := oracle(t)
	all := lines()
	for seed := range uint64(2000) {
		r := rand.New(rand.NewPCG(seed, 1))
		pod := randomPod(r)
		line := all[r.IntN(len(all))]
		name := fmt.Sprintf("seed %d", seed)
		holds(t, e, name, line, pod)
		holds(t, e, name, Line{Level: Restricted, Version: Newest()}, pod)
		from, to := minor(r.IntN(38)), minor(r.IntN(38))
		if from.Older(to) {
			changes(t, name, Span{Level: line.Level, From: from, To: to}, pod)
		}
	}
}

// changes wants what turns the verdict to be named, and the version with it: the setting is to blame on one
// side of that version and not on the other.
func changes(t *testing.T, name string, span Span, pod *corev1.Pod) {
	t.Helper()
	all, admits := Changes(span, &pod.ObjectMeta, &pod.Spec)
	turned := Admits(span.Line(), &pod.ObjectMeta, &pod.Spec) != Admits(span.Before(), &pod.ObjectMeta, &pod.Spec)
	if turned != (len(all) > 0) {
		t.Fatalf("%s, %+v: turned %v, and %d changes", name, span, turned, len(all))
	}
	for _, c := range all {
		before := Forbids(Line{Level: span.Level, Version: minor(c.At.Minor() - 1)}, c.Field, &pod.ObjectMeta, &pod.Spec)
		after := Forbids(Line{Level: span.Level, Version: c.At}, c.Field, &pod.ObjectMeta, &pod.Spec)
		if before == after || after == admits {
			t.Fatalf("%s, %+v: %+v does not change there", name, span, c)
		}
	}
}

func randomPod(r *rand.Rand) *corev1.Pod {
	pick := func(n int) bool { return r.IntN(n) == 0 }
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Annotations: map[string]string{}}}
	s := &pod.Spec
	s.HostNetwork, s.HostPID, s.HostIPC = pick(9), pick(9), pick(9)
	if pick(4) {
		s.HostUsers = new(pick(2))
	}
	if pick(4) {
		s.OS = &corev1.PodOS{Name: []corev1.OSName{corev1.Linux, corev1.Windows}[r.IntN(2)]}
	}
	types := []corev1.SeccompProfileType{"RuntimeDefault", "Localhost", "Unconfined", ""}
	armor := []corev1.AppArmorProfileType{"RuntimeDefault", "Localhost", "Unconfined", ""}
	linux := func() *corev1.SELinuxOptions {
		return &corev1.SELinuxOptions{
			Type: []string{"", "container_t", "container_engine_t", "spc_t"}[r.IntN(4)], User: []string{"", "", "u"}[r.IntN(3)], Role: []string{"", "", "r"}[r.IntN(3)],
		}
	}
	if pick(2) {
		s.SecurityContext = &corev1.PodSecurityContext{}
		sc := s.SecurityContext
		if pick(2) {
			sc.RunAsNonRoot = new(!pick(3))
		}
		if pick(3) {
			sc.RunAsUser = new(int64(r.IntN(2)))
		}
		if pick(2) {
			sc.SeccompProfile = &corev1.SeccompProfile{Type: types[r.IntN(len(types))]}
		}
		if pick(4) {
			sc.AppArmorProfile = &corev1.AppArmorProfile{Type: armor[r.IntN(len(armor))]}
		}
		if pick(4) {
			sc.SELinuxOptions = linux()
		}
		if pick(4) {
			sc.WindowsOptions = &corev1.WindowsSecurityContextOptions{HostProcess: new(pick(2))}
		}
		for range r.IntN(3) {
			sc.Sysctls = append(sc.Sysctls, corev1.Sysctl{Name: []string{"kernel.msgmax", "net.ipv4.tcp_rmem", "net.ipv4.tcp_syncookies", "net.ipv4.tcp_notsent_lowat"}[r.IntN(4)]})
		}
	}
	for i := range r.IntN(4) {
		v := corev1.Volume{Name: fmt.Sprint("v", i)}
		switch r.IntN(6) {
		case 0:
			v.HostPath = &corev1.HostPathVolumeSource{Path: "/"}
		case 1:
			v.NFS = &corev1.NFSVolumeSource{}
		case 2: // none, which is an emptyDir to some and forbidden to others
		case 3:
			v.ConfigMap = &corev1.ConfigMapVolumeSource{}
			v.HostPath = &corev1.HostPathVolumeSource{}
		default:
			v.EmptyDir = &corev1.EmptyDirVolumeSource{}
		}
		s.Volumes = append(s.Volumes, v)
	}
	container := func(i int) corev1.Container {
		c := corev1.Container{Name: fmt.Sprint("c", i)}
		for range r.IntN(2) {
			c.Ports = append(c.Ports, corev1.ContainerPort{HostPort: int32(r.IntN(2))})
		}
		if pick(4) {
			c.ReadinessProbe = &corev1.Probe{ProbeHandler: corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{Host: []string{"", "h"}[r.IntN(2)]}}}
		}
		if pick(6) {
			c.Lifecycle = &corev1.Lifecycle{PreStop: &corev1.LifecycleHandler{TCPSocket: &corev1.TCPSocketAction{Host: []string{"", "h"}[r.IntN(2)]}}}
		}
		if pick(6) {
			pod.Annotations[seccompContainer+c.Name] = []string{"runtime/default", "unconfined"}[r.IntN(2)]
		}
		if pick(6) {
			pod.Annotations[corev1.DeprecatedAppArmorBetaContainerAnnotationKeyPrefix+c.Name] = []string{"runtime/default", "unconfined"}[r.IntN(2)]
		}
		if pick(5) {
			return c
		}
		sc := &corev1.SecurityContext{}
		c.SecurityContext = sc
		if pick(5) {
			sc.Privileged = new(pick(2))
		}
		if !pick(3) {
			sc.AllowPrivilegeEscalation = new(pick(4))
		}
		if !pick(3) {
			sc.Capabilities = &corev1.Capabilities{}
			if !pick(3) {
				sc.Capabilities.Drop = []corev1.Capability{"NET_RAW", "ALL"}[r.IntN(2):]
			}
			for range r.IntN(3) {
				sc.Capabilities.Add = append(sc.Capabilities.Add, []corev1.Capability{"NET_BIND_SERVICE", "CHOWN", "SYS_ADMIN", "ALL"}[r.IntN(4)])
			}
		}
		if pick(3) {
			sc.RunAsNonRoot = new(!pick(3))
		}
		if pick(4) {
			sc.RunAsUser = new(int64(r.IntN(2)))
		}
		if pick(3) {
			sc.SeccompProfile = &corev1.SeccompProfile{Type: types[r.IntN(len(types))]}
		}
		if pick(5) {
			sc.AppArmorProfile = &corev1.AppArmorProfile{Type: armor[r.IntN(len(armor))]}
		}
		if pick(5) {
			sc.SELinuxOptions = linux()
		}
		if pick(5) {
			sc.ProcMount = new([]corev1.ProcMountType{"Default", "Unmasked"}[r.IntN(2)])
		}
		if pick(6) {
			sc.WindowsOptions = &corev1.WindowsSecurityContextOptions{HostProcess: new(pick(2))}
		}
		return c
	}
	if pick(8) {
		pod.Annotations[seccompPod] = []string{"runtime/default", "unconfined"}[r.IntN(2)]
	}
	for i := range r.IntN(3) {
		s.InitContainers = append(s.InitContainers, container(i))
	}
	for i := range r.IntN(3) {
		s.Containers = append(s.Containers, container(i+3))
	}
	for i := range r.IntN(2) {
		s.EphemeralContainers = append(s.EphemeralContainers, corev1.EphemeralContainer{EphemeralContainerCommon: corev1.EphemeralContainerCommon(container(i + 6))})
	}
	return pod
}

// TestBlame holds who is to blame where the pod and its containers speak of the same thing.
func TestBlame(t *testing.T) {
	for _, c := range []struct{ name, line, check, spec, want string }{
		{"one container of two", "baseline", "privileged", `
containers: [{name: a}, {name: b, securityContext: {privileged: true}}]`, "b spec.containers[1].securityContext.privileged"},
		{"every sort", "baseline", "privileged", `
initContainers: [{name: i, securityContext: {privileged: true}}]
ephemeralContainers: [{name: e, securityContext: {privileged: true}}]
containers: [{name: a}]`, "i spec.initContainers[0].securityContext.privileged; e spec.ephemeralContainers[0].securityContext.privileged"},
		{"the pod says so, one says no", "restricted", "runAsNonRoot", `
securityContext: {runAsNonRoot: true}
containers: [{name: a}, {name: b, securityContext: {runAsNonRoot: false}}]`, "b spec.containers[1].securityContext.runAsNonRoot=false"},
		{"the pod says no, one says so, one nothing, one no", "restricted", "runAsNonRoot", `
securityContext: {runAsNonRoot: false}
containers: [{name: a, securityContext: {runAsNonRoot: true}}, {name: b}, {name: c, securityContext: {runAsNonRoot: false}}]`, " spec.securityContext.runAsNonRoot=false; c spec.containers[2].securityContext.runAsNonRoot=false"},
		{"nobody says", "restricted", "runAsNonRoot", `
containers: [{name: a, securityContext: {runAsNonRoot: true}}, {name: b}]`, "b spec.containers[1].securityContext.runAsNonRoot=not set"},
		{"a user namespace", "restricted", "runAsNonRoot", `
hostUsers: false
containers: [{name: a}]`, ""},
		{"a user namespace, before it counted", "restricted:1.34", "runAsNonRoot", `
hostUsers: false
containers: [{name: a}]`, "a spec.containers[0].securityContext.runAsNonRoot=not set"},
		{"what the baseline forbids is said once", "restricted", "capabilities_restricted", `
containers: [{name: a, securityContext: {capabilities: {add: [SYS_ADMIN, CHOWN]}}}]`, "a spec.containers[0].securityContext.capabilities.drop=ALL is not dropped; a spec.containers[0].securityContext.capabilities.add[1]=CHOWN"},
		{"and by the baseline's check", "restricted", "capabilities_baseline", `
containers: [{name: a, securityContext: {capabilities: {add: [SYS_ADMIN, CHOWN]}}}]`, "a spec.containers[0].securityContext.capabilities.add[0]=SYS_ADMIN"},
		{"unconfined for all", "restricted", "seccompProfile_baseline", `
securityContext: {seccompProfile: {type: Unconfined}}
containers: [{name: a}, {name: b, securityContext: {seccompProfile: {type: RuntimeDefault}}}]`, " spec.securityContext.seccompProfile.type=Unconfined"},
		{"one volume of three", "restricted", "restrictedVolumes", `
containers: [{name: a}]
volumes: [{name: v, emptyDir: {}}, {name: w, nfs: {server: s, path: /}}, {name: z, hostPath: {path: /}}]`, " spec.volumes[1].nfs=volume w, nfs"},
		{"ports", "baseline", "hostPorts", `
containers: [{name: a, ports: [{containerPort: 1}, {containerPort: 2, hostPort: 22}]}]`, "a spec.containers[0].ports[1].hostPort=22"},
		{"a hook", "baseline", "hostProbesAndHostLifecycle", `
containers: [{name: a, livenessProbe: {httpGet: {port: 1}}, lifecycle: {postStart: {tcpSocket: {host: h, port: 1}}}}]`, "a spec.containers[0].lifecycle.postStart.tcpSocket.host=h"},
	} {
		var spec corev1.PodSpec
		if err := yaml.UnmarshalStrict([]byte(c.spec), &spec); err != nil {
			t.Fatal(err)
		}
		span, err := ParseSpan(c.line)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, b := range Of(span.Line(), c.check, &metav1.ObjectMeta{}, &spec) {
			one := b.Container + " " + b.Field
			if b.Value != "" {
				one += "=" + b.Value
			}
			got = append(got, one)
		}
		if diff := cmp.Diff(c.want, strings.Join(got, "; ")); diff != "" {
			t.Errorf("%s:\n%s", c.name, diff)
		}
	}
}

func TestParseSpan(t *testing.T) {
	for word, want := range map[string]string{
		"restricted": "restricted v1.37 v1.37", "baseline:1.30": "baseline v1.30 v1.30", "baseline:v1.30": "baseline v1.30 v1.30", "privileged": "privileged v1.37 v1.37",
		"restricted:latest": "restricted v1.37 v1.37", "restricted:1.30..1.37": "restricted v1.30 v1.37", "restricted:1.30..latest": "restricted v1.30 v1.37",
		"Restricted": "error", "": "error", "restricted:": "error", "restricted:1.38": "error", "restricted:2.0": "error", "restricted:1.30..": "error",
		"restricted:1.37..1.30": "error", "restricted:1.37..latest": "error", "restricted:1.030": "error", "restricted:1.30..1.31..1.32": "error",
	} {
		got := "error"
		if s, err := ParseSpan(word); err == nil {
			got = fmt.Sprintf("%s %s %s", s.Level, s.From, s.To)
		}
		if got != want {
			t.Errorf("%q: %s, want %s", word, got, want)
		}
	}
}

// TestEveryCheckIsLookedAt wants to know where each of the library's checks looks: a new one would be blamed
// on the whole pod.
func TestEveryCheckIsLookedAt(t *testing.T) {
	for _, c := range policy.DefaultChecks() {
		if _, ok := looksAt[c.ID]; !ok {
			t.Errorf("%s: nobody knows where it looks", c.ID)
		}
	}
	if len(policy.DefaultChecks()) != len(looksAt) {
		t.Errorf("%d checks, and %d are looked at", len(policy.DefaultChecks()), len(looksAt))
	}
}

const goodPod = `
securityContext: {runAsNonRoot: true, seccompProfile: {type: RuntimeDefault}}
initContainers:
- {name: init, securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}}
containers:
- {name: app, securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}, ports: [{containerPort: 8080}]}
- {name: sidecar, securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}}
volumes: [{name: tmp, emptyDir: {}}, {name: config, configMap: {name: c}}]`

func benchmarked(b *testing.B, change func(*corev1.PodSpec)) (*metav1.ObjectMeta, *corev1.PodSpec, Line) {
	var spec corev1.PodSpec
	if err := yaml.UnmarshalStrict([]byte(goodPod), &spec); err != nil {
		b.Fatal(err)
	}
	change(&spec)
	b.ReportAllocs()
	return &metav1.ObjectMeta{}, &spec, Line{Level: Restricted, Version: api.LatestVersion()}
}

func BenchmarkEvaluate(b *testing.B) {
	meta, spec, line := benchmarked(b, func(*corev1.PodSpec) {})
	if Evaluate(line, meta, spec) != nil {
		b.Fatal("it is not good")
	}
	for b.Loop() {
		Evaluate(line, meta, spec)
	}
}

// BenchmarkLibrary is the library's own evaluator on the same pod.
func BenchmarkLibrary(b *testing.B) {
	meta, spec, line := benchmarked(b, func(*corev1.PodSpec) {})
	e := oracle(b)
	for b.Loop() {
		e.EvaluatePod(line, meta, spec)
	}
}

// BenchmarkBlame finds four settings that are to blame.
func BenchmarkBlame(b *testing.B) {
	meta, spec, line := benchmarked(b, func(s *corev1.PodSpec) {
		s.HostNetwork, s.SecurityContext.RunAsNonRoot = true, nil
	})
	for b.Loop() {
		for _, v := range Evaluate(line, meta, spec) {
			v.Blame(meta, spec)
		}
	}
}
