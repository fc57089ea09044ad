package npm

import (
	"regexp"
	"testing"

	"github.com/google/osv-scalibr/semantic"
)

// TestOrder holds the order against the examples of semver.org, section 11, and of node-semver.
func TestOrder(t *testing.T) {
	for _, chain := range [][]string{
		{"1.0.0", "2.0.0", "2.1.0", "2.1.1"},
		{"1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta", "1.0.0-beta", "1.0.0-beta.2", "1.0.0-beta.11", "1.0.0-rc.1", "1.0.0"},
		{"0.0.0-foo", "0.0.0"},
		{"1.2.3-4", "1.2.3-4-foo"},
		{"1.2.3-5", "1.2.3-5-Foo", "1.2.3-5-foo"},
		{"2.7.2+asdf", "3.0.0"},
		{"1.2.3-a.5", "1.2.3-a.10", "1.2.3-a.b.c.5.d.100"},
		{"1.9.0", "1.10.0", "1.99999999999999999999999.0"},
	} {
		for i, a := range chain {
			for j, b := range chain {
				if got, err := compare(a, b); err != nil || sign(got) != sign(i-j) {
					t.Errorf("compare(%s, %s) = %d, %v", a, b, got, err)
				}
			}
		}
	}
	for _, pair := range [][2]string{{"v1.2.3", "1.2.3"}, {"=1.2.3", "1.2.3"}, {"1.2.3+a", "1.2.3+b"}, {"1.2.3-beta+a", "1.2.3-beta"}, {"1", "1.0.0"}, {"0", "0.0.0"}} {
		if got, err := compare(pair[0], pair[1]); err != nil || got != 0 {
			t.Errorf("compare(%s, %s) = %d, %v", pair[0], pair[1], got, err)
		}
	}
	for _, bad := range []string{"", "latest", ".1", "git+ssh://x"} {
		if _, err := compare(bad, "1.0.0"); err == nil {
			t.Errorf("compare(%q) gives no error", bad)
		}
	}
}

func sign(n int) int { return min(1, max(-1, n)) }

var strict = regexp.MustCompile(`^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-(0|[1-9]\d*|\d*[a-zA-Z][0-9a-zA-Z]*)(\.(0|[1-9]\d*|\d*[a-zA-Z][0-9a-zA-Z]*))*)?(\+[0-9a-zA-Z.]+)?$`)

// FuzzCompare holds the order against another's, for what is a semantic version by the grammar.
func FuzzCompare(f *testing.F) {
	f.Add("1.0.0-alpha.1", "1.0.0-alpha.beta")
	f.Add("1.2.3", "v1.2")
	f.Fuzz(func(t *testing.T, a, b string) {
		c, err := compare(a, b)
		if d, err2 := compare(b, a); (err == nil) != (err2 == nil) || sign(c) != -sign(d) {
			t.Fatalf("compare(%q, %q) = %d, %v, and back %d, %v", a, b, c, err, d, err2)
		}
		if len(a)+len(b) > 200 || !strict.MatchString(a) || !strict.MatchString(b) { // long ones take the other long
			return
		}
		other, _ := semantic.ParseSemverVersion(a).CompareStr(b)
		if err != nil || sign(c) != sign(other) {
			t.Errorf("compare(%q, %q) = %d, %v; osv-scalibr says %d", a, b, c, err, other)
		}
	})
}

func BenchmarkCompare(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		_, _ = compare("1.2.3-beta.11", "1.2.3-beta.2")
	}
}
