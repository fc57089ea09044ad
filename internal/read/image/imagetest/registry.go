package imagetest

import (
	"bytes"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/registry"
)

// Registry is an empty registry in memory.
func Registry() http.Handler { return registry.New(registry.Logger(log.New(io.Discard, "", 0))) }

// Serve pushes all that a layout names into a registry in memory and returns its HOST:PORT. The
// registry speaks plain HTTP and ends with the test.
func Serve(t testing.TB, l *Layout) string {
	t.Helper()
	s := httptest.NewServer(Registry())
	t.Cleanup(s.Close)
	l.Push(t, s.URL)
	return strings.TrimPrefix(s.URL, "http://")
}

// Push stores all that a layout names in a registry, which is a URL without a path. The names lose
// the host that they may have.
func (l *Layout) Push(t testing.TB, registry string) {
	t.Helper()
	for _, d := range l.Index {
		name := d.Annotations["io.containerd.image.name"]
		_, name, _ = strings.Cut(name, "/")
		repository, tag, _ := strings.Cut(strings.TrimPrefix(name, "library/"), ":")
		for digest, b := range l.Blobs {
			upload(t, registry+"/v2/"+repository+"/blobs/uploads/", digest, b)
		}
		for _, m := range l.documents {
			send(t, http.MethodPut, registry+"/v2/"+repository+"/manifests/"+m.Digest, m.MediaType, l.Blobs[m.Digest])
		}
		send(t, http.MethodPut, registry+"/v2/"+repository+"/manifests/"+tag, d.MediaType, l.Blobs[d.Digest])
	}
}

// upload asks for a place and puts the blob there (OCI distribution specification, "Pushing a blob
// monolithically").
func upload(t testing.TB, to, digest string, b []byte) {
	t.Helper()
	place := send(t, http.MethodPost, to, "", nil)
	q := place.Query()
	q.Set("digest", digest)
	place.RawQuery = q.Encode()
	send(t, http.MethodPut, place.String(), "application/octet-stream", b)
}

// send returns the location that the answer names, or the request's own.
func send(t testing.TB, method, to, mediaType string, b []byte) *url.URL {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, to, bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", mediaType)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode >= 300 {
		why, _ := io.ReadAll(res.Body)
		t.Fatalf("%s %s: %s: %s", method, to, res.Status, why)
	}
	if place, err := res.Location(); err == nil {
		return place
	}
	return req.URL
}
