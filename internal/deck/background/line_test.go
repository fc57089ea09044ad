package background

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	admissionv1 "k8s.io/api/admission/v1"
	authenticationv1 "k8s.io/api/authentication/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/deck/admit"
	"github.com/plimsoll/plimsoll/internal/judge/secret"
	"github.com/plimsoll/plimsoll/internal/read/admissionfile"
	"github.com/plimsoll/plimsoll/internal/read/kube"
	"github.com/plimsoll/plimsoll/internal/weigh/policy/native"
	"github.com/plimsoll/plimsoll/internal/weigh/statute"
)

// drawn is a line with all that the background can assess, and something that it cannot.
const drawn = `
failOn: high
warnOn: medium
noNetworkPolicy: deny
default: deny
allow: [{images: ["registry.example/**"]}]
images: [{match: ["registry.example/**"], digest: required}]
follow: true
change: {except: [readOnlyRootFilesystem]}
policies: {replicas: {mode: warn}}
namespaces:
- {names: [pay], podSecurity: restricted, change: off}
- {names: [dev], mode: warn}
exempt: [free]
`

const natives = `
{apiVersion: admissionregistration.k8s.io/v1, kind: ValidatingAdmissionPolicy, metadata: {name: replicas}, spec: {matchConstraints: {resourceRules: [{apiGroups: [apps], apiVersions: [v1], operations: [CREATE], resources: [deployments]}]}, validations: [{expression: "object.spec.replicas < 3", message: too many}]}}
---
{apiVersion: admissionregistration.k8s.io/v1, kind: ValidatingAdmissionPolicyBinding, metadata: {name: replicas}, spec: {policyName: replicas, validationActions: [Deny]}}
---
{apiVersion: admissionregistration.k8s.io/v1, kind: ValidatingAdmissionPolicy, metadata: {name: team}, spec: {matchConstraints: {resourceRules: [{apiGroups: [apps], apiVersions: [v1], operations: [CREATE], resources: [deployments]}]}, validations: [{expression: "namespaceObject.metadata.labels['team'] == 'a'", message: another team's}]}}
---
{apiVersion: admissionregistration.k8s.io/v1, kind: ValidatingAdmissionPolicyBinding, metadata: {name: team}, spec: {policyName: team, validationActions: [Audit]}}
`

const whoAsks = `
---
{apiVersion: admissionregistration.k8s.io/v1, kind: ValidatingAdmissionPolicy, metadata: {name: who}, spec: {matchConstraints: {resourceRules: [{apiGroups: [apps], apiVersions: [v1], operations: [CREATE], resources: [deployments]}]}, validations: [{expression: "request.userInfo.username == 'ann'"}]}}
---
{apiVersion: admissionregistration.k8s.io/v1, kind: ValidatingAdmissionPolicyBinding, metadata: {name: who}, spec: {policyName: who, validationActions: [Deny]}}
`

// town has, in each of four namespaces, a Deployment that says little, one that says much, and a pod that stands alone.
func town(t *testing.T) (all []*kube.Object) {
	var text strings.Builder
	for _, in := range []string{"shop", "pay", "dev", "free"} {
		fmt.Fprintf(&text, `---
{apiVersion: v1, kind: Namespace, metadata: {name: %[1]s, labels: {team: %[1]s}}}
---
{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: held, namespace: %[1]s}, spec: {podSelector: {matchLabels: {app: held}}, policyTypes: [Ingress, Egress]}}
---
{apiVersion: apps/v1, kind: Deployment, metadata: {name: bare, namespace: %[1]s}, spec: {replicas: 5, selector: {matchLabels: {app: bare}}, template: {metadata: {labels: {app: bare}}, spec: {containers: [{name: a, image: "evil.example/a:1"}]}}}}
---
{apiVersion: apps/v1, kind: Deployment, metadata: {name: odd, namespace: %[1]s}, spec: {replicas: 1, selector: {matchLabels: {app: held}}, template: {metadata: {labels: {app: held}}, spec: {hostPID: true, containers: [{name: a, image: "registry.example/a:1", securityContext: {privileged: true}}]}}}}
---
{apiVersion: v1, kind: Pod, metadata: {name: alone, namespace: %[1]s, labels: {app: held}}, spec: {hostNetwork: true, containers: [{name: a, image: "registry.example/agent@sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"}]}}
`, in)
	}
	return objects(t, strings.TrimPrefix(text.String(), "---\n"))
}

func lineOf(t *testing.T, policies string, around []*kube.Object) *admit.Line {
	t.Helper()
	file, err := admissionfile.Parse("admission.yaml", []byte(drawn))
	if err != nil {
		t.Fatal(err)
	}
	set, err := native.Compile(objects(t, policies))
	if err != nil {
		t.Fatal(err)
	}
	engine, err := secret.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	l, err := admit.New(admit.Options{File: file, Native: set, Secret: engine.Worst, Around: kube.NewSnapshot(around, nil), Whole: true})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func ruled(t *testing.T, l *admit.Line) (*Rules, *admit.Line) {
	t.Helper()
	c, err := statute.NewCompiler(statute.Files{})
	if err != nil {
		t.Fatal(err)
	}
	b := c.Compile(objects(t, rules))
	r, err := NewRules(Options{Secret: l.Secret, Line: func(b *statute.Book) (Line, error) { return l.With(b) }}, b, today)
	if err != nil {
		t.Fatal(err)
	}
	l, err = l.With(b)
	if err != nil {
		t.Fatal(err)
	}
	return r, l
}

// TestOneLine wants the door (which admit test asks, too) and the background to find the same in each object, to go as far with it, and
// to let the same pass by the same exceptions.
func TestOneLine(t *testing.T) {
	all := town(t)
	r, l := ruled(t, lineOf(t, natives, all))
	seen := map[string]int{}
	for _, o := range all {
		if o.Kind != "Pod" && o.Kind != "Deployment" || o.Namespace == "free" {
			continue
		}
		said := func(f *finding.Finding, mode admissionfile.Mode) string {
			by := ""
			if len(f.Suppressed) > 0 {
				by = " by " + f.Suppressed[0].Where
			}
			seen[strings.TrimSpace(f.Rule+" "+mode.String()+by)]++
			return f.Rule + " " + f.Fingerprint + " " + mode.String() + by
		}
		var door, here []string
		raw, err := json.Marshal(o.Fields)
		if err != nil {
			t.Fatal(err)
		}
		kind := o.GroupVersionKind()
		d := l.Decide(context.Background(), admit.All, &admissionv1.AdmissionRequest{
			Operation: "UPDATE", Namespace: o.Namespace, Name: o.Name, Kind: metav1.GroupVersionKind{Group: kind.Group, Version: kind.Version, Kind: kind.Kind},
			Object: runtime.RawExtension{Raw: raw}, UserInfo: authenticationv1.UserInfo{Username: "ann"},
		}, today)
		if o.Kind == "Deployment" { // of an update, Kubernetes' policies here are not asked
			d = l.Decide(context.Background(), admit.All, &admissionv1.AdmissionRequest{
				Operation: "CREATE", Namespace: o.Namespace, Name: o.Name, Kind: metav1.GroupVersionKind{Group: kind.Group, Version: kind.Version, Kind: kind.Kind},
				Resource: metav1.GroupVersionResource{Group: "apps", Version: "v1", Resource: "deployments"}, Object: runtime.RawExtension{Raw: raw},
				UserInfo: authenticationv1.UserInfo{Username: "ann"},
			}, today)
		}
		for i := range d.Findings {
			door = append(door, said(&d.Findings[i].Finding, d.Findings[i].Mode))
		}
		j, err := r.Judge(context.Background(), o, kube.NewSnapshot(slices.DeleteFunc(slices.Clone(all), func(a *kube.Object) bool {
			return a.Namespace != o.Namespace && a.Name != o.Namespace || a.Kind != "Namespace" && a.Kind != "NetworkPolicy"
		}), nil))
		if err != nil {
			t.Fatal(err)
		}
		for i := range j.Findings {
			here = append(here, said(&j.Findings[i], j.Becomes[i]))
		}
		slices.Sort(door)
		slices.Sort(here)
		if diff := cmp.Diff(slices.Compact(door), slices.Compact(here)); diff != "" {
			t.Errorf("%s: door and background differ (unknown here: %v): %s", statute.Place(o), j.Unknown, diff)
		}
	}
	for _, want := range []string{
		"pod/privileged deny", "pod/privileged warn", "admission/unlisted-image deny", "admission/unlisted-image warn", "admission/no-network-policy deny",
		"policy/replicas warn", "policy/team audit", "policy/graver deny", "pod/no-cpu-limit audit", "admission/unpinned-image deny",
	} {
		if seen[want] == 0 {
			t.Errorf("nothing is %s: %v", want, seen)
		}
	}
}

// TestUnknownToTheLine wants what only the door knows to be said, and what is exempt to be said to be so.
func TestUnknownToTheLine(t *testing.T) {
	all := town(t)
	r, _ := ruled(t, lineOf(t, natives+whoAsks, all))
	i := slices.IndexFunc(all, func(o *kube.Object) bool { return o.Kind == "Deployment" })
	j, err := r.Judge(context.Background(), all[i], kube.NewSnapshot(nil, nil))
	if err != nil {
		t.Fatal(err)
	}
	if text := fmt.Sprint(j.Unknown); !strings.Contains(text, "policy/who:[who asked for it]") || !strings.Contains(text, "what namespace shop is like is not known") {
		t.Errorf("%s", text)
	}
	report, judged, err := (&Scanner{Cluster: &memory{objects: all}}).Scan(context.Background(), r, "free")
	if err != nil || judged > 0 || len(report.Results) != 1 || report.Results[0].Policy != "line/exempt" || report.Summary != (Summary{}) {
		t.Errorf("%d judged, %+v: %v", judged, report, err)
	}
	report, _, err = (&Scanner{Cluster: &memory{objects: all}}).Scan(context.Background(), r, "dev")
	if err != nil || report.Summary.Fail > 0 || report.Summary.Warn == 0 {
		t.Errorf("where the line only warns: %+v: %v", report.Summary, err)
	}
}
