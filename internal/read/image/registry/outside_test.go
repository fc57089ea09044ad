package registry

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/plimsoll/plimsoll/internal/read/image/imagetest"
)

func TestNear(t *testing.T) {
	for address, want := range map[string]bool{
		"127.0.0.1": true, "127.8.8.8": true, "::1": true, "::ffff:127.0.0.1": true, "0.0.0.0": true, "::": true,
		"169.254.169.254": true, "::ffff:169.254.169.254": true, "fe80::1": true, "fe80::1%eth0": true, "fd00:ec2::254": true, "fd20:ce::254": true,
		"100.100.100.200": true, "224.0.0.1": true, "10.0.0.5": false, "192.168.1.1": false, "198.51.100.1": false, "2001:db8::1": false, "fd00::1": false,
	} {
		if got := isNear(netip.MustParseAddr(address)); got != want {
			t.Errorf("%s: %v", address, got)
		}
	}
	env := map[string]string{"HTTPS_PROXY": "http://me:pass@proxy.lan:3128", "http_proxy": "127.0.0.1:8080"}
	if got := strings.Join(proxies(func(s string) string { return env[s] }), " "); got != "proxy.lan:3128 127.0.0.1:8080" {
		t.Errorf("proxies are %q", got)
	}
	env = map[string]string{"HTTPS_PROXY": "https://proxy.lan", "HTTP_PROXY": "socks5://[fd00::1]", "http_proxy": "proxy"}
	if got := strings.Join(proxies(func(s string) string { return env[s] }), " "); got != "proxy.lan:443 [fd00::1]:1080 proxy:80" {
		t.Errorf("proxies are %q", got)
	}
}

// TestOutside has registries that are meant lead to what is not: by where to sign in, and by where a manifest is.
func TestOutside(t *testing.T) {
	t.Setenv("HOME", t.TempDir())
	var asked atomic.Int64
	secret := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { asked.Add(1); fmt.Fprint(w, `{"token": "x"}`) }))
	defer secret.Close()
	near := strings.Replace(secret.URL, "127.0.0.1", "localhost", 1)
	for name, answer := range map[string]http.HandlerFunc{
		"where to sign in": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("WWW-Authenticate", fmt.Sprintf(`Bearer realm="%s/token",service="x"`, near))
			w.WriteHeader(http.StatusUnauthorized)
		},
		"where a manifest is": func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != "/v2/" {
				http.Redirect(w, r, near+"/latest/meta-data", http.StatusTemporaryRedirect)
			}
		},
	} {
		s := httptest.NewServer(answer)
		defer s.Close()
		reference := strings.TrimPrefix(s.URL, "http://") + "/shop/cart:1"
		_, err := Open(t.Context(), reference, Options{Outside: true})
		var inside *insideError
		if !errors.As(err, &inside) || inside.host != "localhost" || asked.Load() != 0 {
			t.Errorf("%s: %v, asked %d times", name, err, asked.Load())
		}
		if _, err := Open(t.Context(), reference, Options{}); err == nil || asked.Load() == 0 {
			t.Errorf("%s: who may go there does not: %v", name, err) // or the test would hold anything
		}
		asked.Store(0)
	}
}

// TestMeant asks a registry of this machine that is named by its address.
func TestMeant(t *testing.T) {
	t.Setenv("HOME", t.TempDir())
	l := imagetest.New(imagetest.Image{Name: "shop/cart:1", Layers: []imagetest.Layer{{Files: []imagetest.File{{Path: "a"}}}}})
	host := imagetest.Serve(t, l)
	for _, host := range []string{host, strings.Replace(host, "127.0.0.1", "localhost", 1)} {
		images, err := Open(t.Context(), host+"/shop/cart:1", Options{Outside: true})
		if err != nil {
			t.Fatal(err)
		}
		images[0].Close()
	}
}

// TestProxy lets a proxy of this machine be used, and nothing else that listens there.
func TestProxy(t *testing.T) {
	proxy, secret := httptest.NewServer(nil), httptest.NewServer(nil)
	defer proxy.Close()
	defer secret.Close()
	dial := outside(net.Dialer{}, "registry.example", func(name string) string { return map[string]string{"HTTPS_PROXY": proxy.URL}[name] })
	c, err := dial(t.Context(), "tcp", proxy.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
	var inside *insideError
	if _, err := dial(t.Context(), "tcp", secret.Listener.Addr().String()); !errors.As(err, &inside) {
		t.Errorf("beside the proxy: %v", err)
	}
}
