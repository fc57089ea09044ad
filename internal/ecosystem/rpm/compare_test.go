package rpm

import (
	"fmt"
	"math/rand/v2"
	"os/exec"
	"strings"
	"testing"
)

func sign(n int) int { return max(-1, min(1, n)) }

// order holds facts from rpm's own tests (rpm, tests/rpmvercmp.at), and those where scanners went
// wrong.
const order = `
1.0 = 1.0
2.0 < 2.0.1
2.0.1a > 2.0.1
5.5p1 < 5.5p2
5.5p1 < 5.5p10
10xyz < 10.1xyz
xyz10 < xyz10.1
xyz.4 < 8
xyz.4 < 2
5.5p2 < 5.6p1
6.0.rc1 > 6.0
10b2 > 10a1
1.0aa > 1.0a
10.0001 = 10.1
10.0001 < 10.0039
4.999.9 < 5.0
20101121 < 20101122
2_0 = 2.0
a+ = a_
+a = _a
+_ = _+
1.0~rc1 < 1.0
1.0~rc1 < 1.0~rc2
1.0~rc1~git123 < 1.0~rc1
1.0^ > 1.0
1.0^git1 > 1.0
1.0^git1 < 1.0^git2
1.0^git1 < 1.01
1.0^20160101 < 1.0.1
1.0^20160101^git1 > 1.0^20160101
1.0~rc1^git1 > 1.0~rc1
1.0^git1~pre < 1.0^git1
1.900 < 1.8000
1:1.0-1 > 2.0-1
0:1.0-1 = 1.0-1
1.0-1.el9 < 1.0-2.el9
2.34-60.el9 < 2.34-60.el9_2.7
1.0 < 1.0-1
3.0.1-40.el9_0 < 1:3.0.1-41.el9_0
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
	for _, v := range []string{"", "1:", "-1"} {
		if _, err := Compare(v, "1"); err == nil {
			t.Errorf("%q is taken for a version", v)
		}
	}
}

// TestCompareAsRpm holds the order of parts against rpm itself, all pairs in one run of it.
func TestCompareAsRpm(t *testing.T) {
	if _, err := exec.LookPath("rpm"); err != nil {
		skip(t, "rpm is not here")
	}
	r := rand.New(rand.NewPCG(1, 2))
	pieces := []string{"0", "00", "1", "01", "9", "10", "a", "b", "Z", "~", "^", ".", "+", "_", "rc", "el9", "el9_2", "git2023", "999999999999999999999"}
	version := func() string {
		s := fmt.Sprint(r.IntN(3))
		for range r.IntN(6) {
			s += pieces[r.IntN(len(pieces))]
		}
		return s
	}
	var pairs [][2]string
	var script strings.Builder
	for range 1500 { // as many as one argument takes
		p := [2]string{version(), version()}
		if r.IntN(2) == 0 {
			p[1] = p[0] + pieces[r.IntN(len(pieces))] + pieces[r.IntN(len(pieces))]
		}
		pairs = append(pairs, p)
		fmt.Fprintf(&script, "print(rpm.vercmp(%q, %q), \" \")\n", p[0], p[1])
	}
	out, err := exec.Command("rpm", "--eval", "%{lua:"+script.String()+"}").Output()
	if err != nil {
		t.Fatal(err)
	}
	answers := strings.Fields(string(out))
	if len(answers) != len(pairs) {
		t.Fatalf("%d answers to %d pairs", len(answers), len(pairs))
	}
	for i, want := range answers {
		if got := comparePart(pairs[i][0], pairs[i][1]); fmt.Sprint(sign(got)) != want {
			t.Errorf("%q and %q: %d, rpm says %s", pairs[i][0], pairs[i][1], sign(got), want)
		}
	}
}

func FuzzCompare(f *testing.F) {
	f.Add("1:1.0~rc1-1.el9", "1.0^git1-1")
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
		if _, err := Compare("1:3.0.1-40.el9_0", "1:3.0.1-41.el9_0"); err != nil {
			b.Fatal(err)
		}
	}
}
