package update_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/plimsoll/plimsoll/internal/read/advisory/update"
)

func TestHTTPAddress(t *testing.T) {
	for _, address := range []string{"", "ftp://example.org/db", "example.org/db", "http://", "https://\x7f"} {
		if _, err := update.HTTP(address, nil); err == nil {
			t.Errorf("%q is taken for a mirror", address)
		}
	}
	m, err := update.HTTP("https://user:secret@example.org/db", nil)
	if err != nil || strings.Contains(m.Name, "secret") || m.Local {
		t.Errorf("%+v, %v", m, err)
	}
}

// TestRedirect follows a mirror to its store, but not from TLS to plain text.
func TestRedirect(t *testing.T) {
	from := mirror(t, monday, "1.0.0", key)
	plain := httptest.NewServer(http.FileServer(http.Dir(from)))
	defer plain.Close()
	to := func(target string) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, target+r.URL.Path, http.StatusFound)
		})
	}
	if _, err := update.Run(t.Context(), options(t.TempDir(), over(t, to(plain.URL)))); err != nil {
		t.Error(err)
	}
	tls := httptest.NewTLSServer(to(plain.URL))
	defer tls.Close()
	m, err := update.HTTP(tls.URL, tls.Client())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := update.Run(t.Context(), options(t.TempDir(), m)); err == nil || !strings.Contains(err.Error(), "it leads from https to http") {
		t.Errorf("%v", err)
	}
}
