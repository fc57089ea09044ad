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

// Pairs are asked of rpm in runs of rpmPairs: rpm 4.18 breaks on a script of more than some 900. 39,000
// were compared once, with no difference.
const (
	rpmRuns  = 20
	rpmPairs = 300
)

// pieces are what versions are made of where orders go wrong.
var pieces = []string{
	"0", "00", "1", "01", "9", "10", "a", "b", "Z", "~", "^", ".", "+", "_", "rc", "el9", "el9_2", "git2023",
	".module+el8.9.0+3", "999999999999999999999",
}

// TestCompareAsRpm holds the order of whole versions, with epochs and releases, against rpm itself.
func TestCompareAsRpm(t *testing.T) {
	if _, err := exec.LookPath("rpm"); err != nil {
		skip(t, "rpm is not here")
	}
	r := rand.New(rand.NewPCG(1, 2))
	for range rpmRuns {
		pairs := versionPairs(r, rpmPairs)
		var script strings.Builder
		for _, p := range pairs {
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
			if got, err := Compare(pairs[i][0], pairs[i][1]); err != nil || fmt.Sprint(sign(got)) != want {
				t.Errorf("%q and %q: %d, %v; rpm says %s", pairs[i][0], pairs[i][1], sign(got), err, want)
			}
		}
	}
}

// versionPairs generates pairs that differ in few places.
func versionPairs(r *rand.Rand, n int) [][2]string {
	part := func() string {
		s := fmt.Sprint(r.IntN(3))
		for range r.IntN(6) {
			s += pieces[r.IntN(len(pieces))]
		}
		return s
	}
	whole := func() string {
		v := []string{"", "", "", "0:", "1:", "10:"}[r.IntN(6)] + part()
		if r.IntN(3) > 0 {
			v += "-" + part()
		}
		return v
	}
	pairs := make([][2]string, n)
	for i := range pairs {
		a := whole()
		b := whole()
		switch r.IntN(4) {
		case 0:
			b = a + pieces[r.IntN(len(pieces))] + pieces[r.IntN(len(pieces))]
		case 1:
			at := r.IntN(len(a)) + 1
			b = a[:at] + pieces[r.IntN(len(pieces))] + a[at:]
		case 2:
			b = "0:" + a
			if strings.Contains(a, ":") {
				b = a
			}
		}
		pairs[i] = [2]string{a, b}
	}
	return pairs
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
