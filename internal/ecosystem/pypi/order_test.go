package pypi

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// TestOrderOfPip holds the order against the library packaging, which pip itself carries, on versions made
// of the pieces that matter.
func TestOrderOfPip(t *testing.T) {
	python, err := exec.LookPath("python3")
	if err == nil {
		err = exec.Command(python, "-c", "import pip._vendor.packaging.version").Run()
	}
	if err != nil && os.Getenv("PLIMSOLL_TEST") == "all" {
		t.Fatal(err)
	} else if err != nil {
		t.Skip("needs Python with pip")
	}
	random := rand.New(rand.NewPCG(1, 2))
	pick := func(of ...string) string { return of[random.IntN(len(of))] }
	number := func() string { return pick("", "0", "1", "2", "10", "007", "99999999999999999999") }
	version := func() string {
		v := pick("", "", "", "v", "1!", "0!") + pick("0", "1", "01", "2020")
		for range random.IntN(4) {
			v += "." + pick("0", "1", "2", "00", "10")
		}
		between := func() string { return pick("", "", ".", "-", "_") }
		if random.IntN(2) == 0 {
			v += between() + pick("a", "b", "c", "rc", "alpha", "BETA", "pre", "preview") + between() + number()
		}
		switch random.IntN(4) {
		case 0:
			v += between() + pick("post", "rev", "r") + between() + number()
		case 1:
			v += "-" + pick("0", "1", "3")
		}
		if random.IntN(3) == 0 {
			v += between() + "dev" + between() + number()
		}
		if random.IntN(4) == 0 {
			v += "+" + pick("abc", "1", "10", "ubuntu", "cu118") + pick("", ".1", "-2", "_b", ".10.a")
		}
		return v
	}
	var pairs [][2]string
	var in bytes.Buffer
	for range 4000 {
		pair := [2]string{version(), version()}
		if random.IntN(3) == 0 {
			pair[1] = pair[0] + pick(".0", "a1", ".dev1", ".post1", "+x")
		}
		pairs = append(pairs, pair)
		fmt.Fprintln(&in, pair[0], pair[1])
	}
	cmd := exec.Command(python, "-c", `import sys
from pip._vendor.packaging.version import Version
for l in sys.stdin:
    try:
        a, b = map(Version, l.split())
        print((a > b) - (a < b))
    except Exception:
        print("none")`)
	cmd.Stdin = &in
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	compared := 0
	for i, want := range strings.Fields(string(out)) {
		if want == "none" {
			continue
		}
		compared++
		if got, err := compare(pairs[i][0], pairs[i][1]); fmt.Sprint(sign(got)) != want || err != nil {
			t.Errorf("compare%q = %d, %v; packaging says %s", pairs[i], got, err, want)
		}
	}
	if compared < 1500 {
		t.Errorf("only %d pairs are versions to packaging", compared)
	}
}
