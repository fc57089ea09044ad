package registry_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/plimsoll/plimsoll/internal/read/image"
	"github.com/plimsoll/plimsoll/internal/read/image/imagetest"
	"github.com/plimsoll/plimsoll/internal/read/image/registry"
)

// one is an image of one plain layer, large enough to be sent in parts.
var one = imagetest.Image{Name: "shop/cart:1.4", Layers: []imagetest.Layer{{Files: []imagetest.File{{Path: "a", Body: strings.Repeat("0123456789abcdef", 10_000)}}}}}

// sending serves image one, and answers for its layer with send.
func sending(t *testing.T, l imagetest.Layer, send func(w http.ResponseWriter, r *http.Request, blob []byte)) *image.Image {
	t.Helper()
	img := one
	img.Layers = []imagetest.Layer{l}
	layout := imagetest.New(img)
	m, err := image.ParseManifest(layout.Blobs[layout.Index[0].Digest])
	if err != nil {
		t.Fatal(err)
	}
	s, host := front(t, false, func(h http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodGet && strings.HasSuffix(r.URL.Path, m.Layers[0].Digest) {
				send(w, r, layout.Blobs[m.Layers[0].Digest])
				return
			}
			h.ServeHTTP(w, r)
		})
	})
	layout.Push(t, s.URL)
	images, err := registry.Open(t.Context(), host+"/shop/cart:1.4", registry.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return images[0]
}

// TestEndlessLayer sends a layer and then zeros for ever, without a length: reading ends past the size
// that the manifest says, whether they are the layer's own padding or lie behind a compressed one.
func TestEndlessLayer(t *testing.T) {
	anonymous(t)
	for _, c := range []imagetest.Compression{"", imagetest.Gzip, imagetest.Zstd} {
		l := one.Layers[0]
		l.Compression = c
		var sent atomic.Int64
		img := sending(t, l, func(w http.ResponseWriter, r *http.Request, blob []byte) {
			w.Write(blob)
			for zeros := make([]byte, 1<<20); r.Context().Err() == nil && sent.Load() < 1<<30; {
				n, err := w.Write(zeros)
				sent.Add(int64(n))
				if err != nil {
					return
				}
			}
		})
		_, err := paths(t, img)
		wantError(t, err, "the registry sends more than the ", "sha256:")
		if sent.Load() >= 1<<30 {
			t.Errorf("%q: a gigabyte was taken", c)
		}
	}
}

// TestWrongContinuation breaks off and goes on with more, or with another part, than is left.
func TestWrongContinuation(t *testing.T) {
	anonymous(t)
	for name, c := range map[string]struct {
		status  int
		headers func(from, size int) map[string]string
		more    bool
		err     string
	}{
		"longer": {206, func(from, size int) map[string]string {
			return map[string]string{"Content-Length": fmt.Sprint(size - from + 1)}
		}, true, "the manifest leaves"},
		"another part": {206, func(from, size int) map[string]string {
			return map[string]string{"Content-Range": fmt.Sprintf("bytes %d-%d/%d", from-1, size-2, size)}
		}, false, "was asked for"},
		"longer from the front": {200, func(_, size int) map[string]string {
			return map[string]string{"Content-Length": fmt.Sprint(size + 1)}
		}, true, "the manifest leaves"},
		"endless": {206, func(int, int) map[string]string { return nil }, true, "the registry sends more than"},
	} {
		t.Run(name, func(t *testing.T) {
			var asked atomic.Int32
			img := sending(t, one.Layers[0], func(w http.ResponseWriter, r *http.Request, blob []byte) {
				if asked.Add(1) == 1 {
					w.Header().Set("Content-Length", fmt.Sprint(len(blob)))
					w.Write(blob[:len(blob)/2])
					panic(http.ErrAbortHandler)
				}
				var from int
				fmt.Sscanf(r.Header.Get("Range"), "bytes=%d-", &from)
				for k, v := range c.headers(from, len(blob)) {
					w.Header().Set(k, v)
				}
				w.WriteHeader(c.status)
				if c.status == http.StatusOK {
					from = 0
				}
				w.Write(blob[from:])
				for deadline := time.Now().Add(5 * time.Second); c.more && time.Now().Before(deadline); {
					if _, err := w.Write(make([]byte, 1<<16)); err != nil {
						return
					}
				}
			})
			_, err := paths(t, img)
			wantError(t, err, c.err)
		})
	}
}
