package check

import "testing"

func TestPresent(t *testing.T) {
	for id, want := range map[string]string{
		"AVD-DS-0002": "ds-0002", "DS002": "ds-0002", "DS-0002": "ds-0002", "trivy/AVD-DS-0002": "trivy/ds-0002",
		"hadolint/DL3008": "hadolint/dl3008", "DL3008": "dl3008", "image/root-user": "image/root-user", "other/DS002": "other/ds002",
	} {
		if got := Present(id); got != want {
			t.Errorf("%s: %s, want %s", id, got, want)
		}
	}
}
