package serving

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestFile reads no farther than it may, of files and of what has no end.
func TestFile(t *testing.T) {
	name := filepath.Join(t.TempDir(), "a")
	if err := os.WriteFile(name, []byte("four"), 0o600); err != nil {
		t.Fatal(err)
	}
	if b, err := File(name, 4); err != nil || string(b) != "four" {
		t.Errorf("%q, %v", b, err)
	}
	for _, name := range []string{name, "/dev/zero"} {
		if b, err := File(name, 3); b != nil || err == nil || !strings.Contains(err.Error(), "more than 3 bytes") {
			t.Errorf("%s: %q, %v", name, b, err)
		}
	}
	for _, name := range []string{filepath.Dir(name), name + "b"} {
		if _, err := File(name, 3); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
