package catalog

import (
	"slices"
	"strings"
	"testing"
)

// TestRulesAreAnswered wants every rule of the other tools to have a check of ours or a reason why not, and
// never both; and every alias of a check to be a rule that there is.
func TestRulesAreAnswered(t *testing.T) {
	var ids []string
	for _, r := range Rules() {
		ids = append(ids, r.ID)
		switch {
		case len(r.Checks) == 0 && r.Reason == "":
			t.Errorf("%s: no check of ours answers it, and no reason is given", r.ID)
		case len(r.Checks) > 0 && r.Reason != "":
			t.Errorf("%s: %v answers it, and a reason is given why none does", r.ID, r.Checks)
		}
	}
	for _, c := range Cards() {
		for _, a := range c.Aliases {
			tool, _, _ := strings.Cut(a, "/")
			known := slices.Contains([]string{"hadolint", "buildkit", "dockle", "kubescape", "kube-linter", "polaris"}, tool) || slices.ContainsFunc([]string{
				"trivy/DS-", "trivy/KSV-", "checkov/CKV_DOCKER", "checkov/CKV2_DOCKER", "checkov/CKV_K8S", "checkov/CKV2_K8S",
			}, func(family string) bool { return strings.HasPrefix(a, family) })
			if known && !slices.Contains(ids, a) {
				t.Errorf("%s: %s is no rule of that tool", c.ID, a)
			}
		}
	}
}

// TestRulesAreAll counts the rules by tool and family, so that none is lost.
func TestRulesAreAll(t *testing.T) {
	counts := map[string]int{}
	for _, r := range Rules() {
		family := strings.TrimRight(r.ID, "0123456789")
		if tool, _, _ := strings.Cut(r.ID, "/"); tool == "buildkit" || tool == "kube-linter" || tool == "polaris" {
			family = tool + "/"
		}
		counts[family]++
	}
	for family, want := range map[string]int{
		"hadolint/DL": 75, "buildkit/": 22, "dockle/CIS-DI-": 11, "dockle/DKL-DI-": 6, "dockle/DKL-LI-": 3, "trivy/DS-": 31,
		"checkov/CKV_DOCKER_": 11, "checkov/CKV2_DOCKER_": 17,
		"kubescape/C-": 38, "trivy/KSV-": 51, "checkov/CKV_K8S_": 46, "checkov/CKV2_K8S_": 1, "kube-linter/": 50, "polaris/": 30,
	} {
		if counts[family] != want {
			t.Errorf("%s: %d rules, want %d", family, counts[family], want)
		}
	}
}
