package client

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestFlags reads each form in which an API server writes its flags.
func TestFlags(t *testing.T) {
	want := map[string]string{"profiling": "true", "authorization-mode": "Node,RBAC", "audit-log-path": "", "bind-address": "::"}
	for _, between := range []string{":", ": ", "=", " "} {
		text := "\n  kube-apiserver flagz\nWarning: This endpoint is not meant to be machine parseable.\n\n"
		for _, line := range [][2]string{{"profiling", "true"}, {"authorization-mode", "[Node,RBAC]"}, {"audit-log-path", ""}, {"bind-address", "::"}} {
			text += line[0] + between + line[1] + "\n"
		}
		got := flags(text)
		delete(got, "kube-apiserver") // the head's, and no flag that is asked for
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%q: %s", between, diff)
		}
	}
}
