package registry_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/plimsoll/plimsoll/internal/read/image"
	"github.com/plimsoll/plimsoll/internal/read/image/layer"
	"github.com/plimsoll/plimsoll/internal/read/image/registry"
)

// TestDrip is a registry that sends a byte now and then, for ever.
func TestDrip(t *testing.T) {
	anonymous(t)
	var where atomic.Value
	where.Store("")
	_, host := front(t, false, func(h http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			at := where.Load().(string)
			if at == "" || !strings.Contains(r.URL.Path, at) {
				h.ServeHTTP(w, r)
				return
			}
			for r.Context().Err() == nil {
				w.Write([]byte(" "))
				w.(http.Flusher).Flush()
				time.Sleep(10 * time.Millisecond)
			}
		})
	})
	o := registry.Options{Idle: 300 * time.Millisecond}
	images, err := registry.Open(t.Context(), host+"/shop/cart:1.4", o)
	if err != nil {
		t.Fatal(err)
	}
	for _, at := range []string{"/manifests/", "/blobs/", "/v2/"} {
		where.Store(at)
		begin := time.Now()
		if _, err := registry.Open(t.Context(), host+"/shop/cart:1.4", o); err == nil {
			t.Errorf("%s: read all the same", at)
		}
		if took := time.Since(begin); took > 10*time.Second {
			t.Errorf("%s: given up after %s", at, took)
		}
	}
	where.Store("/blobs/")
	b, err := images[0].Layers[0].Open(t.Context())
	if err == nil {
		_, err = layer.Walk(t.Context(), b, layer.Options{}, func(*layer.Entry) error { return nil })
		b.Close()
	}
	wantError(t, err, "next to nothing")
}

// TestEndlessGreeting is a registry whose first answer does not end.
func TestEndlessGreeting(t *testing.T) {
	anonymous(t)
	_, host := front(t, false, func(h http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != "/v2/" {
				h.ServeHTTP(w, r)
				return
			}
			for block := make([]byte, 64<<10); r.Context().Err() == nil; {
				w.Write(block)
			}
		})
	})
	done := make(chan error, 1)
	go func() {
		_, err := registry.Open(t.Context(), host+"/shop/cart:1.4", registry.Options{})
		done <- err
	}()
	select {
	case err := <-done:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(20 * time.Second):
		t.Error("the greeting is read for ever")
	}
}

// TestRedirectKeepsSecret sends a blob's reader to another host: it gets no credentials, whichever way a
// registry asks for them. One that leads to an address inside of this network is not followed.
func TestRedirectKeepsSecret(t *testing.T) {
	anonymous(t)
	var other *httptest.Server
	var leaked atomic.Value
	_, host := front(t, false, func(h http.Handler) http.Handler {
		other = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if a := r.Header.Get("Authorization"); a != "" {
				leaked.Store(a)
			}
			h.ServeHTTP(w, r)
		}))
		t.Cleanup(other.Close)
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			user, password, _ := r.BasicAuth()
			switch {
			case user != "robot" || password != "secret":
				w.Header().Set("WWW-Authenticate", `Basic realm="shop"`)
				w.WriteHeader(http.StatusUnauthorized)
			case strings.Contains(r.URL.Path, "/blobs/"):
				http.Redirect(w, r, other.URL+r.URL.Path, http.StatusTemporaryRedirect)
			default:
				h.ServeHTTP(w, r)
			}
		})
	})
	login(t, host, "robot", "secret")
	images, err := registry.Open(t.Context(), host+"/shop/cart:1.4", registry.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := paths(t, images[0]); err != nil {
		t.Error(err)
	}
	if a := leaked.Load(); a != nil {
		t.Errorf("another host got %q", a)
	}
	other.URL = "http://169.254.169.254"
	_, err = registry.Open(t.Context(), host+"/shop/cart:1.4", registry.Options{})
	wantError(t, err, "an address inside of this network")
}

// TestEndlessChallenge never lets anybody in, whatever they say.
func TestEndlessChallenge(t *testing.T) {
	anonymous(t)
	var asked atomic.Int32
	var host string
	_, host = front(t, false, func(h http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			asked.Add(1)
			if r.URL.Path == "/token" {
				w.Write([]byte(`{"token":"abc"}`))
				return
			}
			w.Header().Set("WWW-Authenticate", `Bearer realm="http://`+host+`/token",service="shop"`)
			w.WriteHeader(http.StatusUnauthorized)
		})
	})
	if _, err := registry.Open(t.Context(), host+"/shop/cart:1.4", registry.Options{}); err == nil {
		t.Error("let in")
	}
	if n := asked.Load(); n > 20 {
		t.Errorf("asked %d times", n)
	}
}

// TestMoreThanSaid sends a layer that is longer than the manifest says, without a length of its own.
func TestMoreThanSaid(t *testing.T) {
	anonymous(t)
	_, host := front(t, false, func(h http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			h.ServeHTTP(&chatty{ResponseWriter: w, on: strings.Contains(r.URL.Path, "/blobs/")}, r)
		})
	})
	images, err := registry.Open(t.Context(), host+"/shop/cart:1.4", registry.Options{Options: image.Options{}})
	if err != nil {
		if !strings.Contains(err.Error(), "digest") {
			t.Error(err)
		}
		return
	}
	if _, err := paths(t, images[0]); err == nil {
		t.Error("a layer with more bytes than the manifest says was read")
	}
}

// chatty adds to what is sent.
type chatty struct {
	http.ResponseWriter
	on   bool
	said bool
}

func (c *chatty) WriteHeader(status int) {
	if c.on {
		c.Header().Del("Content-Length")
	}
	c.ResponseWriter.WriteHeader(status)
}

func (c *chatty) Write(b []byte) (int, error) {
	n, err := c.ResponseWriter.Write(b)
	if c.on && !c.said {
		c.said = true
		c.ResponseWriter.Write(make([]byte, 1024))
	}
	return n, err
}
