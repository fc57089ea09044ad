package catalog

import "testing"

// TestKnown wants what no check of ours is called to be told from what somebody else may call a rule.
func TestKnown(t *testing.T) {
	known := Known()
	for word, want := range map[string]bool{
		"pod/privileged": true, "POD/Privileged": true, "pod/*": true, "pod/privilegd": false, "pod": false, "rbac/nonesuch": false,
		"CVE-2024-5535": true, "hadolint/DL9999": true, "DL3008": true, "secret/of-our-own": true, "policy/team": true, "corp/7": true, "kubescape/C-0057": true,
	} {
		if known(word) != want {
			t.Errorf("%s: known is %v", word, !want)
		}
	}
}
