package registry_test

import (
	"errors"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/plimsoll/plimsoll/internal/read/image"
	"github.com/plimsoll/plimsoll/internal/read/image/imagetest"
	"github.com/plimsoll/plimsoll/internal/read/image/registry"
)

// A registry that limits or fails is asked again, as late as it says; not for ever.
func TestAsksAgain(t *testing.T) {
	anonymous(t)
	for _, c := range []struct {
		name    string
		status  int
		refused int32  // answers before a good one
		after   string // Retry-After
		asked   int32
		err     string
		down    bool
	}{
		{name: "limits", status: 429, refused: 2, asked: 3},
		{name: "limits, with a date", status: 429, refused: 1, after: "Thu, 01 Jan 1970 00:00:00 GMT", asked: 2},
		{name: "limits for a while", status: 429, refused: 1, after: "0", asked: 2},
		{name: "limits for long", status: 429, refused: 1, after: "3600", asked: 1, err: "limits how often", down: true},
		{name: "limits for good", status: 429, refused: 9, asked: 3, err: "limits how often", down: true},
		{name: "fails", status: 500, refused: 1, asked: 2},
		{name: "is down", status: 503, refused: 9, asked: 3, err: "answers 503", down: true},
		{name: "breaks off", refused: 2, asked: 3},
		{name: "refuses", status: 403, refused: 9, asked: 1, err: "who is not signed in"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var asked atomic.Int32
			_, host := front(t, false, func(h http.Handler) http.Handler {
				return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if !strings.HasSuffix(r.URL.Path, "/manifests/1.4") || r.Method != http.MethodGet || asked.Add(1) > c.refused {
						h.ServeHTTP(w, r)
						return
					}
					if c.status == 0 {
						panic(http.ErrAbortHandler)
					}
					w.Header().Set("Retry-After", c.after)
					w.WriteHeader(c.status)
				})
			})
			images, err := registry.Open(t.Context(), host+"/shop/cart:1.4", registry.Options{Pause: time.Millisecond})
			if asked.Load() != c.asked {
				t.Errorf("asked %d times, want %d", asked.Load(), c.asked)
			}
			if c.err == "" {
				if err != nil {
					t.Fatal(err)
				}
				images[0].Close()
				return
			}
			wantError(t, err, c.err)
			if down := (*image.DownError)(nil); errors.As(err, &down) != c.down {
				t.Errorf("down %v: %v", !c.down, err)
			}
		})
	}
}

// A part that a registry has lost is told from an image that it does not have.
func TestLostPart(t *testing.T) {
	anonymous(t)
	l := imagetest.New(cart)
	m, err := image.ParseManifest(l.Blobs[l.Index[0].Digest])
	if err != nil {
		t.Fatal(err)
	}
	lose := func(digest string) ([]*image.Image, error) {
		_, host := front(t, false, func(h http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Method == http.MethodGet && strings.HasSuffix(r.URL.Path, digest) {
					http.NotFound(w, r)
					return
				}
				h.ServeHTTP(w, r)
			})
		})
		return registry.Open(t.Context(), host+"/shop/cart:1.4", registry.Options{})
	}
	_, err = lose(m.Config.Digest)
	wantError(t, err, "image configuration "+m.Config.Digest+" is missing")
	images, err := lose(m.Layers[0].Digest)
	if err != nil {
		t.Fatal(err)
	}
	_, err = images[0].Layers[0].Open(t.Context())
	wantError(t, err, "layer "+m.Layers[0].Digest)
	if none := (*image.NotFoundError)(nil); errors.As(err, &none) || !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a lost layer: %v", err)
	}
}

// A mirror that fails is told of, whether the registry itself answers or not.
func TestMirrorInVain(t *testing.T) {
	anonymous(t)
	host := imagetest.Serve(t, imagetest.New(cart))
	broken := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) }))
	t.Cleanup(broken.Close)
	mirror := strings.TrimPrefix(broken.URL, "http://")
	o := registry.Options{Mirrors: map[string][]string{host: {mirror}, "127.0.0.1:1": {mirror}}}
	images, err := registry.Open(t.Context(), host+"/shop/cart:1.4", o)
	if err != nil {
		t.Fatal(err)
	}
	images[0].Close()
	if said := strings.Join(images[0].Notice, "; "); !strings.Contains(said, "its mirror "+mirror+" was asked in vain: ") {
		t.Errorf("said %q", said)
	}
	_, err = registry.Open(t.Context(), "127.0.0.1:1/shop/cart:1.4", o)
	wantError(t, err, "registry 127.0.0.1:1: dial", "its mirror "+mirror+" was asked in vain")
}

// TestMirrorNotWhole has a mirror that lacks one of the platforms that are asked for: the registry itself
// is asked. Where that lacks it too, it is a gap.
func TestMirrorNotWhole(t *testing.T) {
	anonymous(t)
	serve := func(whole bool) string {
		l := imagetest.New()
		other := cart
		other.Platform = "linux/arm64"
		arm := l.Add(other)
		l.Tag("shop/cart:1.4", l.AddIndex(false, l.Add(cart), arm))
		if !whole {
			m, err := image.ParseManifest(l.Blobs[arm.Digest])
			if err != nil {
				t.Fatal(err)
			}
			delete(l.Blobs, m.Config.Digest)
		}
		return imagetest.Serve(t, l)
	}
	mirror, host, poor := serve(false), serve(true), serve(false)
	all := image.Options{Platform: "all"}
	for at, want := range map[string]int{host: 2, poor: 1} {
		images, err := registry.Open(t.Context(), at+"/shop/cart:1.4", registry.Options{Options: all, Mirrors: map[string][]string{at: {mirror}}})
		if err != nil || len(images) != want || len(images[0].Gaps) != 2-want {
			t.Fatalf("%d images, %v", len(images), err)
		}
		if said := strings.Join(images[0].Notice, "; "); !strings.Contains(said, "its mirror "+mirror+" was asked in vain: linux/arm64") {
			t.Errorf("said %q", said)
		}
		for _, img := range images {
			img.Close()
		}
	}
}
