package probe

import (
	"crypto/x509"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// quick is a prober whose patience outlasts any machine's load.
func quick() *Prober {
	return &Prober{Timeout: time.Minute, Rate: 10_000, Jobs: 4, UserAgent: "plimsoll/test (cluster probe)"}
}

func placeOf(t *testing.T, service, at string) Place {
	t.Helper()
	w, err := ParseWord(service + "=" + at)
	if err != nil {
		t.Fatal(err)
	}
	all, err := w.Places(t.Context())
	if err != nil || len(all) != 1 {
		t.Fatal(all, err)
	}
	return all[0]
}

func askOne(t *testing.T, p *Prober, place Place) *Port {
	t.Helper()
	ports, err := p.Ask(t.Context(), []Place{place})
	if err != nil {
		t.Fatal(err)
	}
	return &ports[0]
}

func TestParseWord(t *testing.T) {
	for text, want := range map[string]string{
		"192.0.2.1":                   "13 ports",
		"192.0.2.1:10250":             "kubelet 192.0.2.1:10250",
		"kubelet=192.0.2.1":           "kubelet 192.0.2.1:10250",
		"kubelet=192.0.2.1:1":         "kubelet 192.0.2.1:1",
		"2001:db8::1":                 "13 ports",
		"[2001:db8::1]:2379":          "etcd [2001:db8::1]:2379",
		"etcd-peer=2001:db8::1":       "etcd-peer [2001:db8::1]:2380",
		"apiserver=[2001:db8::1]":     "apiserver [2001:db8::1]:6443",
		"::ffff:192.0.2.1":            "13 ports",
		"192.0.2.1:1":                 "what listens on port 1 is not known",
		"kublet=192.0.2.1":            `"kublet" is no service`,
		"https://192.0.2.1:6443":      "is no address",
		"192.0.2.1:99999":             `"99999" is no port`,
		"":                            "names no host",
		"kubelet=":                    "names no host",
		"a b":                         "names no host",
		"192.0.2.1:10250:10250:10250": "is no address",
	} {
		w, err := ParseWord(text)
		got := fmt.Sprint(err)
		if err == nil {
			all, err := w.Places(t.Context())
			if err != nil {
				t.Fatal(text, err)
			}
			if got = fmt.Sprint(len(all), " ports"); len(all) == 1 {
				got = all[0].Service.Name + " " + all[0].String()
			}
		}
		if !strings.Contains(got, want) {
			t.Errorf("%q: %s, want %s", text, got, want)
		}
	}
}

// TestReadsOnly holds that nothing but GET and OPTIONS is sent, honestly named, and that no redirect is followed.
func TestReadsOnly(t *testing.T) {
	var elsewhere atomic.Int32
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { elsewhere.Add(1) }))
	defer other.Close()
	var mu sync.Mutex
	asked := map[string]int{}
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		asked[r.Method]++
		if r.UserAgent() != "plimsoll/test (cluster probe)" {
			t.Errorf("%s is sent as %q", r.URL, r.UserAgent())
		}
		http.Redirect(w, r, other.URL, http.StatusFound)
	}))
	defer s.Close()
	port := askOne(t, quick(), placeOf(t, "kubelet", s.Listener.Addr().String()))
	a := port.Find(Nobody, "https", Pods)
	if a == nil || a.Status != http.StatusFound || !strings.HasPrefix(a.Says, "sends on to http://127.0.0.1") {
		t.Errorf("%+v", a)
	}
	if elsewhere.Load() != 0 {
		t.Error("a redirect was followed")
	}
	got := 0
	for _, a := range port.Answers {
		if a.Scheme != "" {
			got++
		}
	}
	if asked["GET"]+asked["OPTIONS"] != got || len(asked) != 2 {
		t.Errorf("%v was asked, and %d questions are told", asked, got)
	}
}

// TestToken holds that a token is shown to nobody but who proves to be of the cluster.
func TestToken(t *testing.T) {
	var shown atomic.Int32
	handler := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "" {
			shown.Add(1)
		}
	})
	s := httptest.NewTLSServer(handler)
	defer s.Close()
	plain := httptest.NewServer(handler)
	defer plain.Close()
	p := quick()
	p.Token, p.Roots = "secret", x509.NewCertPool()
	askOne(t, p, placeOf(t, "apiserver", s.Listener.Addr().String()))
	askOne(t, p, placeOf(t, "kubelet-read-only", plain.Listener.Addr().String()))
	if shown.Load() != 0 {
		t.Error("a token was shown to who proved nothing")
	}
	p.Roots.AddCert(s.Certificate())
	port := askOne(t, p, placeOf(t, "apiserver", s.Listener.Addr().String()))
	if shown.Load() == 0 || port.Find(Account, "https", Forbidden) == nil {
		t.Error("the account did not ask")
	}
}

// TestHostile holds that an endless answer ends, and what is no answer is told as such.
func TestHostile(t *testing.T) {
	endless := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for r.Context().Err() == nil {
			if _, err := w.Write([]byte(strings.Repeat("{", 1<<10))); err != nil {
				return
			}
		}
	}))
	defer endless.Close()
	if a := askOne(t, quick(), placeOf(t, "api-insecure", endless.Listener.Addr().String())).Find(Nobody, "http", API); a == nil || a.Outcome != Answered || a.Says != "" {
		t.Errorf("%+v", a)
	}
	long := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusForbidden)
		fmt.Fprintf(w, `{"kind": "Status", "message": %q}`, strings.Repeat("\x1b[31m\n", 1000))
	}))
	defer long.Close()
	if a := askOne(t, quick(), placeOf(t, "api-proxy", long.Listener.Addr().String())).Find(Nobody, "http", API); a == nil || a.Status != http.StatusForbidden || len([]rune(a.Says)) > maxSays+1 || strings.Contains(a.Says, "\n") {
		t.Errorf("%+v", a)
	}
	// A server whose headers never end.
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				_, err := c.Write([]byte("HTTP/1.1 200 OK\r\n"))
				for err == nil {
					_, err = c.Write([]byte("X: " + strings.Repeat("y", 1000) + "\r\n"))
				}
			}()
		}
	}()
	if a := askOne(t, quick(), placeOf(t, "api-proxy", l.Addr().String())).Find(Nobody, "http", API); a == nil || a.Outcome.Told() {
		t.Errorf("%+v", a)
	}
}

// TestIPv6 asks an address of the newer kind.
func TestIPv6(t *testing.T) {
	l, err := net.Listen("tcp6", "[::1]:0")
	if err != nil {
		t.Skip("this machine has no IPv6: ", err)
	}
	s := httptest.NewUnstartedServer(http.NotFoundHandler())
	s.Listener.Close()
	s.Listener = l
	s.StartTLS()
	defer s.Close()
	port := askOne(t, quick(), placeOf(t, "scheduler", l.Addr().String()))
	a := port.Find(Nobody, "https", Forbidden)
	if port.State != Open || a == nil || a.Status != http.StatusNotFound || !port.Local() {
		t.Errorf("%s: %+v", port.State, a)
	}
	if err := MadeOut(port.Place, port.TLS.Chain[0]); err != nil { // httptest's is made out to ::1
		t.Error(err)
	}
}

// TestClosed tells a port that refuses from one that nobody answers for.
func TestClosed(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	at := l.Addr().String()
	l.Close()
	if p := askOne(t, quick(), placeOf(t, "etcd", at)); p.State != Closed || len(p.Answers) != 0 {
		t.Errorf("%+v", p)
	}
}

// TestKinds holds each cipher suite that Go speaks to its kind.
func TestKinds(t *testing.T) {
	got := map[string]string{}
	for _, name := range []string{
		"TLS_RSA_WITH_RC4_128_SHA", "TLS_ECDHE_RSA_WITH_3DES_EDE_CBC_SHA", "TLS_RSA_WITH_AES_128_GCM_SHA256", "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA",
		"TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256", "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
	} {
		got[name] = kindOf(name)
	}
	want := map[string]string{
		"TLS_RSA_WITH_RC4_128_SHA": RC4, "TLS_ECDHE_RSA_WITH_3DES_EDE_CBC_SHA": DES3, "TLS_RSA_WITH_AES_128_GCM_SHA256": RSA,
		"TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA": CBC, "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256": CBC,
		"TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256": "", "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256": "",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// FuzzSort holds that a hostile body breaks nothing, and that what is kept of it is short and on one line.
func FuzzSort(f *testing.F) {
	for _, s := range []string{`{"kind":"PodList","items":[{"a":`, `{"etcdserver":"3.4.23"}`, "# HELP x", `{"kind":1,"message":[]}`, "[[[[", "Forbidden (user=x)\n"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if s := sort(b); len([]rune(s)) > maxSays+1 || strings.ContainsAny(s, "\r\n") {
			t.Errorf("%q", s)
		}
	})
}

// TestNotMadeOut reads what a certificate is made out to by name, too.
func TestNotMadeOut(t *testing.T) {
	s := httptest.NewTLSServer(nil)
	defer s.Close()
	c := s.Certificate() // of example.com, 127.0.0.1 and ::1
	for _, one := range []struct {
		place Place
		ok    bool
	}{
		{Place{Address: netip.MustParseAddr("127.0.0.1")}, true},
		{Place{Address: netip.MustParseAddr("192.0.2.1")}, false},
		{Place{Address: netip.MustParseAddr("192.0.2.1"), Name: "example.com"}, true},
		{Place{Address: netip.MustParseAddr("192.0.2.1"), Name: "example.net"}, false},
	} {
		if err := MadeOut(one.place, c); (err == nil) != one.ok {
			t.Errorf("%+v: %v", one.place, err)
		}
	}
}

// TestPace holds that questions wait for each other, whoever asks them.
func TestPace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := pace{gap: time.Second}
		begin := time.Now()
		var group sync.WaitGroup
		for range 5 {
			group.Go(func() {
				if err := p.wait(t.Context()); err != nil {
					t.Error(err)
				}
			})
		}
		group.Wait()
		if took := time.Since(begin); took != 4*time.Second {
			t.Errorf("five questions at one a second took %s", took)
		}
	})
}
