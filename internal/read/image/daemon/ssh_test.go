//go:build unix

package daemon

import (
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/plimsoll/plimsoll/internal/read/image"
	"github.com/plimsoll/plimsoll/internal/read/image/imagetest"
)

func TestSSHCommand(t *testing.T) {
	for _, c := range []struct{ kind, host, key, want string }{
		{"docker", "ssh://h", "", "ssh -T -o ConnectTimeout=30 -- h docker system dial-stdio"},
		{"docker", "ssh://u@h:2222/run/d.sock", "", "ssh -T -o ConnectTimeout=30 -l u -p 2222 -- h docker --host unix:///run/d.sock system dial-stdio"},
		{"podman", "ssh://core@127.0.0.1:53685/run/user/501/podman/podman.sock", "/k", "ssh -T -o ConnectTimeout=30 -l core -p 53685 -i /k -- 127.0.0.1 podman --url unix:///run/user/501/podman/podman.sock system dial-stdio"},
	} {
		got, err := sshCommand(c.kind, c.host, c.key)
		if err != nil || strings.Join(got, " ") != c.want {
			t.Errorf("%s: %q, %v", c.host, got, err)
		}
	}
	for _, host := range []string{"ssh://", "ssh://-oProxyCommand=x", "ssh://-l@h", "ssh://u:secret@h", "ssh://h/a;rm -rf", "ssh://h/$(x)", "ssh://h?x=y"} {
		if got, err := sshCommand("docker", host, ""); err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %q, %v", host, got, err)
		}
	}
}

// TestMain is also the ssh of these tests: it connects its standard input and output to a socket.
func TestMain(m *testing.M) {
	address := os.Getenv("PLIMSOLL_TEST_SSH")
	if address == "" {
		os.Exit(m.Run())
	}
	conn, err := net.Dial("tcp", address)
	if err != nil {
		fmt.Fprintln(os.Stderr, "Permission denied\n(publickey).")
		os.Exit(255)
	}
	go func() {
		io.Copy(conn, os.Stdin)
		conn.(*net.TCPConn).CloseWrite()
	}()
	io.Copy(os.Stdout, conn)
}

// standIn puts an ssh first on the path that is this test's own.
func standIn(t *testing.T, script string) {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "ssh"), []byte("#!/bin/sh\n"+script), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
}

func TestSSH(t *testing.T) {
	_, i := dockerRoot(t, cart)
	near := engineOf(t, i, imagetest.OldDockerTar(cart))
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	address := strings.TrimPrefix(near.base, "http://")
	standIn(t, "PLIMSOLL_TEST_SSH="+address+" exec "+self+"\n")
	far, err := At("docker", "ssh://u@h")
	if err != nil {
		t.Fatal(err)
	}
	images, err := far.Open(t.Context(), cart.Name, image.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer images[0].Close()
	if diff := cmp.Diff(diffIDs(cart), images[0].Config.DiffIDs); diff != "" || !far.Network() {
		t.Errorf("network %v: %s", far.Network(), diff)
	}
	standIn(t, "PLIMSOLL_TEST_SSH=127.0.0.1:1 exec "+self+"\n")
	far, err = At("docker", "ssh://u@h")
	if err != nil {
		t.Fatal(err)
	}
	err = far.Has(t.Context(), cart.Name)
	if err == nil || !strings.HasSuffix(err.Error(), "ask Docker (ssh://u@h): ssh: Permission denied (publickey).") {
		t.Errorf("refused: %v", err)
	}
}
