package pair

import (
	"context"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"
)

func free(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", ":0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// TestEnds wants an asker to tell who answers from who does not, and who does not from somebody else.
func TestEnds(t *testing.T) {
	port, other, nobody := free(t), free(t), free(t)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 2)
	go func() { ended <- Listen(ctx, "n1", []int{port}) }()
	go func() { ended <- Listen(ctx, "n2", []int{other}) }()
	var targets []Target
	at := netip.MustParseAddr("127.0.0.1")
	for _, protocol := range []string{"tcp", "udp"} {
		targets = append(targets, Target{protocol, netip.AddrPortFrom(at, uint16(port)), true}, Target{protocol, netip.AddrPortFrom(at, uint16(nobody)), false})
	}
	for i, o := range Ask(ctx, "n1", targets, 20*time.Second) {
		if !o.Settled || o.Answered != targets[i].Answered || o.Tries < settledTries || o.Answered != (o.Why == "") {
			t.Errorf("%s: %+v", targets[i], o)
		}
	}
	began := time.Now()
	for i, o := range Ask(ctx, "n1", []Target{{"tcp", netip.AddrPortFrom(at, uint16(other)), true}, {"udp", netip.AddrPortFrom(at, uint16(port)), false}}, time.Second) {
		if o.Settled || o.Answered != (i == 1) || i == 0 && o.Why != "somebody else answers there" {
			t.Errorf("%+v", o)
		}
	}
	if took := time.Since(began); took < time.Second || took > 4*time.Second {
		t.Errorf("it took %s", took)
	}
	cancel()
	for range 2 {
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
}

// TestListenIsNoMirror wants nothing but questions to be answered, and no answer to be longer.
func TestListenIsNoMirror(t *testing.T) {
	port := free(t)
	go func() { _ = Listen(t.Context(), "n1", []int{port}) }()
	good := hello + strings.Repeat("a", questionLen) + "\n"
	time.Sleep(200 * time.Millisecond)
	conn, err := net.Dial("udp", netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), uint16(port)).String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	for _, text := range []string{"", "plimsoll", hello + strings.Repeat("g", questionLen) + "\n", good + "x", strings.Repeat("a", 300), hello + "\n"} {
		_, _ = conn.Write([]byte(text))
		_ = conn.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
		if n, err := conn.Read(make([]byte, 100)); err == nil {
			t.Errorf("%q is answered with %d bytes", text, n)
		}
	}
	_, _ = conn.Write([]byte(good))
	_ = conn.SetReadDeadline(time.Now().Add(5 * time.Second))
	n, err := conn.Read(make([]byte, 100))
	if err != nil || n > len(good) {
		t.Errorf("%d %v", n, err)
	}
}

func TestParseTarget(t *testing.T) {
	for _, text := range []string{"answered=tcp/10.0.0.1:80", "refused=udp/[fd00::7]:47001"} {
		got, err := ParseTarget(text)
		if err != nil || got.String() != text {
			t.Errorf("%s: %v %v", text, got, err)
		}
	}
	for _, text := range []string{"", "tcp/10.0.0.1:80", "answered=sctp/10.0.0.1:80", "refused=tcp/host:80", "open=tcp/10.0.0.1:80"} {
		if _, err := ParseTarget(text); err == nil {
			t.Errorf("%q is taken", text)
		}
	}
}

// TestListenIsNotStarved wants who holds connections and says nothing to keep nobody out.
func TestListenIsNotStarved(t *testing.T) {
	port := free(t)
	go func() { _ = Listen(t.Context(), "n1", []int{port}) }()
	time.Sleep(200 * time.Millisecond)
	at := netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), uint16(port))
	for range 300 {
		conn, err := net.Dial("tcp", at.String())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
	}
	if why := try("n1", Target{"tcp", at, true}); why != "" {
		t.Error(why)
	}
}
