package wire

import (
	"bytes"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// Network is hosts around a router.
type Network struct {
	Router *Host

	t     testing.TB
	links int
}

// Host is one namespace.
type Host struct {
	Name      string // which it answers with
	Addresses []netip.Addr

	space, home *os.File // its namespace, and that of the test
}

// gateways are the router's addresses towards every host.
var gateways = map[bool]string{true: "169.254.1.1", false: "fe80::1"} // by Is4

// New makes a router, and skips the test where that cannot be done: it takes root, iproute2 and
// iptables.
func New(t testing.TB) *Network {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("only root makes network namespaces")
	}
	for _, program := range []string{"ip", "iptables-nft", "ip6tables-nft"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("%s is not installed: testbed/up installs it", program)
		}
	}
	n := &Network{t: t}
	n.Router = n.host("router")
	n.must(n.Router.Do(func() error {
		for _, name := range []string{"ipv4/ip_forward", "ipv6/conf/all/forwarding"} {
			if err := os.WriteFile("/proc/sys/net/"+name, []byte("1"), 0o600); err != nil {
				return err
			}
		}
		return batch("link set lo up")
	}))
	return n
}

// Add makes a host with addresses of its own.
func (n *Network) Add(name string, addresses ...netip.Addr) *Host {
	n.t.Helper()
	h := n.host(name)
	h.Addresses = addresses
	n.links++
	link := fmt.Sprintf("v%d", n.links)
	there := []string{"link set lo up", "link set eth0 up"}
	here := []string{
		fmt.Sprintf("link add %s type veth peer name eth0 netns /proc/%d/fd/%d", link, os.Getpid(), h.space.Fd()),
		fmt.Sprintf("link set %s up", link),
		fmt.Sprintf("addr add %s/32 dev %s", gateways[true], link),
		fmt.Sprintf("addr add %s/64 dev %s nodad", gateways[false], link),
	}
	families := map[bool]bool{}
	for _, a := range addresses {
		bits := a.BitLen()
		there = append(there, fmt.Sprintf("addr add %s/%d dev eth0%s", a, bits, map[bool]string{false: " nodad"}[a.Is4()]))
		here = append(here, fmt.Sprintf("route add %s/%d dev %s", a, bits, link))
		if !families[a.Is4()] {
			families[a.Is4()] = true
			there = append(there, fmt.Sprintf("route add default via %s dev eth0 onlink", gateways[a.Is4()]))
		}
	}
	n.must(n.Router.Do(func() error { return batch(here...) }))
	n.must(h.Do(func() error { return batch(there...) }))
	return h
}

// host makes an empty namespace.
func (n *Network) host(name string) *Host {
	n.t.Helper()
	h := &Host{Name: name}
	var err error
	h.home, err = here()
	n.must(err)
	n.must(h.from(func() error {
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			return fmt.Errorf("make a network namespace: %w", err)
		}
		h.space, err = here()
		return err
	}))
	n.t.Cleanup(func() {
		h.space.Close()
		h.home.Close()
	})
	return h
}

// from does something that leaves the namespace of the test, and comes back. A thread that could not come back ends with
// who called; one that can has to go on: programs that a test started on it may be bound to its life (PR_SET_PDEATHSIG).
func (h *Host) from(f func() error) error {
	runtime.LockOSThread()
	err := f()
	if back := unix.Setns(int(h.home.Fd()), unix.CLONE_NEWNET); back != nil {
		return fmt.Errorf("leave the namespace of %s: %w", h.Name, back)
	}
	runtime.UnlockOSThread()
	return err
}

// here is the namespace of this thread.
func here() (*os.File, error) { return os.Open("/proc/thread-self/ns/net") }

// Do does something in the namespace of a host. Sockets that are made there, and programs that are started, stay there.
func (h *Host) Do(f func() error) error {
	return h.from(func() error {
		if err := unix.Setns(int(h.space.Fd()), unix.CLONE_NEWNET); err != nil {
			return fmt.Errorf("enter the namespace of %s: %w", h.Name, err)
		}
		return f()
	})
}

// Run runs a program in the namespace of a host, to its end.
func (h *Host) Run(program string, args ...string) error {
	return h.Do(func() error { return run(exec.Command(program, args...)) })
}

func run(cmd *exec.Cmd) error {
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %s", strings.Join(cmd.Args, " "), err, bytes.TrimSpace(out))
	}
	return nil
}

// batch has ip do several things.
func batch(lines ...string) error {
	cmd := exec.Command("ip", "-batch", "-")
	cmd.Stdin = strings.NewReader(strings.Join(lines, "\n") + "\n")
	return run(cmd)
}

func (n *Network) must(err error) {
	n.t.Helper()
	if err != nil {
		n.t.Fatal(err)
	}
}
