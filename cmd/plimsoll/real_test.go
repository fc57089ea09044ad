//go:build linux

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestOfflineTouchesNoNetwork watches every connection that the program tries, and wants none but to
// sockets of this host.
func TestOfflineTouchesNoNetwork(t *testing.T) {
	if os.Getenv("PLIMSOLL_TEST") != "all" {
		t.Skip("needs strace: set PLIMSOLL_TEST=all")
	}
	if _, err := exec.LookPath("strace"); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	program := filepath.Join(dir, "plimsoll")
	if out, err := exec.Command("go", "build", "-o", program, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	shop := filepath.Join("..", "..", "examples", "shop", "shop.tar")
	for _, args := range [][]string{
		{"scan", "--offline", "--fail-on", "none", shop},
		{"scan", "--offline", "no.such.registry.example/image:1"},
		{"scan", "--offline", "registry:localhost:5000/image:1"},
		{"sbom", "--offline", shop},
		{"explain", "CVE-2021-44228"},
		{"db", "status"},
	} {
		trace := filepath.Join(dir, "trace")
		cmd := exec.Command("strace", append([]string{"-f", "-e", "trace=connect,sendto,sendmsg", "-o", trace, program}, args...)...)
		cmd.Env = append(os.Environ(), "HOME="+dir)
		out, _ := cmd.CombinedOutput()
		b, err := os.ReadFile(trace)
		if err != nil || !strings.Contains(string(b), "exited with") {
			t.Fatalf("%v: strace did not run: %v %s", args, err, out)
		}
		for _, line := range strings.Split(string(b), "\n") {
			if strings.Contains(line, "AF_INET") || strings.Contains(line, "AF_NETLINK") {
				t.Errorf("%v reaches for the network: %s", args, line)
			}
		}
	}
}
