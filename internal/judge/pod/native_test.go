package pod

import (
	"testing"

	"github.com/plimsoll/plimsoll/finding"
)

// TestNative wants every check to be said in CEL, once for each severity, or to say why it cannot be.
func TestNative(t *testing.T) {
	for _, c := range Checks() {
		all, why := c.Native()
		if (len(all) == 0) != (why != "") {
			t.Errorf("%s is said %d times in CEL, and it is said why not: %q", c.ID, len(all), why)
		}
		seen := map[finding.Severity]bool{}
		for _, n := range all {
			if seen[n.Severity] || n.Each+n.Pod == "" {
				t.Errorf("%s finds %s things twice, or never", c.ID, n.Severity)
			}
			seen[n.Severity] = true
		}
	}
}
