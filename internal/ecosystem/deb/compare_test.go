package deb

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/google/osv-scalibr/semantic"
)

func sign(n int) int { return max(-1, min(1, n)) }

func TestCompare(t *testing.T) {
	tests := []struct {
		a, op, b string
	}{
		// deb-version(7): the order of tildes, letters and the end.
		{"1.0~~", "<", "1.0~~a"},
		{"1.0~~a", "<", "1.0~"},
		{"1.0~", "<", "1.0"},
		{"1.0", "<", "1.0a"},
		{"1.0a", "<", "1.0+"},
		{"1.0-1", "=", "0:1.0-1"},
		{"1.0", "=", "1.0-0"},
		{"1.0", "=", "1.00-00"},
		{"1:0.1", ">", "9.9"},
		{"1.2-3+b1", ">", "1.2-3"},
		{"1.2-3~bpo12+1", "<", "1.2-3"},
		{"2.36-9+deb12u2", "<", "2.36-9+deb12u13"},
		{"1.1.1n-0+deb11u3", "<", "1.1.1n-0+deb11u4"},
		{"99999999999999999999998", "<", "99999999999999999999999"},
		{"1.0-1-2", ">", "1.0-1"},
		{"a.b", ">", "a+b"},
		{"7.6p2-4", ">", "7.6-0"},
		{"1.0.3-3", ">", "1.0-1"},
		{"0-pre", "=", "0-pre"},
		{"0-pree", ">", "0-pre"},
	}
	for _, test := range tests {
		got, err := Compare(test.a, test.b)
		if err != nil {
			t.Error(err)
		}
		back, _ := Compare(test.b, test.a)
		if op := string("<=>"[sign(got)+1]); op != test.op || sign(back) != -sign(got) {
			t.Errorf("%s %s %s, and %d the other way; want %s", test.a, op, test.b, back, test.op)
		}
	}
}

func TestCompareRefuses(t *testing.T) {
	for _, v := range []string{"", "  ", "1 2", ":1", "x:1", "-1:1", "1:", "1.0-", "-1", "99999999999:1"} {
		if _, err := Compare(v, "1"); err == nil {
			t.Errorf("%q is taken for a version", v)
		}
	}
}

// versions generates pairs that differ in few places, where orders go wrong.
func versions(r *rand.Rand) (a, b string) {
	parts := []string{"0", "00", "1", "01", "9", "10", "a", "b", "Z", "~", "~~", ".", "+", "-1", "rc", "deb12u1", "ubuntu0.1", "~bpo11+1", "999999999999999999999", "git2023"}
	make := func(n int) []string {
		s := []string{fmt.Sprint(r.IntN(20))}
		for range n {
			s = append(s, parts[r.IntN(len(parts))])
		}
		return s
	}
	x := make(r.IntN(6))
	y := append([]string(nil), x...)
	if r.IntN(4) == 0 {
		y = make(r.IntN(6))
	} else {
		y[r.IntN(len(y))] = parts[r.IntN(len(parts))]
	}
	y[0] = strings.TrimLeft(y[0], "-")
	pre := []string{"", "", "", "0:", "1:"}
	return pre[r.IntN(len(pre))] + strings.Join(x, ""), pre[r.IntN(len(pre))] + strings.Join(y, "")
}

// dpkgPairs are compared in about a second, and allPairs where everything is tested.
const (
	dpkgPairs = 500
	allPairs  = 4000
)

// TestCompareAsDpkg holds the order against dpkg itself.
func TestCompareAsDpkg(t *testing.T) {
	if _, err := exec.LookPath("dpkg"); err != nil {
		skip(t, "dpkg is not here")
	}
	r := rand.New(rand.NewPCG(1, 2))
	var pairs [][2]string
	var script strings.Builder
	want := dpkgPairs
	if os.Getenv("PLIMSOLL_TEST") == "all" {
		want = allPairs
	}
	for len(pairs) < want {
		a, b := versions(r)
		if _, err := Compare(a, b); err != nil {
			continue
		}
		pairs = append(pairs, [2]string{a, b})
		fmt.Fprintf(&script, "if dpkg --compare-versions '%s' lt '%s'; then echo -1; elif dpkg --compare-versions '%[1]s' eq '%[2]s'; then echo 0; else echo 1; fi\n", a, b)
	}
	cmd := exec.Command("sh")
	cmd.Stdin = strings.NewReader(script.String())
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range strings.Fields(string(out)) {
		if got, _ := Compare(pairs[i][0], pairs[i][1]); fmt.Sprint(sign(got)) != want {
			t.Errorf("Compare(%q, %q) = %d, dpkg says %s", pairs[i][0], pairs[i][1], sign(got), want)
		}
	}
}

// TestCompareAsScalibr holds more pairs against a second implementation.
func TestCompareAsScalibr(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for range 20_000 {
		a, b := versions(r)
		got, err := Compare(a, b)
		if err != nil {
			continue
		}
		v, err := semantic.Parse(a, "Debian")
		if err != nil {
			continue
		}
		if want, err := v.CompareStr(b); err == nil && sign(got) != sign(want) {
			t.Errorf("Compare(%q, %q) = %d, scalibr says %d", a, b, sign(got), sign(want))
		}
	}
}

func FuzzCompare(f *testing.F) {
	f.Add("1:1.0-1", "1.0~rc1")
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
		if _, err := Compare("1:2.36-9+deb12u2", "1:2.36-9+deb12u13"); err != nil {
			b.Fatal(err)
		}
	}
}
