package registry

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"strings"

	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"github.com/plimsoll/plimsoll/internal/read/image"
)

// errForeign is why a layer is not even asked for.
var errForeign = fmt.Errorf("it is not distributed: %w", fs.ErrNotExist)

// refusal is a registry's error answer (OCI distribution specification, "Error Codes").
func refusal(res *http.Response) error {
	b, _ := io.ReadAll(io.LimitReader(res.Body, 64<<10))
	e := &transport.Error{StatusCode: res.StatusCode}
	_ = json.Unmarshal(b, e)
	return e
}

// absent tells a part of an image that the registry has lost from an image that it does not have.
func absent(err error) error {
	if answer := (*transport.Error)(nil); errors.As(err, &answer) && answer.StatusCode == http.StatusNotFound {
		return fmt.Errorf("the registry has lost it: %w", fs.ErrNotExist)
	}
	return err
}

// explain turns an error on the way to an image into one line: what, why and what to do.
func explain(err error, ref image.Reference, r *repository) error {
	asked := "registry " + ref.Host
	var (
		answer    *transport.Error
		authority x509.UnknownAuthorityError
		hostname  x509.HostnameError
		handshake tls.RecordHeaderError
		insecure  *plainHTTPError
		stalled   *stallError
		inside    *insideError
		by        *url.Error
	)
	switch {
	case errors.As(err, &stalled):
		return &image.DownError{Err: fmt.Errorf("%s: %w: try again, or name a mirror", asked, stalled)}
	case errors.As(err, &inside):
		return fmt.Errorf("%s: %w", asked, inside)
	case errors.As(err, &authority):
		return fmt.Errorf("%s: its certificate is signed by an authority that is not known here: name its PEM file with --ca", asked)
	case errors.As(err, &hostname):
		return fmt.Errorf("%s: %w", asked, hostname)
	case errors.As(err, &answer):
		return refused(answer, ref, r)
	case errors.As(err, &handshake), isPlainAnswer(err), errors.As(err, &insecure) && !errors.As(err, &by):
		return fmt.Errorf("%s: it speaks plain HTTP, which must be allowed: --plain-http %s", asked, ref.Host)
	case errors.As(err, &by):
		return &image.DownError{Err: fmt.Errorf("%s: %w", asked, by.Err)}
	}
	return fmt.Errorf("%s: %q: %w", asked, ref.Familiar(), err)
}

// isPlainAnswer knows the error that net/http makes for a server without TLS; it has no type.
func isPlainAnswer(err error) bool {
	return strings.Contains(err.Error(), "server gave HTTP response to HTTPS client")
}

func refused(e *transport.Error, ref image.Reference, r *repository) error {
	where := "registry " + ref.Host
	switch e.StatusCode {
	case http.StatusNotFound:
		return &image.NotFoundError{Name: ref.Familiar(), Where: where, Err: said(e)}
	case http.StatusUnauthorized, http.StatusForbidden:
		return denied(where, ref, r)
	case http.StatusTooManyRequests:
		return &image.DownError{Err: fmt.Errorf("%s limits how often it may be asked: sign in with docker login %s, wait, or name a mirror", where, ref.Host)}
	}
	err := fmt.Errorf("%s answers %d %s", where, e.StatusCode, http.StatusText(e.StatusCode))
	if why := said(e); why != nil {
		err = fmt.Errorf("%s answers %d: %w", where, e.StatusCode, why)
	}
	if e.StatusCode >= http.StatusInternalServerError {
		return &image.DownError{Err: fmt.Errorf("%w: try again, or name a mirror", err)}
	}
	return err
}

// denied says with which credentials somebody was not let in. Registries answer so, too, where they
// have no such image.
func denied(where string, ref image.Reference, r *repository) error {
	var l login
	if r != nil {
		l = r.login
	}
	switch {
	case l.user != "":
		return fmt.Errorf("%s does not let %q read %q, by the credentials of %s: check its rights, or docker login %s again",
			where, l.user, ref.Repository, l.from, ref.Host)
	case l.trouble != nil:
		return fmt.Errorf("%s lets nobody read %q who is not signed in: %w", where, ref.Repository, l.trouble)
	}
	return fmt.Errorf("%s lets nobody read %q who is not signed in, or has no such image: docker login %s", where, ref.Repository, ref.Host)
}

// said is what the registry itself gives as the reason, if it does.
func said(e *transport.Error) error {
	if len(e.Errors) == 0 {
		return nil
	}
	d := e.Errors[0]
	why := fmt.Sprintf("%.100s", strings.ToLower(strings.ReplaceAll(string(d.Code), "_", " ")))
	if d.Message != "" && !strings.EqualFold(d.Message, why) {
		why = fmt.Sprintf("%s (%.200s)", why, d.Message)
	}
	return errors.New(strings.Join(strings.Fields(why), " "))
}
