package pod

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/plimsoll/plimsoll/internal/check"
	"github.com/plimsoll/plimsoll/internal/judge/pod/standard"
	"github.com/plimsoll/plimsoll/internal/read/kube"
)

func snapshotOf(t *testing.T, text string) *kube.Snapshot {
	t.Helper()
	objects, problems := kube.Manifest("deploy.yaml", []byte(text))
	for _, p := range problems {
		t.Fatalf("%v in\n%s", p, text)
	}
	return kube.NewSnapshot(objects, nil)
}

// hitsOf are those of one check, in all workloads of a manifest.
func hitsOf(t *testing.T, id, text string, span standard.Span) (all []check.Hit) {
	t.Helper()
	s := snapshotOf(t, text)
	for i := range s.Workloads {
		for _, c := range standards() {
			if c.ID == "pod/"+id {
				hits, _ := c.Look(&Facts{Workload: &s.Workloads[i], Around: s, Standard: span})
				all = append(all, hits...)
			}
		}
	}
	return all
}

func TestStandardExamples(t *testing.T) {
	for _, c := range standards() {
		id := strings.TrimPrefix(c.ID, "pod/")
		bad := hitsOf(t, id, c.Page.Bad, standard.Span{})
		if len(bad) == 0 {
			t.Errorf("%s does not find its bad example", c.ID)
		}
		for _, h := range bad {
			if h.Subject == nil || h.At[0].StartLine < 6 {
				t.Errorf("%s: a hit without its place: %+v", c.ID, h)
			}
		}
		if good := hitsOf(t, id, c.Page.Good, standard.Span{}); len(good) != 0 {
			t.Errorf("%s finds its good example: %+v", c.ID, good)
		}
	}
	for _, c := range NamespaceChecks() {
		for want, text := range map[bool]string{true: c.Page.Bad, false: c.Page.Good} {
			if hits := c.Look(snapshotOf(t, text).Objects[0]); (len(hits) > 0) != want {
				t.Errorf("%s: %d hits in\n%s", c.ID, len(hits), text)
			}
		}
	}
}

// TestStandardControls wants each check of the library's to have a control of its level.
func TestStandardControls(t *testing.T) {
	for _, r := range rules() {
		if !slices.ContainsFunc(r.Controls, func(c string) bool { return standard.Control(r.level(), c) }) {
			t.Errorf("%s has no control of the standard: %v", r.ID, r.Controls)
		}
		if hits := hitsOf(t, strings.TrimPrefix(r.ID, "pod/"), r.Page.Bad, standard.Span{Level: standard.Restricted, From: standard.Newest(), To: standard.Newest()}); len(hits) == 0 {
			t.Errorf("%s does not find its bad example where restricted is the line", r.ID)
		}
	}
}

const deployment = `apiVersion: v1
kind: Namespace
metadata:
  name: shop
  labels:
    LABELS
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: cart
  namespace: shop
spec:
  template:
    spec:
      containers:
      - name: cart
        SPEC
`

func in(labels, spec string) string {
	return strings.NewReplacer("LABELS", strings.ReplaceAll(labels, "\n", "\n    "), "SPEC", strings.ReplaceAll(spec, "\n", "\n        ")).Replace(deployment)
}

func words(hits []check.Hit) (all []string) {
	for _, h := range hits {
		all = append(all, h.Where+" | "+h.Detail+" | "+string(h.Severity))
	}
	return all
}

// TestNamespaceAnswers holds what is said of a pod whose namespace is known.
func TestNamespaceAnswers(t *testing.T) {
	port := "ports: [{containerPort: 80, hostPort: 80}]"
	where := "spec.template.spec.containers[0].ports[0].hostPort | Deployment cart, container cart: 80"
	for _, c := range []struct{ name, id, labels, spec, want string }{
		{"it enforces more", "host-port", psaLabel + "enforce: restricted", port, where + "; namespace shop, which enforces restricted:latest, will refuse it | low"},
		{"it enforces nothing", "host-port", psaLabel + "enforce: privileged", port, where + "; namespace shop, which enforces privileged, lets it pass | low"},
		{"it does not say", "host-port", "a: b", port, where + " | low"},
		{"it enforces less", "run-as-root", psaLabel + "enforce: baseline", "securityContext: {runAsUser: 0}", "spec.template.spec.containers[0].securityContext.runAsUser | Deployment cart, container cart: namespace shop, which enforces baseline, lets it pass | medium"},
		{"an older version", "host-probe", psaLabel + "enforce: baseline\n" + psaLabel + "enforce-version: v1.33", "livenessProbe: {httpGet: {host: h, port: 1}}", "spec.template.spec.containers[0].livenessProbe.httpGet.host | Deployment cart, container cart: h; namespace shop, which enforces baseline:v1.33, lets it pass | medium"},
		{"refused", "refused-by-standard", psaLabel + "enforce: baseline", port, `spec.template.spec | Deployment cart: namespace shop enforces baseline:latest: hostPort (container "cart" uses hostPort 80) | medium`},
		{"a level that cannot be read counts as restricted", "refused-by-standard", psaLabel + "enforce: Baseline", "image: a", `spec.template.spec | Deployment cart: namespace shop enforces restricted:latest: ` +
			`allowPrivilegeEscalation != false (container "cart" must set securityContext.allowPrivilegeEscalation=false), unrestricted capabilities (container "cart" must set securityContext.capabilities.drop=["ALL"]), ` +
			`runAsNonRoot != true (pod or container "cart" must set securityContext.runAsNonRoot=true), seccompProfile (pod or container "cart" must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost") | medium`},
		{"admitted", "refused-by-standard", psaLabel + "enforce: baseline", "image: a", ""},
		{"a pin that is moved", "standard-change", psaLabel + "enforce: baseline\n" + psaLabel + "enforce-version: v1.20", "livenessProbe: {httpGet: {host: h, port: 1}}", "spec.template.spec.containers[0].livenessProbe.httpGet.host | Deployment cart, container cart: baseline:v1.34 refuses it: probe or lifecycle host (h) | medium"},
		{"a pin that is moved, and lets in", "standard-change", psaLabel + "enforce: baseline\n" + psaLabel + "enforce-version: v1.30", "securityContext: {seLinuxOptions: {type: container_engine_t}}", "spec.template.spec.containers[0].securityContext.seLinuxOptions.type | Deployment cart, container cart: baseline:v1.31 no longer refuses it: seLinuxOptions (type container_engine_t) | info"},
		{"no pin", "standard-change", psaLabel + "enforce: baseline", "livenessProbe: {httpGet: {host: h, port: 1}}", ""},
	} {
		got := strings.Join(words(hitsOf(t, c.id, in(c.labels, c.spec), standard.Span{})), "\n")
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s:\n%s", c.name, diff)
		}
	}
}

// TestSpan holds what an upgrade is said to change.
func TestSpan(t *testing.T) {
	span, err := standard.ParseSpan("baseline:1.30..1.37")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ spec, want string }{
		{"livenessProbe: {httpGet: {host: h, port: 1}}", "baseline:v1.34 refuses it"},
		{"livenessProbe: {httpGet: {host: h, port: 1}}\nports: [{containerPort: 1, hostPort: 1}]", ""}, // both refuse it
		{"image: a", ""},
	} {
		got := strings.Join(words(hitsOf(t, "standard-change", in("a: b", c.spec), span)), "\n")
		if c.want == "" && got != "" || !strings.Contains(got, c.want) {
			t.Errorf("%s: %q, want %q", c.spec, got, c.want)
		}
	}
}

func TestNamespaceLabels(t *testing.T) {
	for _, c := range []struct{ id, labels, want string }{
		{"namespace-label", psaLabel + "enforce: Restricted", `metadata.labels[pod-security.kubernetes.io/enforce] | namespace shop: pod-security.kubernetes.io/enforce: "Restricted" must be one of privileged, baseline, restricted | medium`},
		{"namespace-label", psaLabel + "enforce-version: 1.30", `metadata.labels[pod-security.kubernetes.io/enforce-version] | namespace shop: pod-security.kubernetes.io/enforce-version is no text: put it in quotes | medium`},
		{"namespace-label", psaLabel + `enforce-version: "1.30"`, `metadata.labels[pod-security.kubernetes.io/enforce-version] | namespace shop: pod-security.kubernetes.io/enforce-version: "1.30" must be "latest" or "v1.x" | medium`},
		{"namespace-label", psaLabel + "enforced: baseline", `metadata.labels[pod-security.kubernetes.io/enforced] | namespace shop: pod-security.kubernetes.io/enforced is no label that the API server knows | medium`},
		{"namespace-warning", psaLabel + "enforce: restricted\n" + psaLabel + "audit: baseline", `metadata.labels[pod-security.kubernetes.io/audit] | namespace shop: audit is baseline, and restricted is enforced | low`},
		{"namespace-warning", psaLabel + "enforce: restricted\n" + psaLabel + "warn: baselin", ""},
		{"namespace-outdated", psaLabel + "enforce: restricted\n" + psaLabel + "enforce-version: v1.36", `metadata.labels[pod-security.kubernetes.io/enforce-version] | namespace shop: of the checks of restricted:v1.36, these have changed since: sysctls | low`},
		{"namespace-outdated", psaLabel + "enforce: privileged\n" + psaLabel + "enforce-version: v1.20", ""},
		{"namespace-unpinned", psaLabel + "enforce: baseline\n" + psaLabel + "enforce-version: latest", `metadata.labels[pod-security.kubernetes.io/enforce-version] | namespace shop | info`},
		{"namespace-unenforced", psaLabel + "warn: baseline", "metadata.labels | namespace shop | medium"},
	} {
		ns := snapshotOf(t, labelled(c.labels)).Objects[0]
		for _, k := range NamespaceChecks() {
			if k.ID != "pod/"+c.id {
				continue
			}
			if diff := cmp.Diff(c.want, strings.Join(words(k.Look(ns)), "\n")); diff != "" {
				t.Errorf("%s of %s:\n%s", c.id, c.labels, diff)
			}
		}
	}
}
