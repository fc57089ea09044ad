package background

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	admissionv1 "k8s.io/api/admission/v1"
	authenticationv1 "k8s.io/api/authentication/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/deck/admit"
	"github.com/plimsoll/plimsoll/internal/deck/scan"
	"github.com/plimsoll/plimsoll/internal/judge/secret"
	"github.com/plimsoll/plimsoll/internal/read/advisory"
	"github.com/plimsoll/plimsoll/internal/read/exceptionfile"
	"github.com/plimsoll/plimsoll/internal/read/image/inventory"
	"github.com/plimsoll/plimsoll/internal/read/kube"
	"github.com/plimsoll/plimsoll/internal/weigh/exception"
	"github.com/plimsoll/plimsoll/internal/weigh/statute"
)

var today = time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)

// memory is a cluster in memory.
type memory struct {
	objects []*kube.Object
	fetched int
}

func (m *memory) of(namespace string, kinds ...string) (all []*kube.Object) {
	for _, o := range m.objects {
		if o.Namespace == namespace && (len(kinds) == 0 || slices.Contains(kinds, o.Kind)) {
			all = append(all, o)
		}
	}
	return all
}

func (m *memory) Heads(_ context.Context, namespace string) ([]*kube.Object, error) {
	var heads []*kube.Object
	for _, o := range m.of(namespace, "Pod", "Deployment", "ReplicaSet", "Namespace") {
		head := *o
		head.Fields = map[string]any{"apiVersion": o.APIVersion, "kind": o.Kind, "metadata": o.Fields["metadata"]}
		heads = append(heads, &head)
	}
	return heads, nil
}

func (m *memory) Around(_ context.Context, namespace string) ([]*kube.Object, error) {
	all := m.of(namespace, "LimitRange", "ResourceQuota", "PersistentVolumeClaim", "ServiceAccount")
	for _, o := range m.of("", "Namespace", "PersistentVolume") {
		if o.Kind != "Namespace" || o.Name == namespace {
			all = append(all, o)
		}
	}
	return all, nil
}

func (m *memory) Fetch(_ context.Context, namespace string, heads []*kube.Object, each func(*kube.Object) error) error {
	for _, h := range heads {
		for _, o := range m.of(namespace, h.Kind) {
			if o.Name != h.Name {
				continue
			}
			m.fetched++
			if err := each(o); err != nil {
				return err
			}
		}
	}
	return nil
}

// objects reads a manifest as a cluster gives it: without lines, with an identity.
func objects(t testing.TB, text string) []*kube.Object {
	t.Helper()
	all, problems := kube.Manifest("objects.yaml", []byte(text))
	if len(problems) > 0 {
		t.Fatal(problems[0])
	}
	for i, o := range all {
		o.Source = kube.Source{}
		meta := o.Fields["metadata"].(map[string]any)
		meta["uid"], meta["generation"] = fmt.Sprintf("uid-%d", i), int64(1)
	}
	return all
}

const shop = `
{apiVersion: v1, kind: Namespace, metadata: {name: shop, labels: {pod-security.kubernetes.io/enforce: privileged}}}
---
{apiVersion: v1, kind: Namespace, metadata: {name: pay, labels: {pod-security.kubernetes.io/enforce: restricted}}}
---
{apiVersion: v1, kind: LimitRange, metadata: {name: limits, namespace: pay}, spec: {limits: [{type: Container, defaultRequest: {cpu: 1m, memory: 1Mi}}]}}
---
{apiVersion: v1, kind: PersistentVolume, metadata: {name: disk}, spec: {hostPath: {path: /var/run/docker.sock}, claimRef: {name: data, namespace: shop}}}
---
{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: data, namespace: shop}, spec: {volumeName: disk}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: cart, namespace: shop}
spec:
  selector: {matchLabels: {app: cart}}
  template:
    metadata: {labels: {app: cart}}
    spec:
      volumes: [{name: data, persistentVolumeClaim: {claimName: data}}]
      containers:
      - {name: cart, image: registry.example/cart:latest, securityContext: {privileged: true}, volumeMounts: [{name: data, mountPath: /d}], env: [{name: DB_PASSWORD, value: hunter2hunter2}]}
      - {name: agent, image: registry.example/agent:1, securityContext: {privileged: true}}
---
{apiVersion: apps/v1, kind: ReplicaSet, metadata: {name: cart-1, namespace: shop, ownerReferences: [{apiVersion: apps/v1, kind: Deployment, name: cart, controller: true, uid: uid-5}]}, spec: {replicas: 0, template: {spec: {hostPID: true, containers: [{name: cart, image: a}]}}}}
---
{apiVersion: v1, kind: Pod, metadata: {name: debug, namespace: shop}, spec: {hostNetwork: true, containers: [{name: debug, image: "registry.example/debug@sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"}]}}
---
{apiVersion: v1, kind: Pod, metadata: {name: till, namespace: pay}, spec: {hostIPC: true, containers: [{name: till, image: registry.example/agent:1, securityContext: {privileged: true}}]}}
---
{apiVersion: v1, kind: Pod, metadata: {name: odd, namespace: pay}, spec: {containers: 7}}
`

const rules = `
apiVersion: plimsoll.io/v1alpha1
kind: Policy
metadata: {name: no-latest}
spec: {subject: manifest, action: warn, validations: [{expression: "!containers.exists(c, c.image.endsWith(':latest'))", message: no latest}]}
---
apiVersion: plimsoll.io/v1alpha1
kind: Policy
metadata: {name: graver}
spec: {subject: finding, validations: [{expression: "finding.rule != 'pod/host-network'", message: no host network}]}
---
apiVersion: plimsoll.io/v1alpha1
kind: Exception
metadata: {name: agent, namespace: shop}
spec: {rule: [pod/privileged], image: [registry.example/agent], reason: it is the node's agent, owner: platform, until: "2027-02-28"}
---
apiVersion: plimsoll.io/v1alpha1
kind: Exception
metadata: {name: old, namespace: shop}
spec: {rule: [pod/host-network], reason: it was so, owner: platform, until: "2026-11-28"}
---
apiVersion: plimsoll.io/v1alpha1
kind: ClusterException
metadata: {name: ipc}
spec: {rule: [pod/host-ipc], namespace: [p*], kind: [Pod], reason: a till, owner: pay, until: "2026-11-29"}
`

func compile(t testing.TB, text string) *Rules {
	t.Helper()
	engine, err := secret.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	c, err := statute.NewCompiler(statute.Files{})
	if err != nil {
		t.Fatal(err)
	}
	r, err := NewRules(Options{Secret: engine.Worst, Redact: engine.Redact}, c.Compile(objects(t, text)), today)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// everything is all exceptions of a manifest, as the command line takes them.
func everything(t *testing.T, text string) *exception.Set {
	t.Helper()
	var files []exceptionfile.File
	for doc := range strings.SplitSeq(text, "---\n") {
		if strings.Contains(doc, "kind: Policy") {
			continue
		}
		f, err := exceptionfile.Parse("exceptions.yaml", []byte(doc))
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, f)
	}
	set, err := exception.Compile(files, nil, today)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// nothing has no advisory: manifests ask for none.
type nothing struct{ advisory.Lookup }

func key(f *finding.Finding) string {
	by := []string{}
	for _, s := range f.Suppressed {
		by = append(by, s.Reason+" "+s.Owner+" "+s.Until)
	}
	s := *f.Subject // the fingerprint of what stands in a file names the file, too
	if s.Kind == "Finding" {
		s.Field = ""
	}
	return fmt.Sprintf("%+v %s %s %s %q %q", s, f.Rule, f.Severity, f.Action, f.Title, by)
}

// TestAsAScan wants to find what a scan of a dump of the same cluster finds, and to let pass what it does.
func TestAsAScan(t *testing.T) {
	r, all := compile(t, rules), objects(t, shop)
	if len(r.Wrong) > 0 {
		t.Fatal(r.Wrong)
	}
	m := &memory{objects: all}
	got := map[string]bool{}
	for _, namespace := range []string{"", "shop", "pay"} {
		heads, _ := m.Heads(context.Background(), namespace)
		around, _ := m.Around(context.Background(), namespace)
		owners := kube.NewSnapshot(heads, nil)
		heads = slices.DeleteFunc(heads, owners.Owned)
		err := m.Fetch(context.Background(), namespace, heads, func(o *kube.Object) error {
			j, err := r.Judge(context.Background(), o, kube.NewSnapshot(around, nil))
			for i := range j.Findings {
				got[key(&j.Findings[i])] = true
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}

	var dump strings.Builder
	for _, o := range all {
		text, err := json.Marshal(o.Fields)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&dump, "---\n%s\n", text)
	}
	files := &scan.Files{Name: "dump", Kind: "manifest", Documents: []inventory.Document{{Path: "dump.yaml", Bytes: []byte(dump.String())}}}
	if err := scan.Broken(files, ""); err != nil {
		t.Fatal(err)
	}
	engine, err := secret.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	report, err := scan.Run(context.Background(), []scan.Subject{{Files: files}}, scan.Options{
		Lookup: nothing{}, Policies: r.Policies, Exceptions: everything(t, rules), Now: today, Jobs: 1, Secrets: engine, Checks: []string{"manifest"},
	})
	if err != nil {
		t.Fatal(err)
	}
	want, let := map[string]bool{}, 0
	for i := range report.Findings {
		if f := &report.Findings[i]; !strings.HasPrefix(f.Rule, "exception/") {
			want[key(f)] = true
			let += len(f.Suppressed)
		}
	}
	if diff := cmp.Diff(slices.Sorted(maps.Keys(want)), slices.Sorted(maps.Keys(got))); diff != "" {
		t.Error(diff)
	}
	if len(want) < 30 || let < 2 || !strings.Contains(fmt.Sprint(want), "policy/graver") || !strings.Contains(fmt.Sprint(want), "docker.sock") {
		t.Errorf("%d findings, %d let pass: too few to say anything: %v", len(want), let, slices.Sorted(maps.Keys(want)))
	}
}

// TestOneMatcher wants command line, door and background scan to let the same pass, for each pod and exception.
func TestOneMatcher(t *testing.T) {
	pods := objects(t, shop)
	pods = slices.DeleteFunc(pods, func(o *kube.Object) bool { return o.Kind != "Pod" && o.Kind != "Deployment" || o.Name == "odd" })
	for name, spec := range map[string]string{
		"by rule":      `{rule: [pod/privileged], `,
		"by family":    `{rule: ["pod/*"], `,
		"by alias":     `{rule: [kubescape/C-0057], `,
		"by image":     `{image: ["registry.example/*"], `,
		"by digest":    `{image: ["sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"], `,
		"by kind":      `{kind: [pod], `,
		"by name":      `{name: ["ca*"], `,
		"another name": `{name: [other], `,
		"by user":      `{rule: ["pod/*"], user: ["ann@*"], `,
		"by group":     `{rule: ["pod/*"], group: [platform], serviceAccount: [ci/deployer], `,
	} {
		for _, until := range []string{"2027-01-01", "2026-11-28"} {
			text := "apiVersion: plimsoll.io/v1alpha1\nkind: Exception\nmetadata: {name: x, namespace: shop}\nspec: " + spec + `reason: r, owner: o, until: "` + until + "\"}\n"
			f, err := exceptionfile.Parse("x.yaml", []byte(text))
			if err != nil {
				t.Fatal(err)
			}
			set, err := exception.Compile([]exceptionfile.File{f}, nil, today)
			if err != nil {
				t.Fatal(err)
			}
			r := compile(t, text)
			for _, o := range pods {
				j, err := r.Judge(context.Background(), o, &kube.Snapshot{})
				if err != nil {
					t.Fatal(err)
				}
				here, file := excepted(j.Findings), slices.Clone(j.Findings)
				for i := range file {
					file[i].Suppressed = nil
				}
				if err := set.Use(&finding.Report{Targets: []finding.Target{{ID: target}}, Findings: file}).Apply(); err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(excepted(file), here); diff != "" {
					t.Errorf("%s until %s, %s: command line and background differ: %s", name, until, o.Name, diff)
				}
				if diff := cmp.Diff(atTheDoor(t, o, set, authenticationv1.UserInfo{Username: "bob@shop.example"}), here); diff != "" {
					t.Errorf("%s until %s, %s: door and background differ: %s", name, until, o.Name, diff)
				}
				// Who made an object, only the door knows: for the others, an exception for some lets nothing pass.
				by, ok := map[string]authenticationv1.UserInfo{
					"by user": {Username: "ann@shop.example"}, "by group": {Username: "system:serviceaccount:ci:deployer", Groups: []string{"platform"}},
				}[name]
				if at := atTheDoor(t, o, set, by); ok && (len(here) > 0 || (len(at) > 0) != (until > "2026-11-29" && o.Namespace == "shop")) {
					t.Errorf("%s until %s, %s: the door lets %d pass, and the background %d", name, until, o.Name, len(at), len(here))
				}
			}
		}
	}
}

// excepted are the fingerprints of checks' findings that are let pass.
func excepted(all []finding.Finding) []string {
	out := []string{}
	for i := range all {
		if f := &all[i]; len(f.Suppressed) > 0 && strings.HasPrefix(f.Rule, "pod/") {
			out = append(out, f.Fingerprint)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func atTheDoor(t *testing.T, o *kube.Object, set *exception.Set, by authenticationv1.UserInfo) []string {
	t.Helper()
	engine, err := secret.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	line, err := admit.New(admit.Options{Secret: engine.Worst, Exceptions: func(string, time.Time) *exception.Set { return set }})
	if err != nil {
		t.Fatal(err)
	}
	raw, err := json.Marshal(o.Fields)
	if err != nil {
		t.Fatal(err)
	}
	gvk := o.GroupVersionKind()
	d := line.Decide(context.Background(), admit.All, &admissionv1.AdmissionRequest{
		Operation: "CREATE", Namespace: o.Namespace, Name: o.Name, Kind: metav1.GroupVersionKind{Group: gvk.Group, Version: gvk.Version, Kind: gvk.Kind},
		Object: runtime.RawExtension{Raw: raw}, UserInfo: by,
	}, today)
	var all []finding.Finding
	for _, f := range d.Findings {
		all = append(all, f.Finding)
	}
	if len(all) == 0 {
		t.Fatalf("the door found nothing: %+v", d)
	}
	return excepted(all)
}

// TestIncremental wants only what changed to be fetched, and what is mended or excepted to leave the report.
func TestIncremental(t *testing.T) {
	ctx := context.Background()
	m := &memory{objects: objects(t, shop)}
	s, r := &Scanner{Cluster: m}, compile(t, rules)
	look := func(r *Rules, namespace string, want int, why string) *Report {
		t.Helper()
		report, judged, err := s.Scan(ctx, r, namespace)
		if err != nil || judged != want {
			t.Fatalf("%s: %d objects were judged, not %d: %v", why, judged, want, err)
		}
		return report
	}
	first := look(r, "shop", 2, "the first time")
	if again := look(r, "shop", 0, "nothing changed"); again.Digest() != first.Digest() {
		t.Error("the same cluster is another report")
	}
	if used := s.Used(r, "shop"); used["Exception/shop/agent"] != 1 || len(used) != 1 {
		t.Error(used)
	}
	debug := m.of("shop", "Pod")[0]
	debug.Fields["status"] = map[string]any{"phase": "Running"}
	meta := debug.Fields["metadata"].(map[string]any)
	meta["resourceVersion"] = "7"
	look(r, "shop", 0, "its status changed")
	meta["generation"] = int64(2)
	delete(debug.Fields["spec"].(map[string]any), "hostNetwork")
	mended := look(r, "shop", 1, "it was mended")
	if text, _ := json.Marshal(mended); strings.Contains(string(text), "pod/host-network") || mended.Summary.Fail >= first.Summary.Fail {
		t.Errorf("%+v, before %+v", mended.Summary, first.Summary)
	}
	m.of("", "Namespace")[0].Fields["metadata"].(map[string]any)["labels"] = map[string]any{}
	look(r, "shop", 2, "its namespace changed")
	look(r, "pay", 2, "the other namespace, the first time")
	more := compile(t, rules+"---\n{apiVersion: plimsoll.io/v1alpha1, kind: Exception, metadata: {name: all, namespace: shop}, spec: {rule: ['pod/*'], reason: r, owner: o, until: '2027-01-01'}}")
	if s.Used(more, "shop") != nil {
		t.Error("it says what rules let pass that were not asked")
	}
	look(more, "pay", 0, "an exception of another namespace")
	if let := look(more, "shop", 2, "a new exception"); let.Summary.Fail != 0 || let.Summary.Skip < 20 {
		t.Errorf("%+v", let.Summary)
	}
	m.objects = nil
	if gone := look(more, "shop", 0, "all is gone"); gone.Summary != (Summary{}) || len(gone.Results) != 0 {
		t.Errorf("%+v", gone)
	}
}

// TestBounded wants a report on very much to stay under 64 KiB, to count all, and to list the worst.
func TestBounded(t *testing.T) {
	var text strings.Builder
	for i := range 200 {
		fmt.Fprintf(&text, "---\n{apiVersion: v1, kind: Pod, metadata: {name: pod-%d, namespace: shop}, spec: {hostPID: %t, containers: [{name: %q, image: %q}]}}\n", i, i == 150, "c-"+strings.Repeat("ä", 50), strings.Repeat("x", 200))
	}
	m := &memory{objects: objects(t, text.String())}
	s := &Scanner{Cluster: m}
	report, judged, err := s.Scan(context.Background(), compile(t, rules), "shop")
	if err != nil || judged != 200 {
		t.Fatal(judged, err)
	}
	b, err := json.Marshal(report)
	if err != nil || len(b) > mostJSON || len(b) < mostJSON*9/10 {
		t.Errorf("%d bytes: %v", len(b), err)
	}
	all := report.Summary.Fail + report.Summary.Warn + report.Summary.Error + report.Summary.Skip
	last := report.Results[len(report.Results)-1]
	if all < 2000 || last.Policy != "report/left-out" || !strings.HasPrefix(last.Message, fmt.Sprint(all-len(report.Results)+1)+" more") {
		t.Errorf("%d in all, %d listed: %+v", all, len(report.Results), last)
	}
	if !strings.Contains(string(b), `"pod/host-pid"`) {
		t.Error("the worst is not listed")
	}
	for i := range report.Results[:len(report.Results)-2] {
		if worse(report.Results[i], report.Results[i+1]) > 0 {
			t.Fatalf("%+v stands before %+v", report.Results[i], report.Results[i+1])
		}
	}
}
