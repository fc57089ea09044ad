package native

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	authorizationv1 "k8s.io/api/authorization/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/plimsoll/plimsoll/internal/expr/admission"
	"github.com/plimsoll/plimsoll/internal/read/kube"
	"github.com/plimsoll/plimsoll/testbed/cluster"
	"github.com/plimsoll/plimsoll/testbed/fixture"
)

// server is a real API server, and what is asked of it.
type server struct {
	t     testing.TB
	url   string
	admin *http.Client
	audit string
}

func startServer(t testing.TB) *server {
	t.Helper()
	dir := t.TempDir()
	policy := filepath.Join(dir, "audit.yaml")
	if err := os.WriteFile(policy, []byte("apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: [{level: Metadata}]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := &server{t: t, audit: filepath.Join(dir, "audit.log")}
	c := cluster.Start(t, "--audit-policy-file="+policy, "--audit-log-path="+s.audit, "--audit-log-mode=blocking-strict")
	s.url, s.admin = c.URL, c.Client("admin", "system:masters")
	return s
}

// answer is what a server says to one request.
type answer struct {
	status   int
	message  string
	reason   metav1.StatusReason
	warnings []string
	id       string
	body     []byte
}

// create asks by a client that an object is made.
func (s *server) create(by *http.Client, o *kube.Object, namespace string, around *kube.Snapshot, dry bool) answer {
	s.t.Helper()
	resource := resourceOf(around, o.GroupVersionKind())
	path := "/apis/" + o.APIVersion
	if o.Group() == "" {
		path = "/api/" + o.APIVersion
	}
	if namespaced(around, o.GroupVersionKind()) {
		path += "/namespaces/" + namespaceOf(o, namespace)
	}
	path += "/" + resource.Resource
	if dry {
		path += "?dryRun=All"
	}
	body, err := json.Marshal(o.Fields)
	if err != nil {
		s.t.Fatal(err)
	}
	res, err := by.Post(s.url+path, "application/json", bytes.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	defer res.Body.Close()
	a := answer{status: res.StatusCode, id: res.Header.Get("Audit-Id")}
	if a.body, err = io.ReadAll(res.Body); err != nil {
		s.t.Fatal(err)
	}
	for _, w := range res.Header.Values("Warning") {
		text, _ := strings.CutPrefix(w, "299 - ")
		a.warnings = append(a.warnings, strings.ReplaceAll(strings.Trim(text, `"`), `\"`, `"`))
	}
	if res.StatusCode >= 300 {
		var status metav1.Status
		if err := json.Unmarshal(a.body, &status); err != nil && a.status != http.StatusNotFound {
			s.t.Fatalf("%s: %s", path, a.body)
		}
		a.message, a.reason = status.Message, status.Reason
	}
	return a
}

func (s *server) must(o *kube.Object, namespace string, around *kube.Snapshot) {
	s.t.Helper()
	for range 50 { // a definition that was just made is not served at once
		a := s.create(s.admin, o, namespace, around, false)
		if a.status == http.StatusCreated {
			return
		}
		if a.status != http.StatusNotFound {
			s.t.Fatalf("%s %s: %d %s", o.Kind, o.Name, a.status, a.message)
		}
		time.Sleep(100 * time.Millisecond)
	}
	s.t.Fatalf("%s %s: its kind is not served", o.Kind, o.Name)
}

// annotations are what stands in the audit log of each request, by its id.
func (s *server) annotations() map[string]map[string]string {
	s.t.Helper()
	f, err := os.Open(s.audit)
	if err != nil {
		s.t.Fatal(err)
	}
	defer f.Close()
	all := map[string]map[string]string{}
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var event struct {
			AuditID     string
			Annotations map[string]string
		}
		if err := json.Unmarshal(lines.Bytes(), &event); err != nil {
			s.t.Fatal(err)
		}
		if all[event.AuditID] == nil {
			all[event.AuditID] = map[string]string{}
		}
		maps.Copy(all[event.AuditID], event.Annotations)
	}
	return all
}

// may asks the server what somebody may do, as the webhook does.
func (s *server) may(_ context.Context, a admission.Access) (bool, string, bool, error) {
	body, err := json.Marshal(a.Review())
	if err != nil {
		return false, "", false, err
	}
	res, err := s.admin.Post(s.url+"/apis/authorization.k8s.io/v1/subjectaccessreviews", "application/json", bytes.NewReader(body))
	if err != nil {
		return false, err.Error(), false, nil
	}
	defer res.Body.Close()
	var review authorizationv1.SubjectAccessReview
	if err := json.NewDecoder(res.Body).Decode(&review); err != nil || res.StatusCode != http.StatusCreated {
		return false, fmt.Sprint(res.Status, err), false, nil
	}
	return review.Status.Allowed, review.Status.Reason, true, nil
}

// TestAsTheServer holds the same policies and objects before a real API server and before us: the same is let in, with
// the same words, warnings and annotations of the audit log.
func TestAsTheServer(t *testing.T) {
	s := startServer(t)
	cases := readCases(t)
	var policies, around []*kube.Object
	for _, c := range cases {
		policies, around = append(policies, c.policies...), append(around, c.around...)
	}
	canary := "{apiVersion: v1, kind: ConfigMap, metadata: {name: canary, namespace: canary}}"
	around = append(around, parse(t, "canary", "{apiVersion: v1, kind: Namespace, metadata: {name: canary}}")...)
	policies = append(policies, parse(t, "canary", canaryPolicy)...)
	set, err := Compile(policies)
	if err != nil {
		t.Fatal(err)
	}
	world := World{Around: kube.NewSnapshot(around, nil), Whole: true, Written: true}
	for _, o := range around {
		s.must(o, "default", world.Around)
	}
	for _, o := range policies {
		s.must(o, "default", world.Around)
	}
	for began := time.Now(); s.create(s.admin, parse(t, "canary", canary)[0], "", world.Around, true).status == http.StatusCreated; {
		if time.Since(began) > 30*time.Second {
			t.Fatal("the server does not take the policies up")
		}
		time.Sleep(100 * time.Millisecond)
	}
	time.Sleep(2 * time.Second) // for parameters of kinds that nobody has asked for
	// The log is read when all has been asked.
	type asked struct {
		name string
		answer
		ours *Judgement
	}
	var all []asked
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			for _, o := range c.objects {
				by := admission.User{Name: "admin", Groups: []string{"system:masters", "system:authenticated"}}
				req, err := Creation(o, c.namespace, by, world)
				if err != nil {
					t.Fatal(err)
				}
				req.DryRun, req.May = true, s.may
				req.Options = &metav1.CreateOptions{TypeMeta: metav1.TypeMeta{APIVersion: "meta.k8s.io/v1", Kind: "CreateOptions"}, DryRun: []string{"All"}}
				ours := set.Judge(t.Context(), req, world)
				theirs := s.create(s.admin, o, c.namespace, world.Around, true)
				name := c.name + " " + o.Name
				all = append(all, asked{name, theirs, ours})
				compare(t, name, ours, theirs)
			}
		})
	}
	log := s.annotations()
	denied, warned, noted := 0, 0, 0
	for _, a := range all {
		compareLog(t, a.name, a.ours, log[a.id])
		if a.ours.Denied() != nil {
			denied++
		}
		warned, noted = warned+len(a.warnings), noted+len(a.ours.Annotations)
	}
	t.Logf("%d policies, %d requests: %d denied, %d warnings, %d annotations, alike", set.Len(), len(all), denied, warned, noted)
	if denied < 20 || len(all)-denied < 20 || warned < 3 || noted < 3 {
		t.Error("the cases say too little")
	}
}

func compare(t *testing.T, name string, ours *Judgement, theirs answer) {
	t.Helper()
	d := ours.Denied()
	switch {
	case ours.unsure() != nil:
		t.Errorf("%s: not assessed: %s", name, ours.unsure().Message)
	case d == nil && theirs.status != http.StatusCreated:
		t.Errorf("%s: we let in; the server: %d %s", name, theirs.status, theirs.message)
	case d != nil && theirs.status == http.StatusCreated:
		t.Errorf("%s: the server lets in; we: %s", name, d.Text())
	case d != nil && !strings.HasSuffix(theirs.message, d.Text()):
		t.Errorf("%s: we say\n  %s\nthe server\n  %s", name, d.Text(), theirs.message)
	case d != nil && d.Reason != "" && d.Reason != theirs.reason:
		t.Errorf("%s: our reason is %s, the server's %s", name, d.Reason, theirs.reason)
	}
	var warnings []string
	for _, o := range ours.Outcomes {
		if o.Action == Warn {
			warnings = append(warnings, o.Text())
		}
	}
	for _, w := range warnings {
		if !slices.Contains(theirs.warnings, w) {
			t.Errorf("%s: we warn\n  %s\nthe server\n  %s", name, w, theirs.warnings)
		}
	}
	n := 0
	for _, w := range theirs.warnings {
		if strings.Contains(w, "ValidatingAdmissionPolicy") {
			n++
		}
	}
	if n != len(warnings) {
		t.Errorf("%s: the server warns %s", name, theirs.warnings)
	}
}

func compareLog(t *testing.T, name string, ours *Judgement, log map[string]string) {
	t.Helper()
	for key, value := range ours.Annotations {
		if log[key] != value {
			t.Errorf("%s: we note %s: %q, the server %q", name, key, value, log[key])
		}
	}
	var failures []struct{ Message, Policy, Binding string }
	if text := log["validation.policy.admission.k8s.io/validation_failure"]; text != "" {
		if err := json.Unmarshal([]byte(text), &failures); err != nil {
			t.Fatal(err)
		}
	}
	audits := 0
	for _, o := range ours.Outcomes {
		if o.Action != Audit {
			continue
		}
		if audits++; !slices.ContainsFunc(failures, func(f struct{ Message, Policy, Binding string }) bool {
			return f.Message == o.Message && f.Policy == o.Policy && f.Binding == o.Binding
		}) {
			t.Errorf("%s: we audit %s, the server %v", name, o.Message, failures)
		}
	}
	if audits != len(failures) {
		t.Errorf("%s: the server audits %v", name, failures)
	}
}

func (j *Judgement) unsure() *Outcome {
	if i := slices.IndexFunc(j.Outcomes, func(o Outcome) bool { return o.Action == NotAssessed }); i >= 0 {
		return &j.Outcomes[i]
	}
	return nil
}

const canaryPolicy = `
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: zz-canary}
spec:
  matchConstraints:
    namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: canary}}
    resourceRules: [{apiGroups: [""], apiVersions: [v1], operations: [CREATE], resources: [configmaps]}]
  validations: [{expression: "false"}]
---
{apiVersion: admissionregistration.k8s.io/v1, kind: ValidatingAdmissionPolicyBinding, metadata: {name: zz-canary}, spec: {policyName: zz-canary, validationActions: [Deny]}}
`

// testCase is one feature: policies, what is around, and objects that somebody creates.
type testCase struct {
	name, namespace           string
	policies, around, objects []*kube.Object
}

func parse(t testing.TB, name, text string) []*kube.Object {
	t.Helper()
	objects, problems := kube.Manifest(name, []byte(text))
	for _, p := range problems {
		t.Fatal(p)
	}
	return objects
}

// BenchmarkServer is the same pod before the same fifty policies in a real API server: what its plugin takes, by its own
// clock, for BenchmarkJudge to stand beside.
func BenchmarkServer(b *testing.B) {
	s := startServer(b)
	around := kube.NewSnapshot(nil, nil)
	all := parse(b, "p.yaml", fixture.FiftyPolicies())
	for _, o := range append(all, parse(b, "canary", "{apiVersion: v1, kind: Namespace, metadata: {name: canary}}\n---"+canaryPolicy)...) {
		s.must(o, "default", around)
	}
	canary, pod := parse(b, "canary", "{apiVersion: v1, kind: ConfigMap, metadata: {name: canary, namespace: canary}}")[0], parse(b, "o.yaml", ordinary)[0]
	for s.create(s.admin, canary, "", around, true).status == http.StatusCreated {
		time.Sleep(100 * time.Millisecond)
	}
	spent, count := s.spent()
	for b.Loop() {
		if a := s.create(s.admin, pod, "default", around, true); a.status != http.StatusCreated {
			b.Fatal(a.message)
		}
	}
	after, n := s.spent()
	b.ReportMetric((after-spent)/(n-count)*1e9, "plugin-ns/op")
}

// spent is how long the server's plugin took for creations, in seconds, and how often it was asked.
func (s *server) spent() (seconds, count float64) {
	res, err := s.admin.Get(s.url + "/metrics")
	if err != nil {
		s.t.Fatal(err)
	}
	defer res.Body.Close()
	lines := bufio.NewScanner(res.Body)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		name, value, _ := strings.Cut(lines.Text(), "} ")
		if !strings.Contains(name, `name="ValidatingAdmissionPolicy",operation="CREATE"`) {
			continue
		}
		var v float64
		fmt.Sscan(value, &v)
		switch {
		case strings.HasPrefix(name, "apiserver_admission_controller_admission_duration_seconds_sum"):
			seconds += v
		case strings.HasPrefix(name, "apiserver_admission_controller_admission_duration_seconds_count"):
			count += v
		}
	}
	return seconds, count
}
