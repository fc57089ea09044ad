package pypi

import (
	"strings"
	"testing"

	"github.com/google/osv-scalibr/semantic"
)

// TestOrder holds the order against the examples of PEP 440 and the table in packaging's own tests.
func TestOrder(t *testing.T) {
	for _, chain := range [][]string{
		{"1.dev0", "1.0.dev456", "1.0a1", "1.0a2.dev456", "1.0a12.dev456", "1.0a12", "1.0b1.dev456", "1.0b2", "1.0b2.post345.dev456", "1.0b2.post345", "1.0rc1.dev456", "1.0rc1", "1.0", "1.0+abc.5", "1.0+abc.7", "1.0+5", "1.0.post456.dev34", "1.0.post456", "1.0.15", "1.1.dev1"},
		{"1.2+abc", "1.2+abc.1", "1.2+2", "1.2+10"},
		{"2013.10", "2014.04", "1!1.0", "1!1.1", "1!2.0"},
		{"4.3.1", "4.3.1.1", "4.3.2", "4.10"},
		{"2004d", "0.1"},
	} {
		for i, a := range chain {
			for j, b := range chain {
				if got, err := compare(a, b); err != nil || sign(got) != sign(i-j) {
					t.Errorf("compare(%s, %s) = %d, %v", a, b, got, err)
				}
			}
		}
	}
	for _, equal := range [][]string{
		{"1.0", "1", "v1.0", " 1.0\n", "0!1.0.0", "01.0"},
		{"1.0a1", "1.0alpha1", "1.0.a.1", "1.0-a-1", "1.0_ALPHA_1"},
		{"1.0rc0", "1.0c", "1.0pre", "1.0-preview"},
		{"1.0.post4", "1.0-4", "1.0r4", "1.0.rev-4"},
		{"1.0.dev0", "1.0dev", "1.0-dev"},
		{"1.0+ubuntu.1", "1.0+Ubuntu-1", "1.0+ubuntu_1"},
	} {
		for _, other := range equal {
			if got, err := compare(equal[0], other); err != nil || got != 0 {
				t.Errorf("compare(%q, %q) = %d, %v", equal[0], other, got, err)
			}
		}
	}
}

func sign(n int) int { return min(1, max(-1, n)) }

// FuzzCompare holds the order against another's.
func FuzzCompare(f *testing.F) {
	f.Add("1.0a1.post2.dev3+local.4", "1!1.0-rc1")
	f.Add("2004d", "1.0.dev")
	f.Fuzz(func(t *testing.T, a, b string) {
		if len(a)+len(b) > 200 {
			return
		}
		c, err := compare(a, b)
		d, err2 := compare(b, a)
		if (err == nil) != (err2 == nil) || sign(c) != -sign(d) {
			t.Fatalf("compare(%q, %q) = %d, %v, and back %d, %v", a, b, c, err, d, err2)
		}
		if strings.TrimSpace(a) != a || strings.TrimSpace(b) != b {
			return // PEP 440 strips blanks of every kind, which osv-scalibr leaves to its callers
		}
		v, err3 := semantic.ParsePyPIVersion(a)
		w, err4 := semantic.ParsePyPIVersion(b)
		if err3 != nil || err4 != nil {
			return
		}
		if other, _ := v.Compare(w); sign(c) != sign(other) {
			t.Errorf("compare(%q, %q) = %d; osv-scalibr says %d", a, b, c, other)
		}
	})
}

func BenchmarkCompare(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		_, _ = compare("1.2.3rc1.post2", "1.2.3rc1.post3")
	}
}
