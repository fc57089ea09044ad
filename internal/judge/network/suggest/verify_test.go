package suggest

import (
	"strings"
	"testing"

	"github.com/plimsoll/plimsoll/internal/judge/network"
)

func made(t *testing.T, text string, o Options) *Answer {
	t.Helper()
	s := snapshot(t, text)
	m := network.New(s, network.Options{})
	a, err := Make(t.Context(), m, s, Declared(m, s, o).Needs, o)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// TestSelectors wants selectors to hold what lasts: what a controller selects by, and else no label that an upgrade changes.
func TestSelectors(t *testing.T) {
	a := made(t, `
apiVersion: batch/v1
kind: CronJob
metadata: {name: nightly, namespace: a}
spec: {schedule: "0 1 * * *", jobTemplate: {spec: {template: {metadata: {labels: {app: nightly, helm.sh/chart: x-1.2.3, app.kubernetes.io/version: "1.2"}}, spec: {restartPolicy: Never, containers: [{name: c, image: x, env: [{name: U, value: "web:80"}]}]}}}}}
---
apiVersion: batch/v1
kind: Job
metadata: {name: once, namespace: a}
spec:
  selector: {matchLabels: {batch.kubernetes.io/controller-uid: u}}
  template: {metadata: {labels: {job: once, batch.kubernetes.io/controller-uid: u, controller-uid: u, job-name: once}}, spec: {restartPolicy: Never, containers: [{name: c, image: x, env: [{name: U, value: "web:80"}]}]}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: a}
spec: {selector: {matchLabels: {app: web}}, template: {metadata: {labels: {app: web, version: "3"}}, spec: {containers: [{name: c, image: x}]}}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web-canary, namespace: a}
spec: {selector: {matchLabels: {app: web, track: canary}}, template: {metadata: {labels: {app: web, track: canary}}, spec: {containers: [{name: c, image: x}]}}}
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: a}
spec: {selector: {app: web}, ports: [{port: 80}]}
`, Options{})
	for _, no := range []string{"chart", "version", "uid", "job-name"} {
		if strings.Contains(a.Text, no+`": `) {
			t.Errorf("%s is selected by:\n%s", no, a.Text)
		}
	}
	for _, want := range []string{`podSelector: {matchLabels: {"app": "nightly"}}`, `podSelector: {matchLabels: {"job": "once"}}`, `podSelector: {matchLabels: {"app": "web"}}`} {
		if !strings.Contains(a.Text, want) {
			t.Errorf("%s is missing", want)
		}
	}
	if notes := strings.Join(a.Notes, "\n"); strings.Count(notes, "do not tell apart") != 1 || !strings.Contains(notes, "do not tell apart Deployment web, Deployment web-canary of namespace a") {
		t.Error(notes)
	}
}

// TestBeside tells what the policies that are there do to what is needed, and of whom nothing is known.
func TestBeside(t *testing.T) {
	text := pod("app", ", env: [{name: U, value: 'web:80'}]") + pod("web", "") + pod("idle", "") +
		"---\napiVersion: v1\nkind: Service\nmetadata: {name: web, namespace: a}\nspec: {selector: {app: web}, ports: [{port: 80}]}\n"
	policy := func(spec string) string {
		return "---\napiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: old, namespace: a}\nspec: {" + spec + "}\n"
	}
	a := made(t, text, Options{})
	if notes := strings.Join(a.Notes, "\n"); !strings.Contains(notes, "of namespace a need, and they are closed off, but for names: Pod idle") || strings.Contains(notes, "stays") {
		t.Error(notes)
	}
	wide := policy("podSelector: {}, ingress: [{from: [{podSelector: {}}]}], egress: [{to: [{podSelector: {}}]}], policyTypes: [Ingress, Egress]")
	if notes := strings.Join(made(t, text+wide, Options{}).Notes, "\n"); strings.Count(notes, "NetworkPolicy a/old stays, and allows more than is needed") != 1 {
		t.Error(notes)
	}
	if notes := strings.Join(made(t, text+wide, Options{Replace: true}).Notes, "\n"); strings.Contains(notes, "stays") || !strings.Contains(notes, "NetworkPolicy a/old are taken for gone") {
		t.Error(notes)
	}
	narrow := policy("podSelector: {matchLabels: {app: web}}, ingress: [{from: [{podSelector: {matchLabels: {app: app}}}], ports: [{port: 80}]}]")
	if notes := strings.Join(made(t, text+narrow, Options{}).Notes, "\n"); strings.Contains(notes, "stays") {
		t.Error(notes)
	}
	deny := "---\napiVersion: policy.networking.k8s.io/v1alpha2\nkind: ClusterNetworkPolicy\nmetadata: {name: deny}\nspec: {tier: Admin, priority: 1, subject: {namespaces: {}}, egress: [{action: Deny, to: [{namespaces: {}}]}]}\n"
	a = made(t, text+deny, Options{})
	refused := ""
	for _, n := range a.Cut {
		if n.Why != askNames {
			refused += a.Refused[n]
		}
	}
	if refused != "ClusterNetworkPolicy deny egress[0]" {
		t.Errorf("%q of %q", refused, lines(a.Cut))
	}
	if a := made(t, text+deny, Options{Namespaces: []string{"b"}}); len(a.Cut)+len(a.Kept) > 0 {
		t.Errorf("needs of another namespace: %q", lines(a.Cut))
	}
}
