package npm

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestOrderOfNPM holds the order against node-semver, the library that npm itself carries, on versions
// made of the pieces that matter.
func TestOrderOfNPM(t *testing.T) {
	root, err := exec.Command(lookup(t), "root", "--global").Output()
	if err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(1, 2))
	pick := func(of ...string) string { return of[random.IntN(len(of))] }
	version := func() string {
		v := pick("", "", "v", "=") + pick("0", "1", "2") + "." + pick("0", "1", "10", "9") + "." + pick("0", "1", "99999999")
		separator := "-"
		for range random.IntN(4) {
			v += separator + pick("0", "1", "2", "11", "a", "alpha", "beta", "rc", "x-y", "A1", "1a", "9007199254740991")
			separator = "."
		}
		return v + pick("", "", "", "+build", "+1.2")
	}
	var pairs [][2]string
	var in bytes.Buffer
	for range 3000 {
		pair := [2]string{version(), version()}
		pairs = append(pairs, pair)
		fmt.Fprintln(&in, pair[0], pair[1])
	}
	node := exec.Command("node", "-e", `const s = require(process.argv[1]);
		for (const l of require("fs").readFileSync(0, "utf8").trim().split("\n")) {
			const [a, b] = l.split(" ");
			console.log(s.valid(a) && s.valid(b) ? s.compare(a, b) : "none");
		}`, filepath.Join(strings.TrimSpace(string(root)), "npm", "node_modules", "semver"))
	node.Stdin = &in
	out, err := node.Output()
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
			t.Errorf("compare%q = %d, %v; npm says %s", pairs[i], got, err, want)
		}
	}
	if compared < 1000 {
		t.Errorf("only %d pairs are versions to npm", compared)
	}
}
