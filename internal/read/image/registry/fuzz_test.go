package registry

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"github.com/plimsoll/plimsoll/internal/read/image"
)

// FuzzRefusal reads a registry's error answers: always an error, of a bounded length, in one line.
func FuzzRefusal(f *testing.F) {
	f.Add(404, `{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown\n\u001b[2J","detail":{"Tag":"x"}}]}`)
	f.Add(401, "")
	f.Add(429, "<html>")
	f.Add(500, `{"errors":null}`)
	f.Fuzz(func(t *testing.T, status int, body string) {
		err := refusal(&http.Response{StatusCode: status, Body: io.NopCloser(strings.NewReader(body))})
		var answer *transport.Error
		if !errors.As(err, &answer) || answer.StatusCode != status {
			t.Fatalf("%T %v", err, err)
		}
		told := explain(err, image.Reference{Host: "h", Repository: "r", Tag: "t"}, nil).Error()
		if len(told) > 1500 || strings.ContainsAny(told, "\n\r") {
			t.Errorf("%d bytes: %q", len(told), told[:min(len(told), 200)])
		}
	})
}
