package pod

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/plimsoll/plimsoll/internal/read/kube"
)

// told runs one check on the workloads of a manifest.
func told(t *testing.T, c Check, manifest string) (said []string) {
	t.Helper()
	s := kube.NewSnapshot(kube.Manifest("pod.yaml", []byte(manifest)))
	if len(s.Problems) > 0 || len(s.Workloads) == 0 {
		t.Fatalf("no workload: %v", s.Problems)
	}
	for i := range s.Workloads {
		hits, unknown := c.Look(&Facts{Workload: &s.Workloads[i], Around: s})
		for _, h := range hits {
			if len(h.At) == 0 || h.At[0].StartLine == 0 || h.Subject == nil || h.Subject.Kind == "" {
				t.Errorf("%s: a hit without its place: %+v", c.ID, h)
			}
			said = append(said, h.Where+" | "+h.Detail+" | "+h.Fix)
		}
		said = append(said, unknown...)
	}
	return said
}

func TestUnknownField(t *testing.T) {
	got := told(t, unknownField(), `
apiVersion: apps/v1
kind: Deployment
metadata: {name: cart}
spec:
  template:
    spec:
      hostPId: true
      dnsPolicyy: None
      securityContext: {sysctls: [{name: a, valu: b}]}
      initContainers: [{name: i, image: i, lifecycle: {preStop: {exex: {}}}}]
      containers:
      - name: c
        image: c
        securityContext: {readOnlyRootFileSystem: true}
        xyzzy: 1
      nodeSelector: {a.b/c: d}
`)
	want := []string{
		`spec.template.spec.containers[0].securityContext.readOnlyRootFileSystem | Deployment cart, container c: "readOnlyRootFileSystem", perhaps "readOnlyRootFilesystem" is meant | Write "readOnlyRootFilesystem" in place of "readOnlyRootFileSystem".`,
		`spec.template.spec.containers[0].xyzzy | Deployment cart, container c: "xyzzy" | `,
		`spec.template.spec.dnsPolicyy | Deployment cart: "dnsPolicyy", perhaps "dnsPolicy" is meant | Write "dnsPolicy" in place of "dnsPolicyy".`,
		`spec.template.spec.hostPId | Deployment cart: "hostPId", perhaps "hostPID" is meant | Write "hostPID" in place of "hostPId".`,
		`spec.template.spec.initContainers[0].lifecycle.preStop.exex | Deployment cart, container i: "exex", perhaps "exec" is meant | Write "exec" in place of "exex".`,
		`spec.template.spec.securityContext.sysctls[0].valu | Deployment cart: "valu", perhaps "value" is meant | Write "value" in place of "valu".`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
