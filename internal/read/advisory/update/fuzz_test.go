package update

import (
	"io"
	"net/http"
	"strings"
	"testing"
)

// fixed is a server that always says the same.
type fixed struct {
	status int
	header http.Header
}

func (s fixed) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: s.status, Header: s.header, Body: io.NopCloser(strings.NewReader("body")), Request: r}, nil
}

// FuzzAnswer reads the head of a mirror's answer: a body begins where it was asked to, or at the file's
// own beginning.
func FuzzAnswer(f *testing.F) {
	f.Add(200, "", "\"tag\"", int64(0))
	f.Add(206, "bytes 10-19/20", "", int64(10))
	f.Add(206, "bytes -1-19/20", "", int64(10))
	f.Add(304, "", "x", int64(0))
	f.Add(302, "http://[::1", "", int64(0))
	f.Fuzz(func(t *testing.T, status int, contentRange, tag string, offset int64) {
		if status < 100 || status > 599 || offset < 0 {
			return
		}
		h := http.Header{}
		h.Set("Content-Range", contentRange)
		h.Set("ETag", tag)
		h.Set("Location", contentRange)
		client := &http.Client{Transport: fixed{status, h}, CheckRedirect: redirect}
		a, err := get(t.Context(), client, "http://mirror.example/manifest.json", Request{Name: "manifest.json", Offset: offset, Tag: "x"})
		switch {
		case err != nil && a.Body != nil:
			t.Errorf("a body beside %v", err)
		case err == nil && !a.Unchanged && a.Offset != offset && a.Offset != 0:
			t.Errorf("from %d on, asked for %d", a.Offset, offset)
		}
	})
}
