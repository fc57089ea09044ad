package ecosystem

import "testing"

func TestCompareNumbered(t *testing.T) {
	// Ascending, as the projects released them: PostgreSQL, Python, OpenSSL, OpenSSH, Bitnami's revisions.
	for _, order := range [][]string{
		{"0", "9.6.24", "10.0", "10.23", "15.3", "15.20", "16beta1", "16rc1", "16.0"},
		{"3.12.0a1", "3.12.0a7", "3.12.0b1", "3.12.0rc3", "3.12.0", "3.12.10"},
		{"1.0.2zj", "1.1.1", "1.1.1a", "1.1.1b", "1.1.1w", "3.0.0-alpha1", "3.0.0-beta2", "3.0.0", "3.0.19"},
		{"9.2", "9.2p1", "9.2p2", "9.3"},
		{"1.25.3", "1.25.3-1", "1.25.3-2", "1.25.3-10", "1.25.4-0"},
		{"1.8.0-333", "1.8.0-412", "11.0.15-1", "17.0.3-1", "17.0.15"},
		{"2.6.0-rc1", "2.6.0-rc7", "2.6.0"},
		{"0.0.0-20250806193240-9b0b5d4f345f", "0.0.0-20250807212521-c52795c1ef74", "0.0.1"},
	} {
		for i, a := range order {
			for j, b := range order {
				got, err := CompareNumbered(a, b)
				if err != nil || max(-1, min(1, got)) != max(-1, min(1, i-j)) {
					t.Errorf("CompareNumbered(%s, %s) = %d, %v", a, b, got, err)
				}
			}
		}
	}
	for a, b := range map[string]string{"1.26.0-0": "1.26.0", "1.26": "1.26.0", "v1.2.3+build": "1.2.3"} {
		if n, err := CompareNumbered(a, b); n != 0 || err != nil {
			t.Errorf("CompareNumbered(%s, %s) = %d, %v", a, b, n, err)
		}
	}
	if _, err := CompareNumbered("nightly.2026-03-10.0", "1"); err == nil {
		t.Error("a nightly build is taken for a version")
	}
}

func FuzzCompareNumbered(f *testing.F) {
	f.Add("1.1.1w", "3.12.0rc1")
	f.Fuzz(func(t *testing.T, a, b string) {
		n, err := CompareNumbered(a, b)
		m, _ := CompareNumbered(b, a)
		if err == nil && max(-1, min(1, n)) != -max(-1, min(1, m)) {
			t.Errorf("CompareNumbered(%q, %q) = %d, the other way %d", a, b, n, m)
		}
	})
}
