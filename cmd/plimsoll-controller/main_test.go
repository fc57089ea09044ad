package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/plimsoll/plimsoll/internal/face/operator"
	"github.com/plimsoll/plimsoll/internal/weigh/statute"
)

// TestPolicies wants files of policies to be read before the cluster is asked, and what is wrong with them said.
func TestPolicies(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"good.yaml":   "apiVersion: plimsoll.io/v1alpha1\nkind: Policy\nmetadata: {name: good}\nspec: {subject: manifest, validations: [{expression: \"true\"}]}\n",
		"wrong.yaml":  "apiVersion: plimsoll.io/v1alpha1\nkind: Policy\nmetadata: {name: wrong}\nspec: {subject: manifest, validations: [{expression: \"objct == 1\"}]}\n",
		"native.yaml": "apiVersion: admissionregistration.k8s.io/v1\nkind: ValidatingAdmissionPolicy\nmetadata: {name: native}\nspec: {matchConstraints: {resourceRules: [{apiGroups: [apps], apiVersions: [v1], operations: [CREATE], resources: [deployments]}]}, validations: [{expression: \"true\"}]}\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	all, _, err := compiled([]string{filepath.Join(dir, "good.yaml")})
	if err != nil || len(all) != 1 || all[0].Name != "good" {
		t.Errorf("%v %v", all, err)
	}
	_, ofKubernetes, err := compiled([]string{filepath.Join(dir, "good.yaml"), filepath.Join(dir, "native.yaml")})
	if err != nil || ofKubernetes == nil || ofKubernetes.Len() != 1 {
		t.Fatalf("%v %v", ofKubernetes, err)
	}
	for text, want := range map[string]string{
		"noNetworkPolicy: deny\n":           "",
		"policies: {other: {mode: warn}}\n": "other",
		"nothing: known\n":                  "line 1",
	} {
		line := filepath.Join(dir, "admission.yaml")
		if err := os.WriteFile(line, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		o := operator.Options{Files: statute.Files{Policies: all}}
		err := drawn(&o, line, ofKubernetes)
		if want == "" && (err != nil || len(o.Around) != 1 || o.Rules.Line == nil) || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%q: %v", text, err)
		}
	}
	for name, want := range map[string]string{"wrong.yaml": "objct", "native.yaml": "apply it to the cluster", "none.yaml": "no such file"} {
		var log bytes.Buffer
		if status := run(t.Context(), []string{"--policy", filepath.Join(dir, name)}, &log); status != exitUsage || !strings.Contains(log.String(), want) {
			t.Errorf("%s: status %d: %s", name, status, log.String())
		}
	}
}
