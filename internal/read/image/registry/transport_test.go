package registry

import (
	"errors"
	"net/http"
	"testing"

	"github.com/plimsoll/plimsoll/internal/read/image"
)

func TestPlainHTTPOnlyWhereAllowed(t *testing.T) {
	g, err := newTransport(Options{PlainHTTP: []string{"registry.lan:5000", "other.lan"}}, "")
	if err != nil {
		t.Fatal(err)
	}
	for host, want := range map[string]bool{
		"localhost:5000": true, "127.0.0.1:5000": true, "[::1]:5000": true, "registry.lan:5000": true, "other.lan:80": true,
		"registry.lan": false, "registry.lan:80": false, "10.0.0.1:5000": false, "docker.io": false,
	} {
		if got := g.mayBePlain(host); got != want {
			t.Errorf("%s may be plain: %v", host, got)
		}
	}
	req, _ := http.NewRequest(http.MethodGet, "http://10.0.0.1:5000/v2/", nil)
	var refused *plainHTTPError
	if _, err := g.RoundTrip(req); !errors.As(err, &refused) {
		t.Errorf("plain HTTP to another host: %v", err)
	}
}

func TestPrivateAddressIsNotAskedInPlain(t *testing.T) {
	// The addresses of RFC 5737 answer nobody; what matters is that the explanation is one line.
	err := explain(errors.New("http: server gave HTTP response to HTTPS client"), image.Reference{Host: "10.0.0.1:5000"}, nil)
	if got := err.Error(); got != "registry 10.0.0.1:5000: it speaks plain HTTP, which must be allowed: --plain-http 10.0.0.1:5000" {
		t.Error(got)
	}
}

// A registry that is inside of this network may send us to where it keeps its blobs, one outside not;
// and nobody to a link's own addresses, where clouds answer for their secrets.
func TestRedirect(t *testing.T) {
	for _, c := range []struct {
		from, to string
		ok       bool
	}{
		{"https://127.0.0.1:5000/v2/", "https://10.0.0.6:9000/blob", true},
		{"https://localhost:5000/v2/", "https://127.0.0.1:9000/blob", true},
		{"https://10.0.0.5/v2/", "https://10.0.0.6/blob", true},
		{"https://10.0.0.5/v2/", "https://169.254.169.254/latest", false},
		{"https://192.0.2.7/v2/", "https://10.0.0.6/blob", false},
		{"https://192.0.2.7/v2/", "https://127.0.0.1/blob", false},
		{"https://192.0.2.7/v2/", "https://[fe80::1]/blob", false},
		{"https://192.0.2.7/v2/", "https://198.51.100.1/blob", true},
		{"https://192.0.2.7/v2/", "https://blobs.example/blob", true},
		{"https://no-such-host.invalid/v2/", "https://10.0.0.6/blob", false},
	} {
		first, err := http.NewRequestWithContext(t.Context(), http.MethodGet, c.from, nil)
		if err != nil {
			t.Fatal(err)
		}
		next, err := http.NewRequestWithContext(t.Context(), http.MethodGet, c.to, nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := checkRedirect(next, []*http.Request{first}); (err == nil) != c.ok {
			t.Errorf("%s to %s: %v", c.from, c.to, err)
		}
	}
}
