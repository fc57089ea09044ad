package apk

import (
	"strings"
	"testing"
)

func sign(n int) int { return max(-1, min(1, n)) }

// order holds facts that apk's own test suite states (apk-tools, test/version.data), and those of
// reports where scanners went wrong; all 730 of that file were compared when the order was written.
const order = `
2.34 > 0.1.0_alpha
0.1.0_alpha2 > 0.1.0_alpha
1.1 > 1.1_alpha1
1.2.1 < 1.3_alpha
2.3.0b-r3 < 2.3.0b-r4
1.06-r6 < 006
013 < 014-r1
3.1_p16 < 3.1_p17
1.02.07 < 1.02.10-r1
2.5.1-r8 < 2.5.1a-r1
0.20070118 < 0.20070207_rc1
1.8.5 < 1.8.5_p2
1.3.5-r10 > 1.3.5-r8
4.5_p1-r1 > 4.5_p1
0.9.28-r2 < 0.9.28.1
1.0_p10-r0 > 1.0_p9-r0
0.1.0_alpha_pre2 < 0.1.0_alpha
1.3_pre1-r1 < 1.3.2
1.0.0_pre20191002222144-r0 < 1.0.0_pre20210530193627-r0
1.6_rc1-r0 < 1.6-r0
1.0_git20230101-r0 > 1.0-r9
1.2.3~0a1b-r1 < 1.2.3~0a1b-r2
1.0-r = 1.0-r0
6.6.2p1-r0 < 6.6.2p2-r0
6.6.2p1-r0 > 6.6.2-r0
9.3_p1-r0 < 9.3_p2-r0
0 < 0.4.12-r22
99999999999999999999998 < 99999999999999999999999
`

func TestCompare(t *testing.T) {
	for line := range strings.Lines(strings.TrimSpace(order)) {
		w := strings.Fields(line)
		got, err := Compare(w[0], w[2])
		if err != nil {
			t.Error(err)
		}
		back, _ := Compare(w[2], w[0])
		if op := string("<=>"[sign(got)+1]); op != w[1] || sign(back) != -sign(got) {
			t.Errorf("%s %s %s, and %d the other way; want %s", w[0], op, w[2], back, w[1])
		}
	}
}

func TestCompareRefuses(t *testing.T) {
	for _, v := range []string{"", "a", "1.", "1.0bc", "1.0A", "1_foo", "1-1", "1-r1-r2", "1~", "1.0-r1.2", "4.8.0.-r1", "1.0_p1a"} {
		if _, err := Compare(v, "1"); err == nil {
			t.Errorf("%q is taken for a version", v)
		}
	}
}

func FuzzCompare(f *testing.F) {
	f.Add("1.2.3a_pre1_p2~0f-r4", "1.0_rc1-r0")
	f.Fuzz(func(t *testing.T, a, b string) {
		x, err := Compare(a, b)
		y, back := Compare(b, a)
		if (err == nil) != (back == nil) || err == nil && sign(x) != -sign(y) {
			t.Errorf("Compare(%q, %q) = %d, %v; reversed %d, %v", a, b, x, err, y, back)
		}
	})
}

func BenchmarkCompare(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Compare("1.0.0_pre20191002222144-r0", "1.0.0_pre20191002222144-r1"); err != nil {
			b.Fatal(err)
		}
	}
}
