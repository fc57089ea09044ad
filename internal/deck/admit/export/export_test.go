package export

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	admissionv1 "k8s.io/api/admission/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/plimsoll/plimsoll/internal/deck/admit"
	"github.com/plimsoll/plimsoll/internal/expr/admission"
	"github.com/plimsoll/plimsoll/internal/read/admissionfile"
	"github.com/plimsoll/plimsoll/internal/read/exceptionfile"
	"github.com/plimsoll/plimsoll/internal/read/kube"
	"github.com/plimsoll/plimsoll/internal/weigh/exception"
	"github.com/plimsoll/plimsoll/internal/weigh/policy"
	"github.com/plimsoll/plimsoll/internal/weigh/policy/native"
)

var today = time.Date(2026, 11, 29, 0, 0, 0, 0, time.UTC)

// sides are a line, and what was written of it.
type sides struct {
	line *admit.Line
	out  *Native
	set  *native.Set
	text string
	may  admission.Authorizer // nil: nobody is asked
}

func sidesOf(t testing.TB, file, exceptions string, policies ...*policy.Policy) *sides {
	t.Helper()
	return sidesAt(t, today, file, exceptions, policies...)
}

func sidesAt(t testing.TB, now time.Time, file, exceptions string, policies ...*policy.Policy) *sides {
	t.Helper()
	f, err := admissionfile.Parse("admission.yaml", []byte(file))
	if err != nil {
		t.Fatal(err)
	}
	o := admit.Options{File: f, Policies: policies}
	to := Options{Name: "plimsoll", Now: now}
	if exceptions != "" {
		x, err := exceptionfile.Parse("exceptions.yaml", []byte(exceptions))
		if err != nil {
			t.Fatal(err)
		}
		to.Exceptions = []exceptionfile.File{x}
		set, err := exception.Compile(to.Exceptions, nil, now)
		if err != nil {
			t.Fatal(err)
		}
		o.Exceptions = func(string, time.Time) *exception.Set { return set }
	}
	s := &sides{}
	if s.line, err = admit.New(o); err != nil {
		t.Fatal(err)
	}
	if s.out, err = Export(s.line, to); err != nil {
		t.Fatal(err)
	}
	b, err := s.out.YAML()
	if err != nil {
		t.Fatal(err)
	}
	s.text = string(b)
	objects, problems := kube.Manifest("native.yaml", b)
	for _, p := range problems {
		t.Fatal(p)
	}
	objects = slices.DeleteFunc(objects, func(o *kube.Object) bool { return o.Kind == "Namespace" })
	if s.set, err = native.Compile(objects); err != nil {
		t.Fatalf("%v\n%s", err, s.text)
	}
	return s
}

// asked is one request, in both forms.
type asked struct {
	now, was runtime.Object
	kind     schema.GroupVersionKind
	resource schema.GroupVersionResource
	user     string
	spec     *corev1.PodSpec // of a template
}

func (a asked) webhook(t testing.TB) *admissionv1.AdmissionRequest {
	r := &admissionv1.AdmissionRequest{
		UID: "u", Operation: "CREATE", Namespace: meta1(a.now).GetNamespace(), Name: meta1(a.now).GetName(), Kind: metav1.GroupVersionKind(a.kind),
		Object: rawOf(t, a.now),
	}
	r.UserInfo.Username, r.UserInfo.Groups = a.user, groupsOf(a.user)
	if a.was != nil {
		r.Operation, r.OldObject = "UPDATE", rawOf(t, a.was)
	}
	return r
}

func (a asked) server() *admission.Request {
	r := &admission.Request{
		Operation: "CREATE", Kind: a.kind, Resource: a.resource, Namespace: meta1(a.now).GetNamespace(), Name: meta1(a.now).GetName(), Object: a.now,
		User:            admission.User{Name: a.user, Groups: groupsOf(a.user)},
		NamespaceObject: &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: meta1(a.now).GetNamespace(), Labels: map[string]string{"kubernetes.io/metadata.name": meta1(a.now).GetNamespace()}}},
	}
	if a.was != nil {
		r.Operation, r.OldObject = "UPDATE", a.was
	}
	return r
}

func groupsOf(user string) []string {
	if user == "ann" {
		return []string{"oidc:platform", "system:authenticated"}
	}
	return []string{"system:authenticated"}
}

func meta1(o runtime.Object) metav1.Object { return o.(metav1.Object) }

func rawOf(t testing.TB, o runtime.Object) runtime.RawExtension {
	t.Helper()
	b, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	return runtime.RawExtension{Raw: b}
}

// compare wants the webhook and the policies to find the same, to do the same about it, and to blame the same containers.
func (s *sides) compare(t *testing.T, a asked) (found int) {
	t.Helper()
	decision := s.line.Decide(t.Context(), admit.All, a.webhook(t), today)
	if decision.Failed != "" {
		t.Fatal(decision.Failed)
	}
	names, spec := map[string]bool{}, a.spec
	if p, ok := a.now.(*corev1.Pod); ok {
		spec = &p.Spec
	}
	for _, c := range slices.Concat(spec.InitContainers, spec.Containers) {
		names[c.Name] = true
	}
	for _, c := range spec.EphemeralContainers {
		names[c.Name] = true
	}
	var theirs, ours []string
	for _, f := range decision.Findings {
		if len(f.Suppressed) > 0 {
			continue
		}
		who := thePod
		if f.Subject != nil && f.Subject.Container != "" && names[f.Subject.Container] {
			who = f.Subject.Container
		}
		if strings.HasPrefix(f.Rule, "policy/") {
			who = "" // its message is its own
		}
		theirs = append(theirs, fmt.Sprintf("%s %s %s", f.Mode, f.Rule, who))
	}
	asked := a.server()
	asked.May = s.may
	for _, o := range s.set.Judge(t.Context(), asked, native.World{Whole: true}).Outcomes {
		if o.Failed || o.Action == native.NotAssessed {
			t.Errorf("%s %s", o.Text(), o.Field)
		}
		mode := o.Policy[strings.LastIndexByte(o.Policy, '-')+1:]
		if string(o.Action) != mode {
			continue // audited beside it
		}
		if name, ok := strings.CutPrefix(o.Policy, "plimsoll-policy-"); ok {
			ours = append(ours, mode+" policy/"+strings.TrimSuffix(name, "-"+mode)+" ")
			continue
		}
		rule, rest, _ := strings.Cut(o.Message, ": ")
		for who := range strings.SplitSeq(rest[strings.LastIndex(rest, ": ")+2:], ", ") {
			ours = append(ours, fmt.Sprintf("%s %s %s", mode, rule, who))
		}
	}
	for _, all := range []*[]string{&theirs, &ours} {
		slices.Sort(*all)
		*all = slices.Compact(*all)
	}
	if diff := cmp.Diff(theirs, ours); diff != "" {
		b, _ := json.Marshal(a.now)
		before, _ := json.Marshal(a.was)
		t.Errorf("webhook (-) and policies (+) differ:\n%s\nby %s: %s\nwas %s", diff, a.user, b, before)
	}
	return len(theirs)
}

var (
	podKind     = schema.GroupVersionKind{Version: "v1", Kind: "Pod"}
	podResource = schema.GroupVersionResource{Version: "v1", Resource: "pods"}
)

// lines are such that each severity is denied by one and only told by another.
var lines = []string{
	"failOn: critical\nwarnOn: high", "failOn: medium\nwarnOn: low", "failOn: none\nwarnOn: info", "failOn: none\npodSecurity: restricted\nwarnOn: critical",
	"failOn: low\ndefault: deny\nallow:\n- {images: ['good.example/**', 'docker.io/library/*', 'registry.example/sh?p/[a-c]art*']}\n- {images: ['registry.example/shop/cart@sha256:" + digest + "', 'localhost/*'], namespaces: [shop]}\n" +
		"namespaces:\n- {names: [\"dev-*\"], mode: warn, warnOn: info}\n- {names: [shop], podSecurity: baseline, failOn: none}\n- {names: [off], mode: off}\nexempt: [none]",
}

// TestRandom holds every check against what is written of it, on pods as nobody would write them.
func TestRandom(t *testing.T) {
	d := dice{rand.New(rand.NewPCG(1, 2))}
	found := 0
	for _, file := range lines {
		s := sidesOf(t, file, "")
		for range rounds() {
			p := d.pod(pick(d, "default", "shop", "kube-public", "dev-1", "off", "none"))
			found += s.compare(t, asked{now: p, kind: podKind, resource: podResource, user: "alice"})
			if t.Failed() {
				return
			}
		}
	}
	t.Logf("%d findings alike", found)
}

// rounds are how many pods are made for each line: more where all is tested.
func rounds() int {
	if os.Getenv("PLIMSOLL_TEST") == "all" {
		return 300
	}
	return 20
}

// TestLarge wants a pod as large as they come to be judged within what the API server lets one policy cost.
func TestLarge(t *testing.T) {
	d := dice{rand.New(rand.NewPCG(11, 12))}
	s := sidesOf(t, "failOn: none\nwarnOn: none\n"+lines[len(lines)-1][len("failOn: low\n"):], exceptions)
	p := d.pod("elsewhere")
	for i := range 60 {
		c := d.container(fmt.Sprintf("x%d", i))
		for v := range 10 {
			c.VolumeMounts = append(c.VolumeMounts, corev1.VolumeMount{Name: fmt.Sprintf("w%d", v), MountPath: "/x"})
		}
		p.Spec.Containers = append(p.Spec.Containers, c)
		p.Spec.Volumes = append(p.Spec.Volumes, corev1.Volume{Name: fmt.Sprintf("w%d", i), VolumeSource: corev1.VolumeSource{HostPath: &corev1.HostPathVolumeSource{Path: "/etc/kubernetes/" + fmt.Sprint(i)}}})
		if i < 30 {
			p.Spec.EphemeralContainers = append(p.Spec.EphemeralContainers, d.ephemeral(fmt.Sprintf("y%d", i)))
		}
	}
	s.compare(t, asked{now: p, kind: podKind, resource: podResource, user: "alice"})
	changed := sidesOf(t, "change: {requests: {cpu: 1m, memory: 1Mi}}\nfailOn: none\nwarnOn: none", "")
	change(t, changersOf(t, changed.out), p)
	changed.compare(t, workloads(p)[0])
}

// TestLeft wants what cannot be written to be said.
func TestLeft(t *testing.T) {
	s := sidesOf(t, "change: {digests: ['good.example/*']}\nonFailure: ignore\npodSecurity: baseline\nnamespaces: [{names: ['p*', pay, shop], podSecurity: 'restricted:v1.34', mode: warn}]", "")
	for _, want := range []string{
		"# - change: digests for tags", "# - onFailure: ", "# - labels for namespaces like p*", "# - labels for namespaces that the file does not name", "pod/root-image (",
		"pod-security.kubernetes.io/warn: restricted", "pod-security.kubernetes.io/warn-version: v1.34",
	} {
		if !strings.Contains(s.text, want) {
			t.Errorf("%q is not written", want)
		}
	}
	if again := sidesOf(t, "exempt: [a]", ""); again.text != sidesOf(t, "exempt: [a]", "").text {
		t.Error("the same line has other bytes")
	}
}
